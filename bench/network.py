# SPDX-License-Identifier: MIT
"""A loopback of our own, so that figures are of the servers.

What a machine has chosen for TCP counts for more than the server does: with BBR,
which spaces out what it sends by a timer, even on loopback, 128 MiB take seven
times the processor time that they take with CUBIC, which Debian and Linux have.
"""
import contextlib
import ctypes
import fcntl
import socket
import struct
from pathlib import Path

NEW_NETWORK = 0x40000000  # CLONE_NEWNET
GET_FLAGS, SET_FLAGS, IS_UP = 0x8913, 0x8914, 1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP
CONTROL = Path('/proc/sys/net/ipv4/tcp_congestion_control')
USUAL = 'cubic'


def enter():
    """For us and what we start from now on; only root can, others stay."""
    if ctypes.CDLL(None).unshare(NEW_NETWORK):
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        asked = fcntl.ioctl(s, GET_FLAGS, struct.pack('16sh22x', b'lo', 0))
        flags = struct.unpack('16sh22x', asked)[1] | IS_UP
        fcntl.ioctl(s, SET_FLAGS, struct.pack('16sh22x', b'lo', flags))
    with contextlib.suppress(OSError):  # a kernel without it: the table tells
        CONTROL.write_text(USUAL)


def control():
    """How TCP is held back from sending too much."""
    return CONTROL.read_text().strip().upper()

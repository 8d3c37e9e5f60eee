# SPDX-License-Identifier: MIT
"""The rounds of kill.py, with a power cut for each kill, on a real file system:
an ext4 in a file, which is told to shut down without writing out anything, and
mounted anew.  For root, where there are loop devices.

    disk.py PROGRAM [--cuts N] [--seed S] [--mount OPTIONS]
"""

import argparse
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from kill import Rounds, run, scratch
from model import Wrong
import sheaf_http

SIZE = 256 << 20
SHUTDOWN = 0x8004587d  # EXT4_IOC_SHUTDOWN
LOSE_ALL = struct.pack("=I", 2)  # not even the journal is written
# Not data=writeback: it gives the blocks of a file to others before it is
# known on the disk that they are free.
MOUNTS = ("noatime", "noauto_da_alloc", "nodelalloc")


NEW_MOUNTS = 0x20000  # CLONE_NEWNS


def leave_mounts():
    """Who takes a copy of our mounts meanwhile, as other tests do, keeps the
    file system that was shut down, and the next mount would be of that.  So we
    go to where nobody else does."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNTS) == 0:
        tool("mount", "--make-rprivate", "/")


def tool(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


class PowerCuts(Rounds):
    """Kills after which only what was synced is there for sure."""

    ways = ((),)
    mount_options = "noatime"

    def __init__(self, *args, **how):
        super().__init__(*args, **how)
        for c in self.clients:
            c.cuts = True

    def make_root(self):
        self.home = tempfile.mkdtemp(prefix="sheaf-disk-", dir=scratch())
        self.at = os.path.join(self.home, "at")
        os.mkdir(self.at)
        self.image = os.path.join(self.home, "image")
        with open(self.image, "wb") as f:
            f.truncate(SIZE)
        leave_mounts()
        tool("mkfs.ext4", "-q", "-F", self.image)
        self.mount()
        root = os.path.join(self.at, "root")
        os.mkdir(root)
        return root

    def mount(self):
        tool("mount", "-o", "loop," + self.mount_options, self.image, self.at)

    def stop(self):
        for c in self.clients:
            c.failing = True
        fd = os.open(self.at, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, LOSE_ALL)
        finally:
            os.close(fd)
        super().stop()
        tool("umount", self.at)
        self.mount()

    def end(self, remove=True):
        super().end(remove)
        if remove:
            subprocess.run(["umount", self.at], check=False)
            shutil.rmtree(self.home, ignore_errors=True)


def why_not():
    """What keeps it from running here; None: nothing."""
    if os.getuid() != 0:
        return "only root can mount"
    if not os.path.exists("/dev/loop-control"):
        return "no loop devices"
    if not shutil.which("mkfs.ext4", path=os.environ.get("PATH", "") +
                        ":/sbin:/usr/sbin"):
        return "no mkfs.ext4"
    cuts = PowerCuts.__new__(PowerCuts)
    try:
        cuts.server = None
        cuts.root = cuts.make_root()
        fd = os.open(cuts.at, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, LOSE_ALL)
        finally:
            os.close(fd)
    except (OSError, subprocess.CalledProcessError) as e:
        return "no power cuts here: %s" % e
    finally:
        Rounds.end(cuts, remove=False)
        subprocess.run(["umount", cuts.at], check=False,
                       stderr=subprocess.DEVNULL)
        shutil.rmtree(cuts.home, ignore_errors=True)
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("--cuts", type=int, default=100)
    p.add_argument("--seed", default=str(time.time_ns()))
    args = p.parse_args()
    sheaf_http._program[0] = os.path.abspath(args.program)
    reason = why_not()
    if reason:
        print("skipped: " + reason)
        return
    for options in MOUNTS:
        PowerCuts.mount_options = options
        try:
            r = run("%s.%s" % (args.seed, options),
                    args.cuts // len(MOUNTS), kind=PowerCuts)
        except Wrong as e:
            print(options, e)
            sys.exit(1)
        print("ext4, %s: %d cuts, %d changes: nothing lost" % (
            options, r.kills, r.done), flush=True)


if __name__ == "__main__":
    main()

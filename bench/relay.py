# SPDX-License-Identifier: MIT
"""A link of so many bytes a second between a client and a server on this machine."""
import contextlib
import socket
import threading
import time

SLICE = 0.005  # seconds of the link's rate that pass at once
BUFFER = 65536  # what the link itself holds


def up(client, server):
    """The request, as fast as it comes."""
    with contextlib.suppress(OSError):
        while data := client.recv(BUFFER):
            server.sendall(data)


def down(server, client, rate):
    """The answer: each byte has its time."""
    due = time.monotonic()
    with contextlib.suppress(OSError):
        while data := server.recv(int(rate * SLICE)):
            due = max(due, time.monotonic() - SLICE) + len(data) / rate
            time.sleep(max(due - time.monotonic(), 0))
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)


def serve(listener, port, rate):
    with contextlib.suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.socket()
            # Before it connects: the answer waits in the server, not here.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            server.connect(('127.0.0.1', port))
            threading.Thread(target=up, args=(client, server), daemon=True).start()
            threading.Thread(target=down, args=(server, client, rate), daemon=True).start()


@contextlib.contextmanager
def running(port, rate):
    """The port to ask instead of that one."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        threading.Thread(target=serve, args=(listener, port, rate), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)

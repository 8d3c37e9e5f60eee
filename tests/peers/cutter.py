# SPDX-License-Identifier: MIT
"""A connection to a server that breaks off in the middle of an answer.

    with Cutter(peer.address, 100000) as cut:
        ...                          # at cut.url; the first 100,000 bytes come
    cut.requests                     # heads of what was asked, in order
"""

import socket
import threading


class Cutter:
    """Hands on what is asked and answered; of the first answers (as many as
    `times`) so many bytes only."""

    def __init__(self, address, after, times=1):
        self.address = address
        self.after = after
        self.left = times
        self.requests = []
        self.guard = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d/" % self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _accept(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,),
                             daemon=True).start()

    def _serve(self, near):
        with near, socket.create_connection(self.address) as far:
            back = threading.Thread(target=self._answers, args=(far, near),
                                    daemon=True)
            back.start()
            try:
                while True:
                    data = near.recv(65536)
                    if not data:
                        break
                    with self.guard:
                        self.requests.append(data)
                    far.sendall(data)
            except OSError:
                pass
            for s in (far, near):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            back.join()

    def _answers(self, far, near):
        count = 0
        try:
            while True:
                data = far.recv(65536)
                if not data:
                    break
                count += len(data)
                with self.guard:
                    cut = count > self.after and self.left > 0
                    self.left -= cut
                if cut:
                    near.sendall(data[:len(data) - (count - self.after)])
                    break
                near.sendall(data)
        except OSError:
            pass
        try:
            near.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

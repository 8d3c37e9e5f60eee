# SPDX-License-Identifier: MIT
"""A program on a terminal of its own: what it shows there, and what is typed.

    with terminal.Terminal([program, "get", url, "."], cwd, env) as t:
        t.wait_for(b"ETA")
        t.type(b"\\x03")          # Ctrl-C
    t.code, t.shown
"""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time


class Terminal:
    def __init__(self, argv, cwd, env, columns=80, stdout=None):
        """stdout: a file that takes it; else it is the terminal as well."""
        self.shown = b""
        self.code = None
        self.pid, self.fd = pty.fork()
        if not self.pid:
            try:
                # Before the program can ask for it.
                fcntl.ioctl(0, termios.TIOCSWINSZ,
                            struct.pack("HHHH", 24, columns, 0, 0))
                os.chdir(cwd)
                if stdout is not None:
                    os.dup2(stdout.fileno(), 1)
                os.execve(argv[0], argv, env)
            finally:
                os._exit(99)

    def _read(self, patience):
        if not select.select([self.fd], [], [], patience)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other end is closed
            return False
        self.shown += data
        return bool(data)

    def wait_for(self, what, patience=60):
        end = time.monotonic() + patience
        while what not in self.shown:
            if not self._read(0.1) or time.monotonic() > end:
                raise AssertionError("%r was not shown: %r" %
                                     (what, self.shown[-2000:]))

    def type(self, keys):
        os.write(self.fd, keys)

    def wait(self, patience=60):
        end = time.monotonic() + patience
        while self._read(0.1):
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                break
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.code is None:
            self.wait()
        os.close(self.fd)

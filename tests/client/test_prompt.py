# SPDX-License-Identifier: MIT
"""The question for a password: at the terminal, with nothing shown, and a
terminal that is as it was afterwards.

    test_prompt.py SHEAF
"""

import base64
import fcntl
import os
import pty
import signal
import termios
import time

import scripted


class Prompt(scripted.TestCase):
    def setUp(self):
        super().setUp()

        def answer(x):
            if "authorization" in x.fields:
                x.reply(200, x.fields["authorization"].encode())
            else:
                x.reply(401, b"", WWW_Authenticate='Basic realm="x"')
        self.server = self.serve(answer)

    def ask(self, react):
        """Runs until the question stands, then react(fd, pid): (code, text)."""
        url = self.server.url.replace("//", "//alice@") + "f"
        keeper, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        pid = os.fork()
        if not pid:
            os.close(keeper)
            self.take_terminal(slave)
            os.execve(scripted.PROGRAMS[0], ["sheaf", "cat", url], self.env)
        text, reacted = b"", False
        os.set_blocking(keeper, False)
        deadline = time.monotonic() + scripted.PATIENCE
        done, status = 0, 0
        while not done and time.monotonic() < deadline:
            done, status = os.waitpid(pid, os.WNOHANG)
            try:
                text += os.read(keeper, 4096)
            except OSError:
                time.sleep(0.02)
            if b"Password" in text and not reacted:
                reacted = True
                time.sleep(0.2)
                react(keeper, pid)
        after = termios.tcgetattr(slave)
        os.close(slave)
        os.close(keeper)
        self.assertTrue(done, text)
        self.assertEqual(before[3], after[3], "the terminal has changed")
        return os.waitstatus_to_exitcode(status), text

    @staticmethod
    def take_terminal(slave):
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)

    def test_the_password_is_typed_and_not_shown(self):
        code, text = self.ask(lambda fd, _: os.write(fd, b"secret\n"))
        self.assertEqual(code, 0, text)
        self.assertIn(b"Password of alice at 127.0.0.1", text)
        self.assertNotIn(b"secret", text)
        self.assertIn(base64.b64encode(b"alice:secret"), text)

    def test_control_c_ends_it(self):
        code, text = self.ask(lambda fd, _: os.write(fd, b"\x03"))
        self.assertEqual(code, 130, text)

    def test_the_end_of_input_is_no_password(self):
        code, text = self.ask(lambda fd, _: os.write(fd, b"\x04"))
        self.assertEqual(code, 7, text)

    def test_a_signal_restores_the_terminal(self):
        code, text = self.ask(lambda _, pid: os.kill(pid, signal.SIGTERM))
        self.assertEqual(code, 130, text)


if __name__ == "__main__":
    scripted.main()

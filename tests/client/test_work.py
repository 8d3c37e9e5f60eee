# SPDX-License-Identifier: MIT
"""What all commands share: the progress bar, Ctrl-C, the retry file, --json.

    test_work.py PROGRAM
"""

import json
import os
import re
import signal
import stat
import subprocess
import threading
import time

import scripted
import terminal


def slow_file(size, seconds, begun=None):
    """Answers GET with so many bytes in so many seconds."""
    def answer(x):
        x.read_body()
        if x.method != "GET":
            x.reply(404)
            return
        x.send("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nETag: \"1\"\r\n\r\n"
               % size)
        if begun:
            begun.set()
        for _ in range(40):
            x.send(b"x" * (size // 40))
            time.sleep(seconds / 40)
    return answer


def takes_all_but(locked):
    """A server with nothing on it, that takes files but for one."""
    def answer(x):
        x.read_body()
        if x.method != "PUT":
            x.reply(404)
        elif locked and x.target.endswith(locked):
            x.reply(423)
        else:
            x.reply(201, ETag='"7"')
    return answer


class Work(scripted.TestCase):
    def retry_files(self):
        return sorted(n for n in os.listdir(self.dir)
                      if n.startswith("sheaf-retry-"))

    def left(self):
        names = self.retry_files()
        self.assertEqual(len(names), 1)
        self.assertEqual(stat.S_IMODE(os.stat(self.path(names[0])).st_mode),
                         0o600)
        return [json.loads(s) for s in
                self.read(names[0]).decode().splitlines()[1:]]

    def terminal(self, *args, **more):
        return terminal.Terminal([scripted.PROGRAMS[0], *args], self.dir,
                                 {**self.env, "TERM": "xterm"}, **more)

    def test_work_of_more_than_a_second_has_a_bar_with_rate_and_time(self):
        server = self.serve(slow_file(400000, 3))
        with self.terminal("get", server.url + "a", ".") as t:
            t.wait_for(b"ETA")
            self.assertEqual(t.wait(), 0)
        self.assertRegex(t.shown, rb"\r\[=*> *\] +\d+%  0/1  "
                         rb"\d+ kB/400 kB  \d+ kB/s  ETA 0:0\d\x1b\[K")
        # And nothing of it is left.
        self.assertTrue(t.shown.endswith(b"\r\x1b[K"), t.shown[-80:])
        self.assertEqual(len(self.read("a")), 400000)

    def test_work_of_less_has_none(self):
        server = self.serve(lambda x: x.reply(200, b"x", ETag='"1"'))
        with self.terminal("get", server.url + "a", ".") as t:
            self.assertEqual(t.wait(), 0)
        self.assertEqual(t.shown, b"")

    def test_a_quiet_one_has_none(self):
        server = self.serve(slow_file(4000, 2))
        with self.terminal("get", "-q", server.url + "a", ".") as t:
            self.assertEqual(t.wait(), 0)
        self.assertEqual(t.shown, b"")

    def test_outside_of_a_terminal_there_is_none(self):
        server = self.serve(slow_file(4000, 2))
        p = self.sheaf("get", server.url + "a", ".")
        self.assertEqual((p.stdout, p.stderr), (b"", b""))

    def test_a_bar_fits_its_terminal(self):
        server = self.serve(slow_file(400000, 2))
        with self.terminal("get", server.url + "a", ".", columns=40) as t:
            t.wait()
        for part in re.findall(rb"\r([^\r\x1b]*)\x1b", t.shown):
            self.assertLess(len(part), 40)

    def test_the_first_interrupt_finishes_what_has_begun(self):
        begun = threading.Event()
        server = self.serve(slow_file(40000, 2, begun))
        urls = [server.url + n for n in "abcdef"]
        p = self.popen("get", "-j", "1", *urls, ".", stderr=-1, stdout=-1)
        self.assertTrue(begun.wait(30))
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 130, err)
        self.assertIn(b"interrupted: what has begun is finished", err)
        done = [n for n in "abcdef" if os.path.exists(self.path(n))]
        self.assertTrue(done)
        self.assertTrue(all(len(self.read(n)) == 40000 for n in done))
        self.assertEqual(sorted(o["url"] for o in self.left()),
                         sorted(u for u in urls if u[-1] not in done))
        self.assertTrue(all(o["op"] == "read" and o["fate"] == "left"
                            for o in self.left()))
        self.sheaf("retry", *self.retry_files())
        self.assertEqual(self.files(), list("abcdef"))

    def test_the_second_interrupt_stops_at_once(self):
        begun = threading.Event()
        server = self.serve(slow_file(400000, 60, begun))
        with self.terminal("get", server.url + "a", server.url + "b",
                           ".") as t:
            self.assertTrue(begun.wait(30))
            t.type(b"\x03")
            t.wait_for(b"once more stops at once")
            start = time.monotonic()
            t.type(b"\x03")
            self.assertEqual(t.wait(), 130)
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual(sorted(o["url"] for o in self.left()),
                         [server.url + "a", server.url + "b"])

    def test_a_signal_that_is_ignored_stays_ignored(self):
        begun = threading.Event()
        server = self.serve(slow_file(4000, 1, begun))
        p = self.popen("get", server.url + "a", ".", stderr=-1, preexec_fn=(
            lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)))
        self.assertTrue(begun.wait(30))
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=60)
        self.assertEqual((p.returncode, err), (0, b""))

    def test_an_earlier_retry_file_is_never_touched(self):
        server = self.serve(lambda x: x.reply(403))
        local = self.write("local", b"x")
        for _ in range(3):
            self.sheaf("put", local, server.url, code=7)
        self.assertEqual(len(self.retry_files()), 3)
        for name in self.retry_files():
            self.assertEqual(len(self.read(name).splitlines()), 2)

    def test_a_folder_that_cannot_be_written_loses_nothing(self):
        server = self.serve(lambda x: x.reply(403))
        local = self.write("local", b"x")
        os.mkdir(self.path("tmp"))
        # Not even root makes files there.
        p = subprocess.run([scripted.PROGRAMS[0], "put", local, server.url],
                           cwd="/proc", stdin=subprocess.DEVNULL,
                           env={**self.env, "TMPDIR": self.path("tmp")},
                           stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(p.returncode, 7, p.stderr)
        self.assertEqual(len(os.listdir(self.path("tmp"))), 1)

    def test_the_file_asked_for_is_known_to_be_writable_before(self):
        server = self.serve(lambda x: x.reply(201))
        local = self.write("local", b"x")
        p = self.sheaf("put", "--failed-out", "no/such/f", local, server.url,
                       code=1)
        self.assertIn("no/such/f", p.err)
        self.assertEqual(server.requests, [])

    def test_json_goes_to_stdout_and_ends_with_a_summary(self):
        server = self.serve(takes_all_but("b"))
        names = [self.write(n, b"data") for n in "ab"]
        p = self.sheaf("put", "--json", *names, server.url, code=3)
        lines = [json.loads(s) for s in p.stdout.splitlines()]
        by = {x.get("url"): x for x in lines[:-1]}
        self.assertEqual(by[server.url + "a"]["fate"], "done")
        self.assertEqual(by[server.url + "b"]["fate"], "failed")
        self.assertEqual(by[server.url + "b"]["retry"], "when-freed")
        self.assertEqual(
            [lines[-1][k] for k in ("type", "total", "done", "failed",
                                    "exit")], ["summary", 2, 1, 1, 3])
        self.assertIn(lines[-1]["retryFile"], self.retry_files())

    def test_a_summary_stands_at_the_end_if_something_failed(self):
        server = self.serve(takes_all_but("b"))
        names = [self.write(n, b"data") for n in "abc"]
        p = self.sheaf("put", *names, server.url, code=3)
        self.assertIn("sheaf: 2 done, 1 failed\n", p.err)
        self.assertIn("sheaf retry sheaf-retry-", p.err)
        self.assertEqual(p.stdout, b"")

    def test_output_that_nobody_reads_is_no_success(self):
        server = self.serve(takes_all_but(""))
        local = self.write("local", b"x")
        with open("/dev/full", "wb") as full:
            p = self.popen("put", "--json", local, server.url, stdout=full,
                           stderr=-1)
            _, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 1)
        self.assertIn(b"cannot write to the output", err)


if __name__ == "__main__":
    scripted.main()

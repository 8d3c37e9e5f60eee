# SPDX-License-Identifier: MIT
"""A server that runs: time-outs, limits, slow clients, stopping, reloading."""

import contextlib
import json
import os
import signal
import socket
import shutil
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import zlib

import sheaf_http
import test_parked
from test_protocol import head

# A sanitizer takes seconds for each ten thousand, on a machine that is alone.
MEMBERS = 8000 if os.environ.get("SHEAF_SANITIZED") else 20000


def many_files(folder, n):
    os.mkdir(folder)
    for i in range(n):
        with open("%s/a-name-of-some-length-%06d" % (folder, i), "wb"):
            pass


class ServerOfMany(sheaf_http.Server):
    """On a folder of MEMBERS files, the same for all: they take long to make."""

    shared = None

    def __init__(self, *args):
        if not ServerOfMany.shared:
            home = ServerOfMany.shared = tempfile.mkdtemp(prefix="sheaf-test-")
            unittest.addModuleCleanup(shutil.rmtree, home)
            os.mkdir(os.path.join(home, "root"))
            many_files(os.path.join(home, "root", "many"), MEMBERS)
        state = tempfile.mkdtemp(prefix="state-", dir=ServerOfMany.shared)
        super().__init__("--state", state, *args,
                         root=os.path.join(ServerOfMany.shared, "root"))


def listing(c, target="/many/", **headers):
    c.request("PROPFIND", target, {"Depth": "1", **headers})


def begin_upload(c, target):
    """Half of ten bytes, of which the server knows."""
    c.send(head("PUT %s HTTP/1.1" % target, "Host: a", "Content-Length: 10",
                "Expect: 100-continue"))
    if c.head().status != 100:
        raise AssertionError("it is not to go on")
    c.send(b"01234")


class Limits(sheaf_http.TestCase):

    args = ("--connections", "40", "--connections-per-address", "10",
            "--max-upload", "100K", "--max-xml", "8K", "--max-header", "8K",
            "--threads", "2", "--park-after", "30s")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.before = cls.server.sockets()

    def wait_till_open(self, n):
        sheaf_http.eventually(
            lambda: self.server.sockets() == self.before + n,
            "%d connections" % n)

    def is_let_in(self):
        """Whether a new connection is served."""
        with self.server.connect() as c:
            try:
                c.request("OPTIONS", "/")
                return c.response().status == 200
            except (ConnectionError, sheaf_http.Truncated):
                return False

    def test_an_address_has_its_share_of_connections(self):
        self.wait_till_open(0)
        held = [self.server.connect() for _ in range(10)]
        try:
            for c in held:
                c.request("OPTIONS", "/")
                self.assertEqual(c.response().status, 200)
            # Another has to wait till one of them goes ...
            with self.server.connect() as c:
                c.request("OPTIONS", "/")
                c.sock.settimeout(1.5)
                with self.assertRaises(TimeoutError):
                    c.response()
                c.sock.settimeout(sheaf_http.PATIENCE)
                held.pop().close()
                self.assertEqual(c.response().status, 200)
            # ... and there is no place for more than three quarters.
            self.wait_till_open(len(held))
            held += [self.server.connect() for _ in range(30 - len(held))]
            self.wait_till_open(30)
            with self.server.connect() as c:
                self.assertTrue(c.closed())
            held.pop().close()
            sheaf_http.eventually(self.is_let_in, "a place becomes free")
        finally:
            for c in held:
                c.close()
            # Or the next test would find its place still taken.
            self.wait_till_open(0)

    def test_who_waits_in_vain_is_told_that_it_is_not_his_fault(self):
        with sheaf_http.Server("--connections-per-address", "1",
                               "--header-timeout", "1s", "--min-rate",
                               "0") as s, s.connect() as first:
            begin_upload(first, "/up")
            with s.connect() as c:
                c.request("OPTIONS", "/")
                r = c.response()
                self.assertEqual((r.status, r.header("Retry-After")),
                                 (503, "1"))
                self.assertTrue(c.closed())
            first.send(b"56789")
            self.assertEqual(first.response().status, 201)

    def test_uploads_and_xml_over_the_limit_are_413(self):
        big = b"x" * (100 * 1024)
        with self.server.connect() as c:
            c.request("PUT", "/fits", body=big)
            self.assertEqual(c.response().status, 201)
            c.request("PUT", "/more", body=big + b"x")
            self.assertEqual(c.response().status, 413)
            c.send(head("PUT /more HTTP/1.1", "Host: a",
                        "Transfer-Encoding: chunked") +
                   b"%x\r\n%s\r\n0\r\n\r\n" % (len(big) + 1, big + b"x"))
            self.assertEqual(c.response().status, 413)
            c.request("PROPFIND", "/", {"Depth": "0"},
                      b"<propfind xmlns='DAV:'><prop>" +
                      b" " * 9000 + b"<a/></prop></propfind>")
            self.assertEqual(c.response().status, 413)
            c.request("GET", "/more")
            self.assertEqual(c.response().status, 404)

    def test_the_header_limit_is_the_configured_one(self):
        for size, status in ((7000, 200), (8200, 431), (30000, 431)):
            with self.subTest(size), self.server.connect() as c:
                c.send(head("OPTIONS / HTTP/1.1", "Host: a",
                            "X: " + "x" * size))
                self.assertEqual(c.response().status, status)


class Streams(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        # However long a busy machine takes, nobody is given up here.
        cls.server = ServerOfMany("--workers", "2", "--threads", "2",
                                  "--connections-per-address", "0",
                                  "--idle-timeout", "600s", "--min-rate", "0")
        cls.server.write("big", os.urandom(1 << 20) * 32)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_a_long_answer_streams_whole_and_well_formed(self):
        with self.server.connect() as c:
            listing(c)
            r = c.response()
        self.assertEqual(r.status, 207)
        self.assertTrue(r.chunked)
        self.assertEqual(r.body.count(b"</D:response>"), MEMBERS + 1)
        self.assertTrue(r.body.rstrip().endswith(b"multistatus>"))

    def test_http_1_0_gets_the_length_of_a_long_answer(self):
        r = self.server.raw(head("PROPFIND /many/ HTTP/1.0", "Depth: 1"))
        self.assertEqual(int(r.header("Content-Length")), len(r.body))
        self.assertEqual(r.body.count(b"</D:response>"), MEMBERS + 1)

    def test_slow_readers_hold_no_worker_and_little_memory(self):
        slow = []
        many = 10 if os.environ.get("SHEAF_SANITIZED") else 40
        try:
            for _ in range(many):
                c = self.server.connect(4 * sheaf_http.PATIENCE)
                c.slow()
                listing(c)
                slow.append(c)
            heads = [c.head() for c in slow]
            self.assertEqual({r.status for r in heads}, {207})
            # Both workers are free while many answers wait to be read: one
            # that was held would be till we read, and nobody is given up.
            with self.server.connect() as c:
                c.request("PROPFIND", "/", {"Depth": "1"})
                self.assertEqual(c.response().status, 207)
            if not self.server.is_sanitized():
                self.assertLess(self.server.resident(), 48 << 20)
            # Its length is known where it was over before it was sent.
            with slow.pop() as c:
                body = c.rest(heads[-1]).body
            self.assertEqual(body.count(b"</D:response>"), MEMBERS + 1)
        finally:
            for c in slow:
                c.close()

    def test_clients_that_leave_in_the_middle_cost_nothing(self):
        before = self.server.descriptors()
        for i in range(30):
            c = self.server.connect()
            if i % 3 == 0:
                c.request("GET", "/big")
            else:
                listing(c)
            c.sock.recv(100)
            (c.reset if i % 2 else c.close)()
        sheaf_http.eventually(
            lambda: self.server.descriptors() <= before + 2,
            "descriptors are closed")
        self.assertEqual(self.server.request("OPTIONS", "/").status, 200)

    def test_a_file_that_becomes_shorter_while_it_is_sent_cuts_the_answer(self):
        before = self.server.descriptors()
        for headers, left in (({}, 1000), ({"Range": "bytes=1000-"}, 0)):
            with self.subTest(headers=headers):
                self.server.write("shrinks", b"x" * (64 << 20))
                with self.server.connect() as c:
                    c.slow()
                    c.request("GET", "/shrinks", headers)
                    want = int(c.head().header("Content-Length"))
                    os.truncate(self.server.path("shrinks"), left)
                    self.assertLess(len(c.to_end()), want)
        # Nor is it waited for who has left meanwhile.
        self.server.write("shrinks", b"x" * (64 << 20))
        with self.server.connect() as c:
            c.slow()
            c.request("GET", "/shrinks")
            c.head()
            os.truncate(self.server.path("shrinks"), 0)
        sheaf_http.eventually(
            lambda: self.server.descriptors() <= before + 1,
            "descriptors are closed", 10)
        os.unlink(self.server.path("shrinks"))

    def test_an_end_that_comes_with_the_last_bytes_is_seen(self):
        """In one segment, which is one event: it is not waited for another."""
        before = self.server.descriptors()
        gone = []
        for last in (b"PUT /x HT", b"PUT /x HTTP/1.1\r\nHost: a\r\nConte",
                     b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\nx",
                     b"PUT /x HTTP/1.1\r\nHost: a\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"):
            c = self.server.connect()
            c.request("OPTIONS", "/")
            self.assertEqual(c.response().status, 200)
            c.sock.send(last, socket.MSG_MORE)
            c.sock.shutdown(socket.SHUT_WR)
            gone.append(c)
        sheaf_http.eventually(
            lambda: self.server.descriptors() <= before,
            "connections are closed")
        for c in gone:
            c.close()
        self.assertEqual(self.server.request("GET", "/x").status, 404)

    def test_a_large_file_comes_whole_and_in_parts(self):
        want = self.server.read("big")
        with self.server.connect() as c:
            c.request("GET", "/big")
            self.assertEqual(c.response().body, want)
            for start, end in ((0, 0), (5, 100000), (1000, 20000000),
                               (len(want) - 1, len(want) - 1)):
                c.request("GET", "/big",
                          {"Range": "bytes=%d-%d" % (start, end)})
                r = c.response()
                self.assertEqual(r.status, 206)
                self.assertEqual(r.body, want[start:end + 1])
            c.request("GET", "/big", {"Range": "bytes=0-9,1000-99999"})
            r = c.response()
            self.assertEqual(r.status, 206)
            self.assertIn(want[1000:100000], r.body)
            self.assertEqual(int(r.header("Content-Length")), len(r.body))

    def test_more_than_may_wait_are_told_to_come_again(self):
        with ServerOfMany("--workers", "1", "--queue", "2") as s:
            many = [s.connect() for _ in range(20)]
            for c in many:
                listing(c)
            answers = [c.response() for c in many]
            for c in many:
                c.request("OPTIONS", "/")
                self.assertEqual(c.response().status, 200)
                c.close()
        busy = [r for r in answers if r.status == 503]
        done = [r for r in answers if r.status == 207]
        self.assertEqual(len(busy) + len(done), 20)
        self.assertTrue(busy and done)
        for r in busy:
            self.assertEqual(r.header("Retry-After"), "1")
        for r in done:
            self.assertEqual(r.body.count(b"</D:response>"), MEMBERS + 1)

    def test_uploads_that_are_taken_together_have_an_answer_each(self):
        with sheaf_http.Server("--workers", "1") as s:
            os.mkdir(s.path("there"))
            s.write("old", b"old")
            for turn in range(3):
                many = [s.connect() for _ in range(32)]
                for i, c in enumerate(many):
                    target = ("/there/%d-%d" % (turn, i), "/none/%d" % i,
                              "/old", "/%d-%d" % (turn, i))[i % 4]
                    c.request("PUT", target, body=b"%d" % i)
                for c in many[28:]:  # these do not wait for theirs
                    c.close()
                got = [c.response().status for c in many[:28]]
                for c in many[:28]:
                    c.close()
                self.assertEqual(got, [201, 409, 204, 201] * 7)
                for i in range(0, 28, 4):
                    self.assertEqual(s.request("GET", "/there/%d-%d" % (
                        turn, i)).body, b"%d" % i)
                self.assertIn(int(s.request("GET", "/old").body),
                              range(2, 32, 4))

    def test_many_at_once(self):
        failures = []
        turns = 10 if os.environ.get("SHEAF_SANITIZED") else 30

        def work(n):
            try:
                with self.server.connect() as c:
                    for i in range(turns):
                        name = "/w%d" % n
                        body = b"%d" % i * (n * 100 + 1)
                        c.request("PUT", name, body=body)
                        if c.response().status not in (201, 204):
                            failures.append("put")
                        c.request("GET", name)
                        if c.response().body != body:
                            failures.append("get")
                        if i % 10 == 0:
                            listing(c)
                            if c.response().body.count(
                                    b"</D:response>") != MEMBERS + 1:
                                failures.append("list")
            except Exception as e:  # reported below, in the test's thread
                failures.append(repr(e))
        threads = [threading.Thread(target=work, args=(n,))
                   for n in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failures, [])


class Coding(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.server = sheaf_http.Server()
        many_files(cls.server.path("many"), 2000)
        cls.server.write("text", b"compressible " * 10000)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def plain(self):
        with self.server.connect() as c:
            listing(c)
            return c.response().body

    def test_listings_are_coded_as_accepted(self):
        plain = self.plain()
        for accept, coding in (
                ("gzip", "gzip"), ("zstd", "zstd"), ("gzip, zstd", "zstd"),
                ("gzip;q=1, zstd;q=0.5", "gzip"), ("*", "zstd"),
                ("zstd;q=0, *", "gzip"), ("br", None), ("identity", None),
                ("gzip;q=0", None)):
            with self.subTest(accept), self.server.connect() as c:
                listing(c, **{"Accept-Encoding": accept})
                r = c.response()
                self.assertEqual(r.header("Content-Encoding"), coding)
                self.assertIn("accept-encoding", r.tokens("Vary"))
                if coding == "gzip":
                    d = zlib.decompressobj(31)
                    body = d.decompress(r.body)
                    self.assertTrue(d.eof)
                elif coding == "zstd":
                    body = subprocess.run(
                        ["zstd", "-dc"], input=r.body, check=True,
                        stdout=subprocess.PIPE).stdout if has_zstd() else None
                else:
                    body = r.body
                if body is not None:
                    self.assertEqual(sorted(body.split(b"\n")),
                                     sorted(plain.split(b"\n")))
                if coding:
                    self.assertLess(len(r.body) * 10, len(plain))

    def test_files_and_short_answers_are_sent_as_they_are(self):
        for method, target in (("GET", "/text"), ("GET", "/none"),
                               ("OPTIONS", "/")):
            r = self.server.request(method, target,
                                    {"Accept-Encoding": "gzip, zstd"})
            self.assertIsNone(r.header("Content-Encoding"))
            if method == "GET" and r.status == 200:
                self.assertEqual(r.body, self.server.read("text"))
                self.assertNotIn("accept-encoding", r.tokens("Vary"))

    def test_it_can_be_switched_off(self):
        with sheaf_http.Server("--no-compression") as s:
            many_files(s.path("many"), 100)
            with s.connect() as c:
                listing(c, **{"Accept-Encoding": "gzip"})
                r = c.response()
                self.assertIsNone(r.header("Content-Encoding"))
                self.assertNotIn("accept-encoding", r.tokens("Vary"))


def has_zstd():
    return any(os.access(os.path.join(d, "zstd"), os.X_OK)
               for d in os.environ.get("PATH", "").split(":"))


class Stopping(unittest.TestCase):

    def test_sigterm_lets_requests_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), ServerOfMany() as s:
                idle = s.connect()
                idle.request("OPTIONS", "/")
                idle.response()
                upload = s.connect()
                begin_upload(upload, "/up")
                reader = s.connect()
                reader.slow()
                listing(reader)
                r = reader.head()
                self.assertEqual(r.status, 207)
                s.signal(number)
                self.assertTrue(idle.closed())
                sheaf_http.eventually(lambda: refused(s), "it refuses")
                self.assertIsNone(s.process.poll())
                body = reader.rest(r).body
                self.assertEqual(body.count(b"</D:response>"), MEMBERS + 1)
                upload.send(b"56789")
                r = upload.response()
                self.assertEqual(r.status, 201)
                self.assertIn("close", r.tokens("Connection"))
                self.assertEqual(s.wait(), 0)
                self.assertEqual(s.read("up"), b"0123456789")
                os.unlink(s.path("up"))
                for c in (idle, upload, reader):
                    c.close()

    def test_patience_has_an_end(self):
        with ServerOfMany("--stop-timeout", "1s") as s:
            c = s.connect()
            c.slow()
            listing(c)
            r = c.head()
            began = time.monotonic()
            s.signal(signal.SIGTERM)
            self.assertEqual(s.wait(), 0)
            self.assertLess(time.monotonic() - began, 6)
            with self.assertRaises((sheaf_http.Truncated, ConnectionError)):
                c.rest(r)
            c.close()

    def test_a_second_signal_ends_patience(self):
        with sheaf_http.Server() as s:
            c = s.connect()
            c.send(head("PUT /up HTTP/1.1", "Host: a", "Content-Length: 10"))
            c.request("OPTIONS", "/")  # as part of the body
            c2 = s.connect()
            begin_upload(c2, "/up2")
            s.signal(signal.SIGTERM)
            time.sleep(0.3)
            self.assertIsNone(s.process.poll())
            s.signal(signal.SIGTERM)
            self.assertEqual(s.wait(10), 0)
            self.assertFalse(os.path.exists(s.path("up2")))
            c.close()
            c2.close()


def lines(name):
    with open(name) as f:
        return len(f.readlines())


def refused(server):
    try:
        server.connect(1).close()
        return False
    except OSError:
        return True


class Reloading(unittest.TestCase):

    def test_sighup_takes_new_values_and_reopens_the_log(self):
        with sheaf_http.Server() as probe:
            home = probe.home
            conf = os.path.join(home, "sheaf.ini")
            log = os.path.join(home, "access.log")
            mime = os.path.join(home, "mime.types")
            with open(mime, "w") as f:
                f.write("text/x-first odd\n")

            def configure(limit, extra=""):
                with open(conf, "w") as f:
                    f.write("[limits]\nmax-upload = %s\n%s"
                            "[log]\naccess-log = %s\nlog-format = json\n"
                            "[server]\nmime-types = %s\n" %
                            (limit, extra, log, mime))
            configure("10")
            with sheaf_http.Server("--config", conf) as s:
                s.write("f.odd", b"x")
                with s.connect() as c:
                    c.request("PUT", "/f", body=b"x" * 20)
                    self.assertEqual(c.response().status, 413)
                    c.request("GET", "/f.odd")
                    self.assertEqual(c.response().header("Content-Type"),
                                     "text/x-first")
                    # A line is written behind its answer.
                    sheaf_http.eventually(lambda: lines(log) == 2, "two lines")
                    os.rename(log, log + ".1")
                    configure("30", "connections = 7\n")
                    with open(mime, "w") as f:
                        f.write("text/x-second odd\n")
                    s.signal(signal.SIGHUP)
                    s.wait_log("read again")
                    s.wait_log("connections needs a restart")
                    c.request("PUT", "/f", body=b"x" * 20)
                    self.assertEqual(c.response().status, 201)
                    c.request("GET", "/f.odd")
                    self.assertEqual(c.response().header("Content-Type"),
                                     "text/x-second")
                    configure("many")
                    s.signal(signal.SIGHUP)
                    s.wait_log(r"stays as it was: .*sheaf.ini:2: max-upload")
                    c.request("PUT", "/f", body=b"x" * 40)
                    self.assertEqual(c.response().status, 413)
            with open(log + ".1") as f:
                self.assertEqual(
                    [json.loads(x)["status"] for x in f], [413, 200])
            with open(log) as f:
                self.assertEqual(
                    [json.loads(x)["status"] for x in f], [201, 200, 413])


class Logs(unittest.TestCase):

    def test_common_lines_are_escaped(self):
        with sheaf_http.Server("--log-format", "combined") as s:
            s.raw(head('GET /"\\\xff HTTP/1.1', "Host: a",
                       'User-Agent: "x"\xe9', "Referer: r"))
            line = s.wait_log("GET")
        self.assertRegex(
            line,
            r'^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
            r'"GET /\\"\\\\\\xff HTTP/1\.1" \d+ \d+ "r" "\\"x\\"\\xe9"$')

    def test_json_lines_are_json_whatever_the_bytes(self):
        with sheaf_http.Server("--log-format", "json") as s:
            s.raw(head("GET /\xff%0a\" HTTP/1.1", "Host: a"))
            r = json.loads(s.wait_log("request"))
        self.assertEqual(r["method"], "GET")
        self.assertEqual(r["host"], "127.0.0.1")
        self.assertEqual(r["type"], "request")
        self.assertGreaterEqual(r["ms"], 0)

    def test_a_failed_member_has_a_line(self):
        if os.geteuid() == 0 and not hasattr(os, "setuid"):
            self.skipTest("needs another user")
        prefix = ()
        if os.geteuid() == 0:
            prefix = ("setpriv", "--reuid=65534", "--regid=65534",
                      "--clear-groups")
        base = tempfile.mkdtemp(prefix="sheaf-test-")
        try:
            os.chmod(base, 0o755)
            root = os.path.join(base, "root")
            os.makedirs(os.path.join(root, "d", "kept"))
            for name in "member", "another":
                with open(os.path.join(root, "d", "kept", name), "w"):
                    pass
            with open(os.path.join(root, "d", "other"), "w"):
                pass
            if os.geteuid() == 0:
                for where, dirs, files in os.walk(root):
                    for name in [where] + [os.path.join(where, f)
                                           for f in files]:
                        os.chown(name, 65534, 65534)
            os.chmod(os.path.join(root, "d", "kept"), 0o555)
            with sheaf_http.Server(root=root, prefix=prefix) as s:
                r = s.request("DELETE", "/d")
                self.assertEqual(r.status, 207)
                s.wait_log(r"#\d+ DELETE /d/kept/member: 403 ")
                s.wait_log(r"#\d+ DELETE /d/kept/another: 403 ")
                s.wait_log(r"#\d+ DELETE /d: 2 failed in all")
        finally:
            subprocess.run(["chmod", "-R", "u+w", base], check=True)
            shutil.rmtree(base)


class Proxies(unittest.TestCase):

    def test_a_prefix_is_taken_off_and_put_on(self):
        with sheaf_http.Server("--prefix", "/dav") as s:
            self.assertTrue(s.url.endswith("/dav/"))
            with s.connect() as c:
                c.request("PUT", "/dav/f", body=b"x")
                self.assertEqual(c.response().status, 201)
                c.request("GET", "/f")
                self.assertEqual(c.response().status, 404)
                c.request("GET", "/davx/f")
                self.assertEqual(c.response().status, 404)
                c.request("PROPFIND", "/dav/", {"Depth": "1"})
                self.assertIn(b"<D:href>/dav/f</D:href>", c.response().body)
                c.request("MOVE", "/dav/f", {
                    "Destination": "http://%s/dav/g" % c.host})
                self.assertEqual(c.response().status, 201)
            self.assertEqual(s.read("g"), b"x")

    def test_the_path_of_the_base_url_is_the_prefix_unless_that_is_given(self):
        url = "https://files.example.org/a%20b"
        for args, front in (((), "/a%20b"), (("--prefix", "/"), ""),
                            (("--prefix", "/in"), "/in")):
            with self.subTest(args), \
                    sheaf_http.Server("--base-url", url, *args) as s:
                self.assertEqual(
                    s.request("PUT", front + "/f", body=b"x").status, 201)
                self.assertEqual(s.request("GET", "/out/f").status, 404)
                r = s.request("COPY", front + "/f",
                              {"Destination": url + "/g"})
                self.assertEqual(r.status, 201)
                r = s.request("PROPFIND", front + "/", {"Depth": "1"})
                self.assertIn(b"<D:href>/a%20b/g</D:href>", r.body)

    def test_forwarded_counts_from_who_is_trusted(self):
        for trusted, status in (("127.0.0.0/8", 201), ("10.0.0.1", 502)):
            with self.subTest(trusted), \
                    sheaf_http.Server("--trusted-proxies", trusted) as s:
                s.write("f", b"x")
                r = s.request("COPY", "/f", {
                    "Destination": "https://out.example/g",
                    "Forwarded": "for=1.2.3.4;proto=https;host=out.example"})
                self.assertEqual(r.status, status)


def name(s, tid):
    with open("/proc/%d/task/%d/comm" % (s.pid, tid), encoding="ascii") as f:
        return f.read().strip()


def threads(s, begins=""):
    """Of a server: those whose names begin so."""
    tids = map(int, os.listdir("/proc/%d/task" % s.pid))
    return {tid for tid in tids if name(s, tid).startswith(begins)}


class Starting(unittest.TestCase):

    def refusal(self, *args, env=None):
        p = subprocess.run(
            [sheaf_http._program[0], "serve", *args], text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=30,
            env={**os.environ, **(env or {})}, check=False)
        return p.returncode, p.stderr

    def test_an_address_is_not_shared_with_another(self):
        for threads in "1", "2":
            with sheaf_http.Server("--threads", threads) as s, \
                    tempfile.TemporaryDirectory() as d:
                at = "%s:%d" % s.address
                got = self.refusal("--listen", at, "--threads", "2", d)
                self.assertEqual(got[0], 1, got)
                self.assertIn("Address already in use", got[1])

    @contextlib.contextmanager
    def asked_from_two_processors(self):
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("one processor")
        with sheaf_http.Server("--threads", "2") as s:
            os.mkdir(s.path("d"))
            for number in range(2):
                with test_parked.processor(number), s.connect() as c:
                    c.request("OPTIONS", "/")
                    self.assertEqual(c.response().status, 200)
            yield s

    def test_only_what_moves_bytes_stays_on_a_processor(self):
        may = os.sched_getaffinity(0)
        with self.asked_from_two_processors() as s:
            movers = threads(s, "io-")
            self.assertEqual(len(movers), 2)
            if {i % 2 for i in may} == {0, 1}:
                one, two = map(os.sched_getaffinity, movers)
                self.assertEqual((one | two, one & two), (may, set()))
            before = threads(s)
            # A collection is copied by a worker, which an I/O thread makes.
            r = s.request("COPY", "/d/", {"Destination": s.url + "/e/"})
            self.assertEqual(r.status, 201)
            self.assertGreater(threads(s), before)
            for thread in threads(s) - movers:
                self.assertEqual(os.sched_getaffinity(thread), may)

    def test_a_thread_that_sends_long_files_may_go_elsewhere(self):
        may = os.sched_getaffinity(0)
        if len(may) < 2:
            self.skipTest("one processor")
        with sheaf_http.Server("--threads", "2") as s:
            s.write("short", b"x" * (1 << 20))
            s.write("long", b"x" * (64 << 20))
            with test_parked.processor(min(may)), \
                    s.connect() as one, s.connect() as two:
                for c in one, two:
                    c.slow()
                    c.request("GET", "/short")
                    self.assertEqual(c.response().status, 200)
                (thread,) = threads(s, "io-")
                place = os.sched_getaffinity(thread)
                self.assertLess(len(place), len(may))
                heads = []
                for c in one, two:
                    c.request("GET", "/long")
                    heads.append(c.head())
                    self.assertEqual(os.sched_getaffinity(thread), may)
                self.assertEqual(len(one.rest(heads[0]).body), 64 << 20)
                one.request("GET", "/short")
                self.assertEqual(one.response().status, 200)
                self.assertEqual(os.sched_getaffinity(thread), may)
                two.close()
                sheaf_http.eventually(
                    lambda: os.sched_getaffinity(thread) == place,
                    "back in its place")

    def test_threads_go_where_the_program_may_run(self):
        may = os.sched_getaffinity(0)
        with self.asked_from_two_processors() as s:
            r = s.request("COPY", "/d/", {"Destination": s.url + "/e/"})
            self.assertEqual(r.status, 201)
            before = {t: os.sched_getaffinity(t) for t in threads(s)}
            os.sched_setaffinity(s.pid, {min(may)})
            sheaf_http.eventually(
                lambda: all(os.sched_getaffinity(t) == {min(may)}
                            for t in threads(s)), "on one")
            os.sched_setaffinity(s.pid, may)
            sheaf_http.eventually(
                lambda: all(os.sched_getaffinity(t) == before.get(t, may)
                            for t in threads(s)), "as before")

    def test_each_thread_says_what_it_does(self):
        with sheaf_http.Server("--threads", "1") as s:
            os.mkdir(s.path("d"))
            r = s.request("COPY", "/d/", {"Destination": s.url + "/e/"})
            self.assertEqual(r.status, 201)
            # Who looks after listings, or after staging, comes and goes.
            sheaf_http.eventually(
                lambda: {name(s, tid) for tid in threads(s)} -
                {"listings", "staging"} ==
                {"sheaf", "io-0", "worker", "parked", "early-answers",
                 "state"}, "names")

    def test_what_cannot_be_is_said_and_exits_as_promised(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            cases = [
                (("--listen", "0.0.0.0:0"), 2, "--anonymous"),
                (("--listen", "[::]:0"), 2, "--anonymous"),
                (("--listen", "example.org:80"), 2, "no address such as"),
                (("--listen", "127.0.0.1"), 2, "ADDRESS:PORT"),
                (("--listen", "127.0.0.1:99999"), 2, "ADDRESS:PORT"),
                (("--listen", "127.0.0.1:%d" % port), 1,
                 "Address already in use"),
                (("--prefix", "dav/.."), 2, "prefix"),
                (("--base-url", "ftp://x"), 2, "base-url"),
                (("--trusted-proxies", "10.0.0.0/33"), 2, "10.0.0.0/33"),
                (("--workers", "0"), 2, "from 1 to 1024"),
                (("--nonsense",), 2, "sheaf help serve"),
                (("/nonexistent",), 1, "/nonexistent"),
                (("--access-log", "/nonexistent/log"), 1,
                 "/nonexistent/log"),
            ]
            for args, code, said in cases:
                with self.subTest(args):
                    with tempfile.TemporaryDirectory() as d:
                        got = self.refusal(*args, *(
                            [] if args == ("/nonexistent",) else [d]))
                    self.assertEqual(got[0], code, got)
                    self.assertIn(said, got[1])

    def test_ipv6(self):
        try:
            s = sheaf_http.Server(listen="[::1]:0")
        except RuntimeError as e:
            if "Cannot assign" in str(e) or "not supported" in str(e):
                self.skipTest("no IPv6 here")
            raise
        with s:
            self.assertTrue(s.url.startswith("http://[::1]:"))
            self.assertEqual(s.request("OPTIONS", "/").status, 200)

    def test_print_config_is_a_config(self):
        p = subprocess.run(
            [sheaf_http._program[0], "serve", "--max-xml", "2M",
             "--print-config"], text=True, capture_output=True, check=True)
        self.assertIn("\nmax-xml = 2M\n", p.stdout)
        self.assertIn("\n[timeouts]\n", p.stdout)

    def test_a_small_idle_server(self):
        # Not with memory that is filled as it is taken, as the runner of the
        # tests has it done.
        with sheaf_http.Server(env={"MALLOC_PERTURB_": "0"}) as s:
            s.request("PROPFIND", "/", {"Depth": "1"})
            if s.is_sanitized():
                self.skipTest("a sanitizer's memory")
            # Most of what is resident are pages of libraries, which all who
            # use them share.
            self.assertLess(s.resident(), 9 << 20)
            self.assertLess(s.private(), 4 << 20)
            with open("/proc/%d/maps" % s.pid, encoding="ascii") as f:
                self.assertNotIn("libcurl", f.read())


if __name__ == "__main__":
    sheaf_http.main()

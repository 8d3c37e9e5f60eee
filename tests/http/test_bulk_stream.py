# SPDX-License-Identifier: MIT
"""Batches without end: NDJSON and multipart, in bounded memory."""

import json
import os
import time

import bulk
import sheaf_http
from bulk import stream

LINES = 10000 if os.environ.get("SHEAF_SANITIZED") else 100000


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Streams(sheaf_http.TestCase):

    args = ("--durability", "relaxed")

    def open(self, c, kind=bulk.NDJSON, **headers):
        named = {"Content-Type": kind, "Transfer-Encoding": "chunked",
                 "Accept": bulk.NDJSON}
        named.update({k.replace("_", "-"): v for k, v in headers.items()})
        c.request("POST", bulk.BULK, named)

    def test_a_stream_has_a_result_for_each_line(self):
        a = stream(self.server, [
            {"id": "d", "op": "mkcol", "url": "/s/"},
            {"op": "create", "url": "/s/a", "body": 1},
            "{no json",
            {"op": "odd", "url": "/s/b"},
            {"id": "d", "op": "mkcol", "url": "/s/twice/"},
            {"op": "read", "url": "/s/a"}], accept=bulk.JSON)
        self.assertEqual(a.status, 207)
        self.assertEqual([s // 100 for s in a.statuses], [2, 2, 4, 4, 4, 2])
        self.assertEqual(a.statuses[2:4], [400, 400])
        self.assertIn("2", a.results[2]["id"])
        self.assertEqual(a.results[5]["body"], "MQ==")
        for kind in ("application/jsonl", "application/json-seq"):
            lead = b"\x1e" if kind.endswith("seq") else b""
            b = bulk.send(self.server, b"".join(
                lead + json.dumps({"op": "read", "url": "/s/a"}).encode() +
                b"\n" for _ in range(3)), kind=kind)
            self.assertEqual((b.status, b.statuses), (207, [200] * 3), kind)

    def test_memory_stays_what_it_is_however_many_lines_come(self):
        with sheaf_http.Server("--durability", "relaxed") as s:
            s.write("f", b"x")
            line = json.dumps({"op": "read", "url": "/f"}).encode() + b"\n"
            # What it remembers of earlier operations, so that later ones can
            # refer to them, is at its limit by then, and each worker has had
            # a window, for the next of which it keeps some room.
            some = bulk.send(s, line * LINES, kind=bulk.NDJSON)
            self.assertEqual(some.summary["failed"], 0)
            before = s.peak()
            with s.connect(timeout=120) as c:
                c.request("POST", bulk.BULK, {
                    "Content-Type": bulk.NDJSON, "Accept": bulk.NDJSON,
                    "Content-Length": "%d" % (len(line) * LINES)})
                for _ in range(LINES // 1000):
                    c.send(line * 1000)
                r = c.response()
            lines = r.body.splitlines()
            self.assertEqual(json.loads(lines[-1])["type"], "summary")
            self.assertEqual(
                sum(b'"type":"result"' in one for one in lines), LINES)
            last = json.loads(lines[-1])
            self.assertEqual(last.get("summary", last)["success"], LINES)
            if not s.is_sanitized():
                self.assertLess(s.peak() - before, 16 << 20)

    def test_windows_run_while_the_rest_is_sent(self):
        with self.server.connect() as c:
            self.open(c)
            piece = b"".join(
                json.dumps({"op": "read", "url": "/w0?" + "x" * 200} if i % 900
                           else {"op": "upsert", "url": "/w%d" % i,
                                 "body": "x"}).encode() + b"\n"
                for i in range(1500))
            c.send(chunk(piece))
            sheaf_http.eventually(
                lambda: os.path.exists(self.server.path("w900")),
                "the first window runs before the body ends")
            c.send(chunk(b'{"op":"read","url":"/w900"}\n') + b"0\r\n\r\n")
            a = bulk.Answer(c.response())
        self.assertEqual(a.summary["success"], 1501)

    def test_a_line_that_comes_in_bytes_is_a_line(self):
        with self.server.connect() as c:
            self.open(c)
            for b in b'{"op":"mkcol","url":"/bytes/"}\n':
                c.send(chunk(bytes([b])))
            c.send(b"0\r\n\r\n")
            self.assertEqual(bulk.Answer(c.response()).statuses, [201])

    def test_a_client_that_leaves_costs_nothing(self):
        before = self.server.descriptors()
        for i in range(12):
            c = self.server.connect()
            self.open(c)
            c.send(chunk(b'{"op":"read","url":"/none%d"}\n' % i *
                         (1 if i % 3 else 4000)))
            if i % 4 == 0:
                time.sleep(0.05)
            (c.reset if i % 2 else c.close)()
        sheaf_http.eventually(
            lambda: self.server.descriptors() <= before + 2,
            "descriptors are closed")
        self.assertEqual(stream(self.server, [
            {"op": "read", "url": "/none"}]).statuses, [404])

    def test_a_client_that_reads_late_holds_no_worker(self):
        with sheaf_http.Server("--workers", "2") as s:
            s.write("f", b"y" * 20000)
            slow = []
            line = b'{"op":"read","url":"/f"}\n'
            for _ in range(6):
                c = s.connect()
                c.slow()
                c.request("POST", bulk.BULK, {
                    "Content-Type": bulk.NDJSON}, line * 300)
                slow.append(c)
            for c in slow:
                self.assertEqual(c.head().status, 207)
            a = bulk.batch(s, [{"op": "read", "url": "/f"}])
            self.assertEqual(a.statuses, [200])
            for c in slow:
                c.close()

    def test_what_cannot_be_read_on_is_told_at_the_end(self):
        ops = b"".join(b'{"op":"read","url":"/none"}\n' for _ in range(2500))
        with sheaf_http.Server() as s:
            limit = bulk.get(s, "/.sheaf/capabilities").doc["limits"]
            big = b'{"op":"upsert","url":"/x","body":"%s"}\n' % (
                b"x" * (limit["operationBytes"] + 10))
            a = bulk.send(s, ops + big + ops[:28], kind=bulk.NDJSON)
            self.assertEqual(a.status, 207)
            self.assertEqual(a.statuses[:2500], [404] * 2500)
            self.assertEqual(a.statuses[2500], 413)
            self.assertEqual(a.statuses[2501:], [404])

    def test_many_streams_at_once_do_not_wait_for_each_other_for_ever(self):
        with sheaf_http.Server("--workers", "2", "--connections-per-address",
                               "0", "--durability", "relaxed") as s:
            conns = [s.connect() for _ in range(8)]
            for c in conns:
                self.open(c)
            for turn in range(3):
                for n, c in enumerate(conns):
                    c.send(chunk(b"".join(
                        b'{"op":"upsert","url":"/m%d-%d-%d","body":"%s"}\n' %
                        (n, turn, i, b"z" * 3000) for i in range(24))))
            for c in conns:
                c.send(b"0\r\n\r\n")
            for c in conns:
                self.assertEqual(
                    bulk.Answer(c.response()).summary["success"], 72)
                c.close()


class Slow(sheaf_http.TestCase):

    args = ("--min-rate", "10K", "--rate-grace", "1s")

    def test_a_body_that_dawdles_is_ended(self):
        with self.server.connect() as c:
            c.request("POST", bulk.BULK, {
                "Content-Type": bulk.NDJSON, "Content-Length": "1000000"})
            c.send(b'{"op":"mkcol","url":"/slow/"}\n')
            began = time.monotonic()
            r = c.response()
            self.assertEqual(r.status, 408)
            self.assertLess(time.monotonic() - began, 10)


class Multipart(sheaf_http.TestCase):

    def parts(self, *requests):
        out = []
        for cid, line, headers, body in requests:
            out.append(b"--b1\r\nContent-Type: application/http\r\n" +
                       (b"Content-ID: <%s>\r\n" % cid if cid else b"") +
                       b"\r\n" + line + b" HTTP/1.1\r\n" + headers +
                       b"\r\n" + body + b"\r\n")
        return b"".join(out) + b"--b1--\r\n"

    def send(self, body, **headers):
        return bulk.send(self.server, body,
                         kind="multipart/mixed; boundary=b1", **headers)

    def test_parts_are_requests(self):
        a = self.send(self.parts(
            (b"one", b"MKCOL /p/", b"", b""),
            (b"two", b"PUT /p/a.bin", b"Content-Type: image/png\r\n",
             b"\0\1\2\r\n--b\r\n"),
            (b"", b"GET /p/a.bin", b"", b"")))
        self.assertEqual(a.status, 207, a.body)
        self.assertEqual(a.statuses, [201, 201, 200])
        self.assertEqual(a.results[0]["id"], "one")
        self.assertEqual(self.server.read("p/a.bin"), b"\0\1\2\r\n--b\r\n")

    def test_a_large_part_goes_to_its_file_in_little_memory(self):
        bytes_ = os.urandom(1 << 20) * 24
        before = self.server.peak()
        a = self.send(self.parts(
            (b"s", b"PUT /small", b"", b"x"),
            (b"b", b"PUT /big", b"", bytes_),
            (b"t", b"GET /small", b"", b"")))
        self.assertEqual(a.statuses, [201, 201, 200])
        self.assertEqual(self.server.read("big"), bytes_)
        if not self.server.is_sanitized():
            self.assertLess(self.server.peak() - before, 12 << 20)

    def test_a_body_without_its_end_does_not_succeed(self):
        whole = self.parts((b"s", b"PUT /cut", b"", b"x" * 100))
        a = self.send(whole[:-40])
        self.assertEqual(a.status, 400)
        self.assertFalse(os.path.exists(self.server.path("cut")))


if __name__ == "__main__":
    sheaf_http.main()

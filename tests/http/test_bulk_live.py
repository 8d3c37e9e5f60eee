# SPDX-License-Identifier: MIT
"""The answer to a stream begins while the stream is still being sent."""

import gzip
import json
import signal
import socket
import subprocess
import threading
import time

import bulk
import sheaf_http

WINDOW = 1000
LINES = WINDOW + 500 # of a body: one window runs before it ends


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def reads(n=LINES, path="/f"):
    """So long that they come in more than one piece."""
    return b'{"op":"read","url":"%s?%s"}\n' % (path.encode(), b"-" * 100) * n


def types(body):
    return [json.loads(line)["type"] for line in body.splitlines()]


class Common(sheaf_http.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.write("f", b"x")
        cls.server.write("big", b"x" * 20000)

    def open(self, c, **headers):
        named = {"Content-Type": bulk.NDJSON, "Accept": bulk.NDJSON,
                 "Transfer-Encoding": "chunked"}
        named.update({k.replace("_", "-"): v for k, v in headers.items()})
        c.request("POST", bulk.BULK,
                  {k: v for k, v in named.items() if v is not None})

    def see_first(self, c):
        """Reads until the first window has its results."""
        r = c.head()
        self.assertEqual(r.status, 207)
        self.assertEqual(r.header("Transfer-Encoding"), "chunked")
        self.assertEqual(r.header("Connection"), "close")
        seen, chunks = b"", c.chunks()
        while seen.count(b'"type":"result"') < WINDOW:
            seen += next(chunks)
        return seen, chunks


class Live(Common):

    args = ("--durability", "relaxed")

    def test_results_come_before_the_last_line_is_sent(self):
        with self.server.connect() as c:
            self.open(c)
            c.send(chunk(reads()))
            seen, chunks = self.see_first(c)
            c.send(chunk(reads()) + b"0\r\n\r\n")
            seen += b"".join(chunks)
            self.assertTrue(c.closed())
        told = types(seen)
        self.assertEqual((told[0], told[-1]), ("start", "summary"))
        self.assertEqual(told.count("result"), 2 * LINES)
        self.assertEqual(json.loads(seen.splitlines()[-1])["success"],
                         2 * LINES)
        done = [json.loads(line)["done"] for line in seen.splitlines()
                if b'"progress"' in line]
        self.assertEqual([n // WINDOW for n in done], [1, 2])
        self.server.wait_log(r'"POST /.sheaf/bulk HTTP/1.1" 207 %d' %
                             len(seen))

    def test_so_they_do_where_the_length_is_told(self):
        body = reads()
        with self.server.connect() as c:
            self.open(c, Transfer_Encoding=None,
                      Content_Length=str(len(body) + 5))
            c.send(body)
            seen, chunks = self.see_first(c)
            c.send(b"\n" * 5)
            self.assertEqual(types(seen + b"".join(chunks))[-1], "summary")

    def test_a_json_answer_begins_early_as_well(self):
        with self.server.connect() as c:
            self.open(c, Accept=bulk.JSON)
            c.send(chunk(reads()))
            self.assertEqual(c.head().status, 207)
            chunks = c.chunks()
            seen = next(chunks)
            c.send(b"0\r\n\r\n")
            doc = json.loads(seen + b"".join(chunks))
        self.assertEqual(len(doc["results"]), LINES)

    def test_a_coding_is_flushed_with_each_window(self):
        with self.server.connect() as c:
            self.open(c, Accept_Encoding="gzip")
            c.send(chunk(reads()))
            r = c.head()
            self.assertEqual(r.header("Content-Encoding"), "gzip")
            chunks = c.chunks()
            seen = next(chunks)
            c.send(b"0\r\n\r\n")
            body = gzip.decompress(seen + b"".join(chunks))
        self.assertEqual(types(body).count("result"), LINES)

    def test_who_expects_100_continue_gets_it_first(self):
        with self.server.connect() as c:
            self.open(c, Expect="100-continue")
            self.assertEqual(c.head().status, 100)
            c.send(chunk(reads()))
            seen, chunks = self.see_first(c)
            c.send(b"0\r\n\r\n")
            self.assertEqual(types(seen + b"".join(chunks))[-1], "summary")

    def test_a_short_stream_keeps_its_connection(self):
        with self.server.connect() as c:
            for _ in range(3):
                self.open(c)
                c.send(chunk(reads(10)) + b"0\r\n\r\n")
                a = bulk.Answer(c.response())
                self.assertEqual((a.status, len(a.results)), (207, 10))
                self.assertIsNone(a.header("Connection"))

    def test_http_1_0_is_answered_when_all_of_it_has_come(self):
        body = reads()
        with self.server.connect() as c:
            c.send(b"POST %s HTTP/1.0\r\nContent-Type: %s\r\n"
                   b"Accept: %s\r\nContent-Length: %d\r\n\r\n" % (
                       bulk.BULK.encode(), bulk.NDJSON.encode(),
                       bulk.NDJSON.encode(), len(body)) + body)
            r = c.response()
        self.assertFalse(r.chunked)
        self.assertEqual(types(r.body).count("result"), LINES)

    def test_a_client_may_leave_in_the_middle(self):
        before = self.server.descriptors()
        for leave in ("close", "reset"):
            for read_first in (True, False):
                c = self.server.connect()
                self.open(c)
                c.send(chunk(reads()))
                if read_first:
                    self.see_first(c)
                getattr(c, leave)()
        sheaf_http.eventually(
            lambda: self.server.descriptors() <= before,
            "descriptors are closed")
        self.assertEqual(bulk.stream(self.server, [
            {"op": "read", "url": "/none"}]).statuses, [404])

    def test_a_body_that_breaks_off_ends_the_answer_without_its_end(self):
        with self.server.connect() as c:
            self.open(c)
            c.send(chunk(reads()))
            _, chunks = self.see_first(c)
            c.sock.shutdown(socket.SHUT_WR)
            with self.assertRaises(sheaf_http.Truncated):
                list(chunks)

    def test_what_cannot_be_read_on_is_told_in_the_summary(self):
        limit = bulk.get(self.server, "/.sheaf/capabilities").doc["limits"]
        with self.server.connect() as c:
            self.open(c)
            c.send(chunk(reads()))
            seen, chunks = self.see_first(c)
            c.send(chunk(b'{"batch":{}}\n') + chunk(
                b'{"op":"upsert","url":"/x","body":"%s"}\n' % (
                    b"x" * limit["operationBytes"])) + b"0\r\n\r\n")
            seen += b"".join(chunks)
        self.assertEqual(types(seen)[-1], "summary")
        self.assertEqual(types(seen).count("result"), LINES + 2)

    def test_curl_shows_results_while_its_input_is_being_made(self):
        with subprocess.Popen(
                ["curl", "-sN", "-T", ".", "-X", "POST",
                 "-H", "Content-Type: " + bulk.NDJSON,
                 "-H", "Accept: " + bulk.NDJSON,
                 "http://%s:%d%s" % (*self.server.address, bulk.BULK)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL) as curl:
            seen = []
            reader = threading.Thread(
                target=lambda: seen.extend(curl.stdout), daemon=True)
            reader.start()
            try:
                for n in (1, 2):
                    curl.stdin.write(reads())
                    curl.stdin.flush()
                    sheaf_http.eventually(lambda: len(seen) > n * WINDOW,
                                          "results of what was sent")
            finally:
                curl.stdin.close()
            reader.join()
        self.assertEqual(curl.returncode, 0)
        self.assertEqual(types(b"".join(seen)).count("result"), 2 * LINES)

    def test_a_stop_lets_it_come_to_its_end(self):
        with sheaf_http.Server("--durability", "relaxed") as s:
            with s.connect() as c:
                self.open(c)
                c.send(chunk(reads()))
                seen, chunks = self.see_first(c)
                s.signal(signal.SIGTERM)
                time.sleep(0.2)
                c.send(chunk(reads()) + b"0\r\n\r\n")
                self.assertEqual(types(seen + b"".join(chunks))[-1],
                                 "summary")
            self.assertEqual(s.wait(), 0)

    def test_a_stop_ends_one_that_does_not(self):
        with sheaf_http.Server("--durability", "relaxed",
                               "--stop-timeout", "1s") as s:
            with s.connect() as c:
                self.open(c)
                c.send(chunk(reads()))
                _, chunks = self.see_first(c)
                s.signal(signal.SIGTERM)
                with self.assertRaises((sheaf_http.Truncated, OSError)):
                    list(chunks)
            self.assertEqual(s.wait(), 0)


class Refused(sheaf_http.TestCase):
    """What no batch is made of is told before all of it was sent."""

    args = ("--bulk-body", "64K")

    def answer_to_endless(self, kind):
        """Sends until it is answered, which is before two seconds are over."""
        with self.server.connect() as c:
            c.request("POST", bulk.BULK, {
                "Content-Type": kind, "Transfer-Encoding": "chunked"})
            c.sock.settimeout(0.01)
            end = time.monotonic() + 2
            data = chunk(b'{"operations":[' + b" " * 65536)
            while time.monotonic() < end:
                try:
                    data = data[c.sock.send(data):] or chunk(b" " * 65536)
                    c._more()
                    break
                except TimeoutError:
                    pass
            c.sock.settimeout(sheaf_http.PATIENCE)
            return bulk.Answer(c.response())

    def test_a_document_over_the_limit_is_413_and_names_it(self):
        a = self.answer_to_endless(bulk.JSON)
        self.assertEqual(a.status, 413)
        self.assertIn("jsonBytes", a.detail)

    def test_what_is_no_batch_is_415(self):
        self.assertEqual(self.answer_to_endless("text/plain").status, 415)

    def test_a_length_over_the_limit_is_refused_before_100_continue(self):
        with self.server.connect() as c:
            c.request("POST", bulk.BULK, {
                "Content-Type": bulk.JSON, "Expect": "100-continue",
                "Content-Length": "10000000"})
            self.assertEqual(bulk.Answer(c.response()).status, 413)


IMPATIENT = ("--min-rate", "50K", "--rate-grace", "1s", "--idle-timeout", "2s")


class Slow(Common):
    """A client must move something, in whichever direction."""

    args = IMPATIENT

    def test_one_that_neither_sends_nor_reads_is_ended(self):
        with self.server.connect() as c:
            self.open(c)
            c.send(chunk(reads()))
            _, chunks = self.see_first(c)
            rest = b""
            began = time.monotonic()
            with self.assertRaises(sheaf_http.Truncated):
                for data in chunks:
                    rest += data
            self.assertLess(time.monotonic() - began, 20)
            self.assertNotIn(b"HTTP/", rest + bytes(c.buffer))

    def test_one_that_only_sends_is_not(self):
        part = reads(200) # 25 KB
        with self.server.connect() as c:
            self.open(c)
            c.send(chunk(reads()))
            for _ in range(12):
                time.sleep(0.25)
                c.send(chunk(part))
            c.send(b"0\r\n\r\n")
            a = bulk.Answer(c.response())
        self.assertEqual(a.summary["total"], LINES + 12 * 200)

    def test_one_that_only_reads_is_not(self):
        with self.server.connect() as c:
            c.slow()
            self.open(c)
            c.send(chunk(reads(WINDOW, "/big")))
            c.send(chunk(reads(600)))
            c.head()
            seen, began, sent = bytearray(), time.monotonic(), False
            for data in c.chunks():
                seen += data
                if not sent and seen.find(b'"progress"', -len(data)) >= 0:
                    sent = True
                    c.send(b"0\r\n\r\n")
                elif not sent: # 27 MB in more than three seconds
                    time.sleep(max(
                        0, began + len(seen) / 8e6 - time.monotonic()))
            self.assertGreater(time.monotonic() - began, 3)
        self.assertEqual(types(seen).count("result"), WINDOW + 600)


class Stopped(Common):
    """The log of its server has a line of nobody else."""

    args = IMPATIENT

    def test_one_that_stops_reading_is_ended(self):
        with self.server.connect() as c:
            c.slow()
            self.open(c)
            c.send(chunk(reads(2 * WINDOW, "/big")) + b"0\r\n\r\n")
            self.server.wait_log(r'"POST /.sheaf/bulk HTTP')
            with self.assertRaises((sheaf_http.Truncated, OSError)):
                c.response()


if __name__ == "__main__":
    sheaf_http.main()

# SPDX-License-Identifier: MIT
"""GET, HEAD, PUT and OPTIONS: conditions, ranges, digests, forms of answers
(RFC 9110, RFC 9530, RFC 4918 s10)."""

import base64
import email.parser
import email.policy
import gzip
import hashlib
import json
import os
import time

import sheaf_http
from probes import TestCase, XML, condition, encode, multistatus, propfind, propertyupdate

PAST, FUTURE = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2038 00:00:00 GMT"


class Conditions(TestCase):

    def setUp(self):
        super().setUp()
        self.etag = self.ask("PUT", "/f", body=b"hello", want=201).header("ETag")
        self.assertRegex(self.etag, r'\A"[^"]+"\Z')

    def test_writes_that_depend_on_an_etag(self):
        etag, bad = self.etag, '"bad"'
        cases = [
            # header, status on /f, status on /new, which is not there
            ({"If-Match": etag}, 204, 412),
            ({"If-Match": '%s, %s' % (bad, etag)}, 204, 412),
            ({"If-Match": bad}, 412, 412),
            ({"If-Match": "W/" + etag}, 412, 412),
            ({"If-Match": "*"}, 204, 412),
            ({"If-None-Match": "*"}, 412, 201),
            ({"If-None-Match": etag}, 412, 201),
            ({"If-None-Match": bad}, 204, 201),
            ({"If-Unmodified-Since": PAST}, 412, 201),
            ({"If-Unmodified-Since": FUTURE}, 204, 201),
            ({"If": "([%s])" % etag}, 204, 412),
            ({"If": "([%s])" % bad}, 412, 412),
            ({"If": "(Not [%s])" % bad}, 204, 201),
            ({"If": "([%s]) ([%s])" % (bad, etag)}, 204, 412),
            ({"If": "(Not <DAV:no-lock>)"}, 204, 201),
            ({"If": "(<DAV:no-lock>)"}, 412, 412),
            ({"If": "(<DAV:no-lock>) (Not <DAV:no-lock>)"}, 204, 201),
            ({"If": "<http://%s:%d/f> ([%s])" % (*self.server.address, etag)}, 204, None),
            ({"If": "</f> ([%s])" % bad}, 412, 412),
        ]
        for headers, there, new in cases:
            with self.subTest(headers):
                self.setUp()
                headers = {k: v.replace(etag, self.etag) for k, v in headers.items()}
                self.ask("PUT", "/f", headers, b"changed", there)
                want = b"changed" if there == 204 else b"hello"
                self.assertEqual(self.server.read("f"), want)
                if new:
                    self.ask("PUT", "/new", headers, b"new", new)

    def test_the_same_conditions_guard_other_methods(self):
        for method, extra in (("DELETE", {}), ("COPY", {"Destination": "/x"}),
                              ("MOVE", {"Destination": "/x"}), ("PROPPATCH", XML)):
            body = propertyupdate(("set", "<x:a>1</x:a>")) if method == "PROPPATCH" else None
            with self.subTest(method):
                self.setUp()
                for headers in ({"If-Match": '"bad"'}, {"If": '(["bad"])'},
                                {"If-Unmodified-Since": PAST}):
                    self.ask(method, "/f", {**extra, **headers}, body, 412)
                self.assertEqual(self.tree(), [b"f"])
                self.ask(method, "/f", {**extra, "If-Match": self.etag}, body,
                         (201, 204, 207))

    def test_reads_that_need_not_be_sent_again(self):
        modified = self.ask("GET", "/f").header("Last-Modified")
        cases = [
            ({"If-None-Match": self.etag}, 304), ({"If-None-Match": "W/" + self.etag}, 304),
            ({"If-None-Match": '"x", ' + self.etag}, 304), ({"If-None-Match": "*"}, 304),
            ({"If-None-Match": '"x"'}, 200), ({"If-Modified-Since": modified}, 304),
            ({"If-Modified-Since": PAST}, 200),
            ({"If-None-Match": '"x"', "If-Modified-Since": modified}, 200),
            ({"If-Match": '"x"'}, 412), ({"If-Match": self.etag}, 200),
            ({"If-Unmodified-Since": PAST}, 412),
        ]
        for headers, want in cases:
            for method in ("GET", "HEAD"):
                with self.subTest((method, headers)):
                    r = self.ask(method, "/f", headers, want=want)
                    if want == 304:
                        self.assertEqual(r.header("ETag"), self.etag)

    def test_malformed_dates_are_ignored_as_they_must_be(self):
        for value in ("yesterday", "0", PAST + ", " + PAST, ""):
            with self.subTest(value):
                self.ask("GET", "/f", {"If-Modified-Since": value}, want=200)
                self.ask("GET", "/f", {"If-Unmodified-Since": value}, want=200)
                r = self.ask("GET", "/f", {"If-Range": value, "Range": "bytes=0-1"}, want=200)
                self.assertEqual(r.body, b"hello")

    def test_malformed_conditions_are_400_and_never_ignored(self):
        for name, value in (("If-Match", "abc"), ("If-Match", '"a'), ("If-None-Match", "x"),
                            ("If", ""), ("If", "x"), ("If", "(<a>"), ("If", "()"),
                            ("If", "([bad])"), ("If", "</f>")):
            with self.subTest((name, value)):
                self.ask("PUT", "/f", {name: value}, b"changed", 400)
        self.assertEqual(self.server.read("f"), b"hello")


class Ranges(TestCase):
    data = bytes(range(256)) * 8

    def setUp(self):
        super().setUp()
        self.server.write("f", self.data)

    def test_one_range(self):
        n = len(self.data)
        for header, first, last in (("0-0", 0, 0), ("5-9", 5, 9), ("2040-", 2040, n - 1),
                                    ("-3", n - 3, n - 1), ("2000-99999", 2000, n - 1),
                                    ("-99999", 0, n - 1)):
            with self.subTest(header):
                r = self.ask("GET", "/f", {"Range": "bytes=" + header}, want=206)
                self.assertEqual(r.body, self.data[first:last + 1])
                self.assertEqual(r.header("Content-Range"), "bytes %d-%d/%d" % (first, last, n))
                self.assertEqual(r.header("Content-Length"), str(last - first + 1))

    def test_several_ranges(self):
        r = self.ask("GET", "/f", {"Range": "bytes=0-1,100-102,-1"}, want=206)
        kind = r.header("Content-Type")
        self.assertTrue(kind.startswith("multipart/byteranges"), kind)
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
            b"Content-Type: " + kind.encode() + b"\r\n\r\n" + r.body)
        parts = [(p["Content-Range"], p.get_payload(decode=True)) for p in message.iter_parts()]
        n = len(self.data)
        self.assertEqual(parts, [("bytes 0-1/%d" % n, self.data[:2]),
                                 ("bytes 100-102/%d" % n, self.data[100:103]),
                                 ("bytes %d-%d/%d" % (n - 1, n - 1, n), self.data[-1:])])

    def test_none_that_can_be_satisfied(self):
        r = self.ask("GET", "/f", {"Range": "bytes=5000-"}, want=416)
        self.assertEqual(r.header("Content-Range"), "bytes */%d" % len(self.data))

    def test_what_is_no_range_is_ignored(self):
        for header in ("lines=1-2", "bytes=b-a", "bytes=9-5", "bytes", "bytes="):
            with self.subTest(header):
                r = self.ask("GET", "/f", {"Range": header}, want=200)
                self.assertEqual(r.body, self.data)

    def test_if_range(self):
        etag = self.ask("HEAD", "/f").header("ETag")
        for value, want in ((etag, 206), ('"other"', 200), ("W/" + etag, 200), (PAST, 200)):
            with self.subTest(value):
                self.ask("GET", "/f", {"Range": "bytes=0-1", "If-Range": value}, want=want)

    def test_an_empty_file(self):
        self.server.write("e", b"")
        self.assertEqual(self.ask("GET", "/e", want=200).body, b"")
        self.ask("GET", "/e", {"Range": "bytes=0-0"}, want=416)

    def test_many_tiny_ranges_do_not_multiply_the_answer(self):
        header = "bytes=" + ",".join("%d-" % i for i in range(500))
        r = self.ask("GET", "/f", {"Range": header}, want=(200, 206, 416))
        self.assertLess(len(r.body), 3 * len(self.data))


class Puts(TestCase):

    def test_statuses(self):
        self.ask("PUT", "/f", body=b"1", want=201)
        self.ask("PUT", "/f", body=b"2", want=204)
        self.ask("PUT", "/none/f", body=b"2", want=409)
        self.ask("MKCOL", "/d", want=201)
        self.ask("PUT", "/d", body=b"2", want=405)
        self.ask("PUT", "/", body=b"2", want=405)
        self.assertEqual(self.tree(), [b"d", b"f"])

    def test_part_of_a_file_is_refused(self):
        self.server.write("f", b"whole")
        self.ask("PUT", "/f", {"Content-Range": "bytes 0-0/5"}, b"x", 400)
        self.assertEqual(self.server.read("f"), b"whole")

    def cut(self, head, body):
        with self.server.connect() as c:
            c.send(head + body)
            time.sleep(0.1)
            self.assertEqual(self.server.read("f"), b"old content")
            c.reset()
        sheaf_http.eventually(lambda: self.ask("GET", "/f").body == b"old content", "old file")

    def test_an_upload_cut_half_way_leaves_the_old_file_and_no_trace(self):
        self.server.write("f", b"old content")
        host = b"PUT /f HTTP/1.1\r\nHost: x\r\n"
        self.cut(host + b"Content-Length: 100000\r\n\r\n", b"x" * 50000)
        self.cut(host + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n")
        self.assertEqual(self.tree(), [b"f"])
        self.assertEqual(set(self.props("/", "resourcetype", depth="infinity")), {b"/", b"/f"})

    def test_a_reader_sees_the_old_or_the_new_file(self):
        self.server.write("f", b"a" * 100000)
        with self.server.connect() as c:
            c.send(b"PUT /f HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n")
            for _ in range(10):
                c.send(b"b" * 20000)
                self.assertIn(self.ask("GET", "/f").body, (b"a" * 100000, b"b" * 200000))
            self.assertEqual(c.response().status, 204)
        self.assertEqual(self.ask("GET", "/f").body, b"b" * 200000)

    def test_digests_are_checked_where_sent(self):
        body = b"hello world"
        for name in ("Content-Digest", "Repr-Digest"):
            for algorithm, digest in (("sha-256", hashlib.sha256), ("sha-512", hashlib.sha512)):
                with self.subTest((name, algorithm)):
                    good = "%s=:%s:" % (algorithm,
                                        base64.b64encode(digest(body).digest()).decode())
                    self.ask("PUT", "/f", {name: good}, body, 201)
                    self.ask("PUT", "/f", {name: good}, b"hello w0rld", 400)
                    self.assertEqual(self.server.read("f"), body)
                    self.ask("PUT", "/g", {name: good}, b"hello w0rld", 400)
                    self.assertEqual(self.tree(), [b"f"])
                    self.ask("DELETE", "/f", want=204)

    def test_the_time_a_client_gives(self):
        r = self.ask("PUT", "/f", {"X-OC-Mtime": "1234567890"}, b"x", 201)
        self.assertEqual(r.header("X-OC-Mtime"), "accepted")
        self.assertEqual(int(os.stat(self.server.path("f")).st_mtime), 1234567890)
        self.ask("PUT", "/f", {"X-OC-Mtime": "soon"}, b"y", 400)
        self.assertEqual(self.server.read("f"), b"x")

    def test_as_finder_sends_them(self):
        with self.server.connect() as c:
            c.send(b"PUT /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n"
                   b"X-Expected-Entity-Length: 10\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(c.response().status, 100)
            c.send(b"A\r\n0123456789\r\n0\r\n\r\n")
            self.assertEqual(c.response().status, 201)
        self.assertEqual(self.server.read("f"), b"0123456789")


class Forms(TestCase):

    def test_options_by_resource(self):
        self.server.write("f", b"")
        os.mkdir(self.server.path("d"))
        both = {"options", "get", "head", "delete", "copy", "move", "propfind", "proppatch",
                "lock", "unlock"}
        for target, has, lacks in (("/f", both | {"put"}, {"mkcol"}),
                                   ("/d/", both, {"mkcol", "put"}),
                                   ("/none", {"options", "put", "mkcol", "lock"},
                                    {"get", "delete", "unlock"})):
            with self.subTest(target):
                r = self.ask("OPTIONS", target, want=(200, 204))
                allow = set(r.tokens("Allow"))
                self.assertLessEqual(has, allow)
                self.assertFalse(lacks & allow, allow)
                self.assertEqual(r.tokens("DAV"), ["1", "2", "3"])
                self.assertEqual(r.header("MS-Author-Via"), "DAV")
        r = self.ask("MKCOL", "/f", want=405)
        self.assertIn("put", r.tokens("Allow"))
        self.ask("OPTIONS", "*", want=(200, 204))

    def test_methods_nobody_knows(self):
        self.assertIn(self.ask("FROB", "/").status, (405, 501))

    def test_a_listing_in_json(self):
        self.ask("PUT", "/f.txt", body=b"hello", want=201)
        r = self.ask("PROPFIND", "/", {"Depth": "1", "Accept": "application/json", **XML},
                     propfind("getetag", "getcontentlength", "resourcetype", "{urn:x}none"), 207)
        answer = json.loads(r.body)
        self.assertEqual({k: answer["summary"][k] for k in ("total", "success", "failed")},
                         {"total": 2, "success": 2, "failed": 0})
        items = {x["href"]: x for x in answer["results"]}
        self.assertEqual(set(items), {"/", "/f.txt"})
        props = items["/f.txt"]["props"]
        self.assertEqual(props["{DAV:}getcontentlength"], 5)
        self.assertEqual(props["{DAV:}getetag"], self.ask("HEAD", "/f.txt").header("ETag"))
        self.assertEqual(items["/"]["props"]["{DAV:}resourcetype"], ["{DAV:}collection"])
        self.assertEqual(items["/f.txt"]["propErrors"], {"{urn:x}none": 404})
        self.assertIn("accept", r.tokens("Vary"))

    def test_proppatch_in_json(self):
        self.ask("PUT", "/f", body=b"", want=201)
        r = self.ask("PROPPATCH", "/f", {"Accept": "application/json", **XML},
                     propertyupdate(("set", "<x:a>1</x:a><D:getetag>x</D:getetag>")), 207)
        answer = json.loads(r.body)
        self.assertEqual(answer["summary"]["failed"], 1)
        (item,) = answer["results"]
        self.assertEqual(item["status"], 403)
        self.assertEqual(item["propErrors"], {"{urn:x}a": 424, "{DAV:}getetag": 403})

    def test_a_listing_compressed(self):
        for i in range(500):
            self.server.write("file-%03d" % i, b"")
        plain = self.ask("PROPFIND", "/", {"Depth": "1"}, want=207)
        small = self.ask("PROPFIND", "/", {"Depth": "1", "Accept-Encoding": "gzip"}, want=207)
        self.assertEqual(small.header("Content-Encoding"), "gzip")
        self.assertIn("accept-encoding", small.tokens("Vary"))
        self.assertIn("accept-encoding", plain.tokens("Vary"))
        self.assertLess(len(small.body) * 8, len(plain.body))
        small.body = gzip.decompress(small.body)
        self.assertEqual(set(multistatus(small)), set(multistatus(plain)))
        zstd = self.ask("PROPFIND", "/", {"Depth": "1", "Accept-Encoding": "zstd, gzip;q=0.5"},
                        want=207)
        self.assertEqual(zstd.header("Content-Encoding"), "zstd")
        self.assertEqual(zstd.body[:4], b"\x28\xb5\x2f\xfd")
        none = self.ask("PROPFIND", "/", {"Depth": "1", "Accept-Encoding": "gzip;q=0"}, want=207)
        self.assertIsNone(none.header("Content-Encoding"))

    def test_error_bodies_name_their_condition(self):
        self.ask("PUT", "/f", body=b"", want=201)
        self.assertIsInstance(condition(self.ask("MKCOL", "/f", want=405)), list)
        self.assertIsInstance(condition(self.ask("GET", "/none", want=404)), list)

    def test_a_page_escapes_what_it_shows(self):
        evil = "<script>alert(1)<script>\"'&"
        self.server.write(evil, b"")
        body = self.ask("GET", "/", {"Accept": "text/html"}, want=200).body
        self.assertNotIn(b"<script>alert", body)
        self.ask("GET", encode("/" + evil), want=200)

    def test_content_types(self):
        for name, kind in (("a.html", "text/html"), ("a.JPG", "image/jpeg"),
                           ("a.pdf", "application/pdf"), ("none", "application/octet-stream")):
            self.server.write(name, b"x")
            self.assertEqual(self.ask("GET", "/" + name).header("Content-Type").split(";")[0],
                             kind)


class Limits(TestCase):
    args = ("--max-upload", "1000")

    def test_an_upload_over_the_limit(self):
        self.ask("PUT", "/f", body=b"x" * 1000, want=201)
        self.ask("PUT", "/f", body=b"y" * 1001, want=413)
        self.assertEqual(self.server.read("f"), b"x" * 1000)
        r = self.server.raw(b"PUT /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"3e9\r\n" + b"y" * 1001 + b"\r\n0\r\n\r\n")
        self.assertEqual(r.status, 413)
        self.assertEqual(self.server.read("f"), b"x" * 1000)


if __name__ == "__main__":
    sheaf_http.main()

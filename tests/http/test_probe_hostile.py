# SPDX-License-Identifier: MIT
"""Bodies meant to hurt: refused, in bounded memory and time; and answers that
are large: streamed, in bounded memory."""

import os
import time
import xml.parsers.expat

import sheaf_http
from probes import XML, TestCase

MIB = 1 << 20
NS = b'<D:propfind xmlns:D="DAV:">'


class Hostile(TestCase):

    def setUp(self):
        super().setUp()
        self.server.write("f", b"x")

    def bounded(self, what, request, statuses, growth=8 * MIB):
        """The answer's status is one of these, and it cost little."""
        before, begin = self.server.peak(), time.monotonic()
        status = request()
        self.assertIn(status, statuses, what)
        if not self.server.is_sanitized():
            self.assertLess(self.server.peak() - before, growth, what)
            self.assertLess(time.monotonic() - begin, 10, what)
        self.ask("GET", "/f", want=200)

    def send(self, method, pieces):
        """The status of a request sent in chunks, which may come early."""
        with self.server.connect() as c:
            c.send(method + b" /f HTTP/1.1\r\nHost: x\r\nDepth: 0\r\n"
                   b"Content-Type: application/xml\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                for piece in pieces:
                    c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                c.send(b"0\r\n\r\n")
            except (BrokenPipeError, ConnectionResetError):
                pass
            return c.response().status

    def test_malformed_xml(self):
        cases = {
            "cut short": NS + b"<D:prop>",
            "mismatched": NS + b"<D:prop></D:propfind>",
            "no XML": b"hello",
            "undeclared prefix": b'<propfind xmlns="DAV:"><prop><y:a/></prop></propfind>',
            "undeclared prefix of an attribute": NS + b'<D:prop y:b="1"/></D:propfind>',
            "wrong root": b'<x:propfind xmlns:x="urn:x"><x:prop/></x:propfind>',
            "wrong namespace": b"<propfind><prop/></propfind>",
            "two roots": NS + b"<D:allprop/></D:propfind>" + NS + b"<D:allprop/></D:propfind>",
            "two kinds": NS + b"<D:allprop/><D:propname/></D:propfind>",
            "bad UTF-8": NS + b"<D:prop><a>\xff\xfe</a></D:prop></D:propfind>",
            "a control byte": NS + b"<D:prop><a>\x01</a></D:prop></D:propfind>",
            "an attribute twice": NS + b'<D:prop a="1" a="2"/></D:propfind>',
            "a prefix bound to nothing": b'<D:propfind xmlns:D="DAV:" xmlns:y=""><D:allprop/>'
                                         b"</D:propfind>",
        }
        for what, body in cases.items():
            with self.subTest(what):
                self.ask("PROPFIND", "/f", {"Depth": "0", **XML}, body, 400)

    def test_what_is_odd_but_right(self):
        cases = {
            "a BOM": b"\xef\xbb\xbf" + NS + b"<D:allprop/></D:propfind>",
            "UTF-16": ('<?xml version="1.0" encoding="utf-16"?><propfind xmlns="DAV:">'
                       "<allprop/></propfind>").encode("utf-16"),
            "unknown elements": NS + b'<x xmlns="urn:x"/><D:allprop/></D:propfind>',
            "comments and instructions": b"<?a b?><!-- c -->" + NS + b"<!-- d --><D:allprop/>"
                                         b"</D:propfind>",
        }
        for what, body in cases.items():
            with self.subTest(what):
                self.ask("PROPFIND", "/f", {"Depth": "0", **XML}, body, 207)
        # Many clients send no Content-Type.
        self.ask("PROPFIND", "/f", {"Depth": "0"}, NS + b"<D:allprop/></D:propfind>", 207)

    def test_document_types_are_refused(self):
        laughs = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10)
                          for i in range(1, 10))
        cases = {
            "billion laughs": b'<!DOCTYPE p [<!ENTITY l0 "lol">' + laughs + b"]>" + NS +
                              b"<D:prop>&l9;</D:prop></D:propfind>",
            "external entity": b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + NS +
                               b"<D:prop>&x;</D:prop></D:propfind>",
            "external subset": b'<!DOCTYPE p SYSTEM "http://127.0.0.1:1/x.dtd">' + NS +
                               b"<D:allprop/></D:propfind>",
            "quadratic blowup": b'<!DOCTYPE p [<!ENTITY a "' + b"a" * 50000 + b'">]>' + NS +
                                b"<D:prop>" + b"&a;" * 5000 + b"</D:prop></D:propfind>",
            "undeclared entity": NS + b"<D:prop>&nbsp;</D:prop></D:propfind>",
        }
        for what, body in cases.items():
            for method in ("PROPFIND", "PROPPATCH"):
                with self.subTest((what, method)):
                    text = body.replace(b"propfind", b"propertyupdate") \
                        if method == "PROPPATCH" else body
                    self.bounded(what, lambda m=method, t=text: self.ask(m, "/f", XML, t).status,
                                 (400, 403, 413))

    def test_48_mib_of_properties(self):
        def pieces():
            yield NS + b"<D:prop>"
            for i in range(48):
                yield b"".join(b"<p%06d/>" % (i * 10 ** 5 + j) for j in range(MIB // 10))
            yield b"</D:prop></D:propfind>"
        for method in (b"PROPFIND", b"PROPPATCH"):
            self.bounded("48 MiB", lambda m=method: self.send(m, pieces()), (400, 413))

    def test_nested_200000_deep(self):
        def pieces():
            yield NS + b"<D:prop>"
            for _ in range(20):
                yield b"<a>" * 10000
        for method in (b"PROPFIND", b"PROPPATCH"):
            self.bounded("deep", lambda m=method: self.send(m, pieces()), (400, 413))

    def test_one_name_one_text_or_one_attribute_of_48_mib(self):
        for begin in (b"<D:prop><", b"<D:prop><a>", b'<D:prop><a b="'):
            def pieces(start=begin):
                yield NS + start
                for _ in range(48):
                    yield b"x" * MIB
            self.bounded(begin, lambda p=pieces: self.send(b"PROPFIND", p()), (400, 413))

    def test_many_attributes_and_namespaces(self):
        many = b"".join(b' a%d="1"' % i for i in range(50000))
        spaces = b"".join(b' xmlns:n%d="urn:%d"' % (i, i) for i in range(30000))
        for text in (many, spaces):
            body = NS + b"<D:prop><D:a" + text + b"/></D:prop></D:propfind>"
            self.bounded("attributes", lambda b=body: self.ask(
                "PROPFIND", "/f", {"Depth": "0", **XML}, b).status, (207, 400, 413))

    def test_a_body_where_none_belongs(self):
        for method in ("DELETE", "COPY", "MOVE", "MKCOL"):
            r = self.ask(method, "/f" if method != "MKCOL" else "/d",
                         {"Destination": "/g", **XML}, b"<a/>")
            self.assertIn(r.status, (415, 400))
        self.assertEqual(self.tree(), [b"f"])


class Large(TestCase):

    def test_20000_files_are_streamed_in_bounded_memory(self):
        for i in range(20):
            os.mkdir(self.server.path("d%02d" % i))
            for j in range(1000):
                self.server.write("d%02d/f%03d" % (i, j), b"")
        counts = {"response": 0}

        def start(name, _):
            if name == "DAV: response":
                counts["response"] += 1

        parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = start
        with self.server.connect() as c:
            c.request("PROPFIND", "/", {"Depth": "infinity"})
            r = c.head()
            self.assertEqual(r.status, 207)
            parser.Parse(c.rest(r).body)
        parser.Parse(b"", True)
        self.assertEqual(counts["response"], 20021)
        if not self.server.is_sanitized():
            self.assertLess(self.server.peak(), 32 * MIB)


if __name__ == "__main__":
    sheaf_http.main()

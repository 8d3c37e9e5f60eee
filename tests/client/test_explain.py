# SPDX-License-Identifier: MIT
"""`sheaf explain`: any 207, from a file, standard input or a URL.

    test_explain.py PROGRAM
"""

import json
import os
import socket
import subprocess
import unittest

import scripted
import terminal

LOCKED = ('<D:error><D:lock-token-submitted><D:href>/d/</D:href>'
          '</D:lock-token-submitted></D:error>')


def response(href, status, more=""):
    return ("<D:response><D:href>%s</D:href><D:status>HTTP/1.1 %s</D:status>"
            "%s</D:response>\n" % (href, status, more))


def multistatus(*responses):
    return ('<D:multistatus xmlns:D="DAV:">\n%s</D:multistatus>\n' %
            "".join(responses)).encode()


MIXED = multistatus(
    response("/d/c", "204 No Content"), response("/d/a", "423 Locked", LOCKED),
    response("/d/b", "507 Insufficient Storage",
             "<D:responsedescription>the disk is full"
             "</D:responsedescription>"))


class Explain(scripted.TestCase):
    def explain(self, data, *args, code):
        return self.sheaf("explain", *args, stdin=data, code=code
                          ).stdout.decode()

    def lines(self, data, *args, code):
        return [json.loads(s) for s in self.explain(
            data, "--json", *args, code=code).splitlines()]

    def test_failures_come_first_with_what_they_mean_and_what_to_do(self):
        said = self.explain(MIXED, "--method", "DELETE", "--url",
                            "http://h/d/", code=3)
        first = said.splitlines()[0]
        self.assertIn("the answer to DELETE http://h/d/: 207 Multi-Status "
                      "(XML), 3 resources: 1 succeeded, 2 failed.", first)
        for part in ("423 Locked, DAV:lock-token-submitted: 1 resource",
                     "It is locked, and the token of the lock was not sent.",
                     "RFC 4918 s16", "Next: wait until it is unlocked",
                     "/d/a", "because of /d/", "507 Insufficient Storage",
                     "the disk is full", "line 3"):
            self.assertIn(part, said)
        self.assertNotIn("/d/c", said)  # it succeeded
        self.assertLess(said.index("423 Locked"), said.index("204 No Content"))

    def test_all_lists_what_succeeded_as_well(self):
        self.assertIn("/d/c", self.explain(MIXED, "--all", code=3))

    def test_success_is_success(self):
        said = self.explain(multistatus(response("/a", "200 OK")), code=0)
        self.assertIn("1 succeeded, 0 failed", said)

    def test_if_all_failed_it_says_so(self):
        self.explain(multistatus(response("/a", "500 X")), code=4)

    def test_an_answer_that_mentions_nothing_is_no_success(self):
        said = self.explain(multistatus(), "--method", "DELETE", code=6)
        self.assertIn("does not mention what was asked for", said)
        self.explain(multistatus(), "--method", "REPORT", code=0)

    def test_an_unread_status_is_not_known(self):
        said = self.explain(multistatus(
            response("/a", "200 OK"), response("/b", "2000 OK")), code=8)
        self.assertIn("no status that could be read", said)

    def test_what_was_only_accepted_is_not_known(self):
        self.explain(multistatus(response("/a", "202 Accepted")), code=6)

    def test_properties_that_were_refused_are_named(self):
        said = self.explain(multistatus(
            "<D:response><D:href>/a</D:href><D:propstat><D:prop><D:getetag/>"
            "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
            "<D:propstat><D:prop><x xmlns='urn:x'/></D:prop><D:status>HTTP/1.1 "
            "403 Forbidden</D:status><D:error><D:cannot-modify-protected-"
            "property/></D:error></D:propstat><D:propstat><D:prop><D:y/>"
            "</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>"
            "</D:response>"), code=3)
        self.assertIn("{urn:x}x", said)
        self.assertNotIn("{DAV:}y", said)
        self.assertIn("the property is protected", said.lower())
        self.assertIn("1 properties were asked for and are not there", said)

    def test_what_is_cut_short_says_where_and_shows_what_was_read(self):
        said = self.explain(MIXED[:MIXED.index(b"/d/b")], code=6)
        self.assertIn("It was cut short: line 4, column", said)
        self.assertIn("/d/a", said)

    def test_what_is_malformed_says_where(self):
        said = self.explain(MIXED.replace(b"</D:href><D:status>HTTP/1.1 507",
                                          b"</D:hrex>"), code=8)
        self.assertIn("It is malformed: line 4, column", said)
        self.assertIn("/d/a", said)

    def test_a_summary_that_contradicts_is_noticed(self):
        said = self.explain(
            b'{"results":[{"id":"a","status":201},{"id":"b","status":409}],'
            b'"summary":{"total":3,"success":3,"failed":0}}', code=6)
        self.assertIn("contradicts itself", said)
        self.assertIn("409 Conflict", said)

    def test_other_forms_are_read(self):
        for what, data, code in (
                ("elasticsearch", b'{"errors":true,"items":[{"index":{"_id":'
                 b'"1","status":201}},{"delete":{"_id":"2","status":404}}]}',
                 3),
                ("ndjson", b'{"type":"start"}\n{"type":"result","id":"a",'
                 b'"status":423,"href":"/a"}\n{"type":"summary","total":1,'
                 b'"success":0,"failed":1}\n', 4),
                ("map", b'{"responses":{"a":{"status":"200"},"b":{"status":'
                 b'"HTTP/1.1 500 X"}}}', 3)):
            with self.subTest(what):
                self.explain(data, code=code)

    def test_a_whole_response_is_read(self):
        head = (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 207 Multi-Status\r\n"
                b"Content-Type: application/xml\r\nContent-Length: %d\r\n\r\n")
        self.assertIn("/d/a", self.explain(head % len(MIXED) + MIXED, code=3))
        self.assertIn("cut short", self.explain(
            head % (len(MIXED) + 9) + MIXED, code=6))

    def test_an_archive_of_requests_is_read(self):
        def entry(method, url, status, text):
            return {"request": {"method": method, "url": url, "headers": []},
                    "response": {"status": status, "headers": [
                        {"name": "Content-Type", "value": "text/xml"}],
                        "content": {"text": text}}}
        har = {"log": {"version": "1.2", "entries": [
            entry("GET", "http://h/", 200, "x"),
            entry("DELETE", "http://h/d/", 207, MIXED.decode())]}}
        said = self.explain(json.dumps(har).encode(), code=3)
        self.assertIn("DELETE http://h/d/", said)
        self.assertIn("/d/a", said)

    def test_an_answer_that_is_no_207_is_explained(self):
        for what, data, code, parts in (
                ("locked", b"HTTP/1.1 423 Locked\r\nRetry-After: 30\r\n"
                 b"Content-Type: application/xml\r\n\r\n<D:error "
                 b'xmlns:D="DAV:"><D:lock-token-submitted><D:href>/x</D:href>'
                 b"</D:lock-token-submitted></D:error>", 4,
                 ("423 Locked, for the request as a whole", "because of /x",
                  "wait 30 s")),
                ("denied", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n"
                 b"\r\n", 7, ("403 Forbidden", "may not do this")),
                ("problem", b"HTTP/1.1 422 X\r\nContent-Type: application/"
                 b'problem+json\r\n\r\n{"type":"urn:x:y","title":"Too odd",'
                 b'"status":422}', 4, ("urn:x:y", "Too odd"))):
            with self.subTest(what):
                said = self.explain(data, code=code)
                for part in parts:
                    self.assertIn(part, said)

    def test_what_is_nothing_of_the_kind_is_said_to_be_so(self):
        self.assertIn("malformed", self.explain(b"hello\n", code=8))
        p = self.sheaf("explain", "no/such/file", code=1)
        self.assertIn("no/such/file: cannot read it: No such file", p.err)

    def test_json_is_one_object_a_line_and_the_summary_last(self):
        lines = self.lines(MIXED, code=3)
        self.assertEqual([x["type"] for x in lines],
                         ["result", "result", "summary"])
        self.assertEqual(lines[0]["href"], "/d/a")
        self.assertEqual(lines[0]["condition"], "{DAV:}lock-token-submitted")
        self.assertEqual(lines[0]["retry"], "when-freed")
        self.assertEqual((lines[2]["total"], lines[2]["success"],
                          lines[2]["failed"], lines[2]["end"]),
                         (3, 1, 2, "whole"))
        self.assertEqual(len(self.lines(MIXED, "--all", code=3)), 4)

    def test_of_ten_thousand_the_failures_are_shown_and_the_rest_counted(self):
        data = multistatus(*(response("/d/%d" % i, "423 Locked" if i % 4 == 0
                                      else "204 No Content")
                             for i in range(10000)))
        said = self.explain(data, code=3)
        self.assertIn("10,000 resources: 7,500 succeeded, 2,500 failed", said)
        self.assertIn("... and 2,450 more (--all shows them)", said)
        self.assertLess(len(said.splitlines()), 80)
        everything = self.explain(data, "--all", code=3)
        for i in (0, 9996, 9999):
            self.assertIn("/d/%d " % i, everything)

    @unittest.skipIf(os.environ.get("SHEAF_SANITIZED"),
                     "sanitizers keep what was freed")
    def test_memory_does_not_grow(self):
        def peak(n):
            name = self.write("big.xml", multistatus(
                *(response("/d/%d" % i, "423 Locked", LOCKED)
                  for i in range(n))))
            p = self.popen("explain", name, stdout=subprocess.DEVNULL)
            _, _, used = os.wait4(p.pid, 0)
            p.returncode = 0
            return used.ru_maxrss
        self.assertLess(peak(100000) - peak(1000), 2048)

    def test_what_a_terminal_would_obey_is_shown(self):
        said = self.explain(
            b'[{"href":"/\\u001b[2J","status":423,"error":"\\u202eevil"}]',
            code=4)
        self.assertNotIn("\x1b", said)
        self.assertIn("\\x1b[2J", said)
        self.assertIn("\\u202e", said)

    def test_a_url_is_asked_for_its_members(self):
        def answer(x):
            x.reply(207, MIXED, Content_Type="application/xml")
        server = self.serve(answer)
        p = self.sheaf("explain", server.url + "d/", code=3)
        self.assertIn(b"/d/a", p.stdout)
        asked = server.requests[0]
        self.assertEqual((asked.method, asked.fields["depth"]),
                         ("PROPFIND", "1"))
        self.sheaf("explain", "--depth", "inf", server.url, code=3)
        self.assertEqual(server.requests[1].fields["depth"], "infinity")

    def test_a_url_is_not_changed(self):
        server = self.serve(lambda x: x.reply(204))
        p = self.sheaf("explain", "--method", "DELETE", server.url, code=2)
        self.assertIn("change nothing", p.err)
        self.assertEqual(server.requests, [])

    def test_a_server_that_is_not_there_is_unreachable(self):
        with socket.socket() as taken:  # and nobody listens
            taken.bind(("127.0.0.1", 0))
            self.sheaf("explain", "--retries", "1",
                       "http://127.0.0.1:%d/" % taken.getsockname()[1], code=9)

    def test_an_answer_that_breaks_off_is_shown_as_far_as_it_came(self):
        def answer(x):
            x.read_body()
            x.send(b"HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\n"
                   b"Content-Length: %d\r\n\r\n" % len(MIXED))
            x.send(MIXED[:-100])
            x.cut()
        server = self.serve(answer)
        p = self.sheaf("explain", server.url, code=6)
        self.assertIn(b"/d/a", p.stdout)
        self.assertIn(b"cut short", p.stdout)

    def test_colours_are_for_terminals_alone(self):
        name = self.write("a.xml", MIXED)
        def on_terminal(**env):
            with terminal.Terminal([scripted.PROGRAMS[0], "explain", name],
                                   self.dir, {**self.env, "TERM": "xterm",
                                              **env}) as t:
                self.assertEqual(t.wait(), 3)
            return t.shown
        self.assertIn(b"\x1b[31m", on_terminal())
        self.assertNotIn(b"\x1b", on_terminal(NO_COLOR="1"))
        self.assertNotIn(b"\x1b", on_terminal(TERM="dumb"))
        self.assertNotIn("\x1b", self.explain(MIXED, code=3))

    def test_a_table_fits_its_terminal(self):
        name = self.write("a.xml", multistatus(response(
            "/d/a", "423 Locked", "<D:responsedescription>%s"
            "</D:responsedescription>" % ("words " * 60))))
        with terminal.Terminal([scripted.PROGRAMS[0], "explain", name],
                               self.dir, {**self.env, "NO_COLOR": "1"},
                               columns=60) as t:
            t.wait()
        rows = [s for s in t.shown.decode().splitlines() if "words" in s]
        self.assertTrue(rows)
        self.assertLessEqual(max(map(len, rows)), 60)
        whole = self.explain(self.read("a.xml"), code=4)
        self.assertIn(("words " * 60).strip(), whole)


if __name__ == "__main__":
    scripted.main()

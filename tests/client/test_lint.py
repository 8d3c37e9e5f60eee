# SPDX-License-Identifier: MIT
"""sheaf lint: what it prints in each form, what it exits with, what it says of
the answers that servers gave, and that it finds nothing in our own.

    test_lint.py PROGRAM
"""

import json
import os
import pty
import sys
from pathlib import Path

import scripted

HERE = Path(__file__).resolve().parent
LINT = HERE.parent / "lint"
SAMPLES = HERE.parent / "samples"
for part in ("peers", "samples"):
    sys.path.insert(0, str(HERE.parent / part))

import peers  # noqa: E402
import questions  # noqa: E402

GOOD = (b'<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">'
        b"<D:response><D:href>/a</D:href><D:status>HTTP/1.1 423 Locked</D:status>"
        b"</D:response></D:multistatus>\n")
BAD = GOOD.replace(b"<D:href>/a</D:href>", b"")
MILD = GOOD.replace(b" Locked", b"")
XML = "application/xml; charset=utf-8"

# What is wrong with the answers that were kept, beside text/xml, which is a
# warning.  nginx does not escape control characters, lighttpd does not declare
# the prefix of a property that it was sent, rclone ends where it meets a byte
# that XML cannot hold.
KNOWN = {
    "apache": {},
    "nginx": {"propfind-1-noslash": "X109", "propfind-1-control": "X101",
              "propfind-1-bytes": "X101"},
    "lighttpd": {"proppatch-mixed": "X103"},
    "rclone": {},
    "sheaf": {},
}
TEXT_XML = ("apache", "nginx", "rclone")


class Lint(scripted.TestCase):
    def lint(self, *args, **more):
        return self.run_it("lint", *args, **more)

    def findings(self, *args, **more):
        lines = self.lint("--format", "json", *args, **more).stdout.splitlines()
        objects = [json.loads(line) for line in lines]
        self.assertEqual(objects[-1]["type"], "summary")
        return objects[:-1], objects[-1]

    def rules(self, *args, **more):
        return [f["rule"] for f in self.findings(*args, **more)[0]]

    # ---- what it exits with

    def test_nothing_found_and_warnings_only_are_0(self):
        p = self.lint(self.write("a.xml", GOOD))
        self.assertEqual(p.stdout, b"")
        self.assertIn("0 errors and 0 warnings in 1 answer", p.err)
        p = self.lint(self.write("b.xml", MILD))
        self.assertIn(b": warning X106: ", p.stdout)

    def test_an_error_is_8(self):
        p = self.lint(self.write("a.xml", BAD), code=8)
        self.assertTrue(p.stdout.startswith(
            self.path("a.xml").encode() + b":2:31: error X104: "), p.stdout)

    def test_a_file_that_is_not_there_is_1_and_the_others_are_read(self):
        p = self.lint("none.xml", self.write("a.xml", BAD), code=1)
        self.assertIn("none.xml: No such file", p.err)
        self.assertIn(b"X104", p.stdout)

    def test_wrong_usage_is_2(self):
        for args in (["--format", "html"], ["--nonsense"],
                     ["--method", "DEL ETE", "x"],
                     ["--method", "DELETE", "http://127.0.0.1:1/"]):
            self.lint(*args, code=2)

    def test_what_is_no_answer_or_no_207_is_8(self):
        self.assertEqual(self.rules(self.write("a", b"hello\n"), code=8),
                         ["H003"])
        self.assertEqual(self.rules(self.write("b", b""), code=8), ["H001"])
        p = self.lint(self.write("c", b"HTTP/1.1 404 Not Found\r\n\r\n"), code=8)
        self.assertIn("404 Not Found", p.err)

    def test_operands_that_cannot_be_read_are_2(self):
        for args in (["-", "-"], [""]):
            for command in ("lint", "explain"):
                p = self.run_it(command, *args, stdin=GOOD, code=2)
                self.assertEqual(p.stdout, b"")
                self.assertIn("sheaf help " + command, p.err)

    def test_nobody_there_is_9(self):
        port = peers.free_port()
        self.lint("http://127.0.0.1:%d/" % port, code=9)

    # ---- where answers come from

    def test_a_url_is_asked_and_judged_as_what_was_asked(self):
        def answer(x):
            x.reply(207, GOOD.replace(b"/a<", b"/b<"), Content_Type=XML)

        server = self.serve(answer)
        found, summary = self.findings(server.url + "a/", code=8)
        self.assertEqual([f["rule"] for f in found], ["X109"])
        self.assertEqual(summary["answers"], 1)
        self.assertEqual(server.requests[0].method, "PROPFIND")
        self.assertEqual(server.requests[0].fields["depth"], "1")
        self.lint("--depth", "inf", server.url + "a/", code=8)
        self.assertEqual(server.requests[1].fields["depth"], "infinity")

    def test_a_url_that_refuses_is_7_and_one_that_fails_is_4(self):
        for status, code in ((403, 7), (404, 4)):
            server = self.serve(lambda x, s=status: x.reply(s))
            p = self.lint(server.url, code=code)
            self.assertIn(str(status), p.err)

    def test_an_answer_that_is_cut_short_is_an_error(self):
        def answer(x):
            x.reply(207, GOOD[:60], Content_Type=XML, Content_Length=len(GOOD))
            x.cut()

        server = self.serve(answer)
        self.assertEqual(self.rules(server.url, "--retries", "1", code=8),
                         ["X101"])

    def test_standard_input_is_read(self):
        for args in ([], ["-"]):
            found, _ = self.findings(*args, stdin=BAD, code=8)
            self.assertEqual(found[0]["file"], "-")

    def test_lines_of_a_saved_response_are_those_of_the_file(self):
        head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 207 Multi-Status\r\n" \
            b"Content-Type: application/xml; charset=utf-8\r\n\r\n"
        found, _ = self.findings(self.write("a", head + BAD), code=8)
        self.assertEqual((found[0]["line"], found[0]["column"]), (7, 31))
        found, _ = self.findings(self.write("b", BAD), code=8)
        self.assertEqual((found[0]["line"], found[0]["column"]), (2, 31))

    def test_an_archive_knows_its_requests(self):
        def entry(method, status, body):
            return {"request": {"method": method,
                                "url": "http://example.com/a/"},
                    "response": {"status": status, "statusText": "",
                                 "headers": [{"name": "Content-Type",
                                              "value": XML}],
                                 "content": {"size": len(body), "text": body,
                                             "mimeType": XML}}}

        har = {"log": {"version": "1.2", "creator": {"name": "x"}, "entries": [
            entry("GET", 200, "hello"),
            entry("DELETE", 207, GOOD.decode().replace("/a<", "/b<")),
            entry("PUT", 207, GOOD.decode())]}}
        name = self.write("a.har", json.dumps(har).encode())
        found, summary = self.findings(name, code=8)
        self.assertEqual([(f["rule"], f["answer"]) for f in found],
                         [("X109", "DELETE http://example.com/a/"),
                          ("H007", "PUT http://example.com/a/")])
        self.assertEqual(summary["answers"], 2)
        # Its lines are the body's: no editor is sent to them in the archive.
        p = self.lint(name, code=8)
        self.assertTrue(p.stdout.startswith(
            name.encode() + b": error X109: DELETE http://example.com/a/: "
            b"2:"), p.stdout)
        self.assertIn(b" of the body: ", p.stdout)
        log = json.loads(self.lint("--format", "sarif", name, code=8).stdout)
        first = log["runs"][0]["results"][0]
        self.assertNotIn("region", first["locations"][0]["physicalLocation"])
        self.assertEqual(first["properties"]["bodyLine"], 2)

    def test_ids_are_held_against_the_request(self):
        request = str(LINT / "request.json")
        self.assertEqual(self.rules("--request", request,
                                    str(LINT / "J205-pass.json")), [])
        self.assertEqual(set(self.rules(
            "--request", request, str(LINT / "J205-fail-request.json"),
            code=8)), {"J205"})
        p = self.lint("--request", self.write("r", b"{"),
                      str(LINT / "J205-pass.json"), code=1)
        self.assertIn("line 1", p.err)

    # ---- what it prints

    def test_json_is_a_line_for_each_finding_and_a_summary(self):
        found, summary = self.findings(str(LINT / "J203-fail.json"), code=8)
        self.assertEqual(found[0], {
            "type": "finding", "file": str(LINT / "J203-fail.json"),
            "rule": "J203", "severity": "error", "line": 2, "column": 25,
            "pointer": "/results/0/status",
            "found": 'the status is the text "201"',
            "todo": found[0]["todo"], "source": "RFC 9110 s15"})
        self.assertEqual(summary, {"type": "summary", "answers": 1, "items": 3,
                                   "errors": 3, "warnings": 0})

    def test_sarif_has_what_its_schema_requires(self):
        files = [str(LINT / n) for n in ("X105-fail.xml", "H004-fail.http",
                                         "J203-fail.json")]
        log = json.loads(self.lint("--format", "sarif", *files, code=8).stdout)
        self.assertEqual(log["version"], "2.1.0")
        run, = log["runs"]
        driver = run["tool"]["driver"]
        self.assertEqual(driver["name"], "sheaf")
        ids = [r["id"] for r in driver["rules"]]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(len(run["results"]), 5)
        for rule in driver["rules"]:
            for text in ("shortDescription", "fullDescription", "help"):
                self.assertTrue(rule[text]["text"])
            self.assertIn(rule["defaultConfiguration"]["level"],
                          ("error", "warning"))
        for result in run["results"]:
            self.assertTrue(result["message"]["text"])
            self.assertEqual(ids[result["ruleIndex"]], result["ruleId"])
            self.assertIn(result["level"], ("error", "warning"))
            place = result["locations"][0]["physicalLocation"]
            self.assertTrue(place["artifactLocation"]["uri"].startswith("file:///"))
            if not result["ruleId"].startswith("H"):
                self.assertGreaterEqual(place["region"]["startLine"], 1)
                self.assertGreaterEqual(place["region"]["startColumn"], 1)

    def test_sarif_without_findings_is_whole(self):
        log = json.loads(self.lint("--format", "sarif",
                                   self.write("a.xml", GOOD)).stdout)
        self.assertEqual(log["runs"][0]["results"], [])
        log = json.loads(self.lint("--format", "sarif", "none", code=1).stdout)
        self.assertFalse(log["runs"][0]["invocations"][0]["executionSuccessful"])

    def test_many_findings_of_a_rule_are_counted(self):
        bad = GOOD.replace(b"<D:response>", b"<D:response/>" * 100 +
                           b"<D:response>")
        name = self.write("a.xml", bad)
        p = self.lint(name, code=8)
        self.assertEqual(p.stdout.count(b"error X104"), 20)
        self.assertIn(b"and 80 more of X104\n", p.stdout)
        self.assertEqual(self.rules(name, code=8).count("X104"), 100)

    def test_nothing_that_is_printed_moves_the_terminal(self):
        name = self.write("a\x1b[2Jb.json", b'{"results": [{"id": "\\u001b[2J",'
                          b' "status": "\\u001b[31m"}]}')
        p = self.lint(name, code=8)
        self.assertNotIn(b"\x1b", p.stdout)
        self.assertNotIn("\x1b", self.lint("\x1b[2J", code=1).err)

    def test_a_terminal_is_shown_groups_and_colours(self):
        main, other = pty.openpty()
        self.env["TERM"] = "xterm"
        p = self.popen("lint", self.write("a.xml", BAD), stdout=other,
                       stderr=other)
        os.close(other)
        said = b""
        while True:
            try:
                more = os.read(main, 65536)
            except OSError:
                more = b""
            if not more:
                break
            said += more
        os.close(main)
        self.assertEqual(p.wait(), 8)
        self.assertIn(b"\x1b[31merror", said)
        self.assertIn(b"2:31", said)

    # ---- servers

    def check_kept(self, server):
        for q in questions.ALL:
            name = SAMPLES / server / (q.name + ".http")
            if not name.exists() or b" 207 " not in name.read_bytes()[:16]:
                continue
            want = KNOWN[server].get(q.name, "")
            with self.subTest(str(name)):
                found, _ = self.findings(
                    "--method", q.method, "--url",
                    "http://example.com" + q.target, str(name),
                    code=8 if want and want != "X109" else 0)
                rules = {f["rule"] for f in found}
                if server in TEXT_XML:
                    self.assertIn("H002", rules)
                    rules.discard("H002")
                self.assertEqual(rules, {want} if want else set())

    def test_what_servers_answered_has_the_known_findings_and_no_other(self):
        for server in KNOWN:
            self.check_kept(server)

    def test_our_own_server_gives_no_reason_to_complain(self):
        with peers.start("sheaf", self.program()) as peer:
            questions.plant(peer)
            for accept in ("application/xml", "application/json",
                           "application/x-ndjson"):
                for prefer in (None, "return=minimal"):
                    self.check_ours(peer, accept, prefer)

    def program(self):
        return scripted.PROGRAMS[0]

    def check_ours(self, peer, accept, prefer):
        peer.write("locked/a/b.txt", b"b")
        peer.write("locked/c.txt", b"c")
        os.chmod(peer.path("locked/a"), 0o555)
        more = {"Accept": accept}
        if prefer:
            more["Prefer"] = prefer
        asked = 0
        for method, target, fields, body in (
                ("PROPFIND", "/odd/", questions.depth("1"), questions.ALLPROP),
                ("PROPFIND", "/tree", questions.depth("infinity"),
                 questions.NAMED),
                ("PROPFIND", "/", questions.depth("1"),
                 questions.propfind("<D:propname/>")),
                ("PROPPATCH", "/plain.txt", questions.XML, questions.DEAD),
                ("PROPPATCH", "/plain.txt", questions.XML, questions.MIXED),
                ("COPY", "/tree/",
                 {"Destination": peer.url + "locked/a/"}, None),
                ("DELETE", "/locked/", {}, None)):
            r = peer.request(method, target, {**fields, **more}, body)
            if r.status != 207:
                continue
            asked += 1
            head = "HTTP/1.1 207 Multi-Status\r\n" + "".join(
                "%s: %s\r\n" % (n, v) for n, v in r.headers
                if n.lower() not in ("transfer-encoding", "content-encoding"))
            name = self.write("ours.http", head.encode() + b"\r\n" + r.body)
            with self.subTest("%s %s %s" % (method, accept, prefer)):
                found, summary = self.findings(
                    "--method", method, "--url",
                    peer.url.rstrip("/") + target, name)
                self.assertEqual(found, [], r.body[:2000])
                self.assertEqual(summary["answers"], 1)
        self.assertGreaterEqual(asked, 6)
        os.chmod(peer.path("locked/a"), 0o755)


if __name__ == "__main__":
    scripted.main()

# SPDX-License-Identifier: MIT
"""`sheaf retry`: exactly what failed, and nothing that would do harm.

    test_retry.py PROGRAM
"""

import json
import os
import stat
import time

import scripted

PROPS = ('<D:multistatus xmlns:D="DAV:"><D:response><D:href>%s</D:href>'
         '<D:propstat><D:prop><D:getetag>%s</D:getetag><D:resourcetype>%s'
         '</D:resourcetype><D:getcontentlength>%d</D:getcontentlength>'
         '</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>'
         '</D:response></D:multistatus>')


class World:
    """Just so much of a server: paths, and what changing them is answered."""

    def __init__(self, files=(), status=None):
        self.files = dict(files)
        self.status = dict(status or {})  # (method, path) -> status
        self.fields = {}

    def __call__(self, x):
        path = x.target
        x.read_body()
        if x.method in ("HEAD", "GET"):
            found = self.files.get(path)
            x.reply(404 if found is None else 200, found or b"", ETag='"e"')
        elif x.method == "PROPFIND":
            found = self.files.get(path, self.files.get(path + "/"))
            if found is None:
                x.reply(404)
            else:
                x.reply(207, PROPS % (path, '"e"', "<D:collection/>" if
                                      path.endswith("/") else "",
                                      len(found)), Content_Type="text/xml")
        else:
            status = self.status.get((x.method, path), 201)
            if status < 300 and x.method == "PUT":
                self.files[path] = x.body
            x.reply(status, **self.fields)


class Base(scripted.TestCase):
    def world(self, *args, **more):
        self.server = self.serve(World(*args, **more))
        return self.server.answer

    def url(self, path):
        return self.server.url.rstrip("/") + path

    def file(self, *lines, name="again", **header):
        head = {"type": "sheaf-retry", "version": 1, "command": "put",
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        head.update(header)
        out = [head]
        for i, line in enumerate(lines):
            line = {"id": str(i + 1), "fate": "failed", **line}
            for key in ("url", "destination"):
                if key in line:
                    line[key] = self.url(line[key])
            out.append(line)
        return self.write(name, "".join(
            json.dumps(o) + "\n" for o in out).encode())

    def retry(self, *args, code=0):
        return self.sheaf("retry", *args, code=code)

    def changes(self):
        return [(x.method, x.target) for x in self.server.requests
                if x.method not in ("PROPFIND", "HEAD", "GET", "OPTIONS")]

    def left(self):
        """The operations of the retry file that was left."""
        names = [n for n in os.listdir(self.dir)
                 if n.startswith("sheaf-retry-")]
        self.assertEqual(len(names), 1)
        self.assertEqual(stat.S_IMODE(os.stat(self.path(names[0])).st_mode),
                         0o600)
        lines = [json.loads(s) for s in
                 self.read(names[0]).decode().splitlines()]
        self.assertEqual(lines[0]["type"], "sheaf-retry")
        return lines[1:]


class Retry(Base):
    def test_each_operation_is_sent_as_it_was(self):
        self.world({"/got": b"bytes", "/l": b"", "/m": b"", "/u": b"old"})
        local = self.write("local", b"data")
        self.retry(self.file(
            {"op": "mkcol", "url": "/c/"},
            {"op": "create", "url": "/c/new", "file": local},
            {"op": "update", "url": "/u", "file": local, "ifMatch": '"e"'},
            {"op": "upsert", "url": "/w", "file": local},
            {"op": "read", "url": "/got", "file": self.path("here")},
            {"op": "delete", "url": "/x", "ifMatch": '"8"'},
            {"op": "copy", "url": "/m", "destination": "/n",
             "overwrite": False},
            {"op": "move", "url": "/l", "destination": "/o",
             "lockToken": "urn:uuid:1"}))
        by = {(x.method, x.target): x for x in self.server.requests}
        self.assertEqual(by["PUT", "/c/new"].fields["if-none-match"], "*")
        self.assertEqual(by["PUT", "/c/new"].body, b"data")
        self.assertEqual(by["PUT", "/u"].fields["if-match"], '"e"')
        self.assertNotIn("if-none-match", by["PUT", "/w"].fields)
        self.assertEqual(by["DELETE", "/x"].fields["if-match"], '"8"')
        self.assertEqual(by["COPY", "/m"].fields["overwrite"], "F")
        self.assertTrue(by["COPY", "/m"].fields["destination"].endswith("/n"))
        self.assertIn("urn:uuid:1", by["MOVE", "/l"].fields["if"])
        self.assertEqual(self.read("here"), b"bytes")
        order = self.changes()
        self.assertLess(order.index(("MKCOL", "/c/")),
                        order.index(("PUT", "/c/new")))

    def test_what_fails_again_is_left_in_a_new_file(self):
        self.world(status={("DELETE", "/x"): 423})
        p = self.retry(self.file({"op": "delete", "url": "/x"},
                                 {"op": "delete", "url": "/y"}), code=3)
        self.assertIn("/x: 423 Locked", p.err)
        self.assertEqual([o["url"] for o in self.left()], [self.url("/x")])

    def test_the_file_that_is_retried_may_be_the_one_that_is_left(self):
        self.world(status={("DELETE", "/x"): 423})
        name = self.file({"op": "delete", "url": "/x"},
                         {"op": "delete", "url": "/y"})
        self.retry("--failed-out", name, name, code=3)
        self.assertEqual(len(self.read("again").splitlines()), 2)
        self.retry("--failed-out", name, name, code=4)
        self.assertEqual(self.changes().count(("DELETE", "/y")), 1)

    def test_what_would_overwrite_is_not_sent_again(self):
        self.world()
        local = self.write("local", b"data")
        p = self.retry(self.file(
            {"op": "update", "url": "/a", "file": local, "status": 412},
            {"op": "upsert", "url": "/b", "file": local, "status": 409},
            {"op": "delete", "url": "/c", "status": 409}), code=4)
        self.assertEqual(self.changes(), [])
        self.assertEqual(p.err.count("somebody else's work"), 3)
        self.assertEqual(p.err.count("run the command itself"), 3)
        self.assertEqual(len(self.left()), 3)

    def test_nothing_with_409_or_412_is_ever_sent_again(self):
        self.world({"/s": b"x"})
        local = self.write("local", b"data")
        lines = [{"op": "mkcol", "url": "/c/"},
                 {"op": "create", "url": "/n", "file": local},
                 {"op": "copy", "url": "/s", "destination": "/t",
                  "overwrite": False},
                 {"op": "move", "url": "/s", "destination": "/t",
                  "overwrite": False},
                 {"op": "read", "url": "/s", "file": self.path("got")},
                 {"op": "create", "url": "/tree/", "file": self.dir,
                  "recursive": True}]
        for status in (409, 412):
            for fate in ("failed", "unknown", "partial"):
                with self.subTest(status=status, fate=fate):
                    self.retry(self.file(*[
                        dict(o, status=status, fate=fate) for o in lines]),
                        code=6 if fate == "unknown" else 4)
                    self.assertEqual(self.server.requests, [])

    def test_a_tree_that_was_left_is_put_as_put_r_does(self):
        self.world({"/t/": b""}, status={("MKCOL", "/t/"): 405})
        self.write("tree/a", b"A")
        self.write("tree/sub/b", b"B")
        self.retry(self.file({"op": "upsert", "url": "/t/",
                              "file": self.path("tree"), "recursive": True,
                              "fate": "left"}))
        self.assertEqual(sorted(self.changes()), [
            ("MKCOL", "/t/"), ("MKCOL", "/t/sub/"), ("PUT", "/t/a"),
            ("PUT", "/t/sub/b")])
        self.assertFalse([n for n in os.listdir(self.dir)
                          if n.startswith("sheaf-retry-")])

    def test_what_fails_in_a_tree_is_left_by_itself(self):
        self.world(status={("PUT", "/t/a"): 507})
        self.write("tree/a", b"A")
        self.write("tree/b", b"B")
        self.retry(self.file({"op": "upsert", "url": "/t/",
                              "file": self.path("tree"), "recursive": True,
                              "fate": "left"}), code=3)
        self.assertEqual([o["url"] for o in self.left()], [self.url("/t/a")])

    def test_a_file_without_a_place_here_is_not_read(self):
        self.world({"/a": b"x"})
        p = self.retry(self.file({"op": "read", "url": "/a",
                                  "fate": "unknown", "status": 0}), code=4)
        self.assertIn("there is no file", p.err)

    def test_what_waits_for_a_failure_is_left(self):
        self.world(status={("MKCOL", "/c/"): 507})
        local = self.write("local", b"data")
        p = self.retry(self.file(
            {"op": "mkcol", "url": "/c/", "status": 507},
            {"op": "create", "url": "/c/a", "file": local, "fate": "left"},
            {"op": "create", "url": "/d", "file": local, "status": 424}),
            code=3)
        self.assertEqual(self.changes(), [("MKCOL", "/c/"), ("PUT", "/d")])
        self.assertIn("not begun", p.err)
        self.assertEqual([o["fate"] for o in self.left()],
                         ["failed", "left"])

    def test_a_collection_goes_when_its_members_have_gone(self):
        lines = ({"op": "delete", "url": "/d/x", "memberOf": "2"},
                 {"op": "delete", "url": "/d/", "recursive": True,
                  "fate": "partial"})
        world = self.world({"/d/": b""}, status={("DELETE", "/d/x"): 423})
        self.retry("--failed-out", "next", self.file(*lines), code=4)
        self.assertEqual(self.changes(), [("DELETE", "/d/x")])
        world.status = {}
        self.retry("next")
        self.assertEqual(self.changes()[1:],
                         [("DELETE", "/d/x"), ("DELETE", "/d/")])

    def test_a_collection_with_the_files_of_others_stays(self):
        listing = ('<D:multistatus xmlns:D="DAV:">%s</D:multistatus>')
        one = ('<D:response><D:href>%s</D:href><D:propstat><D:prop>'
               '<D:resourcetype>%s</D:resourcetype></D:prop><D:status>'
               'HTTP/1.1 200 OK</D:status></D:propstat></D:response>')
        tree = {"/d/": ["/d/e/"], "/d/e/": []}

        def answer(x):
            x.read_body()
            if x.method == "DELETE":
                x.reply(204)
                return
            x.reply(207, listing % "".join(
                one % (p, "<D:collection/>" if p.endswith("/") else "")
                for p in [x.target] + tree[x.target]),
                Content_Type="text/xml")
        self.server = self.serve(answer)
        name = self.file({"op": "delete", "url": "/d/", "recursive": True,
                          "fate": "partial"})
        tree["/d/e/"] = ["/d/e/new.txt"]
        p = self.retry(name, code=4)
        self.assertIn("there are other files in it now", p.err)
        self.assertEqual(self.changes(), [])
        tree["/d/e/"] = []
        self.retry(name)
        self.assertEqual(self.changes(), [("DELETE", "/d/")])

    def test_what_is_not_known_is_looked_at_first(self):
        self.world({"/there": b"", "/dir/": b"", "/to": b"", "/from2": b"",
                    "/to2": b"", "/from3": b"", "/same": b"data",
                    "/other": b"da"})
        local = self.write("local", b"data")
        p = self.retry(self.file(*({**o, "fate": "unknown"} for o in (
            {"op": "delete", "url": "/gone"},
            {"op": "delete", "url": "/there"},
            {"op": "mkcol", "url": "/dir/"},
            {"op": "mkcol", "url": "/nodir/"},
            {"op": "move", "url": "/from", "destination": "/to"},
            {"op": "move", "url": "/from2", "destination": "/to2"},
            {"op": "move", "url": "/from3", "destination": "/to3"},
            {"op": "create", "url": "/same", "file": local},
            {"op": "create", "url": "/other", "file": local},
            {"op": "create", "url": "/none", "file": local},
        ))), code=6)
        self.assertEqual(sorted(self.changes()), [
            ("DELETE", "/there"), ("MKCOL", "/nodir/"), ("MOVE", "/from3"),
            ("PUT", "/none")])
        self.assertEqual(sorted(o["url"] for o in self.left()),
                         sorted(map(self.url, ("/from2", "/same", "/other"))))
        self.assertIn("something of the same size is there", p.err)

    def test_what_cannot_be_seen_stays_unknown(self):
        def answer(x):
            x.reply(403)
        self.server = self.serve(answer)
        self.retry(self.file({"op": "delete", "url": "/x",
                              "fate": "unknown"}), code=6)
        self.assertEqual(self.changes(), [])

    def test_a_server_is_given_the_time_it_asked_for(self):
        self.world()
        begun = time.monotonic()
        self.retry(self.file({"op": "delete", "url": "/x", "status": 503,
                              "retryAfter": 3}))
        # The header has whole seconds.
        self.assertGreater(time.monotonic() - begun, 1.5)

    def test_what_is_far_too_early_is_left(self):
        self.world()
        p = self.retry(self.file({"op": "delete", "url": "/x", "status": 503,
                                  "retryAfter": 90000}), code=4)
        self.assertEqual(self.changes(), [])
        self.assertIn("it is too early", p.err)

    def test_a_dry_run_shows_the_plan_and_asks_nothing(self):
        self.world()
        name = self.file({"op": "mkcol", "url": "/c/"},
                         {"op": "delete", "url": "/x", "fate": "unknown"},
                         {"op": "delete", "url": "/y", "status": 412})
        said = self.retry("-n", name).stdout.decode().splitlines()
        self.assertEqual(self.server.requests, [])
        self.assertEqual([s.split()[:3] for s in said],
                         [["would", "mkcol", self.url("/c/")],
                          ["would", "look,", "and"],
                          ["would", "not", "delete"]])

    def test_what_is_no_retry_file_is_refused_and_nothing_is_sent(self):
        self.world()
        for what, data, says in (
                ("text", b"hello\n", "malformed"),
                ("version", b'{"type":"sheaf-retry","version":9}\n',
                 "version 9"),
                ("line", b'{"type":"sheaf-retry","version":1}\n{"op":"x"}\n',
                 "line 2: "),
                ("operation", b'{"type":"sheaf-retry","version":1}\n{"op":'
                 b'"frob","url":"http://h/"}\n', "'frob'"),
                ("url", b'{"type":"sheaf-retry","version":1}\n{"op":'
                 b'"delete","url":"/x"}\n', "sheaf: ")):
            with self.subTest(what):
                args = ["--method", "DELETE", "--url", self.url("/d/")]
                p = self.retry(*args if what == "text" else (),
                               self.write("f", data),
                               code=8 if what == "text" else 1)
                self.assertIn(says, p.err)
        self.assertEqual(self.changes(), [])

    def test_no_secret_is_in_a_retry_file(self):
        self.world(status={("DELETE", "/x"): 423})
        name = self.file({"op": "delete", "url": "/x"})
        data = self.read("again").replace(b"http://", b"http://ann:secret@")
        self.write("again", data)
        self.retry(name, code=4)
        self.assertEqual([o["url"] for o in self.left()], [self.url("/x")])


class Saved(Base):
    """Saved answers."""

    def save(self, *members):
        return self.write("answer.xml", (
            '<D:multistatus xmlns:D="DAV:">' + "".join(
                "<D:response><D:href>%s</D:href><D:status>HTTP/1.1 %s"
                "</D:status></D:response>" % m for m in members) +
            "</D:multistatus>").encode())

    def test_members_of_a_delete_are_deleted(self):
        self.world()
        self.retry("--method", "DELETE", "--url", self.url("/d/"),
                   self.save(("/d/a", "503 X"), ("/d/b", "204 X")))
        self.assertEqual(self.changes(), [("DELETE", "/d/a")])

    def test_members_of_a_copy_go_to_their_own_places(self):
        self.world()
        self.retry("--method", "COPY", "--url", self.url("/d/"),
                   "--destination", self.url("/e"),
                   self.save(("/d/a%20b", "423 X"), ("/e/c/", "507 X")))
        sent = {(x.target, x.fields["destination"])
                for x in self.server.of("COPY")}
        self.assertEqual(sent, {("/d/a%20b", self.url("/e/a%20b")),
                                ("/d/c/", self.url("/e/c/"))})

    def test_nothing_outside_of_what_was_asked_for_is_touched(self):
        self.world()
        p = self.retry("--method", "DELETE", "--url", self.url("/d/"),
                       self.save(("/etc", "503 X"), ("/d/a", "503 X"),
                                 ("http://elsewhere/d/b", "503 X")), code=8)
        self.assertEqual(self.changes(), [("DELETE", "/d/a")])
        self.assertIn("not within", p.err)

    def test_members_of_a_propfind_are_asked_for_again(self):
        self.world({"/d/a": b""})
        self.retry("--method", "PROPFIND", "--url", self.url("/d/"),
                   self.save(("/d/a", "503 X")))
        self.assertEqual([x.target for x in self.server.of("PROPFIND")],
                         ["/d/a"])

    def test_what_has_to_be_known_is_asked_for(self):
        self.world()
        name = self.save(("/d/a", "503 X"))
        for args, says in (
                ((), "say --method"),
                (("--method", "DELETE"), "say --url"),
                (("--method", "MOVE", "--url", self.url("/d/")),
                 "say --destination"),
                (("--method", "PROPPATCH", "--url", self.url("/d/")),
                 "does not hold what was sent")):
            with self.subTest(args):
                self.assertIn(says, self.retry(*args, name, code=1).err)
        self.assertEqual(self.changes(), [])

    def test_an_answer_that_was_cut_short_leaves_the_rest_unknown(self):
        self.world()
        name = self.save(("/d/a", "503 X"), ("/d/b", "503 X"))
        self.write("answer.xml", self.read("answer.xml")[:-60])
        self.retry("--method", "DELETE", "--url", self.url("/d/"), name,
                   code=6)
        self.assertEqual(self.changes(), [("DELETE", "/d/a")])
        self.assertEqual([(o["url"], o["fate"]) for o in self.left()],
                         [(self.url("/d/"), "unknown")])

    def test_an_archive_says_by_itself_what_was_asked(self):
        self.world()
        text = self.read(self.save(("/d/a", "503 X"))).decode()
        har = {"log": {"entries": [{
            "request": {"method": "DELETE", "url": self.url("/d/"),
                        "headers": []},
            "response": {"status": 207, "headers": [
                {"name": "Content-Type", "value": "text/xml"}],
                "content": {"text": text}}}]}}
        self.retry(self.write("a.har", json.dumps(har).encode()))
        self.assertEqual(self.changes(), [("DELETE", "/d/a")])


if __name__ == "__main__":
    scripted.main()

# SPDX-License-Identifier: MIT
"""`sheaf put`: nothing is overwritten that was not seen, nothing is called done
that is not, and nothing is sent twice that may have arrived.

    test_put.py SHEAF
"""

import base64
import hashlib
import json
import os
import socket
import time

import scripted


class Store:
    """What a server keeps, with faults: {number of the PUT: what happens}."""

    def __init__(self, files=None, faults=None, ignores=False):
        self.files = dict(files or {})
        self.faults = faults or {}
        self.ignores = ignores  # If-Match and If-None-Match
        self.collections = {"/"}
        self.puts = 0

    def tag(self, target):
        return '"%s"' % hashlib.md5(self.files[target]).hexdigest()

    def __call__(self, x):
        getattr(self, "do_" + x.method)(x)

    def do_HEAD(self, x):
        if x.target in self.files:
            x.reply(200, self.files[x.target], ETag=self.tag(x.target),
                    Content_Length=len(self.files[x.target]))
        else:
            x.reply(404)

    do_GET = do_HEAD

    def do_MKCOL(self, x):
        if x.target in self.collections or x.target in self.files or \
                x.target.rstrip("/") in self.files:
            x.reply(405)
        else:
            self.collections.add(x.target)
            x.reply(201)

    def do_PROPFIND(self, x):
        there = x.target in self.collections
        x.reply(207, '<D:multistatus xmlns:D="DAV:"><D:response><D:href>%s'
                "</D:href><D:propstat><D:prop><D:resourcetype>%s"
                "</D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK"
                "</D:status></D:propstat></D:response></D:multistatus>" %
                (x.target, "<D:collection/>" if there else ""),
                Content_Type="application/xml")

    def refuses(self, x):
        if self.ignores:
            return False
        there = x.target in self.files
        if x.fields.get("if-none-match") == "*" and there:
            return True
        want = x.fields.get("if-match")
        return want is not None and \
            (not there or want != self.tag(x.target))

    def do_PUT(self, x):
        self.puts += 1
        fault = self.faults.get(self.puts, "")
        if "expect" in x.fields:
            x.send("HTTP/1.1 100 Continue\r\n\r\n")
        x.read_body()
        if fault == "lost before":
            x.cut()
            return
        if self.refuses(x):
            x.reply(412)
            return
        new = x.target not in self.files
        self.files[x.target] = x.body
        if fault == "half":
            self.files[x.target] = x.body[:len(x.body) // 2]
        if fault in ("lost after", "half"):
            x.cut()
        elif fault:
            x.reply(int(fault))
        else:
            x.reply(201 if new else 204, ETag=self.tag(x.target))


class Put(scripted.TestCase):
    def setUp(self):
        super().setUp()
        self.write("f.txt", b"ours")

    def put(self, s, *args, code=0, to="f.txt", files=("f.txt",), **more):
        return self.sheaf("put", *args, *[self.path(f) if f != "-" else f
                                          for f in files], s.url + to,
                          code=code, **more)

    def store(self, *args, **more):
        store = Store(*args, **more)
        return store, self.serve(store)

    def test_a_new_file_goes_with_its_condition_type_time_and_digest(self):
        store, s = self.store()
        os.utime(self.path("f.txt"), (1234567890, 1234567890))
        self.put(s)
        self.assertEqual(store.files, {"/f.txt": b"ours"})
        fields = s.of("PUT")[0].fields
        made = base64.b64encode(hashlib.sha256(b"ours").digest()).decode()
        self.assertEqual(
            {k: fields.get(k) for k in ("if-none-match", "content-type",
                                        "x-oc-mtime", "repr-digest",
                                        "content-length")},
            {"if-none-match": "*", "content-type": "text/plain",
             "x-oc-mtime": "1234567890",
             "repr-digest": "sha-256=:" + made + ":",
             "content-length": "4"})

    def test_what_is_there_stays(self):
        for ignores in (False, True):
            store, s = self.store({"/f.txt": b"theirs"}, ignores=ignores)
            p = self.put(s, code=4)
            self.assertEqual(store.files["/f.txt"], b"theirs")
            self.assertIn("--force", p.err)
            self.assertIn("f.txt", p.err)
            self.put(s, "--force")
            self.assertEqual(store.files["/f.txt"], b"ours")

    def test_what_comes_to_be_there_meanwhile_stays(self):
        store, s = self.store()

        def answer(x):
            if x.method == "PUT":
                store.files["/f.txt"] = b"theirs"
            store(x)
        s.answer = answer
        self.put(s, code=4)
        self.assertEqual(store.files["/f.txt"], b"theirs")

    def test_one_version_is_overwritten_and_no_other(self):
        for ignores in (False, True):
            store, s = self.store({"/f.txt": b"theirs"}, ignores=ignores)
            tag = store.tag("/f.txt")
            p = self.put(s, "--if-match", '"other"', code=4)
            self.assertIn("changed", p.err)
            self.assertEqual(store.files["/f.txt"], b"theirs")
            self.put(s, "--if-match", tag)
            self.assertEqual(store.files["/f.txt"], b"ours")
            self.assertEqual(s.of("PUT")[-1].fields["if-match"], tag)
            del store.files["/f.txt"]
            self.put(s, "--if-match", tag, code=4)
            self.assertEqual(store.files, {})

    def test_an_empty_file_is_a_file(self):
        store, s = self.store()
        self.write("e", b"")
        self.put(s, files=["e"], to="e")
        self.assertEqual(store.files, {"/e": b""})

    def test_a_large_file_waits_to_be_wanted(self):
        data = os.urandom(3000000)
        self.write("big", data)
        store, s = self.store()
        self.put(s, files=["big"], to="big")
        self.assertEqual(store.files["/big"], data)
        self.assertEqual(s.of("PUT")[0].fields["expect"], "100-continue")

    def test_standard_input_is_a_file(self):
        store, s = self.store()
        self.put(s, files=["-"], to="x", stdin=b"piped" * 1000)
        self.assertEqual(store.files["/x"], b"piped" * 1000)
        self.assertNotIn("x-oc-mtime", s.of("PUT")[0].fields)
        self.put(s, files=["-"], to="", code=2)

    def test_the_tag_is_in_the_json(self):
        store, s = self.store()
        p = self.put(s, "--json")
        first = json.loads(p.stdout.splitlines()[0])
        self.assertEqual((first["etag"], first["fate"], first["bytes"]),
                         (store.tag("/f.txt"), "done", 4))

    def test_what_arrived_unanswered_is_found(self):
        store, s = self.store(faults={1: "lost after"})
        self.put(s)
        self.assertEqual((store.puts, store.files), (1, {"/f.txt": b"ours"}))

    def test_what_did_not_arrive_is_sent_again(self):
        store, s = self.store(faults={1: "lost before", 2: "lost before"})
        self.put(s)
        self.assertEqual((store.puts, store.files), (3, {"/f.txt": b"ours"}))

    def test_half_of_it_is_unknown_and_left_alone(self):
        store, s = self.store(faults={1: "half"})
        p = self.put(s, code=6)
        self.assertEqual(store.puts, 1)
        self.assertIn("f.txt", p.err)

    def test_half_of_it_is_sent_again_when_forced(self):
        store, s = self.store(faults={1: "half"})
        self.put(s, "--force")
        self.assertEqual(store.files, {"/f.txt": b"ours"})

    def test_something_else_of_the_same_length_is_not_ours(self):
        store, s = self.store()

        def answer(x):
            if x.method == "PUT":
                x.read_body()
                store.files["/f.txt"] = b"evil"
                x.cut()
            else:
                store(x)
        s.answer = answer
        self.put(s, code=6)
        self.assertEqual(store.files, {"/f.txt": b"evil"})

    def test_a_version_that_is_still_there_is_overwritten_again(self):
        store, s = self.store({"/f.txt": b"old!"}, faults={1: "lost before"})
        self.put(s, "--if-match", store.tag("/f.txt"))
        self.assertEqual((store.puts, store.files), (2, {"/f.txt": b"ours"}))

    def test_a_gateway_that_gave_up_is_looked_behind(self):
        for status in ("502", "504"):
            store, s = self.store(faults={1: status})
            self.put(s)
            self.assertEqual((store.puts, store.files),
                             (1, {"/f.txt": b"ours"}))

    def test_busy_is_tried_again(self):
        count = [0]

        def answer(x):
            if x.method == "HEAD":
                x.reply(404)
                return
            x.read_body()
            count[0] += 1
            x.reply(503 if count[0] == 1 else 201, Retry_After="0")
        self.put(self.serve(answer))
        self.assertEqual(count, [2])

    def test_a_server_that_never_answers_is_unknown(self):
        def answer(x):
            x.read_body()
            x.cut()
        self.put(self.serve(answer), "--force", code=6)

    def test_207_and_202_are_no_success(self):
        for status, code in ((207, 8), (202, 6)):
            def answer(x):
                if x.method == "HEAD":
                    x.reply(404)
                else:
                    x.read_body()
                    x.reply(status, b"")
            self.put(self.serve(answer), code=code)

    def test_statuses_have_their_exit_codes(self):
        for status, code in ((403, 7), (401, 7), (409, 4), (423, 4),
                             (507, 4), (500, 4), (301, 4)):
            with self.subTest(status):
                def answer(x):
                    if x.method == "HEAD":
                        x.reply(404)
                    else:
                        x.read_body()
                        x.reply(status, b"no")
                self.put(self.serve(answer), code=code)

    def test_a_file_that_changes_while_it_is_sent_is_not_done(self):
        self.write("f.txt", b"x" * 2000000)

        def answer(x):
            if x.method == "HEAD":
                x.reply(404)
                return
            x.send("HTTP/1.1 100 Continue\r\n\r\n")
            with open(self.path("f.txt"), "r+b") as f:
                f.write(b"changed")
            x.read_body()
            x.reply(201)
        p = self.put(self.serve(answer), code=6)
        self.assertIn("changed while it was sent", p.err)

    def test_a_lock_token_is_submitted(self):
        store, s = self.store()
        self.put(s, "--lock-token", "urn:uuid:1")
        self.assertIn("<urn:uuid:1>", s.of("PUT")[0].fields["if"])

    def test_what_is_not_there_is_told(self):
        store, s = self.store()
        p = self.put(s, files=["f.txt", "missing"], to="", code=3)
        self.assertIn("missing", p.err)
        self.assertEqual(store.files, {"/f.txt": b"ours"})

    def test_wrong_usage_sends_nothing(self):
        store, s = self.store()
        os.mkdir(self.path("dir"))
        self.put(s, files=["dir"], code=2)
        self.put(s, files=["f.txt", "dir"], to="", code=2)
        self.put(s, "--if-match", '"x"', files=["f.txt", "f.txt"], to="",
                 code=2)
        self.sheaf("put", "f.txt", code=2)
        self.sheaf("put", "f.txt", "not-a-url", code=2)
        self.assertEqual(s.requests, [])

    def test_a_dry_run_sends_nothing(self):
        store, s = self.store()
        self.put(s, "-n")
        self.assertEqual(s.requests, [])

    def test_an_upload_is_sent_again_with_the_password(self):
        seen = []

        def answer(x):
            if "authorization" not in x.fields:
                x.reply(401, b"", WWW_Authenticate='Basic realm="x"')
            elif x.method == "HEAD":
                x.reply(404)
            else:
                seen.append(x.read_body())
                x.reply(201)
        s = self.serve(answer)
        self.put(s, "--user", "alice", env={"SHEAF_PASSWORD": "p"})
        self.assertEqual(seen, [b"ours"])


class Trees(scripted.TestCase):
    def setUp(self):
        super().setUp()
        self.write("d/a", b"a")
        self.write("d/e/b c", b"b")
        self.write("d/e/\u00fc%#", b"u")
        os.mkdir(self.path("d", "empty"))

    ALL = {"/x/a": b"a", "/x/e/b%20c": b"b", "/x/e/%C3%BC%25%23": b"u"}

    def put(self, s, *args, code=0, to="x"):
        return self.sheaf("put", "-r", self.path("d"), s.url + to, *args,
                          code=code)

    def test_a_tree_is_sent_with_all_that_is_in_it(self):
        store = Store()
        self.put(self.serve(store))
        self.assertEqual(store.files, self.ALL)
        self.assertEqual(store.collections,
                         {"/", "/x/", "/x/e/", "/x/empty/"})

    def test_into_a_collection_it_keeps_its_name(self):
        store = Store()
        s = self.serve(store)
        self.put(s, to="")
        self.assertIn("/d/e/", store.collections)
        # Within what we made ourselves nothing needs to be looked for.
        self.assertEqual(s.of("HEAD"), [])

    def test_collections_that_are_there_are_gone_into(self):
        store = Store({"/x/a": b"theirs"})
        store.collections |= {"/x/", "/x/e/"}
        p = self.put(self.serve(store), code=3)
        self.assertEqual(store.files, {**self.ALL, "/x/a": b"theirs"})
        self.assertIn("/x/a", p.err)

    def test_a_file_in_the_place_of_a_collection_is_told(self):
        store = Store({"/x/e": b"file"})
        p = self.put(self.serve(store), code=3)
        self.assertIn("/x/e/", p.err)
        self.assertEqual(store.files, {"/x/a": b"a", "/x/e": b"file"})

    def test_a_collection_that_cannot_be_made_is_told_with_what_is_in_it(self):
        store = Store()

        def answer(x):
            if x.method == "MKCOL" and x.target == "/x/e/":
                x.reply(403)
            else:
                store(x)
        self.put(self.serve(answer), code=3)
        self.assertEqual(store.files, {"/x/a": b"a"})
        retry = [n for n in os.listdir(self.dir)
                 if n.startswith("sheaf-retry")]
        self.assertIn(b"/x/e/", self.read(retry[0]))

    def test_links_and_pipes_are_told_and_not_followed(self):
        os.symlink("/etc/passwd", self.path("d", "link"))
        os.mkfifo(self.path("d", "pipe"))
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(os.path.relpath(self.path("d", "sock")))
            store = Store()
            begun = time.monotonic()
            p = self.put(self.serve(store), code=3)
            self.assertLess(time.monotonic() - begun, 20)
        for name in ("link", "pipe", "sock"):
            self.assertIn("d/" + name, p.err)
        self.assertEqual(store.files, self.ALL)


if __name__ == "__main__":
    scripted.main()

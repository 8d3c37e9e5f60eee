# SPDX-License-Identifier: MIT
"""`sheaf get` and `sheaf cat`: a file has its name only when it is proven whole,
whatever the server does, and nothing in a listing is lost or leads outside.

    test_get.py SHEAF
"""

import base64
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import scripted

BODY = random.Random(4).randbytes(200000)


def digest(data, name="sha-256"):
    made = hashlib.new(name.replace("-", ""), data).digest()
    return "%s=:%s:" % (name, base64.b64encode(made).decode())


class Resumable:
    """One file that is sent as a test likes: how many bytes of each answer."""

    def __init__(self, *steps, body=BODY, etag='"v1"', ranges=True, **fields):
        self.steps = list(steps)
        self.body, self.etag, self.ranges = body, etag, ranges
        self.fields = fields
        self.asked = []

    def __call__(self, x):
        self.asked.append((x.fields.get("range"), x.fields.get("if-range")))
        start, status, fields = 0, 200, dict(self.fields)
        if self.etag:
            fields["ETag"] = self.etag
        if self.ranges and "range" in x.fields and \
                x.fields.get("if-range") == self.etag:
            start = int(x.fields["range"][6:].rstrip("-"))
            status = 206
            fields["Content-Range"] = "bytes %d-%d/%d" % (
                start, len(self.body) - 1, len(self.body))
        rest = self.body[start:]
        step = self.steps.pop(0) if self.steps else None
        if step is None:
            x.reply(status, rest, **fields)
            return
        x.reply(status, rest[:step], Content_Length=len(rest), **fields)
        time.sleep(0.1)
        x.cut()


class Get(scripted.TestCase):
    def get(self, server, *args, code=0, name="f", **more):
        return self.sheaf("get", server.url + name, self.path("out"), *args,
                          code=code, **more)

    def nothing_there(self):
        self.assertNotIn("out", self.files())

    def test_a_file_comes_whole_with_its_time(self):
        s = self.serve(Resumable(
            Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT"))
        self.get(s)
        self.assertEqual(self.read("out"), BODY)
        self.assertEqual(os.stat(self.path("out")).st_mtime, 784111777)
        self.assertEqual(self.files(), ["out"])
        self.assertNotIn("accept-encoding", s.requests[0].fields)

    def test_an_empty_file_is_a_file(self):
        self.get(self.serve(Resumable(body=b"")))
        self.assertEqual((self.read("out"), self.files()), (b"", ["out"]))

    def test_a_file_over_the_limit_of_the_process_is_said_and_has_no_name(self):
        s = self.serve(Resumable())
        limit = (len(BODY) // 2, resource.RLIM_INFINITY)

        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        with open(self.path("printed"), "wb") as printed:
            for says, *args in ((b"File too large", "get", s.url + "f", "out"),
                                (b"cannot write", "cat", s.url + "f")):
                with self.subTest(args[0]):
                    p = self.popen(*args, stdout=printed, preexec_fn=limited,
                                   stderr=subprocess.PIPE)
                    err = p.communicate(timeout=60)[1]
                    self.assertEqual(p.returncode, 4, err)
                    self.assertIn(says, err)
        self.nothing_there()

    def test_what_breaks_off_is_gone_on_with(self):
        made = Resumable(50000, 70000)
        self.get(self.serve(made))
        self.assertEqual(self.read("out"), BODY)
        self.assertEqual(made.asked, [(None, None), ("bytes=50000-", '"v1"'),
                                      ("bytes=120000-", '"v1"')])
        self.assertEqual(self.files(), ["out"])

    def test_without_a_strong_tag_it_begins_anew(self):
        for etag in (None, 'W/"v1"'):
            with self.subTest(etag):
                made = Resumable(50000, etag=etag)
                self.get(self.serve(made), "--force")
                self.assertEqual(self.read("out"), BODY)
                self.assertEqual(made.asked, [(None, None)] * 2)

    def test_a_server_without_ranges_sends_it_anew(self):
        made = Resumable(50000, ranges=False)
        self.get(self.serve(made))
        self.assertEqual(self.read("out"), BODY)

    def test_what_changed_meanwhile_is_fetched_anew(self):
        made = Resumable(50000)

        def answer(x):
            if len(made.asked) == 1:
                made.body, made.etag = BODY[::-1], '"v2"'
            made(x)
        self.get(self.serve(answer))
        self.assertEqual(self.read("out"), BODY[::-1])

    def test_a_range_that_was_not_asked_for_is_not_taken(self):
        wrong = ["bytes 49999-199999/200000", "bytes 50000-199999/200001",
                 "bytes 50000-", "lines 50000-199999/200000", ""]

        for which in wrong:
            with self.subTest(which):
                made = Resumable(50000)

                def answer(x):
                    if "range" in x.fields:
                        x.reply(206, b"x" * 150000, ETag='"v1"',
                                Content_Range=which)
                    else:
                        made(x)
                self.get(self.serve(answer), "--force")
                self.assertEqual(self.read("out"), BODY)

    def test_another_tag_on_a_range_is_not_taken(self):
        made = Resumable(50000)

        def answer(x):
            if "range" in x.fields:
                x.reply(206, b"x" * 150000, ETag='"v2"',
                        Content_Range="bytes 50000-199999/200000")
            else:
                made(x)
        self.get(self.serve(answer))
        self.assertEqual(self.read("out"), BODY)

    def test_a_range_without_the_tag_that_was_there_is_not_taken(self):
        made = Resumable(50000)

        def answer(x):
            if "range" in x.fields:
                x.reply(206, b"x" * 150000,
                        Content_Range="bytes 50000-199999/200000")
            else:
                made(x)
        self.get(self.serve(answer))
        self.assertEqual(self.read("out"), BODY)

    def test_what_is_no_plain_file_is_never_replaced(self):
        os.mkfifo(self.path("out"))
        p = self.get(self.serve(Resumable()), "--force", code=4)
        self.assertIn("not a plain file", p.err)
        self.assertEqual(self.files(), ["out"])
        os.unlink(self.path("out"))
        os.symlink("/dev/null", self.path("out"))
        self.get(self.serve(Resumable()), "--force", code=4)
        self.assertEqual(os.readlink(self.path("out")), "/dev/null")

    def test_killed_at_any_time_while_it_changes_there_it_is_one_version(self):
        versions = [random.Random(n).randbytes(300000) for n in range(4)]
        for etag in ('"v%d"', 'W/"v%d"', None):
            with self.subTest(etag):
                turn = [0]

                def answer(x):
                    turn[0] += 1
                    now = turn[0] // 3 % len(versions)
                    body, fields, status = versions[now], {}, 200
                    tag = etag and (etag % now if "%" in etag else etag)
                    if tag:
                        fields["ETag"] = tag
                    if "range" in x.fields and \
                            x.fields.get("if-range") == tag:
                        start = int(x.fields["range"][6:].rstrip("-"))
                        status = 206
                        fields["Content-Range"] = "bytes %d-%d/%d" % (
                            start, len(body) - 1, len(body))
                        body = body[start:]
                    x.reply(status, Content_Length=len(body), **fields)
                    for at in range(0, len(body), 30000):
                        x.send(body[at:at + 30000])
                        time.sleep(0.005)
                s = self.serve(answer)
                for _ in range(30):
                    p = self.popen("get", "-q", s.url + "f", self.path("k"),
                                   stderr=subprocess.DEVNULL)
                    time.sleep(random.uniform(0.01, 0.09))
                    p.kill()
                    p.wait()
                    if "k" in self.files():
                        self.assertIn(self.read("k"), versions)
                        os.unlink(self.path("k"))
                self.sheaf("get", s.url + "f", self.path("k"))
                self.assertIn(self.read("k"), versions)
                os.unlink(self.path("k"))

    def test_many_at_once_leave_one_whole_file(self):
        s = self.serve(Resumable())
        for n in range(10):
            many = [self.popen("get", "-q", "--force", s.url + "f",
                               self.path("k"), stderr=subprocess.DEVNULL)
                    for _ in range(6)]
            codes = [p.wait() for p in many]
            self.assertIn(0, codes)
            self.assertEqual(self.read("k"), BODY)
        self.assertEqual([n for n in self.files() if "part" in n], [])

    def test_416_begins_anew(self):
        made = Resumable(50000)

        def answer(x):
            if "range" in x.fields:
                x.reply(416, b"no", Content_Range="bytes */200000")
            else:
                made(x)
        self.get(self.serve(answer))
        self.assertEqual(self.read("out"), BODY)

    def test_206_that_nobody_asked_for_is_no_file(self):
        s = self.serve(lambda x: x.reply(
            206, b"xx", Content_Range="bytes 0-1/5"))
        self.get(s, code=8)
        self.nothing_there()

    def test_a_server_that_always_breaks_off_fails_and_says_so(self):
        p = self.get(self.serve(Resumable(*[10000] * 20)), code=6)
        self.nothing_there()
        self.assertIn("/f", p.err)
        self.assertEqual(len(self.parts()), 1)

    def test_a_later_run_goes_on(self):
        made = Resumable(*[10000] * 5)
        s = self.serve(made)
        self.get(s, code=6)
        there = os.path.getsize(self.path(self.parts()[0]))
        self.assertEqual(there, 50000)
        made.asked.clear()
        self.get(s)
        self.assertEqual(made.asked, [("bytes=50000-", '"v1"')])
        self.assertEqual((self.read("out"), self.files()), (BODY, ["out"]))

    def test_a_later_run_that_finds_another_version_begins_anew(self):
        made = Resumable(*[10000] * 5)
        s = self.serve(made)
        self.get(s, code=6)
        made.body, made.etag = BODY[:1000], '"v2"'
        self.get(s)
        self.assertEqual((self.read("out"), self.files()),
                         (BODY[:1000], ["out"]))

    def test_a_part_of_another_url_is_left_alone(self):
        s = self.serve(Resumable(*[10000] * 5))
        self.get(s, code=6)
        made = Resumable(body=b"other")
        other = self.serve(made)
        self.get(other)
        self.assertEqual(made.asked, [(None, None)])
        self.assertEqual(self.read("out"), b"other")

    def test_killed_it_leaves_no_file_and_is_gone_on_with(self):
        for wait in (0.02, 0.1, 0.3):
            with self.subTest(wait):
                slow = [True]
                made = Resumable()

                def answer(x):
                    if not slow[0]:
                        made(x)
                        return
                    x.reply(200, b"", Content_Length=len(BODY), ETag='"v1"')
                    for at in range(0, len(BODY), 2000):
                        x.send(BODY[at:at + 2000])
                        time.sleep(0.02)
                s = self.serve(answer)
                p = self.popen("get", "--force", s.url + "f",
                               self.path("out"))
                deadline = time.monotonic() + 20
                while not s.requests and time.monotonic() < deadline:
                    time.sleep(0.01)
                time.sleep(wait)
                p.send_signal(signal.SIGKILL)
                p.wait()
                self.nothing_there()
                slow[0] = False
                self.get(s)
                self.assertEqual((self.read("out"), self.files()),
                                 (BODY, ["out"]))
                os.remove(self.path("out"))

    def test_all_of_it_being_there_is_enough(self):
        made = Resumable(*[30000] * 5)
        s = self.serve(made)
        self.get(s, code=6)
        with open(self.path(self.parts()[0]), "ab") as f:
            there = f.tell()
            f.write(BODY[there:])
        made.asked.clear()
        made.steps.clear()
        self.get(s)
        self.assertEqual(made.asked, [("bytes=199999-", '"v1"')])
        self.assertEqual(self.read("out"), BODY)

    def test_two_at_once_do_not_mix(self):
        begun, go = scripted.threading.Event(), scripted.threading.Event()

        def answer(x):
            begun.set()
            go.wait(scripted.PATIENCE)
            Resumable()(x)
        s = self.serve(answer)
        first = self.popen("get", s.url + "f", self.path("out"))
        self.assertTrue(begun.wait(scripted.PATIENCE))
        p = self.get(s, code=4)
        go.set()
        self.assertIn("another process", p.err)
        self.assertEqual(first.wait(), 0)
        self.assertEqual(self.read("out"), BODY)

    def test_a_digest_that_lies_is_never_a_file(self):
        for field, value in (
                ("Repr_Digest", digest(b"other")),
                ("Repr_Digest", digest(b"other", "sha-512")),
                ("Content_Digest", digest(b"other")),
                ("Digest", "SHA-256=" + digest(b"other")[9:-1])):
            with self.subTest(field):
                s = self.serve(Resumable(**{field: value}))
                p = self.get(s, code=11)
                self.nothing_there()
                self.assertIn(".part", p.err)
                self.assertEqual(len(self.parts()), 1)
                # And is not gone on with.
                made = Resumable()
                s.answer = made
                self.get(s)
                self.assertEqual(made.asked, [(None, None)])
                os.remove(self.path("out"))

    def test_a_digest_that_fits_is_fine(self):
        for field, value in (
                ("Repr_Digest", digest(BODY) + ", md5=:AAAA:"),
                ("Content_Digest", digest(BODY, "sha-512")),
                ("Digest", "sha-256=" + digest(BODY)[9:-1] + ",md5=x")):
            s = self.serve(Resumable(**{field: value}))
            self.get(s, "--force")
            self.assertEqual(self.read("out"), BODY)
            self.assertIn("sha-256", s.requests[0].fields["want-repr-digest"])

    def test_a_digest_is_of_the_whole_after_going_on(self):
        for lie, code in ((False, 0), (True, 11)):
            made = Resumable(*[30000] * 5, Repr_Digest=digest(
                BODY[::-1] if lie else BODY))
            s = self.serve(made)
            self.get(s, code=6)  # five answers, and a later run
            self.get(s, code=code)
            self.assertEqual("out" in self.files(), not lie)
            for name in self.files():
                os.remove(self.path(name))

    def test_a_length_that_nobody_said_is_not_proven(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
            x.cut()
        p = self.get(self.serve(answer), code=6)
        self.nothing_there()
        self.assertIn("how long", p.err)

        def with_digest(x):
            x.send("HTTP/1.1 200 OK\r\nConnection: close\r\nRepr-Digest: " +
                   digest(b"hello") + "\r\n\r\nhello")
            x.cut()
        self.get(self.serve(with_digest))
        self.assertEqual(self.read("out"), b"hello")

    def test_chunks_are_proof(self):
        self.get(self.serve(lambda x: x.reply(
            200, b"5\r\nhello\r\n0\r\n\r\n", Transfer_Encoding="chunked")))
        self.assertEqual(self.read("out"), b"hello")

    def test_207_to_get_is_unknown(self):
        self.get(self.serve(lambda x: x.reply(207, b"<x/>")), code=8)
        self.nothing_there()

    def test_what_is_there_stays_unless_forced(self):
        self.write("out", b"mine")
        s = self.serve(Resumable())
        p = self.get(s, code=4)
        self.assertIn("--force", p.err)
        self.assertEqual((self.read("out"), s.requests), (b"mine", []))
        self.get(s, "-f")
        self.assertEqual(self.read("out"), BODY)

    def test_what_comes_to_be_there_meanwhile_stays(self):
        def answer(x):
            self.write("out", b"mine")
            x.reply(200, b"theirs")
        self.get(self.serve(answer), code=4)
        self.assertEqual(self.read("out"), b"mine")

    def test_statuses_have_their_exit_codes(self):
        for status, code in ((404, 4), (403, 7), (401, 7), (500, 4),
                             (301, 4)):
            with self.subTest(status):
                self.get(self.serve(lambda x: x.reply(status, b"no")),
                         code=code)
                self.nothing_there()
                self.assertEqual(self.parts(), [])
        self.sheaf("get", "--retries", "1", "http://127.0.0.1:1/f",
                   self.path("out"), code=9)

    def test_json_says_it_all(self):
        s = self.serve(Resumable())
        p = self.get(s, "--json")
        first, last = [json.loads(line) for line in p.stdout.splitlines()]
        self.assertEqual((first["op"], first["url"], first["fate"],
                          first["etag"], first["bytes"]),
                         ("get", s.url + "f", "done", '"v1"', len(BODY)))
        self.assertEqual((last["type"], last["done"]), ("summary", 1))

    def test_a_dry_run_fetches_nothing(self):
        s = self.serve(Resumable())
        p = self.get(s, "-n")
        self.assertIn(s.url + "f", p.stdout.decode())
        self.assertEqual((self.files(), s.requests), ([], []))

    def test_passwords_in_urls_are_refused(self):
        p = self.sheaf("get", "http://alice:secret@127.0.0.1:1/f",
                       self.path("out"), code=2)
        self.assertIn("SHEAF_PASSWORD", p.err)
        self.assertNotIn("secret", p.err)

    def test_the_user_of_the_url_and_the_password_of_the_environment(self):
        def answer(x):
            if "authorization" in x.fields:
                x.reply(200, b"in")
            else:
                x.reply(401, b"", WWW_Authenticate='Basic realm="x"')
        s = self.serve(answer)
        url = s.url.replace("http://", "http://al%69ce@") + "f"
        self.sheaf("get", url, self.path("out"),
                   env={"SHEAF_PASSWORD": "secret"})
        self.assertEqual(
            s.requests[-1].fields["authorization"],
            "Basic " + base64.b64encode(b"alice:secret").decode())
        p = self.sheaf("get", "-f", url, self.path("out"), code=7)
        self.assertIn("SHEAF_PASSWORD", p.err)

    def test_a_token_comes_from_a_file_or_the_environment(self):
        s = self.serve(lambda x: x.reply(
            200, x.fields.get("authorization", "").encode()))
        self.write("token", b"abc\n")
        self.get(s, "--token-file", self.path("token"))
        self.assertEqual(self.read("out"), b"Bearer abc")
        self.get(s, "-f", env={"SHEAF_TOKEN": "def"})
        self.assertEqual(self.read("out"), b"Bearer def")

    def test_urls_are_taken_as_people_type_them(self):
        s = self.serve(Resumable(body=b"x"))
        self.get(s, name="a b/ü/../ä%20c")
        self.assertEqual(s.requests[0].target, "/a%20b/%C3%A4%20c")


def response(href, status="200 OK", collection=False, bad=None):
    kind = "<D:collection/>" if collection else ""
    if bad:
        return ("<D:response><D:href>%s</D:href><D:status>HTTP/1.1 %s"
                "</D:status></D:response>" % (href, bad))
    return ("<D:response><D:href>%s</D:href><D:propstat><D:prop>"
            "<D:resourcetype>%s</D:resourcetype></D:prop>"
            "<D:status>HTTP/1.1 %s</D:status></D:propstat></D:response>" %
            (href, kind, status))


def listing(*responses):
    return ('<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">%s'
            "</D:multistatus>" % "".join(responses)).encode()


class Trees(scripted.TestCase):
    def tree(self, listings, files=None):
        def answer(x):
            if x.method == "PROPFIND":
                self.assertEqual(x.fields["depth"], "1")
                what = listings[x.target]
                if isinstance(what, int):
                    x.reply(what, b"no")
                else:
                    x.reply(207, what, Content_Type="application/xml")
            elif files is not None and x.target not in files:
                x.reply(404, b"no")
            else:
                x.reply(200, x.target.encode())
        return self.serve(answer)

    def clear(self):
        shutil.rmtree(self.path("out"), ignore_errors=True)

    def get(self, s, *args, code=0):
        self.clear()
        return self.sheaf("get", "-r", s.url + "d/", self.path("out"), *args,
                          code=code)

    def found(self):
        return sorted(os.path.relpath(os.path.join(where, name),
                                      self.path("out"))
                      for where, _, names in os.walk(self.path("out"))
                      for name in names)

    def test_a_tree_comes_with_all_that_is_in_it(self):
        s = self.tree({
            "/d/": listing(response("/d/", collection=True),
                           response("/d/a"), response("/d/b%20c"),
                           response("/d/e/", collection=True),
                           response("/d/f", collection=True)),
            "/d/e/": listing(response("/d/e/", collection=True),
                             response("/d/e/g")),
            "/d/f": listing(response("/d/f/", collection=True))})
        self.get(s)
        self.assertEqual(self.found(), ["a", "b c", "e/g"])
        self.assertTrue(os.path.isdir(self.path("out", "f")))
        self.assertEqual(self.read("out/b c"), b"/d/b%20c")

    def test_no_name_leads_outside(self):
        names = ["..", "%2e%2e", ".", "a%2Fb", "%2e%2e%2Fx", "a%00b",
                 "%2Fetc%2Fpasswd", ""]
        for name in names:
            with self.subTest(name):
                s = self.tree({"/d/": listing(
                    response("/d/", collection=True), response("/d/ok"),
                    response("/d/" + name) if name else
                    response("/d//"))})
                self.clear()
                p = self.popen("get", "-fr", s.url + "d/", self.path("out"),
                               stderr=-1, stdout=-1)
                _, err = p.communicate(timeout=60)
                # What names the collection itself says nothing new.
                if name not in (".", "%2e", ""):
                    self.assertNotEqual(p.returncode, 0, err)
                self.assertEqual(self.found(), ["ok"], err)
                self.assertEqual([n for n in self.files() if n != "out"], [])

    def test_another_server_in_a_listing_is_not_asked(self):
        other = self.serve(lambda x: x.reply(200, b"other"))
        s = self.tree({"/d/": listing(response("/d/", collection=True),
                                      response(other.url + "d/x"),
                                      response("/elsewhere/y"),
                                      response("/d/e/deep"))})
        p = self.get(s, code=8)
        self.assertEqual(self.found(), [])
        self.assertEqual(other.requests, [])
        self.assertIn("elsewhere", p.err)

    def test_a_member_with_a_failure_is_unknown_and_the_rest_comes(self):
        for bad in ("403 Forbidden", "423 Locked", "500 X", "507 X"):
            for how in ({"bad": bad}, {"status": bad}):
                with self.subTest(bad, **how):
                    s = self.tree({"/d/": listing(
                        response("/d/", collection=True), response("/d/a"),
                        response("/d/b", **how))})
                    p = self.get(s, "-f", code=6)
                    self.assertEqual(self.found(), ["a"])
                    self.assertIn("/d/b", p.err)

    def test_a_listing_that_is_cut_is_unknown_and_what_was_read_comes(self):
        whole = listing(response("/d/", collection=True), response("/d/a"),
                        response("/d/b"))
        s = self.tree({"/d/": whole[:whole.index(b"/d/b")]})
        self.get(s, code=6)
        self.assertEqual(self.found(), ["a"])

    def test_a_listing_that_fails_is_told(self):
        s = self.tree({
            "/d/": listing(response("/d/", collection=True),
                           response("/d/e/", collection=True),
                           response("/d/a")), "/d/e/": 403})
        p = self.get(s, code=3)
        self.assertIn("/d/e/", p.err)
        self.assertEqual(self.found(), ["a"])

    def test_a_file_that_is_gone_is_told(self):
        s = self.tree({"/d/": listing(response("/d/", collection=True),
                                      response("/d/a"), response("/d/b"))},
                      files=["/d/a"])
        p = self.get(s, code=3)
        self.assertIn("/d/b", p.err)
        retry = [n for n in os.listdir(self.dir)
                 if n.startswith("sheaf-retry")]
        self.assertEqual(len(retry), 1)
        self.assertIn(b"/d/b", self.read(retry[0]))
        self.assertNotIn(b"/d/a", self.read(retry[0]))

    def test_a_collection_needs_r(self):
        s = self.tree({})
        p = self.sheaf("get", s.url + "d/", self.path("out"), code=4)
        self.assertIn("-r", p.err)

        def answer(x):
            if x.target == "/d":
                x.reply(301, b"", Location="/d/")
            else:
                x.reply(200, b"<html>")
        p = self.sheaf("get", self.serve(answer).url + "d", self.path("out"),
                       code=4)
        self.assertIn("-r", p.err)
        self.assertNotIn("out", self.files())

    def test_many_go_into_a_directory(self):
        s = self.tree({})
        self.sheaf("get", s.url + "a", s.url + "b", self.path("out"), code=2)
        os.mkdir(self.path("out"))
        self.sheaf("get", s.url + "a", s.url + "b", self.path("out"))
        self.assertEqual(self.found(), ["a", "b"])

    def test_interrupted_it_finishes_and_notes_the_rest(self):
        def answer(x):
            if x.method == "PROPFIND":
                x.reply(207, listing(response("/d/", collection=True), *[
                    response("/d/%d" % i) for i in range(40)]),
                    Content_Type="application/xml")
            else:
                time.sleep(0.4)
                x.reply(200, b"x")
        s = self.serve(answer)
        p = self.popen("get", "-r", "-j", "2", s.url + "d/", self.path("out"),
                       stdout=-1, stderr=-1)
        deadline = time.monotonic() + 20
        while len(s.of("GET")) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=30)
        self.assertEqual(p.returncode, 130, err)
        names = self.found()
        self.assertTrue(2 <= len(names) <= 8, names)
        retry = [n for n in os.listdir(self.dir)
                 if n.startswith("sheaf-retry")]
        left = self.read(retry[0])
        for i in range(40):
            self.assertNotEqual(str(i) in names, b"/d/%d\"" % i in left, i)


class Cat(scripted.TestCase):
    def test_files_come_one_after_the_other(self):
        def answer(x):
            time.sleep(0.3 if x.target == "/a" else 0)
            x.reply(200, x.target.encode())
        s = self.serve(answer)
        p = self.sheaf("cat", s.url + "a", s.url + "b")
        self.assertEqual(p.stdout, b"/a/b")

    def test_what_breaks_off_is_gone_on_with_and_nothing_comes_twice(self):
        s = self.serve(Resumable(50000, 20000, Repr_Digest=digest(BODY)))
        self.assertEqual(self.sheaf("cat", s.url + "f").stdout, BODY)

    def test_what_cannot_be_gone_on_with_is_no_success(self):
        for more in ({"etag": None}, {"ranges": False}):
            s = self.serve(Resumable(50000, **more))
            p = self.sheaf("cat", s.url + "f", code=6)
            self.assertEqual(p.stdout, BODY[:50000])
            self.assertIn("/f", p.err)

    def test_a_digest_that_lies_is_said(self):
        s = self.serve(Resumable(Repr_Digest=digest(b"other")))
        self.sheaf("cat", s.url + "f", code=11)

    def test_no_file_is_made(self):
        s = self.serve(lambda x: x.reply(404, b"no"))
        self.sheaf("cat", s.url + "f", code=4)
        self.assertEqual(os.listdir(self.dir), [])

    def test_a_reader_that_goes_is_no_reason_to_go_on(self):
        sent = [0]

        def answer(x):
            x.reply(200, b"", Content_Length=1 << 30)
            for _ in range(1 << 14):
                x.send(b"x" * (1 << 16))
                sent[0] += 1
        s = self.serve(answer)
        p = self.popen("cat", s.url + "f", stdout=-1, stderr=-1)
        p.stdout.read(100)
        p.stdout.close()
        self.assertNotEqual(p.wait(timeout=30), 0)
        p.stderr.close()
        self.assertLess(sent[0], 2000)


if __name__ == "__main__":
    scripted.main()

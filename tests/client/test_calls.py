# SPDX-License-Identifier: MIT
"""What the client makes of servers that behave in every possible way: seen by
fetch, which makes calls and says how they ended.

    test_calls.py SHEAF FETCH
"""

import base64
import gzip
import hashlib
import os
import re
import threading
import time

import scripted


class Calls(scripted.TestCase):
    def fetch(self, *args, code=0, env=None):
        """{number: fields of its done line}, and the text."""
        p = self.run_it(*args, program=1, code=code, env=env)
        text = p.stdout.decode("utf-8", "replace")
        ends = []
        for m in re.finditer(r"^(\d+) done (\w+) status=(\d+) attempts=(\d+) "
                             r"uncertain=(\d) sent=(\d) bytes=(\d+) text=(.*?)"
                             r" why=(.*?)$", text, re.M | re.S):
            ends.append(dict(zip(("number", "rc", "status", "attempts",
                                  "uncertain", "sent", "bytes", "text",
                                  "why"), m.groups())))
        self.text = text
        return sorted(ends, key=lambda e: int(e["number"]))

    def one(self, *args, **more):
        ends = self.fetch(*args, **more)
        self.assertEqual(len(ends), 1, self.text)
        return ends[0]

    def serve_silence(self):
        """A server that says nothing, and whether it was waited for in vain."""
        over, waited = threading.Event(), []

        def answer(_):
            if not over.wait(60):
                waited.append(True)
        s = self.serve(answer)
        self.addCleanup(over.set)
        return s, waited

    def expect(self, end, **fields):
        self.assertEqual({k: end[k] for k in fields},
                         {k: str(v) for k, v in fields.items()}, self.text)


class Answers(Calls):
    def test_a_whole_answer_is_ok(self):
        s = self.serve(lambda x: x.reply(200, b"hello"))
        self.expect(self.one("GET", s.url), rc="OK", status=200, bytes=5,
                    attempts=1, text="hello", uncertain=0)

    def test_a_head_answer_has_no_body(self):
        s = self.serve(lambda x: x.reply(200, b"hello"))
        self.expect(self.one("HEAD", s.url), rc="OK", status=200, bytes=0)

    def test_1xx_is_never_the_answer(self):
        def answer(x):
            x.send("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
                   "HTTP/1.1 102 Processing\r\n\r\n")
            x.reply(404, b"no")
        s = self.serve(answer)
        end = self.one("GET", s.url)
        self.expect(end, rc="OK", status=404)
        self.assertEqual(self.text.count(" head "), 1)

    def test_a_body_that_ends_early_is_cut_short(self):
        def answer(x):
            x.reply(200, b"hello", Content_Length=10)
            x.cut()
        s = self.serve(answer)
        self.expect(self.one("GET", s.url), rc="CUT_SHORT", status=200,
                    attempts=1, bytes=5)

    def test_a_chunked_body_without_its_last_chunk_is_cut_short(self):
        def answer(x):
            x.reply(200, b"5\r\nhello\r\n", Transfer_Encoding="chunked")
            x.cut()
        s = self.serve(answer)
        self.expect(self.one("GET", s.url), rc="CUT_SHORT", bytes=5)

    def test_a_reset_within_a_body_is_cut_short(self):
        def answer(x):
            x.reply(200, b"hello", Content_Length=1000000)
            time.sleep(0.2)
            x.reset()
        s = self.serve(answer)
        self.expect(self.one("GET", s.url), rc="CUT_SHORT", bytes=5)

    def test_http_0_9_is_no_answer(self):
        def answer(x):
            x.send("<html>hello</html>")
            x.cut()
        s = self.serve(answer)
        self.expect(self.one("GET", s.url), rc="BAD_ANSWER", bytes=0)

    def test_two_lengths_are_no_answer(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                   "Content-Length: 6\r\n\r\nhello!")
            x.cut()
        s = self.serve(answer)
        self.expect(self.one("GET", s.url), rc="BAD_ANSWER")

    def test_a_length_and_chunks_are_no_answer(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        s = self.serve(answer)
        self.expect(self.one("GET", s.url), rc="BAD_ANSWER")

    def test_an_endless_header_is_no_answer(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\n")
            for _ in range(6000):
                x.send("X-Filler: " + "x" * 80 + "\r\n")
            x.send("\r\n")
        s = self.serve(answer)
        self.assertIn(self.one("GET", s.url)["rc"],
                      ("BAD_ANSWER", "CUT_SHORT"))

    def test_gzip_is_taken_off_unless_the_bytes_are_wanted(self):
        def answer(x):
            if "gzip" in x.fields.get("accept-encoding", ""):
                x.reply(200, gzip.compress(b"hello"), Content_Encoding="gzip")
            else:
                x.reply(200, b"plain")
        s = self.serve(answer)
        self.expect(self.one("GET", s.url), rc="OK", text="hello")
        self.expect(self.one("identity=1", "GET", s.url), text="plain")

    def test_broken_gzip_is_a_bad_answer(self):
        s = self.serve(lambda x: x.reply(200, b"\x1f\x8bnonsense",
                                         Content_Encoding="gzip"))
        self.assertIn(self.one("GET", s.url)["rc"],
                      ("BAD_ANSWER", "CUT_SHORT"))

    def test_folded_lines_belong_together(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nX-A: one\r\n two\r\n"
                   "Content-Length: 0\r\n\r\n")
        s = self.serve(answer)
        self.one("GET", s.url)
        self.assertIn("0 head 200 2 ", self.text)

    def test_a_silent_server_is_given_up(self):
        s, waited = self.serve_silence()
        end = self.one("stall=300", "attempts=1", "DELETE", s.url)
        self.expect(end, rc="CUT_SHORT", sent=1, status=0)
        self.assertEqual(waited, [])
        self.assertIn("nothing was sent or received", end["why"])

    def test_slow_is_not_silent(self):
        def answer(x):
            x.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
            for _ in range(8):
                time.sleep(0.35)
                x.send(b"x")
        s = self.serve(answer)
        self.expect(self.one("stall=2000", "GET", s.url), rc="OK", bytes=8)

    def test_nobody_there_is_unreachable(self):
        end = self.one("attempts=2", "PUT", "http://127.0.0.1:1/")
        self.expect(end, rc="UNREACHABLE", attempts=2, sent=0)
        end = self.one("GET", "http://nothing.invalid/")
        self.expect(end, rc="UNREACHABLE", attempts=1)

    def test_what_is_no_url_is_refused(self):
        for url in ("ftp://h/", "http://", "h/a", "http://a@h/", "http://h/ä",
                    "http://h/a b", "http://h:99999/"):
            with self.subTest(url):
                self.assertEqual(self.fetch("GET", url), [])
                self.assertIn("refused BAD_REQUEST", self.text)

    def test_a_field_cannot_bring_another(self):
        s = self.serve(lambda x: x.reply(200))
        self.assertEqual(self.fetch("field=X-A: b\r\nX-C: d", "GET", s.url),
                         [])
        self.assertIn("refused BAD_REQUEST", self.text)
        self.assertEqual(s.requests, [])


class Repeats(Calls):
    def flaky(self, times, fault):
        count = [0]

        def answer(x):
            x.read_body()
            count[0] += 1
            if count[0] <= times:
                fault(x)
            else:
                x.reply(200, b"at last")
        return self.serve(answer)

    def test_busy_is_asked_again_and_after_as_long_as_it_says(self):
        s = self.flaky(1, lambda x: x.reply(503, b"busy", Retry_After="1"))
        begun = time.monotonic()
        end = self.one("GET", s.url)
        self.expect(end, rc="OK", status=200, attempts=2, text="at last")
        self.assertGreaterEqual(time.monotonic() - begun, 1.0)
        self.assertIn("wait 503 ", self.text)

    def test_each_status_that_passes_is_asked_again(self):
        for status in (408, 425, 429, 502, 503, 504):
            with self.subTest(status):
                s = self.flaky(1, lambda x: x.reply(status, b"no"))
                self.expect(self.one("DELETE", s.url), status=200, attempts=2,
                            uncertain=int(status in (502, 504)))

    def test_no_other_status_is(self):
        for status in (207, 400, 403, 404, 409, 412, 423, 424, 500, 507, 599):
            with self.subTest(status):
                s = self.flaky(1, lambda x: x.reply(status, b"no"))
                self.expect(self.one("DELETE", s.url), status=status,
                            attempts=1)

    def test_the_last_attempt_is_the_answer(self):
        s = self.flaky(9, lambda x: x.reply(503, b"busy"))
        self.expect(self.one("attempts=3", "GET", s.url), rc="OK", status=503,
                    attempts=3, text="busy")

    def test_a_wait_of_minutes_is_not_waited(self):
        s = self.flaky(9, lambda x: x.reply(503, b"busy", Retry_After="3600"))
        self.expect(self.one("GET", s.url), status=503, attempts=1)

    def test_what_is_not_idempotent_is_not_repeated(self):
        s = self.flaky(1, lambda x: x.reply(503, b"busy"))
        self.expect(self.one("POST", s.url), status=503, attempts=1)
        s = self.flaky(1, lambda x: x.reply(503, b"busy"))
        self.expect(self.one("keyed=1", "POST", s.url), status=200,
                    attempts=2)

    def test_no_answer_is_asked_for_again_and_remembered(self):
        s = self.flaky(1, lambda x: x.cut())
        self.expect(self.one("DELETE", s.url), rc="OK", status=200, attempts=2,
                    uncertain=1)

    def test_no_answer_to_what_is_not_idempotent_is_cut_short(self):
        s = self.flaky(1, lambda x: x.cut())
        self.expect(self.one("LOCK", s.url), rc="CUT_SHORT", attempts=1,
                    sent=1)
        self.assertEqual(len(s.requests), 1)

    def test_once_is_once(self):
        for fault in (lambda x: x.cut(), lambda x: x.reply(504, b"")):
            s = self.flaky(1, fault)
            end = self.one("once=1", "PUT", s.url)
            self.expect(end, attempts=1)
            self.assertEqual(len(s.requests), 1)

    def dying(self):
        """Closes each connection at its second request, unanswered."""
        seen = {}

        def answer(x):
            x.read_body()
            seen[x.number] = seen.get(x.number, 0) + 1
            if seen[x.number] == 2:
                x.cut()
            else:
                x.reply(200, b"x")
        return self.serve(answer)

    def test_a_kept_connection_that_dies_makes_it_uncertain(self):
        s = self.dying()
        ends = self.fetch("jobs=1", "DELETE", s.url + "a", "DELETE",
                          s.url + "b")
        self.expect(ends[0], rc="OK", uncertain=0)
        self.expect(ends[1], rc="OK", uncertain=1)

    def test_a_kept_connection_that_dies_does_not_repeat_once(self):
        s = self.dying()
        ends = self.fetch("jobs=1", "once=1", "PUT", s.url + "a", "PUT",
                          s.url + "b")
        self.expect(ends[1], rc="CUT_SHORT", sent=1)
        self.assertEqual(len(s.requests), 2)

    def test_a_lock_goes_out_on_a_new_connection(self):
        s = self.dying()
        ends = self.fetch("jobs=1", "GET", s.url + "a", "LOCK", s.url + "b")
        self.expect(ends[1], rc="OK", status=200)

    def test_a_refusing_server_is_tried_for_any_method(self):
        self.expect(self.one("attempts=3", "POST", "http://127.0.0.1:1/"),
                    rc="UNREACHABLE", attempts=3, uncertain=0)


class Uploads(Calls):
    def test_a_file_is_sent(self):
        data = os.urandom(300000)
        s = self.serve(lambda x: x.reply(
            201, hashlib.sha256(x.read_body()).hexdigest()))
        end = self.one("file=" + self.write("f", data), "PUT", s.url)
        self.expect(end, rc="OK", status=201,
                    text=hashlib.sha256(data).hexdigest()[:60])

    def test_a_refusal_does_not_cost_the_upload(self):
        for status in (401, 412, 507):
            with self.subTest(status):
                gone, rest = threading.Event(), []

                def answer(x):
                    self.assertEqual(x.fields.get("expect"), "100-continue")
                    x.reply(status, b"no", Connection="close")
                    try:
                        while True:
                            x.c._more()
                    except scripted.Gone:
                        rest.append(bytes(x.c.buffer))
                        gone.set()
                        x.cut()
                s = self.serve(answer)
                end = self.one("file=" + self.write("f", b"x" * 5000000),
                               "PUT", s.url)
                self.expect(end, rc="OK", status=status)
                self.assertTrue(gone.wait(scripted.PATIENCE))
                self.assertEqual(rest, [b""])

    def test_a_server_that_never_says_100_gets_it_all_the_same(self):
        def answer(x):
            x.read_body()
            x.reply(201)
        s = self.serve(answer)
        self.expect(self.one("file=" + self.write("f", b"x" * 3000000), "PUT",
                             s.url), rc="OK", status=201)
        self.assertEqual(len(s.requests[0].body), 3000000)

    def test_a_short_body_is_sent_without_asking(self):
        def answer(x):  # never says 100, as some servers
            x.read_body()
            x.reply(201)
        s = self.serve(answer)
        for size, asks in ((1, False), (65536, False), (3000000, True)):
            with self.subTest(size):
                self.expect(self.one("file=" + self.write("f", b"x" * size),
                                     "PUT", s.url), rc="OK", status=201)
                self.assertEqual("expect" in s.requests[-1].fields, asks)
                self.assertEqual(len(s.requests[-1].body), size)

    def test_417_is_asked_again_without(self):
        def answer(x):
            if "expect" in x.fields:
                x.reply(417, b"what?")
                return
            x.read_body()
            x.reply(201)
        s = self.serve(answer)
        self.expect(self.one("file=" + self.write("f", b"x" * 3000000), "PUT",
                             s.url), rc="OK", status=201)

    def test_an_early_answer_ends_the_upload(self):
        def answer(x):
            x.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n"
                   "Connection: close\r\n\r\nno")
            x.cut()
        s = self.serve(answer)
        end = self.one("attempts=1", "file=" + self.write("f", b"x" * 900000),
                       "PUT", s.url)
        self.assertEqual(end["status"], "413", self.text)

    def test_it_is_sent_anew_from_its_start(self):
        seen = []

        def answer(x):
            x.read_body()
            seen.append(x.body)
            if len(seen) == 1:
                x.reply(503, b"")
            else:
                x.reply(201)
        s = self.serve(answer)
        self.expect(self.one("file=" + self.write("f", b"abc" * 1000), "PUT",
                             s.url), status=201, attempts=2)
        self.assertEqual(seen, [b"abc" * 1000] * 2)

    def test_a_file_that_shrinks_is_an_error(self):
        def answer(x):
            if "expect" in x.fields:
                os.truncate(self.path("f"), 100)
                x.send("HTTP/1.1 100 Continue\r\n\r\n")
            x.read_body()
        s = self.serve(answer)
        end = self.one("file=" + self.write("f", b"x" * 3000000), "PUT", s.url)
        self.expect(end, rc="IO")
        self.assertIn("shorter", end["why"])

    def test_an_empty_file_is_a_file(self):
        def answer(x):
            x.read_body()
            x.reply(201)
        s = self.serve(answer)
        self.expect(self.one("file=" + self.write("f", b""), "PUT", s.url),
                    rc="OK", status=201)
        self.assertEqual(s.requests[0].fields["content-length"], "0")


class Redirects(Calls):
    def test_reading_methods_follow_and_others_do_not(self):
        def answer(x):
            if x.target == "/a":
                x.reply(301, b"", Location="/b/")
            else:
                x.reply(200, b"b")
        s = self.serve(answer)
        for method in ("GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"):
            with self.subTest(method):
                self.expect(self.one(method, s.url + "a"), status=200)
                self.assertIn("head 200 1 " + s.url + "b/", self.text)
        for method in ("PUT", "DELETE", "MKCOL", "COPY", "MOVE", "LOCK",
                       "PROPPATCH", "POST"):
            with self.subTest(method):
                self.expect(self.one(method, s.url + "a"), status=301)

    def test_a_circle_ends(self):
        s = self.serve(lambda x: x.reply(302, b"", Location="/" + "x"))
        self.expect(self.one("GET", s.url), rc="OK", status=302)
        self.assertLess(len(s.requests), 15)

    def test_credentials_do_not_leave_their_server(self):
        other = self.serve(lambda x: x.reply(200, b"other"))
        s = self.serve(lambda x: x.reply(302, b"", Location=other.url))
        self.expect(self.one("GET", s.url), status=200, text="other")
        for secret in ("user=alice", "token=t",
                       "field=Authorization: Basic eDp5"):
            with self.subTest(secret):
                before = len(other.requests)
                self.expect(self.one(secret, "GET", s.url), status=302)
                self.assertEqual(len(other.requests), before)

    def test_other_schemes_are_not_followed(self):
        self.write("secret", b"secret")
        for where in ("file://" + self.path("secret"), "ftp://127.0.0.1/",
                      "gopher://127.0.0.1/", "http://", "//", ""):
            with self.subTest(where):
                s = self.serve(lambda x: x.reply(302, b"", Location=where))
                self.expect(self.one("GET", s.url), status=302)


def basic(user, password):
    return "Basic " + base64.b64encode(
        ("%s:%s" % (user, password)).encode()).decode()


class Credentials(Calls):
    def guarded(self, right=basic("alice", "secret"),
                challenge='Basic realm="x"'):
        def answer(x):
            x.read_body()
            if x.fields.get("authorization") == right:
                x.reply(200, b"in")
            else:
                x.reply(401, b"out", WWW_Authenticate=challenge)
        return self.serve(answer)

    def test_a_password_is_asked_for_when_it_is_wanted_and_once(self):
        s = self.guarded()
        ends = self.fetch("user=alice", "password=secret", "jobs=1",
                          *["GET", s.url + "a"] * 4)
        for end in ends:
            self.expect(end, status=200, attempts=1)
        self.assertEqual(self.text.count("asked alice 127.0.0.1"), 1)
        self.assertLessEqual(len(s.requests), 7)

    def test_it_is_not_sent_where_nobody_asks(self):
        s = self.serve(lambda x: x.reply(200, b"free"))
        self.expect(self.one("user=alice", "password=secret", "GET", s.url),
                    status=200)
        self.assertNotIn("authorization", s.requests[0].fields)
        self.assertNotIn("asked", self.text)

    def test_a_wrong_one_is_an_answer_of_401(self):
        s = self.guarded()
        self.expect(self.one("user=alice", "password=wrong", "GET", s.url),
                    rc="OK", status=401, text="out")

    def test_none_is_an_answer_of_401(self):
        s = self.guarded()
        self.expect(self.one("GET", s.url), status=401)
        self.expect(self.one("user=alice", "GET", s.url), status=401)

    def test_an_upload_is_sent_again_with_it(self):
        seen = []

        def answer(x):
            seen.append(x.read_body())
            if "authorization" in x.fields:
                x.reply(201)
            else:
                x.reply(401, b"out", WWW_Authenticate='Basic realm="x"')
        s = self.serve(answer)
        self.expect(self.one("user=alice", "password=secret",
                             "file=" + self.write("f", b"abc" * 10000), "PUT",
                             s.url), status=201)
        self.assertEqual(seen[-1], b"abc" * 10000)

    def test_digest_is_spoken(self):
        def answer(x):
            x.read_body()
            field = x.fields.get("authorization", "")
            if not field.startswith("Digest "):
                x.reply(401, b"out", WWW_Authenticate='Digest realm="r", '
                        'nonce="n", qop="auth", algorithm=MD5')
                return
            got = dict(re.findall(r'(\w+)="?([^",]*)', field))

            def md5(s):
                return hashlib.md5(s.encode()).hexdigest()
            want = md5(":".join((
                md5("alice:r:secret"), "n", got["nc"], got["cnonce"], "auth",
                md5(x.method + ":" + x.target))))
            x.reply(200 if got["response"] == want else 403, b"in")
        s = self.serve(answer)
        self.expect(self.one("user=alice", "password=secret", "PROPFIND",
                             s.url), status=200)
        self.expect(self.one("user=alice", "password=secret",
                             "file=" + self.write("f", b"abc"), "PUT",
                             s.url), status=200)
        # Never an empty body in the place of the file.
        self.assertEqual({x.body for x in s.of("PUT")}, {b"abc"})

    def test_netrc_knows(self):
        s = self.guarded()
        self.write("mine", b"# comment\nmachine other login x password y\n"
                   b"machine 127.0.0.1\n\tlogin alice\n\tpassword secret\n")
        self.expect(self.one("netrc=" + self.path("mine"), "GET", s.url),
                    status=200)
        os.rename(self.path("mine"), self.path(".netrc"))
        self.expect(self.one("GET", s.url), status=200)
        self.expect(self.one("user=bob", "password=x", "GET", s.url),
                    status=401)

    def test_a_netrc_that_is_not_there_is_said(self):
        self.fetch("netrc=/nonexistent", "GET", "http://127.0.0.1:1/", code=1)
        self.assertIn("/nonexistent", self.text)

    def test_a_token_is_sent_at_once(self):
        s = self.guarded(right="Bearer abc.def")
        self.expect(self.one("token=abc.def", "GET", s.url), status=200)
        self.assertEqual(len(s.requests), 1)

    def test_the_trace_has_no_secrets(self):
        s = self.guarded()
        self.one("trace=1", "user=alice", "password=secret", "GET",
                 s.url + "a?key=hidden")
        self.assertIn("trace > GET", self.text)
        self.assertIn("trace < 401", self.text)
        self.assertNotIn("trace < 100", self.text)
        for line in self.text.splitlines():
            if line.startswith("trace"):
                self.assertNotRegex(line, "secret|hidden|YWxpY2U")
        self.assertEqual(len(s.requests), 2)

    def test_negotiate_without_a_ticket_is_401(self):
        s = self.guarded(challenge="Negotiate")
        self.expect(self.one("GET", s.url), rc="OK", status=401)


class Transport(Calls):
    def test_calls_run_side_by_side(self):
        all_there = threading.Barrier(8)

        def answer(x):
            all_there.wait(60)
            x.reply(200, b"x")
        s = self.serve(answer)
        ends = self.fetch("jobs=8", *["GET", s.url] * 8)
        self.assertEqual([e["rc"] for e in ends], ["OK"] * 8)

    def test_connections_are_kept(self):
        s = self.serve(lambda x: x.reply(200, b"x"))
        self.fetch("jobs=1", *["GET", s.url] * 10)
        self.assertEqual(s.connections, 1)

    def test_a_certificate_that_nobody_signed_is_refused(self):
        key, cert = scripted.certificate(self.dir)
        s = self.serve(lambda x: x.reply(200, b"x"),
                       tls=scripted.tls_context(key, cert))
        end = self.one("GET", s.url)
        self.expect(end, rc="UNREACHABLE", sent=0, attempts=1)
        self.assertIn("--cacert", end["why"])
        self.expect(self.one("cacert=" + cert, "GET", s.url), rc="OK",
                    status=200)
        self.assertEqual(len(s.requests), 1)

    def test_a_client_certificate_is_shown(self):
        key, cert = scripted.certificate(self.dir)
        with open(self.path("both.pem"), "wb") as f:
            f.write(self.read("cert.pem") + self.read("key.pem"))
        s = self.serve(lambda x: x.reply(200, b"x"),
                       tls=scripted.tls_context(key, cert, ca=cert))
        self.assertNotEqual(self.one("attempts=1", "cacert=" + cert, "GET",
                                     s.url)["rc"], "OK")
        self.expect(self.one("cacert=" + cert,
                             "cert=" + self.path("both.pem"), "GET", s.url),
                    rc="OK", status=200)

    def test_files_that_are_not_there_are_named(self):
        end = self.one("cacert=/nonexistent", "GET", "https://127.0.0.1:1/")
        self.assertEqual(end["rc"], "UNREACHABLE")

    def test_a_proxy_is_asked(self):
        s = self.serve(lambda x: x.reply(200, x.target.encode()))
        self.expect(self.one("proxy=" + s.url, "GET", "http://far.test/a"),
                    rc="OK", text="http://far.test/a")
        end = self.one("GET", "http://far.test/b", env={"http_proxy": s.url})
        self.expect(end, rc="OK", text="http://far.test/b")

    def test_a_proxy_that_wants_a_password_says_so(self):
        s = self.serve(lambda x: x.reply(
            407, b"", Proxy_Authenticate='Basic realm="p"'))
        self.expect(self.one("proxy=" + s.url, "GET", "http://far.test/a"),
                    rc="OK", status=407)

    def test_drain_ends_what_has_begun_and_nothing_more(self):
        def answer(x):
            time.sleep(2.5)
            x.reply(200, b"x")
        s = self.serve(answer)
        # By then two have begun, and none has ended.
        ends = self.fetch("jobs=2", "stop=1200", *["GET", s.url] * 5)
        self.assertEqual([e["rc"] for e in ends],
                         ["OK"] * 2 + ["CANCELLED"] * 3)
        self.assertEqual([e["attempts"] for e in ends[2:]], ["0"] * 3)

    def test_abort_breaks_everything_off(self):
        s, waited = self.serve_silence()
        ends = self.fetch("jobs=2", "abort=1200", *["DELETE", s.url] * 3)
        self.assertEqual([(e["rc"], e["sent"]) for e in ends],
                         [("CANCELLED", "1")] * 2 + [("CANCELLED", "0")])
        self.assertEqual(waited, [])

    def test_drain_does_not_wait_to_ask_again(self):
        s = self.serve(lambda x: x.reply(503, b"", Retry_After="30"))
        begun = time.monotonic()
        self.expect(self.one("stop=300", "GET", s.url), rc="CANCELLED")
        self.assertLess(time.monotonic() - begun, 5)


if __name__ == "__main__":
    scripted.main()

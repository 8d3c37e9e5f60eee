# SPDX-License-Identifier: MIT
"""The file work among servers that say anything at all, and with arguments that
nobody should give.

    test_hostile.py PROGRAM
"""

import json
import os
import re
import shlex
import signal
import subprocess
import time

import scripted

ALL = "<D:multistatus xmlns:D='DAV:'>%s</D:multistatus>"
ONE = ("<D:response><D:href>%s</D:href><D:propstat><D:prop>%s</D:prop>"
       "<D:status>HTTP/1.1 %d X</D:status></D:propstat></D:response>")
FILE = "<D:resourcetype/>"
COLLECTION = "<D:resourcetype><D:collection/></D:resourcetype>"


def one(href, kind=FILE, status=200):
    return ONE % (href, kind, status)


def tell(x, *responses):
    x.reply(207, ALL % "".join(responses), Content_Type="application/xml")


def there(x):
    """Whatever is asked for is there, and whatever is wanted is done."""
    path = x.target.partition("?")[0]
    if x.method == "PROPFIND":
        tell(x, one(path, COLLECTION if path.endswith("/") else FILE))
    else:
        x.reply(204)


def nothing(x):
    x.reply(404)


class Base(scripted.TestCase):
    def at(self, answer):
        self.server = self.serve(answer)
        return self.server.url

    def changes(self):
        return [(x.method, x.target) for x in self.server.requests
                if x.method not in ("PROPFIND", "HEAD", "GET", "OPTIONS")]

    def left(self):
        names = [n for n in os.listdir(self.dir)
                 if n.startswith("sheaf-retry-")]
        self.assertEqual(len(names), 1, names)
        lines = [json.loads(line) for line in
                 self.read(names[0]).decode().splitlines()]
        return names[0], lines[0], lines[1:]


class Overwrite(Base):
    """Servers that pass over Overwrite: F."""

    def test_cp_and_mv_do_not_overwrite_what_they_have_not_seen(self):
        for command in "cp", "mv":
            for to in "b", "d/":
                url = self.at(there)
                p = self.sheaf(command, url + "a", url + to, code=4)
                self.assertEqual(self.changes(), [], (command, to))
                self.assertIn("--force", p.err)
        url = self.at(there)
        self.sheaf("cp", "--force", url + "a", url + "b")
        self.assertEqual(self.changes(), [("COPY", "/a")])

    def test_retry_does_not_either(self):
        full = {"/b"}
        url = self.at(lambda x: nothing(x) if x.method == "PROPFIND" and
                      x.target in full else there(x))
        self.write("again", ('{"type":"sheaf-retry","version":1}\n'
                   '{"id":"1","op":"move","url":"%sa","destination":"%sb",'
                   '"overwrite":false,"fate":"failed","status":503}\n'
                             % (url, url)).encode())
        full.clear()
        self.sheaf("retry", "again", code=4)
        self.assertEqual(self.changes(), [])
        full.add("/b")
        self.sheaf("retry", "again")
        self.assertEqual(self.changes(), [("MOVE", "/a")])

    def test_what_could_not_be_looked_at_replaces_nothing_later(self):
        """MOVE a to d/ would put a file in the place of all that is in d."""
        down = [True]
        url = self.at(lambda x: x.reply(403) if down[0] else there(x))
        self.sheaf("mv", "--force", url + "a", url + "d/", code=7)
        name, _, lines = self.left()
        self.assertIs(lines[0]["overwrite"], False)
        down[0] = False
        self.sheaf("retry", name, code=4)
        self.assertEqual(self.changes(), [])


class Kinds(Base):
    def rm(self, *responses):
        url = self.at(lambda x: tell(x, *responses)
                      if x.method == "PROPFIND" else x.reply(204))
        p = self.sheaf("rm", url + "d", code=4)
        self.assertEqual(self.changes(), [])
        return p

    def test_what_may_be_a_collection_stays_without_r(self):
        for responses in (
                [one("/d", COLLECTION), one("/d")],
                [one("/d"), one("/d", COLLECTION), one("/d")],
                [one("/d", "<D:getetag>'1'</D:getetag>")],
                [one("/d", FILE, 404)],
                [one("/d/a")], []):
            self.rm(*responses)

    def test_retry_does_not_remove_what_rm_refused(self):
        url = self.at(lambda x: tell(x, one("/d/", COLLECTION))
                      if x.method == "PROPFIND" else x.reply(204))
        self.sheaf("rm", url + "d", code=4)
        name, _, _ = self.left()
        p = self.sheaf("retry", name, code=4)
        self.assertIn("rm -r", p.err)
        self.assertEqual(self.changes(), [])

    def test_retry_looks_where_rm_could_not(self):
        down = [True]
        url = self.at(lambda x: x.reply(500) if down[0] else
                      tell(x, one("/d/", COLLECTION))
                      if x.method == "PROPFIND" else x.reply(204))
        self.sheaf("rm", url + "d", code=4)
        down[0] = False
        self.sheaf("retry", self.left()[0], code=4)
        self.assertEqual(self.changes(), [])

    def test_a_page_of_a_proxy_is_no_new_collection(self):
        def answer(x):
            x.reply(200, "<html>Welcome</html>", Content_Type="text/html")
        p = self.sheaf("mkdir", self.at(answer) + "d", code=8)
        self.assertIn("/d/", p.err)


class Arguments(Base):
    def test_a_query_stays_at_the_end_of_a_destination(self):
        def answer(x):
            if x.method == "PROPFIND" and x.target.startswith("/d/a"):
                x.reply(404)
            else:
                there(x)
        url = self.at(answer)
        self.sheaf("cp", url + "a?v=1", url + "d/?x=1")
        copy = self.server.of("COPY")[0]
        self.assertEqual((copy.target, copy.fields["destination"]),
                         ("/a?v=1", url + "d/a?x=1"))
        self.write("f", b"x")
        url = self.at(lambda x: x.reply(201) if x.method == "PUT"
                      else x.reply(404))
        self.sheaf("put", "f", url + "d/?x=1")
        self.assertEqual(self.server.of("PUT")[0].target, "/d/f?x=1")

    def test_json_always_ends_with_a_summary(self):
        url = self.at(nothing)
        for args in (["rm"], ["rm", "--nope", url], ["ls", "ftp://h/"],
                     ["ls", "--user", "a:b", url], ["cp", url, "http://h/"],
                     ["unlock", url, "a b"], ["prop", "put", url, "x"],
                     ["put", "x"], ["get", url], ["retry"], ["mkdir"],
                     ["lock", "--lock-timeout", "x", url],
                     ["put", "x", "--if-match", "a\nb", url],
                     ["tree"], ["stat"], ["ls", "http://h:99999/"]):
            p = self.sheaf(*args, "--json", code=2)
            lines = [json.loads(line) for line in p.stdout.splitlines()]
            self.assertEqual([o["type"] for o in lines], ["summary"], args)
            self.assertEqual((lines[0]["exit"], lines[0]["total"]), (2, 0))
            self.assertTrue(p.err.startswith("sheaf: "), args)
        self.assertEqual(self.server.requests, [])
        p = self.sheaf("rm", "--json", "--failed-out", "/no/such", url,
                       code=1)
        self.assertEqual(json.loads(p.stdout)["exit"], 1)

    def test_no_part_of_a_password_is_printed(self):
        for url in ("http://u:secret@h/", "http://u:a@secret@h/",
                    "http://u:secret@h:99999/", "http://u:secret/x@h/",
                    "http://u:secret@h/#x", "http://u:secret@/"):
            p = self.sheaf("ls", url, code=2)
            self.assertNotIn("secret", p.err, url)
            self.assertTrue(p.err.startswith("sheaf: http://..."), p.err)

    def test_arguments_do_nothing_to_a_terminal(self):
        for args in (["\x1b[2J"], ["ls", "http://\x1b[31m/"], ["ls", "ftp://h/\x1b[2J"],
                     ["unlock", "http://h/", "\x1b[2J \x9b"],
                     ["cp", "http://h/a", "http://g/\x1b[2J"],
                     ["ls", "--\x1b[2J"], ["ls", "--jobs", "\x1b[2J", "x"],
                     ["tree", "http://u:\x1b@h/"], ["lock"],
                     ["unlock", "a", "b", "\x1b[2J"],
                     ["put", "\x1b[2J/..", "http://h/d/"]):
            p = self.sheaf(*args, code=2)
            self.assertNotIn("\x1b", p.err, args)

    def test_put_keeps_a_token_without_its_angles(self):
        self.write("f", b"x")
        url = self.at(lambda x: x.reply(423) if x.method == "PUT"
                      else x.reply(404))
        self.sheaf("put", "--lock-token", "<urn:t>", "f", url + "f", code=4)
        self.assertEqual(self.left()[2][0]["lockToken"], "urn:t")
        self.sheaf("put", "--lock-token", "a\r\nX: y", "f", url + "f", code=2)

    def test_who_it_was_is_kept_for_retry(self):
        url = self.at(nothing)
        p = self.sheaf("rm", url.replace("//", "//j%20o'@") + "a", code=4)
        name, head, lines = self.left()
        self.assertEqual(head["user"], "j o'")
        self.assertNotIn("@", lines[0]["url"])
        command = p.err.splitlines()[-1].rpartition("go on: ")[2]
        self.assertEqual(shlex.split(command),
                         ["sheaf", "retry", "--user", "j o'", name])

    def test_a_retry_file_with_an_odd_name_can_be_named(self):
        url = self.at(nothing)
        for name in "a b", "$(x)", "it's", "-":
            p = self.sheaf("rm", "--failed-out", "./" + name, url + "a",
                           code=4)
            command = p.err.splitlines()[-1].rpartition("go on: ")[2]
            self.assertEqual(shlex.split(command)[-1], "./" + name)


class Tokens(Base):
    """A server that wants all that If names to have the lock: sabre/dav."""

    def lock(self, *locked):
        def answer(x):
            named = re.findall("<http://[^/]*([^>]*)> ", x.fields.get("if", ""))
            if x.method in ("PROPFIND", "HEAD"):
                (there if x.target == "/d/f" else nothing)(x)
            elif named and set(named) <= set(locked):
                if "expect" in x.fields:
                    x.send("HTTP/1.1 100 Continue\r\n\r\n")
                x.read_body()
                x.reply(201)
            else:
                x.reply(412)
        return self.at(answer)

    def each(self, url, code):
        self.write("f", b"x" * 300000)
        for args in (["put", "--force", "f", url + "d/f"], ["rm", url + "d/f"],
                     ["mkdir", url + "d/f/"], ["cp", url + "d/f", url + "e/f"],
                     ["mv", "--force", url + "d/f", url + "e/f"]):
            with self.subTest(args[0]):
                before = len(self.changes())
                self.sheaf(*args, "--lock-token", "urn:t", code=code)
                self.assertEqual(len(self.changes()) - before, 2)

    def test_a_lock_of_the_target_alone_is_enough(self):
        self.each(self.lock("/d/f", "/d/f/"), 0)
        self.assertEqual(self.server.of("PUT")[-1].body, b"x" * 300000)

    def test_it_is_asked_once_more_and_no_more_than_that(self):
        self.each(self.lock(), 4)

    def test_what_has_a_lock_above_is_asked_once(self):
        url = self.lock("/d/f", "/d/")
        self.sheaf("rm", "--lock-token", "urn:t", url + "d/f")
        self.assertEqual(self.changes(), [("DELETE", "/d/f")])


class Passwords(Base):
    def refuse(self, challenge):
        return lambda x: x.reply(401, WWW_Authenticate=challenge)

    def shown(self):
        return [x for x in self.server.requests
                if "authorization" in x.fields]

    def test_a_wrong_one_is_shown_once_however_many_items_there_are(self):
        netrc = self.write("netrc", b"machine 127.0.0.1 login j password p\n")
        os.chmod(netrc, 0o600)
        for challenge in ('Basic realm="x"',
                          'Digest realm="x", nonce="n", qop="auth"'):
            for args, env in ((["--user", "j"], {"SHEAF_PASSWORD": "p"}),
                              (["--netrc-file", netrc], {})):
                url = self.at(self.refuse(challenge))
                self.sheaf("rm", "--jobs", "8", *args,
                           *(url + "f%d" % i for i in range(30)), code=7,
                           env=env)
                self.assertEqual(len(self.shown()), 1, (challenge, args))

    def test_a_right_one_is_used_side_by_side_afterwards(self):
        def answer(x):
            if "authorization" not in x.fields:
                x.reply(401, WWW_Authenticate='Basic realm="x"')
            elif x.target == "/f7":  # not for us, though we are known
                x.reply(401, WWW_Authenticate='Basic realm="x"')
            else:
                there(x)
        url = self.at(answer)
        p = self.sheaf("rm", "--user", "j", *(url + "f%d" % i
                                              for i in range(20)), code=3,
                       env={"SHEAF_PASSWORD": "p"})
        self.assertEqual(len(self.changes()), 19, p.err)

    def test_where_none_is_wanted_nobody_waits_for_long(self):
        netrc = self.write("netrc", b"machine 127.0.0.1 login j password p\n")
        os.chmod(netrc, 0o600)

        def slow(x):
            time.sleep(0.1)
            there(x)
        url = self.at(slow)
        began = time.monotonic()
        self.sheaf("rm", "--jobs", "8", "--netrc-file", netrc,
                   *(url + "f%d" % i for i in range(24)))
        self.assertLess(time.monotonic() - began, 4)
        self.assertEqual(self.shown(), [])

    def test_it_does_not_follow_to_another_server(self):
        other = self.serve(lambda x: tell(x, one("/d/", COLLECTION)))
        netrc = self.write("netrc", b"default login j password p\n")
        os.chmod(netrc, 0o600)

        def answer(x):
            if "authorization" in x.fields or not wants:
                x.reply(302, Location=other.url + "d/")
            else:
                x.reply(401, WWW_Authenticate='Basic realm="x"')
        for wants in True, False:
            for args, env in ((["--user", "j"], {"SHEAF_PASSWORD": "p"}),
                              ([], {"SHEAF_TOKEN": "t"}),
                              (["--netrc-file", netrc], {})):
                url = self.at(answer)
                subprocess.run(
                    [scripted.PROGRAMS[0], "ls", *args, url + "d/"],
                    env={**self.env, **env}, cwd=self.dir,
                    capture_output=True, timeout=60)
        for x in other.requests:
            self.assertNotIn("authorization", x.fields)


class Answers(Base):
    def test_a_head_that_is_too_long_is_no_lack_of_memory(self):
        def answer(x):
            x.send("HTTP/1.1 207 X\r\nX: " + "a" * 300000 +
                   "\r\nContent-Length: 0\r\n\r\n")
        p = self.sheaf("ls", self.at(answer), code=8)
        self.assertIn("head", p.err)
        self.assertNotIn("memory", p.err)

    def test_a_redirect_says_what_to_name(self):
        url = self.at(lambda x: x.reply(307, Location="http://h/d/")
                      if x.method == "DELETE" else there(x))
        p = self.sheaf("rm", url + "a", code=4)
        self.assertIn("http://h/d/", p.err)
        self.assertIn("URL instead", p.err)

    def test_nobody_reads_and_a_full_disk_are_no_success(self):
        def many(x):
            tell(x, one("/d/", COLLECTION),
                 *(one("/d/f%d" % i) for i in range(20000)))
        url = self.at(many)
        for args in ["ls"], ["ls", "-l"], ["ls", "--json"], ["tree"]:
            with open("/dev/full", "wb") as full:
                p = self.popen(*args, url + "d/", stdout=full,
                               stderr=subprocess.PIPE)
                err = p.communicate(timeout=60)[1]
            self.assertEqual(p.returncode, 1, (args, err))
            self.assertIn(b"write", err)
            p = self.popen(*args, url + "d/", stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
            p.stdout.readline()
            p.stdout.close()
            err = p.stderr.read()
            p.stderr.close()
            self.assertEqual(p.wait(timeout=60), 1, (args, err))

    def test_a_second_interrupt_leaves_a_whole_retry_file(self):
        def hang(x):
            if x.method == "PROPFIND":
                there(x)
            else:
                time.sleep(scripted.PATIENCE)
        url = self.at(hang)
        p = self.popen("rm", *(url + "f%d" % i for i in range(50)),
                       stderr=subprocess.PIPE)
        while len(self.server.of("DELETE")) < 4:
            time.sleep(0.01)
        p.send_signal(signal.SIGINT)
        time.sleep(0.3)
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=30)
        self.assertEqual(p.returncode, 130)
        _, _, lines = self.left()
        self.assertEqual(sorted(o["url"] for o in lines),
                         sorted(url + "f%d" % i for i in range(50)))
        self.assertEqual(len([o for o in lines if o["fate"] == "unknown"]),
                         len(self.server.of("DELETE")))


if __name__ == "__main__":
    scripted.main()

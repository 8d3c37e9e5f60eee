# SPDX-License-Identifier: MIT
"""The file work on a real server: ls, tree, stat, rm, cp, mv, mkdir, prop, lock
and unlock, each by what it exits with, what it prints, and what is there then.

    test_files.py PROGRAM
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "http"))

import sheaf_http  # noqa: E402

NAMES = (b"plain", b"a b", "\u00fc\u4e2d".encode(), b"100%", b"a#b", b"a?b",
         b"new\nline", b"bad\xff\xfe", b"quote\"'<&>", b"back\\slash",
         b"-rf", b"semi;colon", b"+plus")


class Run:
    """What a command did."""

    def __init__(self, p):
        self.code = p.returncode
        self.out = p.stdout.decode("utf-8", "surrogateescape")
        self.err = p.stderr.decode("utf-8", "surrogateescape")

    def __repr__(self):
        return "%d\n%s\n%s" % (self.code, self.out, self.err)


class Files(sheaf_http.TestCase):
    tests = 0

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        # Locks outlive the files that they are of.
        Files.tests += 1
        self.base = "t%d/" % Files.tests
        os.makedirs(self.path(""))

    def url(self, path=""):
        return self.server.url + self.base + quote(path)

    def path(self, name):
        return os.path.join(os.fsencode(self.server.root),
                            os.fsencode(self.base), os.fsencode(name))

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def write(self, name, data=b"x"):
        full = self.path(name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data)

    def has(self, name):
        return os.path.exists(self.path(name))

    def sheaf(self, *args, **more):
        env = dict(os.environ, LC_ALL="C.UTF-8", **more)
        return Run(subprocess.run(
            [self.server.program, *args], stdin=subprocess.DEVNULL,
            capture_output=True, timeout=120, cwd=self.dir, env=env))

    def expect(self, code, *args, **more):
        r = self.sheaf(*args, **more)
        self.assertEqual(r.code, code, r)
        return r

    def objects(self, r):
        lines = [json.loads(line) for line in r.out.splitlines()]
        self.assertEqual(lines[-1]["type"], "summary")
        self.assertEqual(lines[-1]["exit"], r.code)
        return lines

    def lock(self, path, *args):
        return self.expect(0, "lock", *args, self.url(path)).out.strip()

    def retry_files(self):
        return glob.glob(os.path.join(self.dir, "sheaf-retry-*"))


class Rm(Files):
    def test_a_file_goes(self):
        self.write("a")
        r = self.expect(0, "rm", self.url("a"))
        self.assertEqual((r.out, r.err), ("", ""))
        self.assertFalse(self.has("a"))

    def test_a_collection_stays_without_r(self):
        self.write("d/a")
        r = self.expect(4, "rm", self.url("d"))
        self.assertIn("-r", r.err)
        self.assertTrue(self.has("d/a"))
        self.expect(0, "rm", "-r", self.url("d"))
        self.assertFalse(self.has("d"))

    def test_a_locked_member_stays_and_is_named(self):
        self.write("d/a")
        self.write("d/b")
        token = self.lock("d/a")
        r = self.expect(3, "rm", "-r", self.url("d"))
        self.assertIn(self.url("d/a"), r.err)
        self.assertIn("423", r.err)
        self.assertTrue(self.has("d/a"))
        self.assertFalse(self.has("d/b"))
        self.assertEqual(len(self.retry_files()), 1)
        self.expect(0, "rm", "--lock-token", token, self.url("d/a"))
        self.assertFalse(self.has("d/a"))

    def test_json_names_the_members_too(self):
        self.write("d/a")
        self.lock("d/a")
        r = self.expect(3, "rm", "-r", "--json", self.url("d"))
        lines = self.objects(r)
        self.assertEqual(lines[0]["fate"], "partial")
        self.assertIn(self.url("d/a"), json.dumps(lines[0]["members"]))

    def test_what_is_not_there_fails_and_the_others_go(self):
        self.write("a")
        r = self.expect(3, "rm", self.url("nope"), self.url("a"))
        self.assertIn("404", r.err)
        self.assertFalse(self.has("a"))
        self.expect(4, "rm", self.url("nope"))

    def test_if_match_keeps_another_version(self):
        self.write("a")
        self.expect(4, "rm", "--if-match", '"other"', self.url("a"))
        self.assertTrue(self.has("a"))
        etag = self.expect(0, "prop", "get", self.url("a"),
                           "DAV:getetag").out.strip()
        self.expect(0, "rm", "--if-match", etag, self.url("a"))
        self.assertFalse(self.has("a"))

    def test_dry_run_removes_nothing(self):
        self.write("d/a")
        r = self.expect(0, "rm", "-rn", self.url("d"))
        self.assertIn("would delete " + self.url("d") + "/", r.out)
        self.assertTrue(self.has("d/a"))
        self.expect(4, "rm", "-n", self.url("d"))

    def test_nobody_there_is_9(self):
        r = self.expect(9, "rm", "--retries", "1", "http://127.0.0.1:1/a")
        self.assertIn("http://127.0.0.1:1/a", r.err)

    def test_many_go_side_by_side(self):
        for i in range(60):
            self.write("f%d" % i)
        self.expect(0, "rm", "-j", "8",
                    *[self.url("f%d" % i) for i in range(60)])
        self.assertEqual(os.listdir(self.path("")), [])


class Names(Files):
    def test_every_name_is_listed_copied_moved_and_removed(self):
        for name in NAMES:
            with self.subTest(name):
                self.write(name, b"of " + name)
                r = self.expect(0, "ls", "--json", self.url())
                listed = [unquote_to_bytes(e["url"].split("/")[-1])
                          for e in self.objects(r) if e["type"] == "entry"]
                self.assertIn(name, listed)
                self.expect(0, "mkdir", self.url("to"))
                self.expect(0, "cp", self.url(name), self.url("to"))
                self.assertTrue(self.has(b"to/" + name))
                self.expect(0, "mv", self.url(name), self.url("moved"))
                self.assertFalse(self.has(name))
                self.assertTrue(self.has("moved"))
                self.expect(0, "rm", "-r", self.url("moved"), self.url("to"))

    def test_a_name_does_nothing_to_a_terminal(self):
        self.write(b"a\x1b[31m\xc2\x9b\n\xff")
        for args in (["ls"], ["ls", "-l"], ["tree"]):
            r = self.expect(0, *args, self.url())
            self.assertNotIn("\x1b", r.out)
            self.assertNotIn("\x9b", r.out)
            self.assertIn("\\x1b", r.out)
            self.assertIn("\\xff", r.out)


class Ls(Files):
    def test_members_are_sorted_and_the_collection_is_not_among_them(self):
        for name in ("d/b", "d/a", "d/c/x"):
            self.write(name)
        r = self.expect(0, "ls", self.url("d"))
        self.assertEqual(r.out, "a\nb\nc/\n")

    def test_a_file_is_listed_itself(self):
        self.write("a", b"abc")
        self.assertEqual(self.expect(0, "ls", self.url("a")).out, "a\n")
        r = self.expect(0, "ls", "--json", self.url("a"))
        entry = self.objects(r)[0]
        self.assertEqual((entry["name"], entry["size"], entry["collection"]),
                         ("a", 3, False))

    def test_long_has_size_time_and_etag(self):
        self.write("d/a", b"x" * 1500)
        line = self.expect(0, "ls", "-l", self.url("d")).out
        self.assertRegex(line, r'^- +1\.5 kB +\d{4}-\d\d-\d\dT\S+Z +"\S+" +a\n')

    def test_recursion_goes_in_order(self):
        for name in ("d/b/1", "d/a/2", "d/a/e/3"):
            self.write(name)
        r = self.expect(0, "ls", "-R", self.url("d"))
        u = self.url("d")
        self.assertEqual(
            r.out, "%s:\na/\nb/\n\n%s/a/:\n2\ne/\n\n%s/a/e/:\n3\n\n%s/b/:\n1\n"
            % (u, u, u, u))

    def test_ten_thousand_and_more_are_all_there(self):
        os.makedirs(self.path("many"))
        for i in range(10050):
            os.close(os.open(self.path("many/%d" % i),
                             os.O_CREAT | os.O_WRONLY))
        want = sorted(str(i) for i in range(10050))
        r = self.expect(0, "ls", self.url("many"))
        self.assertEqual(sorted(r.out.split()), want)
        # Asked ahead, and so once more when its turn has come.
        self.write("one/a")
        r = self.expect(0, "ls", self.url("one"), self.url("many"))
        self.assertEqual(sorted(r.out.split("\n\n")[1].split()[1:]), want)
        r = self.expect(0, "tree", self.url("many"))
        self.assertIn("10,050 files", r.out)

    def test_what_is_not_there_fails(self):
        self.write("a")
        r = self.expect(3, "ls", self.url("nope"), self.url("a"))
        self.assertEqual(r.out, "a\n")
        self.assertIn(self.url("nope"), r.err)
        self.assertEqual(self.retry_files(), [])

    def test_wrong_usage_is_2(self):
        self.expect(2, "ls")
        self.expect(2, "ls", "nothing")
        self.expect(2, "ls", "ftp://127.0.0.1/")
        self.expect(2, "ls", "--nope", self.url())


class Tree(Files):
    def test_it_is_drawn(self):
        for name in ("d/b/1", "d/a/2", "d/a/e/3", "d/z"):
            self.write(name)
        want = """%s
\u251c\u2500\u2500 a
\u2502   \u251c\u2500\u2500 2
\u2502   \u2514\u2500\u2500 e
\u2502       \u2514\u2500\u2500 3
\u251c\u2500\u2500 b
\u2502   \u2514\u2500\u2500 1
\u2514\u2500\u2500 z

3 collections, 4 files
""" % self.url("d")
        self.assertEqual(self.expect(0, "tree", self.url("d")).out, want)

    def test_it_is_plain_where_the_locale_is(self):
        self.write("d/a/b")
        r = self.sheaf("tree", self.url("d"))
        env = dict(os.environ, LC_ALL="C")
        p = subprocess.run([self.server.program, "tree", self.url("d")],
                           capture_output=True, env=env, timeout=60)
        self.assertEqual(r.code, p.returncode)
        self.assertIn(b"`-- a\n    `-- b\n", p.stdout)


class Stat(Files):
    def test_properties_locks_and_quota_are_shown(self):
        self.write("d/a")
        token = self.lock("d", "--seconds", "100")
        r = self.expect(0, "stat", self.url("d"))
        for want in ("collection", "quota-available-bytes", token, "exclusive",
                     "with all below it"):
            self.assertIn(want, r.out)
        r = self.expect(0, "stat", "--json", self.url("d"))
        props = {p["name"]: p for p in self.objects(r)[0]["properties"]}
        self.assertIn(token, props["{DAV:}lockdiscovery"]["xml"])

    def test_the_order_is_that_of_the_operands(self):
        for name in ("c", "a", "b"):
            self.write(name)
        r = self.expect(0, "stat", *[self.url(n) for n in "cab"])
        at = [r.out.index(self.url(n) + "\n") for n in "cab"]
        self.assertEqual(at, sorted(at))


class Copy(Files):
    def test_into_a_collection_and_to_a_name(self):
        self.write("a", b"1")
        os.makedirs(self.path("d"))
        self.expect(0, "cp", self.url("a"), self.url("d"))
        self.expect(0, "cp", self.url("a"), self.url("b"))
        self.assertTrue(self.has("d/a") and self.has("b") and self.has("a"))

    def test_nothing_is_overwritten_without_force(self):
        self.write("a", b"new")
        self.write("b", b"old")
        for command in ("cp", "mv"):
            r = self.expect(4, command, self.url("a"), self.url("b"))
            self.assertIn("412", r.err)
            self.assertEqual(self.read("b"), b"old")
        self.expect(0, "mv", "--force", self.url("a"), self.url("b"))
        self.assertEqual(self.read("b"), b"new")
        self.assertFalse(self.has("a"))

    def test_a_collection_needs_r_to_be_copied(self):
        self.write("d/a")
        self.expect(4, "cp", self.url("d"), self.url("e"))
        self.assertFalse(self.has("e"))
        self.expect(0, "cp", "-r", self.url("d"), self.url("e"))
        self.assertTrue(self.has("e/a"))
        self.expect(0, "mv", self.url("e"), self.url("f"))
        self.assertTrue(self.has("f/a") and not self.has("e"))

    def test_a_collection_is_not_replaced_by_a_file(self):
        self.write("a")
        self.write("d/a/kept")
        r = self.expect(4, "cp", "--force", self.url("a"), self.url("d"))
        self.assertIn("collection", r.err)
        self.assertTrue(self.has("d/a/kept"))

    def test_it_does_not_go_into_itself(self):
        self.write("d/e/a")
        for command in (["cp", "-r"], ["mv"]):
            for to in ("d", "d/e", "d/new"):
                r = self.expect(4, *command, self.url("d"), self.url(to))
                self.assertIn("overlap", r.err)
        self.expect(4, "cp", "-f", self.url("d/e/a"), self.url("d/e"))
        self.assertTrue(self.has("d/e/a"))

    def test_several_need_a_collection_and_names_of_their_own(self):
        for name in ("x/a", "y/a", "b"):
            self.write(name)
        r = self.expect(4, "cp", self.url("x/a"), self.url("b"),
                        self.url("no"))
        self.assertIn("mkdir", r.err)
        os.makedirs(self.path("d"))
        r = self.expect(3, "cp", "-f", self.url("x/a"), self.url("y/a"),
                        self.url("b"), self.url("d"))
        self.assertIn("the same place", r.err)
        self.assertTrue(self.has("d/a") and self.has("d/b"))

    def test_another_server_is_refused(self):
        r = self.expect(2, "cp", self.url("a"), "http://127.0.0.1:1/a")
        self.assertIn("sheaf get", r.err)

    def test_a_locked_destination_wants_the_token(self):
        self.write("a", b"new")
        self.write("d/b", b"old")
        token = self.lock("d")
        self.expect(4, "cp", self.url("a"), self.url("d/c"))
        self.assertFalse(self.has("d/c"))
        self.expect(0, "cp", "--lock-token", token, self.url("a"),
                    self.url("d/c"))
        self.expect(0, "mv", "--lock-token", token, self.url("d/c"),
                    self.url("out"))
        self.assertTrue(self.has("out"))

    def test_a_member_that_cannot_be_moved_is_named(self):
        self.write("d/a")
        self.write("d/b")
        self.lock("d/a")
        r = self.sheaf("mv", self.url("d"), self.url("e"))
        self.assertIn(r.code, (3, 4), r)
        self.assertIn("d/a", r.err)
        self.assertTrue(self.has("d/a"))

    def test_dry_run_says_what_would_fail(self):
        self.write("a")
        self.write("b")
        r = self.expect(0, "cp", "-n", self.url("a"), self.url("c"))
        self.assertIn("would copy", r.out)
        r = self.expect(4, "cp", "-n", self.url("a"), self.url("b"))
        self.assertIn("--force", r.err)
        self.assertFalse(self.has("c"))


class Mkdir(Files):
    def test_one_and_those_above(self):
        self.expect(0, "mkdir", self.url("a"))
        self.expect(4, "mkdir", self.url("a"))
        r = self.expect(4, "mkdir", self.url("x/y/z"))
        self.assertIn("409", r.err)
        self.expect(0, "mkdir", "-p", self.url("x/y/z"), self.url("a"))
        self.assertTrue(os.path.isdir(self.path("x/y/z")))

    def test_side_by_side_they_share_what_is_above(self):
        urls = [self.url("p/q/r/%d" % i) for i in range(20)]
        self.expect(0, "mkdir", "-p", "-j", "8", *urls)
        self.assertEqual(len(os.listdir(self.path("p/q/r"))), 20)

    def test_a_file_in_the_way_fails(self):
        self.write("f")
        self.expect(4, "mkdir", "-p", self.url("f"))
        r = self.expect(4, "mkdir", "-p", self.url("f/x"))
        self.assertIn(self.url("f/x"), r.err)

    def test_dry_run_makes_nothing(self):
        r = self.expect(0, "mkdir", "-pn", self.url("x/y"))
        self.assertIn(self.url("x/y"), r.out)
        self.assertIn("would make " + self.url("x") + "/\n", r.out)
        self.assertFalse(self.has("x"))


class Prop(Files):
    def test_text_and_xml_are_kept(self):
        self.write("a")
        name = "{urn:x:}c"
        for value in ("blue", "a < b & c", "<b>x</b><c/>", " ", "\u00fc"):
            self.expect(0, "prop", "set", self.url("a"), name, value)
            got = self.expect(0, "prop", "get", self.url("a"), name).out
            self.assertIn(value, got)
        self.expect(0, "prop", "rm", self.url("a"), name)
        r = self.expect(4, "prop", "get", self.url("a"), name)
        self.assertIn(name, r.err)

    def test_some_of_several_are_there(self):
        self.write("a")
        r = self.expect(3, "prop", "get", self.url("a"), "DAV:getetag",
                        "{urn:x:}no")
        self.assertIn("{DAV:}getetag: ", r.out)
        self.assertIn("{urn:x:}no", r.err)

    def test_a_protected_one_is_refused_by_name(self):
        self.write("a")
        r = self.expect(7, "prop", "set", self.url("a"), "DAV:getetag", "x")
        self.assertIn("getetag", r.err)
        self.assertIn("protected", r.err)

    def test_what_is_no_name_or_value_is_wrong_usage(self):
        self.write("a")
        u = self.url("a")
        for args in (["get", u, "name"], ["set", u, "{urn:x}a b", "v"],
                     ["set", u, "{urn:x}a", "<b>"], ["set", u, "{urn:x}a"],
                     ["set", u, "{urn:x}a", "</P:a><P:a>"], ["see", u, "x"],
                     ["get", u], ["rm", u, "{urn:x}1"]):
            self.expect(2, "prop", *args)

    def test_a_locked_resource_wants_the_token(self):
        self.write("a")
        token = self.lock("a")
        args = ["prop", "set", self.url("a"), "{urn:x:}c", "v"]
        self.expect(4, *args)
        self.expect(0, *args, "--lock-token", token)


class Lock(Files):
    def test_a_lock_holds_until_it_is_given_back(self):
        self.write("a")
        token = self.lock("a")
        self.assertRegex(token, r"^\S+:\S+$")
        r = self.expect(4, "lock", self.url("a"))
        self.assertIn("423", r.err)
        self.expect(4, "unlock", self.url("a"), "urn:uuid:no")
        self.expect(0, "unlock", self.url("a"), "<" + token + ">")
        self.expect(0, "rm", self.url("a"))

    def test_shared_ones_stand_beside_each_other(self):
        self.write("a")
        one = self.lock("a", "--shared")
        two = self.lock("a", "--shared")
        self.assertNotEqual(one, two)
        self.expect(4, "lock", self.url("a"))

    def test_depth_0_leaves_the_members_alone(self):
        self.write("d/a/b")
        token = self.lock("d", "--depth", "0")
        self.expect(0, "rm", self.url("d/a/b"))
        self.expect(4, "rm", "-r", self.url("d/a"))
        self.expect(0, "rm", "-r", "--lock-token", token, self.url("d/a"))
        self.expect(2, "lock", "--depth", "1", self.url("d"))

    def test_a_locked_member_is_in_the_way_of_a_deep_one(self):
        self.write("d/a")
        self.lock("d/a")
        r = self.expect(4, "lock", self.url("d"))
        self.assertIn("d/a", r.err)

    def test_json_has_the_token(self):
        self.write("a")
        r = self.expect(0, "lock", "--json", "--seconds", "60", self.url("a"))
        lock = self.objects(r)[0]
        self.assertEqual(lock["scope"], "exclusive")
        self.expect(0, "unlock", self.url("a"), lock["token"])


if __name__ == "__main__":
    sheaf_http.main()

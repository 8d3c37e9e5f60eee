# SPDX-License-Identifier: MIT
"""Every command of the client against a server that people use.

test_peers.py SHEAF PEER [Test...]
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cutter  # noqa: E402
import peers  # noqa: E402

SHEAF = os.path.abspath(sys.argv.pop(1))
PEER = sys.argv.pop(1)
SMALL = bool(os.environ.get("SHEAF_SANITIZED"))

ODD = ["a b.txt", "gr\u00fc\u00dfe \u6f22.txt", "50% of it.txt", "no #1.txt",
       "a&b<c>.txt", "it's \"it\".txt", "plus+semi;q?.txt", "%41.txt"]


def setUpModule():
    global peer
    try:
        peer = peers.start(PEER, SHEAF)
    except peers.Missing as e:
        if os.environ.get("SHEAF_WERROR"):
            raise
        raise unittest.SkipTest(str(e))


def tearDownModule():
    peer.stop()


class TestCase(unittest.TestCase):
    def setUp(self):
        peer.clear()
        self.home = tempfile.mkdtemp(prefix="sheaf-client-")
        self.here = os.path.join(self.home, "here")
        os.mkdir(self.here)

    def tearDown(self):
        shutil.rmtree(self.home, ignore_errors=True)

    def sheaf(self, *args, code=0, url=None):
        """What it prints.  An argument that begins with / is on the server."""
        argv = [(url or peer.url) + quote(a[1:]) if a.startswith("/") else a
                for a in args]
        env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        env.update(HOME=self.home, LC_ALL="C.UTF-8")
        done = subprocess.run([SHEAF] + argv, cwd=self.here, env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=120, check=False)
        self.said = done.stdout + done.stderr
        if isinstance(code, int):
            code = (code,)
        self.assertIn(done.returncode, code, "%s %s\n%s\n%s" % (
            PEER, " ".join(argv), self.said, peer.said()))
        self.assertNotIn("Sanitizer", done.stderr)
        self.assertNotIn("runtime error:", done.stderr)
        self.code = done.returncode
        return done.stdout

    def objects(self, *args, **more):
        return [json.loads(line)
                for line in self.sheaf(*args, "--json", **more).splitlines()]

    def put_here(self, name, data):
        path = os.path.join(self.here, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)

    def read_here(self, name):
        with open(os.path.join(self.here, name), "rb") as f:
            return f.read()

    def files_here(self, folder):
        found = {}
        top = os.path.join(self.here, folder)
        for at, _, names in os.walk(top):
            for name in names:
                path = os.path.join(at, name)
                with open(path, "rb") as f:
                    found[os.path.relpath(path, top)] = f.read()
        return found

    def files_there(self, folder):
        folder = folder.rstrip("/") + "/"
        return {k[len(folder):]: v for k, v in peer.files().items()
                if k.startswith(folder) and v is not None}

    def plant(self):
        peer.write("d/a.txt", b"the file a")
        peer.write("d/sub/b.txt", b"the file b")
        peer.write("d/sub/deep/c.txt", b"the file c")
        peer.mkdir("d/empty")
        peer.write("f.txt", b"the file f")


class Looking(TestCase):
    def test_ls_names_what_is_there(self):
        self.plant()
        said = self.sheaf("ls", "/d/").split()
        self.assertEqual(sorted(s.rstrip("/") for s in said),
                         ["a.txt", "empty", "sub"])

    def test_ls_long_has_sizes(self):
        self.plant()
        self.assertRegex(self.sheaf("ls", "-l", "/d/"), r"\b10\b.*a\.txt")

    def test_ls_of_all_below(self):
        self.plant()
        said = self.sheaf("ls", "-lR", "/d/")
        for name in ("a.txt", "b.txt", "c.txt", "deep", "empty"):
            self.assertIn(name, said)

    def test_tree(self):
        self.plant()
        said = self.sheaf("tree", "/d/")
        for name in ("a.txt", "b.txt", "c.txt", "deep", "empty"):
            self.assertIn(name, said)

    def test_stat_of_a_file_and_of_a_folder(self):
        self.plant()
        self.assertIn("10", self.sheaf("stat", "/f.txt"))
        self.sheaf("stat", "/d/")
        found = self.objects("stat", "/f.txt")
        self.assertIn("f.txt", json.dumps(found[0]))

    def test_cat(self):
        self.plant()
        self.assertEqual(self.sheaf("cat", "/f.txt", "/d/a.txt"),
                         "the file fthe file a")

    def test_what_is_not_there_is_named(self):
        self.plant()
        for command in ("ls", "stat", "cat", "tree"):
            with self.subTest(command):
                self.sheaf(command, "/none.txt", code=4)
                self.assertIn("none.txt", self.said)

    def test_odd_names_are_listed_and_read(self):
        for name in ODD:
            peer.write("odd/" + name, name.encode())
        said = self.sheaf("ls", "/odd/").splitlines()
        self.assertEqual(sorted(said), sorted(ODD))
        for name in ODD:
            with self.subTest(name):
                self.assertEqual(self.sheaf("cat", "/odd/" + name), name)
                self.sheaf("stat", "/odd/" + name)

    def test_explain_and_lint_ask_a_url(self):
        self.plant()
        self.sheaf("explain", "/d/")
        self.sheaf("lint", "/d/", code=(0, 8))


class Changing(TestCase):
    def test_mkdir(self):
        self.sheaf("mkdir", "/new/", "/also new/")
        self.assertTrue(peer.has("new") and peer.has("also new"))
        self.sheaf("mkdir", "/none/new/", code=4)
        self.assertIn("none/new", self.said)
        self.assertFalse(peer.has("none"))

    def test_mkdir_with_all_above(self):
        self.sheaf("mkdir", "-p", "/a/b c/d\u00fc/")
        self.sheaf("mkdir", "-p", "/a/b c/e/")
        self.assertTrue(peer.has("a/b c/d\u00fc") and peer.has("a/b c/e"))

    @unittest.skipUnless(peers.can(PEER, "mkcol-exists"),
                         "it answers 201 to the MKCOL of what is there")
    def test_mkdir_of_what_is_there(self):
        self.sheaf("mkdir", "/d/")
        self.sheaf("mkdir", "/d/", code=4)
        self.assertIn("/d", self.said)

    def test_put_makes_a_file(self):
        self.put_here("up.txt", b"new")
        self.sheaf("put", "up.txt", "/up.txt")
        self.assertEqual(peer.read("up.txt"), b"new")

    def test_put_into_a_folder(self):
        peer.mkdir("d")
        for name in ODD:
            self.put_here(name, name.encode())
        self.sheaf("put", *["./" + n for n in ODD], "/d/")
        self.assertEqual(self.files_there("d"), {n: n.encode() for n in ODD})

    def test_put_refuses_what_is_there_unless_forced(self):
        peer.write("up.txt", b"theirs")
        self.put_here("up.txt", b"mine")
        self.sheaf("put", "up.txt", "/up.txt", code=4)
        self.assertEqual(peer.read("up.txt"), b"theirs")
        self.assertIn("up.txt", self.said)
        self.sheaf("put", "--force", "up.txt", "/up.txt")
        self.assertEqual(peer.read("up.txt"), b"mine")

    def test_put_of_a_tree_side_by_side(self):
        many = 40 if SMALL else 200
        files = {"d%d/f %d.txt" % (i % 7, i): b"%d" % i * (i * 37 + 1)
                 for i in range(many)}
        for name, data in files.items():
            self.put_here("up/" + name, data)
        self.sheaf("put", "-r", "-j", "8", "up", "/")
        self.assertEqual(self.files_there("up"), files)
        self.sheaf("get", "-r", "-j", "8", "/up/", "back")
        got = self.files_here("back")
        got = {k[3:] if k.startswith("up/") else k: v for k, v in got.items()}
        self.assertEqual(got, files)

    def test_a_large_file_there_and_back(self):
        data = os.urandom(1 << 20) * (4 if SMALL else 32)
        self.put_here("large", data)
        self.sheaf("put", "large", "/large")
        self.assertEqual(peer.read("large"), data)
        self.sheaf("get", "/large", "back")
        self.assertEqual(self.read_here("back"), data)

    def test_a_get_that_breaks_off_goes_on(self):
        data = os.urandom(1 << 20) * 3
        peer.write("large", data)
        os.utime(peer.path("large"), (1640995200, 1640995200))
        with cutter.Cutter(peer.address, 1500000) as cut:
            self.sheaf("get", "/large", "back", url=cut.url)
        self.assertEqual(self.read_here("back"), data)
        ranges = [r for r in cut.requests if b"\r\nrange: bytes=" in r.lower()]
        self.assertTrue(ranges or not peers.can(PEER, "ranges"),
                        b"\n".join(cut.requests))

    def test_get_leaves_what_is_here_unless_forced(self):
        self.plant()
        self.put_here("f.txt", b"mine")
        self.sheaf("get", "/f.txt", "f.txt", code=4)
        self.assertEqual(self.read_here("f.txt"), b"mine")
        self.sheaf("get", "--force", "/f.txt", "f.txt")
        self.assertEqual(self.read_here("f.txt"), b"the file f")

    def test_cp_of_a_file_and_of_a_tree(self):
        self.plant()
        self.sheaf("cp", "/f.txt", "/g \u00fc.txt")
        self.assertEqual(peer.read("g \u00fc.txt"), b"the file f")
        before = self.files_there("d")
        self.sheaf("cp", "-r", "/d/", "/c/")
        self.assertEqual(self.files_there("c"), before)
        self.assertEqual(self.files_there("d"), before)

    def test_mv_of_a_file_and_of_a_tree(self):
        self.plant()
        self.sheaf("mv", "/f.txt", "/g #1.txt")
        self.assertEqual(peer.read("g #1.txt"), b"the file f")
        self.assertFalse(peer.has("f.txt"))
        before = self.files_there("d")
        self.sheaf("mv", "/d/", "/m/")
        self.assertEqual(self.files_there("m"), before)
        self.assertFalse(peer.has("d"))

    def test_cp_and_mv_refuse_what_is_there(self):
        self.plant()
        peer.write("g.txt", b"theirs")
        for command in ("cp", "mv"):
            with self.subTest(command):
                self.sheaf(command, "/f.txt", "/g.txt", code=4)
                self.assertEqual(peer.read("g.txt"), b"theirs")
                self.assertEqual(peer.read("f.txt"), b"the file f")

    def test_rm_of_files_and_of_a_tree(self):
        self.plant()
        peer.write("50% #.txt", b"x")
        self.sheaf("rm", "/f.txt", "/50% #.txt")
        self.assertFalse(peer.has("f.txt") or peer.has("50% #.txt"))
        self.sheaf("rm", "-r", "/d/")
        self.assertFalse(peer.has("d"))

    def test_rm_of_a_tree_wants_to_be_told_so(self):
        self.plant()
        self.sheaf("rm", "/d/", code=4)
        self.assertTrue(peer.has("d/a.txt"))

    def test_some_fail_and_are_named(self):
        self.plant()
        self.sheaf("rm", "/f.txt", "/none.txt", code=3)
        self.assertIn("none.txt", self.said)
        self.assertFalse(peer.has("f.txt"))


@unittest.skipIf(os.geteuid() != 0 and PEER == "sheaf", "needs another user")
class Failing(TestCase):
    """A member that cannot be removed: the answers differ, the truth does not."""

    def test_rm_of_a_tree_with_a_member_that_stays(self):
        self.plant()
        os.chmod(peer.path("d/sub"), 0o555)
        try:
            self.sheaf("rm", "-r", "/d/", code=(3, 4, 6, 7))
            self.assertTrue(peer.has("d/sub/b.txt"))
        finally:
            os.chmod(peer.path("d/sub"), 0o755)


class Properties(TestCase):
    NAME = "{http://example.com/z}colour"

    def test_set_get_and_remove(self):
        self.plant()
        if not peers.can(PEER, "proppatch"):
            self.sheaf("prop", "set", "/f.txt", self.NAME, "blue", code=(4, 7))
            self.assertIn("f.txt", self.said)
            return
        done = 0 if peers.can(PEER, "proppatch-207") else (0, 6)
        self.sheaf("prop", "set", "/f.txt", self.NAME, "deep blue & <sea>",
                   code=done)
        self.assertIn("deep blue & <sea>",
                      self.sheaf("prop", "get", "/f.txt", self.NAME))
        self.sheaf("prop", "rm", "/f.txt", self.NAME, code=done)
        self.assertNotIn("deep blue", self.sheaf(
            "prop", "get", "/f.txt", self.NAME, code=(0, 3, 4)))

    def test_one_that_is_protected_is_refused_by_name(self):
        self.plant()
        self.sheaf("prop", "set", "/f.txt", "{DAV:}getetag", "x",
                   code=(4, 7, 8))
        self.assertIn("f.txt", self.said)


class Locks(TestCase):
    def token(self, said):
        found = re.search(r"((?:urn|opaquelocktoken):[\w:.-]+|\b\d{10,}\b)", said)
        self.assertTrue(found, said)
        return found[1]

    def test_lock_and_unlock(self):
        self.plant()
        token = self.token(self.sheaf("lock", "/f.txt"))
        self.put_here("f.txt", b"mine")
        self.sheaf("put", "--force", "f.txt", "/f.txt", code=4)
        self.assertIn("f.txt", self.said)
        self.assertEqual(peer.read("f.txt"), b"the file f")
        self.sheaf("put", "--force", "--lock-token", token, "f.txt", "/f.txt")
        self.assertEqual(peer.read("f.txt"), b"mine")
        self.sheaf("lock", "/f.txt", code=4)
        self.sheaf("unlock", "/f.txt", token)
        self.sheaf("put", "--force", "f.txt", "/f.txt")

    def test_shared(self):
        self.plant()
        if not peers.can(PEER, "shared-locks"):
            self.sheaf("lock", "--shared", "/f.txt", code=(0, 4))
            self.sheaf("lock", "--shared", "/f.txt", code=4)
            return
        tokens = [self.token(self.sheaf("lock", "--shared", "/f.txt"))
                  for _ in "12"]
        self.sheaf("lock", "/f.txt", code=4)
        for token in tokens:
            self.sheaf("unlock", "/f.txt", token)


if __name__ == "__main__":
    unittest.main()

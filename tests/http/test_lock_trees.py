# SPDX-License-Identifier: MIT
"""DELETE, MOVE and COPY of trees in which somebody else has locked something
(RFC 4918 s7, s9.6.1, s9.8, s9.9): what is locked stays, is named with 423 and
the root of its lock, and everything else is done."""

import itertools
import json
import os
import xml.etree.ElementTree as ET

import sheaf_http
from probes import D, XML, TestCase, multistatus

LOCKINFO = (b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:%s/></D:lockscope>'
            b"<D:locktype><D:write/></D:locktype></D:lockinfo>")

# What stands in each test's folder, and what a copy of /s over /d makes of /d.
FILES = {"s/k/z": b"sz", "s/k/y": b"sy", "s/x": b"sx", "s/deep/er/f": b"sf",
         "d/k/z": b"dz", "d/old/o": b"do", "d/x": b"dx"}


class LockedTrees(TestCase):
    numbers = itertools.count()

    def setUp(self):
        # A lock outlives what is taken away behind the server's back.
        self.top = "t%d" % next(self.numbers)
        for name, data in FILES.items():
            path = self.server.path(self.top + "/" + name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data)
        self.before = self.files()

    def files(self):
        """Every file and empty folder of this test, and its bytes."""
        found = {}
        top = self.server.path(self.top)
        for where, dirs, names in os.walk(top):
            for name in names:
                path = os.path.join(where, name)
                with open(path, "rb") as f:
                    found[os.path.relpath(path, top)] = f.read()
            if not dirs and not names:
                found[os.path.relpath(where, top) + "/"] = None
        return found

    def url(self, name):
        return "/%s/%s" % (self.top, name) if name else "/" + self.top + "/"

    def lock(self, name, depth="0", scope=b"exclusive"):
        r = self.ask("LOCK", self.url(name), {"Depth": depth, **XML},
                     LOCKINFO % scope, 200)
        token = r.header("Lock-Token")
        self.assertRegex(token, r"^<urn:uuid:[0-9a-f-]{36}>$")
        return token

    def ask_move(self, method, source, target, want, **headers):
        return self.ask(method, self.url(source),
                        {"Destination": self.url(target), **headers}, want=want)

    def roots(self, error):
        """The hrefs of a DAV:lock-token-submitted within DAV:error."""
        conditions = [e for e in error if e.tag.startswith(D)]
        self.assertEqual([e.tag for e in conditions], [D + "lock-token-submitted"])
        return [e.text for e in conditions[0]]

    def assert_names(self, response, wanted):
        """A 207 of nothing but 423: member -> root of its lock, both with
        their slashes."""
        self.assertEqual(
            {m.href: (m.status, self.roots(m.error))
             for m in multistatus(response).values()},
            {self.url(m): (423, [self.url(r)]) for m, r in wanted.items()})

    def assert_refused(self, response, root):
        """423, about that lock, and nothing has changed."""
        self.assertEqual(response.status, 423)
        self.assertEqual(self.roots(ET.fromstring(response.body)), [self.url(root)])
        self.assertEqual(self.files(), self.before)

    def assert_locked(self, name, token):
        """It still is, by that lock."""
        self.ask("PUT", self.url(name), body=b"x", want=423)
        self.ask("PUT", self.url(name), {"If": "(%s)" % token}, b"mine", want=204)

    # ---- DELETE

    def test_delete_keeps_a_locked_member_and_its_ancestors(self):
        token = self.lock("s/k/z")
        r = self.ask("DELETE", self.url("s/"), want=207)
        self.assert_names(r, {"s/k/z": "s/k/z"})
        self.assertEqual({n for n in self.files() if n.startswith("s")}, {"s/k/z"})
        self.assertEqual(self.files()["s/k/z"], b"sz")
        self.assert_locked("s/k/z", token)

    def test_delete_with_the_token_removes_it(self):
        token = self.lock("s/k/z")
        self.ask("DELETE", self.url("s/"),
                 {"If": "<%s> (%s)" % (self.url("s/k/z"), token)}, want=204)
        self.assertFalse(os.path.exists(self.server.path(self.top + "/s")))
        # What comes in its place is not locked (RFC 4918 s6.1).
        for name in ("s/", "s/k/"):
            self.ask("MKCOL", self.url(name), want=201)
        self.ask("PUT", self.url("s/k/z"), body=b"new", want=201)

    def test_delete_names_a_locked_collection_once(self):
        token = self.lock("s/k", "infinity")
        r = self.ask("DELETE", self.url("s/"), want=207)
        self.assert_names(r, {"s/k/": "s/k/"})
        self.assertEqual({n: b for n, b in self.files().items() if n[0] == "s"},
                         {"s/k/y": b"sy", "s/k/z": b"sz"})
        self.assert_locked("s/k/y", token)

    def test_delete_keeps_the_names_in_a_collection_locked_alone(self):
        self.lock("s/k", "0")
        r = self.ask("DELETE", self.url("s/"), want=207)
        self.assert_names(r, {"s/k/y": "s/k/", "s/k/z": "s/k/"})
        self.assertEqual({n for n in self.files() if n[0] == "s"}, {"s/k/y", "s/k/z"})

    def test_delete_of_several_locked_members_names_each(self):
        for name in ("s/k/z", "s/x", "s/deep/er/f"):
            self.lock(name)
        r = self.ask("DELETE", self.url("s/"), want=207)
        self.assert_names(r, {n: n for n in ("s/k/z", "s/x", "s/deep/er/f")})
        self.assertEqual({n for n in self.files() if n[0] == "s"},
                         {"s/k/z", "s/x", "s/deep/er/f"})

    def test_json_names_the_lock_as_well(self):
        self.lock("s/k/z")
        r = self.ask("DELETE", self.url("s/"), {"Accept": "application/json"}, want=207)
        self.assertIn(self.url("s/k/z"), json.dumps(json.loads(r.body)))
        self.assertIn("423", r.body.decode())

    # ---- MOVE

    def test_move_takes_all_but_a_locked_member(self):
        token = self.lock("s/k/z")
        inode = os.stat(self.server.path(self.top + "/s/deep")).st_ino
        r = self.ask_move("MOVE", "s/", "n/", 207)
        self.assert_names(r, {"s/k/z": "s/k/z"})
        files = self.files()
        self.assertEqual({n: b for n, b in files.items() if n[0] == "s"}, {"s/k/z": b"sz"})
        self.assertEqual({n: b for n, b in files.items() if n[0] == "n"},
                         {"n/k/y": b"sy", "n/x": b"sx", "n/deep/er/f": b"sf"})
        self.assertEqual(os.stat(self.server.path(self.top + "/n/deep")).st_ino, inode)
        self.assert_locked("s/k/z", token)

    def test_move_leaves_a_locked_collection_whole(self):
        for depth in ("0", "infinity"):
            with self.subTest(depth):
                self.setUp()
                self.lock("s/k", depth)
                r = self.ask_move("MOVE", "s/", "n/", 207)
                self.assert_names(r, {"s/k/": "s/k/"})
                self.assertEqual(
                    {n for n in self.files() if n[0] in "sn"},
                    {"s/k/y", "s/k/z", "n/x", "n/deep/er/f"})

    def test_move_keeps_properties_of_what_it_renames(self):
        self.patch(self.url("s/k/y"), ("set", "<x:p>value</x:p>"))
        self.lock("s/k/z")
        self.ask_move("MOVE", "s/", "n/", 207)
        self.assertEqual(self.one(self.url("n/k/y"), "{urn:x}p").props["{urn:x}p"][1].text,
                         "value")

    def test_move_with_the_token_takes_all_and_leaves_the_lock(self):
        token = self.lock("s/k/z")
        self.ask_move("MOVE", "s/", "n/", 201,
                      If="<%s> (%s)" % (self.url("s/k/z"), token))
        self.assertFalse(os.path.exists(self.server.path(self.top + "/s")))
        self.ask("PUT", self.url("n/k/z"), body=b"free", want=204)

    def test_move_over_a_locked_member_leaves_both(self):
        token = self.lock("d/k/z")
        r = self.ask_move("MOVE", "s/", "d/", 207)
        self.assert_names(r, {"d/k/z": "d/k/z"})
        self.assertEqual(self.files(), {
            "s/k/z": b"sz", "d/k/z": b"dz", "d/k/y": b"sy", "d/x": b"sx",
            "d/deep/er/f": b"sf"})
        self.assert_locked("d/k/z", token)

    def test_move_over_a_tree_keeps_its_old_locked_member(self):
        token = self.lock("d/old/o")
        r = self.ask_move("MOVE", "s/", "d/", 207)
        self.assert_names(r, {"d/old/o": "d/old/o"})
        self.assertEqual(self.files(), {
            "d/old/o": b"do", "d/k/z": b"sz", "d/k/y": b"sy", "d/x": b"sx",
            "d/deep/er/f": b"sf"})
        self.assert_locked("d/old/o", token)

    # ---- COPY

    def test_copy_does_not_mind_locks_of_the_source(self):
        self.lock("s", "infinity")
        self.ask_move("COPY", "s/", "n/", 201)
        self.ask("PUT", self.url("n/x"), body=b"free", want=204)

    def test_copy_leaves_a_locked_member_as_it_was(self):
        token = self.lock("d/x")
        r = self.ask_move("COPY", "s/", "d/", 207)
        self.assert_names(r, {"d/x": "d/x"})
        self.assertEqual({n: b for n, b in self.files().items() if n[0] == "d"}, {
            "d/x": b"dx", "d/k/z": b"sz", "d/k/y": b"sy", "d/deep/er/f": b"sf"})
        self.assert_locked("d/x", token)

    def test_copy_does_not_purge_what_is_locked(self):
        for name, depth, said in (("d/old/o", "0", "d/old/o"), ("d/old", "infinity", "d/old/")):
            with self.subTest(name):
                self.setUp()
                self.lock(name, depth)
                r = self.ask_move("COPY", "s/", "d/", 207)
                self.assert_names(r, {said: said})
                self.assertEqual({n: b for n, b in self.files().items() if n[0] == "d"}, {
                    "d/old/o": b"do", "d/x": b"sx", "d/k/z": b"sz", "d/k/y": b"sy",
                    "d/deep/er/f": b"sf"})

    def test_copy_of_a_file_over_a_tree_with_a_locked_member(self):
        self.lock("d/old/o")
        for method in ("COPY", "MOVE"):
            r = self.ask_move(method, "s/x", "d", 423)
            self.assert_refused(r, "d/old/o")

    # ---- 423 as a whole

    def test_a_lock_on_what_is_named_stops_all(self):
        for depth in ("0", "infinity"):
            with self.subTest(depth):
                self.setUp()
                self.lock("s", depth)
                self.assert_refused(self.ask("DELETE", self.url("s/")), "s/")
                self.assert_refused(self.ask_move("MOVE", "s/", "n/", 423), "s/")
                self.assert_refused(self.ask_move("COPY", "d/", "s/", 423), "s/")
                self.assert_refused(self.ask_move("MOVE", "d/", "s/", 423), "s/")

    def test_a_lock_of_the_collection_around_stops_all(self):
        for depth in ("0", "infinity"):
            with self.subTest(depth):
                self.setUp()
                token = self.lock("", depth)
                self.assert_refused(self.ask("DELETE", self.url("s/")), "")
                self.assert_refused(self.ask_move("MOVE", "s/", "n/", 423), "")
                self.assert_refused(self.ask_move("COPY", "s/", "n/", 423), "")
                self.ask_move("COPY", "s/", "n/", 201, If="<%s> (%s)" % (self.url(""), token))

    def test_each_end_of_a_move_needs_its_token(self):
        ours = self.lock("s/k", "0")
        self.lock("d/k", "0")
        r = self.ask_move("MOVE", "s/k/y", "d/k/y", 423,
                          If="<%s> (%s)" % (self.url("s/k/"), ours))
        self.assert_refused(r, "d/k/")

    # ---- several locks

    def test_a_lock_within_ours_still_is_anothers(self):
        self.lock("s/k/z")
        ours = self.lock("s", "0")
        r = self.ask("DELETE", self.url("s/"), {"If": "(%s)" % ours}, want=207)
        self.assert_names(r, {"s/k/z": "s/k/z"})
        self.assertEqual({n for n in self.files() if n[0] == "s"}, {"s/k/z"})

    def test_one_token_of_shared_locks_is_enough(self):
        self.lock("s/k/z", scope=b"shared")
        ours = self.lock("s/k/z", scope=b"shared")
        r = self.ask_move("MOVE", "s/", "n/", 207)
        self.assert_names(r, {"s/k/z": "s/k/z"})
        self.ask("DELETE", self.url("s/"),
                 {"If": "<%s> (%s)" % (self.url("s/k/z"), ours)}, want=204)


if __name__ == "__main__":
    sheaf_http.main()

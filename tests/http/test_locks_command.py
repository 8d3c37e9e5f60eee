# SPDX-License-Identifier: MIT
"""`sheaf locks`, while a server runs and while none does.

    test_locks_command.py PROGRAM
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import sheaf_http

LOCKINFO = ('<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:%s/></D:lockscope>'
            '<D:locktype><D:write/></D:locktype><D:owner>%s</D:owner>'
            '</D:lockinfo>')


def lock(server, path, depth="0", scope="exclusive", owner="Ann"):
    r = server.request("LOCK", path, [("Depth", depth),
                                      ("Content-Type", "application/xml")],
                       (LOCKINFO % (scope, owner)).encode())
    assert r.status in (200, 201), r
    return r.header("Lock-Token").strip("<>")


class LocksCommand(sheaf_http.TestCase):
    def sheaf(self, *args):
        """Exit code, output and complaints of `sheaf locks`."""
        p = subprocess.run([self.server.program, "locks", *args],
                           stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=60)
        return p.returncode, p.stdout.decode(), p.stderr.decode()

    def rows(self):
        code, out, complaints = self.sheaf("--json", self.server.root)
        self.assertEqual((code, complaints), (0, ""))
        return [json.loads(line) for line in out.splitlines()]

    def setUp(self):
        for row in self.rows():
            self.sheaf("break", self.server.root, row["token"])
        self.server.request("MKCOL", "/d")
        self.server.request("PUT", "/d/f", body=b"x")

    def test_locks_are_listed(self):
        deep = lock(self.server, "/d", "infinity", "shared", "<a>Ann</a> B.")
        flat = lock(self.server, "/f")
        rows = {r["token"]: r for r in self.rows()}
        self.assertEqual(set(rows), {deep, flat})
        self.assertEqual(
            [rows[deep][k] for k in ("path", "scope", "depth", "owner")],
            ["/d", "shared", "infinity", "Ann B."])
        self.assertEqual(
            [rows[flat][k] for k in ("path", "scope", "depth")],
            ["/f", "exclusive", "0"])
        self.assertGreater(rows[flat]["seconds_left"], 0)
        code, out, complaints = self.sheaf(self.server.root)
        self.assertEqual((code, complaints), (0, ""))
        head, *lines = out.splitlines()
        self.assertEqual(head.split()[0], "PATH")
        self.assertEqual([line.split()[0] for line in lines], ["/d", "/f"])
        self.assertEqual(len({line.index("urn:uuid:") for line in lines}), 1)

    def test_no_lock_is_an_empty_list(self):
        self.assertEqual(self.sheaf(self.server.root), (0, "", ""))

    def test_a_broken_lock_holds_nothing_up(self):
        token = lock(self.server, "/d/f")
        self.assertEqual(
            self.server.request("PUT", "/d/f", body=b"y").status, 423)
        code, out, _ = self.sheaf("break", self.server.root, token)
        self.assertEqual(code, 0)
        self.assertIn(token, out)
        self.assertEqual(
            self.server.request("PUT", "/d/f", body=b"y").status, 204)
        lock(self.server, "/d/f")

    def test_a_token_may_wear_the_angles_of_its_header(self):
        token = lock(self.server, "/d/f")
        code, out, _ = self.sheaf("break", self.server.root, "<%s>" % token)
        self.assertEqual((code, out), (0, "broke %s\n" % token))
        self.assertEqual(self.rows(), [])

    def test_all_below_a_path_are_broken(self):
        for path in ("/d", "/d/f", "/f"):
            lock(self.server, path)
        code, out, _ = self.sheaf("break", self.server.root, "/d/")
        self.assertEqual((code, len(out.splitlines())), (0, 2))
        self.assertEqual([r["path"] for r in self.rows()], ["/f"])

    def test_what_is_not_there_does_not_keep_the_others(self):
        token = lock(self.server, "/d/f")
        code, _, complaints = self.sheaf(
            "break", self.server.root, "/no", "urn:uuid:no", token)
        self.assertEqual((code, len(complaints.splitlines())), (1, 2))
        self.assertEqual(self.rows(), [])

    def test_what_an_owner_writes_does_nothing_to_a_terminal(self):
        lock(self.server, "/d/f", owner="a&#xA;b &#x9b;2J")
        code, out, _ = self.sheaf(self.server.root)
        self.assertEqual((code, len(out.splitlines())), (0, 2))
        self.assertIsNone(re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", out))

    def test_it_works_while_no_server_runs(self):
        home = tempfile.mkdtemp(prefix="sheaf-test-")
        try:
            server = sheaf_http.Server(root=home)
            token = lock(server, "/f")
            server.stop()
            code, out, _ = self.sheaf(home)
            self.assertEqual((code, token in out), (0, True))
            self.assertEqual(self.sheaf("break", home, token)[0], 0)
            server = sheaf_http.Server(root=home)
            self.assertEqual(
                server.request("PUT", "/f", body=b"y").status, 204)
            server.stop()
        finally:
            shutil.rmtree(home)

    def test_wrong_usage_is_said(self):
        root = self.server.root
        for args in (["--no"], ["break"], ["break", root], [root, "/d"],
                     ["--state"], ["break", "--json", root, "/d"]):
            with self.subTest(args=args):
                code, out, complaints = self.sheaf(*args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn("sheaf help locks", complaints)

    def test_a_directory_without_state_is_left_alone(self):
        empty = tempfile.mkdtemp(prefix="sheaf-test-")
        try:
            self.assertEqual(self.sheaf(empty)[0], 1)
            self.assertEqual(os.listdir(empty), [])
        finally:
            shutil.rmtree(empty)


if __name__ == "__main__":
    sheaf_http.main()

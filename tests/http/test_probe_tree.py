# SPDX-License-Identifier: MIT
"""COPY, MOVE, DELETE and MKCOL (RFC 4918 s9.3, s9.6, s9.8, s9.9): what they do
to a tree, and what they say of the members that failed."""

import json
import os
import subprocess
import unittest

import sheaf_http
from probes import TestCase, UnprivilegedCase, is_zero_byte_file, multistatus


class Trees(TestCase):

    def setUp(self):
        super().setUp()
        for name in ("a", "a/b", "a/b/c", "d"):
            os.mkdir(self.server.path(name))
        for name in ("a/1", "a/b/2", "a/b/c/3", "d/stale"):
            self.server.write(name, name.encode())
        self.before = self.tree()

    def unchanged(self):
        self.assertEqual(self.tree(), self.before)

    def test_copy_and_move_a_tree(self):
        self.ask("COPY", "/a", {"Destination": "/x"}, want=201)
        self.ask("MOVE", "/a/", {"Destination": "/y/"}, want=201)
        for top in ("x", "y"):
            self.assertEqual(self.server.read(top + "/b/c/3"), b"a/b/c/3")
        self.assertFalse(os.path.exists(self.server.path("a")))

    def test_a_collection_that_is_overwritten_is_replaced_not_merged(self):
        for method in ("COPY", "MOVE"):
            with self.subTest(method):
                self.setUp()
                self.ask(method, "/a", {"Destination": "/d", "Overwrite": "T"}, want=204)
                self.assertFalse(os.path.exists(self.server.path("d/stale")))
                self.assertEqual(self.server.read("d/b/2"), b"a/b/2")

    def test_overwrite_f_refuses_and_touches_nothing(self):
        for method in ("COPY", "MOVE"):
            for source, target in (("/a", "/d"), ("/a/1", "/d/stale"), ("/a/1", "/d")):
                with self.subTest((method, source, target)):
                    self.ask(method, source, {"Destination": target, "Overwrite": "F"}, want=412)
                    self.unchanged()

    def test_copy_with_depth_0_takes_only_the_collection(self):
        self.ask("COPY", "/a", {"Destination": "/x", "Depth": "0"}, want=201)
        self.assertEqual(os.listdir(self.server.path("x")), [])

    def test_depths_that_mean_nothing_are_refused(self):
        for method, depth in (("COPY", "1"), ("MOVE", "0"), ("MOVE", "1"), ("DELETE", "0"),
                              ("DELETE", "1"), ("COPY", "x")):
            with self.subTest((method, depth)):
                self.ask(method, "/a", {"Destination": "/x", "Depth": depth}, want=400)
                self.unchanged()

    def test_onto_itself_into_itself_and_onto_its_parents(self):
        for method in ("COPY", "MOVE"):
            for source, target in (("/a", "/a"), ("/a", "/a/"), ("/a", "/%61"), ("/a", "/a/b/x"),
                                   ("/a", "/a/b"), ("/a/b", "/a"), ("/a/1", "/a/1"),
                                   ("/a/1", "/a"), ("/", "/x"), ("/a", "/")):
                with self.subTest((method, source, target)):
                    self.ask(method, source, {"Destination": target, "Overwrite": "T"},
                             want=(403, 409))
                    self.unchanged()

    def test_under_a_parent_that_is_missing_or_no_collection(self):
        for target in ("/none/x", "/d/stale/x"):
            for method in ("COPY", "MOVE"):
                self.ask(method, "/a", {"Destination": target}, want=409)
            self.ask("MKCOL", target, want=409)
            self.ask("PUT", target, body=b"x", want=409)
        self.unchanged()

    def test_sources_that_are_not_there(self):
        for method in ("COPY", "MOVE", "DELETE"):
            self.ask(method, "/none", {"Destination": "/d", "Overwrite": "T"}, want=404)
        self.unchanged()

    def test_mkcol(self):
        self.ask("MKCOL", "/new", want=201)
        self.ask("MKCOL", "/new", want=405)
        self.ask("MKCOL", "/a/1", want=405)
        self.ask("MKCOL", "/other", {"Content-Type": "text/plain"}, b"body", 415)
        self.assertFalse(os.path.exists(self.server.path("other")))

    def test_delete(self):
        self.ask("DELETE", "/a", want=204)
        self.assertEqual(self.tree(), [b"d", b"d/stale"])
        self.ask("DELETE", "/", want=(403, 405, 409))
        self.assertEqual(self.tree(), [b"d", b"d/stale"])
        self.ask("DELETE", "/d#fragment", want=(400, 404))

    def test_a_folder_under_the_name_of_a_file_and_back(self):
        self.ask("MOVE", "/a", {"Destination": "/d/stale"}, want=204)
        self.assertEqual(self.server.read("d/stale/1"), b"a/1")
        self.ask("PUT", "/f", body=b"f", want=201)
        self.ask("COPY", "/f", {"Destination": "/d"}, want=204)
        self.assertEqual(self.server.read("d"), b"f")


class Destinations(TestCase):

    def setUp(self):
        super().setUp()
        self.server.write("f", b"f")
        self.host = "%s:%d" % self.server.address

    def test_forms_that_are_this_server(self):
        for target in ("/t", "http://%s/t" % self.host, "HTTP://%s/t" % self.host,
                       "http://%s/%%74" % self.host, "//%s/t" % self.host):
            with self.subTest(target):
                r = self.ask("COPY", "/f", {"Destination": target})
                if target.startswith("//"):
                    # RFC 4918 s10.3 has no network-path reference.
                    self.assertIn(r.status, (201, 400))
                else:
                    self.assertEqual(r.status, 201)
                    self.assertEqual(self.server.read("t"), b"f")
                    os.unlink(self.server.path("t"))

    def test_another_server_is_502(self):
        # But https for http is not: a TLS proxy that passes Host on is common.
        for target in ("http://other.example/t", "http://127.0.0.1:1/t",
                       "ftp://%s/t" % self.host):
            with self.subTest(target):
                self.ask("COPY", "/f", {"Destination": target}, want=502)
        self.assertEqual(self.tree(), [b"f"])

    def test_what_is_no_destination_is_400(self):
        for target in ("", "t", "http://%s/t#x" % self.host, "/a/../t", "/t%00", "/%2e%2e/t",
                       "/t%zz", "http:///t"):
            with self.subTest(target):
                self.ask("COPY", "/f", {"Destination": target}, want=(400, 502))
        self.ask("COPY", "/f", want=400)
        self.ask("COPY", "/f", {"Destination": "/t", "Overwrite": "X"}, want=400)
        self.assertEqual(self.tree(), [b"f"])

    def test_nobody_but_a_trusted_proxy_speaks_for_another_host(self):
        self.ask("COPY", "/f", {"Destination": "https://files.example.org/t",
                                "X-Forwarded-Host": "files.example.org",
                                "X-Forwarded-Proto": "https"}, want=502)


class BehindProxy(TestCase):
    args = ("--trusted-proxies", "127.0.0.0/8")

    def test_the_clients_view_is_the_origin(self):
        cases = [
            ("X-Forwarded", {"X-Forwarded-Host": "files.example.org",
                             "X-Forwarded-Proto": "https"},
             "https://files.example.org/t", ""),
            ("default port", {"X-Forwarded-Host": "files.example.org",
                              "X-Forwarded-Proto": "https"},
             "https://files.example.org:443/t", ""),
            ("Forwarded", {"Forwarded": 'for=192.0.2.1;host="files.example.org:8443";proto=https'},
             "https://files.example.org:8443/t", ""),
            ("prefix", {"X-Forwarded-Host": "files.example.org", "X-Forwarded-Proto": "https",
                        "X-Forwarded-Prefix": "/dav"},
             "https://files.example.org/dav/t", "/dav"),
        ]
        for what, headers, destination, prefix in cases:
            with self.subTest(what):
                self.setUp()
                self.server.write("f", b"f")
                self.ask("MOVE", "/f", {"Destination": destination, **headers}, want=201)
                self.assertEqual(self.server.read("t"), b"f")
                r = self.ask("PROPFIND", "/", {"Depth": "1", **headers}, want=207)
                self.assertEqual(set(multistatus(r)),
                                 {prefix.encode() + b"/", prefix.encode() + b"/t"})
                self.ask("MOVE", "/t", {"Destination": "https://other.example/t", **headers},
                         want=502)


class Partial(UnprivilegedCase):
    """Members that cannot be done are named, and all others are done."""

    def test_copy_names_the_member_it_could_not_read(self):
        self.give("src/sub")
        for name, mode in (("src/1", 0o644), ("src/sub/closed", 0), ("src/sub/2", 0o644)):
            self.give(name, b"data", mode)
        r = self.ask("COPY", "/src", {"Destination": "/dst"}, want=207)
        members = multistatus(r)
        self.assertEqual({p: m.status for p, m in members.items()}, {b"/dst/sub/closed": 403}
                         if b"/dst/sub/closed" in members else {b"/src/sub/closed": 403})
        self.assertEqual(sorted(os.listdir(self.server.path("dst/sub"))), ["2"])
        self.assertFalse(is_zero_byte_file(self.server.path("dst/sub/closed")))
        self.assertEqual(self.server.read("dst/1"), b"data")

    def make_kept(self):
        self.give("top/ro")
        self.give("top/rw")
        for name in ("top/ro/kept", "top/ro/too", "top/rw/x", "top/y"):
            self.give(name, b"data")
        os.chmod(self.server.path("top/ro"), 0o555)

    def test_delete_names_what_it_kept_but_not_its_ancestors(self):
        self.make_kept()
        members = multistatus(self.ask("DELETE", "/top", want=207))
        self.assertEqual({p: m.status for p, m in members.items()},
                         {b"/top/ro/kept": 403, b"/top/ro/too": 403})
        self.assertEqual(self.tree(), [b"top", b"top/ro", b"top/ro/kept", b"top/ro/too"])

    def test_the_same_in_json(self):
        self.make_kept()
        r = self.ask("DELETE", "/top", {"Accept": "application/json"}, want=207)
        self.assertEqual(r.header("Content-Type").split(";")[0], "application/json")
        answer = json.loads(r.body)
        summary, results = answer["summary"], answer["results"]
        self.assertEqual(summary["total"], summary["success"] + summary["failed"])
        self.assertEqual(summary["failed"], 2)
        self.assertEqual(sorted(x["href"] for x in results if x["status"] >= 400),
                         ["/top/ro/kept", "/top/ro/too"])
        for x in results:
            self.assertEqual(x["status"], 403)
            self.assertTrue(x["error"])

    def test_nothing_failed_is_no_207_in_any_form(self):
        self.give("top/rw")
        r = self.ask("DELETE", "/top", {"Accept": "application/json"}, want=204)
        self.assertEqual(r.body, b"")

    def test_an_unreadable_folder_is_a_member_that_failed(self):
        self.give("top/closed")
        self.give("top/f", b"x")
        os.chmod(self.server.path("top/closed"), 0)
        members = multistatus(self.ask("PROPFIND", "/top", {"Depth": "infinity"}, want=207))
        self.assertIn(b"/top/f", members)
        self.assertIn(b"/top/closed/", members)
        r = self.ask("COPY", "/top", {"Destination": "/copy"}, want=207)
        self.assertEqual([m.status for m in multistatus(r).values()], [403])
        self.assertEqual(self.server.read("copy/f"), b"x")

    def test_a_single_resource_that_fails_is_no_207(self):
        self.make_kept()
        self.ask("DELETE", "/top/ro/kept", want=403)
        self.ask("PUT", "/top/ro/new", body=b"x", want=403)
        self.ask("MKCOL", "/top/ro/new", want=403)
        self.ask("MOVE", "/top/ro/kept", {"Destination": "/moved"}, want=403)
        self.assertFalse(os.path.exists(self.server.path("moved")))
        self.ask("MOVE", "/top/y", {"Destination": "/top/ro/y"}, want=403)
        self.assertEqual(self.server.read("top/y"), b"data")


def can_mount():
    return os.getuid() == 0 and subprocess.run(
        ["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0


@unittest.skipUnless(can_mount(), "only root may mount")
class Mounts(TestCase):
    """Another file system inside the tree, and one that is full."""

    def setUp(self):
        super().setUp()
        self.mount = self.server.path("mnt")
        os.mkdir(self.mount)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", self.mount],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", self.mount], check=True)

    def test_it_is_a_folder_like_others(self):
        self.ask("PUT", "/mnt/f", body=b"f", want=201)
        self.assertEqual(self.ask("GET", "/mnt/f", want=200).body, b"f")
        self.patch("/mnt/f", ("set", "<x:a>v</x:a>"))
        self.assertIn(b"/mnt/f", self.props("/", "resourcetype", depth="infinity"))
        self.ask("MKCOL", "/mnt/d", want=201)
        self.ask("PUT", "/mnt/d/g", body=b"g", want=201)
        self.ask("MOVE", "/mnt/f", {"Destination": "/f"}, want=201)
        self.assertEqual(self.one("/f", "{urn:x}a").props["{urn:x}a"][1].text, "v")
        self.ask("MOVE", "/mnt/d", {"Destination": "/d"}, want=201)
        self.assertEqual(self.server.read("d/g"), b"g")
        self.ask("COPY", "/d", {"Destination": "/mnt/e"}, want=201)
        self.assertEqual(self.server.read("mnt/e/g"), b"g")
        self.assertEqual(os.listdir(self.mount), ["e"])

    def test_a_mount_point_is_not_removed(self):
        self.ask("PUT", "/mnt/f", body=b"f", want=201)
        r = self.ask("DELETE", "/mnt", want=(207, 403))
        if r.status == 207:
            self.assertEqual(set(multistatus(r)), {b"/mnt/"})
        self.assertTrue(os.path.ismount(self.mount))

    def test_a_full_disk_is_507_and_leaves_nothing(self):
        self.ask("PUT", "/mnt/f", body=b"old", want=201)
        self.ask("PUT", "/mnt/f", body=b"x" * (1 << 20), want=507)
        self.assertEqual(self.server.read("mnt/f"), b"old")
        self.ask("PUT", "/mnt/g", body=b"x" * (1 << 20), want=507)
        self.assertEqual(os.listdir(self.mount), ["f"])
        self.server.write("big", b"x" * (1 << 20))
        r = self.ask("COPY", "/big", {"Destination": "/mnt/big"}, want=507)
        self.assertNotEqual(r.body, b"")
        self.assertEqual(os.listdir(self.mount), ["f"])


if __name__ == "__main__":
    sheaf_http.main()

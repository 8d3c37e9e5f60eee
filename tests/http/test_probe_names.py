# SPDX-License-Identifier: MIT
"""Names of all kinds: listed, fetched, written, copied and removed under the
very bytes they have on disk."""

import html.parser
import json
import os
import socket
import time
from urllib.parse import unquote_to_bytes, urlsplit

import sheaf_http
from probes import TestCase, encode, multistatus

ODD = [
    b"with space", b"percent%20sign", b"percent%zz", b"amper&sand",
    b"less<than>more", b'double"quote', b"single'quote", b"new\nline",
    b"tab\there", b"control\x01byte", b"caf\xc3\xa9", b"not\xff\xfeutf8",
    b"hash#mark", b"question?mark", b"semi;colon=x", b"plus+plus",
    b"colon:name", b"back\\slash", b"...", b"cdata]]>end", b"brace{}[]",
    b"x" * 255, b"\xe2\x80\xaeturned", b"~tilde", b".hidden", b"*", b"a@b",
    b"\x7fdelete", b"\xc2\x85nel", b"\xef\xbf\xbe", b"lone\xed\xa0\x80",
    b"CON", b"trailing.", b" lead", b"trail ", b"-dash", b"\r",
]


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.hrefs = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.hrefs.append(dict(attrs).get("href"))


class Names(TestCase):

    def fill(self):
        for name in ODD:
            self.server.write(name.decode("utf-8", "surrogateescape"), b"of " + name)

    def test_odd_names_are_listed_and_fetched_back(self):
        self.fill()
        members = self.props("/", "displayname", "resourcetype", depth="1")
        self.assertEqual(set(members), {b"/"} | {b"/" + n for n in ODD})
        for name in ODD:
            with self.subTest(name):
                href = members[b"/" + name].href
                self.assertRegex(href, r"\A[!-~]+\Z")
                self.assertEqual(self.ask("GET", href, want=200).body, b"of " + name)
                self.assertEqual(self.ask("GET", encode(b"/" + name), want=200).body,
                                 b"of " + name)

    def test_the_page_for_a_browser_links_to_each(self):
        self.fill()
        r = self.ask("GET", "/", {"Accept": "text/html"}, want=200)
        self.assertIn("text/html", r.header("Content-Type"))
        links = Links()
        links.feed(r.body.decode("utf-8"))
        found = {}
        for href in links.hrefs:
            path = urlsplit(href).path
            # Relative or absolute; both end in the encoded name.
            found[unquote_to_bytes(path.rsplit("/", 1)[-1])] = path
        for name in ODD:
            with self.subTest(name):
                self.assertIn(name, found)
                target = "/" + found[name].lstrip("./") if found[name][0] != "/" else found[name]
                self.assertEqual(self.ask("GET", target, want=200).body, b"of " + name)
        self.assertNotIn(b"<than>", r.body)

    def test_the_same_names_in_json(self):
        self.fill()
        r = self.ask("PROPFIND", "/", {"Depth": "1", "Accept": "application/json"}, want=207)
        results = json.loads(r.body)["results"]
        self.assertEqual({unquote_to_bytes(x["href"]) for x in results},
                         {b"/"} | {b"/" + n for n in ODD})

    def test_odd_names_are_written_copied_moved_and_removed(self):
        for name in ODD:
            if len(name) > 250:
                continue
            with self.subTest(name):
                first, second, third = (encode(b"/" + name + end) for end in
                                        (b"", b"-2", b"-3"))
                self.ask("PUT", first, body=b"bytes", want=201)
                self.ask("COPY", first, {"Destination": second}, want=201)
                self.ask("MOVE", second, {"Destination": third}, want=201)
                self.assertEqual(self.tree(), sorted([name, name + b"-3"]))
                self.ask("DELETE", first, want=204)
                self.ask("DELETE", third, want=204)
                self.assertEqual(self.tree(), [])

    def test_a_name_too_long_is_refused(self):
        r = self.ask("PUT", "/" + "x" * 256, body=b"a")
        self.assertIn(r.status, (400, 403, 414))
        self.assertEqual(self.tree(), [])

    def test_targets_that_are_no_paths_are_refused(self):
        self.server.write("f", b"secret")
        for target in ("/%00", "/a%2fb", "/..", "/a/../f", "/%2e%2e/f", "/./f", "/%zz",
                       "/%", "/a/%2E/f"):
            with self.subTest(target):
                self.ask("GET", target, want=(400, 404))
                self.ask("PUT", target, body=b"x", want=(400, 403))
        self.assertEqual(self.tree(), [b"f"])

    def test_a_tree_deeper_than_the_kernel_takes_paths(self):
        depth, name = 40, "d" * 120
        fd = os.open(self.server.root, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir(name, dir_fd=fd)
            below = os.open(name, os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        leaf = os.open("leaf", os.O_WRONLY | os.O_CREAT, dir_fd=fd)
        os.write(leaf, b"deep")
        os.close(leaf)
        os.close(fd)
        members = self.props("/", "resourcetype", depth="infinity")
        self.assertEqual(len(members), depth + 2)
        path = "/" + "/".join([name] * depth)
        self.assertEqual(self.ask("GET", path + "/leaf", want=200).body, b"deep")
        self.ask("COPY", "/" + name, {"Destination": "/copy"}, want=201)
        self.assertEqual(self.ask("GET", "/copy" + path[121:] + "/leaf", want=200).body, b"deep")
        self.ask("DELETE", "/" + name, want=204)
        self.ask("DELETE", "/copy", want=204)
        self.assertEqual(self.tree(), [])


class Surroundings(TestCase):
    """What lies in the directory and is no file of the client's."""

    def test_the_state_is_never_visible(self):
        self.ask("PUT", "/f", body=b"x", want=201)
        self.assertTrue(os.path.isdir(self.server.path(".sheaf")))
        before = sorted(os.listdir(self.server.path(".sheaf")))
        for target in ("/.sheaf", "/.sheaf/", "/%2esheaf", "/.sheaf/state", "/.sheaf/x"):
            with self.subTest(target):
                self.ask("GET", target, want=404)
                self.ask("HEAD", target, want=404)
                self.ask("PROPFIND", target, {"Depth": "0"}, want=404)
                for method, headers, body in (
                        ("PUT", {}, b"x"), ("MKCOL", {}, None), ("DELETE", {}, None),
                        ("PROPPATCH", {}, b"<x/>"),
                        ("COPY", {"Destination": "/seen"}, None),
                        ("MOVE", {"Destination": "/seen"}, None)):
                    r = self.ask(method, target, headers, body)
                    self.assertGreaterEqual(r.status, 400, (method, r))
                r = self.ask("COPY", "/f", {"Destination": target})
                self.assertGreaterEqual(r.status, 400)
                r = self.ask("MOVE", "/f", {"Destination": target})
                self.assertGreaterEqual(r.status, 400)
        self.assertEqual(self.tree(), [b"f"])
        self.assertEqual(sorted(os.listdir(self.server.path(".sheaf"))), before)
        self.assertEqual(set(self.props("/", "resourcetype", depth="infinity")), {b"/", b"/f"})
        self.assertNotIn(b".sheaf", self.ask("GET", "/", want=200).body)

    def test_links_out_of_the_tree_lead_nowhere(self):
        outside = self.server.home + "/outside"
        os.makedirs(outside, exist_ok=True)
        with open(outside + "/secret", "w") as f:
            f.write("secret")
        os.symlink(outside, self.server.path("dir"))
        os.symlink("../outside/secret", self.server.path("relative"))
        os.symlink(outside + "/secret", self.server.path("absolute"))
        os.symlink("/proc/self/root" + outside, self.server.path("magic"))
        for target in ("/dir", "/dir/secret", "/relative", "/absolute", "/magic/secret"):
            with self.subTest(target):
                self.ask("GET", target, want=(403, 404))
                self.ask("PROPPATCH", target, body=b"<x/>", want=(400, 403, 404))
        self.ask("PUT", "/dir/new", body=b"x", want=(403, 404, 409))
        self.ask("PUT", "/dir/secret", body=b"x", want=(403, 404, 409))
        self.ask("DELETE", "/dir/secret", want=(403, 404))
        r = self.ask("PROPFIND", "/", {"Depth": "infinity"}, want=207)
        self.assertNotIn(b"secret", r.body)
        self.assertEqual(os.listdir(outside), ["secret"])
        with open(outside + "/secret") as f:
            self.assertEqual(f.read(), "secret")

    def test_removing_a_link_leaves_what_it_names(self):
        os.mkdir(self.server.path("dir"))
        self.server.write("dir/kept", b"kept")
        os.symlink("dir", self.server.path("link"))
        self.assertEqual(self.ask("GET", "/link/kept", want=200).body, b"kept")
        self.ask("DELETE", "/link", want=204)
        self.assertEqual(self.tree(), [b"dir", b"dir/kept"])

    def test_links_in_a_circle_end(self):
        os.mkdir(self.server.path("dir"))
        os.symlink("..", self.server.path("dir/up"))
        os.symlink("self", self.server.path("self"))
        members = multistatus(self.ask("PROPFIND", "/", {"Depth": "infinity"}, want=207))
        self.assertLess(len(members), 10)
        self.ask("GET", "/self", want=(404, 508))

    def test_fifos_sockets_and_devices_are_not_opened(self):
        os.mkfifo(self.server.path("fifo"))
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.server.path("socket"))
            begin = time.monotonic()
            for name in ("/fifo", "/socket"):
                self.ask("GET", name, want=(403, 404))
                self.ask("PROPFIND", name, {"Depth": "0"}, want=(403, 404))
                r = self.ask("COPY", name, {"Destination": "/copy"})
                self.assertGreaterEqual(r.status, 400)
            members = multistatus(self.ask("PROPFIND", "/", {"Depth": "infinity"}, want=207))
            self.assertLess(time.monotonic() - begin, 20)
        for path in (b"/fifo", b"/socket"):
            member = members.get(path)
            self.assertTrue(member is None or (member.status or 0) >= 400, path)


if __name__ == "__main__":
    sheaf_http.main()

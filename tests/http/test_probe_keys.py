# SPDX-License-Identifier: MIT
"""PATCH (RFC 5789), POST to a collection (RFC 5995), and Idempotency-Key on
single requests: what is done, and that it is done once."""

import json
import os
import signal
import threading
import unittest
import uuid

import sheaf_http
from probes import D, TestCase, propertyupdate

MERGE = {"Content-Type": "application/merge-patch+json"}
STEPS = {"Content-Type": "application/json-patch+json"}


class Keys(TestCase):

    def setUp(self):
        super().setUp()
        os.makedirs(self.server.path("d/k"))
        for name in ("d/1", "d/k/2"):
            self.server.write(name, name.encode())
        self.server.write("j.json", b'{"n":[]}')
        self.key = {"Idempotency-Key": '"%s"' % uuid.uuid4()}

    def twice(self, method, target, headers=(), body=None, want=None):
        """Asked twice; both answers say the same, and the second that it is one."""
        headers = {**dict(headers), **self.key}
        first = self.ask(method, target, headers, body, want)
        self.assertIsNone(first.header("Idempotency-Replayed"))
        tree = self.tree()
        again = self.ask(method, target, headers, body, want)
        self.assertEqual(again.header("Idempotency-Replayed"), "true")
        for name in ("ETag", "Location", "Content-Type"):
            self.assertEqual(again.header(name), first.header(name))
        self.assertEqual(again.body, first.body)
        self.assertEqual(self.tree(), tree)
        return again

    def test_each_method_is_carried_out_once(self):
        add = b'[{"op":"add","path":"/n/-","value":1}]'
        for method, target, headers, body, want in (
                ("PUT", "/new", {"If-None-Match": "*"}, b"x", 201),
                ("PUT", "/d/1", {}, b"x", 204),
                ("MKCOL", "/c", {}, None, 201),
                ("POST", "/d/", {"Slug": "a note", "Content-Type": "text/plain"}, b"x", 201),
                ("PATCH", "/j.json", STEPS, add, 204),
                ("PROPPATCH", "/d/1", {}, propertyupdate(("set", "<x:p>1</x:p>")), 207),
                ("COPY", "/d", {"Destination": "/copy", "Overwrite": "F"}, None, 201),
                ("MOVE", "/d", {"Destination": "/moved", "Overwrite": "F"}, None, 201),
                ("DELETE", "/d/1", {}, None, 204),
                ("DELETE", "/d", {}, None, 204)):
            with self.subTest((method, target)):
                self.setUp()
                self.twice(method, target, headers, body, want)
        self.setUp()
        self.twice("PATCH", "/j.json", STEPS, add, 204)
        self.assertEqual(json.loads(self.server.read("j.json")), {"n": [1]})

    def test_another_request_under_the_key_is_refused(self):
        self.ask("PUT", "/new", self.key, b"x", 201)
        for method, target, body in (("PUT", "/new", b"y"), ("PUT", "/other", b"x"),
                                     ("DELETE", "/new", None)):
            with self.subTest((method, target)):
                r = self.ask(method, target, {**self.key, "Accept": "application/json"}, body, 422)
                self.assertIn("new key", json.loads(r.body)["detail"])
        self.assertEqual(self.server.read("new"), b"x")

    def test_what_failed_is_tried_again(self):
        self.ask("PUT", "/none/new", self.key, b"x", 409)
        os.mkdir(self.server.path("none"))
        r = self.ask("PUT", "/none/new", self.key, b"x", 201)
        self.assertIsNone(r.header("Idempotency-Replayed"))

    def test_a_malformed_key_is_refused(self):
        for key in ("", '""', "a b", "\u00e9", "x" * 256):
            with self.subTest(key):
                self.ask("PUT", "/new", {"Idempotency-Key": key}, b"x", 400)
        self.assertFalse(os.path.exists(self.server.path("new")))

    def test_a_key_in_use_is_told_to_come_again(self):
        head = ("PUT /new HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nIdempotency-Key: %s\r\n"
                "Expect: 100-continue\r\n\r\n" % self.key["Idempotency-Key"]).encode()
        with self.server.connect() as c:
            c.send(head)  # which the server has seen when it wants more
            self.assertEqual(c.sock.recv(25), b"HTTP/1.1 100 Continue\r\n\r\n")
            r = self.ask("PUT", "/new", self.key, b"xy", 409)
            self.assertEqual(r.header("Retry-After"), "1")
            c.send(b"xy")
            self.assertEqual(c.response().status, 201)
        r = self.ask("PUT", "/new", self.key, b"xy", 201)
        self.assertEqual(r.header("Idempotency-Replayed"), "true")

    def test_a_connection_that_breaks_gives_the_key_back(self):
        with self.server.connect() as c:
            c.send(("PUT /new HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nIdempotency-Key: %s\r\n\r\nx"
                    % self.key["Idempotency-Key"]).encode())
            c.reset()
        for _ in range(500):
            r = self.ask("PUT", "/new", self.key, b"xy")
            if r.status != 409:
                break
        self.assertEqual(r.status, 201)

    def test_of_many_at_once_one_is_carried_out(self):
        said = []

        def post():
            while True:
                r = self.server.request("POST", "/d/", {**self.key, "Slug": "n"}, b"x")
                if r.status != 409:
                    said.append((r.status, r.header("Location")))
                    return

        threads = [threading.Thread(target=post) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(said, [(201, "/d/n")] * 8)
        self.assertEqual(sorted(os.listdir(self.server.path("d"))), ["1", "k", "n"])


class Restart(unittest.TestCase):

    def test_a_key_outlives_a_server_that_was_killed(self):
        key = {"Idempotency-Key": "k-1"}
        server = sheaf_http.Server()
        root = server.root
        try:
            first = server.request("POST", "/", {**key, "Slug": "n"}, b"x")
            self.assertEqual(first.status, 201)
            copy = {"Idempotency-Key": "k-2", "Destination": "/m", "Overwrite": "F"}
            self.assertEqual(server.request("COPY", "/n", copy).status, 201)
            server.signal(signal.SIGKILL)
            server.wait()
            with sheaf_http.Server(root=root) as other:
                again = other.request("POST", "/", {**key, "Slug": "n"}, b"x")
                self.assertEqual(
                    (again.status, again.header("Location"), again.header("ETag")),
                    (201, first.header("Location"), first.header("ETag")))
                self.assertEqual(again.header("Idempotency-Replayed"), "true")
                self.assertEqual(other.request("COPY", "/n", copy).status, 201)
                self.assertEqual(
                    other.request("POST", "/", {**key, "Slug": "n"}, b"y").status, 422)
        finally:
            try:
                server.stop()
            except AssertionError:
                pass  # it was killed


class Patch(TestCase):

    def setUp(self):
        super().setUp()
        self.server.write("a.json", b'{"a": 1, "b": {"c": 2}}')
        self.server.write("t.txt", b"text")

    def document(self):
        return json.loads(self.server.read("a.json"))

    def test_merge_and_steps(self):
        r = self.ask("PATCH", "/a.json", MERGE, b'{"b":{"c":null,"d":3}}', 204)
        self.assertEqual(self.document(), {"a": 1, "b": {"d": 3}})
        self.assertEqual(r.header("ETag"), self.ask("HEAD", "/a.json").header("ETag"))
        steps = [{"op": "test", "path": "/a", "value": 1},
                 {"op": "move", "from": "/b/d", "path": "/d"}]
        self.ask("PATCH", "/a.json", {**STEPS, "If-Match": r.header("ETag")},
                 json.dumps(steps).encode(), 204)
        self.assertEqual(self.document(), {"a": 1, "b": {}, "d": 3})
        self.ask("PATCH", "/a.json", {**STEPS, "If-Match": r.header("ETag")},
                 json.dumps(steps).encode(), 412)

    def test_what_cannot_be_applied_changes_nothing(self):
        before = self.server.read("a.json")
        for headers, body, want in (
                (STEPS, b'[{"op":"replace","path":"/a","value":2},'
                        b'{"op":"remove","path":"/none"}]', 422),
                (STEPS, b'{"a":1}', 400),
                (MERGE, b"{", 400),
                ({"Content-Type": "application/json"}, b"{}", 415)):
            with self.subTest(body):
                self.ask("PATCH", "/a.json", headers, body, want)
                self.assertEqual(self.server.read("a.json"), before)
        self.ask("PATCH", "/t.txt", MERGE, b"{}", 422)
        self.ask("PATCH", "/none.json", MERGE, b"{}", 404)

    def test_what_takes_a_patch_says_so(self):
        for r in (self.ask("OPTIONS", "/a.json", want=200),
                  self.ask("PATCH", "/a.json", {"Content-Type": "text/x-diff"}, b"x", 415)):
            self.assertEqual(set(r.tokens("Accept-Patch")),
                             {"application/merge-patch+json", "application/json-patch+json"})
        self.assertIn("patch", self.ask("OPTIONS", "/a.json").tokens("Allow"))
        self.assertIsNone(self.ask("OPTIONS", "/").header("Accept-Patch"))

    def test_writers_at_once_lose_nothing(self):
        self.server.write("n.json", b"[]")
        step = b'[{"op":"add","path":"/-","value":1}]'
        done = []

        def write():
            for _ in range(5):
                while self.server.request("PATCH", "/n.json", STEPS, step).status == 503:
                    pass
                done.append(1)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(done), 20)
        self.assertEqual(json.loads(self.server.read("n.json")), [1] * 20)


class Post(TestCase):

    def test_a_member_is_made_where_the_collection_says(self):
        os.mkdir(self.server.path("d"))
        found = self.one("/d", "add-member")
        self.assertEqual(found.props[D + "add-member"][1].findtext(D + "href"), "/d/")
        r = self.ask("POST", "/d/", {"Slug": "Caf%C3%A9 menu", "Content-Type": "application/json"},
                     b"{}", 201)
        self.assertEqual(r.header("Location"), "/d/Caf%C3%A9-menu.json")
        self.assertEqual(self.server.read("d/Caf\u00e9-menu.json"), b"{}")
        self.assertEqual(self.ask("GET", r.header("Location")).header("ETag"), r.header("ETag"))
        self.ask("POST", "/d/", {"Slug": "x", "If-Match": '"no"'}, b"{}", 412)
        self.ask("POST", "/d/Caf%C3%A9-menu.json", {}, b"{}", 405)
        self.assertIn("post", self.ask("OPTIONS", "/d/").tokens("Allow"))

    def test_pages_of_other_sites_may_not(self):
        host = "%s:%d" % self.server.address
        self.ask("POST", "/", {"Origin": "http://evil.example"}, b"x", 403)
        self.ask("POST", "/", {"Origin": "null"}, b"x", 403)
        self.assertEqual(os.listdir(self.server.root) in ([], [".sheaf"]), True)
        with self.server.connect() as c:
            c.send(("POST / HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nContent-Length: 1\r\n\r\nx"
                    % (host, host)).encode())
            self.assertEqual(c.response().status, 201)


if __name__ == "__main__":
    sheaf_http.main()

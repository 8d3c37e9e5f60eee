#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sheaf batch, against sheaf serve."""

import json
import os
import random
import signal
import subprocess

import scripted


def lines(items, head=None):
    out = [json.dumps({"batch": head})] if head else []
    return ("\n".join(out + [json.dumps(i) for i in items]) + "\n").encode()


class TestCase(scripted.TestCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("tree"))
        self.port = 0
        self.server = None
        self.start()
        self.addCleanup(self.stop)

    def start(self):
        self.server = subprocess.Popen(
            [scripted.PROGRAMS[0], "serve", "--listen",
             "127.0.0.1:%d" % self.port, self.path("tree")],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self.env)
        line = self.server.stdout.readline().decode()
        self.url = line[line.index("http"):].split()[0]
        self.port = int(self.url.rstrip("/").rsplit(":", 1)[1])

    def stop(self, how=signal.SIGTERM):
        self.server.send_signal(how)
        self.server.wait(60)
        self.server.stdout.close()

    def batch(self, items, *args, head=None, **more):
        self.write("batch", lines(items, head))
        return self.sheaf("batch", *args, self.url, "batch", **more)

    def printed(self, p):
        return [json.loads(s) for s in p.stdout.splitlines()]

    def tree(self):
        return sorted(n for n in os.listdir(self.path("tree"))
                      if not n.startswith("."))


class Users(TestCase):
    def users(self):
        users = [{"id": "u%d" % i, "op": "create", "url": "/u%d.json" % i,
                  "body": {"name": "user %d" % i}} for i in range(100)]
        for i in (10, 20, 30):  # an If-Match that is none
            users[i] = {"id": "u%d" % i, "op": "upsert",
                        "url": "/u%d.json" % i, "ifMatch": "no tag",
                        "body": 1}
        for i in (40, 50):  # there are such
            self.write("tree/u%d.json" % i, b"theirs")
        return users

    def test_of_a_hundred_users_only_the_five_mended_go_again(self):
        users = self.users()
        p = self.batch(users, "--json", "--failed-out", "failed",
                       "--idempotency-key", "import-42", code=3)
        *results, summary = self.printed(p)
        statuses = [r["status"] for r in results]
        self.assertEqual((statuses.count(201), statuses.count(400),
                          statuses.count(409)), (95, 3, 2), statuses)
        self.assertEqual((summary["done"], summary["failed"]), (95, 5))
        with open(self.path("failed"), "rb") as f:
            failed = [json.loads(s) for s in f.read().splitlines()[1:]]
        self.assertEqual([f["id"] for f in failed],
                         ["u10", "u20", "u30", "u40", "u50"])
        # Mended.
        again = [{"id": f["id"], "op": "create",
                  "url": f["operation"]["url"].replace(".json", "-2.json"),
                  "body": {"name": "mended"}} for f in failed]
        p = self.batch(again, "--json", "--idempotency-key", "import-43")
        self.assertEqual([r["status"] for r in self.printed(p)[:-1]],
                         [201] * 5)
        # And all of it once more, under its key.
        p = self.batch(users, "--json", "--idempotency-key", "import-42",
                       code=3)
        *results, summary = self.printed(p)
        self.assertEqual(sum(r.get("replayed", False) for r in results), 95)
        self.assertEqual(len(results), 100)

    def test_a_dry_run_changes_nothing(self):
        users = self.users()
        self.batch(users, "-n", code=3)
        self.assertEqual(self.tree(), ["u40.json", "u50.json"])

    def test_an_atomic_batch_that_fails_changes_nothing(self):
        users = self.users()
        p = self.batch(users, head={"mode": "atomic"}, code=5)
        self.assertEqual(self.tree(), ["u40.json", "u50.json"])
        self.assertIn("424", p.err)
        good = [u for u in users if u["id"] not in
                ("u10", "u20", "u30", "u40", "u50")]
        self.batch(good, head={"mode": "atomic"})
        self.assertEqual(len(self.tree()), 97)

    def test_a_batch_that_is_validated_first(self):
        self.batch(self.users(), head={"mode": "validate-first"}, code=5)
        self.assertEqual(self.tree(), ["u40.json", "u50.json"])


class Long(TestCase):
    def test_more_than_the_server_takes_at_once(self):
        # Most of them are read, which is soon done.
        n = 2500
        items = [{"op": "read", "url": "$a"} for i in range(n)]
        items[0] = {"id": "a", "op": "create", "url": "/a", "body": "1"}
        items[1] = {"id": "d", "op": "mkcol", "url": "/d/"}
        for i in range(2, n, 250):
            items[i] = {"op": "create", "url": "$d/%d" % i,
                        "dependsOn": ["d"], "body": {"n": i}}
        # A reference lives from one request to the next.
        items[-1] = {"id": "b", "op": "update", "url": "/a", "ifMatch": "$a",
                     "dependsOn": ["a"], "body": "2"}
        p = self.batch(items, "--json")
        self.assertEqual(self.printed(p)[-1]["done"], n)
        self.assertEqual(len(os.listdir(self.path("tree", "d"))), 10)
        self.assertEqual(self.read("tree/a"), b"2")

    def test_a_dry_run_of_more_than_that_tells_the_truth(self):
        items = [{"op": "mkcol", "url": "/d/"}]
        items += [{"op": "create", "url": "/d/%d" % i, "body": i}
                  for i in range(1200)]
        items += [{"op": "create", "url": "/d/0", "body": 0}]
        p = self.batch(items, "-n", code=3)
        self.assertIn("1,201 done, 1 failed", p.err)
        self.assertIn("1201: create %sd/0: 409" % self.url, p.err)
        self.assertEqual(self.tree(), [])

    def test_what_is_malformed_fails_by_itself(self):
        bad = [{"id": "op", "op": "frobnicate", "url": "/op"},
               {"id": "member", "op": "upsert", "url": "/m", "boddy": 1},
               {"id": "header", "op": "upsert", "url": "/h", "body": 1,
                "headers": {"host": "other"}},
               {"id": "host", "op": "upsert", "url": "http://other/x",
                "body": 1},
               {"id": "waits", "op": "upsert", "url": "/w", "body": 1,
                "dependsOn": ["op"]}]
        good = [{"id": "good%d" % i, "op": "upsert", "url": "/%d" % i,
                 "body": i} for i in range(3)]
        p = self.batch(good[:2] + bad + good[2:], code=3)
        self.assertEqual(self.tree(), ["0", "1", "2"])
        self.assertIn("op: frobnicate %sop: 400 Bad Request: /op: there is no "
                      "operation" % self.url, p.err)
        self.assertIn("/boddy: there is no such member", p.err)
        self.assertIn("/headers/host: ", p.err)
        self.assertIn("http://other/x: 400 Bad Request: /url: ", p.err)
        self.assertIn("424", p.err)
        self.assertIn("3 done, 5 failed", p.err)
        # And nothing at all of one that is all or nothing.
        self.batch([{**g, "url": g["url"] + "x"} for g in good] + bad,
                   head={"mode": "atomic"}, code=5)
        self.assertEqual(self.tree(), ["0", "1", "2"])

    def test_what_was_read_is_printed(self):
        self.write("tree/a.json", b'{"n": 123456789012345678901234567890}')
        self.write("tree/b.bin", b"\0\1\2")
        p = self.batch([{"op": "read", "url": "/a.json"},
                        {"op": "read", "url": "/b.bin"},
                        {"op": "propfind", "url": "/a.json",
                         "props": ["{DAV:}getcontentlength"]}], "--json")
        a, b, c = (r["answer"] for r in self.printed(p)[:-1])
        self.assertEqual(a["body"],
                         '{"n": 123456789012345678901234567890}')
        self.assertEqual((b["body"], b["encoding"]), ("AAEC", "base64"))
        self.assertEqual(c["props"], {"{DAV:}getcontentlength": 37})

    def test_client_and_server_killed_at_random(self):
        n, rng = 400, random.Random(11)
        slow = 6 if os.environ.get("SHEAF_SANITIZED") else 1
        items = [{"id": "i%d" % i, "op": "create", "url": "/%d" % i,
                  "body": {"n": i}} for i in range(n)]
        items.insert(200, {"id": "twice", "op": "copy", "url": "/0",
                           "destination": "/copy", "overwrite": False,
                           "dependsOn": ["i0"]})
        self.write("batch", lines(items))
        args = ["--journal", "j", self.url, "batch"]
        for kills in range(99):
            p = self.popen("batch", "--json", *args, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
            try:
                out, err = p.communicate(
                    timeout=slow * rng.uniform(0.02, 0.12)
                    if kills < 6 else 60)
                if not p.returncode:
                    break
            except subprocess.TimeoutExpired:
                if kills % 3:
                    p.kill()
                else:
                    self.stop(signal.SIGKILL)
                    self.start()
                out, err = p.communicate(timeout=60)
                if not p.returncode:
                    break
            if os.path.exists(self.path("j")) and \
                    b"synced" in self.read("j"):
                args = ["--resume", "j"]
            elif os.path.exists(self.path("j")):
                os.unlink(self.path("j"))
        self.assertEqual(p.returncode, 0, err)
        results = [json.loads(s) for s in out.splitlines()][:-1]
        self.assertEqual(sorted(r["id"] for r in results),
                         sorted(i["id"] for i in items))
        self.assertEqual({r["status"] for r in results}, {201})
        self.assertEqual(len(self.tree()), n + 1)


if __name__ == "__main__":
    scripted.main()

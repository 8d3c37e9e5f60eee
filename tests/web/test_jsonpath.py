# SPDX-License-Identifier: MIT
"""$.results[?(@.status >= 400)], as a JSONPath library has it, selects exactly
what failed in each JSON answer of the server: to batches, and to what
tests/samples asks of it (questions.py).

test_jsonpath.py SHEAF
"""

import concurrent.futures
import json
import os
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "http"), str(HERE.parent / "samples")]
sys.dont_write_bytecode = True

try:
    from jsonpath_rw_ext import parse
except ImportError:
    print("no python3-jsonpath-rw-ext: skipped")
    sys.exit(77)

import questions  # noqa: E402
import sheaf_http  # noqa: E402

FAILED = parse("$.results[?(@.status >= 400)]")
TOTAL = parse("$.summary.failed")

BATCHES = [
    {"operations": [{"op": "mkcol", "url": "/new/"}]},
    {"operations": [{"op": "delete", "url": "/none"}]},
    {"operations": [
        {"id": "a", "op": "create", "url": "/a.json", "body": {"status": 500}},
        {"id": "b", "op": "create", "url": "/plain.txt", "body": "text",
         "headers": {"content-type": "text/plain"}},
        {"id": "c", "op": "read", "url": "/a.json", "dependsOn": ["a"]},
        {"id": "d", "op": "delete", "url": "/tree/"},
        {"id": "e", "op": "copy", "url": "/none", "destination": "/x"},
        {"id": "f", "op": "delete", "url": "/other/", "dependsOn": ["e"]},
        {"id": "g", "op": "propfind", "url": "/odd/", "depth": "1"},
        {"id": "h", "op": "update", "url": "/never", "body": 1},
    ]},
    {"failOnErrors": 1, "operations": [
        {"op": "delete", "url": "/none"}, {"op": "delete", "url": "/tree/sub/deep/"},
        {"op": "mkcol", "url": "/late/"}]},
    {"mode": "atomic", "operations": [
        {"op": "create", "url": "/b.json", "body": 1}, {"op": "delete", "url": "/none"}]},
    {"mode": "validate-first", "operations": [
        {"op": "create", "url": "/c.json", "body": 1}, {"op": "delete", "url": "/none"}]},
]


class Peer:
    """A server as questions.py knows it."""

    def __init__(self, server):
        self.server, self.url = server, server.url

    def path(self, name):
        return self.server.path(name)

    def mkdir(self, name):
        os.makedirs(self.path(name), exist_ok=True)

    def write(self, name, data):
        self.mkdir(os.path.dirname(name))
        self.server.write(name, data)


class JSONPath(unittest.TestCase):

    def check(self, answer):
        """How many failed, by each of the three ways to find out."""
        document = json.loads(answer)
        ours = [r for r in document["results"] if r["status"] >= 400]
        found = [m.value for m in FAILED.find(document)]
        self.assertEqual(found, ours)
        self.assertEqual(len(found), TOTAL.find(document)[0].value)
        self.assertTrue(all("error" in r and "problem" in r for r in found))
        self.assertFalse(any("error" in r for r in document["results"] if r not in found))
        return len(found)

    def test_batches(self):
        failed = 0
        with sheaf_http.Server() as server:
            questions.plant(Peer(server))
            lock = questions.lock("/tree/sub/b.txt")
            self.assertEqual(server.request(*lock).status, 200)
            for batch in BATCHES:
                with self.subTest(batch):
                    r = server.request("POST", "/.sheaf/bulk",
                                       {"Content-Type": "application/json"},
                                       json.dumps(batch).encode())
                    self.assertIn(r.status, (207, 422), r)
                    failed += self.check(r.body)
        self.assertGreater(failed, 6)

    @staticmethod
    def ask(q):
        with sheaf_http.Server() as server:
            questions.plant(Peer(server))
            for method, target, fields, body in q.before:
                server.request(method, target, fields, body)
            fields = {k: v.replace("{url}", server.url) for k, v in q.fields.items()}
            return server.request(q.method, q.target,
                                  {**fields, "Accept": "application/json"}, q.body)

    def test_what_samples_ask(self):
        asked = failed = 0
        chosen = [q for q in questions.ALL
                  if q.method in ("PROPFIND", "PROPPATCH", "DELETE", "COPY", "MOVE")
                  and not q.spoil and not (q.method == "PROPFIND" and q.before)]
        # A server for each, which takes its time to begin and to end.
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(self.ask, chosen))
        for q, r in zip(chosen, answers):
            with self.subTest(q.name):
                if r.status == 207:
                    asked += 1
                    failed += self.check(r.body)
        self.assertGreater(asked, 10)
        self.assertGreater(failed, 3)


if __name__ == "__main__":
    sheaf_http.main()

# SPDX-License-Identifier: MIT
"""POST /.sheaf/bulk and what stands beside it."""

import base64
import hashlib
import json
import os
import select
import subprocess
import xml.etree.ElementTree as ET

import bulk
import sheaf_http
from bulk import batch, get, send


# The digest of something else: the body did not come as it was sent.
WRONG = base64.b64encode(hashlib.sha256(b"something else").digest()).decode()


def users(n=100, invalid=(10, 20, 30), taken=(40, 50)):
    """The issue's example: creates, some of which cannot succeed."""
    ops = []
    for i in range(n):
        op = {"id": "item_%03d" % i, "op": "create",
              "url": "/users/u%03d.json" % i, "body": {"name": "User %d" % i}}
        if i in invalid:
            op["headers"] = {"content-digest": "sha-256=:%s:" % WRONG}
        if i in taken:
            op["url"] = "/users/taken%d.json" % i
        ops.append(op)
    return ops


class Endpoints(sheaf_http.TestCase):

    args = ("--prefix", "/dav")

    def test_capabilities_tell_every_limit(self):
        a = get(self.server, "/dav/.sheaf/capabilities")
        self.assertEqual(a.status, 200)
        self.assertEqual(a.doc["endpoints"]["bulk"], "/dav/.sheaf/bulk")
        self.assertEqual(a.doc["limits"]["operations"], 1000)
        self.assertEqual(a.doc["limits"]["jsonBytes"], 16 << 20)
        self.assertEqual(a.doc["idempotency"]["ttl"], 86400)
        self.assertIn("atomic", a.doc["modes"])

    def test_each_endpoint_says_its_methods_and_refuses_others(self):
        for path, allow in (
                ("bulk", "POST, OPTIONS"),
                ("capabilities", "GET, HEAD, OPTIONS"),
                ("openapi.json", "GET, HEAD, OPTIONS"),
                ("batches/b_x", "GET, HEAD, DELETE, OPTIONS"),
                ("batches/b_x/results", "GET, HEAD, OPTIONS")):
            target = "/dav/.sheaf/" + path
            with self.subTest(path):
                r = self.server.request("OPTIONS", target)
                self.assertEqual((r.status, r.header("Allow")), (200, allow))
                r = self.server.request("PROPFIND", target)
                self.assertEqual((r.status, r.header("Allow")), (405, allow))
                self.assertEqual(r.header("Content-Type"),
                                 "application/problem+json")
                r = self.server.request("FOO", target)
                self.assertEqual((r.status, r.header("Allow")), (405, allow))

    def test_the_tree_goes_on_hiding_what_is_there(self):
        for target in ("/dav/.sheaf", "/dav/.sheaf/", "/dav/.sheaf/jobs",
                       "/dav/.sheaf/state.db", "/dav/.sheaf/bulk/x",
                       "/dav/.sheaf/batches"):
            self.assertEqual(
                self.server.request("GET", target).status, 404, target)
        for method in ("PUT", "DELETE", "MKCOL"):
            self.assertIn(self.server.request(
                method, "/dav/.sheaf/x").status, (403, 404, 409))
        r = self.server.request("PROPFIND", "/dav/", {"Depth": "infinity"})
        self.assertNotIn(b".sheaf", r.body)

    def test_the_description_is_that_of_this_program(self):
        a = get(self.server, "/dav/.sheaf/openapi.json")
        self.assertEqual(a.status, 200)
        self.assertEqual(a.doc["openapi"], "3.1.0")
        said = subprocess.run([self.server.program, "--version"],
                              capture_output=True, check=True).stdout.decode()
        self.assertIn(a.doc["info"]["version"], said)
        caps = get(self.server, "/dav/.sheaf/capabilities").doc
        self.assertEqual(a.doc["info"]["version"], caps["version"])
        for path, row in a.doc["paths"].items():
            allow = self.server.request(
                "OPTIONS", "/dav" + path.replace("{id}", "b_x").replace(
                    "{name}", "request.schema.json")).tokens("Allow")
            for method in row:
                if method != "parameters":
                    self.assertIn(method, allow, path)

    def test_whatever_the_description_refers_to_is_there(self):
        base = "/dav/.sheaf/"
        doc = get(self.server, base + "openapi.json").doc

        def refs(node):
            if isinstance(node, dict):
                if isinstance(node.get("$ref"), str):
                    yield node["$ref"]
                for child in node.values():
                    yield from refs(child)
            elif isinstance(node, list):
                for child in node:
                    yield from refs(child)

        def look(within, ref):
            for name in ref.split("/")[1:]:
                within = within[name.replace("~1", "/")]
        files = set()
        for ref in refs(doc):
            if ref.startswith("#"):
                look(doc, ref)
            else:
                files.add(ref)
        self.assertEqual(len(files), 2)
        for name in files:
            a = get(self.server, base + name)
            self.assertEqual(a.status, 200)
            self.assertEqual(a.header("Content-Type"),
                             "application/schema+json")
            for ref in refs(a.doc):
                look(a.doc, ref)

    def test_a_batch_works_behind_a_prefix(self):
        a = batch(self.server, [{"op": "mkcol", "url": "/dav/d/"}],
                  "/dav/.sheaf/bulk")
        self.assertEqual((a.status, a.statuses), (207, [201]))
        self.assertEqual(a.results[0]["href"], "/dav/d/")


class Independent(sheaf_http.TestCase):

    def setUp(self):
        self.base = "/" + self.id().rsplit(".", 1)[1][-40:]
        self.assertEqual(
            self.server.request("MKCOL", self.base + "/").status, 201)

    def at(self, name):
        return self.base + "/" + name

    def test_a_hundred_users_of_whom_five_fail_and_are_mended(self):
        self.server.request("MKCOL", "/users/")
        for i in (40, 50):
            self.server.request("PUT", "/users/taken%d.json" % i, (), b"{}")
        first = batch(self.server, users(), idempotency_key="users-1")
        self.assertEqual(first.status, 207)
        self.assertEqual(first.summary["total"], 100)
        self.assertEqual(first.summary["success"], 95)
        self.assertEqual(sorted(r["status"] for r in first.failed()),
                         [400, 400, 400, 409, 409])
        self.assertEqual([r["index"] for r in first.results],
                         list(range(100)))
        mended = []
        for r in first.failed():
            op = users()[r["index"]]
            op.pop("headers", None)
            op["url"] = "/users/mended%d.json" % r["index"]
            mended.append(op)
        second = batch(self.server, mended, idempotency_key="users-2")
        self.assertEqual(second.statuses, [201] * 5)
        again = batch(self.server, users(), idempotency_key="users-1")
        self.assertEqual(again.status, 207)
        self.assertEqual(again.summary["total"], 100)
        self.assertEqual(again.summary["replayed"], 95)
        self.assertEqual(again.statuses, first.statuses)
        names = os.listdir(self.server.path("users"))
        self.assertEqual(len(names), 95 + 5 + 2)

    def test_every_operation_does_what_its_method_does(self):
        a = batch(self.server, [
            {"id": "dir", "op": "mkcol", "url": self.at("d/")},
            {"id": "new", "op": "create", "url": self.at("d/a.json"),
             "dependsOn": ["dir"], "body": {"a": 1}},
            {"id": "up", "op": "update", "url": self.at("d/a.json"),
             "ifMatch": "$new", "dependsOn": ["new"], "body": {"a": 2}},
            {"id": "patch", "op": "patch", "url": self.at("d/a.json"),
             "headers": {"content-type": "application/merge-patch+json"},
             "body": {"b": 3}},
            {"id": "get", "op": "read", "url": self.at("d/a.json")},
            {"id": "ups", "op": "upsert", "url": self.at("d/t.txt"),
             "body": "text"},
            {"id": "cp", "op": "copy", "url": self.at("d/t.txt"),
             "destination": self.at("d/u.txt")},
            {"id": "mv", "op": "move", "url": self.at("d/u.txt"),
             "destination": self.at("d/v.txt")},
            {"id": "set", "op": "proppatch", "url": self.at("d/v.txt"),
             "props": {"{urn:x}color": "red"}},
            {"id": "find", "op": "propfind", "url": self.at("d/v.txt"),
             "depth": "0", "props": ["{urn:x}color", "{urn:x}none"]},
            {"id": "rm", "op": "delete", "url": self.at("d/t.txt")},
            {"id": "m", "method": "PUT", "url": self.at("d/bin"),
             "body": "AAEC", "encoding": "base64"},
        ])
        self.assertEqual(a.status, 207, a.doc)
        by = {r["id"]: r for r in a.results}
        self.assertEqual(
            {k: r["status"] for k, r in by.items() if r["status"] >= 300}, {})
        self.assertEqual(by["get"]["body"], {"a": 2, "b": 3})
        self.assertEqual(by["find"]["props"]["{urn:x}color"], "red")
        self.assertEqual(by["find"]["propErrors"]["{urn:x}none"], 404)
        self.assertEqual(self.server.read(self.at("d/bin")[1:]), b"\0\1\2")
        self.assertEqual(self.server.read(self.at("d/v.txt")[1:]), b"text")
        self.assertEqual(sorted(os.listdir(self.server.path(
            self.at("d")[1:]))), ["a.json", "bin", "v.txt"])

    def test_dependants_of_what_failed_name_the_cause(self):
        a = batch(self.server, [
            {"id": "no", "op": "create", "url": self.at("none/x"), "body": 1},
            {"id": "after", "op": "create", "url": self.at("y"), "body": 1,
             "dependsOn": ["no"]},
            {"id": "last", "op": "create", "url": self.at("z"), "body": 1,
             "dependsOn": ["after"]}])
        self.assertEqual(a.statuses, [409, 424, 424])
        self.assertEqual(a.results[1]["causedBy"], "no")
        self.assertEqual(os.listdir(self.server.path(self.base[1:])), [])

    def test_minimal_leaves_what_failed(self):
        a = batch(self.server, [
            {"id": "a", "op": "upsert", "url": self.at("a"), "body": 1},
            {"id": "b", "op": "upsert", "url": self.at("no/b"), "body": 1}],
            prefer="return=minimal")
        self.assertEqual(a.header("Preference-Applied"), "return=minimal")
        self.assertEqual([r["id"] for r in a.results], ["b"])
        self.assertEqual(a.summary["total"], 2)

    def test_nothing_is_started_after_as_many_failures_as_may_be(self):
        ops = [{"op": "upsert", "url": self.at("no/%d" % i), "body": 1}
               for i in range(20)]
        a = batch(self.server, ops, head={"failOnErrors": 1})
        self.assertEqual(a.summary["total"], 20)
        self.assertGreater(a.summary["notAttempted"], 0)
        self.assertEqual(a.summary["failed"], 20)
        b = batch(self.server, ops, prefer="continue-on-error=false")
        self.assertEqual(b.header("Preference-Applied"),
                         "continue-on-error=false")
        self.assertGreater(b.summary["notAttempted"], 0)

    def test_a_dry_run_does_nothing_and_says_the_same(self):
        ops = [{"op": "mkcol", "url": self.at("d/")},
               {"op": "create", "url": self.at("d/a"), "body": 1},
               {"op": "create", "url": self.at("e/a"), "body": 1}]
        for how in ({"target": bulk.BULK + "?dryRun=true"},
                    {"head": {"dryRun": True}}):
            a = batch(self.server, ops, **how)
            self.assertEqual((a.status, a.statuses), (207, [201, 201, 409]))
            self.assertTrue(a.summary["dryRun"])
            self.assertEqual(os.listdir(self.server.path(self.base[1:])), [])
        self.assertEqual(batch(self.server, ops).statuses, [201, 201, 409])

    def test_xml_is_a_multistatus(self):
        ops = [{"op": "upsert", "url": self.at("a"), "body": 1},
               {"op": "upsert", "url": self.at("no/b"), "body": 1}]
        a = batch(self.server, ops, accept="application/xml")
        self.assertEqual(a.status, 207)
        root = ET.fromstring(a.body)
        self.assertEqual(root.tag, "{DAV:}multistatus")
        found = {r.findtext("{DAV:}href"): r.findtext("{DAV:}status")
                 for r in root.iter("{DAV:}response")}
        self.assertIn("201", found[self.at("a")])
        self.assertIn("409", found[self.at("no/b")])

    def test_ndjson_ends_in_a_summary(self):
        a = batch(self.server, [{"op": "mkcol", "url": self.at("d/")}],
                  accept="application/x-ndjson")
        self.assertEqual(a.header("Content-Type"), "application/x-ndjson")
        self.assertEqual([line["type"] for line in a.lines],
                         ["start", "result", "summary"])

    def test_failed_items_are_logged_with_their_batch(self):
        a = batch(self.server, [
            {"id": "odd one", "op": "create", "url": self.at("no/x"),
             "body": 1}])
        line = self.server.wait_log("odd")
        self.assertIn(a.doc["batchId"], line)
        self.assertIn("409", line)
        self.server.wait_log(a.doc["batchId"] + ".*409: 1")


class Atomic(sheaf_http.TestCase):

    def ops(self, d, last):
        return [{"id": "dir", "op": "mkcol", "url": d + "/"},
                {"id": "a", "op": "create", "url": d + "/a", "body": 1,
                 "dependsOn": ["dir"]},
                {"id": "b", "op": "create", "url": last, "body": 1}]

    def test_all_of_it_is_200(self):
        a = batch(self.server, self.ops("/x", "/x/b"),
                  head={"mode": "atomic"})
        self.assertEqual((a.status, a.statuses), (200, [201, 201, 201]))
        self.assertEqual(sorted(os.listdir(self.server.path("x"))),
                         ["a", "b"])

    def test_one_that_fails_leaves_nothing(self):
        a = batch(self.server, self.ops("/y", "/none/b"),
                  head={"mode": "atomic"})
        self.assertEqual((a.status, a.statuses), (422, [424, 424, 409]))
        self.assertFalse(os.path.exists(self.server.path("y")))

    def test_what_is_validated_first_does_not_begin(self):
        head = {"mode": "validate-first"}
        a = batch(self.server, self.ops("/v", "/none/b"), head=head)
        self.assertEqual(a.status, 422)
        self.assertFalse(os.path.exists(self.server.path("v")))
        a = batch(self.server, self.ops("/v", "/v/b"), head=head)
        self.assertEqual((a.status, a.statuses), (207, [201, 201, 201]))

    def test_a_group_stands_or_falls_together(self):
        ops = [{"op": "mkcol", "url": "/g/"}] + [
            {"op": "create", "url": u, "body": 1, "atomicityGroup": "g1"}
            for u in ("/g/a", "/none/b", "/g/c")] + [
            {"op": "create", "url": "/g/d", "body": 1}]
        a = batch(self.server, ops)
        self.assertEqual((a.status, a.statuses),
                         (207, [201, 424, 409, 424, 201]))
        self.assertEqual(os.listdir(self.server.path("g")), ["d"])


class Refusals(sheaf_http.TestCase):
    """Errors of the whole: each says what, and nothing has run."""

    def setUp(self):
        self.before = sorted(os.listdir(self.server.root))

    def tearDown(self):
        self.assertEqual(sorted(os.listdir(self.server.root)), self.before)

    def refused(self, a, status, *words):
        self.assertEqual(a.status, status, a.body[:300])
        self.assertEqual(a.header("Content-Type"),
                         "application/problem+json")
        self.assertEqual(a.doc["status"], status)
        for word in words:
            self.assertIn(word, a.detail)

    def test_what_the_endpoint_itself_refuses(self):
        one = {"operations": [{"op": "mkcol", "url": "/r/"}]}
        s = self.server
        self.refused(send(s, one, kind="text/plain"), 415,
                     "application/json", "application/x-ndjson",
                     "multipart/mixed")
        self.refused(send(s, one, kind="multipart/mixed"), 400, "boundary")
        self.refused(send(s, one, content_encoding="gzip"), 415)
        self.refused(send(s, one, accept="text/html"), 406,
                     "application/json")
        a = send(s, one, accept="application/xml", kind=bulk.NDJSON)
        self.assertEqual(a.status, 406)
        self.refused(send(s, one, bulk.BULK + "?dryrun=true"), 400,
                     "dryrun", "dryRun")
        self.refused(send(s, one, bulk.BULK + "?dryRun=1"), 400, "dryRun")
        self.refused(send(s, one, bulk.BULK + "?dryRun=true&dryRun=true"),
                     400, "twice")
        self.refused(send(s, one, idempotency_key="k" * 256), 400)
        self.refused(send(s, b""), 400)
        r = self.server.request("POST", bulk.BULK)
        self.assertEqual(r.status, 415)

    def test_two_operations_with_one_url_have_no_multistatus(self):
        a = send(self.server, {"operations": [
            {"op": "mkcol", "url": "/r/"}, {"op": "mkcol", "url": "/%72"}]},
            accept="application/xml")
        self.assertEqual(a.status, 406)
        self.assertIn(b"about /r", a.body)

    def test_a_batch_that_is_too_long_names_the_limit(self):
        a = send(self.server, b'{"operations":[' + b" " * (16 << 20) + b"]}")
        self.refused(a, 413, "jsonBytes", "16777216")
        with self.server.connect() as c:  # of no known length
            c.request("POST", bulk.BULK, {
                "Content-Type": bulk.JSON, "Transfer-Encoding": "chunked"})
            piece = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
            try:
                for _ in range(18):
                    c.send(piece)
                c.send(b"0\r\n\r\n")
            except OSError:
                pass
            self.refused(bulk.Answer(c.response()), 413, "jsonBytes")

    def test_what_is_no_batch_says_where(self):
        for body, words in (
                (b"{", ()), (b"[]", ()), (b"nothing", ()), (b"{}", ()),
                (b'{"operations":[]}', ()),
                (b'{"operations":{}}', ("/operations",)),
                (b'{"operations":[1]}', ("/operations/0",)),
                (b'{"operations":[],"mode":"odd"}', ("/mode",)),
                (b'{"operations":[{"op":"mkcol"}]}', ("/operations/0",)),
                (b'{"operations":[{"op":"x","url":"/a"}]}',
                 ("/operations/0/op",))):
            with self.subTest(body):
                self.refused(send(self.server, body), 400, *words)

    def test_a_thousand_of_which_one_is_wrong_run_not_at_all(self):
        def ops(**change):
            v = [{"id": "i%d" % i, "op": "upsert", "url": "/r%d" % i,
                  "body": i} for i in range(1000)]
            v[700].update(change)
            return {"operations": v}
        s = self.server
        text = json.dumps(ops()).replace('{"id": "i700"', '{"id": i700"')
        self.refused(send(s, text.encode()), 400, "/operations/700")
        self.refused(send(s, ops(id="i3")), 400, "700", "i3")
        self.refused(send(s, ops(dependsOn=["i701"])), 400, "700", "i701")
        self.refused(send(s, ops(dependsOn=["i700"])), 400, "700")
        self.refused(send(s, ops(dependsOn=["never"])), 400, "never")
        nested = ops()["operations"][:700] + [
            {"method": "POST", "url": "/.sheaf/bulk", "body": {}}]
        self.refused(send(s, {"operations": nested}), 400, "700")
        for url in ("/../etc/passwd", "http://elsewhere/x", "//host/x", "x"):
            self.refused(send(s, ops(url=url)), 400, "/operations/700/url")
        deep = json.dumps(ops(body="DEEP")).replace(
            '"DEEP"', "[" * 200 + "]" * 200)
        a = send(s, deep.encode())
        self.refused(a, 413, "jsonDepth", "64")
        self.refused(send(s, ops(headers={"Authorization": "x"})), 400, "700")
        self.refused(send(s, ops(odd=1)), 400, "/operations/700/odd")
        v = ops()["operations"] + [{"op": "mkcol", "url": "/more/"}]
        self.refused(send(s, {"operations": v}), 413, "operations", "1000")

    def test_a_key_is_for_one_batch(self):
        a = send(self.server, {"operations": [
            {"op": "read", "url": "/none"}]}, idempotency_key="one")
        self.assertEqual(a.status, 207)


class Users(sheaf_http.TestCase):

    args = ("--bulk-concurrency-user", "1")

    def test_a_batch_too_many_of_one_user_is_told_to_try_later(self):
        limits = get(self.server, "/.sheaf/capabilities").doc["limits"]
        self.assertEqual(limits["concurrencyUser"], 1)
        seen = []
        for turn in range(50):
            with self.server.connect() as c:
                ops = [{"op": "upsert", "url": "/%d-%d" % (turn, i),
                        "body": "x"} for i in range(200)]
                body = json.dumps({"operations": ops}).encode()
                c.request("POST", bulk.BULK, {"Content-Type": bulk.JSON},
                          body)
                # While it runs alone, it is the one that may.
                while not select.select([c.sock], [], [], 0)[0]:
                    a = batch(self.server, [{"op": "read", "url": "/none"}])
                    seen.append(a.status)
                    if a.status == 429:
                        self.assertEqual(a.header("Retry-After"), "1")
                        self.assertIn("concurrencyUser", a.detail)
                r = bulk.Answer(c.response())
                if r.status == 207:
                    self.assertEqual(r.summary["success"], 200)
            if 429 in seen:
                break
        self.assertIn(429, seen)
        self.assertLessEqual(set(seen), {207, 429})
        self.assertEqual(
            batch(self.server, [{"op": "read", "url": "/none"}]).status, 207)


class Always200(sheaf_http.TestCase):

    args = ("--bulk-status", "always-200", "--bulk-operations", "3",
            "--idempotency-ttl", "2m", "--bulk-time", "7s")

    def test_a_mixed_answer_is_200(self):
        a = batch(self.server, [{"op": "mkcol", "url": "/no/no/"}])
        self.assertEqual((a.status, a.statuses), (200, [409]))

    def test_settings_are_told(self):
        doc = get(self.server, "/.sheaf/capabilities").doc
        self.assertEqual(doc["bulkStatus"], "always-200")
        self.assertEqual(doc["limits"]["operations"], 3)
        self.assertEqual(doc["limits"]["timeBudget"], 7)
        self.assertEqual(doc["idempotency"]["ttl"], 120)

    def test_the_limit_that_is_set_counts(self):
        a = batch(self.server, [{"op": "read", "url": "/%d" % i}
                                for i in range(4)])
        self.assertEqual(a.status, 413)
        self.assertIn("3", a.detail)


if __name__ == "__main__":
    sheaf_http.main()

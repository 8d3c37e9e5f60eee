# SPDX-License-Identifier: MIT
"""docs/schema/ and the server agree: what the one lets pass the other takes,
and what the server answers is what the schema says."""

import json
import pathlib

try:
    from jsonschema import Draft202012Validator
except ImportError:
    raise SystemExit(77)

import sheaf_http

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "schema"
JSON = "application/json"
LINES = "application/x-ndjson"


def load(name):
    schema = json.loads((SCHEMAS / name).read_text(encoding="ascii"))
    Draft202012Validator.check_schema(schema)
    return schema


def validator(schema, below=None):
    if below:
        schema = {"$schema": schema["$schema"], "$ref": "#/$defs/" + below,
                  "$defs": schema["$defs"]}
    return Draft202012Validator(schema)


REQUEST = load("request.schema.json")
ANSWER = load("answer.schema.json")


def up(**members):
    return {"op": "upsert", "url": "/u", **members}


GOOD = [
    {"op": "create", "url": "/a", "body": {"x": [1, 2.5, None]}, "id": "first"},
    {"op": "create", "url": "/b", "body": "text", "ifNoneMatch": "*"},
    {"op": "read", "url": "/a", "ifNoneMatch": "\"x\""},
    {"op": "update", "url": "/a", "ifMatch": "*", "body": "YQ==", "encoding": "base64"},
    up(body="x", headers={"Content-Type": "text/plain"}),
    up(body="x", encoding="json", headers={"content-type": "application/json"}),
    up(body=None), up(body="", encoding="base64"),
    {"op": "patch", "url": "/p", "body": {"a": 1},
     "headers": {"content-type": "application/merge-patch+json"}},
    {"op": "delete", "url": "/none/", "depth": "infinity"},
    {"op": "copy", "url": "/a", "destination": "/c", "overwrite": False, "depth": 0},
    {"op": "move", "url": "/none", "headers": {"destination": "/d"}},
    {"op": "mkcol", "url": "/dir/", "idempotencyKey": "k/1"},
    {"op": "proppatch", "url": "/", "props": {"{urn:x}a": "1", "{urn:x}b": 2},
     "remove": ["{urn:x}c"]},
    {"op": "proppatch", "url": "/", "body":
     "<D:propertyupdate xmlns:D='DAV:'><D:remove><D:prop><D:x/></D:prop></D:remove></D:propertyupdate>"},
    {"op": "propfind", "url": "/", "props": ["{DAV:}getetag", "{urn:x}a", "{urn:x}none"], "depth": 1},
    {"op": "propfind", "url": "/", "props": "allprop", "depth": "0"},
    {"op": "propfind", "url": "/", "props": "propname", "depth": 0},
    {"op": "propfind", "url": "/", "depth": 0},
    {"method": "GET", "url": "/a", "headers": {"range": "bytes=0-1"}},
    {"method": "REPORT", "url": "/a", "body": "x", "depth": 1},
    {"op": "read", "url": "/a", "lockToken": "urn:uuid:1"},
]

BAD = [
    7, {}, up(), {"op": "read"}, {"url": "/a"},
    {"op": "read", "method": "GET", "url": "/a"},
    {"op": "fetch", "url": "/a"}, {"method": "", "url": "/a"}, {"method": "G T", "url": "/a"},
    {"op": "read", "url": ""}, {"op": "read", "url": 1},
    {"op": "read", "url": "a"}, {"op": "read", "url": "//host/a"}, {"op": "read", "url": "http://host/a"},
    {"op": "copy", "url": "/a", "destination": "http://host/b"},
    up(body=1, ifMatch="*", headers={"If-Match": "*"}),
    up(body=1, lockToken="urn:x", headers={"IF": "(<urn:x>)"}),
    {"op": "read", "url": "/a", "idempotencyKey": "k", "headers": {"idempotency-key": "k"}},
    {"op": "read", "url": "/a", "id": ""}, {"op": "read", "url": "/a", "id": 1},
    {"op": "read", "url": "/a", "id": "x" * 129}, {"op": "read", "url": "/a", "id": "x\n"},
    {"op": "read", "url": "/a", "idempotencyKey": "x" * 256},
    {"op": "read", "url": "/a", "dependsOn": "x"},
    {"op": "read", "url": "/a", "dependsOn": [1]},
    {"op": "read", "url": "/a", "dependsOn": ["x"] * 33},
    {"op": "read", "url": "/a", "ifmatch": "*"},
    {"op": "read", "url": "/a", "body": 1},
    {"op": "create", "url": "/a", "ifMatch": "*"},
    {"op": "delete", "url": "/a", "destination": "/b"},
    {"op": "delete", "url": "/a", "depth": 2}, {"op": "read", "url": "/a", "depth": 0},
    {"op": "move", "url": "/a"}, {"op": "copy", "url": "/a", "headers": {"x": "y"}},
    {"op": "copy", "url": "/a", "destination": "/b", "overwrite": "F"},
    {"op": "patch", "url": "/a"}, {"op": "proppatch", "url": "/a"},
    {"op": "proppatch", "url": "/a", "props": {}},
    {"op": "proppatch", "url": "/a", "props": {"a": "x"}},
    {"op": "proppatch", "url": "/a", "props": {"{u:}a": None}},
    {"op": "proppatch", "url": "/a", "props": {"{u:}a": 1.5}},
    {"op": "proppatch", "url": "/a", "remove": []},
    {"op": "proppatch", "url": "/a", "body": {}},
    {"op": "proppatch", "url": "/a", "body": "x", "remove": ["{u:}a"]},
    {"op": "propfind", "url": "/a", "props": "all"},
    {"op": "propfind", "url": "/a", "props": ["a"]},
    {"op": "propfind", "url": "/a", "remove": ["{u:}a"]},
    {"method": "GET", "url": "/a", "props": ["{u:}a"]},
    {"method": "GET", "url": "/a", "body": ""},
    {"method": "PATCH", "url": "/a"}, {"method": "COPY", "url": "/a"},
    {"op": "read", "url": "/a", "headers": []},
    {"op": "read", "url": "/a", "headers": {"a": 1}},
    {"op": "read", "url": "/a", "headers": {"a b": "1"}},
    {"op": "read", "url": "/a", "headers": {"a": "1\r\nb: 2"}},
    {"op": "read", "url": "/a", "headers": {"Authorization": "x"}},
    {"op": "read", "url": "/a", "headers": {"COOKIE": "x"}},
    {"op": "read", "url": "/a", "headers": {"proxy-x": "x"}},
    up(encoding="text"), up(body={}, encoding="base64"),
    up(body="YQ", encoding="base64"), up(body="YR==", encoding="base64"), up(body="x", encoding="gzip"),
]

BAD_WHOLE = [
    [], {}, {"operations": []}, {"operations": {}}, {"Operations": [up(body=1)]},
    {"operations": [up(body=1)], "mode": "best"}, {"operations": [up(body=1)], "dryRun": "yes"},
    {"operations": [up(body=1)], "failOnErrors": -1},
    {"operations": [up(body=1)], "failOnErrors": 1 << 63},
    {"operations": [up(body=1)], "defaults": {"header": {}}},
    {"operations": [up(body=1)], "defaults": {"headers": {"host": "x"}}},
]


class Schema(sheaf_http.TestCase):

    def ask(self, body, accept=JSON, kind=JSON, headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return self.server.request("POST", "/.sheaf/bulk", {
            "Content-Type": kind, "Accept": accept, **dict(headers)}, body)

    def valid(self, document, below=None):
        errors = [e.message for e in validator(ANSWER, below).iter_errors(document)]
        self.assertEqual(errors, [], json.dumps(document, indent=1))

    def test_what_the_schema_lets_pass_is_taken(self):
        schema, line = validator(REQUEST), validator(REQUEST, "line")
        for operation in GOOD:
            with self.subTest(operation):
                batch = {"operations": [operation], "dryRun": True}
                self.assertEqual([e.message for e in schema.iter_errors(batch)], [])
                self.assertTrue(line.is_valid(operation))
                r = self.ask(batch)
                self.assertEqual(r.status, 207, r.body)
                self.valid(json.loads(r.body))

    def test_what_the_schema_refuses_is_refused(self):
        schema = validator(REQUEST)
        for batch in [{"operations": [o], "dryRun": True} for o in BAD] + BAD_WHOLE:
            with self.subTest(batch):
                self.assertFalse(schema.is_valid(batch))
                self.assertEqual(self.ask(batch).status, 400)

    def test_what_is_said_of_all(self):
        head = {"mode": "validate-first", "dryRun": True, "failOnErrors": 3,
                "defaults": {"headers": {"content-type": "text/plain"}}}
        self.assertTrue(validator(REQUEST).is_valid({"operations": [up(body=1)], **head}))
        self.assertTrue(validator(REQUEST, "line").is_valid({"batch": head}))
        self.assertFalse(validator(REQUEST, "line").is_valid({"batch": head, "op": "read"}))

    def test_answers_are_what_the_schema_says(self):
        batch = {"operations": GOOD + [
            {"op": "create", "url": "/a", "body": 1},
            {"op": "read", "url": "/gone", "id": "gone"},
            {"op": "delete", "url": "/b", "dependsOn": ["gone"]}]}
        r = self.ask(batch, headers={"Prefer": "return=representation"})
        self.assertEqual(r.status, 207, r.body)
        whole = json.loads(r.body)
        self.valid(whole)
        self.assertEqual(whole["results"][-1]["causedBy"], "gone")
        self.valid(json.loads(self.ask(batch, headers={"Prefer": "return=minimal"}).body))
        lines = b"".join(json.dumps(o).encode() + b"\n" for o in batch["operations"])
        r = self.ask(b'{"batch":{}}\n' + lines + b"x\n", LINES, LINES)
        self.assertEqual(r.status, 207)
        said = [json.loads(l) for l in r.body.splitlines()]
        self.assertEqual(said[-1]["type"], "summary")
        self.assertEqual(said[-1]["total"], len(batch["operations"]) + 1)
        for l in said:
            self.valid(l, "line")

    def get(self, target, accept=JSON):
        return self.server.request("GET", target, {"Accept": accept}).body

    def test_a_job_says_what_the_schema_says(self):
        batch = {"operations": [up(body=1), {"op": "read", "url": "/gone"}]}
        r = self.ask(batch, headers={"Prefer": "respond-async"})
        self.assertEqual(r.status, 202)
        self.valid(json.loads(r.body), "job")
        at = r.header("Location")
        job = sheaf_http.eventually(
            lambda: (lambda j: "endedAt" in j and j)(json.loads(self.get(at))), "its end")
        self.valid(job, "job")
        self.valid(json.loads(self.get(at + "/results")))
        lines = [json.loads(l) for l in self.get(at + "/results", LINES).splitlines()]
        for l in lines:
            self.valid(l, "line")
        self.assertEqual((lines[-1]["total"], lines[-1]["state"]), (2, "partially_succeeded"))

    def test_single_methods_answer_what_the_schema_says(self):
        self.server.write("single", b"1")
        for method, body in (
                ("PROPFIND", b"<D:propfind xmlns:D='DAV:'><D:prop><D:getetag/><a xmlns='u:'/></D:prop></D:propfind>"),
                ("PROPPATCH", b"<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set></D:propertyupdate>")):
            r = self.server.request(method, "/single", {
                "Content-Type": "application/xml", "Accept": JSON, "Depth": "0"}, body)
            self.assertEqual(r.status, 207)
            self.valid(json.loads(r.body), "multistatus")


if __name__ == "__main__":
    sheaf_http.main()

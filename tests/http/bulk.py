# SPDX-License-Identifier: MIT
"""Batches over HTTP, for the tests of the bulk API."""

import json

import sheaf_http

BULK = "/.sheaf/bulk"
JSON = "application/json"
NDJSON = "application/x-ndjson"


class Answer:
    """A response, and what stands in it if that is JSON."""

    def __init__(self, response):
        self.response = response
        self.status = response.status
        self.header = response.header
        self.body = response.body
        kind = (response.header("Content-Type") or "").split(";")[0]
        self.doc = None
        if kind in (JSON, "application/problem+json",
                    "application/schema+json"):
            self.doc = json.loads(response.body)
        elif kind == NDJSON:
            self.lines = [json.loads(line)
                          for line in response.body.decode().splitlines()]
            self.doc = {"results": [
                line for line in self.lines if line["type"] == "result"]}
            if self.lines[-1]["type"] == "summary":
                self.doc["summary"] = self.lines[-1].get(
                    "summary", self.lines[-1])

    @property
    def results(self):
        return self.doc["results"]

    @property
    def summary(self):
        return self.doc["summary"]

    @property
    def statuses(self):
        return [r["status"] for r in self.results]

    @property
    def detail(self):
        return self.doc.get("detail", "")

    def failed(self):
        return [r for r in self.results if r["status"] >= 400]


def send(server, body, target=BULK, kind=JSON, **headers):
    """headers: idempotency_key="k" is Idempotency-Key: k."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    named = {"Content-Type": kind}
    named.update({k.replace("_", "-"): v for k, v in headers.items()})
    return Answer(server.request("POST", target, named, body))


def batch(server, operations, target=BULK, head=None, **headers):
    return send(server, dict(head or {}, operations=operations), target,
                **headers)


def stream(server, items, head=None, **headers):
    lines = ([json.dumps({"batch": head})] if head else []) + [
        i if isinstance(i, str) else json.dumps(i) for i in items]
    return send(server, ("\n".join(lines) + "\n").encode(), kind=NDJSON,
                **headers)


def get(server, target, **headers):
    return Answer(server.request("GET", target, headers))


def wait_for(server, location, states=("succeeded", "partially_succeeded",
                                       "failed", "cancelled")):
    """The state of an asynchronous batch, when it is one of these."""
    def look():
        a = get(server, location)
        assert a.status == 200, a.response
        s = a.doc["summary"]
        assert s["total"] == (s["success"] + s["failed"] +
                              s.get("pending", 0)), s
        return a.doc if a.doc["state"] in states else None
    return sheaf_http.eventually(look, "the end of " + location)

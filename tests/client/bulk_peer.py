# SPDX-License-Identifier: MIT
"""A bulk endpoint that does what docs/bulk-api.md says, in memory and no more
than the tests of `sheaf batch` need, and that can be told to fail.

    peer = bulk_peer.Peer()
    with scripted.Server(peer.answer) as server: ...

peer.faults is a list of functions of (peer, x, batch): the next is called with
each batch; True: it has answered itself.
"""

import json
import threading


def read_body(x):
    if "expect" in x.fields:
        x.send("HTTP/1.1 100 Continue\r\n\r\n")
    return x.read_body()


class Peer:
    def __init__(self, operations=1000, json_bytes=16 << 20, ours=True,
                 **limits):
        self.limits = {"operations": operations, "jsonBytes": json_bytes,
                       "operationBytes": 4 << 20,
                       "streamOperations": 1000000, **limits}
        self.ours = ours
        self.there = {}  # path: etag
        self.done = {}  # key: result
        self.effects = []  # (path, op) of each that was really carried out
        self.batches = []  # as they came
        self.keys = []  # their Idempotency-Key
        self.faults = []
        self.statuses = {}  # path: statuses to answer with, one by one
        self.lock = threading.Lock()
        self.etags = 0

    def answer(self, x):
        if x.method == "GET":
            return self.capabilities(x)
        read_body(x)
        with self.lock:
            batch = self.read(x)
            self.batches.append(batch)
            self.keys.append(x.fields.get("idempotency-key"))
            if self.faults:
                fault = self.faults.pop(0)
                if fault and fault(self, x, batch):
                    return None
            return self.run(x, batch)

    @staticmethod
    def read(x):
        if x.fields["content-type"] != "application/x-ndjson":
            return json.loads(x.body)
        rows = [json.loads(row) for row in x.body.splitlines()]
        head = rows.pop(0)["batch"] if "batch" in rows[0] else {}
        return {**head, "operations": rows}

    def capabilities(self, x):
        if not self.ours:
            return x.reply(404, b"no such thing", Content_Type="text/plain")
        return x.reply(200, json.dumps({
            "endpoints": {"bulk": "/.sheaf/bulk"}, "limits": self.limits}),
            Content_Type="application/json")

    def run(self, x, batch):
        results = self.results(batch)
        status, body = self.document(batch, results)
        return x.reply(status, body, Content_Type="application/json")

    def document(self, batch, results):
        failed = [r for r in results if r["status"] >= 400]
        body = {"summary": {"total": len(results), "failed": len(failed),
                            "success": len(results) - len(failed)},
                "results": results}
        whole = batch.get("mode") in ("atomic", "validate-first")
        return 422 if whole and failed else 200 if whole else 207, \
            json.dumps(body)

    def results(self, batch):
        results = []
        by_id = {}
        ops = batch["operations"]
        for index, op in enumerate(ops):
            r = self.one(index, op, by_id, batch.get("dryRun", False))
            by_id[r["id"]] = r
            results.append(r)
        if batch.get("mode") == "atomic" and \
                any(r["status"] >= 400 for r in results):
            for r, op in zip(results, ops):
                if r["status"] < 400:
                    self.there.pop(op["url"], None)
                    self.effects = [e for e in self.effects
                                    if e[0] != op["url"]]
                    self.done.pop(op.get("idempotencyKey"), None)
                    r.update(status=424, error="another failed")
        return results

    def one(self, index, op, by_id, dry):
        ident = op.get("id", str(index))
        key = op.get("idempotencyKey")
        if key in self.done:
            return {**self.done[key], "id": ident, "index": index,
                    "replayed": True}
        r = {"id": ident, "index": index, "href": op["url"]}
        for d in op.get("dependsOn", ()):
            if d not in by_id:
                r.update(status=400, error="no such id: " + d)
                return r
            if by_id[d]["status"] >= 400:
                r.update(status=424, causedBy=d, error="it waits for " + d)
                return r
        status = self.status(op)
        r["status"] = status
        if status >= 400:
            r["error"] = "it failed"
            if status == 503:
                r["retryable"] = True
                r["retryAfter"] = 0
            return r
        if not dry:
            self.etags += 1
            self.effects.append((op["url"], op.get("op")))
            self.there[op["url"]] = '"%d"' % self.etags
            r["headers"] = {"etag": self.there[op["url"]]}
            if key:
                self.done[key] = dict(r)
        return r

    def status(self, op):
        planned = self.statuses.get(op["url"])
        if planned:
            return planned.pop(0)
        if op.get("op") == "create" and op["url"] in self.there:
            return 409
        if op.get("ifMatch", "").startswith('"') and \
                self.there.get(op["url"]) != op["ifMatch"]:
            return 412
        return 201 if op.get("op") == "create" else 200


def refuse(status, body=b"", **fields):
    """Answers with a status, and does nothing."""
    def fault(_peer, x, _batch):
        x.reply(status, body, **fields)
        return True
    return fault


def lose(before=False):
    """Does it (or not), and cuts the connection instead of an answer."""
    def fault(peer, x, batch):
        if not before:
            peer.results(batch)
        x.cut()
        return True
    return fault


def cut(at=0.5):
    """Does it, and sends a part of the answer."""
    def fault(peer, x, batch):
        status, body = peer.document(batch, peer.results(batch))
        x.send("HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
               "Content-Length: %d\r\n\r\n" % (status, len(body)))
        x.send(body[:int(len(body) * at)])
        x.cut()
        return True
    return fault


def change(how):
    """Does it, and lets how(results) change what is answered."""
    def fault(peer, x, batch):
        results = how(peer.results(batch))
        x.reply(207, json.dumps({"results": results}),
                Content_Type="application/json")
        return True
    return fault

# SPDX-License-Identifier: MIT
"""Batches with keys, a kill at any moment, and the same batch again: each of
its operations is done exactly once.

    bulk_kill.py PROGRAM [--kills N] [--seed S]

Every operation is one that would show if it was done twice: a POST leaves two
members, a JSON patch two elements; a create, a move or a delete would fail.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time

import kill
import world
import sheaf_http
import bulk
from model import Wrong

WAYS = ((), (), ("--durability", "relaxed"), ("--workers", "2"))
JSON_PATCH = {"content-type": "application/json-patch+json"}


class Round:
    """One batch, and what must be there once it is done."""

    def __init__(self, n, rng):
        self.n = n
        self.rng = rng
        self.base = "/r%d" % n
        self.operations = []
        self.stream = rng.random() < 0.4
        self.posts = self.adds = self.copies = 0

    def add(self, **op):
        op["id"] = "i%d" % len(self.operations)
        if self.rng.random() < 0.2:
            op["idempotencyKey"] = "own-%d-%s" % (self.n, op["id"])
        self.operations.append(op)

    def fill(self):
        b, rng = self.base, self.rng
        self.add(op="mkcol", url=b + "/")
        self.add(op="mkcol", url=b + "/in/")
        self.add(op="create", url=b + "/list.json", body={"list": []})
        for i in range(rng.randint(5, 60)):
            kind = rng.choice(("create", "post", "patch", "move", "delete",
                               "copy"))
            at = "%s/%d" % (b, i)
            if kind == "create":
                self.add(op="create", url=at, body="x%d" % i)
            elif kind == "post":
                self.add(method="POST", url=b + "/in/", body="p%d" % i)
                self.posts += 1
            elif kind == "patch":
                self.add(op="patch", url=b + "/list.json", headers=JSON_PATCH,
                         body=[{"op": "add", "path": "/list/-", "value": i}])
                self.adds += 1
            elif kind == "move":
                self.add(op="create", url=at, body="m")
                self.add(op="move", url=at, destination=at + "-moved")
            elif kind == "delete":
                self.add(op="mkcol", url=at + "/")
                self.add(op="create", url=at + "/f", body="d")
                self.add(op="delete", url=at + "/")
            else:
                self.add(op="mkcol", url=at + "/")
                self.add(op="create", url=at + "/f", body="c")
                self.add(op="copy", url=at + "/", destination=at + "-to/",
                         overwrite=False)
                self.copies += 1
        return self

    def send(self, server):
        how = {"idempotency_key": "round-%d" % self.n}
        if self.stream:
            return bulk.stream(server, self.operations, **how)
        return bulk.batch(server, self.operations, **how)

    def check_answer(self, answer):
        if answer.status != 207:
            raise Wrong("the batch got %d: %r" % (answer.status, answer.body))
        if answer.failed():
            raise Wrong("failed: %r" % answer.failed()[:3])
        if len(answer.results) != len(self.operations):
            raise Wrong("%d results for %d operations" % (
                len(answer.results), len(self.operations)))

    def check_tree(self, root):
        top = root + self.base
        posted = []
        for name in os.listdir(top + "/in"):
            with open(top + "/in/" + name) as f:
                posted.append(f.read())
        if len(posted) != self.posts or len(set(posted)) != self.posts:
            raise Wrong("%d members of %d POSTs" % (len(posted), self.posts))
        with open(top + "/list.json") as f:
            added = json.load(f)["list"]
        if len(added) != self.adds or len(set(added)) != self.adds:
            raise Wrong("the list has %r, not %d" % (added, self.adds))
        for op in self.operations:
            if op.get("op") in ("move", "copy"):
                to = root + op["destination"].rstrip("/")
                if not os.path.exists(to):
                    raise Wrong(to + " is missing")
                if os.path.exists(root + op["url"].rstrip("/")) != (
                        op["op"] == "copy"):
                    raise Wrong("%r was done by halves" % op)
            if op.get("op") == "delete" and os.path.exists(
                    root + op["url"]):
                raise Wrong("%r was not done" % op)


class Rounds:

    def __init__(self, program, seed):
        self.program = program
        self.rng = random.Random(seed)
        self.root = tempfile.mkdtemp(prefix="sheaf-crash-",
                                     dir=kill.scratch())
        self.kills = self.replayed = self.n = 0
        self.took = 0.1

    def start(self):
        return sheaf_http.Server(*self.rng.choice(WAYS), root=self.root,
                                 program=self.program)

    def send_and_kill(self, batch):
        """Whether it was answered whole before the kill."""
        server = self.start()
        got = []

        def run():
            try:
                got.append(batch.send(server))
            except (OSError, sheaf_http.ProtocolError, ValueError,
                    IndexError):
                pass
        t = threading.Thread(target=run)
        t.start()
        time.sleep(self.rng.uniform(0, self.took * 1.3))
        if server.process.poll() is not None:
            raise Wrong("it died by itself:\n" + "\n".join(server.log))
        world.kill(server)
        t.join()
        if world.sanitizer_said(server):
            raise Wrong("\n".join(server.log))
        self.kills += 1

    def round(self):
        batch = Round(self.n, self.rng).fill()
        self.n += 1
        self.send_and_kill(batch)
        while self.rng.random() < 0.4:
            self.send_and_kill(batch)
        server = self.start()
        try:
            began = time.monotonic()
            answer = batch.send(server)
            self.took = self.took * 0.8 + (time.monotonic() - began) * 0.2
            batch.check_answer(answer)
            batch.check_tree(self.root)
            self.replayed += answer.summary["replayed"]
            # And once more, when there is nothing left to do.
            again = batch.send(server)
            batch.check_answer(again)
            if again.summary["replayed"] != len(batch.operations):
                raise Wrong("%d of %d were replayed" % (
                    again.summary["replayed"], len(batch.operations)))
            batch.check_tree(self.root)
        finally:
            world.kill(server)
        shutil.rmtree(self.root + batch.base)


def run(program, kills, seed, say=None):
    rounds = Rounds(program, seed)
    told = 0
    try:
        while rounds.kills < kills:
            rounds.round()
            if say and rounds.kills - told >= 50:
                told = rounds.kills
                say("%d kills, %d batches, %d operations replayed" % (
                    rounds.kills, rounds.n, rounds.replayed))
    except Wrong as wrong:
        raise Wrong("seed %s, batch %d in %s: %s" % (
            seed, rounds.n - 1, rounds.root, wrong)) from None
    shutil.rmtree(rounds.root, ignore_errors=True)
    return rounds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", default=None)
    a = parser.parse_args()
    seed = a.seed or str(random.randrange(1 << 30))
    try:
        rounds = run(os.path.abspath(a.program), a.kills, seed,
                     lambda text: print(text, flush=True))
    except Wrong as wrong:
        sys.exit("bulk_kill: %s" % wrong)
    print("%d kills, %d batches, %d operations replayed: each was done once" %
          (rounds.kills, rounds.n, rounds.replayed))


if __name__ == "__main__":
    main()

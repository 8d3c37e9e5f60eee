# SPDX-License-Identifier: MIT
"""Nobody who comes through the server sees half of a batch.

Two trees of some folders, each of them changed by one batch after the other:
all that is there is of the batch's number, in bytes, properties and names, and
two folders change places.  Meanwhile others read them, and see one number each
time, never an older one than before; then the server is killed, and what is
there when it starts again is of one number, too.

    readers.py PROGRAM [--kills N] [--seed S]
"""

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
import threading
import time

import world
import sheaf_http
from bulk import BULK, JSON
from kill import scratch
from load import Gone, Wire
from model import Wrong

LONGEST = 0.4  # seconds of a round
READERS = 4
ASK = ('<D:propfind xmlns:D="DAV:" xmlns:x="%s"><D:prop><D:getetag/>'
       "<D:resourcetype/><x:a/></D:prop></D:propfind>" % world.NS).encode()


class Numbered:
    """A tree below /NAME, and what is known of its number."""

    def __init__(self, name):
        self.base = "/" + name
        self.folders = ["", "/a", "/b", "/b/c", "/left", "/right"]
        self.files = [f + "/f%d" % i for f in ("/a", "/b", "/b/c")
                      for i in range(3)]
        self.asked = self.acked = 0

    def begin(self):
        """The operations that make it, with the number 0."""
        ops = [{"op": "mkcol", "url": self.base + f} for f in self.folders]
        ops += [{"op": "mkcol", "url": self.base + "/new0"},
                {"op": "mkcol", "url": self.base + "/left/even"},
                {"op": "mkcol", "url": self.base + "/right/odd"}]
        return ops + self.number(0, "create")

    def number(self, n, op="update"):
        text = {"content-type": "text/plain"}
        ops = [{"op": op, "url": self.base + f, "body": str(n),
                "headers": text} for f in self.files]
        return ops + [{"op": "proppatch", "url": self.base + f,
                       "props": {"{%s}a" % world.NS: str(n)}}
                      for f in self.files + self.folders]

    def next(self, rng):
        """The operations that take it to the next number, in some order."""
        n, at = self.acked + 1, self.base
        move = lambda a, b: {"op": "move", "url": at + a, "destination": at + b}
        parts = [self.number(n), [
            {"op": "copy", "url": "%s/new%d/" % (at, n - 1),
             "destination": "%s/new%d/" % (at, n)},
            {"op": "delete", "url": "%s/new%d/" % (at, n - 1)}],
            [move("/left/", "/x/"), move("/right/", "/left/"),
             move("/x/", "/right/")]]
        rng.shuffle(parts)
        return [op for part in parts for op in part]

    # ---- what is seen of it

    def number_of(self, members, what):
        """The one number of all that a PROPFIND tells."""
        seen = {}
        for path, (_, _, props, _) in members.items():
            rest = path[len(self.base):]
            new = re.fullmatch("/new(\\d+)", rest)
            if rest in self.files + self.folders:
                seen[rest] = int(props["a"])
            elif new:
                seen[rest] = int(new[1])
        parity = {"/left/even", "/right/odd"} if not any(
            n % 2 for n in seen.values()) else {"/left/odd", "/right/even"}
        rest = {p[len(self.base):] for p in members} - set(seen)
        if len(set(seen.values())) != 1 or rest != parity or \
                len(seen) != len(self.files + self.folders) + 1:
            raise Wrong("%s of %s: half of a batch: %r, %r" % (
                what, self.base, seen, rest))
        return set(seen.values()).pop()

    def on_disk(self, root):
        seen = set()
        for f in self.files:
            with open(root + self.base + f) as file:
                seen.add(int(file.read()))
        return seen


class Reader:
    """Looks at the trees until the server has gone."""

    def __init__(self, trees, rng, server):
        self.trees, self.rng, self.wire = trees, rng, Wire(server)
        self.least = {t: t.acked for t in trees}
        self.looks = 0
        self.wrong = None

    def run(self):
        try:
            while True:
                tree = self.rng.choice(self.trees)
                self.rng.choice((self.list, self.list, self.get))(tree)
                self.looks += 1
        except Gone:
            pass
        except Exception as e:  # a thread has nobody to raise it to
            self.wrong = e
        self.wire.close()

    def saw(self, tree, n, what):
        most = tree.asked
        if not self.least[tree] <= n <= most:
            raise Wrong("%s of %s: %d, but %d was seen or acknowledged, and %d "
                        "asked for" % (what, tree.base, n, self.least[tree],
                                       most))
        self.least[tree] = n

    def list(self, tree):
        self.least[tree] = max(self.least[tree], tree.acked)
        answer = self.wire.ask("PROPFIND", tree.base, {"Depth": "infinity"},
                               ASK)
        self.saw(tree, tree.number_of(world.members_of(answer), "PROPFIND"),
                 "PROPFIND")

    def get(self, tree):
        """Several files, one after the other."""
        for name in self.rng.sample(tree.files, 5):
            self.least[tree] = max(self.least[tree], tree.acked)
            answer = self.wire.ask("GET", tree.base + name)
            if answer.status != 200:
                raise Wrong("GET %s%s: %r" % (tree.base, name, answer))
            self.saw(tree, int(answer.body), "GET")


class Writer:
    """One batch after the other, until the server has gone."""

    def __init__(self, tree, rng, server):
        self.tree, self.rng, self.wire = tree, rng, Wire(server)
        self.wrong = None

    def run(self):
        try:
            while True:
                self.step()
        except Gone:
            pass
        except Exception as e:  # a thread has nobody to raise it to
            self.wrong = e
        self.wire.close()

    def step(self):
        operations = self.tree.next(self.rng)
        atomic = self.rng.random() < 0.5
        if not atomic:
            for op in operations:
                op["atomicityGroup"] = "g"
        self.tree.asked = self.tree.acked + 1
        headers = {"Content-Type": JSON}
        if self.rng.random() < 0.5:
            headers["Idempotency-Key"] = "%s-%d-%d" % (
                self.tree.base, self.tree.asked, self.rng.getrandbits(60))
        answer = self.wire.ask("POST", BULK, headers, json.dumps(
            {"mode": "atomic" if atomic else "independent",
             "operations": operations}).encode())
        doc = json.loads(answer.body)
        if answer.status != (200 if atomic else 207) or \
                doc["summary"]["failed"]:
            raise Wrong("batch: %r" % answer)
        self.tree.acked = self.tree.asked


class Rounds:

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.root = tempfile.mkdtemp(prefix="sheaf-crash-", dir=scratch())
        self.trees = [Numbered("t"), Numbered("u")]
        self.kills = self.looks = 0
        self.server = None

    def begin(self):
        self.start()
        for t in self.trees:
            answer = self.server.request(
                "POST", BULK, {"Content-Type": JSON}, json.dumps(
                    {"mode": "atomic", "operations": t.begin()}).encode())
            if answer.status != 200:
                raise Wrong("begin: %r" % answer)

    def start(self):
        self.server = sheaf_http.Server("--access-log", "", root=self.root)

    def round(self):
        writers = [Writer(t, random.Random(self.rng.random()), self.server)
                   for t in self.trees]
        readers = [Reader(self.trees, random.Random(self.rng.random()),
                          self.server) for _ in range(READERS)]
        threads = [threading.Thread(target=w.run) for w in writers + readers]
        for t in threads:
            t.start()
        time.sleep(self.rng.uniform(0.01, LONGEST))
        world.kill(self.server)
        for t in threads:
            t.join()
        for w in writers + readers:
            if w.wrong:
                raise w.wrong
        if world.sanitizer_said(self.server):
            raise Wrong("\n".join(self.server.log))
        self.looks += sum(r.looks for r in readers)
        self.kills += 1
        self.start()
        for t in self.trees:
            self.check(t)

    def check(self, tree):
        """It is of one number: the last that was acknowledged, or asked for."""
        n = tree.number_of(world.members_of(self.server.request(
            "PROPFIND", tree.base, {"Depth": "infinity"}, ASK)), "start")
        if n not in (tree.acked, tree.asked) or \
                tree.on_disk(self.root) != {n}:
            raise Wrong("%s is of %d, on the disk of %r; %d was acknowledged, "
                        "%d asked for" % (tree.base, n, tree.on_disk(self.root),
                                          tree.acked, tree.asked))
        tree.asked = tree.acked = n

    def told(self):
        return "%d kills, %d batches seen by %d looks" % (
            self.kills, sum(t.acked for t in self.trees), self.looks)


def run(seed, kills, say=None):
    rounds = Rounds(seed)
    try:
        rounds.begin()
        while rounds.kills < kills:
            rounds.round()
            if say and rounds.kills % 50 == 0:
                say(rounds.told())
    except Wrong as e:
        raise Wrong("seed %s, kill %d: %s" % (seed, rounds.kills, e)) from e
    finally:
        world.kill(rounds.server)
        shutil.rmtree(rounds.root, ignore_errors=True)
    return rounds


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("--kills", type=int, default=200)
    p.add_argument("--seed", default=str(time.time_ns()))
    args = p.parse_args()
    sheaf_http._program[0] = os.path.abspath(args.program)
    try:
        rounds = run(args.seed, args.kills,
                     lambda text: print(text, flush=True))
    except Wrong as e:
        sys.exit("readers: %s" % e)
    print("%s: all of a batch or none" % rounds.told())


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""The server stops dead at each of the calls that change something, in turn,
in the course of one request; and, in the long run, again as it starts up.

    stop.py PROGRAM FAULTS.so [--every N] [--first N] [--recovery] [CASE...]
"""

import argparse
import itertools
import os
import random
import shutil
import sys
import tempfile
import time

import world
import faults
import sheaf_http
from batches import BatchClient, Unit, send_again
from load import Gone
from kill import scratch
from model import Shared, Wrong

MOST = 3000  # calls of one request
LARGE = 100000


def setup(c):
    """A small tree that has all: files, collections, properties, locks."""
    for path in ("/tree", "/tree/sub", "/over", "/over/sub", "/away"):
        c.mkcol(c.base + path)
    for path, size in (("/file", 10), ("/tree/a", 10), ("/tree/sub/b", LARGE),
                       ("/over/a", 10), ("/over/sub/c", 10), ("/plain", 10)):
        c.put(c.base + path, size)
    for path in ("/file", "/tree", "/tree/a", "/over", "/over/a",
                 "/over/sub"):
        c.patch(c.base + path, {"a": "of " + path[1:]})


def hold(c, *roots):
    for root in roots:
        if c.can_lock:
            c.lock(c.base + root, root != "/file")


def locked(c):
    setup(c)
    hold(c, "/file", "/tree/sub", "/over/sub", "/away")


def unlock_first(c):
    for token in c.tree.locks:
        c.unlock(token)
        return


def at(method, *paths, more=()):
    """The request, on paths below the client's own."""
    return lambda c: getattr(c, method)(*(c.base + p for p in paths), *more)


def batch(*steps, groups=(), key=None):
    """Of (method, paths and what else it takes...); groups: what each may
    touch, and how many of the steps it is."""
    def fill(c, unit, some):
        for method, *args in some:
            getattr(unit, method)(*(
                c.base + a if str(a).startswith("/") else a for a in args))
        return unit

    def ask(c):
        units, at, left = [], 0, steps
        for tops, n in groups or ((None, len(steps)),):
            tree = units[-1].tree if units else c.tree
            units.append(fill(c, Unit(c, tree, at, tops, tops and tops[0]),
                              left[:n]))
            at, left = at + n, left[n:]
        c.send_batch(units, key)
    return ask


CASES = {
    "put new": (setup, at("put", "/new", more=(LARGE,))),
    "put new, chunked": (setup, lambda c: c.put(c.base + "/new", LARGE,
                                                chunked=True)),
    "put over": (setup, at("put", "/plain", more=(10,))),
    "put over, with properties": (locked, at("put", "/file", more=(LARGE,))),
    "mkcol": (setup, at("mkcol", "/new")),
    "mkcol in a locked collection": (locked, at("mkcol", "/away/new")),
    "delete a file": (locked, at("delete", "/file")),
    "delete a tree": (locked, at("delete", "/tree")),
    "copy a file": (setup, at("copy", "/file", "/new")),
    "copy a file over a file": (locked, at("copy", "/tree/a", "/file")),
    "copy a file over a tree": (locked, at("copy", "/file", "/over")),
    "copy a tree": (locked, at("copy", "/tree", "/new")),
    "copy a tree over a tree": (locked, at("copy", "/tree", "/over")),
    "copy a tree over a file": (locked, at("copy", "/tree", "/file")),
    "move a file": (locked, at("move", "/file", "/new")),
    "move a file over a file": (locked, at("move", "/tree/a", "/file")),
    "move a file over a tree": (locked, at("move", "/file", "/over")),
    "move a tree": (locked, at("move", "/tree", "/away/new")),
    "move a tree over a tree": (locked, at("move", "/tree", "/over")),
    "move a tree over a file": (locked, at("move", "/tree", "/file")),
    "proppatch": (setup, at("patch", "/file", more=({"a": "new", "b": "x"},))),
    "lock": (setup, lambda c: hold(c, "/tree")),
    "lock a new file": (setup, lambda c: hold(c, "/new")),
    "unlock": (locked, unlock_first),
    "batch of all kinds": (locked, batch(
        ("put", "/new", LARGE), ("put", "/file", 10), ("mkcol", "/fresh"),
        ("put", "/fresh/x", 10), ("move", "/tree/sub", "/fresh/sub"),
        ("patch", "/fresh/sub", {"a": "moved"}), ("delete", "/over"),
        ("copy", "/tree", "/over"), ("move", "/plain", "/tree/a"),
        ("patch", "/away", {"a": "x"}), key="all")),
    "batch that swaps": (locked, batch(
        ("move", "/file", "/x"), ("move", "/tree", "/file"),
        ("move", "/x", "/tree"), ("move", "/file/sub", "/away/sub"))),
    "batch of new things": (setup, batch(
        ("mkcol", "/new"), ("put", "/new/a", 10), ("put", "/new/b", LARGE),
        ("patch", "/new", {"a": "new"}), key="new")),
    "batch of properties": (setup, batch(
        ("patch", "/file", {"a": "new"}), ("patch", "/tree", {"a": None}),
        ("patch", "/over/a", {"b": "new"}), key="props")),
    "batch that fails": (locked, batch(
        ("put", "/new", 10), ("delete", "/tree"), ("put_in_vain", "/plain"),
        key="fails")),
    "batch of groups": (locked, batch(
        ("delete", "/over/sub"), ("put", "/over/a", 10),
        ("mkcol", "/tree/new"), ("move", "/tree/a", "/tree/new/a"),
        ("put", "/plain", 10),
        groups=((["over"], 2), (["tree"], 2), (["plain"], 1)), key="groups")),
}


class Stopped:
    """One run: prepare, stop at the nth call, start again, look."""

    elsewhere = False  # the state is kept beside the tree

    def __init__(self, case, order):
        self.case, self.order_file = case, order
        self.root = tempfile.mkdtemp(prefix="sheaf-crash-", dir=scratch())
        counter = itertools.count()
        self.client = BatchClient(0, random.Random(0), Shared([]),
                                  lambda: next(counter))
        os.mkdir(os.path.join(self.root, "c0"))
        self.state = self.root + "-state"
        self.args = ("--state", self.state) if self.elsewhere else ()
        if self.elsewhere:
            os.mkdir(self.state)
        self.journal = world.Journal(
            self.root, self.state if self.elsewhere else None)
        self.server = None

    def start(self, env=None):
        self.server = sheaf_http.Server(
            "--access-log", "", "--threads", "1", "--workers", "1", *self.args,
            root=self.root, env=env)

    def end(self):
        if self.server:
            world.kill(self.server)
        for place in (self.root, self.state):
            shutil.rmtree(place, ignore_errors=True)

    def stop_at(self, nth, action):
        """True: it was stopped; False: the request was over before that."""
        prepare, ask = CASES[self.case]
        c = self.client
        self.start(self.order_file.env(sheaf_http._program[0]))
        c.begin(self.server)
        prepare(c)
        self.before = world.look(self.server)
        self.seq = self.journal.last() if self.journal.exists() else None
        c.acked.clear()
        self.order_file.order("change", 0, nth, action=action)
        try:
            ask(c)
        except Gone:
            pass
        # What it still has to do when it has answered.
        end = time.monotonic() + 0.02
        while self.order_file.left() > 0 and time.monotonic() < end:
            time.sleep(0.002)
        stopped = self.order_file.end()
        if stopped:
            self.server.process.wait(sheaf_http.PATIENCE)
        c.wire.close()
        world.kill(self.server)
        return stopped

    def stop_start_at(self, nth):
        """Whether it was stopped as it started."""
        self.order_file.order("change", 0, nth, action=faults.STOP_BEFORE)
        try:
            self.start(self.order_file.env(sheaf_http._program[0]))
        except RuntimeError:
            self.server = None
        stopped = self.order_file.end()
        if self.server:
            world.kill(self.server)
        return stopped

    def check(self):
        self.start()
        found = world.look(self.server)
        self.client.check(found)
        if self.seq is not None:
            self.check_journal(found)
        send_again([self.client], self.server, found)

    def check_journal(self, found):
        rows = self.journal.since(self.seq)
        lack = world.unnamed(self.before, found, rows)
        if lack:
            raise Wrong("not in the journal: %r; rows %r" % (lack, rows))
        if self.journal.intents():
            raise Wrong("intents stay: %r" % self.journal.intents())


def run_one(case, nth, action, order, start_nth=0):
    """Whether there was such a call."""
    run = Stopped(case, order)
    try:
        stopped = run.stop_at(nth, action)
        if start_nth:
            run.stop_start_at(start_nth)
        run.check()
        return stopped
    except Exception as e:
        log = run.server.log[-10:] if run.server else []
        raise Wrong("%s, call %d, %s%s: %s%s\n%s" % (
            case, nth, "after" if action == faults.STOP_AFTER else "before",
            ", start %d" % start_nth if start_nth else "",
            "" if isinstance(e, Wrong) else type(e).__name__ + " ", e,
            "\n".join(log))) from e
    finally:
        run.end()


def run_case(case, order, first=1, every=1, recovery=False,
             actions=(faults.STOP_BEFORE, faults.STOP_AFTER)):
    """How many stops there were."""
    rng = random.Random(case)
    stops = 0
    for action in actions:
        for nth in range(first, MOST, every):
            start_nth = rng.randint(1, 40) if recovery else 0
            if not run_one(case, nth, action, order, start_nth):
                break
            stops += 1
    return stops


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("shim")
    p.add_argument("cases", nargs="*")
    p.add_argument("--first", type=int, default=1)
    p.add_argument("--every", type=int, default=1)
    p.add_argument("--recovery", action="store_true",
                   help="stop the next start as well")
    p.add_argument("--elsewhere", action="store_true",
                   help="keep the state beside the tree")
    args = p.parse_args()
    Stopped.elsewhere = args.elsewhere
    sheaf_http._program[0] = os.path.abspath(args.program)
    faults._shim[0] = os.path.abspath(args.shim)
    bad = 0
    with tempfile.TemporaryDirectory() as home:
        order = faults.Faults(home)
        for case in args.cases or CASES:
            try:
                print("%-32s %d stops" % (case, run_case(
                    case, order, args.first, args.every, args.recovery)),
                    flush=True)
            except Wrong as e:
                bad += 1
                print("%-32s %s" % (case, e), flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Rounds of load, kill -9, restart and check.

    kill.py PROGRAM [--kills N] [--seed S] [--clients N] [--stop term]

prints a line every 50 kills, and at a failure what is wrong, with the seed and
the directory as it was found.
"""

import argparse
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

import world
import sheaf_http
from batches import BatchClient, send_again
from load import SHARED_PATHS
from model import Shared, Wrong

CLIENTS = 4
LONGEST = 0.25  # seconds of load
STARTS = 0.25  # of the rounds, in which it is killed while it starts, too

# What the rounds take turns with.
WAYS = ((), (), ("--durability", "relaxed"), ("--workers", "2"))

# A system where a file cannot get its name later: no /proc.
NO_PROC = ("unshare", "-m", "sh", "-c",
           'mount -t tmpfs none /proc && exec "$@"', "sh")


class Rounds:
    """A directory, its clients, and one server after the other."""

    ways = WAYS

    def __init__(self, seed, clients=CLIENTS, gently=False, longest=LONGEST,
                 elsewhere=False, prefix=()):
        self.seed, self.gently, self.longest = seed, gently, longest
        self.rng = random.Random(seed)
        self.root, self.prefix = self.make_root(), prefix
        # Beside the tree, and what is unfinished is in a hidden collection.
        self.state = self.root + "-state" if elsewhere else None
        self.args = ("--state", self.state) if elsewhere else ()
        if elsewhere:
            os.mkdir(self.state)
        counter = itertools.count()
        self.clock = lambda: next(counter)
        self.shared = Shared(SHARED_PATHS)
        self.clients = [BatchClient(i, random.Random("%s %d" % (seed, i)),
                                    self.shared, self.clock)
                        for i in range(clients)]
        self.journal = world.Journal(self.root, self.state)
        self.done = self.kills = self.resent = 0
        self.server = None
        for name in ["shared"] + ["c%d" % i for i in range(clients)]:
            os.mkdir(os.path.join(self.root, name))

    def make_root(self):
        return tempfile.mkdtemp(prefix="sheaf-crash-", dir=scratch())

    def start(self):
        way = self.rng.choice(self.ways)
        self.server = sheaf_http.Server(
            "--connections-per-address", "0", *way, *self.args,
            root=self.root, prefix=self.prefix)

    def end(self, remove=True):
        if self.server:
            world.kill(self.server)
        if remove:
            for place in (self.root, self.root + "-state"):
                shutil.rmtree(place, ignore_errors=True)

    def stop(self):
        if self.server.process.poll() is not None:
            raise Wrong("it died by itself: %d" %
                        self.server.process.returncode)
        if self.gently:
            self.server.signal(signal.SIGTERM)
            if self.server.wait() != 0:
                raise Wrong("exit code %d" % self.server.process.returncode)
        world.kill(self.server)
        if world.sanitizer_said(self.server):
            raise Wrong("\n".join(self.server.log))
        self.kills += 1

    def load(self):
        """Some work that ends in a kill."""
        for c in self.clients:
            c.begin(self.server)
        threads = [threading.Thread(target=c.run) for c in self.clients]
        for t in threads:
            t.start()
        time.sleep(self.rng.uniform(0.002, self.longest))
        self.stop()
        for t in threads:
            t.join()
        for c in self.clients:
            self.done += c.done
            if c.wrong:
                raise c.wrong

    def kill_starts(self):
        while self.rng.random() < STARTS:
            world.spawn_and_kill(self.server.program, self.root, self.args,
                                 self.rng.uniform(0, 0.04))
            self.kills += 1

    def check_journal(self, before, found, seq):
        """Each change is named; no number is used twice."""
        rows = self.journal.since(0)
        if any(a[0] >= b[0] for a, b in zip(rows, rows[1:])):
            raise Wrong("the journal's numbers do not rise")
        if rows and rows[-1][0] < seq:
            raise Wrong("the journal has lost rows: %d after %d" % (
                rows[-1][0], seq))
        rows = [r for r in rows if r[0] > seq]
        lack = world.unnamed(before, found, rows)
        if lack:
            raise Wrong("not in the journal: %r" % lack)
        count = {}
        for _, kind, path, _ in rows:
            count[kind, path] = count.get((kind, path), 0) + 1
        for c in self.clients:
            for row, n in c.acked.items():
                if count.get(row, 0) < n:
                    raise Wrong("%d acknowledged, %d in the journal: %r" % (
                        n, count.get(row, 0), row))
        if self.journal.intents():
            raise Wrong("intents stay: %r" % self.journal.intents())

    def round(self, before):
        """What is found after it."""
        known = self.journal.exists()
        seq = self.journal.last() if known else 0
        self.shared.begin(before, self.clock())
        self.load()
        self.kill_starts()
        self.start()
        found = world.look(self.server)
        for c in self.clients:
            try:
                c.check(found)
            except Wrong as e:
                raise Wrong("%s\n%s" % (e, c.story())) from e
        self.shared.check(found)
        if known:
            self.check_journal(before, found, seq)
        return self.resend(found)

    def resend(self, found):
        """What is found when each batch with a key was sent again."""
        n, found = send_again(self.clients, self.server, found)
        self.resent += n
        return found

    def told(self):
        return "%d kills, %d changes, %d batches, %d sent again (%d were " \
            "done)" % (self.kills, self.done, sum(
                c.sent for c in self.clients), self.resent, sum(
                    c.done_before for c in self.clients))

    def run(self, kills, progress=None):
        self.start()
        found = world.look(self.server)
        while self.kills < kills:
            found = self.round(found)
            if progress:
                progress(self)


def scratch():
    """Memory where there is some: it is not the disk that is tested."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def run(seed, kills, progress=None, kind=Rounds, **how):
    """All the rounds; what is wrong is raised with how to see it again."""
    rounds = kind(seed, **how)
    good = False
    try:
        rounds.run(kills, progress)
        good = True
        return rounds
    except Exception as e:
        log = rounds.server.log[-20:] if rounds.server else []
        raise Wrong("seed %s, kill %d, in %s: %s%s\n%s" % (
            seed, rounds.kills, rounds.root,
            "" if isinstance(e, Wrong) else type(e).__name__ + " ", e,
            "\n".join(log))) from e
    finally:
        rounds.end(remove=good)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("--kills", type=int, default=1000)
    p.add_argument("--seed", default=str(time.time_ns()))
    p.add_argument("--clients", type=int, default=CLIENTS)
    p.add_argument("--gently", action="store_true",
                   help="SIGTERM, for sanitizers that look at the end")
    p.add_argument("--longest", type=float, default=LONGEST)
    p.add_argument("--elsewhere", action="store_true",
                   help="keep the state beside the tree")
    p.add_argument("--no-proc", action="store_true",
                   help="as where files have names from the first (for root)")
    args = p.parse_args()
    sheaf_http._program[0] = os.path.abspath(args.program)
    began = time.monotonic()
    said = [0]

    def progress(rounds):
        if rounds.kills // 50 > said[0]:
            said[0] = rounds.kills // 50
            print("%s, %.0f s" % (rounds.told(), time.monotonic() - began),
                  flush=True)

    try:
        rounds = run(args.seed, args.kills, progress, clients=args.clients,
                     gently=args.gently, longest=args.longest,
                     elsewhere=args.elsewhere,
                     prefix=NO_PROC if args.no_proc else ())
    except Wrong as e:
        print(e)
        sys.exit(1)
    print("%s: nothing lost" % rounds.told())


if __name__ == "__main__":
    main()

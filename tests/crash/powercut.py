# SPDX-License-Identifier: MIT
"""The power goes: what was not synced may be on the disk, or not, or in part.

A server works under recorder.so, which writes down each change of its file
system and each sync.  From that, directories are made as a disk may hold them
had the power gone at some moment; a server is started on each, and must have
all that had been acknowledged by then.

What a disk may hold.  What was synced, and of all else some: nothing, all, what
came before some moment, the same for each file and collection by itself, or
each change by the throw of a coin; and bytes and names by different rules.  A
rename is one change, although it is of two collections, and whatever is known
of a file is known in order; those are the only mercies.

    powercut.py PROGRAM RECORDER.so [--cuts N] [--seed S] [--clients N]
"""

import argparse
import collections
import copy
import os
import random
import shutil
import struct
import sys
import tempfile
import threading
import time

import world
import sheaf_http
from faults import preload
from kill import CLIENTS, scratch
from batches import BatchClient, send_again
from load import SHARED_PATHS
from model import Shared, Wrong

(ROOT, MAKE, MKDIR, REMOVE, RENAME, EXCHANGE, WRITE, SIZE, TIME, SYNC,
 SYNC_ALL) = range(1, 12)

# struct record of recorder.c
RECORD = struct.Struct("=II8QqqIIII")
SECTOR = 512
EARLIER = 0.3  # how often a cut is close behind an acknowledgement
ENOUGH = 60  # changes to record
PATIENCE = 4  # seconds for them, where the machine is busy

Change = collections.namedtuple(
    "Change", "end kind a b c d at modified name to data")


def read_log(name):
    """All the changes; end is the length of the log with it."""
    with open(name, "rb") as f:
        log = f.read()
    changes, at = [], 0
    while at + RECORD.size <= len(log):
        (size, kind, a, a2, b, b2, c, c2, d, d2, offset, modified, n_name,
         n_to, n_data, _) = RECORD.unpack_from(log, at)
        if at + size > len(log):
            break
        start = at + RECORD.size
        name = log[start:start + n_name].decode()
        to = log[start + n_name:start + n_name + n_to].decode()
        data = log[start + n_name + n_to:at + size]
        at += size
        changes.append(Change(at, kind, (a, a2), (b, b2), (c, c2), (d, d2),
                              offset, modified, name, to, data))
    return changes


def is_bytes(change):
    return change.kind in (WRITE, SIZE, TIME)


def touched(change):
    """Whose sync makes it durable."""
    if is_bytes(change):
        return (change.c,)
    return (change.a, change.b) if change.kind in (RENAME, EXCHANGE) else (
        change.a,)


class Policy:
    """Which of the unsynced changes get to the disk."""

    NAMES = ("none", "all", "before", "each before", "some")

    def __init__(self, rng, cut):
        self.rng, self.cut = rng, cut
        self.kind = rng.choice(self.NAMES)
        self.moment = rng.randint(0, cut)
        self.moments = {}
        self.odds = rng.random()

    def keeps(self, change):
        if self.kind in ("none", "all"):
            return self.kind == "all"
        if self.kind == "before":
            return change.end <= self.moment
        if self.kind == "some":
            return self.rng.random() < self.odds
        for who in touched(change):
            moment = self.moments.setdefault(who, self.rng.randint(
                self.cut // 2, self.cut))
            if change.end <= moment:
                return True
        return False


def kept(changes, cut, rng):
    """The changes that are on the disk, and by which rules."""
    covered, all_covered = {}, 0
    for c in changes:
        if c.end <= cut and c.kind == SYNC:
            covered[c.c] = max(covered.get(c.c, 0), c.at)
        elif c.end <= cut and c.kind == SYNC_ALL:
            all_covered = max(all_covered, c.at)
    names, data = Policy(rng, cut), Policy(rng, cut)
    keep = []
    for c in changes:
        if c.end > cut or c.kind in (ROOT, SYNC, SYNC_ALL):
            continue
        synced = c.end <= all_covered or any(
            c.end <= covered.get(who, 0) for who in touched(c))
        if synced or (data if is_bytes(c) else names).keeps(c):
            keep.append((c, synced))
    return with_causes(changes, keep, cut), "%s of names, %s of bytes" % (
        names.kind, data.kind)


def with_causes(changes, keep, cut):
    """What was renamed had its old name before."""
    last = {}
    for c, _ in keep:
        if not is_bytes(c):
            for who in (c.c, c.d):
                last[who] = max(last.get(who, 0), c.end)
    chosen = {c.end: synced for c, synced in keep}
    return [(c, chosen.get(c.end, True)) for c in changes
            if c.end <= cut and (c.end in chosen or (
                c.kind in (MAKE, MKDIR, RENAME, EXCHANGE) and
                (c.end <= last.get(c.c, 0) or
                 c.kind == EXCHANGE and c.end <= last.get(c.d, 0))))]


class Disk:
    """Names and bytes, as the changes that are kept make them."""

    def __init__(self, root):
        self.root = root
        self.names = {root: {}}  # of collections
        self.bytes = collections.defaultdict(bytearray)
        self.modified = {}

    def apply(self, change, synced, rng):
        kind = change.kind
        if kind == WRITE:
            self._write(change, change.data if synced else
                        torn(change.data, rng))
        elif kind == SIZE:
            data = self.bytes[change.c]
            del data[change.at:]
            data.extend(bytes(change.at - len(data)))
        elif kind in (MAKE, MKDIR):
            self.names.setdefault(change.a, {})[change.name] = change.c
            if kind == MKDIR:
                self.names.setdefault(change.c, {})
        elif kind == REMOVE:
            self._forget(change.a, change.name, change.c)
        elif kind == RENAME:
            self._forget(change.a, change.name, change.c)
            self.names.setdefault(change.b, {})[change.to] = change.c
        elif kind == EXCHANGE:
            self.names.setdefault(change.a, {})[change.name] = change.d
            self.names.setdefault(change.b, {})[change.to] = change.c
        if is_bytes(change):
            self.modified[change.c] = change.modified

    def _write(self, change, piece):
        data = self.bytes[change.c]
        if len(data) < change.at:
            data.extend(bytes(change.at - len(data)))
        data[change.at:change.at + len(piece)] = piece

    def _forget(self, where, name, what):
        there = self.names.setdefault(where, {})
        if there.get(name) == what:
            del there[name]

    def put(self, where):
        """Makes it a directory; {inode there: id here}."""
        ids = {os.stat(where).st_ino: self.root}
        todo = [(self.root, where)]
        while todo:
            who, path = todo.pop()
            for name, what in self.names[who].items():
                full = os.path.join(path, name)
                if name.endswith("-shm"):
                    continue  # memory, made anew
                if what in self.names:
                    os.mkdir(full)
                    todo.append((what, full))
                else:
                    self._put_file(what, full)
                ids[os.stat(full).st_ino] = what
        return ids

    def _put_file(self, what, full):
        if os.path.exists(full):
            raise RuntimeError("twice: " + full)
        with open(full, "wb") as f:
            f.write(self.bytes[what])
        if what in self.modified:
            os.utime(full, ns=(self.modified[what],) * 2)


def torn(data, rng):
    """An unsynced write may be there in part."""
    if rng.random() < 0.9:
        return data
    return data[:rng.randrange(len(data) // SECTOR + 1) * SECTOR]


def image(changes, cut, rng, where):
    """Makes a directory as of the cut; (rules, file of ids)."""
    root = next(c.c for c in changes if c.kind == ROOT)
    keep, rules = kept(changes, cut, rng)
    disk = Disk(root)
    for change, synced in keep:
        disk.apply(change, synced, rng)
    os.mkdir(where)
    rows = disk.put(where)
    with open(where + ".ids", "wb") as f:
        for here, (ino, born) in sorted(rows.items()):
            f.write(struct.pack("=4Q", here, ino, *divmod(born, 10 ** 9)))
    return rules


class Recording:
    """A load under the recorder, and then any number of cuts."""

    def __init__(self, seed, shim, clients=CLIENTS, args=()):
        self.rng, self.shim, self.args = random.Random(seed), shim, args
        self.home = tempfile.mkdtemp(prefix="sheaf-cut-", dir=scratch())
        self.root = os.path.join(self.home, "root")
        self.log = os.path.join(self.home, "log")
        os.mkdir(self.root)
        self.shared = Shared(SHARED_PATHS)
        self.clients = [BatchClient(i, random.Random("%s %d" % (seed, i)),
                                    self.shared, self.clock)
                        for i in range(clients)]
        for c in self.clients:
            c.cuts = True
        self.server = None
        self.resent = 0  # batches with keys

    def clock(self):
        return os.path.getsize(self.log)

    def end(self, remove=True):
        if self.server:
            world.kill(self.server)
        if remove:
            shutil.rmtree(self.home, ignore_errors=True)

    def env(self, **more):
        return {"LD_PRELOAD": preload(sheaf_http._program[0], self.shim),
                **more}

    def record(self, seconds):
        self.server = sheaf_http.Server(
            "--access-log", "", "--connections-per-address", "0", *self.args,
            root=self.root, env=self.env(SHEAF_RECORD=self.log,
                                         SHEAF_RECORD_ROOT=self.root))
        for name in ["/shared"] + [c.base for c in self.clients]:
            self.server.request("MKCOL", name)
        self.began = self.clock()
        self.shared.begin(world.Found(), self.began)
        for c in self.clients:
            c.begin(self.server)
        threads = [threading.Thread(target=c.run) for c in self.clients]
        for t in threads:
            t.start()
        end = time.monotonic() + PATIENCE
        time.sleep(seconds)
        while sum(c.done for c in self.clients) < ENOUGH and \
                time.monotonic() < end:
            time.sleep(0.01)
        world.kill(self.server)
        for t in threads:
            t.join()
        for c in self.clients:
            if c.wrong:
                raise c.wrong
        self.changes = read_log(self.log)
        self.done = sum(c.done for c in self.clients)

    def moment(self):
        """When the power goes; often right after an answer."""
        if self.rng.random() < EARLIER:
            ends = [h[1] for c in self.clients for h in c.history
                    if h[1] is not None]
            if ends:
                return self.rng.choice(ends)
        return self.rng.choice([c.end for c in self.changes
                                if c.end >= self.began])

    def cut(self, number):
        """One power cut; what is wrong is raised."""
        at = self.moment()
        where = os.path.join(self.home, "image%d" % number)
        rules = image(self.changes, at, self.rng, where)
        try:
            self.check(where, at)
        except Exception as e:
            raise Wrong("cut %d at %d, %s, in %s: %s%s\n%s" % (
                number, at, rules, where,
                "" if isinstance(e, Wrong) else type(e).__name__ + " ", e,
                "\n".join(self.server.log[-10:]))) from e
        world.kill(self.server)
        shutil.rmtree(where)
        os.unlink(where + ".ids")

    def check(self, where, at):
        self.server = sheaf_http.Server(
            "--access-log", "", root=where,
            env=self.env(SHEAF_IDS=where + ".ids"))
        found = world.look(self.server)
        acked = collections.Counter()
        clients = [copy.copy(c) for c in self.clients]
        for c in clients:
            c.at(at)
            c.check(found)
            acked.update(c.acked)
        self.shared.check(found, at)
        self.check_journal(where, found, acked)
        self.resent += send_again(clients, self.server, found)[0]

    def check_journal(self, where, found, acked):
        journal = world.Journal(where)
        if journal.sound() != ["ok"]:
            raise Wrong("the database: %r" % journal.sound())
        if not journal.exists():
            return
        rows = journal.since(0)
        lack = world.unnamed(world.Found(), found, rows)
        if lack:
            raise Wrong("not in the journal: %r" % lack)
        count = collections.Counter((kind, path) for _, kind, path, _ in rows)
        lack = acked - count
        if lack:
            raise Wrong("acknowledged, not in the journal: %r" % lack)
        if journal.intents():
            raise Wrong("intents stay: %r" % journal.intents())


def run(seed, shim, cuts, seconds=0.4, remove=False, **how):
    """One recording and its cuts; remove: also what went wrong."""
    r = Recording(seed, shim, **how)
    good = remove
    try:
        r.record(seconds)
        for number in range(cuts):
            r.cut(number)
        good = True
        return r
    except Wrong as e:
        raise Wrong("seed %s: %s" % (seed, e)) from e
    finally:
        r.end(remove=good)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("shim")
    p.add_argument("--cuts", type=int, default=1000)
    p.add_argument("--seed", default=str(time.time_ns()))
    p.add_argument("--clients", type=int, default=CLIENTS)
    args = p.parse_args()
    sheaf_http._program[0] = os.path.abspath(args.program)
    each, done, resent = 50, 0, 0
    for part in range(0, args.cuts, each):
        try:
            r = run("%s.%d" % (args.seed, part),
                    os.path.abspath(args.shim), each, clients=args.clients)
        except Wrong as e:
            print(e)
            sys.exit(1)
        done += r.done
        resent += r.resent
        print("%d cuts, %d changes, %d batches sent again" % (
            part + each, done, resent), flush=True)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""Clients that also change their tree by batches: atomic ones, and independent
ones with groups, with and without keys.
"""

import base64
import copy
import json

import world
from bulk import BULK, JSON
from load import NAMES, SHARED_NAMES, SHARED_PATHS, SIZES, Client
from model import Doubt, Tree, Wrong, check_one, content, within

OPS = {"PUT": "upsert", "MKCOL": "mkcol", "DELETE": "delete", "COPY": "copy",
       "MOVE": "move"}
MEMBERS = {"If-Match": "ifMatch", "Destination": "destination"}


def told(operations):
    return "; ".join(" ".join(str(op[k]) for k in (
        "id", "op", "url", "destination", "ifMatch", "props", "remove")
        if k in op) for op in operations)


class Unit(Client):
    """Operations that are done together or not at all, or one by itself:
    whatever it is told to ask for it writes down, and takes for done.

    before and tree are what there is without it and with it.  One that has tops
    touches nothing but what is below these members of the base.
    """

    def __init__(self, client, tree, first=0, tops=None, group=None):
        super().__init__(client.number, client.rng, client.shared,
                         client.clock)
        self.before = self.tree = tree
        self.client, self.tops, self.group = client, tops, group
        self.alone = tops and not group
        self.first, self.operations, self.wants = first, [], []
        self.fails = None  # the index of an operation that is to

    # ---- what is written down

    def next_ident(self):
        return self.client.next_ident()

    def add(self, want, after, **op):
        """after.nodes may have the number of an operation for an ETag: that
        which this one leaves."""
        at = self.first + len(self.operations)
        op["id"] = "i%d" % at
        if isinstance(op.get("ifMatch"), int):
            op["ifMatch"] = "$i%d" % op["ifMatch"]
        if self.group:
            op["atomicityGroup"] = self.group
        self.operations.append(op)
        self.wants.append(want)
        if want[0] >= 400 and self.fails is None:
            self.fails = at
        self.tree = after
        return at

    def change(self, doubt, want, ask, headers=(), body=None, rows=(),
               chunked=False):
        op = {"op": OPS[ask[0]], "url": ask[1]}
        op.update((MEMBERS[name], value)
                  for name, value in dict(headers).items())
        if body is not None:
            op.update(body=base64.b64encode(body).decode(), encoding="base64")
        at = self.add(want, doubt.after, **op)
        if doubt.put:
            doubt.after.nodes[doubt.put].etag = at

    def patch(self, path, props):
        named = {"{%s}%s" % (world.NS, n): v for n, v in props.items()}
        parts = {"props": {n: v for n, v in named.items() if v},
                 "remove": [n for n, v in named.items() if not v]}
        self.add((200, 204), self.tree.after_patch(path, props), op="proppatch",
                 url=path, **{k: v for k, v in parts.items() if v})

    def settle_locks(self):
        pass

    # ---- at random

    def is_mine(self, path):
        return not self.tops or \
            path[len(self.base) + 1:].split("/")[0] in self.tops

    def pick(self, want=lambda p, n: True):
        return super().pick(lambda p, n: self.is_mine(p) and want(p, n))

    def pick_new(self):
        if self.tops and self.rng.random() < 0.5 or not self.pick(
                lambda p, n: n.data is None):
            return self.base + "/" + self.rng.choice(self.tops or NAMES)
        return super().pick_new()

    def do_patch(self):
        if self.pick():
            super().do_patch()

    def fill(self, most):
        kinds = ["put"] * 6 + ["mkcol"] * 4 + ["delete"] * 2 + ["copy"] * 2 + [
            "move"] * 4 + ["patch"] * 3
        for _ in range(most):
            if self.alone and self.operations:
                break
            getattr(self, "do_" + self.rng.choice(kinds))()
        return self

    # ---- what became of it

    @property
    def after(self):
        return self.before if self.fails is not None else self.tree

    def part(self, tree):
        """Its part of a tree, or of what was found."""
        mine = lambda some: {p: v for p, v in some.items() if self.is_mine(p)}
        if isinstance(tree, Tree):
            return Tree(mine(tree.nodes), tree.locks)
        some = world.Found()
        some.nodes, some.shown = mine(tree.nodes), mine(tree.shown)
        return some

    def check(self, found):
        """Whether it was done; None: nobody can tell."""
        before, after = self.part(self.before), self.part(_sure(self.after))
        found = self.part(found)
        Doubt("%s of %s" % (self.group or "the batch", told(self.operations)),
              before, after, not self.alone, self.client.cuts).check(found)
        was = [_is(found, tree) for tree in (before, after)]
        return None if was[0] == was[1] or self.copies_tree() else was[1]

    def copies_tree(self):
        """All of it may be there before the record says so; then it is copied
        again."""
        op = self.operations[0]
        return self.alone and op["op"] == "copy" and \
            self.before.nodes[op["url"]].data is None


def _is(found, tree):
    try:
        check_one(found, tree)
        return True
    except Wrong:
        return False


def _sure(tree):
    """Without the ETags that only an answer tells."""
    new = tree.copy()
    for node in new.nodes.values():
        if isinstance(node.etag, int):
            node.etag = None
    return new


class Batch:
    """A request of several units, in the place of a Doubt."""

    put = lock = None

    def __init__(self, client, units, key=None):
        self.units, self.key = units, key
        self.atomic = units[0].tops is None
        self.operations = [op for u in units for op in u.operations]
        self.before, self.after = client.tree, units[-1].after
        self.made = {n.etag: p for p, n in self.after.nodes.items()
                     if isinstance(n.etag, int)}
        self.rows = [(world.WRITE, p) for p in self.made.values()]
        self.headers = {"Content-Type": JSON}
        if key:
            self.headers["Idempotency-Key"] = key
        self.body = json.dumps({
            "mode": "atomic" if self.atomic else "independent",
            "defaults": {"headers": client.tokens()},
            "operations": self.operations}).encode()
        fails = units[-1].fails is not None
        self.want = 207 if not self.atomic else 422 if fails else 200
        self.after = _sure(self.after)

    def __str__(self):
        return "batch %s of %s" % (self.key, told(self.operations))

    def check(self, found):
        """Raises what cannot be; whether each unit was done."""
        if not self.atomic:
            rest = Unit(self.units[0].client, self.before)
            rest.is_mine = lambda p: not any(u.is_mine(p) for u in self.units)
            check_one(rest.part(found), rest.part(self.before))
        return [u.check(found) for u in self.units]

    def check_answer(self, answer, done=None):
        """Of each operation; done: the units that were, before it was sent."""
        doc = json.loads(answer.body)
        results = doc.get("results", [])
        if [r.get("index") for r in results] != list(
                range(len(self.operations))):
            raise Wrong("%s: %r" % (self, answer))
        for u, was in zip(self.units, done or [False] * len(self.units)):
            for want, result in zip(u.wants, results[u.first:]):
                good = (want if u.fails is None else
                        want if result["index"] == u.fails else (424,))
                if result["status"] not in good:
                    raise Wrong("%s: %r is not %r" % (self, result, good))
                if was is not None and u.fails is None and \
                        result.get("replayed", False) != was:
                    raise Wrong("%s: %r; it was %sdone before" % (
                        self, result, "" if was else "not "))
        for at, path in self.made.items():
            etag = results[at].get("headers", {}).get("etag")
            if not etag:
                raise Wrong("%s: %r has no etag" % (self, results[at]))
            self.after.nodes[path].etag = etag


class BatchClient(Client):
    """One that sends batches, too, and sends again what has a key."""

    batches = 0.15  # of what it does

    def __init__(self, *args):
        super().__init__(*args)
        self.done_before = self.sent = 0

    def step(self):
        if self.rng.random() >= self.batches:
            super().step()
        elif self.rng.random() < 0.15:
            self.share()
        else:
            self.do_batch()

    def do_batch(self):
        rng = self.rng
        key = rng.choice((None, "own", "own"))
        if rng.random() < 0.6:
            units = [Unit(self, self.tree).fill(rng.randint(1, 9))]
        else:
            names = rng.sample(NAMES, len(NAMES))
            units, tree, first = [], self.tree, 0
            for i in range(rng.randint(1, 3)):
                u = Unit(self, tree, first, names[2 * i:2 * i + 2],
                         rng.choice((None, "g%d" % i)))
                u.fill(rng.randint(1, 5))
                if u.operations:
                    units.append(u)
                    tree, first = u.tree, first + len(u.operations)
                if u.fails is not None:
                    break  # the next would not know what it begins with
        if units and units[0].operations:
            self.send_batch(units, key and "key-" + self.next_ident())

    def send_batch(self, units, key=None):
        batch = Batch(self, units, key)
        self.change(batch, (batch.want,), ("POST", BULK), batch.headers,
                    batch.body, batch.rows)
        self.settle_locks()

    def take(self, doubt, answer):
        if isinstance(doubt, Batch):
            self.sent += 1
            doubt.check_answer(answer)
            self.tree = doubt.after
        else:
            super().take(doubt, answer)

    def resend(self, server):
        """Sends again what had a key and no answer: it is done once, whatever
        became of it before.  Whether there was anything."""
        batch = self.doubt
        if not isinstance(batch, Batch) or not batch.key:
            return False
        batch = copy.copy(batch)
        batch.after = batch.after.copy()
        self.begin(server)
        answer = self.wire.ask("POST", BULK, batch.headers, batch.body)
        if answer.status != batch.want:
            raise Wrong("%s, sent again: %r" % (batch, answer))
        batch.check_answer(answer, self.became)
        self.done_before += sum(d is True for d in self.became)
        self.tree = batch.after
        self.settle_locks()
        self.wire.close()
        return True

    # ---- on what all change

    def share(self):
        """The same bytes in several places at once."""
        name = self.next_ident()
        paths = [self.rng.choice([p for p in SHARED_PATHS if within(
            p, "/shared/" + top)]) for top in self.rng.sample(SHARED_NAMES, 2)]
        unit = Unit(self, self.tree)
        data = content(name, self.rng.choice(SIZES))
        for path in paths:
            unit.add((201, 204), self.tree, op="upsert", url=path,
                     body=base64.b64encode(data).decode(), encoding="base64")
        body = json.dumps({"mode": "atomic",
                           "operations": unit.operations}).encode()
        self.send_shared("POST", BULK, {"Content-Type": JSON}, body,
                         {p: name for p in paths}, (200,), (422, 503))


def send_again(clients, server, found):
    """Each batch that has a key and got no answer; how many there were, and
    what is found then."""
    again = [c for c in clients if c.resend(server)]
    if not again:
        return 0, found
    found = world.look(server)
    for c in clients:
        try:
            c.check(found)
        except Wrong as e:
            raise Wrong("sent again: %s" % e) from e
    return len(again), found

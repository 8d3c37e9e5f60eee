# SPDX-License-Identifier: MIT
"""Clients that change a tree at random and remember what they were told."""

import collections
import socket

import sheaf_http
import world
from model import ANY, Doubt, Node, Tree, Wrong, below, content, \
    known_locks, parent, within, check_one

NAMES = "abcdef"
SHARED_NAMES = "abc"
SIZES = (0, 10, 200, 5000, 70000, 100000)
MAX_NODES = 50
DEEP = 4
MAX_LOCKS = 6

XML = {"Content-Type": "application/xml"}
PATCH = ('<D:propertyupdate xmlns:D="DAV:" xmlns:x="%s">%%s'
         "</D:propertyupdate>" % world.NS)
LOCK = (b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        b"<D:locktype><D:write/></D:locktype><D:owner>me</D:owner>"
        b"</D:lockinfo>")

SHARED_PATHS = ["/shared/" + a for a in SHARED_NAMES] + [
    "/shared/%s/%s" % (a, b) for a in SHARED_NAMES for b in SHARED_NAMES]


class Gone(Exception):
    """The server went away before it had answered."""


def patch_body(props):
    parts = []
    for name, value in props.items():
        if value is None:
            parts.append("<D:remove><D:prop><x:%s/></D:prop></D:remove>" % name)
        else:
            parts.append("<D:set><D:prop><x:%s>%s</x:%s></D:prop></D:set>" % (
                name, value, name))
    return (PATCH % "".join(parts)).encode()


class Wire:
    """A connection that is made again when the server has closed it."""

    def __init__(self, server):
        self.server, self.c = server, None

    def close(self):
        if self.c:
            self.c.close()
        self.c = None

    def ask(self, method, target, headers=(), body=None, chunked=False):
        try:
            if not self.c:
                self.c = self.server.connect()
            if chunked:
                self._chunked(method, target, headers, body)
            else:
                self.c.request(method, target, headers, body)
            answer = self.c.response(method)
        except (OSError, sheaf_http.ProtocolError, socket.timeout) as e:
            self.close()
            raise Gone(repr(e)) from None
        if "close" in answer.tokens("Connection"):
            self.close()
        return answer

    def _chunked(self, method, target, headers, body):
        self.c.request(method, target,
                       {**headers, "Transfer-Encoding": "chunked"})
        for at in range(0, len(body), 30000):
            piece = body[at:at + 30000]
            self.c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.c.send(b"0\r\n\r\n")


class Client:
    """One that has the part below /cN for itself, and changes /shared too.

    clock() gives moments in order; what was acknowledged before one of them
    and begun after another is known by them.
    """

    def __init__(self, number, rng, shared, clock):
        self.number, self.rng = number, rng
        self.base = "/c%d" % number
        self.tree = Tree({self.base: Node()})
        self.shared, self.clock = shared, clock
        self.serial = 0
        self.can_lock = True
        self.cuts = False  # the power goes, not only the server
        self.begin(None)

    def begin(self, server):
        """A new round, on a server that has just started."""
        self.wire = Wire(server)
        self.doubt = None
        self.history = []  # [start, end or None, Doubt, rows of the journal]
        self.acked = collections.Counter()  # (kind, path) of the journal
        self.done = 0
        self.failing = False  # the disk is no more, the server is yet
        self.wrong = None

    def run(self):
        """Until the server has gone.  What cannot be is left in `wrong`."""
        try:
            while True:
                self.step()
        except Gone:
            pass
        except Exception as e:  # a thread has nobody to raise it to
            self.wrong = e
        self.wire.close()

    def step(self):
        if self.rng.random() < 0.2:
            self.step_shared()
            return
        kinds = ["put"] * 7 + ["mkcol"] * 3 + ["delete"] * 3 + ["copy"] * 3 + [
            "move"] * 3 + ["patch"] * 3 + ["lock"] * 2 + ["unlock"]
        if len(self.tree.nodes) > MAX_NODES:
            kinds = ["delete"]
        getattr(self, "do_" + self.rng.choice(kinds))()

    # ---- one operation

    def tokens(self):
        """All it holds, in a condition that is always true."""
        if not self.tree.locks:
            return {}
        return {"If": "%s (Not <DAV:no-lock>)" % " ".join(
            "(<%s>)" % t for t in self.tree.locks)}

    def change(self, doubt, want, ask, headers=(), body=None, rows=(),
               **how):
        """Sends it; takes over what it leads to if it was done."""
        method, target = ask
        self.doubt = doubt
        entry = [self.clock(), None, doubt, rows]
        self.history.append(entry)
        held = {} if method == "POST" else self.tokens()
        answer = self.wire.ask(method, target, {**held, **dict(headers)},
                               body, **how)
        if answer.status == 503:
            self.history.pop()
            self.doubt = None
            return None
        # A power cut ends the server, too: what it says when its disk is no
        # more, nobody would hear, and it may have been told of a sync by a
        # system that had just given up.
        if self.failing:
            raise Gone("said by a server without a disk")
        if answer.status not in want:
            raise Wrong("%s: %r; locks %r" % (doubt, answer,
                                              self.tree.locks))
        self.take(doubt, answer)
        entry[1] = self.clock()
        self.acked.update(rows)
        self.doubt = None
        self.done += 1
        return answer

    def take(self, doubt, answer):
        if doubt.lock:
            doubt.after = doubt.before.after_lock(
                world.tokens_of(answer), *doubt.lock)
        etag = answer.header("ETag")
        if doubt.put and etag:
            doubt.after.nodes[doubt.put].etag = etag
        self.tree = doubt.after

    def pick(self, want=lambda p, n: True):
        some = sorted(p for p, n in self.tree.nodes.items() if want(p, n))
        return self.rng.choice(some) if some else None

    def pick_new(self):
        """Some name in some collection; it may be taken."""
        at = self.pick(lambda p, n: n.data is None and p.count("/") < DEEP)
        return at + "/" + self.rng.choice(NAMES)

    def next_ident(self):
        self.serial += 1
        return "%d.%d" % (self.number, self.serial)

    def doubtful(self, what, after, whole=True, put=None, lock=None,
                 late=False):
        d = Doubt("client %d: %s" % (self.number, what), self.tree, after,
                  whole, late)
        d.put, d.lock = put, lock
        return d

    # ---- what it can do

    def put(self, path, size, match=None, chunked=False):
        old, name = self.tree.nodes.get(path), self.next_ident()
        d = self.doubtful("PUT %s = %s" % (path, name),
                          self.tree.after_put(path, name), put=path)
        self.change(d, (204,) if old else (201,), ("PUT", path),
                    {"If-Match": match} if match else {}, content(name, size),
                    [(world.WRITE, path)], chunked=chunked)

    def put_in_vain(self, path):
        d = self.doubtful("PUT %s for another" % path, self.tree)
        self.change(d, (412,), ("PUT", path), {"If-Match": '"no"'}, b"never")

    def mkcol(self, path):
        d = self.doubtful("MKCOL " + path, self.tree.after_mkcol(path))
        self.change(d, (201,), ("MKCOL", path), rows=[(world.MKCOL, path)])

    def delete(self, path):
        d = self.doubtful("DELETE " + path, self.tree.after_delete(path),
                          whole=self.tree.nodes[path].data is not None)
        self.change(d, (204,), ("DELETE", path))

    def copy(self, source, target):
        d = self.doubtful("COPY %s %s" % (source, target),
                          self.tree.after_copy(source, target),
                          whole=self.tree.nodes[source].data is not None and
                          target not in self.tree.nodes, late=self.cuts)
        self.change(d, (204,) if target in self.tree.nodes else (201,),
                    ("COPY", source), {"Destination": target})
        self.settle_locks()

    def move(self, source, target):
        d = self.doubtful("MOVE %s %s" % (source, target),
                          self.tree.after_move(source, target))
        self.change(d, (204,) if target in self.tree.nodes else (201,),
                    ("MOVE", source), {"Destination": target},
                    rows=[(world.MOVE, source)])
        self.settle_locks()

    def patch(self, path, props):
        d = self.doubtful("PROPPATCH %s %r" % (path, props),
                          self.tree.after_patch(path, props))
        answer = self.change(d, (207,), ("PROPPATCH", path), XML,
                             patch_body(props), [(world.PROPS, path)])
        if answer and b" 200 OK" not in answer.body:
            raise Wrong("%s: %r" % (d, answer))

    def lock(self, path, deep):
        new = path not in self.tree.nodes
        d = self.doubtful("LOCK %s %s" % (path, "deep" if deep else ""),
                          self.tree, lock=(path, deep))
        try:
            self.change(d, (201,) if new else (200,), ("LOCK", path),
                        {**XML, "Depth": "infinity" if deep else "0"}, LOCK,
                        [(world.WRITE, path)] if new else ())
        except Wrong as e:
            if "<405 " not in str(e) and "<501 " not in str(e):
                raise
            self.history.pop()
            self.doubt = None
            self.can_lock = False  # a server without them

    def unlock(self, token):
        root = self.tree.locks[token].root
        d = self.doubtful("UNLOCK %s" % root, self.tree.after_unlock(token))
        self.change(d, (204,), ("UNLOCK", root),
                    {"Lock-Token": "<%s>" % token})

    # ---- what it does at random

    def do_put(self):
        path = self.pick_new()
        old = self.tree.nodes.get(path)
        if old and old.data is None:
            return
        if old and self.rng.random() < 0.1:
            self.put_in_vain(path)
            return
        self.put(path, self.rng.choice(SIZES),
                 old.etag if old and self.rng.random() < 0.4 else None,
                 self.rng.random() < 0.25)

    def do_mkcol(self):
        path = self.pick_new()
        if path not in self.tree.nodes:
            self.mkcol(path)

    def do_delete(self):
        path = self.pick(lambda p, n: p != self.base)
        if path:
            self.delete(path)

    def ends(self):
        """A source and a target that do not overlap, or nothing."""
        source = self.pick(lambda p, n: p != self.base)
        target = self.pick_new()
        if not source or within(source, target) or within(target, source):
            return ()
        return source, target

    def do_copy(self):
        ends = self.ends()
        if ends:
            self.copy(*ends)

    def do_move(self):
        ends = self.ends()
        if ends:
            self.move(*ends)

    def do_patch(self):
        value = self.next_ident()
        self.patch(self.pick(), self.rng.choice((
            {"a": value}, {"a": value, "b": value}, {"a": None, "b": value},
            {"b": None})))

    def may_lock(self, path, deep):
        return not any(
            l.maybe or l.covers(path) or deep and below(l.root, path)
            for l in self.tree.locks.values())

    def do_lock(self):
        path = self.pick_new() if self.rng.random() < 0.3 else self.pick()
        deep = self.rng.random() < 0.5
        if self.can_lock and len(self.tree.locks) < MAX_LOCKS and \
                self.may_lock(path, deep):
            self.lock(path, deep)

    def do_unlock(self):
        sure = sorted(t for t, l in self.tree.locks.items() if not l.maybe)
        if sure:
            self.unlock(self.rng.choice(sure))

    def settle_locks(self):
        """Asks for those of which nobody knows whether they are there."""
        if not any(l.maybe for l in self.tree.locks.values()):
            return
        found = world.Found()
        answer = self.wire.ask("PROPFIND", self.base, {"Depth": "infinity"},
                               world.ASK)
        if self.failing:
            raise Gone("said by a server without a disk")
        members = world.members_of(answer)
        for path, (_, _, _, tokens) in members.items():
            found.shown[path] = tokens
        self.tree = Tree(self.tree.nodes, known_locks(found, [self.tree]))

    # ---- the part of all

    def step_shared(self):
        path = self.rng.choice(SHARED_PATHS)
        part = self.shared.part(path)
        what = self.rng.choice(("PUT",) * 4 + ("MKCOL",) * 2 +
                               ("DELETE", "DELETE", "COPY", "MOVE"))
        headers, body, values = {}, None, {p: "gone" for p in part}
        if what == "PUT":
            name = self.next_ident()
            values = {path: name}
            body = content(name, self.rng.choice(SIZES))
        elif what == "MKCOL":
            values = {path: None}
        elif what == "COPY":
            source = self.pick(lambda p, n: n.data is not None)
            if not source:
                return
            values[path] = self.tree.nodes[source].data
            self.send_shared(what, source, {"Destination": path}, None, values)
            return
        elif what == "MOVE":
            to = self.rng.choice(SHARED_PATHS)
            if within(to, path) or within(path, to):
                return
            values.update({p: ANY for p in self.shared.part(to)})
            headers = {"Destination": to}
        self.send_shared(what, path, headers, body, values)

    def send_shared(self, what, path, headers, body, values, good=(201, 204),
                    bad=(404, 405, 409, 412, 423, 503)):
        start = self.clock()
        try:
            answer = self.wire.ask(what, path, headers, body)
        except Gone:
            # What went before may be the last as well.
            self.shared.add(start, None, values)
            raise
        end = self.clock()
        if self.failing or answer.status == 207:
            self.shared.add(start, None, values, sure=False)
        elif answer.status in good:
            self.shared.add(start, end, values)
            self.done += 1
        elif answer.status not in bad:
            raise Wrong("%s %s %s: %r" % (what, path, headers, answer))

    # ---- afterwards

    def story(self):
        """What it asked for last; + is acknowledged."""
        return "\n".join("%s %s" % ("+" if h[1] is not None else "?", h[2])
                         for h in self.history[-12:])

    def check(self, found):
        """Whether that is what it was told; goes on from it."""
        part = found.part(self.base)
        if self.doubt:
            if self.doubt.lock:
                self.find_lock(part)
            self.became = self.doubt.check(part)
            trees = [self.doubt.before, self.doubt.after]
        else:
            check_one(part, self.tree)
            trees = [self.tree]
        self.tree = Tree(part.nodes, known_locks(part, trees))

    def at(self, cut):
        """Makes it what it knew at a moment of this round."""
        done = [h for h in self.history if h[1] is not None and h[1] <= cut]
        later = self.history[len(done):]
        self.tree = (done[-1][2].after if done else
                     self.history[0][2].before if later else self.tree)
        self.doubt = later[0][2] if later and later[0][0] <= cut else None
        self.acked = collections.Counter(row for h in done for row in h[3])

    def find_lock(self, part):
        """A lock that was asked for may be there, with a token unknown."""
        root, deep = self.doubt.lock
        new = part.shown.get(root, set()) - set(self.doubt.before.locks)
        if len(new) > 1:
            raise Wrong("%s: locks %r" % (self.doubt, new))
        if new:
            self.doubt.after = self.doubt.before.after_lock(
                new.pop(), root, deep)

# SPDX-License-Identifier: MIT
"""What a tree may be after a crash, from what was asked for and acknowledged.

Two models.  `Tree` is for a part that one client has for itself: its operations
come one after the other, so all is known but what became of the one in flight
(`Doubt`).  `Shared` is for a part that many change at once: for each path, the
writes that may have been the last.

Contents describe themselves, so that a file with the bytes of two, or with a
part of one, is found out wherever it stands.
"""

import hashlib
import re

MAGIC = b"sheaf-crash "


class Wrong(Exception):
    """What was found cannot be."""


def content(ident, size):
    """Bytes that say who they are; at least as many as that takes."""
    head = MAGIC + b"%s %d\n" % (ident.encode(), size)
    return head + hashlib.shake_128(head).digest(max(size - len(head), 0))


UNFINISHED = "unfinished"  # the ident of a content that lacks some bytes
SECTOR = 512


def ident(data, where):
    """Which content it is; "" for none."""
    if not data:
        return ""
    match = re.match(rb"sheaf-crash (\S+) (\d+)\n", data)
    want = content(match[1].decode(), int(match[2])) if match else bytes(
        len(data))
    if match and want == data:
        return match[1].decode()
    if all(data[at:at + SECTOR] in (want[at:at + SECTOR], bytes(
            min(SECTOR, len(data) - at))) for at in range(
                0, len(data), SECTOR)) and len(data) % SECTOR in (
                    0, len(want) % SECTOR):
        return UNFINISHED
    raise Wrong("%s is torn: %d bytes, %r..." % (where, len(data), data[:40]))


class Node:
    """A file (data: its ident) or a collection (data: None)."""

    __slots__ = ("data", "etag", "props")

    def __init__(self, data=None, etag=None, props=()):
        self.data, self.etag, self.props = data, etag, dict(props)

    def __repr__(self):
        return "<%s %s %s>" % ("collection" if self.data is None else
                               "file %r" % self.data, self.etag, self.props)

    def fits(self, want):
        """Whether this, which was found, is what was wanted."""
        return (want is not None and self.data == want.data and
                self.props == want.props and
                (want.etag is None or self.data is None or
                 self.etag == want.etag))


class Lock:
    """An exclusive one; maybe: nobody knows whether it is still there."""

    __slots__ = ("token", "root", "deep", "maybe")

    def __init__(self, token, root, deep, maybe=False):
        self.token, self.root = token, root
        self.deep, self.maybe = deep, maybe

    def __repr__(self):
        return "<lock %s %s%s%s>" % (
            self.token[-6:], self.root, " deep" if self.deep else "",
            " maybe" if self.maybe else "")

    def covers(self, path):
        return path == self.root or self.deep and below(path, self.root)


def below(path, root):
    return path.startswith(root + "/")


def within(path, root):
    return path == root or below(path, root)


def parent(path):
    return path.rsplit("/", 1)[0]


class Tree:
    """Nodes by path, and locks by token.  Never changed once it is shared."""

    def __init__(self, nodes=None, locks=None):
        self.nodes, self.locks = nodes or {}, locks or {}

    def copy(self):
        return Tree({p: Node(n.data, n.etag, n.props)
                     for p, n in self.nodes.items()},
                    {t: Lock(l.token, l.root, l.deep, l.maybe)
                     for t, l in self.locks.items()})

    def part(self, root):
        return {p: n for p, n in self.nodes.items() if within(p, root)}

    def covering(self, path):
        return [l for l in self.locks.values() if l.covers(path)]

    # Each of these gives the tree as it is afterwards.

    def after_put(self, path, data, etag=None):
        new = self.copy()
        old = self.nodes.get(path)
        new.nodes[path] = Node(data, etag, old.props if old else ())
        return new

    def after_mkcol(self, path):
        new = self.copy()
        new.nodes[path] = Node()
        return new

    def after_delete(self, root):
        new = self.copy()
        for path in self.part(root):
            del new.nodes[path]
        new.locks = {t: l for t, l in new.locks.items()
                     if not within(l.root, root)}
        return new

    def _give_way(self, root):
        """What an operation puts in its place takes its nodes away; what it
        does to the locks there depends on how it goes about it."""
        for path in self.part(root):
            del self.nodes[path]
        for lock in self.locks.values():
            lock.maybe = lock.maybe or within(lock.root, root)

    def after_copy(self, source, target):
        new = self.copy()
        new._give_way(target)
        for path, node in self.part(source).items():
            new.nodes[target + path[len(source):]] = Node(
                node.data, None, node.props)
        return new

    def after_move(self, source, target):
        new = self.copy()
        new._give_way(target)
        for path, node in self.part(source).items():
            del new.nodes[path]
            new.nodes[target + path[len(source):]] = Node(
                node.data, node.etag, node.props)
        new.locks = {t: l for t, l in new.locks.items()
                     if not within(l.root, source)}
        return new

    def after_patch(self, path, props):
        new = self.copy()
        for name, value in props.items():
            new.nodes[path].props.pop(name, None)
            if value is not None:
                new.nodes[path].props[name] = value
        return new

    def after_lock(self, token, root, deep):
        new = self.copy()
        if root not in new.nodes:
            new.nodes[root] = Node("")
        new.locks[token] = Lock(token, root, deep)
        return new

    def after_unlock(self, token):
        new = self.copy()
        del new.locks[token]
        return new


# ---- one client's part

def is_unfinished(node, before, after):
    """What a power cut may leave of a new file of many that nobody was told of:
    durability.md."""
    return node.data in ("", UNFINISHED) and before is None and \
        after is not None and after.data is not None


def check_nodes(found, trees, late=False):
    """Each path is as it is in one of the trees; late: or has not got its bytes
    yet."""
    for path in set(found.nodes).union(*(t.nodes for t in trees)):
        wants = [t.nodes.get(path) for t in trees]
        node = found.nodes.get(path)
        if node is None and None not in wants:
            raise Wrong("%s is gone; it was %r" % (path, wants))
        if node is not None and not any(node.fits(w) for w in wants) and \
                not (late and is_unfinished(node, *wants)):
            raise Wrong("%s is %r; it may be one of %r" % (path, node, wants))


def check_locks(found, trees):
    """Locks are there when all the trees have them, and that for sure."""
    known = {}
    for tree in trees:
        known.update(tree.locks)
    for path in found.nodes:
        there = found.shown.get(path, set())
        may = {l.token for l in known.values() if l.covers(path)}
        if there - may:
            raise Wrong("%s is locked by %r; known are %r" % (
                path, there - may, list(known.values())))
        for tree in trees:
            if not all(token in t.locks and not t.locks[token].maybe
                       for t in trees for token in tree.locks):
                continue
            lack = {l.token for l in tree.covering(path)} - there
            if lack:
                raise Wrong("%s is not locked by %r" % (path, lack))


def check_one(found, tree):
    """All is as it is in this tree."""
    check_nodes(found, [tree])
    must = {t for t, l in tree.locks.items() if not l.maybe}
    for path in found.nodes:
        there = found.shown.get(path, set())
        covering = {l.token for l in tree.covering(path)}
        if there - covering or covering & must - there:
            raise Wrong("%s: locks %r are shown; %r should be" % (
                path, there, tree.covering(path)))


class Doubt:
    """An operation of which the answer never came."""

    def __init__(self, what, before, after, whole=True, late=False):
        self.what, self.before, self.after = what, before, after
        self.whole = whole  # it may not be seen half done
        self.late = late  # the bytes of what is new may come after the name

    def __str__(self):
        return self.what

    def check(self, found):
        if not self.whole:
            check_nodes(found, [self.before, self.after], self.late)
            check_locks(found, [self.before, self.after])
            return
        try:
            check_one(found, self.before)
        except Wrong as as_before:
            try:
                check_one(found, self.after)
            except Wrong as as_after:
                raise Wrong("%s is half done\n  not begun: %s\n  done: %s" % (
                    self.what, as_before, as_after)) from None


def known_locks(found, trees):
    """The locks that were found, with what is known of them."""
    known = {}
    for tree in trees:
        known.update(tree.locks)
    shown = set().union(*found.shown.values()) if found.shown else set()
    return {t: Lock(t, l.root, l.deep) for t, l in known.items() if t in shown}


# ---- the part that all change

ANY = object()  # some content, nobody knows which


class Write:
    """Something that came to be at a path between two moments."""

    __slots__ = ("start", "end", "value", "sure")

    def __init__(self, start, end, value, sure=True):
        self.start, self.end, self.value = start, end, value
        self.sure = sure  # it was done, if it was acknowledged


class Shared:
    """For each path, what was written: an ident, None (a collection), "gone"
    or ANY.  What may be there at the end is each write that no other one, begun
    after its end, has surely replaced."""

    def __init__(self, paths):
        self.paths = paths
        self.writes = {p: [] for p in paths}

    def begin(self, found, at):
        """What there is when a round begins."""
        for path in self.paths:
            node = found.nodes.get(path)
            self.writes[path] = [
                Write(at, at, node.data if node else "gone")]

    def add(self, start, end, values, sure=True):
        """values: by path; end: None while it is in flight."""
        for path, value in values.items():
            self.writes[path].append(Write(start, end, value, sure))

    def part(self, root):
        return [p for p in self.paths if within(p, root)]

    def check(self, found, cut=float("inf")):
        """What is there at the moment of the cut."""
        for path in self.paths:
            writes = [w for w in self.writes[path] if w.start <= cut]
            sure = [w for w in writes
                    if w.sure and w.end is not None and w.end <= cut]
            may = [w.value for w in writes
                   if w.end is None or w.end > cut or
                   not any(s.start > w.end for s in sure)]
            node = found.nodes.get(path)
            value = node.data if node else "gone"
            if value == UNFINISHED or (
                    value not in may and ANY not in may):
                raise Wrong("%s is %r; it may be one of %r" % (
                    path, value, may))

# SPDX-License-Identifier: MIT
"""The paths that have a budget: what is asked for, and how often."""

import json
import os

PROPFIND = (b'<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>'
            b"<D:resourcetype/><D:getcontentlength/><D:getlastmodified/><D:getetag/>"
            b"</D:prop></D:propfind>")
PROPPATCH = (b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:colour xmlns:x="urn:budget">'
             b"%s</x:colour></D:prop></D:set></D:propertyupdate>")
LOCKINFO = (b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
            b"<D:locktype><D:write/></D:locktype></D:lockinfo>")
KIB = b"x" * 1024
XML = ("Content-Type", "application/xml")


class Load:
    """One connection to a server; an answer that is not the expected is an error."""

    def __init__(self, server):
        self.server = server
        self.connection = server.connect(120)

    def ask(self, want, method, target, *headers, body=None):
        self.connection.request(method, target, headers, body)
        r = self.connection.response(method)
        if r.status != want:
            raise RuntimeError("%s %s: %r" % (method, target, r))
        return r

    def file(self, name, data=KIB):
        path = self.server.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)


# What is there before: make(load, name, n).

def a_file(load, name, _n):
    load.file(name)


def folder(load, name, n):
    """A collection, and in it n files."""
    os.mkdir(load.server.path(name))
    for i in range(n):
        load.file("%s/f%05d" % (name, i), b"x" * 10)


def files_over(load, name, n):
    os.mkdir(load.server.path(name))
    for i in range(n):
        load.file("%s/f%05d" % (name, i))


def tree(load, name, n):
    """n members below it, ten a folder with the folder."""
    for i in range(n // 10):
        os.makedirs(load.server.path("%s/d%04d" % (name, i)))
        for j in range(9):
            load.file("%s/d%04d/f%d" % (name, i, j), b"x" * 10)


def empty(load, name, _n):
    os.mkdir(load.server.path(name))


# What is asked: do(load, name, n) costs n times what the path's budget is for.

def times(want, method, *headers, body=None):
    """n requests for one and the same."""
    def do(load, name, n):
        for _ in range(n):
            load.ask(want, method, "/" + name, *headers, body=body)
    return do


def unchanged(load, name, n):
    tag = load.ask(200, "HEAD", "/" + name).header("ETag")
    times(304, "GET", ("If-None-Match", tag))(load, name, n)


def each(want, method, *headers, body=None):
    """A request for each of n names in a folder."""
    def do(load, name, n):
        for i in range(n):
            load.ask(want, method, "/%s/f%05d" % (name, i), *headers, body=body)
    return do


def to_other(want, method):
    def do(load, name, n):
        for i in range(n):
            load.ask(want, method, "/%s/f%05d" % (name, i),
                     ("Destination", "/%s/g%05d" % (name, i)))
    return do


def whole(want, method, *headers, body=None):
    """One request for all of it."""
    def do(load, name, n):
        load.ask(want, method, "/%s/" % name, *headers, body=body)
    return do


def whole_to_other(want, method):
    def do(load, name, n):
        load.ask(want, method, "/%s/" % name, ("Destination", "/%s-to/" % name))
    return do


def proppatch(load, name, n):
    for i in range(n):
        load.ask(207, "PROPPATCH", "/" + name, XML, body=PROPPATCH % (b"%05d" % i))


def lock_unlock(load, name, n):
    for _ in range(n):
        r = load.ask(200, "LOCK", "/" + name, XML, ("Timeout", "Second-600"), body=LOCKINFO)
        load.ask(204, "UNLOCK", "/" + name, ("Lock-Token", r.header("Lock-Token")))


def bulk(load, name, n):
    ops = [{"id": "i%05d" % i, "op": "create", "url": "/%s/f%05d" % (name, i),
            "headers": {"content-type": "text/plain"}, "body": KIB.decode()}
           for i in range(n)]
    load.ask(207, "POST", "/.sheaf/bulk", ("Content-Type", "application/json"),
             ("Prefer", "return=minimal"), body=json.dumps({"operations": ops}).encode())


def listing(depth, *headers):
    return whole(207, "PROPFIND", ("Depth", depth), XML, *headers, body=PROPFIND)


def seen(make, depth):
    """What make() makes, listed twice already."""
    def do(load, name, n):
        make(load, name, n)
        for _ in range(2):
            listing(depth)(load, name, n)
    return do


REQUESTS = (40, 140)
MEMBERS = (100, 600)

# name, durability, (fewer, more), what is there before, what is asked
PATHS = (
    ("GET of 1 KiB", "relaxed", REQUESTS, a_file, times(200, "GET")),
    ("HEAD", "relaxed", REQUESTS, a_file, times(200, "HEAD")),
    ("GET, unchanged (304)", "relaxed", REQUESTS, a_file, unchanged),
    ("PROPFIND Depth 0", "relaxed", REQUESTS, a_file,
     times(207, "PROPFIND", ("Depth", "0"), XML, body=PROPFIND)),
    ("PROPFIND Depth 1, a member, first", "relaxed", MEMBERS, folder, listing("1")),
    ("PROPFIND Depth 1, a member, again", "relaxed", MEMBERS, seen(folder, "1"), listing("1")),
    ("PROPFIND Depth 1, a member, zstd", "relaxed", MEMBERS, seen(folder, "1"),
     listing("1", ("Accept-Encoding", "zstd"))),
    ("PROPFIND infinity, a member, first", "relaxed", MEMBERS, tree, listing("infinity")),
    ("PROPFIND infinity, a member, again", "relaxed", MEMBERS, seen(tree, "infinity"),
     listing("infinity")),
    ("PUT of 1 KiB, new", "relaxed", REQUESTS, empty, each(201, "PUT", body=KIB)),
    ("PUT of 1 KiB, over", "relaxed", REQUESTS, files_over, each(204, "PUT", body=KIB)),
    ("PROPPATCH", "relaxed", REQUESTS, a_file, proppatch),
    ("LOCK and UNLOCK", "relaxed", REQUESTS, a_file, lock_unlock),
    ("COPY of a file", "relaxed", REQUESTS, folder, to_other(201, "COPY")),
    ("MOVE of a file", "relaxed", REQUESTS, folder, to_other(201, "MOVE")),
    ("DELETE of a file", "relaxed", REQUESTS, folder, each(204, "DELETE")),
    ("COPY of a tree, a member", "relaxed", MEMBERS, tree, whole_to_other(201, "COPY")),
    ("MOVE of a tree, a member", "relaxed", MEMBERS, tree, whole_to_other(201, "MOVE")),
    ("DELETE of a tree, a member", "relaxed", MEMBERS, tree, whole(204, "DELETE")),
    ("bulk create, an item", "relaxed", MEMBERS, empty, bulk),
    ("PUT of 1 KiB, new, strict", "strict", REQUESTS, empty, each(201, "PUT", body=KIB)),
    ("PUT of 1 KiB, over, strict", "strict", REQUESTS, files_over, each(204, "PUT", body=KIB)),
    ("PROPPATCH, strict", "strict", REQUESTS, a_file, proppatch),
    ("LOCK and UNLOCK, strict", "strict", REQUESTS, a_file, lock_unlock),
    ("bulk create, an item, strict", "strict", MEMBERS, empty, bulk),
)

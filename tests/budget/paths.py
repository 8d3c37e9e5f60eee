# SPDX-License-Identifier: MIT
"""The paths that have a budget: what is asked for, and how often."""

import json
import os
import re
import time

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

    def watched(self):
        """The inodes that the server watches."""
        found, fds = set(), "/proc/%d/fdinfo" % self.server.pid
        for fd in os.listdir(fds):
            try:
                with open(os.path.join(fds, fd), encoding="ascii") as f:
                    found.update(int(n, 16) for n in re.findall(r"^inotify .* ino:(\w+)",
                                                                f.read(), re.M))
            except FileNotFoundError:  # it has just closed it
                pass
        return found

    def file(self, name, data=KIB):
        path = self.server.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)


# What is there before: make(load, name, n).

def a_file(load, name, _n):
    load.file(name)


def a_large_file(load, name, _n):
    load.file(name, KIB * 64)


def large_files(load, name, n):
    os.mkdir(load.server.path(name))
    for i in range(n):
        load.file("%s/f%05d" % (name, i), KIB * 64)


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


def as_json(ops):
    return "application/json", json.dumps({"operations": ops})


def as_lines(ops):
    return "application/x-ndjson", "".join(json.dumps(o) + "\n" for o in ops)


def as_parts(ops):
    """Of creates."""
    return "multipart/mixed; boundary=b", "".join(
        "--b\r\nContent-Type: application/http\r\nContent-ID: <%s>\r\n\r\nPUT %s HTTP/1.1\r\n"
        "If-None-Match: *\r\nContent-Type: text/plain\r\n\r\n%s\r\n" % (o["id"], o["url"], o["body"])
        for o in ops) + "--b--\r\n"


def bulk(op, form=as_json, key=False, **members):
    """One batch, an operation for each of n names in a folder."""
    def do(load, name, n):
        ops = [dict(members, id="i%05d" % i, op=op, url="/%s/f%05d" % (name, i))
               for i in range(n)]
        kind, body = form(ops)
        keyed = (("Idempotency-Key", '"%s"' % name),) if key else ()
        r = load.ask(207, "POST", "/.sheaf/bulk", ("Content-Type", kind),
                     ("Accept", "application/json"), ("Prefer", "return=minimal"), *keyed,
                     body=body.encode())
        if json.loads(r.body)["summary"]["success"] != n:
            raise RuntimeError("a batch of %s: %.500s" % (op, r.body))
    return do


CREATE = {"headers": {"content-type": "text/plain"}, "body": KIB.decode()}


def elsewhere_locked(make):
    """With what make() makes, a lock elsewhere.  The last of all: it stays."""
    def do(load, name, n):
        make(load, name, n)
        load.file(name + "-locked")
        load.ask(200, "LOCK", "/%s-locked" % name, XML, ("Timeout", "Second-3000"), body=LOCKINFO)
    return do


def listing(depth, *headers):
    return whole(207, "PROPFIND", ("Depth", depth), XML, *headers, body=PROPFIND)


def seen(make, depth):
    """What make() makes, listed twice already."""
    def do(load, name, n):
        make(load, name, n)
        for _ in range(2):
            listing(depth)(load, name, n)
    return do


def kept(make, depth):
    """What make() makes, listed so often that the server keeps it: it watches each
    member then.  Where it cannot be kept that is seen in what it costs."""
    def do(load, name, n):
        make(load, name, n)
        members = {f.inode() for f in os.scandir(load.server.path(name))}
        for _ in range(200):
            listing(depth)(load, name, n)
            if members <= load.watched():
                return
            time.sleep(0.02)
    return do


REQUESTS = (40, 140)
MEMBERS = (100, 600)

# name, durability, (fewer, more), what is there before, what is asked
PATHS = (
    ("GET of 1 KiB", "relaxed", REQUESTS, a_file, times(200, "GET")),
    ("GET of 64 KiB", "relaxed", REQUESTS, a_large_file, times(200, "GET")),
    ("GET of 1 KiB, cold", "relaxed", REQUESTS, files_over, each(200, "GET")),
    ("GET of 64 KiB, cold", "relaxed", REQUESTS, large_files, each(200, "GET")),
    ("GET of a range", "relaxed", REQUESTS, a_file,
     times(206, "GET", ("Range", "bytes=100-299"))),
    ("HEAD", "relaxed", REQUESTS, a_file, times(200, "HEAD")),
    ("GET, unchanged (304)", "relaxed", REQUESTS, a_file, unchanged),
    ("PROPFIND Depth 0", "relaxed", REQUESTS, a_file,
     times(207, "PROPFIND", ("Depth", "0"), XML, body=PROPFIND)),
    ("PROPFIND Depth 0, cold", "relaxed", REQUESTS, files_over,
     each(207, "PROPFIND", ("Depth", "0"), XML, body=PROPFIND)),
    ("PROPFIND Depth 1, a member, first", "relaxed", MEMBERS, folder, listing("1")),
    ("PROPFIND Depth 1, a member, again", "relaxed", MEMBERS, seen(folder, "1"), listing("1")),
    ("PROPFIND Depth 1, a member, kept", "relaxed", MEMBERS, kept(folder, "1"), listing("1")),
    ("PROPFIND Depth 1, a member, zstd", "relaxed", MEMBERS, seen(folder, "1"),
     listing("1", ("Accept-Encoding", "zstd"))),
    ("PROPFIND infinity, a member, first", "relaxed", MEMBERS, tree, listing("infinity")),
    ("PROPFIND infinity, a member, again", "relaxed", MEMBERS, seen(tree, "infinity"),
     listing("infinity")),
    ("PUT of 1 KiB, new", "relaxed", REQUESTS, empty, each(201, "PUT", body=KIB)),
    ("PUT of 1 KiB, over", "relaxed", REQUESTS, files_over, each(204, "PUT", body=KIB)),
    ("PUT of 96 KiB, new", "relaxed", REQUESTS, empty, each(201, "PUT", body=KIB * 96)),
    ("PUT of 96 KiB, over", "relaxed", REQUESTS, files_over, each(204, "PUT", body=KIB * 96)),
    ("PROPPATCH", "relaxed", REQUESTS, a_file, proppatch),
    ("LOCK and UNLOCK", "relaxed", REQUESTS, a_file, lock_unlock),
    ("COPY of a file", "relaxed", REQUESTS, folder, to_other(201, "COPY")),
    ("MOVE of a file", "relaxed", REQUESTS, folder, to_other(201, "MOVE")),
    ("DELETE of a file", "relaxed", REQUESTS, folder, each(204, "DELETE")),
    ("COPY of a tree, a member", "relaxed", MEMBERS, tree, whole_to_other(201, "COPY")),
    ("MOVE of a tree, a member", "relaxed", MEMBERS, tree, whole_to_other(201, "MOVE")),
    ("DELETE of a tree, a member", "relaxed", MEMBERS, tree, whole(204, "DELETE")),
    ("bulk create, an item", "relaxed", MEMBERS, empty, bulk("create", **CREATE)),
    ("bulk create, an item, NDJSON", "relaxed", MEMBERS, empty,
     bulk("create", as_lines, **CREATE)),
    ("bulk create, an item, multipart", "relaxed", MEMBERS, empty,
     bulk("create", as_parts, **CREATE)),
    ("bulk create, an item, with a key", "relaxed", MEMBERS, empty,
     bulk("create", key=True, **CREATE)),
    ("bulk update, an item", "relaxed", MEMBERS, files_over, bulk("update", **CREATE)),
    ("bulk delete, an item", "relaxed", MEMBERS, files_over, bulk("delete")),
    ("bulk PROPPATCH, an item", "relaxed", MEMBERS, files_over,
     bulk("proppatch", props={"{urn:budget}colour": "blue"})),
    ("DELETE of a file, a lock elsewhere", "relaxed", REQUESTS, elsewhere_locked(folder),
     each(204, "DELETE")),
    ("MOVE of a file, a lock elsewhere", "relaxed", REQUESTS, elsewhere_locked(folder),
     to_other(201, "MOVE")),
    ("DELETE of a tree, a member, a lock elsewhere", "relaxed", MEMBERS,
     elsewhere_locked(tree), whole(204, "DELETE")),
    ("COPY of a tree, a member, a lock elsewhere", "relaxed", MEMBERS,
     elsewhere_locked(tree), whole_to_other(201, "COPY")),
    ("PUT of 1 KiB, new, strict", "strict", REQUESTS, empty, each(201, "PUT", body=KIB)),
    ("PUT of 1 KiB, over, strict", "strict", REQUESTS, files_over, each(204, "PUT", body=KIB)),
    ("PUT of 96 KiB, new, strict", "strict", REQUESTS, empty,
     each(201, "PUT", body=KIB * 96)),
    ("PROPPATCH, strict", "strict", REQUESTS, a_file, proppatch),
    ("LOCK and UNLOCK, strict", "strict", REQUESTS, a_file, lock_unlock),
    ("bulk create, an item, strict", "strict", MEMBERS, empty, bulk("create", **CREATE)),
    ("bulk create, an item, with a key, strict", "strict", MEMBERS, empty,
     bulk("create", key=True, **CREATE)),
    ("bulk update, an item, strict", "strict", MEMBERS, files_over, bulk("update", **CREATE)),
)

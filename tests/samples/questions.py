# SPDX-License-Identifier: MIT
"""The table of what ./collect asks, of which tree, and after what."""

import os
from collections import namedtuple

FILES = {
    "plain.txt": b"twelve bytes",
    "odd/a space.txt": b"1",
    "odd/per%cent.txt": b"2",
    "odd/hash#.txt": b"3",
    "odd/gr\u00fc\u00dfe \u6f22.txt": b"4",
    "odd/a&b<c>.txt": b"5",
    "odd/it's \"quoted\".txt": b"6",
    "odd/plus+semi;q?.txt": b"7",
    "odd/folder %20/in.txt": b"8",
    "control/bell\x01.txt": b"9",
    "bytes/latin\udcfc.txt": b"10",
    "tree/a.txt": b"a",
    "tree/sub/b.txt": b"bb",
    "tree/sub/deep/c.txt": b"ccc",
    "other/a.txt": b"another a",
}


def plant(peer):
    for name, data in FILES.items():
        peer.write(name, data)
    peer.mkdir("tree/empty")
    for name in list(FILES) + ["tree", "tree/sub", "tree/empty", "."]:
        os.utime(peer.path(name), (1640995200, 1640995200))


# before: requests made first, (method, target, fields, body); {token} is the
# last one granted.  spoil: what is done to the files behind the server's back.
Question = namedtuple("Question",
                      "name method target fields body before spoil")
XML = {"Content-Type": "application/xml; charset=utf-8"}


def depth(value):
    return dict(XML, Depth=value)


def propfind(inner):
    return ('<?xml version="1.0" encoding="utf-8"?>\n<D:propfind xmlns:D="DAV:" '
            'xmlns:Z="http://example.com/z">' + inner + "</D:propfind>").encode()


def update(inner):
    return ('<?xml version="1.0" encoding="utf-8"?>\n<D:propertyupdate '
            'xmlns:D="DAV:" xmlns:Z="http://example.com/z">' + inner +
            "</D:propertyupdate>").encode()


def lockinfo(scope):
    return ('<?xml version="1.0" encoding="utf-8"?>\n<D:lockinfo xmlns:D="DAV:">'
            "<D:lockscope><D:%s/></D:lockscope><D:locktype><D:write/>"
            "</D:locktype><D:owner><D:href>http://example.com/ann</D:href>"
            "</D:owner></D:lockinfo>" % scope).encode()


NAMED = propfind("<D:prop><D:resourcetype/><D:getcontentlength/><D:getetag/>"
                 "<Z:colour/><D:no-such-thing/></D:prop>")
ALLPROP = propfind("<D:allprop/>")
LOCKS = propfind("<D:prop><D:lockdiscovery/><D:supportedlock/></D:prop>")
DEAD = update('<D:set><D:prop><Z:colour>blue</Z:colour><Z:note xml:lang="en">a '
              "<Z:b>mixed</Z:b> note</Z:note></D:prop></D:set>")
MIXED = update("<D:set><D:prop><Z:colour>red</Z:colour></D:prop></D:set>"
               "<D:set><D:prop><D:getetag>\"mine\"</D:getetag></D:prop></D:set>")


def lock(target, scope="exclusive", deep="0"):
    return ("LOCK", target, dict(XML, Depth=deep, Timeout="Second-600"),
            lockinfo(scope))


def ask(name, method, target, fields=None, body=None, before=(), spoil=None):
    return Question(name, method, target, fields or {}, body, before, spoil)


def mode(name, bits):
    return lambda peer: os.chmod(peer.path(name), bits)


LOCKED = [lock("/tree/sub/b.txt")]
LOCKED_THERE = [lock("/other/a.txt")]

ALL = [
    ask("get", "GET", "/plain.txt"),
    ask("get-404", "GET", "/none.txt"),
    ask("propfind-0-allprop", "PROPFIND", "/plain.txt", depth("0"), ALLPROP),
    ask("propfind-0-nobody", "PROPFIND", "/plain.txt", {"Depth": "0"}),
    ask("propfind-0-named", "PROPFIND", "/plain.txt", depth("0"), NAMED),
    ask("propfind-0-propname", "PROPFIND", "/plain.txt", depth("0"),
        propfind("<D:propname/>")),
    ask("propfind-0-include", "PROPFIND", "/plain.txt", depth("0"),
        propfind("<D:allprop/><D:include><D:supported-live-property-set/>"
                 "</D:include>")),
    ask("propfind-1-allprop", "PROPFIND", "/tree/", depth("1"), ALLPROP),
    ask("propfind-1-noslash", "PROPFIND", "/tree", depth("1"), NAMED),
    ask("propfind-1-odd", "PROPFIND", "/odd/", depth("1"), NAMED),
    ask("propfind-1-odd-allprop", "PROPFIND", "/odd/", depth("1"), ALLPROP),
    ask("propfind-1-control", "PROPFIND", "/control/", depth("1"), ALLPROP),
    ask("propfind-1-bytes", "PROPFIND", "/bytes/", depth("1"), ALLPROP),
    ask("propfind-1-unreadable", "PROPFIND", "/tree/", depth("1"), NAMED,
        spoil=mode("tree/sub", 0)),
    ask("propfind-infinity", "PROPFIND", "/tree/", depth("infinity"), NAMED),
    ask("propfind-404", "PROPFIND", "/none/", depth("0"), NAMED),
    ask("propfind-malformed", "PROPFIND", "/", depth("0"), b"<D:propfind"),
    ask("propfind-dead", "PROPFIND", "/plain.txt", depth("0"), propfind(
        "<D:prop><Z:colour/><Z:note/></D:prop>"),
        [("PROPPATCH", "/plain.txt", XML, DEAD)]),
    ask("proppatch", "PROPPATCH", "/plain.txt", XML, DEAD),
    ask("proppatch-mixed", "PROPPATCH", "/plain.txt", XML, MIXED),
    ask("proppatch-404", "PROPPATCH", "/none.txt", XML, DEAD),
    ask("proppatch-locked", "PROPPATCH", "/tree/sub/b.txt", XML, DEAD, LOCKED),
    ask("mkcol", "MKCOL", "/new/"),
    ask("mkcol-exists", "MKCOL", "/tree/"),
    ask("mkcol-no-parent", "MKCOL", "/none/new/"),
    ask("put-new", "PUT", "/new.txt", {}, b"new"),
    ask("put-412", "PUT", "/plain.txt", {"If-None-Match": "*"}, b"new"),
    ask("put-no-parent", "PUT", "/none/new.txt", {}, b"new"),
    ask("put-locked", "PUT", "/tree/sub/b.txt", {}, b"new", LOCKED),
    ask("delete-locked-member", "DELETE", "/tree/", {}, None, LOCKED),
    ask("delete-unwritable-member", "DELETE", "/tree/", {}, None, (),
        mode("tree/sub", 0o555)),
    ask("delete-404", "DELETE", "/none.txt"),
    ask("copy", "COPY", "/tree/", {"Destination": "{url}copied/"}),
    ask("copy-onto-locked-member", "COPY", "/tree/",
        {"Destination": "{url}other/", "Overwrite": "T"}, None, LOCKED_THERE),
    ask("copy-unreadable-member", "COPY", "/tree/",
        {"Destination": "{url}copied/"}, None, (), mode("tree/sub/b.txt", 0)),
    ask("copy-412", "COPY", "/plain.txt",
        {"Destination": "{url}tree/a.txt", "Overwrite": "F"}),
    ask("copy-no-parent", "COPY", "/plain.txt",
        {"Destination": "{url}none/a.txt"}),
    ask("copy-elsewhere", "COPY", "/plain.txt",
        {"Destination": "http://example.com/a.txt"}),
    ask("move", "MOVE", "/tree/", {"Destination": "{url}moved/"}),
    ask("move-locked-member", "MOVE", "/tree/",
        {"Destination": "{url}moved/"}, None, LOCKED),
    ask("lock", *lock("/plain.txt")),
    ask("lock-shared", *lock("/plain.txt", "shared")),
    ask("lock-deep", *lock("/tree/", deep="infinity")),
    ask("lock-unmapped", *lock("/new.txt")),
    ask("lock-423", *lock("/tree/sub/b.txt"), before=LOCKED),
    ask("lock-deep-member", *lock("/tree/", deep="infinity"), before=LOCKED),
    ask("lock-refresh", "LOCK", "/plain.txt",
        {"If": "(<{token}>)", "Timeout": "Second-900"}, None,
        [lock("/plain.txt")]),
    ask("lockdiscovery", "PROPFIND", "/plain.txt", depth("0"), LOCKS,
        [lock("/plain.txt", "shared"), lock("/plain.txt", "shared")]),
    ask("unlock", "UNLOCK", "/plain.txt", {"Lock-Token": "<{token}>"}, None,
        [lock("/plain.txt")]),
    ask("unlock-409", "UNLOCK", "/plain.txt", {"Lock-Token": "<{token}>"}),
]

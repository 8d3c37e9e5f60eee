# SPDX-License-Identifier: MIT
"""What is found in a directory after a crash: on the disk, by PROPFIND, and in
the state database.
"""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from urllib.parse import unquote, urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "http"))
import sheaf_http  # noqa: E402
from model import Node, Wrong, ident, within  # noqa: E402

D = "{DAV:}"
STATE = ".sheaf"
STAGING = ".sheaf-tmp-staging"
HIDDEN = ".sheaf-tmp-"
NS = "urn:crash"

# Kinds of rows in the journal, as src/store/state.h has them.
WRITE, MKCOL, REMOVE, MOVE, PROPS, TREE, BATCH = range(1, 8)

ASK = ('<D:propfind xmlns:D="DAV:" xmlns:x="%s"><D:prop><D:getetag/>'
       "<D:resourcetype/><D:lockdiscovery/><x:a/><x:b/></D:prop></D:propfind>"
       % NS).encode()


def kill(server):
    """Ends it as a crash does, with no word of it."""
    if server.process.returncode is None:
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    forget(server)


def forget(server):
    """Closes what belongs to a server that has died."""
    server._reader.join(sheaf_http.PATIENCE)
    server.process.stdout.close()
    server.process.stderr.close()
    try:
        os.rmdir(os.path.join(server.home, "root"))
    except OSError:
        pass
    try:
        os.rmdir(server.home)
    except OSError:
        pass


class Found:
    """nodes by path ("/a/b"), and the tokens shown on each."""

    def __init__(self):
        self.nodes, self.shown = {}, {}

    def part(self, root):
        some = Found()
        some.nodes = {p: n for p, n in self.nodes.items() if within(p, root)}
        some.shown = {p: t for p, t in self.shown.items() if within(p, root)}
        return some


def _read(path, name):
    with open(path, "rb") as f:
        return ident(f.read(), name)


def on_disk(root):
    """Nodes without ETag and properties, and hidden names that were seen."""
    nodes, hidden = {}, []
    for at, dirs, files in os.walk(root):
        if at == root:
            dirs[:] = [d for d in dirs if d != STATE]
        for name in dirs + files:
            if name.startswith(HIDDEN) and (at, name) != (root, STAGING):
                hidden.append(os.path.relpath(os.path.join(at, name), root))
        if at == root:
            dirs[:] = [d for d in dirs if d != STAGING]
        prefix = at[len(root):]
        for name in dirs:
            nodes[prefix + "/" + name] = Node()
        for name in files:
            nodes[prefix + "/" + name] = Node(
                _read(os.path.join(at, name), prefix + "/" + name))
    return nodes, hidden


def staged(root):
    """What is left in the places where unfinished things are kept."""
    left = []
    for place in (os.path.join(root, STATE, "tmp"),
                  os.path.join(root, STAGING)):
        if os.path.isdir(place):
            left += [os.path.join(place, n) for n in os.listdir(place)]
    return left


def members_of(answer):
    """{path: (is collection, etag, props, tokens)}"""
    if answer.status != 207:
        raise Wrong("PROPFIND: %r" % answer)
    members = {}
    for response in ET.fromstring(answer.body).findall(D + "response"):
        path = unquote(urlsplit(response.findtext(D + "href")).path)
        status = response.findtext(D + "status")
        if status is not None:
            raise Wrong("PROPFIND: %s %s" % (path, status))
        props, etag, collection, tokens = {}, None, False, set()
        for stat in response.findall(D + "propstat"):
            if " 200 " not in stat.findtext(D + "status"):
                continue
            for prop in stat.find(D + "prop"):
                if prop.tag == D + "getetag":
                    etag = prop.text
                elif prop.tag == D + "resourcetype":
                    collection = prop.find(D + "collection") is not None
                elif prop.tag == D + "lockdiscovery":
                    tokens = {t.text.strip() for t in prop.iterfind(
                        "%sactivelock/%slocktoken/%shref" % (D, D, D))}
                else:
                    props[prop.tag.split("}")[1]] = prop.text
        members[path.rstrip("/")] = (collection, etag, props, tokens)
    return members


def look(server):
    """All there is, seen in both ways, which must agree."""
    found = Found()
    found.nodes, hidden = on_disk(server.root)
    if hidden:
        raise Wrong("litter: %r" % hidden)
    end = time.monotonic() + 5
    while staged(server.root):
        if time.monotonic() > end:
            raise Wrong("litter stays: %r" % staged(server.root))
        time.sleep(0.005)
    members = members_of(server.request("PROPFIND", "/",
                                        {"Depth": "infinity"}, ASK))
    members.pop("")
    if set(members) != set(found.nodes):
        raise Wrong("on the disk and in the list are not the same: %r" % (
            set(members) ^ set(found.nodes)))
    for path, (collection, etag, props, tokens) in members.items():
        node = found.nodes[path]
        if collection != (node.data is None):
            raise Wrong("%s: not what it is on the disk" % path)
        node.etag, node.props = etag, props
        if tokens:
            found.shown[path] = tokens
    return found


# ---- the state database

def _text(value):
    return value.decode() if isinstance(value, bytes) else value


class Journal:
    """Rows (seq, kind, path, other) of a state directory that may be in use;
    paths begin with a slash.  None where this server keeps none yet."""

    def __init__(self, root, state=None):
        self.name = os.path.join(state or os.path.join(root, STATE),
                                 "state.db")

    def _ask(self, query, *args):
        db = sqlite3.connect("file:%s?mode=ro" % self.name, uri=True)
        try:
            return db.execute(query, args).fetchall()
        finally:
            db.close()

    def exists(self):
        return bool(self._ask("SELECT 1 FROM sqlite_master"
                              " WHERE name = 'journal'"))

    def last(self):
        return self._ask("SELECT coalesce(max(seq), 0) FROM journal")[0][0]

    def since(self, seq):
        return [(n, kind, _path(path), _path(other) if other else None)
                for n, kind, path, other in self._ask(
                    "SELECT seq, kind, path, other FROM journal"
                    " WHERE seq > ? ORDER BY seq", seq)]

    def intents(self):
        """What the state still has to do, of single changes and batches."""
        return self._ask("SELECT * FROM intents") + self._ask(
            "SELECT * FROM steps")

    def sound(self):
        """What SQLite says of the file."""
        return [r[0] for r in self._ask("PRAGMA integrity_check")]


def _path(value):
    text = _text(value)
    return "/" + text.strip("/") if text else "/"


def unnamed(before, after, rows):
    """Paths that are not as they were, and that no row names."""
    exact, trees = set(), []
    for _, kind, path, other in rows:
        exact.update((path, other))
        if kind in (TREE, MOVE, BATCH):
            trees += [path] + ([other] if other else [])
    lack = []
    for path in set(before.nodes) | set(after.nodes):
        a, b = before.nodes.get(path), after.nodes.get(path)
        if a is not None and b is not None and b.fits(a):
            continue
        if path in exact or any(within(path, t) or t == "/" for t in trees):
            continue
        lack.append((path, a, b))
    return lack[:5]


def sanitizer_said(server):
    return [s for s in server.log if "Sanitizer" in s or "runtime error:" in s]


def spawn_and_kill(program, root, args, delay):
    """A start that does not get far."""
    p = subprocess.Popen(
        [program, "serve", "--listen", "127.0.0.1:0", *args, root],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    time.sleep(delay)
    p.kill()
    p.wait()


def tokens_of(answer):
    """The token that a LOCK gave."""
    match = re.search(r"<(.*)>", answer.header("Lock-Token") or "")
    if not match:
        raise Wrong("a LOCK without Lock-Token: %r" % answer)
    return match[1]

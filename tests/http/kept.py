# SPDX-License-Identifier: MIT
"""A running server whose folders are listed until it keeps them in memory, and
the question whether a listing is what is there (docs/design/listings.md).

Whether a folder is kept can be seen from outside: the kernel shows each watch of
an inotify descriptor with its inode.
"""

import ctypes
import email.utils
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET

import sheaf_http
from probes import D, encode, multistatus, propertyupdate

# As dir_keeper.c has them: what else there is may change without this kernel.
KINDS = ("ext2/ext3", "xfs", "btrfs", "f2fs", "tmpfs")
PAID_OFF = 8  # uses after which it is learnt again as soon as it was before
LISTS = 24  # enough for whatever can be learnt to be


def leave_mounts():
    """Others may mount something at any moment, and each mount ends all that is
    kept.  Where we may, we go, and our servers, to where we see none of theirs."""
    new_mounts, recursive, private = 0x20000, 1 << 14, 1 << 18
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_mounts) == 0:
        libc.mount(b"none", b"/", None, recursive | private, None)


def place():
    """Where folders can be kept: for temporary files, or in memory."""
    for at in (tempfile.gettempdir(), "/dev/shm"):
        kind = subprocess.run(["stat", "-f", "-c", "%T", at], text=True,
                              stdout=subprocess.PIPE).stdout.strip()
        if kind in KINDS:
            return at
    return None


def canonical(element):
    text = ET.canonicalize(ET.tostring(element, encoding="unicode"))
    return re.sub(r"Second-\d+", "Second-", text)  # of a lock: it goes down


class World:
    """A server, a connection to it, and what it serves."""

    def __init__(self, at, make=os.mkdir):
        self.home = tempfile.mkdtemp(prefix="sheaf-kept-", dir=at)
        self.root = os.path.join(self.home, "root")
        make(self.root)
        self.server = sheaf_http.Server(root=self.root)
        self.connection = self.server.connect()
        self.queues = self.inotify()

    def close(self):
        self.connection.close()
        self.server.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- HTTP

    def ask(self, method, path, headers=(), body=None, want=None):
        self.connection.request(method, encode(path), headers, body)
        r = self.connection.response(method)
        if want is not None and r.status not in want:
            raise AssertionError("%s %s: %r" % (method, path, r))
        return r

    def listed(self, path, depth="1"):
        """Members by path, without itself; None: no such folder."""
        r = self.ask("PROPFIND", path, {"Depth": depth}, want=(207, 404))
        if r.status == 404:
            return None
        found = multistatus(r)
        itself = os.fsencode(path.rstrip("/") + "/")
        if depth == "1" and not found.pop(itself, None):
            return None  # a file
        return {os.fsdecode(p).rstrip("/"): m for p, m in found.items()}

    def patch(self, path):
        self.ask("PROPPATCH", path, {"Content-Type": "application/xml"},
                 propertyupdate(("set", "<x:a>%d</x:a>" % time.time_ns())), (207, 423))

    # ---- what is kept

    def inotify(self):
        """The two queues: of collections, of members."""
        found = []
        base = "/proc/%d/fd" % self.server.pid
        for fd in sorted(map(int, os.listdir(base))):
            try:
                if os.readlink("%s/%d" % (base, fd)) == "anon_inode:inotify":
                    found.append(fd)
            except FileNotFoundError:
                pass
        return found

    def watched(self, which):
        with open("/proc/%d/fdinfo/%d" % (self.server.pid, self.queues[which]),
                  encoding="ascii") as f:
            return {int(n, 16) for n in re.findall(r"ino:([0-9a-f]+)", f.read())}

    def know(self, path):
        """Asks for a file until it is kept."""
        inode = os.stat(self.real(path)).st_ino
        with self.server.connect() as c:
            for _ in range(20000):
                c.request("GET", path)
                c.response()
                if any(inode in self.watched(q) for q in range(2, len(self.queues))):
                    return
        raise AssertionError("%s is never known" % path)

    def is_kept(self, path):
        """It, and all members that may be, are watched."""
        real = self.real(path)
        want = set()
        with os.scandir(real) as entries:
            for e in entries:
                st = e.stat(follow_symlinks=False)
                if stat.S_ISDIR(st.st_mode) or (
                        stat.S_ISREG(st.st_mode) and st.st_nlink == 1):
                    want.add(st.st_ino)
        return os.stat(real).st_ino in self.watched(0) and want <= self.watched(1)

    def ask_for(self, path, times):
        for _ in range(times):
            self.ask("PROPFIND", path, {"Depth": "1"}, want=(207,))

    def learn(self, path):
        """Lists it until it is kept, and until that has paid off."""
        end = time.monotonic() + sheaf_http.PATIENCE
        while not self.is_kept(path):
            self.ask_for(path, 1)
            if time.monotonic() > end:
                raise AssertionError("%s is not kept" % path)
        self.ask_for(path, PAID_OFF + 1)

    def list_often(self, path):
        """Whatever of it can be learnt is."""
        self.ask_for(path, LISTS)

    # ---- what is there

    def real(self, path):
        return os.path.normpath(os.path.join(self.root, path.strip("/")))

    def served(self, path):
        """The members that clients should see; None: it is not there."""
        real = self.real(path)
        if not os.path.isdir(real):
            return None
        return {path.rstrip("/") + "/" + n: os.stat(os.path.join(real, n))
                for n in os.listdir(real)
                if os.path.exists(os.path.join(real, n)) and n != ".sheaf"}

    def check(self, path, after):
        """The next listing says what the system says, and what the server says
        of each member by itself, which it asks the system for."""
        listed, there = self.listed(path), self.served(path)
        if listed is None or there is None:
            assert listed is there, "%s: %s is %slisted" % (
                after, path, "not " if listed is None else "")
            return
        assert set(listed) == set(there), "%s: listed are %s, there are %s" % (
            after, sorted(listed), sorted(there))
        for name, st in there.items():
            self.check_member(listed[name], name, st, after)

    def check_member(self, m, name, st, after):
        if stat.S_ISDIR(st.st_mode):
            assert m.is_collection(), (after, name)
        else:
            assert int(m.text("getcontentlength")) == st.st_size, (
                "%s: length of %s" % (after, name))
        said = email.utils.parsedate_to_datetime(m.text("getlastmodified"))
        assert said.timestamp() == st.st_mtime_ns // 10**9, (
            "%s: date of %s" % (after, name))
        alone = self.listed(name, "0")
        assert alone is not None, "%s: %s is gone" % (after, name)
        alone = next(iter(alone.values()))
        assert set(m.props) == set(alone.props), (after, name)
        for prop, (status, element) in m.props.items():
            now = alone.props[prop]
            assert (status, canonical(element)) == (now[0], canonical(now[1])), (
                "%s: %s of %s" % (after, prop.replace(D, ""), name))

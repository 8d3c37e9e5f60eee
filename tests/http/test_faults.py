# SPDX-License-Identifier: MIT
"""The nth system call of a request fails, for each n and many calls.

Whatever fails, the answer is true: what is said to be done is, what is said to
have failed has left the old content whole, a list that is not whole does not
look it, and no temporary file or descriptor is left behind.

    test_faults.py PROGRAM FAULTS.so
"""

import errno
import os
import re
import shutil
import sqlite3
import tempfile
import time
import unittest

import faults
import sheaf_http

# What an answer may say of each error, besides that all is well.
STATUSES = {errno.EIO: {500}, errno.ENOSPC: {507}, errno.EDQUOT: {507}, errno.EMFILE: {503}}

MAX_NTH = 400

LARGE = b"0123456789abcdef" * 8192  # not held in memory, not cloned
SMALL = b"old"
OTHER = b"something else"
PROPS = (b'<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x"><D:set><D:prop>'
         b'<x:a>%s</x:a></D:prop></D:set></D:propertyupdate>')


def tree(path):
    """Every file below it, and its bytes; collections: None."""
    found = {}
    for at, dirs, files in os.walk(path):
        for name in dirs:
            found[os.path.relpath(os.path.join(at, name), path)] = None
        for name in files:
            full = os.path.join(at, name)
            with open(full, "rb") as f:
                found[os.path.relpath(full, path)] = f.read()
    return found


def begin(root):
    """What each request is sent to."""
    for name in os.listdir(root):
        if name == ".sheaf":
            continue
        full = os.path.join(root, name)
        if os.path.isdir(full):
            shutil.rmtree(full)
        else:
            os.unlink(full)
    for name in ("tree", "tree/sub", "tree/sub/deep", "over", "over/sub",
                 "away"):
        os.mkdir(os.path.join(root, name))
    for name, data in (("file", SMALL), ("tree/a", SMALL),
                       ("tree/sub/large", LARGE), ("tree/sub/deep/b", OTHER),
                       ("over/a", OTHER), ("over/sub/c", OTHER)):
        with open(os.path.join(root, name), "wb") as f:
            f.write(data)


BEFORE = {
    "file": SMALL, "tree": None, "tree/a": SMALL, "tree/sub": None,
    "tree/sub/large": LARGE, "tree/sub/deep": None, "tree/sub/deep/b": OTHER,
    "over": None, "over/a": OTHER, "over/sub": None, "over/sub/c": OTHER,
    "away": None,
}


def below(name, state=None):
    state = BEFORE if state is None else state
    return {k: v for k, v in state.items()
            if k == name or k.startswith(name + "/")}


def with_out(*names):
    state = dict(BEFORE)
    for name in names:
        for gone in below(name):
            del state[gone]
    return state


def as_copy(source, target, state):
    return {**state, **{target + k[len(source):]: v
                        for k, v in below(source).items()}}


class Case:
    """A request, and what the tree is when it has been done."""

    def __init__(self, method, target, after, headers=(), body=None,
                 parts=False, displaces=False, locked=None):
        self.method, self.target, self.after = method, target, after
        self.locked = locked  # a deep lock there, whose token is sent
        self.headers, self.body = dict(headers), body
        self.parts = parts  # may be done in part, which 207 says
        # A collection gives way: what of it cannot be removed stays, hidden.
        self.displaces = displaces

    def __str__(self):
        return "%s %s %s" % (self.method, self.target, self.headers)


CASES = (
    Case("PUT", "/new", {**BEFORE, "new": LARGE}, body=LARGE),
    Case("PUT", "/file", {**BEFORE, "file": LARGE}, body=LARGE),
    Case("MKCOL", "/new", {**BEFORE, "new": None}),
    Case("COPY", "/tree", as_copy("tree", "new", BEFORE),
         {"Destination": "/new"}, parts=True),
    Case("COPY", "/tree", as_copy("tree", "over", with_out("over")),
         {"Destination": "/over"}, parts=True),
    Case("COPY", "/tree/sub/large", {**BEFORE, "file": LARGE},
         {"Destination": "/file"}),
    Case("COPY", "/file", {**with_out("over"), "over": SMALL},
         {"Destination": "/over"}, parts=True, displaces=True),
    Case("MOVE", "/tree", as_copy("tree", "away/new", with_out("tree")),
         {"Destination": "/away/new"}, parts=True),
    Case("MOVE", "/tree", as_copy("tree", "over", with_out("tree", "over")),
         {"Destination": "/over"}, parts=True, displaces=True),
    Case("MOVE", "/file", {**with_out("over", "file"), "over": SMALL},
         {"Destination": "/over"}, parts=True, displaces=True),
    Case("MOVE", "/tree/sub/large",
         {**with_out("tree/sub/large"), "file": LARGE},
         {"Destination": "/file"}, parts=True),
    Case("DELETE", "/tree", with_out("tree"), parts=True),
    Case("DELETE", "/file", with_out("file")),
)

LOCK = (b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        b"<D:locktype><D:write/></D:locktype></D:lockinfo>")

# Locks that are made, kept and given back.
LOCK_CASES = (
    Case("LOCK", "/file", BEFORE, body=LOCK),
    Case("LOCK", "/tree", BEFORE, body=LOCK),
    Case("LOCK", "/new", {**BEFORE, "new": b""}, body=LOCK),
    Case("LOCK", "/file", BEFORE, locked="/file"),
    Case("UNLOCK", "/file", BEFORE, locked="/file"),
    Case("UNLOCK", "/tree", BEFORE, locked="/tree"),
)

# Changes of what is locked: its lock goes with it, or stays with it.
LOCKED_CASES = (
    Case("DELETE", "/tree", with_out("tree"), parts=True, locked="/tree"),
    Case("DELETE", "/file", with_out("file"), locked="/file"),
    Case("MOVE", "/tree", as_copy("tree", "away/new", with_out("tree")),
         {"Destination": "/away/new"}, parts=True, locked="/tree"),
    Case("MOVE", "/tree", as_copy("tree", "over", with_out("tree", "over")),
         {"Destination": "/over"}, parts=True, displaces=True,
         locked="/tree/sub"),
    Case("COPY", "/tree", as_copy("tree", "over", with_out("over")),
         {"Destination": "/over"}, parts=True, locked="/over"),
    Case("PUT", "/file", {**BEFORE, "file": LARGE}, body=LARGE,
         locked="/file"),
)

# Each of the changes comes to some of these; the others are quick to find out.
FAULTS = tuple((call, errno.EIO) for call in faults.CALLS[1:faults.CALLS.index("change")]) + (
    ("write", errno.ENOSPC), ("link", errno.ENOSPC), ("mkdir", errno.ENOSPC),
    ("fsync", errno.ENOSPC), ("copy-range", errno.ENOSPC),
    ("write", errno.EDQUOT), ("fsync", errno.EDQUOT), ("openat2", errno.EMFILE))


class UnderFaults(unittest.TestCase):
    """One server, which goes on through all of it."""

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="sheaf-faults-")
        cls.faults = faults.Faults(cls.home)
        cls.server = sheaf_http.Server(
            "--access-log", "", env=cls.faults.env(sheaf_http._program[0]))
        begin(cls.server.root)
        cls.faults.order("statx", errno.EIO, 1, True)
        answer = cls.server.request("GET", "/file")
        if not cls.faults.end() or answer.status != 500:
            raise RuntimeError("nothing fails: %r" % answer)

    @classmethod
    def tearDownClass(cls):
        cls.faults.at.close()
        shutil.rmtree(cls.home)
        cls.server.stop()

    def state(self):
        found = tree(self.server.root)
        return {k: v for k, v in found.items()
                if k != ".sheaf" and not k.startswith(".sheaf/")}

    def send(self, case, call, errnum, nth, lasting):
        """The answer, and whether something failed; None: it was cut."""
        with self.server.connect(20) as c:
            self.faults.order(call, errnum, nth, lasting)
            try:
                c.request(case.method, case.target, case.headers, case.body)
                answer = c.response(case.method)
            except sheaf_http.Truncated:
                answer = None
            return answer, self.faults.end()

    def database(self):
        return sqlite3.connect(self.server.path(".sheaf/state.db"), 20,
                               isolation_level=None)

    def transaction(self):
        """What is too long for state.late is written by one."""
        self.server.request("PROPPATCH", "/", (), PROPS % (b"next" * 100))

    def locks(self):
        """{path: token}, once the state has done what was left to do."""
        self.transaction()
        db = self.database()
        rows = db.execute("SELECT path, token FROM locks").fetchall()
        db.close()
        return {path.decode(): token.decode() for path, token in rows}

    def forget_locks(self):
        """Those that are lines of state.late yet are moved by a transaction."""
        self.transaction()
        db = self.database()
        db.execute("DELETE FROM locks")
        db.close()

    def lock(self, case):
        """Takes what the last trial left, and makes the lock of this one."""
        self.forget_locks()
        if not case.locked:
            return
        answer = self.server.request("LOCK", case.locked, (), LOCK)
        self.token = answer.header("Lock-Token")
        case.headers["If"] = "<%s> (%s)" % (case.locked, self.token)
        if case.method == "UNLOCK":
            case.headers["Lock-Token"] = self.token

    def each(self, case, check, lasting=False, faults=FAULTS):
        """Checks each answer in the course of which something failed."""
        for call, errnum in faults:
            for nth in range(1, MAX_NTH):
                begin(self.server.root)
                if case in LOCK_CASES + LOCKED_CASES:
                    self.lock(case)
                answer, failed = self.send(case, call, errnum, nth, lasting)
                if not failed:
                    break
                self.call, self.lasting = call, lasting
                with self.subTest(case=str(case), call=call, nth=nth,
                                  error=errno.errorcode[errnum],
                                  lasting=lasting):
                    check(case, answer, errnum)

    def check_change(self, case, answer, errnum):
        self.assertIsNotNone(answer, "a change is always answered")
        after = self.state()
        if case.displaces and answer.status in (204, 207):
            after = {k: v for k, v in after.items() if ".sheaf-tmp-" not in k}
        self.assertEqual([k for k in after if ".sheaf-tmp-" in k], [])
        if answer.status in (200, 201, 204):
            self.assertEqual(after, case.after)
            return
        for name, data in after.items():
            self.assertIn(data, (BEFORE.get(name, data),
                                 case.after.get(name, data)), name)
        for name in set(BEFORE) & set(case.after):
            self.assertIn(name, after)
        if answer.status == 207 and case.parts:
            inner = {int(s) for s in re.findall(
                rb"<D:status>HTTP/1.1 ([0-9]+)", answer.body)}
            self.assertLessEqual(inner, STATUSES[errnum] | {424, 409})
            self.assertTrue(inner & STATUSES[errnum], answer.body)
            return
        self.assertIn(answer.status, STATUSES[errnum])
        if not case.parts:
            self.assertIn(after, (BEFORE, case.after))

    def test_changes_are_done_or_said_not_to_be(self):
        for case in CASES:
            self.each(case, self.check_change)

    def test_changes_on_a_failing_disk_are_said_not_to_be_done(self):
        for case in CASES:
            self.each(case, self.check_change, lasting=True)

    def check_lock(self, case, answer, errnum):
        """A lock is there if it was granted, and not if it was not."""
        self.check_change(case, answer, errnum)
        locks = self.locks()
        done = answer.status < 300
        token = (answer.header("Lock-Token") or "").strip("<>")
        if case.method == "UNLOCK":
            wanted = {} if done else {case.target: self.token.strip("<>")}
        elif case.locked:
            wanted = {case.target: self.token.strip("<>")}
        else:
            wanted = {case.target: token} if done else {}
        # As with properties: what could not be synced may be seen.  And a lock
        # whose answer cannot be made is taken back, if that is possible.
        if done or not (self.lasting or self.call == "fsync"):
            self.assertEqual(locks, wanted)
        if self.locks():
            self.assertEqual(self.server.request(
                "PUT", case.target, (), b"x").status,
                405 if case.target == "/tree" else 423)

    def check_locked(self, case, answer, errnum):
        """The lock is there exactly if what it is for is."""
        self.check_change(case, answer, errnum)
        name = case.locked.lstrip("/")
        still = name in self.state()
        if case.method == "MOVE" and case.headers["Destination"] == "/over":
            still = still and self.state().get(name + "/large") == LARGE
        self.assertEqual(self.locks(), {
            case.locked: self.token.strip("<>")} if still else {})

    def test_locks_are_made_or_said_not_to_be(self):
        self.addCleanup(self.forget_locks)
        for case in LOCK_CASES:
            for lasting in (False, True):
                self.each(case, self.check_lock, lasting)

    def test_locks_go_with_what_they_are_for(self):
        self.addCleanup(self.forget_locks)
        for case in LOCKED_CASES:
            self.each(case, self.check_locked)

    def check_list(self, _, answer, errnum):
        if answer is None:
            return  # cut, which is plain to see
        if answer.status != 207:
            self.assertIn(answer.status, STATUSES[errnum])
            return
        found = {h.decode().strip("/") for h in
                 re.findall(rb"<D:href>([^<]*)</D:href>", answer.body)}
        failed = {h.decode().strip("/") for h in re.findall(
            rb"<D:href>([^<]*)</D:href><D:status>HTTP/1.1 50", answer.body)}
        for name in BEFORE:
            self.assertTrue(name in found or
                            any(f == "" or name.startswith(f + "/")
                                for f in failed), (name, answer.body))

    def test_a_list_that_is_not_whole_says_so(self):
        case = Case("PROPFIND", "/", BEFORE, {"Depth": "infinity"})
        for lasting in (False, True):
            self.each(case, self.check_list, lasting)

    def check_bytes(self, _, answer, errnum):
        if answer is None:
            return
        if answer.status == 200:
            self.assertEqual(answer.body, LARGE)
        else:
            self.assertIn(answer.status, STATUSES[errnum])

    def test_bytes_that_cannot_be_read_are_not_made_up(self):
        case = Case("GET", "/tree/sub/large", BEFORE)
        for lasting in (False, True):
            self.each(case, self.check_bytes, lasting)

    def value(self):
        answer = self.server.request("PROPFIND", "/file", {"Depth": "0"})
        return re.search(rb"<[^>]*>(old|new)</[^>]*a>", answer.body)[1]

    def check_property(self, case, answer, errnum, call):
        self.assertIsNotNone(answer)
        value = self.value()
        if answer.status == 207 and b" 200 OK" in answer.body:
            self.assertEqual(value, b"new")
        elif case.method == "PUT" and answer.status == 204:
            self.assertEqual(value, b"old")
        else:
            status = re.findall(rb"HTTP/1.1 (5..)", answer.body) or [
                answer.status]
            self.assertIn(int(status[0]), STATUSES[errnum] | {500})
            # Those who write at the same time share a sync, after they have
            # been seen by each other: nobody can take back his part alone.
            self.assertIn(value, (b"old", b"new") if call == "fsync" else
                          (b"old",))

    def test_properties_are_set_or_said_not_to_be(self):
        cases = (Case("PROPPATCH", "/file", BEFORE, body=PROPS % b"new"),
                 Case("PUT", "/file", BEFORE, body=LARGE))
        for case in cases:
            for call, errnum in FAULTS:
                for nth in range(1, MAX_NTH):
                    begin(self.server.root)
                    self.server.request("PROPPATCH", "/file", (),
                                        PROPS % b"old")
                    answer, failed = self.send(case, call, errnum, nth, False)
                    if not failed:
                        break
                    with self.subTest(case=str(case), call=call, nth=nth,
                                      error=errno.errorcode[errnum]):
                        self.check_property(case, answer, errnum, call)

    def test_no_descriptor_is_left(self):
        self.server.request("PROPFIND", "/", {"Depth": "infinity"})
        before = self.server.descriptors()
        for case in CASES:
            for nth in range(1, 12):
                begin(self.server.root)
                self.send(case, "openat2", errno.EMFILE, nth, False)
                self.send(case, "statx", errno.EIO, nth, False)
        sheaf_http.eventually(lambda: self.server.descriptors() <= before,
                              "as few descriptors as there were")

    def test_a_time_beyond_all_is_not_one_long_ago(self):
        begin(self.server.root)
        os.utime(self.server.path("file"), (10 ** 10, 10 ** 10))  # 2286
        answer = self.server.request("GET", "/file")
        self.assertGreater(int(answer.header("Last-Modified").split()[3]),
                           2020)


class Watching(unittest.TestCase):

    def test_who_sends_is_not_blamed_for_what_we_do_not_read(self):
        home = tempfile.mkdtemp(prefix="sheaf-faults-")
        self.addCleanup(shutil.rmtree, home)
        orders = faults.Faults(home)
        with sheaf_http.Server(
                "--threads", "1", "--rate-grace", "1s", "--min-rate", "10K",
                env=orders.env(sheaf_http._program[0])) as server, \
                server.connect() as sends, server.connect() as holds:
            server.write("f", b"x")
            sends.request("PUT", "/up", {"Content-Length": 100000,
                                         "Expect": "100-continue"})
            self.assertEqual(sends.head().status, 100)
            orders.order("openat2", 0, 1, action=faults.HOLD)
            try:
                holds.request("GET", "/f")
                sheaf_http.eventually(orders.thread, "it is held up")
                sends.send(b"x" * 100000)
                time.sleep(4)
            finally:
                orders.end()
            self.assertEqual(sends.response().status, 201)
            self.assertEqual(holds.response().body, b"x")
        orders.at.close()


class Stopping(unittest.TestCase):

    def test_who_takes_the_listener_from_the_epoll_sets_does_not_matter(self):
        """A thread of libmicrohttpd may have done it when SIGTERM comes."""
        home = tempfile.mkdtemp(prefix="sheaf-faults-")
        self.addCleanup(shutil.rmtree, home)
        orders = faults.Faults(home)
        server = sheaf_http.Server(
            env=orders.env(sheaf_http._program[0]))
        self.assertEqual(server.request("OPTIONS", "/").status, 200)
        orders.order("unlisten", errno.ENOENT, 1, True)
        server.stop()
        orders.at.close()


if __name__ == "__main__":
    faults.take_shim()
    sheaf_http.main()

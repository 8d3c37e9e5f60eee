# SPDX-License-Identifier: MIT
"""What the world does to a server: a disk that is full or read-only, too few
descriptors, clients that leave.  It answers what is so, keeps what was there,
and goes on.  (test_faults.py makes each system call fail by itself.)
"""

import contextlib
import errno
import os
import shutil
import subprocess
import tempfile
import time
import unittest

import sheaf_http
from probes import XML, TestCase, multistatus, propertyupdate
from test_probe_tree import can_mount

OLD = b"old content " * 100
LOCK = (b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        b"<D:locktype><D:write/></D:locktype></D:lockinfo>")
PATCH = propertyupdate(("set", "<x:a>%s</x:a>" % ("value " * 2000)))


def statuses(answer):
    """Of an answer, or of the members and properties of a 207."""
    if answer.status != 207:
        return {answer.status}
    found = set()
    for member in multistatus(answer).values():
        found.update({member.status} - {None})
        found.update(s for s, _ in member.props.values())
    return found


@unittest.skipUnless(can_mount(), "only root may mount")
class OwnDisk(TestCase):
    """A server that has a small file system to itself."""

    size = "8m"
    state = False  # kept elsewhere

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="sheaf-test-disk-")
        cls.disk = os.path.join(cls.home, "disk")
        os.mkdir(cls.disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + cls.size,
                        "none", cls.disk], check=True)
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.addClassCleanup(subprocess.run, ["umount", cls.disk], check=True)
        args = ("--state", os.path.join(cls.home, "state")) if cls.state else ()
        if cls.state:
            os.mkdir(os.path.join(cls.home, "state"))
        cls.server = sheaf_http.Server(*args, root=cls.disk)

    def setUp(self):
        super().setUp()
        self.ask("MKCOL", "/d", want=201)
        for name in ("/f", "/d/g", "/d/h"):
            self.ask("PUT", name, body=OLD, want=201)
        self.whole = self.tree()

    def changes(self):
        """One of each kind that takes room."""
        yield "PUT", "/new", (), os.urandom(3 << 20)
        yield "PUT", "/f", (), os.urandom(3 << 20)
        yield "PUT", "/small", (), b"x" * 5000
        yield "COPY", "/big", {"Destination": "/big2"}, None
        yield "COPY", "/big", {"Destination": "/f"}, None
        yield "PROPPATCH", "/f", XML, PATCH
        if self.ask("LOCK", "/d", {**XML, "If": "(<urn:none>)"},
                    LOCK).status not in (405, 501):
            yield "LOCK", "/f", XML, LOCK
            yield "LOCK", "/locked", XML, LOCK

    def check_old(self):
        for name in ("f", "d/g", "d/h"):
            self.assertEqual(self.ask("GET", "/" + name, want=200).body, OLD)


class FullDisk(OwnDisk):

    def fill(self):
        """Not a byte is left."""
        with open(self.server.path("filler"), "wb", buffering=0) as f:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError as e:
                    self.assertEqual(e.errno, errno.ENOSPC)

    def test_a_full_disk_is_507_and_keeps_the_old(self):
        with open(self.server.path("big"), "wb") as f:
            f.write(os.urandom(1 << 20))
        self.fill()
        tree = self.tree()
        done = []
        for method, target, headers, body in self.changes():
            with self.subTest(method=method, target=target):
                r = self.ask(method, target, headers, body)
                # The state keeps some room for what takes none elsewhere.
                if statuses(r) & {200, 201, 204}:
                    done.append((method, target))
                    if method == "LOCK":
                        self.ask("UNLOCK", target, {
                            "Lock-Token": r.header("Lock-Token")}, want=204)
                        if target == "/locked":
                            self.ask("DELETE", target, want=204)
                else:
                    self.assertEqual(statuses(r) - {424}, {507}, r)
                self.check_old()
        self.assertLessEqual(
            {t for m, t in done} & {"/new", "/f", "/small", "/big2"}, {"/f"})
        self.assertEqual(self.tree(), tree)
        self.ask("PROPFIND", "/", {"Depth": "infinity"}, want=207)

    def test_room_can_be_made_on_a_full_disk(self):
        self.fill()
        self.ask("PUT", "/small", body=b"x" * 5000, want=507)
        self.ask("DELETE", "/filler", want=204)
        for method, target, headers, body in (
                ("PUT", "/new", (), OLD), ("MKCOL", "/c", (), None),
                ("COPY", "/d", {"Destination": "/d2"}, None),
                ("MOVE", "/new", {"Destination": "/f"}, None),
                ("PROPPATCH", "/f", XML, PATCH)):
            r = self.ask(method, target, headers, body)
            self.assertLessEqual(statuses(r), {200, 201, 204}, r)
        self.check_old()

    def test_other_members_go_on(self):
        """A copy that finds no room for one member makes the others."""
        os.mkdir(self.server.path("t"))
        for name, size in (("a", 100), ("b", 5 << 20), ("c", 100)):
            self.server.write("t/" + name, b"x" * size)
        r = self.ask("COPY", "/t", {"Destination": "/u"}, want=207)
        members = multistatus(r)
        self.assertEqual({p: m.status for p, m in members.items()},
                         {b"/u/b": 507})
        self.assertEqual(sorted(os.listdir(self.server.path("u"))),
                         ["a", "c"])


class NoNames(OwnDisk):
    """A file system that has room for bytes but none for files."""

    size = "8m,nr_inodes=40"

    def test_no_room_for_names_is_507(self):
        made = []
        try:
            for i in range(100):
                made.append(self.server.path("i%d" % i))
                os.mkdir(made[-1])
        except OSError as e:
            self.assertEqual(e.errno, errno.ENOSPC)
        for method, target, headers, body in (
                ("PUT", "/new", (), b"x"), ("PUT", "/f", (), b"x"),
                ("MKCOL", "/c", (), None),
                ("COPY", "/d", {"Destination": "/e"}, None)):
            with self.subTest(method=method, target=target):
                r = self.ask(method, target, headers, body)
                self.assertEqual(statuses(r), {507}, r)
                self.check_old()
        self.ask("DELETE", "/i0", want=204)
        self.ask("MKCOL", "/c", want=201)


class ReadOnlyDisk(OwnDisk):

    state = True

    def remount(self, how):
        return subprocess.run(["mount", "-o", "remount," + how, self.disk],
                              stderr=subprocess.DEVNULL,
                              check=False).returncode == 0

    def test_a_read_only_disk_is_403_and_can_be_read(self):
        self.server.write("big", b"x" * 100000)
        sheaf_http.eventually(lambda: self.remount("ro"), "nobody writes")
        try:
            for method, target, headers, body in (
                    ("PUT", "/new", (), b"x"), ("PUT", "/f", (), b"x"),
                    ("MKCOL", "/c", (), None), ("DELETE", "/f", (), None),
                    ("DELETE", "/d", (), None),
                    ("COPY", "/big", {"Destination": "/f"}, None),
                    ("COPY", "/d", {"Destination": "/e"}, None),
                    ("MOVE", "/f", {"Destination": "/g"}, None),
                    ("MOVE", "/d", {"Destination": "/e"}, None)):
                with self.subTest(method=method, target=target):
                    r = self.ask(method, target, headers, body)
                    self.assertEqual(statuses(r) - {424}, {403}, r)
                    self.check_old()
        finally:
            self.remount("rw")
        self.ask("PUT", "/f", body=b"new", want=204)


class SmallFiles(unittest.TestCase):

    def test_a_file_over_the_limit_of_the_process_is_413_and_it_goes_on(self):
        large = b"x" * (5 << 20)
        with sheaf_http.Server(prefix=("prlimit", "--fsize=%d" % (4 << 20))) as s:
            s.write("f", OLD)
            s.write("large", large)
            # It may be refused before it has come, and the connection closed.
            for method, target, headers, body in (
                    ("PUT", "/f", {}, large),
                    ("PUT", "/new", {}, large),
                    ("COPY", "/large", {"Destination": "/f"}, None)):
                with self.subTest(method=method, target=target):
                    r = s.request(method, target, headers, body)
                    self.assertEqual(statuses(r), {413})
                    self.assertEqual(s.read("f"), OLD)
            self.assertEqual(s.request("PUT", "/f", body=b"new").status, 204)
            self.assertEqual(sorted(n for n in os.listdir(s.root)
                                    if not n.startswith(".sheaf")), ["f", "large"])


class FewDescriptors(unittest.TestCase):

    def test_without_descriptors_it_is_503_and_goes_on(self):
        with sheaf_http.Server("--threads", "1", "--workers", "2",
                               prefix=("prlimit", "--nofile=64")) as s:
            for i in range(5):
                s.write("f%d" % i, b"x")
            seen, idle = set(), []
            try:
                while len(idle) < 80:
                    idle.append(s.connect(0.5))
                    try:
                        idle[-1].request("PUT", "/f0", body=b"x")
                        seen.add(idle[-1].response().status)
                    except (OSError, sheaf_http.ProtocolError):
                        break  # it has none left for this one
                for c in idle[:-1]:
                    c.request("COPY", "/f1", {"Destination": "/f2"})
                    r = c.response()
                    seen.add(r.status)
                    if r.status == 503:
                        self.assertIsNotNone(r.header("Retry-After"))
            finally:
                for c in idle:
                    c.close()
            self.assertLess(len(idle), 80)
            self.assertLessEqual(seen, {201, 204, 503})
            self.assertIn(503, seen)

            def answers():
                try:
                    return s.request("PUT", "/f0", body=b"y").status == 204
                except (OSError, sheaf_http.ProtocolError):
                    return False
            sheaf_http.eventually(answers, "it goes on")
            self.assertEqual(sorted(n for n in os.listdir(s.root)
                                    if not n.startswith(".sheaf")),
                             ["f%d" % i for i in range(5)])


class ClientsThatLeave(TestCase):

    args = ("--connections-per-address", "0")

    def litter(self):
        found = []
        for at, dirs, files in os.walk(self.server.root):
            found += [os.path.join(at, n) for n in dirs + files
                      if n.startswith(".sheaf-tmp-") and
                      n != ".sheaf-tmp-staging"]
        for place in (".sheaf/tmp", ".sheaf-tmp-staging"):
            if os.path.isdir(self.server.path(place)):
                found += os.listdir(self.server.path(place))
        return found

    def test_fifty_uploads_that_stop_half_way_leave_the_old(self):
        os.mkdir(self.server.path("d"))
        for i in range(0, 50, 2):
            self.server.write("d/f%d" % i, OLD)
        before, many = self.tree(), []
        for i in range(50):
            c = self.server.connect()
            head = b"PUT /d/f%d HTTP/1.1\r\nHost: x\r\n" % i
            if i % 4 < 2:
                c.send(head + b"Content-Length: 100000\r\n\r\n" + b"x" * 50000)
            else:
                c.send(head + b"Transfer-Encoding: chunked\r\n\r\n" +
                       b"%x\r\n%s\r\n" % (50000, b"y" * 50000))
            many.append(c)
        time.sleep(0.2)
        for i, c in enumerate(many):
            (c.reset if i % 3 else c.close)()
        sheaf_http.eventually(lambda: self.tree() == before, "no trace")
        sheaf_http.eventually(lambda: not self.litter(), "no litter")
        for i in range(0, 50, 2):
            self.assertEqual(self.server.read("d/f%d" % i), OLD)

    def make_tree(self, name, n=500):
        os.mkdir(self.server.path(name))
        for i in range(n):
            self.server.write("%s/f%04d" % (name, i), b"%d" % i)

    def leave(self, method, target, headers=()):
        with self.server.connect() as c:
            c.request(method, target, headers)
            time.sleep(0.03)
            c.reset()

    def settled(self):
        """When nothing changes any more."""
        last = [None]

        def same():
            now = self.tree()
            was, last[0] = last[0], now
            if was != now:
                time.sleep(0.3)
            return was == now
        sheaf_http.eventually(same, "an end")

    def test_a_tree_that_nobody_waits_for_is_copied_in_whole_members(self):
        self.make_tree("t")
        self.leave("COPY", "/t", {"Destination": "/u"})
        self.settled()
        if os.path.isdir(self.server.path("u")):
            for name in os.listdir(self.server.path("u")):
                self.assertEqual(self.server.read("u/" + name),
                                 self.server.read("t/" + name))
        self.assertEqual(self.litter(), [])
        self.assertEqual(len(os.listdir(self.server.path("t"))), 500)

    def test_a_tree_that_nobody_waits_for_is_deleted_in_whole_members(self):
        self.make_tree("t")
        self.leave("DELETE", "/t")
        self.settled()
        if os.path.isdir(self.server.path("t")):
            for name in os.listdir(self.server.path("t")):
                with contextlib.suppress(FileNotFoundError):  # it was not the end
                    self.assertEqual(self.server.read("t/" + name),
                                     b"%d" % int(name[1:]))
        self.assertEqual(self.litter(), [])
        self.assertEqual(self.ask("OPTIONS", "/").status, 200)


if __name__ == "__main__":
    sheaf_http.main()

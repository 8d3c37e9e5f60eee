# SPDX-License-Identifier: MIT
"""Folders that the server keeps in memory, changed behind its back in every way:
never is one listed as it was (docs/design/listings.md).

    test_kept.py PROGRAM

SHEAF_KEPT_SEED: of the random changes, else another each time.
SHEAF_KEPT_SECONDS: for how long they are made (2).
"""

import ctypes
import mmap
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import kept
import sheaf_http
from kept_changes import CHANGES, LOCK, Place, libc

SECONDS = float(os.environ.get("SHEAF_KEPT_SECONDS", "2"))
SEED = int(os.environ.get("SHEAF_KEPT_SEED", "0")) or random.randrange(1, 10**9)
CYCLES = 20

# Gives files new times, all the time.
BUSY = """
import itertools, os, sys
for n in itertools.count(10**9):
    for f in sys.argv[1:]:
        os.utime(f, ns=(n, n))
"""


def has_inotify():
    fd = libc.inotify_init1(os.O_CLOEXEC)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def mount(what, at, kind, flags=0):
    return libc.mount(os.fsencode(what), os.fsencode(at), kind, flags, None) == 0


def setting(name):
    with open("/proc/sys/fs/inotify/" + name, encoding="ascii") as f:
        return int(f.read())


class Case(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        at = kept.place()
        if not at:
            raise unittest.SkipTest("no file system here of which all changes are told")
        cls.world = kept.World(at)
        if len(cls.world.queues) < 2 and not has_inotify():
            cls.world.close()
            raise unittest.SkipTest("the user's inotify instances are all taken")

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def place(self, name):
        p = Place(self.world, name)
        self.addCleanup(shutil.rmtree, p("."), ignore_errors=True)
        return p

    def check(self, place, after):
        for folder in place.folders():
            self.world.check(folder, after)


class Changes(Case):

    def test_each_change_is_in_the_next_listing(self):
        for make in CHANGES:
            name = make.__name__
            with self.subTest(name):
                p = self.place(name)
                p.learn()
                for step, _ in enumerate(make(p)):
                    self.check(p, "%s, step %d" % (name, step))
                self.check(p, "%s, in the end" % name)

    def test_what_is_kept_is_right_and_stays_kept_when_nothing_changes(self):
        p = self.place("same")
        p.learn()
        for _ in range(20):
            self.world.ask_for("/same/d/", 1)
            self.assertTrue(self.world.is_kept("/same/d/"))
        # To learn a member by itself opens it, and puts it in doubt here.
        for _ in range(20):
            self.check(p, "nothing")
        self.world.learn("/same/d/")
        self.check(p, "nothing")


class Mounts(Case):

    def mount(self, what, at, kind, flags=0):
        if not mount(what, at, kind, flags):
            self.skipTest("mount: " + os.strerror(ctypes.get_errno()))
        self.addCleanup(libc.umount2, os.fsencode(at), 2)

    def umount(self, at):
        self.assertEqual(libc.umount2(os.fsencode(at), 0), 0)

    def test_a_file_system_mounted_over_it_or_its_parent(self):
        p = self.place("mount")
        for at in ("d/s", "d", "."):
            p.learn()
            self.mount("none", p(at), b"tmpfs")
            self.world.check("/mount/d/", "mounted over " + at)
            if at != ".":
                self.check(p, "mounted over " + at)
            if at == "d":
                p.write("d/below")
                self.check(p, "written to what is mounted")
                p.learn()
                p.write("d/below", b"more", "ab")
                self.check(p, "written again")
            self.umount(p(at))
            self.check(p, "unmounted from " + at)

    def test_what_is_mounted_elsewhere_too(self):
        bind = 4096
        p = self.place("bind")
        p.learn()
        self.mount(p("e/f0"), p("d/f0"), b"", bind)
        self.check(p, "a file over another")
        p.list_often()
        p.write("e/f0", b"more", "ab")
        self.check(p, "written to by its other name")
        self.umount(p("d/f0"))
        self.check(p, "unmounted")
        p.learn()
        self.mount(p("e"), p("d"), b"", bind)
        self.check(p, "a folder over another")
        p.list_often()
        p.write("d/f1", b"more", "ab")
        self.check(p, "written to by the one way")
        os.unlink(p("e/f2"))
        self.check(p, "removed by the other")
        self.umount(p("d"))
        self.check(p, "unmounted again")


class Subvolume(unittest.TestCase):
    """Of Btrfs: who deletes one takes all that is in it, and no watch tells."""

    def run_or_skip(self, *argv):
        try:
            subprocess.run(argv, check=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        except (OSError, subprocess.CalledProcessError) as e:
            self.skipTest(str(e))

    def btrfs(self):
        home = tempfile.mkdtemp(prefix="sheaf-btrfs-", dir=kept.place())
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        image, at = home + "/image", home + "/at"
        os.mkdir(at)
        with open(image, "wb") as f:
            f.truncate(256 << 20)
        self.run_or_skip("mkfs.btrfs", "-q", image)
        self.run_or_skip("mount", "-o", "loop", image, at)
        self.addCleanup(libc.umount2, os.fsencode(at), 2)
        return at

    def test_no_file_of_a_root_that_was_deleted_whole(self):
        w = kept.World(self.btrfs(), lambda path: self.run_or_skip(
            "btrfs", "subvolume", "create", path))
        self.addCleanup(w.close)
        if len(w.queues) < 3:
            self.skipTest("the user's inotify instances are all taken")
        os.makedirs(w.real("/d/e"))
        for name in ("/f", "/d/e/f"):
            with open(w.real(name), "wb") as f:
                f.write(b"here")
        for name in ("/f", "/d/e/f"):
            w.know(name)
            self.assertEqual(w.ask("GET", name).body, b"here")
        self.run_or_skip("btrfs", "subvolume", "delete", w.root)
        for name in ("/f", "/d/e/f"):
            w.ask("GET", name, want=(404,))
            w.ask("PROPFIND", name, {"Depth": "0"}, want=(404,))


class Overflow(Case):

    def facts(self):
        body = self.world.ask("PROPFIND", "/many/", {"Depth": "1"}, want=(207,)).body
        found = re.findall(
            rb"/many/(\d+)</D:href>.*?<D:getcontentlength>(\d+)<.*?"
            rb"<D:getetag>(.*?)</D:getetag>", body, re.DOTALL)
        return {int(n): (int(size), etag) for n, size, etag in found}

    def test_more_changes_than_the_queue_takes(self):
        # Two events each: the change, and the end of the watch.
        n = setting("max_queued_events") // 2 + 300
        most = min(setting("max_user_watches") // 4, 65536) // 2
        if n >= most:
            self.skipTest("the queue takes as many events as there may be watches")
        many = self.world.real("/many")
        os.mkdir(many)
        self.addCleanup(shutil.rmtree, many)
        for i in range(n):
            with open("%s/%d" % (many, i), "wb"):
                pass
        self.world.ask_for("/many/", 4)
        sheaf_http.eventually(lambda: len(self.world.watched(1)) >= n, "kept")
        self.world.ask_for("/many/", 1)
        before = self.facts()
        self.assertEqual(len(before), n)
        for i in range(n):
            os.truncate("%s/%d" % (many, i), i + 1)
        after = self.facts()
        self.assertEqual(len(after), n)
        for i in range(n):
            self.assertEqual(after[i][0], i + 1)
            self.assertNotEqual(after[i][1], before[i][1])
        self.assertLess(len(self.world.watched(1)), n)


class Mixer:
    """Random changes to a place, by hand and through the server."""

    def __init__(self, place, seed):
        self.p = place
        self.r = random.Random(seed)
        self.open = []
        self.maps = []
        self.done = []
        self.kinds = [k for k in dir(self) if k.startswith("do_")]

    def step(self):
        kind = self.r.choice(self.kinds)
        self.done.append(kind)
        try:
            getattr(self, kind)()
        except (OSError, ValueError):
            pass  # it was not there, or is a folder: as good as another
        return kind

    def close(self):
        for f in self.open:
            f.close()
        for m in self.maps:
            m.close()

    def file(self):
        return self.p("%s/f%d" % (self.r.choice("dde"), self.r.randrange(6)))

    def name(self):
        return "%s/%s" % (self.r.choice("dde"), self.r.choice(
            ("f0", "f1", "f2", "f3", "f4", "f5", "s", "l")))

    def bytes(self):
        return b"x" * self.r.randrange(1, 50)

    def do_write(self):
        with open(self.file(), self.r.choice(("wb", "ab", "r+b"))) as f:
            f.write(self.bytes())

    def do_truncate(self):
        os.truncate(self.file(), self.r.randrange(100))

    def do_utime(self):
        ns = self.r.randrange(10**15)
        os.utime(self.p(self.name()), ns=(ns, ns), follow_symlinks=False)

    def do_chmod(self):
        os.chmod(self.p(self.name()), self.r.choice((0o700, 0o755)))

    def do_unlink(self):
        os.unlink(self.file())

    def do_rename(self):
        os.rename(self.p(self.name()), self.p(self.name()))

    def do_exchange(self):
        libc.renameat2(-100, os.fsencode(self.p(self.name())), -100,
                       os.fsencode(self.p(self.name())), 2)

    def do_link(self):
        os.link(self.file(), self.p(self.r.choice("de") + "/f%d" % self.r.randrange(6)),
                follow_symlinks=False)

    def do_symlink(self):
        os.symlink(self.r.choice(("../target", "../e/f1", "f2", "s", "../none")),
                   self.file())

    def do_target(self):
        self.p.write("target", self.bytes(), "ab")

    def do_folder(self):
        name = self.p(self.r.choice("de") + "/s")
        shutil.rmtree(name, ignore_errors=True)
        os.mkdir(name)

    def do_below(self):
        self.p.write(self.r.choice("de") + "/s/x", self.bytes())

    def do_swap(self):
        os.rename(self.p("d"), self.p("was"))
        os.rename(self.p("e"), self.p("d"))
        os.rename(self.p("was"), self.p("e"))

    def do_again(self):
        shutil.rmtree(self.p("d"))
        self.p.fill("d")

    def do_open(self):
        if len(self.open) < 3:
            self.open.append(open(self.file(), "ab", buffering=0))

    def do_write_open(self):
        if self.open:
            self.r.choice(self.open).write(self.bytes())

    def do_close(self):
        if self.open:
            self.open.pop(self.r.randrange(len(self.open))).close()

    def do_map(self):
        if len(self.maps) < 3:
            with open(self.file(), "r+b") as f:
                self.maps.append(mmap.mmap(f.fileno(), 0))

    def do_store(self):
        if self.maps:
            m = self.r.choice(self.maps)
            if m.size() == len(m):  # nobody has cut it
                m[0:1] = self.bytes()[:1]
                m.flush()

    def do_unmap(self):
        if self.maps:
            self.maps.pop(self.r.randrange(len(self.maps))).close()

    def dav(self, method, name, headers=(), body=None):
        return self.p.world.ask(method, self.p.path + name, headers, body)

    def do_put(self):
        self.dav("PUT", self.name(), body=self.bytes())

    def do_delete(self):
        self.dav("DELETE", self.name())

    def do_move(self):
        self.dav(self.r.choice(("MOVE", "COPY")), self.name(),
                 {"Destination": self.p.path + self.name()})

    def do_patch(self):
        name = self.p.path + self.name()
        if os.path.exists(self.p.world.real(name)):
            self.p.world.patch(name)

    def do_lock(self):
        name = self.name()
        r = self.dav("LOCK", name, {"Timeout": "Second-600", "Depth": "0",
                                    "Content-Type": "application/xml"}, LOCK)
        token = r.header("Lock-Token")
        if token and self.r.randrange(2):
            self.dav("PUT", name, {"If": "(%s)" % token}, self.bytes())
        if token and self.r.randrange(4):
            self.dav("UNLOCK", name, {"Lock-Token": token})


class Random(Case):

    def test_random_changes_are_in_the_next_listing(self):
        p = self.place("mixed")
        m = Mixer(p, SEED)
        self.addCleanup(m.close)
        end = time.monotonic() + SECONDS
        steps = was_kept = 0
        try:
            # On a busy machine for longer, until it was kept often enough.
            while time.monotonic() < end or steps < 50 or (
                    was_kept <= steps // 20 and
                    time.monotonic() < end + sheaf_http.PATIENCE):
                was_kept += self.world.is_kept("/mixed/d/")
                kind = m.step()
                self.world.check("/mixed/d/", kind)
                if not m.r.randrange(4):
                    self.world.check("/mixed/e/", kind)
                for _ in range(m.r.choice((0, 0, 8, 16))):
                    self.world.listed("/mixed/d/")
                steps += 1
        except AssertionError as e:
            raise AssertionError("SHEAF_KEPT_SEED=%d, step %d, after %s" % (
                SEED, steps, ", ".join(m.done[-8:]))) from e
        self.assertGreater(was_kept, steps // 20)


class Files(Case):
    """Single files, which are kept with their bytes."""

    READERS, WRITES = 4, 150

    def write(self, p, name, text):
        """Which both change: in place, and by another file."""
        if text[-1] & 1:
            p.write("new", text)
            os.rename(p("new"), p(name))
        else:
            p.write(name, text, "r+b")

    def test_no_client_gets_what_a_file_was_before_it_changed(self):
        if len(self.world.queues) < 3:
            self.skipTest("the user's inotify instances are all taken")
        p = self.place("files")
        self.write(p, "d/f0", b"%08d" % 1)
        self.world.know(p.path + "d/f0")
        written, wrong = [1], []

        def read():
            with self.world.server.connect() as c:
                while written[0] < self.WRITES and not wrong:
                    was = written[0]
                    c.request("GET", p.path + "d/f0")
                    r = c.response()
                    if r.status != 200 or int(r.body) < was:
                        wrong.append((was, r))

        threads = [threading.Thread(target=read) for _ in range(self.READERS)]
        for t in threads:
            t.start()
        for n in range(2, self.WRITES + 1):
            self.write(p, "d/f0", b"%08d" % n)
            written[0] = n
            if n % 8 == 0:
                time.sleep(0.02)  # in which it is known again
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])


    def test_who_reads_slowly_gets_what_the_file_was(self):
        if len(self.world.queues) < 3:
            self.skipTest("the user's inotify instances are all taken")
        p = self.place("slow")
        was, now = b"was " * 16384, b"now " * 16384
        p.write("d/f0", was)
        self.world.know(p.path + "d/f0")
        with self.world.server.connect() as c:
            c.slow()
            for _ in range(200):  # more than its socket takes
                c.request("GET", p.path + "d/f0")
            c.request("GET", p.path + "d/f0", {"Range": "bytes=4-65531"})
            answers = [c.response()]
            p.write("d/f0", now, "r+b")
            answers += [c.response() for _ in range(200)]
        self.assertEqual(answers.pop().body, now[4:-4])
        self.assertEqual(answers[0].body, was)
        self.assertEqual({a.body for a in answers}, {was, now})


class Together(Case):

    def test_changes_while_it_is_learnt(self):
        p = self.place("learnt")
        p.learn()
        files = [p("d/f%d" % n) for n in range(2)]
        with subprocess.Popen([sys.executable, "-c", BUSY, *files]) as busy:
            try:
                for i in range(CYCLES):
                    self.learn_and_change(p, busy, files, i)
            finally:
                busy.kill()

    def learn_and_change(self, p, busy, files, i):
        os.kill(busy.pid, signal.SIGCONT)
        p.write("d/new%d" % i)  # so that it is forgotten, and learnt
        self.world.ask_for("/learnt/d/", 8)
        os.kill(busy.pid, signal.SIGSTOP)
        os.waitpid(busy.pid, os.WUNTRACED)
        self.world.check("/learnt/d/", "changes meanwhile")
        for f in files:
            os.utime(f, (i, i))
        self.world.check("/learnt/d/", "learnt while it was changed")
        self.world.ask_for("/learnt/d/", kept.PAID_OFF)
        os.unlink(p("d/new%d" % i))

    def test_who_has_changed_a_file_sees_it_while_others_do_the_same(self):
        p = self.place("many")
        p.learn()
        wrong = []

        def work(i):
            want = re.compile(rb"/f%d</D:href>.*?<D:getcontentlength>(\d+)<" % i,
                              re.DOTALL)
            with self.world.server.connect() as c, \
                    open(p("d/f%d" % i), "ab", buffering=0) as f:
                for n in range(60):
                    f.write(b"x")
                    for _ in range(1 + n % 6):
                        c.request("PROPFIND", "/many/d/", {"Depth": "1"})
                        found = want.search(c.response().body)
                        if not found or int(found[1]) != 13 + n:
                            wrong.append((i, n, found and found[1]))

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])
        self.check(p, "many at once")


if __name__ == "__main__":
    kept.leave_mounts()
    sheaf_http.main()

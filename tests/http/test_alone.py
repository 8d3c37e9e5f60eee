# SPDX-License-Identifier: MIT
"""What is done at once, on the thread that moves bytes, because nobody else is
connected and the disk is quick (src/dav/methods.h).

Which thread it was is asked of faults.c, which sees whose sync it was.

    test_alone.py PROGRAM FAULTS.so
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import faults
import sheaf_http

IN_MEMORY = "/dev/shm"  # where a sync takes no time
LOCK = (b"<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope>"
        b"<locktype><write/></locktype></lockinfo>")
PATCH = (b"<propertyupdate xmlns='DAV:'><set><prop><a xmlns='urn:x'>b</a>"
         b"</prop></set></propertyupdate>")
TURNS = 40  # enough for the disk to be taken for quick again
SLOW = 0.05  # seconds that no quick one takes
LEFT = 6  # after which who has ended his side is taken for gone


def is_in_memory(path):
    return os.access(path, os.W_OK) and subprocess.run(
        ["stat", "-f", "-c", "%T", path], capture_output=True, text=True,
        check=False).stdout.strip() == "tmpfs"


@unittest.skipUnless(is_in_memory(IN_MEMORY), "no file system in memory")
class Alone(unittest.TestCase):

    def setUp(self):
        home = tempfile.mkdtemp(prefix="sheaf-alone-", dir=IN_MEMORY)
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        self.faults = faults.Faults(home)
        self.server = sheaf_http.Server(
            "--threads", "1", root=os.path.join(home, "root"),
            env=self.faults.env(sheaf_http._program[0]))
        self.addCleanup(self.server.stop)
        self.addCleanup(self.faults.end)  # or it would wait for ever
        self.server.write("f", b"x")
        self.c = self.server.connect()
        self.addCleanup(self.c.close)
        self.io = self.whose("openat2", "GET", "/f")
        self.sockets = self.server.sockets()

    def ask(self, method, target, headers=(), body=None):
        self.c.request(method, target, headers, body)
        r = self.c.response(method)
        self.assertIn(r.status, (200, 201, 204, 207), r)
        return r

    def whose(self, call, *request):
        """The thread that made the first such call for it; 0: there was none."""
        self.faults.order(call, 0, 1, action=faults.NOTE)
        self.answer = self.ask(*request)
        self.faults.end()
        return self.faults.thread()

    # ---- the three of them, which leave things as they were

    def lock(self):
        thread = self.whose("fsync", "LOCK", "/f", {}, LOCK)
        token = self.answer.header("Lock-Token")
        self.ask("UNLOCK", "/f", {"Lock-Token": token})
        return thread

    def unlock(self):
        token = self.ask("LOCK", "/f", {}, LOCK).header("Lock-Token")
        return self.whose("fsync", "UNLOCK", "/f", {"Lock-Token": token})

    def patch(self):
        return self.whose("fsync", "PROPPATCH", "/f", {}, PATCH)

    def ways(self):
        return self.lock, self.unlock, self.patch

    def is_at_once(self, way):
        """When the disk has been quick for a while."""
        for _ in range(TURNS):
            if way() == self.io:
                return True
        return False

    def be_at_once(self, way):
        sheaf_http.eventually(lambda: self.is_at_once(way), "it is at once")

    # ---- what is asked of them

    def test_who_is_alone_needs_no_other_thread(self):
        self.assertTrue(self.io)
        for way in self.ways():
            with self.subTest(way.__name__):
                self.be_at_once(way)

    def test_for_who_is_not_the_thread_is_kept_free(self):
        for way in self.ways():
            with self.subTest(way.__name__):
                self.be_at_once(way)
                with self.server.connect() as other:
                    other.request("OPTIONS", "/")
                    self.assertEqual(other.response().status, 200)
                    for _ in range(TURNS):
                        self.assertNotEqual(way(), self.io)

    def held(self, *request):
        """Sends it; when it waits for its sync: whose that is."""
        self.faults.order("fsync", 0, 1, action=faults.HOLD)
        self.c.request(*request)
        return sheaf_http.eventually(self.faults.thread, "a sync")

    def let_go(self):
        time.sleep(SLOW)
        self.faults.end()
        r = self.c.response()
        self.assertEqual(r.status, 200, r)
        self.ask("UNLOCK", "/f", {"Lock-Token": r.header("Lock-Token")})

    def test_another_does_not_wait_for_a_sync(self):
        self.be_at_once(self.lock)
        with self.server.connect() as other:
            other.request("OPTIONS", "/")
            self.assertEqual(other.response().status, 200)
            self.assertNotEqual(self.held("LOCK", "/f", {}, LOCK), self.io)
            other.request("GET", "/f")
            self.assertEqual(other.response().body, b"x")
            self.let_go()

    def is_slow_at_once(self):
        """One sync that takes long is made at once, as nobody knew."""
        self.be_at_once(self.lock)
        thread = self.held("LOCK", "/f", {}, LOCK)
        self.let_go()
        return thread == self.io

    def test_one_slow_sync_is_enough(self):
        sheaf_http.eventually(self.is_slow_at_once, "a slow sync")
        for way in self.ways():
            self.assertNotEqual(way(), self.io)
        # The next does not even find out.
        self.assertNotEqual(self.held("LOCK", "/f", {}, LOCK), self.io)
        with self.server.connect() as other:
            other.request("OPTIONS", "/")
            self.assertEqual(other.response().status, 200)
        self.let_go()
        # But it is forgotten.
        self.be_at_once(self.lock)

    def is_answered_though_left(self):
        """Who has sent all of a request may end his side, and waits for us."""
        self.c.close()
        self.c = self.server.connect()
        self.addCleanup(self.c.close)
        sheaf_http.eventually(
            lambda: self.server.sockets() == self.sockets, "alone again")
        self.be_at_once(self.lock)
        if self.held("LOCK", "/f", {}, LOCK) != self.io:
            self.let_go()
            return False
        self.c.sock.shutdown(socket.SHUT_WR)
        time.sleep(LEFT)
        self.faults.end()
        self.assertEqual(self.c.response().status, 200)
        return True

    def test_nobody_is_taken_for_gone_while_we_sync(self):
        sheaf_http.eventually(self.is_answered_though_left, "at once")

    def test_a_file_that_is_made_is_never_made_at_once(self):
        self.be_at_once(self.lock)
        for i in range(TURNS):
            thread = self.whose("fsync", "LOCK", "/new%d" % i, {}, LOCK)
            self.assertNotEqual(thread, self.io)


if __name__ == "__main__":
    faults.take_shim()
    sheaf_http.main()

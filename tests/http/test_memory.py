# SPDX-License-Identifier: MIT
"""What a server holds when it does nothing, and after much work.

    test_memory.py PROGRAM
"""

import json
import threading
import unittest

import bulk
import sheaf_http

MIB = 1 << 20
PROPFIND = (b"<propfind xmlns='DAV:'><prop><getetag/><getcontentlength/>"
            b"<resourcetype/></prop></propfind>")
LOCK = (b"<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope>"
        b"<locktype><write/></locktype></lockinfo>")
CLIENTS = 16


def started(*args):
    """As it runs elsewhere: what is freed is not written to."""
    return sheaf_http.Server("--access-log", "", *args,
                             env={"MALLOC_PERTURB_": "0"})


class Memory(unittest.TestCase):

    def test_a_server_that_does_nothing_is_small(self):
        with started() as s:
            if s.is_sanitized():
                self.skipTest("a sanitizer has memory of its own")
            self.assertEqual(s.request("GET", "/").status, 200)
            sheaf_http.eventually(lambda: s.resident() < 6 * MIB, "small")

    def work(self, s, me, times):
        """Some of everything, in a collection of one's own."""
        batch = json.dumps({"operations": [
            {"op": "upsert", "url": "/%d/b%d" % (me, i), "body": "x"}
            for i in range(20)]}).encode()
        with s.connect() as c:
            for _ in range(times):
                for method, target, headers, body in (
                        ("GET", "/big", {}, None),
                        ("PUT", "/%d/f" % me, {}, b"x" * 5000),
                        ("PROPFIND", "/", {"Depth": "infinity"}, PROPFIND),
                        ("PROPFIND", "/%d/" % me,
                         {"Depth": "1", "Accept-Encoding": "zstd"}, PROPFIND),
                        ("COPY", "/%d/" % me,
                         {"Destination": "/copy%d/" % me}, None),
                        ("POST", "/.sheaf/bulk",
                         {"Content-Type": "application/json"}, batch),
                        ("LOCK", "/%d/l" % me, {}, LOCK)):
                    c.request(method, target, headers, body)
                    r = c.response(method)
                    # 429: so many batches are under way.
                    self.assertIn(r.status, (200, 201, 204, 207, 429))
                token = {"Lock-Token": r.header("Lock-Token")}
                c.request("UNLOCK", "/%d/l" % me, token)
                self.assertEqual(c.response().status, 204)

    def wave(self, s, times):
        """Of all clients; afterwards what it took is given back."""
        failed = []

        def client(me):
            try:
                self.work(s, me, times)
            except BaseException as e:  # of the thread
                failed.append(e)
                raise

        threads = [threading.Thread(target=client, args=(i,))
                   for i in range(CLIENTS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failed, [])

    def test_what_work_took_is_given_back(self):
        with started("--durability", "relaxed", "--park-after", "1s") as s:
            s.write("big", b"x" * 500000)
            for i in range(CLIENTS):
                s.request("MKCOL", "/%d/" % i)
                s.write("%d/a" % i, b"x")
            self.wave(s, 5)
            if s.is_sanitized():
                self.skipTest("a sanitizer has memory of its own")
            sheaf_http.eventually(
                lambda: s.resident() < s.peak() - 2 * MIB, "less")
            once = s.resident()
            self.wave(s, 5)
            # As a rule at its next tick without work.
            sheaf_http.eventually(
                lambda: s.resident() < once + MIB, "as small as before")

    def test_a_batch_takes_little_more_than_its_text(self):
        # Each operation's body once, and what is known of it; of what it
        # takes to do it, one at a time.
        with started("--durability", "relaxed") as s:
            if s.is_sanitized():
                self.skipTest("a sanitizer has memory of its own")
            before = s.peak()
            for i in range(4):
                a = bulk.batch(s, [
                    {"op": "create", "url": "/f%d-%d" % (i, n),
                     "body": "x" * 1024} for n in range(1000)],
                    prefer="return=minimal")
                self.assertEqual(a.summary["success"], 1000)
            self.assertLess(s.peak() - before, 4 * MIB)


if __name__ == "__main__":
    sheaf_http.main()

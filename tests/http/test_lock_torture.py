# SPDX-License-Identifier: MIT
"""Twenty clients that lock, write and unlock the same few resources.

    test_lock_torture.py PROGRAM

SHEAF_TORTURE_SECONDS says for how long (8).  What is held to: while a client
has an exclusive lock nobody else's change gets through; nothing is answered
with an error but 423 and 412; nobody waits for ever; and what counters say in
the end is what was counted.
"""

import os
import random
import re
import threading
import time
import unittest

import sheaf_http

CLIENTS = 20
SECONDS = float(os.environ.get("SHEAF_TORTURE_SECONDS", "8"))

LOCKINFO = (b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:%s/></D:lockscope>'
            b'<D:locktype><D:write/></D:locktype>'
            b'<D:owner>client</D:owner></D:lockinfo>')
PROPS = (b'<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x"><D:set><D:prop>'
         b'<x:a>%d</x:a></D:prop></D:set></D:propertyupdate>')

# What is locked, how deep, and the counter that it protects.
TARGETS = (
    ("/c/n", "0", "/c/n"),
    ("/c/n", "infinity", "/c/n"),
    ("/c/", "infinity", "/c/n"),
    ("/c/d/", "infinity", "/c/d/n"),
    ("/c/d/n", "0", "/c/d/n"),
    ("/e", "0", "/e"),
)


class Client:
    """One of them, with a connection of its own."""

    def __init__(self, server, seed, until):
        self.conn = server.connect()
        self.random = random.Random(seed)
        self.until = until
        self.counted = {}
        self.seen = {}
        self.wrong = []

    def send(self, method, target, headers=(), body=None):
        self.conn.request(method, target, headers, body)
        r = self.conn.response(method)
        key = (method, r.status)
        self.seen[key] = self.seen.get(key, 0) + 1
        if r.status >= 400 and r.status not in (412, 423):
            self.wrong.append("%s %s: %d" % (method, target, r.status))
        return r

    def lock(self, target, depth, scope):
        r = self.send("LOCK", target, {
            "Depth": depth, "Timeout": "Second-60",
            "Content-Type": "application/xml"}, LOCKINFO % scope)
        if r.status == 423 or (r.status == 207 and b"423 Locked" in r.body):
            return None
        if r.status != 200:
            self.wrong.append("LOCK %s: %d" % (target, r.status))
            return None
        return re.fullmatch("<(.*)>", r.header("Lock-Token"))[1]

    def unlock(self, target, token):
        r = self.send("UNLOCK", target, {"Lock-Token": "<%s>" % token})
        if r.status != 204:
            self.wrong.append("UNLOCK %s: %d" % (target, r.status))

    def count(self, counter, token):
        """One more, which only works when nobody else writes meanwhile."""
        old = int(self.send("GET", counter).body)
        shown = {"If": "<%s> (<%s>)" % (counter, token)}
        for n in (old, old + 1):
            r = self.send("PUT", counter, shown, b"%d" % n)
            if r.status != 204:
                self.wrong.append("PUT %s with its token: %d" %
                                  (counter, r.status))
                return
            if self.random.random() < 0.5:
                now = self.send("GET", counter)
                if now.body != b"%d" % n:
                    self.wrong.append("%s is %r, I wrote %d" %
                                      (counter, now.body, n))
        self.counted[counter] = self.counted.get(counter, 0) + 1

    def exclusive(self):
        target, depth, counter = self.random.choice(TARGETS)
        token = self.lock(target, depth, b"exclusive")
        if not token:
            return
        self.count(counter, token)
        if self.random.random() < 0.3:
            r = self.send("LOCK", target, {"If": "(<%s>)" % token,
                                           "Timeout": "Second-30"})
            if r.status != 200:
                self.wrong.append("refresh of %s: %d" % (target, r.status))
        self.unlock(target, token)

    def shared(self):
        """Locks for many, under which nothing is written."""
        target, depth, _ = self.random.choice(TARGETS)
        token = self.lock(target, depth, b"shared")
        if token:
            self.unlock(target, token)

    def intrude(self):
        """A change without a token, to what nobody counts on."""
        counter = self.random.choice(TARGETS)[2]
        method, headers, body = self.random.choice((
            ("PROPPATCH", {"Content-Type": "text/xml"},
             PROPS % self.random.randrange(1000)),
            ("PUT", {"If": "(<urn:uuid:none>)"}, b"intruder"),
            ("PUT", {"If-Match": '"none"'}, b"intruder"),
            ("MOVE", {"Destination": counter, "Overwrite": "F"}, None),
            ("COPY", {"Destination": counter, "Overwrite": "F"}, None),
        ))
        source = "/source" if method in ("MOVE", "COPY") else counter
        self.send(method, source, headers, body)

    def run(self):
        steps = (self.exclusive,) * 6 + (self.shared, self.intrude)
        try:
            while time.monotonic() < self.until and not self.wrong:
                self.random.choice(steps)()
        except Exception as e:  # whatever it is, the test is to say so
            self.wrong.append(repr(e))
        finally:
            self.conn.close()


class Torture(sheaf_http.TestCase):
    def test_no_lock_is_lost(self):
        s = self.server
        os.makedirs(s.path("c/d"))
        for name in ("c/n", "c/d/n", "e"):
            s.write(name, b"0")
        s.write("source", b"moved")
        seed = random.randrange(1 << 30)
        until = time.monotonic() + SECONDS
        clients = [Client(s, seed + i, until) for i in range(CLIENTS)]
        threads = [threading.Thread(target=c.run) for c in clients]
        for t in threads:
            t.start()
        for t in threads:
            t.join(SECONDS + 60)
        self.assertFalse([t for t in threads if t.is_alive()], "a deadlock?")
        wrong = [w for c in clients for w in c.wrong]
        self.assertFalse(wrong, "seed %d" % seed)
        self.check_counters(s, clients)
        self.check_all_unlocked(s)

    def check_counters(self, s, clients):
        total = 0
        for counter in {t[2] for t in TARGETS}:
            counted = sum(c.counted.get(counter, 0) for c in clients)
            self.assertEqual(int(s.request("GET", counter).body), counted)
            total += counted
        self.assertGreater(total, 10, "hardly anybody got a lock")
        refused = sum(c.seen.get(("LOCK", 423), 0) for c in clients)
        self.assertGreater(refused, 0, "nobody was ever in the way")

    def check_all_unlocked(self, s):
        for target, _, _ in TARGETS:
            r = s.request("PROPFIND", target, {"Depth": "infinity"},
                          b'<D:propfind xmlns:D="DAV:"><D:prop>'
                          b'<D:lockdiscovery/></D:prop></D:propfind>')
            self.assertNotIn(b"activelock", r.body)


if __name__ == "__main__":
    sheaf_http.main()

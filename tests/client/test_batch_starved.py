#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sheaf batch without memory, and without room for its journal: it never says
that something is done which is not, and who goes on with it has each operation
done once.
usage: test_batch_starved.py SHEAF SHEAF-THAT-STARVES"""

import json
import os
import re
import resource
import signal
import subprocess

import bulk_peer
import scripted

ITEMS = 12
LONG = os.environ.get("SHEAF_LONG")


def batch():
    return "".join(json.dumps(
        {"id": "i%d" % i, "op": "create", "url": "/u/%d" % i, "body": {"n": i},
         **({"dependsOn": ["i0"]} if i == 7 else {}),
         **({"atomicityGroup": "g"} if i in (8, 9) else {})}) + "\n"
        for i in range(ITEMS)).encode()


class TestCase(scripted.TestCase):
    def setUp(self):
        super().setUp()
        self.write("batch", batch())
        self.peer = bulk_peer.Peer(operations=5)
        self.url = self.serve(lambda x: self.peer.answer(x)).url

    def fresh(self):
        self.peer = bulk_peer.Peer(operations=5)
        self.peer.statuses = {"/u/3": [503]}
        for name in os.listdir(self.dir):
            if name != "batch":
                os.unlink(self.path(name))

    def run_with(self, program, *args, command="batch", env=None,
                 before=None):
        return subprocess.run(
            [scripted.PROGRAMS[program], command, *args], cwd=self.dir,
            env={**self.env, **(env or {})}, capture_output=True,
            preexec_fn=before, timeout=scripted.PATIENCE)

    def done(self):
        return {url for url, _ in self.peer.effects}

    def assertTrue_to(self, p):
        """What it said was done is."""
        err = p.stderr.decode()
        self.assertGreaterEqual(p.returncode, 0, err)
        if p.returncode == 0:
            self.assertEqual(len(self.done()), ITEMS, err)
        else:
            self.assertTrue(err, p.returncode)
        said = re.search(r"(\d+) done", err)
        self.assertLessEqual(int(said.group(1)) if said else 0,
                             len(self.done()), err)
        for line in p.stdout.splitlines():
            try:
                item = json.loads(line)
            except ValueError:
                continue  # cut off by what went wrong
            if item.get("type") == "result" and \
                    item.get("outcome") == "done":
                self.assertIn("/u/" + item["id"][1:], self.done())

    def assertOnce(self):
        self.assertEqual(sorted(url for url, _ in self.peer.effects),
                         sorted("/u/%d" % i for i in range(ITEMS)))

    def finish(self, *args):
        """Goes on with what was begun, or begins anew, and has all done."""
        journal = os.path.exists(self.path("j")) and self.read("j")
        # A journal without one whole line of these was begun before anything
        # was sent.
        if journal and any(b"synced" in line
                           for line in journal.split(b"\n")[:-1]):
            args = "--resume", "j"
        else:
            if os.path.exists(self.path("j")):
                os.unlink(self.path("j"))
            args = "--idempotency-key", "k", *args, self.url, "batch"
        p = self.run_with(0, *args)
        # What has its last word already is in a retry file.
        while p.returncode in (3, 6):
            args = re.search(r"to go on: sheaf (\S+) (\S+)",
                             p.stderr.decode()).groups()
            p = self.run_with(0, args[1], command=args[0])
        self.assertEqual(p.returncode, 0, (args, p.stderr))
        self.assertOnce()


class Memory(TestCase):
    def starve(self, n, *args):
        self.fresh()
        p = self.run_with(1, "--idempotency-key", "k", *args, self.url,
                          "batch", env={"SHEAF_STARVE": str(n),
                                        "SHEAF_STARVED": self.path("n")})
        self.assertTrue_to(p)
        return p, int(self.read("n"))

    def check(self, *args):
        p, most = self.starve(10 ** 9, *args)
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertOnce()
        self.assertGreater(most, 100)
        for n in range(1, most + 1, 1 if LONG else most // 15):
            with self.subTest(args=args, n=n):
                self.starve(n, *args)
                self.finish()

    def test_alone(self):
        self.check()

    def test_with_a_journal(self):
        self.check("--journal", "j")

    def test_with_each_result_told(self):
        self.check("--json", "--failed-out", "out")


class Room(TestCase):
    def test_a_journal_that_cannot_grow_ends_it_and_is_gone_on_with(self):
        self.fresh()
        p = self.run_with(0, "--idempotency-key", "k", "--journal", "j",
                          self.url, "batch")
        self.assertEqual(p.returncode, 0, p.stderr)
        whole = len(self.read("j"))
        for size in range(0, whole + 1, 1 if LONG else whole // 15):
            def limit(size=size):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

            with self.subTest(size=size):
                self.fresh()
                p = self.run_with(0, "--idempotency-key", "k", "--journal",
                                  "j", self.url, "batch", before=limit)
                self.assertTrue_to(p)
                if size < whole:
                    self.assertNotEqual(p.returncode, 0, p.stderr)
                self.finish("--journal", "j")


if __name__ == "__main__":
    scripted.main()

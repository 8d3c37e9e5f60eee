# SPDX-License-Identifier: MIT
"""Batches that run after their request was answered (Prefer: respond-async)."""

import os
import random
import shutil
import signal
import tempfile
import time
import unittest

import bulk
import sheaf_http
from bulk import batch, get, send, stream, wait_for

ASYNC = {"prefer": "respond-async"}


def creates(n, folder="/", start=0):
    return [{"id": "i%d" % i, "op": "create", "url": "%sf%d" % (folder, i),
             "body": i} for i in range(start, start + n)]


class Jobs(sheaf_http.TestCase):

    args = ("--bulk-jobs", "3")

    def test_it_is_accepted_watched_and_read_back(self):
        self.server.request("PUT", "/f7", (), b"taken")
        a = batch(self.server, creates(20), **ASYNC)
        self.assertEqual(a.status, 202)
        self.assertEqual(a.header("Preference-Applied"), "respond-async")
        self.assertTrue(a.header("Retry-After").isdigit())
        where = a.header("Location")
        self.assertEqual(where, "/.sheaf/batches/" + a.doc["batchId"])
        self.assertEqual(a.doc["summary"]["total"], 20)
        link = '<%s>; rel="monitor"' % where
        self.assertEqual(a.header("Link"), link)
        doc = wait_for(self.server, where)
        self.assertEqual(get(self.server, where).header("Link"), link)
        self.assertEqual(doc["state"], "partially_succeeded")
        self.assertEqual((doc["summary"]["success"],
                          doc["summary"]["failed"]), (19, 1))
        self.assertIn("endedAt", doc)
        r = get(self.server, doc["results"])
        self.assertEqual(r.status, 207)
        self.assertEqual([x["index"] for x in r.results], list(range(20)))
        self.assertEqual(r.summary, doc["summary"])
        f = get(self.server, doc["results"] + "?status=failed")
        self.assertEqual([x["id"] for x in f.results], ["i7"])
        f = get(self.server, doc["results"] + "?after=17")
        self.assertEqual([x["index"] for x in f.results], [18, 19])
        f = get(self.server, doc["results"], Accept=bulk.NDJSON)
        self.assertEqual(len(f.results), 20)
        self.assertEqual(f.lines[-1]["type"], "summary")
        for odd in ("?status=ok", "?after=x", "?x=1"):
            self.assertEqual(
                get(self.server, doc["results"] + odd).status, 400)

    def test_what_is_malformed_is_refused_at_once(self):
        for body, status in ((b"{", 400), (b'{"operations":[]}', 400)):
            a = send(self.server, body, **ASYNC)
            self.assertEqual(a.status, status, a.body)
        ops = creates(2, "/twice") + creates(1, "/twice")
        self.assertEqual(batch(self.server, ops, **ASYNC).status, 400)
        # It is told before all is cleared away.
        sheaf_http.eventually(
            lambda: not [n for n in os.listdir(self.server.path(".sheaf/jobs"))
                         if n.endswith(".new")], "the removal of what was refused")

    def test_more_than_a_user_may_have_are_429_and_a_cancel_makes_room(self):
        def long(k):
            return [{"op": "upsert", "url": "/l%d-%d" % (k, i), "body": i}
                    for i in range(3000)]
        held = [stream(self.server, long(k), **ASYNC) for k in range(3)]
        self.assertEqual([a.status for a in held], [202] * 3)
        over = stream(self.server, long(9), **ASYNC)
        if over.status != 429:  # one was over already
            self.assertEqual(over.status, 202)
            held.append(over)
        else:
            self.assertIn("asyncBatches", over.detail)
            self.assertTrue(over.header("Retry-After").isdigit())
        for a in held:
            r = bulk.Answer(self.server.request(
                "DELETE", a.header("Location")))
            self.assertEqual(r.status, 200)
        for a in held:
            doc = wait_for(self.server, a.header("Location"))
            s = doc["summary"]
            self.assertEqual(s["total"], s["success"] + s["failed"])
            if doc["state"] == "cancelled":
                self.assertEqual(
                    s["success"] + s["notAttempted"], s["total"])
            again = bulk.Answer(self.server.request(
                "DELETE", a.header("Location")))
            self.assertEqual(again.doc["state"], doc["state"])
            n = sum(os.path.exists(self.server.path("l%d-%d" % (k, i)))
                    for k, h in enumerate(held) if h is a
                    for i in range(3000))
            if a is not over:
                self.assertEqual(n, s["success"])

    def test_another_id_is_404(self):
        for where in ("/.sheaf/batches/b_x", "/.sheaf/batches/b_x/results"):
            self.assertEqual(get(self.server, where).status, 404)
        r = self.server.request("DELETE", "/.sheaf/batches/b_x")
        self.assertEqual(r.status, 404)


class Restarts(unittest.TestCase):

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="sheaf-jobs-")
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def start(self):
        return sheaf_http.Server(root=self.root)

    def kill(self, s):
        s.signal(signal.SIGKILL)
        s.wait()
        s.process.stdout.close()
        s.process.stderr.close()

    def test_a_job_goes_on_after_it_was_cut_off_and_does_nothing_twice(self):
        n = 400 if os.environ.get("SHEAF_SANITIZED") else 1500
        rng = random.Random(7)
        ops = []
        for i in range(n):
            ops.append({"id": "c%d" % i, "op": "create", "url": "/f%d" % i,
                        "body": i})
        for i in range(0, n, 3):  # done twice they would fail
            ops.append({"id": "m%d" % i, "op": "move", "url": "/f%d" % i,
                        "destination": "/g%d" % i})
        s = self.start()
        where = stream(s, ops, **ASYNC).header("Location")
        kills = 0
        while True:
            time.sleep(rng.uniform(0.01, 0.12))
            over = get(s, where).doc["state"] not in ("queued", "running")
            if over or kills == 8:
                break
            self.kill(s)
            kills += 1
            s = self.start()
        doc = wait_for(s, where)
        results = get(s, doc["results"])
        self.assertEqual(results.failed(), [])
        self.assertEqual(doc["state"], "succeeded")
        self.assertEqual(doc["summary"]["success"], len(ops))
        self.assertEqual([r["index"] for r in results.results],
                         list(range(len(ops))))
        have = set(os.listdir(self.root)) - {".sheaf"}
        want = {("g%d" if i % 3 == 0 else "f%d") % i for i in range(n)}
        self.assertEqual({h for h in have if not h.startswith(".")}, want)
        self.assertGreater(kills, 0)
        s.stop()

    def test_a_stop_lets_it_go_on_at_the_next_start(self):
        s = self.start()
        where = stream(s, creates(1500), **ASYNC).header("Location")
        s.signal(signal.SIGTERM)
        self.assertEqual(s.wait(), 0)
        s.stop()
        with self.start() as s:
            doc = wait_for(s, where)
            self.assertEqual(doc["state"], "succeeded")
            self.assertEqual(len(get(s, doc["results"]).results), 1500)

    def test_what_is_over_is_still_there_after_a_restart(self):
        with self.start() as s:
            where = batch(s, creates(3), **ASYNC).header("Location")
            before = wait_for(s, where)
        with self.start() as s:
            self.assertEqual(get(s, where).doc, before)
            self.assertEqual(
                get(s, before["results"]).statuses, [201] * 3)

    def test_what_is_kept_long_enough_goes(self):
        with self.start() as s:
            where = batch(s, creates(2), **ASYNC).header("Location")
            wait_for(s, where)
        folder = os.path.join(self.root, ".sheaf", "jobs",
                              where.rsplit("/", 1)[1])
        with open(os.path.join(folder, "end")) as f:
            lines = f.read().splitlines()
        with open(os.path.join(folder, "end"), "w") as f:
            for line in lines:
                if line.startswith("ended "):
                    line = "ended %d" % ((time.time() - 86500) * 10 ** 9)
                f.write(line + "\n")
        with self.start() as s:
            sheaf_http.eventually(lambda: not os.path.exists(folder),
                                  "an old batch goes")
            self.assertEqual(get(s, where).status, 404)

    def test_leftovers_and_spoiled_ones_do_not_keep_it_from_starting(self):
        with self.start() as s:
            where = batch(s, creates(2), **ASYNC).header("Location")
            wait_for(s, where)
        jobs = os.path.join(self.root, ".sheaf", "jobs")
        os.mkdir(os.path.join(jobs, "b_half.new"))
        with open(os.path.join(jobs, "b_half.new", "body"), "w"):
            pass
        os.mkdir(os.path.join(jobs, "b_empty"))
        os.mkdir(os.path.join(jobs, "b_odd"))
        with open(os.path.join(jobs, "b_odd", "spec"), "w") as f:
            f.write("form 99\ncreated x\n\0\n")
        with self.start() as s:
            self.assertEqual(get(s, where).doc["state"], "succeeded")
            self.assertEqual(
                get(s, "/.sheaf/batches/b_odd").status, 404)
        self.assertFalse(os.path.exists(os.path.join(jobs, "b_half.new")))


if __name__ == "__main__":
    sheaf_http.main()

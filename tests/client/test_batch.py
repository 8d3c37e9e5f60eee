#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sheaf batch, against a bulk endpoint that does what the test wants."""

import json
import os
import random
import signal
import subprocess
import time

import bulk_peer
import scripted


def ops(n, first=0, **more):
    return [{"id": "i%d" % i, "op": "create", "url": "/u/%d" % i,
             "body": {"n": i}, **more} for i in range(first, first + n)]


def lines(items, head=None):
    out = [json.dumps({"batch": head})] if head else []
    return ("\n".join(out + [json.dumps(i) for i in items]) + "\n").encode()


class TestCase(scripted.TestCase):
    def peer(self, *args, **more):
        peer = bulk_peer.Peer(*args, **more)
        self.server = self.serve(peer.answer)
        self.url = self.server.url
        return peer

    def batch(self, data, *args, url=None, **more):
        self.write("batch", data if isinstance(data, bytes) else lines(data))
        return self.sheaf("batch", *args, url or self.url, "batch", **more)

    def retry_file(self):
        names = [n for n in os.listdir(self.dir)
                 if n.startswith("sheaf-retry-")]
        self.assertEqual(len(names), 1, names)
        return names[0]

    def lines_of(self, name):
        return [json.loads(s) for s in self.read(name).splitlines()]

    def printed(self, p):
        return [json.loads(s) for s in p.stdout.splitlines()]

    def urls(self, peer):
        return [[o["url"] for o in b["operations"]] for b in peer.batches]

    def assertOnce(self, peer, n):
        self.assertEqual(sorted(u for u, _ in peer.effects),
                         sorted("/u/%d" % i for i in range(n)))


class Sending(TestCase):
    def test_it_sends_as_many_at_a_time_as_the_server_takes(self):
        peer = self.peer(operations=10)
        self.batch(ops(25))
        self.assertEqual([len(b["operations"]) for b in peer.batches],
                         [10, 10, 5])
        self.assertOnce(peer, 25)

    def test_it_sends_as_many_bytes_as_the_server_takes(self):
        peer = self.peer(json_bytes=1000)
        p = self.batch(ops(30))
        self.assertGreater(len(peer.batches), 2)
        for x in self.server.of("POST"):
            self.assertLessEqual(len(x.body), 1000)
        self.assertOnce(peer, 30)
        self.assertIn("30 done", p.err)

    def test_a_server_that_takes_no_lines_is_sent_a_document(self):
        for most, kind in ((0, "application/json"),
                           (1000000, "application/x-ndjson")):
            peer = self.peer(operations=10, streamOperations=most)
            self.batch(json.dumps({"operations": ops(15), "defaults": {}},
                                  indent=1).encode())
            self.assertEqual({x.fields["content-type"]
                              for x in self.server.of("POST")}, {kind})
            self.assertEqual([b["defaults"] for b in peer.batches], [{}, {}])
            self.assertOnce(peer, 15)

    def test_it_takes_every_form_of_a_batch(self):
        items = ops(3)
        forms = {
            "an object": json.dumps({"operations": items}),
            "an object over many lines":
                json.dumps({"operations": items, "defaults": {}}, indent=2),
            "a list": json.dumps(items),
            "lines": lines(items),
            "lines without an end": lines(items).rstrip(),
            "lines that end as Windows has it":
                lines(items).replace(b"\n", b"\r\n\r\n"),
            "a head and lines": lines(items, {"defaults": {}}),
            "a sequence": b"".join(b"\x1e" + json.dumps(i).encode() + b"\n"
                                   for i in items),
            "lines behind a mark of their order of bytes":
                b"\xef\xbb\xbf" + lines(items),
            "one operation a line, and one line": lines(items[:1]),
        }
        for what, data in forms.items():
            with self.subTest(what):
                peer = self.peer()
                self.batch(data if isinstance(data, bytes)
                           else data.encode())
                n = 1 if "one line" in what else 3
                self.assertOnce(peer, n)
                self.assertEqual(len(peer.batches), 1)
                self.assertEqual(peer.batches[0].get("defaults"),
                                 {} if "head" in what or "over" in what
                                 else None)

    def test_what_it_does_not_understand_it_leaves_byte_for_byte(self):
        self.peer()
        body = b'{"a": 1.10, "b": 123456789012345678901234567890,' \
               b' "c": "\\u00e9\\/", "a b" :[ ] }'
        self.batch(b'{"op":"create","url":"/u/0","odd":1e400,"body":%s}\n'
                   % body)
        sent = self.server.of("POST")[0].body
        self.assertIn(b'"body":' + body, sent)
        self.assertIn(b'"odd":1e400', sent)

    def test_a_batch_may_come_through_a_pipe(self):
        peer = self.peer(operations=10)
        self.sheaf("batch", self.url, "-", stdin=lines(ops(25)))
        self.assertOnce(peer, 25)

    def test_the_endpoint_itself_may_be_named(self):
        peer = self.peer()
        self.batch(ops(2), url=self.url + ".sheaf/bulk")
        self.assertEqual(self.server.requests[0].target,
                         "/.sheaf/capabilities")
        self.assertOnce(peer, 2)

    def test_an_operation_without_an_id_is_known_by_its_index(self):
        peer = self.peer(operations=2)
        peer.statuses["/u/2"] = [409]
        p = self.batch([{"op": "create", "url": "/u/%d" % i}
                        for i in range(3)], code=3)
        self.assertEqual([o["id"] for b in peer.batches
                          for o in b["operations"]], ["0", "1", "2"])
        self.assertIn("2: create %su/2: 409 Conflict" % self.url, p.err)

    def test_results_are_printed_one_object_a_line(self):
        peer = self.peer()
        peer.statuses["/u/1"] = [403]
        p = self.batch(ops(2), "--json", code=3)
        a, b, summary = self.printed(p)
        self.assertEqual((a["id"], a["op"], a["status"], a["fate"]),
                         ("i0", "create", 201, "done"))
        self.assertEqual((b["id"], b["status"], b["fate"]),
                         ("i1", 403, "failed"))
        self.assertEqual((summary["done"], summary["failed"],
                          summary["exit"]), (1, 1, 3))

    def test_what_was_answered_is_printed_as_it_is(self):
        peer = self.peer()
        said = '{"id": "a", "status": 200, "body": {"n": 1.10,\n' \
               ' "e": 1e4}}'

        def answer(_peer, x, _batch):
            x.reply(207, '{"results": [%s]}' % said,
                    Content_Type="application/json")
            return True

        peer.faults = [answer]
        p = self.batch([{"id": "a", "op": "read", "url": "/u/0"}], "--json")
        self.assertIn(said.replace("\n", " ").encode(), p.stdout)
        self.assertEqual(self.printed(p)[0]["answer"], json.loads(said))

    def test_each_operation_has_a_key_of_its_own(self):
        peer = self.peer(operations=2)
        self.batch([{"op": "create", "url": "/u/0", "id": "a"},
                    {"op": "create", "url": "/u/1",
                     "idempotencyKey": "mine"},
                    {"op": "create", "url": "/u/2"}],
                   "--idempotency-key", "import-42")
        self.assertEqual([o["idempotencyKey"] for b in peer.batches
                          for o in b["operations"]],
                         ["import-42/a", "mine", "import-42/2"])
        self.assertEqual(len(set(peer.keys)), 2)
        p = self.batch([{"op": "create", "url": "/u/0", "id": "a"}],
                       "--idempotency-key", "import-42", "--json")
        self.assertTrue(self.printed(p)[0]["replayed"])
        self.assertEqual(len(peer.effects), 3)

    def test_a_dry_run_asks_the_server(self):
        peer = self.peer()
        peer.statuses["/u/1"] = [409]
        self.batch(ops(3), "-n", code=3)
        self.assertTrue(peer.batches[0]["dryRun"])
        self.assertEqual(peer.effects, [])
        self.assertEqual(self.files(), ["batch"])

    def test_a_batch_that_says_that_it_is_a_dry_run_is_one(self):
        peer = self.peer()
        peer.statuses["/u/1"] = [409]
        head = {"dryRun": True}
        self.batch(lines(ops(3), head), code=3)
        self.assertTrue(peer.batches[0]["dryRun"])
        # What it did not do needs no doing again.
        self.assertEqual(os.listdir(self.dir), ["batch"])
        p = self.batch(lines(ops(3), head), "--journal", "j", code=2)
        self.assertIn("needs no journal", p.err)
        self.assertEqual(len(peer.batches), 1)
        for odd in (b'"true"', b"1", b"null"):
            p = self.batch(b'{"dryRun":%s,"operations":[{"op":"delete",'
                           b'"url":"/"}]}' % odd, code=1)
            self.assertIn("neither true nor false", p.err)
        self.assertEqual(len(peer.batches), 1)

    def test_a_dry_run_is_not_cut_in_two(self):
        peer = self.peer(operations=10, streamOperations=25)
        peer.statuses["/u/3"] = [503]
        self.batch(ops(25), "-n", code=3)
        self.assertEqual([len(b["operations"]) for b in peer.batches], [25])
        p = self.batch(ops(26), "-n", code=5)
        self.assertIn("judged by what those before it would do", p.err)
        self.assertEqual(len(peer.batches), 1)

    def test_members_that_failed_are_named(self):
        peer = self.peer()
        peer.faults = [bulk_peer.change(lambda r: [
            {**r[0], "status": 423, "partial": True, "error": "Locked",
             "members": [{"href": "/u/0/x", "status": 423}]}])]
        p = self.batch([{"op": "delete", "url": "/u/0/", "id": "rm"}], code=3)
        self.assertIn("/u/0/x: 423 Locked", p.err)
        self.assertIn("done in part", p.err)
        self.assertEqual(len(self.lines_of(self.retry_file())), 2)


class Slowly(TestCase):
    def test_what_is_too_large_is_halved(self):
        peer = self.peer()

        def too_large(_peer, x, batch):
            if len(batch["operations"]) <= 3:
                return False
            peer.faults.insert(0, too_large)
            x.reply(413)
            return True

        peer.faults = [too_large]
        self.batch(ops(20))
        self.assertOnce(peer, 20)
        self.assertEqual(max(len(b["operations"]) for b in peer.batches[3:]),
                         2)

    def test_one_that_is_too_large_by_itself_fails_alone(self):
        peer = self.peer()

        def too_large(_peer, x, batch):
            peer.faults.insert(0, too_large)
            if all(o["url"] != "/u/3" for o in batch["operations"]):
                return False
            x.reply(413)
            return True

        peer.faults = [too_large]
        p = self.batch(ops(6), code=3)
        self.assertIn("i3: create %su/3: 413" % self.url, p.err)
        self.assertEqual(len(peer.effects), 5)

    def test_a_busy_server_is_given_the_time_it_asks_for(self):
        peer = self.peer()
        peer.faults = [bulk_peer.refuse(429, Retry_After="1")]
        began = time.monotonic()
        self.batch(ops(3))
        self.assertGreaterEqual(time.monotonic() - began, 1)
        self.assertOnce(peer, 3)

    def test_longer_than_a_minute_nobody_waits(self):
        peer = self.peer(operations=2)
        peer.faults = [bulk_peer.refuse(503, Retry_After="3600")]
        p = self.batch(ops(5), code=4)
        self.assertEqual(len(peer.batches), 1)
        file = self.lines_of(self.retry_file())
        self.assertEqual([l["fate"] for l in file[1:]],
                         ["failed"] * 2 + ["left"] * 3)
        self.assertEqual(file[1]["retryAfter"], 3600)
        self.assertIn("nothing more was sent: the server was too busy", p.err)
        self.assertIn("3 not begun", p.err)
        self.assertNotIn("i4", p.err)

    def test_only_what_may_succeed_later_is_sent_again(self):
        peer = self.peer()
        peer.statuses = {"/u/1": [503], "/u/2": [409]}
        self.batch(ops(4), code=3)
        self.assertEqual(self.urls(peer),
                         [["/u/0", "/u/1", "/u/2", "/u/3"], ["/u/1"]])

    def test_it_gives_up_after_so_many_attempts(self):
        peer = self.peer()
        peer.statuses = {"/u/0": [503] * 9}
        self.batch(ops(2), "--retries", "2", code=3)
        self.assertEqual(self.urls(peer), [["/u/0", "/u/1"], ["/u/0"]])

    def test_what_waited_goes_again_with_its_cause(self):
        peer = self.peer()
        peer.statuses = {"/u/0": [503]}
        items = ops(3)
        items[1]["dependsOn"] = ["i0"]
        self.batch(items)
        self.assertEqual(self.urls(peer)[1], ["/u/0", "/u/1"])
        self.assertOnce(peer, 3)

    def test_a_key_that_is_in_use_is_waited_for(self):
        peer = self.peer()
        peer.faults = [bulk_peer.refuse(409, Retry_After="0")]
        self.batch(ops(2))
        self.assertOnce(peer, 2)


class Lost(TestCase):
    def test_what_got_no_answer_is_sent_again_and_done_once(self):
        peer = self.peer()
        peer.faults = [bulk_peer.lose(), bulk_peer.lose(before=True)]
        p = self.batch(ops(5), "--json")
        self.assertOnce(peer, 5)
        self.assertEqual(len(peer.batches), 3)
        self.assertEqual(self.printed(p)[-1]["replayed"], 5)

    def test_of_half_an_answer_the_other_half_is_asked_for_again(self):
        peer = self.peer()
        peer.faults = [bulk_peer.cut(0.6)]
        self.batch(ops(20))
        self.assertOnce(peer, 20)
        self.assertTrue(0 < len(peer.batches[1]["operations"]) < 20)

    def test_what_stays_without_an_answer_is_unknown(self):
        peer = self.peer(operations=2)
        peer.faults = [bulk_peer.lose()] * 9
        p = self.batch(ops(4), "--retries", "2", code=6)
        self.assertIn("i1: create %su/1: outcome unknown" % self.url, p.err)
        file = self.lines_of(self.retry_file())
        self.assertEqual([l["fate"] for l in file[1:]],
                         ["unknown"] * 2 + ["left"] * 2)
        peer.faults = []
        self.sheaf("retry", self.retry_file())
        self.assertOnce(peer, 4)

    def test_what_is_not_mentioned_is_never_a_success(self):
        peer = self.peer()
        peer.faults = [bulk_peer.change(lambda r: r[:1] + r[2:])]
        p = self.batch(ops(3), "--retries", "1", code=6)
        self.assertIn("i1: create %su/1: outcome unknown: The answer does "
                      "not mention it" % self.url,
                      p.err.replace("the answer", "The answer"))

    def test_an_answer_that_is_not_to_the_question_breaks_the_protocol(self):
        cases = {
            "an item twice": lambda r: r + r[:1],
            "an id that was not sent":
                lambda r: r[:2] + [{**r[2], "id": "x", "index": 7}],
            "one more than was sent":
                lambda r: r + [{"id": "x", "index": 3, "status": 200}],
        }
        for what, how in cases.items():
            with self.subTest(what):
                peer = self.peer(operations=3)
                peer.faults = [bulk_peer.change(how)]
                self.batch(ops(6), "--failed-out", "out", code=8)
                self.assertEqual(len(peer.batches), 1)
                fates = [l["fate"] for l in self.lines_of("out")[1:]]
                self.assertEqual(fates[-3:], ["left"] * 3)

    def test_an_answer_that_is_none_breaks_the_protocol(self):
        for status, body, type_ in (
                (200, b"<html>hello</html>", "text/html"),
                (207, b'{"results": 7}', "application/json"),
                (207, b'{"results": [{"id": "i0", "status": 201}, !',
                 "application/json"),
                (204, b"", "text/plain")):
            with self.subTest(body=body):
                peer = self.peer()
                peer.faults = [bulk_peer.refuse(status, body,
                                                Content_Type=type_)]
                self.batch(ops(2), code=8)
                self.assertEqual(len(peer.batches), 1)

    def test_a_summary_that_says_otherwise_is_believed_before_its_items(self):
        peer = self.peer()
        peer.faults = [bulk_peer.refuse(
            207, json.dumps({"summary": {"total": 1, "success": 0,
                                         "failed": 1},
                             "results": [{"id": "i0", "status": 201}]}),
            Content_Type="application/json")]
        self.batch(ops(1), code=8)

    def test_what_was_sent_is_never_called_not_begun(self):
        peer = self.peer(operations=2)
        # A status that cannot be read, which is asked for again; and an item
        # that was not sent, after which nothing is.
        peer.faults = [bulk_peer.change(lambda r: [
            {**r[0], "status": "odd"}, r[1], {"id": "x", "status": 200}])]
        p = self.batch(ops(3), "--json", code=8)
        fates = {r["id"]: r["fate"] for r in self.printed(p)[:-1]}
        self.assertEqual(fates, {"i0": "unknown", "i1": "done",
                                 "i2": "left"})
        self.assertEqual(len(peer.batches), 1)

    def test_no_server_at_all(self):
        with scripted.Server(lambda x: None) as gone:
            url = gone.url
        self.batch(ops(2), "--retries", "1", url=url, code=9)

    def test_a_server_that_goes_away(self):
        peer = self.peer(operations=2)

        def go(_peer, x, _batch):
            self.server.listening.shutdown(scripted.socket.SHUT_RDWR)
            self.server.accepting.join()
            self.server.listening.close()
            x.cut()
            return True

        peer.faults = [None, go]
        self.batch(ops(6), "--retries", "2", code=6)
        fates = [l["fate"] for l in self.lines_of(self.retry_file())[1:]]
        self.assertEqual(fates, ["unknown"] * 2 + ["left"] * 2)
        # For the end of the test, which shuts it down again.
        self.server.listening = scripted.socket.create_server(
            ("127.0.0.1", 0))

    def test_who_may_not_log_in(self):
        def deny(x):
            x.reply(403, b"no", Content_Type="text/plain")

        server = self.serve(deny)
        self.batch(ops(2), url=server.url, code=7)


class Whole(TestCase):
    def test_an_atomic_batch_goes_in_one_request(self):
        peer = self.peer()
        self.batch(lines(ops(30), {"mode": "atomic"}))
        self.assertEqual(len(peer.batches), 1)
        self.assertEqual(peer.batches[0]["mode"], "atomic")

    def test_one_that_is_too_long_is_refused_before_anything_is_sent(self):
        for mode in ("atomic", "validate-first"):
            with self.subTest(mode):
                peer = self.peer(operations=10)
                p = self.batch(lines(ops(11), {"mode": mode}), code=5)
                self.assertEqual(peer.batches, [])
                self.assertIn("nothing was sent", p.err)

    def test_the_mode_may_stand_at_the_end(self):
        peer = self.peer(operations=10)
        self.batch(json.dumps({"operations": ops(11),
                               "mode": "atomic"}).encode(), code=5)
        self.assertEqual(peer.batches, [])

    def test_what_failed_as_a_whole_is_refused(self):
        peer = self.peer()
        peer.statuses["/u/1"] = [409]
        p = self.batch(lines(ops(3), {"mode": "atomic"}), code=5)
        self.assertEqual(peer.effects, [])
        self.assertIn("i1: create %su/1: 409" % self.url, p.err)
        self.assertIn("i0: create %su/0: 424" % self.url, p.err)

    def test_it_goes_again_where_what_was_in_the_way_passes(self):
        peer = self.peer()
        peer.statuses["/u/1"] = [503]
        self.batch(lines(ops(3), {"mode": "atomic"}))
        self.assertEqual([len(b["operations"]) for b in peer.batches], [3, 3])
        self.assertOnce(peer, 3)

    def test_413_to_all_or_nothing_is_nothing(self):
        peer = self.peer()
        peer.faults = [bulk_peer.refuse(413)]
        self.batch(lines(ops(3), {"mode": "atomic"}), code=5)
        self.assertEqual(len(peer.batches), 1)

    def test_a_group_is_not_cut(self):
        peer = self.peer(operations=10)
        items = ops(24)
        for i in range(7, 14):
            items[i]["atomicityGroup"] = "g"
        self.batch(items)
        self.assertEqual([len(u) for u in self.urls(peer)], [7, 10, 7])

    def test_no_more_groups_are_sent_than_the_server_takes(self):
        peer = self.peer(groups=2, groupOperations=2)
        items = [{**o, "atomicityGroup": "g%d" % (i // 2)}
                 for i, o in enumerate(ops(10))] + ops(3, 10)
        self.batch(items)
        self.assertEqual([len(u) for u in self.urls(peer)], [4, 4, 5])
        p = self.batch(items, "-n", code=5)
        self.assertIn("at most 2 groups; this has 5", p.err)
        p = self.batch(ops(3, atomicityGroup="g"), code=5)
        self.assertIn("there is a group of 3", p.err)
        self.assertEqual(len(peer.batches), 3)

    def test_a_group_that_is_too_long_is_refused(self):
        peer = self.peer(operations=10)
        self.batch(ops(11, atomicityGroup="g"), code=5)
        self.assertEqual(peer.batches, [])

    def test_a_malformed_batch_is_not_begun(self):
        cases = {
            "line 3": lines(ops(2)) + b'{"op":\n',
            "line 2: the id 'i0' stands twice": lines(ops(1) + ops(1)),
            "dependsOn names 'i9'": lines(ops(2, dependsOn=["i9"])),
            "dependsOn names 'i1'": lines([{**ops(1)[0],
                                            "dependsOn": ["i1"]}, ops(2)[1]]),
            "no neighbours": lines([{**o, **({"atomicityGroup": "g"}
                                             if i != 1 else {})}
                                    for i, o in enumerate(ops(3))]),
            "no operations": b'{"operations": []}',
            "neither": b'{\n"mode": "atomic"}',
            "\"op\" and \"method\"": lines([{"url": "/x"}]),
            "\"url\"": lines([{"op": "read"}]),
            "ends inside": json.dumps({"operations": ops(3)}).encode()[:-9],
        }
        for what, data in cases.items():
            with self.subTest(what):
                peer = self.peer(operations=1)
                p = self.batch(data, code=1)
                self.assertIn(what, p.err)
                self.assertEqual(self.server.requests, [])
                self.assertEqual(peer.batches, [])

    def test_so_many_failures_end_it(self):
        peer = self.peer(operations=3)
        peer.statuses = {"/u/%d" % i: [403] for i in (1, 4)}
        p = self.batch(lines(ops(9), {"failOnErrors": 2}), code=3)
        self.assertEqual([b["failOnErrors"] for b in peer.batches], [2, 1])
        self.assertIn("4 done, 2 failed, 3 not begun", p.err)
        self.assertEqual(len(self.lines_of(self.retry_file())), 1 + 2 + 3)


class Waiting(TestCase):
    def test_what_is_done_need_not_be_waited_for(self):
        peer = self.peer(operations=2)
        items = ops(5)
        items[1]["dependsOn"] = ["i0"]
        items[4]["dependsOn"] = ["i0", "i3"]
        self.batch(items)
        sent = [o for b in peer.batches for o in b["operations"]]
        self.assertEqual(sent[1]["dependsOn"], ["i0"])
        self.assertNotIn("dependsOn", sent[4])
        self.assertOnce(peer, 5)

    def test_what_waits_for_a_failure_is_not_sent(self):
        peer = self.peer(operations=2)
        peer.statuses["/u/0"] = [403]
        items = ops(5)
        items[3]["dependsOn"] = ["i0"]
        items[4]["dependsOn"] = ["i3"]
        p = self.batch(items, code=3)
        self.assertEqual(len(peer.effects), 2)
        self.assertIn("i3: create %su/3: not begun: what it waits for has "
                      "failed: i0" % self.url,
                      p.err.replace("What it", "what it"))
        peer.statuses = {}
        self.sheaf("retry", self.retry_file())
        self.assertOnce(peer, 5)

    def test_a_group_can_be_waited_for(self):
        peer = self.peer(operations=2)
        items = ops(2, atomicityGroup="g") + ops(2, 2, dependsOn=["g"])
        self.batch(items)
        self.assertNotIn("dependsOn", peer.batches[1]["operations"][0])
        self.assertOnce(peer, 4)

    def test_a_reference_is_replaced_by_what_was_answered(self):
        peer = self.peer(operations=1)
        self.batch([
            {"id": "a", "op": "create", "url": "/u/0"},
            {"id": "b", "op": "update", "url": "/u/0", "ifMatch": "$a"},
            {"id": "c", "op": "create", "url": "$a/x", "destination": "$b"}])
        b, c = (x["operations"][0] for x in peer.batches[1:])
        self.assertEqual(b["ifMatch"], '"1"')
        self.assertEqual((c["url"], c["destination"]), ("/u/0/x", "/u/0"))

    def test_in_one_request_a_reference_stays(self):
        peer = self.peer()
        self.batch([
            {"id": "a", "op": "create", "url": "/u/0"},
            {"id": "b", "op": "update", "url": "/u/0", "ifMatch": "$a",
             "dependsOn": ["a"]}])
        self.assertEqual(peer.batches[0]["operations"][1]["ifMatch"], "$a")

    def test_a_reference_to_what_was_not_told_is_refused(self):
        peer = self.peer(operations=1)
        peer.faults = [bulk_peer.change(lambda r: [
            {k: v for k, v in r[0].items() if k != "headers"}])]
        p = self.batch([
            {"id": "a", "op": "create", "url": "/u/0"},
            {"id": "b", "op": "update", "url": "/u/0", "ifMatch": "$a"}],
            code=3)
        self.assertIn("did not tell its entity tag", p.err)
        self.assertEqual(len(peer.batches), 1)


class Again(TestCase):
    def test_only_what_failed_goes_again_under_its_own_key(self):
        for command in ("retry", "batch"):
            with self.subTest(command):
                peer = self.peer(operations=3)
                peer.statuses = {"/u/1": [503], "/u/4": [500]}
                self.batch(ops(6), "--failed-out", "out", "--retries", "1",
                           code=3)
                keys = {o["id"]: o["idempotencyKey"] for b in peer.batches
                        for o in b["operations"]}
                head, *rest = self.lines_of("out")
                self.assertEqual(head["command"], "batch")
                self.assertEqual([(l["id"], l["status"], l["fate"])
                                  for l in rest],
                                 [("i1", 503, "failed"),
                                  ("i4", 500, "failed")])
                self.assertEqual(rest[0]["url"], self.url + "u/1")
                before = len(peer.batches)
                self.sheaf(command, "--failed-out", "out", "out")
                again = [o for b in peer.batches[before:]
                         for o in b["operations"]]
                self.assertEqual({o["id"]: o["idempotencyKey"]
                                  for o in again},
                                 {i: keys[i] for i in ("i1", "i4")})
                self.assertOnce(peer, 6)
                self.assertEqual(len(self.lines_of("out")), 1)

    def test_409_and_412_are_never_sent_again(self):
        peer = self.peer()
        peer.statuses = {"/u/0": [409], "/u/1": [412], "/u/2": [423]}
        self.batch(ops(3), "--failed-out", "out", code=4)
        p = self.sheaf("retry", "--failed-out", "out", "out", code=3)
        self.assertEqual(self.urls(peer)[1], ["/u/2"])
        self.assertIn("never sent again", p.err)
        self.assertEqual(len(self.lines_of("out")), 3)

    def test_a_server_is_given_the_time_it_asked_for(self):
        peer = self.peer()
        peer.faults = [bulk_peer.refuse(503, Retry_After="3600")]
        self.batch(ops(2), "--failed-out", "out", code=4)
        p = self.sheaf("retry", "--failed-out", "out", "out", code=4)
        self.assertIn("asked for more time", p.err)
        self.assertEqual(len(peer.batches), 1)
        after = [l["retryAfter"] for l in self.lines_of("out")[1:]]
        self.assertTrue(all(3000 < n <= 3600 for n in after), after)

    def test_what_stands_beside_the_operations_goes_again_as_well(self):
        peer = self.peer()
        peer.statuses = {"/u/0": [403]}
        self.batch(lines(ops(1), {"defaults": {"headers": {"a": "b"}}}),
                   "--failed-out", "out", code=4)
        self.sheaf("retry", "out")
        self.assertEqual(peer.batches[1]["defaults"],
                         {"headers": {"a": "b"}})

    def test_the_file_of_a_batch_is_retried_alone(self):
        peer = self.peer()
        peer.statuses = {"/u/0": [403]}
        self.batch(ops(1), "--failed-out", "out", code=4)
        p = self.sheaf("retry", "out", "out", code=2)
        self.assertIn("name it alone", p.err)
        self.assertEqual(len(peer.batches), 1)

    def test_the_file_of_another_command_is_no_batch(self):
        self.peer()
        self.write("out", b'{"type":"sheaf-retry","version":1,'
                          b'"command":"put"}\n')
        p = self.sheaf("batch", self.url, "out", code=1)
        self.assertIn("sheaf retry reads it", p.err)


class Journal(TestCase):
    def test_a_second_run_does_what_the_first_left(self):
        peer = self.peer(operations=2)
        peer.faults = [None, bulk_peer.refuse(503, Retry_After="999")]
        self.batch(ops(6), "--journal", "j", code=3)
        self.assertEqual(self.files(), ["batch", "j"])
        self.assertEqual(os.listdir(self.dir).count("batch"), 1)
        p = self.sheaf("batch", "--resume", "j", "--json")
        self.assertEqual(self.urls(peer), [
            ["/u/0", "/u/1"], ["/u/2", "/u/3"], ["/u/2", "/u/3"],
            ["/u/4", "/u/5"]])
        self.assertEqual([r["id"] for r in self.printed(p)[:-1]],
                         ["i%d" % i for i in range(6)])
        self.assertOnce(peer, 6)
        keys = {o["id"]: o["idempotencyKey"] for b in peer.batches
                for o in b["operations"]}
        self.assertEqual(len({k.split("/")[0] for k in keys.values()}), 1)

    def test_what_had_failed_is_told_again_and_left_again(self):
        peer = self.peer(operations=1)
        peer.statuses["/u/0"] = [403]
        peer.faults = [None, bulk_peer.refuse(503, Retry_After="999")]
        self.batch(ops(3), "--journal", "j", "--failed-out", "a", code=4)
        p = self.sheaf("batch", "--resume", "j", "--failed-out", "b", code=3)
        self.assertIn("i0: create %su/0: 403" % self.url, p.err)
        self.assertEqual([l["id"] for l in self.lines_of("b")[1:]], ["i0"])
        self.assertEqual(self.lines_of("b")[1]["operation"]["body"],
                         {"n": 0})

    def test_a_resumed_batch_knows_what_was_done_before(self):
        peer = self.peer(operations=1)
        peer.faults = [None, bulk_peer.refuse(503, Retry_After="999")]
        self.batch([
            {"id": "a", "op": "create", "url": "/u/0"},
            {"id": "b", "op": "update", "url": "/u/0", "ifMatch": "$a",
             "dependsOn": ["a"]}], "--journal", "j", code=3)
        self.sheaf("batch", "--resume", "j")
        b = peer.batches[-1]["operations"][0]
        self.assertEqual(b["ifMatch"], '"1"')
        self.assertNotIn("dependsOn", b)

    def test_a_finished_batch_has_nothing_left_to_do(self):
        peer = self.peer()
        self.batch(ops(3), "--journal", "j")
        self.sheaf("batch", "--resume", "j")
        self.assertEqual(len(peer.batches), 1)

    def test_what_came_through_a_pipe_is_kept(self):
        peer = self.peer(operations=2)
        peer.faults = [None, bulk_peer.refuse(503, Retry_After="999")]
        self.sheaf("batch", "--journal", "j", self.url, "-",
                   stdin=lines(ops(4)), code=3)
        self.sheaf("batch", "--resume", "j")
        self.assertOnce(peer, 4)

    def test_a_batch_that_has_changed_is_not_gone_on_with(self):
        peer = self.peer()
        self.batch(ops(3), "--journal", "j")
        self.write("batch", lines(ops(4)))
        p = self.sheaf("batch", "--resume", "j", code=1)
        self.assertIn("it has changed", p.err)
        self.assertEqual(len(peer.batches), 1)

    def test_a_journal_is_not_overwritten(self):
        peer = self.peer()
        self.write("j", b"mine")
        p = self.batch(ops(3), "--journal", "j", code=1)
        self.assertIn("--resume", p.err)
        self.assertEqual(self.read("j"), b"mine")
        self.assertEqual(peer.batches, [])

    def test_what_is_no_journal_is_refused(self):
        self.peer()
        for data in (b"", b"mine", b"{}\n", b'{"type":"sent"}\n'):
            self.write("j", data)
            p = self.sheaf("batch", "--resume", "j", code=1)
            self.assertIn("no journal", p.err)
            self.assertEqual(self.read("j"), data)

    def test_the_end_that_was_cut_off_is_no_line(self):
        peer = self.peer(operations=1)
        self.batch(ops(4), "--journal", "j")
        whole = self.read("j")
        rng = random.Random(3)
        first = whole.index(b"synced") + 10
        for _ in range(6):
            self.write("j", whole[:rng.randrange(first, len(whole))])
            self.sheaf("batch", "--resume", "j")
            self.assertOnce(peer, 4)

    def test_a_line_in_the_middle_that_is_broken_is_refused(self):
        peer = self.peer(operations=1)
        self.batch(ops(4), "--journal", "j")
        self.write("j", self.read("j").replace(b'"sent"', b'"sent', 1))
        before = len(peer.batches)
        p = self.sheaf("batch", "--resume", "j", code=1)
        self.assertIn("line 3", p.err)
        self.assertEqual(len(peer.batches), before)

    def test_killed_at_random_nothing_is_done_twice_and_nothing_lost(self):
        rng = random.Random(7)
        rounds, slow = (2, 8) if os.environ.get("SHEAF_SANITIZED") else (3, 1)
        for r in range(rounds):
            peer = self.peer(operations=5)
            peer.statuses = {"/u/5": [403] * 99, "/u/50": [503]}
            self.write("batch", lines(ops(120)))
            journal = "j%d" % r
            args = ["--journal", journal, self.url, "batch"]
            kills = 0
            while True:
                p = self.popen("batch", *args, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
                try:
                    p.wait(slow * rng.uniform(0.005, 0.08)
                           if kills < 5 else 60)
                except subprocess.TimeoutExpired:
                    p.send_signal(signal.SIGKILL)
                    kills += 1
                out, err = p.communicate()
                if p.returncode >= 0:
                    break
                if os.path.exists(self.path(journal)) and \
                        b"synced" in self.read(journal):
                    args = ["--json", "--failed-out", "out", "--resume",
                            journal]
                elif os.path.exists(self.path(journal)):
                    os.unlink(self.path(journal))
            self.assertEqual(p.returncode, 3, err)
            self.assertEqual(
                sorted(u for u, _ in peer.effects),
                sorted("/u/%d" % i for i in range(120) if i != 5))
            if "--json" in args:
                done = [x for x in map(json.loads, out.splitlines())
                        if x["type"] == "result"]
                self.assertEqual(sorted(x["id"] for x in done),
                                 sorted("i%d" % i for i in range(120)))
                self.assertEqual([l["id"] for l in self.lines_of("out")[1:]],
                                 ["i5"])

    def test_two_do_not_go_on_with_one_journal(self):
        peer = self.peer(operations=1)
        began, go = scripted.threading.Event(), scripted.threading.Event()

        def hold(_peer, _x, _batch):
            began.set()
            go.wait(30)
            return False

        peer.faults = [hold]
        self.write("batch", lines(ops(2)))
        p = self.popen("batch", "--journal", "j", self.url, "batch")
        self.assertTrue(began.wait(30))
        said = self.sheaf("batch", "--resume", "j", code=1)
        go.set()
        self.assertIn("another sheaf", said.err)
        self.assertEqual(p.wait(30), 0)
        self.assertOnce(peer, 2)


class Interrupted(TestCase):
    def interrupted(self, *args):
        peer = self.peer(operations=2)
        began = scripted.threading.Event()

        def slow(_peer, _x, _batch):
            began.set()
            time.sleep(0.3)
            return False

        peer.faults = [None, slow]
        self.write("batch", lines(ops(7)))
        p = self.popen("batch", *args, self.url, "batch",
                       stderr=subprocess.PIPE)
        self.assertTrue(began.wait(30))
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=30)
        self.assertEqual(p.returncode, 130, err)
        self.assertEqual(len(peer.effects), 4)
        return peer, err.decode()

    def test_what_has_begun_is_finished_and_the_rest_is_left(self):
        peer, _ = self.interrupted()
        fates = [(l["id"], l["fate"])
                 for l in self.lines_of(self.retry_file())[1:]]
        self.assertEqual(fates, [("i%d" % i, "left") for i in (4, 5, 6)])
        self.sheaf("retry", self.retry_file())
        self.assertOnce(peer, 7)

    def test_with_a_journal_that_is_gone_on_with(self):
        peer, err = self.interrupted("--journal", "j")
        self.assertIn("sheaf batch --resume j", err)
        self.sheaf("batch", "--resume", "j")
        self.assertOnce(peer, 7)


class Foreign(TestCase):
    """Endpoints that know no keys: what is unknown is not sent again, unless
    twice does no harm."""

    def test_an_endpoint_with_results_is_answered_by_index_or_place(self):
        for name in ("index", "place", "id"):
            with self.subTest(name):
                peer = self.peer(ours=False)
                peer.faults = [bulk_peer.change(lambda r, name=name: [
                    {"status": x["status"],
                     **({} if name == "place" else {name: x[name]})}
                    for x in (r if name == "place" else r[::-1])])]
                peer.statuses["/u/1"] = [403]
                items = ops(3)
                if name != "id":
                    for i in items:
                        del i["id"]
                p = self.batch(items, "--json", code=3)
                self.assertEqual([x["status"] for x in self.printed(p)[:-1]],
                                 [201, 403, 201])
                self.assertIsNone(peer.keys[0])
                self.assertNotIn("idempotencyKey",
                                 peer.batches[0]["operations"][0])

    def test_what_got_no_answer_is_not_sent_again(self):
        peer = self.peer(ours=False)
        peer.faults = [bulk_peer.lose()]
        items = ops(1) + [{"id": "d", "op": "upsert", "url": "/u/1"}]
        self.batch(items, "--failed-out", "out", code=6)
        self.assertEqual(self.urls(peer), [["/u/0", "/u/1"], ["/u/1"]])
        p = self.sheaf("retry", "out", code=6)
        self.assertIn("could do it twice", p.err)
        self.assertEqual(len(peer.batches), 2)

    def test_what_may_have_been_done_is_not_sent_again(self):
        def do_and_say(status):
            def fault(peer, x, batch):
                peer.results(batch)
                x.reply(status)
                return True
            return fault

        for status, fate, code in ((500, "unknown", 6), (502, "unknown", 6),
                                   (504, "unknown", 6), (503, "failed", 4)):
            with self.subTest(status):
                peer = self.peer(ours=False)
                peer.faults = [do_and_say(status)]
                self.batch(ops(2), "--failed-out", "out", code=code)
                self.assertEqual(len(peer.batches), 1)
                self.assertEqual([l["fate"] for l in self.lines_of("out")[1:]],
                                 [fate] * 2)
                # With keys that does no harm.
                peer = self.peer()
                peer.faults = [do_and_say(status)]
                self.batch(ops(2))
                self.assertOnce(peer, 2)

    def test_a_dry_run_sends_nothing(self):
        peer = self.peer(ours=False)
        p = self.batch(ops(3), "-n")
        self.assertIn(b"would send 3 operations to", p.stdout)
        self.assertEqual(peer.batches, [])

    def graph(self, x):
        """As Microsoft Graph answers: in any order, twenty at most."""
        requests = json.loads(bulk_peer.read_body(x))["requests"]
        self.sent.append(requests)
        assert len(requests) <= 20
        x.reply(200, json.dumps({"responses": [
            {"id": r["id"], "status": self.status.get(r["url"], [200]).pop(0)
             if self.status.get(r["url"]) else 200,
             "headers": {"Retry-After": "0"}, "body": {}}
            for r in reversed(requests)]}), Content_Type="application/json")

    def test_requests_and_responses(self):
        self.sent, self.status = [], {"/me/3": [404], "/me/5": [429]}
        server = self.serve(self.graph)
        requests = [{"id": str(i), "method": "GET", "url": "/me/%d" % i}
                    for i in range(25)]
        requests[22]["dependsOn"] = ["1"]
        p = self.batch(json.dumps({"requests": requests}).encode(),
                       "--json", url=server.url + "$batch", code=3)
        self.assertEqual([len(s) for s in self.sent], [20, 6])
        self.assertEqual(self.sent[1][0]["id"], "5")
        self.assertNotIn("dependsOn", self.sent[1][-3])
        results = {r["id"]: r for r in self.printed(p) if "id" in r}
        self.assertEqual(results["3"]["status"], 404)
        self.assertEqual(results["5"]["status"], 200)
        self.status = {}
        self.sheaf("retry", self.retry_file())
        self.assertEqual([r["id"] for r in self.sent[-1]], ["3"])

    def elastic(self, x):
        """As _bulk answers: in the order of the request, with no ids of it."""
        rows = bulk_peer.read_body(x).decode().splitlines()
        assert x.fields["content-type"] == "application/x-ndjson"
        items = []
        while rows:
            action = json.loads(rows.pop(0))
            op = next(iter(action))
            doc = action[op].get("_id", "made-up")
            if op != "delete":
                assert isinstance(json.loads(rows.pop(0)), dict)
            queue = self.status.get(doc) or [201]
            status = queue.pop(0) if len(queue) else 201
            item = {"_id": doc, "status": status}
            if status >= 400:
                item["error"] = {"type": "it_failed", "reason": "so"}
            items.append({op: item})
        self.sent.append([next(iter(i.values()))["_id"] for i in items])
        x.reply(200, json.dumps({
            "errors": any(next(iter(i.values()))["status"] >= 400
                          for i in items), "items": items[:self.most]}),
            Content_Type="application/json")

    BULK = b"".join(
        b'{"index":{"_id":"%d"}}\n{"n":%d}\n' % (i, i) for i in range(3)) + \
        b'{"delete":{"_id":"9"}}\n{"create":{}}\n{"n":4}\n'

    def test_actions_and_items(self):
        self.sent, self.status, self.most = [], {"1": [409], "2": [429]}, 99
        server = self.serve(self.elastic)
        p = self.batch(self.BULK, "--json", url=server.url + "_bulk", code=3)
        self.assertEqual(self.sent, [["0", "1", "2", "9", "made-up"], ["2"]])
        # In the order in which they had their last word.
        self.assertEqual([(r["op"], r["status"])
                          for r in self.printed(p)[:-1]],
                         [("index", 201), ("index", 409), ("delete", 201),
                          ("create", 201), ("index", 201)])
        line = self.lines_of(self.retry_file())[1]
        self.assertEqual(line["operation"], {"index": {"_id": "1"}})
        self.assertEqual(line["source"], {"n": 1})

    def test_an_action_that_is_not_answered_is_unknown(self):
        self.sent, self.status, self.most = [], {}, 4
        server = self.serve(self.elastic)
        self.batch(self.BULK, "--failed-out", "out", url=server.url + "_bulk",
                   code=6)
        self.assertEqual([l["op"] for l in self.lines_of("out")[1:]],
                         ["create"])

    def test_an_action_whose_source_is_missing_is_not_sent(self):
        self.sent, self.status, self.most = [], {}, 99
        server = self.serve(self.elastic)
        self.batch(b'{"index":{}}\n', url=server.url + "_bulk", code=1)
        self.batch(b'{"index":{}}\n{}\n{"odd":{}}\n{}\n',
                   url=server.url + "_bulk", code=1)
        self.assertEqual(self.sent, [])


class Arguments(TestCase):
    def test_what_is_wrong_is_said(self):
        self.peer()
        self.write("batch", lines(ops(1)))
        for args, said in (
                ((), "missing"),
                (("a", "b", "c"), "one operand too many"),
                (("batch",), "where to?"),
                ((self.url,), "which batch?"),
                (("batch", self.url), "which batch?"),
                (("nowhere", "batch"), "nowhere"),
                (("--resume", "j", self.url, "batch"), "leave them out"),
                (("--resume", "j", "-n"), "exclude each other"),
                (("--journal", "j", "-n", self.url, "batch"), "no journal"),
                (("--idempotency-key", "a b", self.url, "batch"),
                 "--idempotency-key")):
            with self.subTest(args=args):
                p = self.sheaf("batch", *args, code=2)
                self.assertIn(said, p.err)
        self.assertEqual(self.server.requests, [])

    def test_a_file_that_is_not_there(self):
        self.peer()
        p = self.sheaf("batch", self.url, "nowhere", code=1)
        self.assertIn("nowhere", p.err)
        p = self.sheaf("batch", "--json", "--resume", "nowhere", code=1)
        self.assertEqual(json.loads(p.stdout)["exit"], 1)


if __name__ == "__main__":
    scripted.main()

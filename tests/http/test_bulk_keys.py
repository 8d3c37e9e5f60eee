# SPDX-License-Identifier: MIT
"""Batches over HTTP: what is sent again under its key."""

import os
import sqlite3

import bulk
import sheaf_http

PATCH = {"content-type": "application/merge-patch+json"}


def up(url, body=1, **members):
    return {"op": "upsert", "url": url, "body": body, **members}


class Again(sheaf_http.TestCase):

    def one(self, operation, head=None, **headers):
        """The result of a batch of one."""
        a = bulk.batch(self.server, [operation], head=head, **headers)
        self.assertEqual(a.status, 207, a.response)
        return a.results[0]

    def single(self, method, target, key, body=b"", **headers):
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        fields["Idempotency-Key"] = '"%s"' % key
        return self.server.request(method, target, fields, body)

    def part(self, head, body=b""):
        raw = (b"--b\r\nContent-Type: application/http\r\n\r\n" +
               head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body +
               b"\r\n--b--\r\n")
        a = bulk.send(self.server, raw, kind="multipart/mixed; boundary=b")
        self.assertEqual(a.status, 207, a.response)
        return a.results[0]

    def test_the_second_answer_is_the_first_one(self):
        self.server.write("r.txt", b"r")
        os.makedirs(self.server.path("in"))
        operations = [
            up("/r1.json", {"a": 1}, id="up"),
            {"id": "named", "op": "create", "url": "/in/", "body": "x",
             "headers": {"content-type": "text/plain", "slug": "n"}},
            {"id": "cp", "op": "copy", "url": "/r.txt", "destination": "/r2.txt"},
            {"id": "mv", "op": "move", "url": "/r2.txt", "destination": "/r3.txt"},
            {"id": "mk", "op": "mkcol", "url": "/mk/"},
            {"id": "pp", "op": "proppatch", "url": "/r.txt",
             "props": {"{urn:x}a": "1", "{urn:x}b": "2"}},
            {"id": "got", "op": "read", "url": "/r3.txt"},
            {"id": "ref", "op": "update", "url": "/r1.json", "body": {"a": 2},
             "ifMatch": "$up"},
            {"id": "rm", "op": "delete", "url": "$named"},
            {"id": "bad", "op": "delete", "url": "/none"},
        ]
        first = bulk.batch(self.server, operations, idempotency_key='"same"')
        again = bulk.batch(self.server, operations, idempotency_key='"same"')
        self.assertEqual(again.summary["replayed"], 8)
        for was, now in zip(first.results, again.results):
            now.pop("replayed", None)
            self.assertEqual(was, now)
        named, cp, mv = first.results[1:4]
        self.assertEqual(named["href"], named["headers"]["location"])
        self.assertIn("etag", cp["headers"])
        self.assertIn("etag", mv["headers"])

    def test_what_a_batch_says_of_all_is_part_of_each(self):
        self.server.write("d.json", b"{}")
        item = {"op": "patch", "url": "/d.json", "body": {"a": 1},
                "idempotencyKey": "def"}
        patch = {"defaults": {"headers": PATCH}}
        other = {"defaults": {"headers": {**PATCH, "If-Match": '"x"'}}}
        self.assertEqual(self.one(item, patch)["status"], 204)
        self.assertEqual(self.one(item, other)["status"], 422)
        # ... and is the same where the operation says it itself.
        self.assertTrue(self.one({**item, "headers": PATCH})["replayed"])

    def test_order_and_space_in_json_are_not_another_payload(self):
        raw = b'{"operations":[{"url":"/j.json","op":"upsert","idempotencyKey":"js","body":%s}]}'
        for body, status in ((b'{"a":1,"b":[1,2]}', 201),
                             (b'{ "b": [1, 2],\n "a": 1 }', 201),
                             (b'{"a":1,"b":[2,1]}', 422)):
            a = bulk.send(self.server, raw % body)
            self.assertEqual(a.statuses, [status], a.response)

    def test_a_reference_is_known_by_what_was_sent(self):
        self.server.write("ref.json", b"0")
        operations = [{"id": "r", "op": "read", "url": "/ref.json"},
                      {"id": "w", "op": "update", "url": "/ref.json", "body": 1,
                       "ifMatch": "$r", "idempotencyKey": "ref"}]
        self.assertEqual(bulk.batch(self.server, operations).statuses, [200, 204])
        a = bulk.batch(self.server, operations) # the tag is another now
        self.assertEqual(a.statuses, [200, 204])
        self.assertTrue(a.results[1]["replayed"])

    def test_a_request_and_an_item_that_say_the_same_share_a_key(self):
        first = self.single("PUT", "/s.txt", "s1", b"text", Content_Type="text/plain")
        self.assertEqual(first.status, 201)
        item = up("/s.txt", "text", headers={"content-type": "text/plain"})
        again = self.one({**item, "idempotencyKey": "s1"})
        self.assertTrue(again["replayed"])
        self.assertEqual((again["status"], again["headers"]["etag"]),
                         (201, first.header("ETag")))
        self.assertNotIn("cache-control", again["headers"])
        self.assertTrue(self.part(
            'PUT /s.txt HTTP/1.1\nContent-Type: text/plain\n'
            'Idempotency-Key: "s1"', b"text")["replayed"])
        other = self.one({**item, "body": "other", "idempotencyKey": "s1"})
        self.assertEqual(other["status"], 422)

        made = self.one({"op": "copy", "url": "/s.txt", "destination": "/t.txt",
                         "idempotencyKey": "s2"})
        at = "http://%s:%d/t.txt" % self.server.address
        r = self.single("COPY", "/s.txt", "s2", None, Destination=at)
        self.assertEqual((made["status"], r.status,
                          r.header("Idempotency-Replayed")), (201, 201, "true"))

    def test_a_request_with_the_key_of_an_item_of_a_batch_is_that_item(self):
        r = self.single("PUT", "/sb.txt", "sb/two", b"text", Content_Type="text/plain")
        self.assertEqual(r.status, 201)
        items = [up("/sb%d.txt" % i, "text", id=name, headers={"content-type": "text/plain"})
                 for i, name in enumerate(("one", "three"))]
        items.append(up("/sb.txt", "text", id="two", headers={"content-type": "text/plain"}))
        a = bulk.batch(self.server, items, idempotency_key='"sb"')
        self.assertEqual(a.statuses, [201, 201, 201])
        self.assertEqual([r.get("replayed", False) for r in a.results], [False, False, True])

    def test_a_large_part_is_held_to_its_key_by_its_bytes(self):
        head = "PUT /big HTTP/1.1\nIdempotency-Key: big\nContent-Length: 200000"
        self.assertEqual(self.part(head, b"a" * 200000)["status"], 201)
        self.assertTrue(self.part(head, b"a" * 200000)["replayed"])
        self.assertEqual(self.part(head, b"b" * 200000)["status"], 422)
        self.assertEqual(self.server.read("big"), b"a" * 200000)

    def test_no_two_of_a_batch_have_one_key(self):
        for operations, said in (
                ([up("/x", idempotencyKey="k"), up("/y", idempotencyKey="k")],
                 "/operations/1/idempotencyKey: is that of operation '0', too"),
                ([up("/x", id="x", idempotencyKey="KEY/y"), up("/y", id="y")],
                 "/operations/1/id: makes the key that operation 'x' has (y)")):
            a = bulk.batch(self.server, operations, idempotency_key='"KEY"')
            self.assertEqual((a.status, a.detail), (400, said))

    def test_a_used_key_refuses_a_job_at_once(self):
        self.assertEqual(bulk.batch(self.server, [up("/job")],
                                    idempotency_key='"job"').status, 207)
        a = bulk.batch(self.server, [up("/job", 2)], idempotency_key='"job"',
                       prefer="respond-async")
        self.assertEqual(a.status, 422, a.response)
        self.assertEqual(a.doc["type"], "urn:sheaf:problem:key-reused")


class AfterACrash(sheaf_http.TestCase):

    def test_what_lost_its_answer_is_answered_by_what_it_left(self):
        """The answer is remembered after the change, and so may be lost."""
        operations = [up("/a.json", {"a": 1}, id="up"),
                      {"id": "named", "op": "create", "url": "/", "body": "x",
                       "headers": {"content-type": "text/plain"}},
                      {"id": "mk", "op": "mkcol", "url": "/mk/"}]
        first = bulk.batch(self.server, operations, idempotency_key='"lost"')
        self.forget_answers()
        again = bulk.batch(self.server, operations, idempotency_key='"lost"')
        self.assertEqual(again.summary["replayed"], 3)
        for was, now in zip(first.results, again.results):
            now.pop("replayed")
            self.assertEqual(was, now)

    def forget_answers(self):
        state = self.server.path(".sheaf")
        names = [n for n in os.listdir(state) if n.endswith(".db")]
        db = sqlite3.connect(os.path.join(state, names[0]), timeout=10)
        with db:
            done = db.execute("UPDATE records SET result = x''")
            self.assertGreaterEqual(done.rowcount, 3)
        db.close()


if __name__ == "__main__":
    sheaf_http.main()

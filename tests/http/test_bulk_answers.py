# SPDX-License-Identifier: MIT
"""Batches over HTTP: what is told of each operation, in JSON and in XML."""

import base64
import os
import xml.etree.ElementTree as ET

import bulk
import sheaf_http

XML = "application/xml"
LOCK = (b"<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:exclusive/></D:lockscope>"
        b"<D:locktype><D:write/></D:locktype></D:lockinfo>")


def ours(name):
    return "{urn:sheaf:}" + name


def up(url, body=1, **members):
    return {"op": "upsert", "url": url, "body": body, **members}


class Answers(sheaf_http.TestCase):

    def batch(self, operations, head=None, **headers):
        return bulk.batch(self.server, operations, head=head, **headers)

    def refused(self, operation, said):
        a = self.batch([up("/before-it"), operation])
        self.assertEqual((a.status, a.detail), (400, "/operations/1" + said))
        self.assertFalse(os.path.exists(self.server.path("before-it")))

    def lock(self, target):
        r = self.server.request("LOCK", target, {"Content-Type": XML}, LOCK)
        self.assertIn(r.status, (200, 201))

    def part(self, raw):
        a = bulk.send(self.server, b"--b\r\nContent-Type: application/http\r\n\r\n" +
                      raw + b"\r\n--b--\r\n", kind="multipart/mixed; boundary=b")
        self.assertEqual(a.status, 207, a.response)
        return a.results[0]

    def test_locks_of_members_are_told(self):
        os.makedirs(self.server.path("locked"))
        for name in ("a", "b", "c"):
            self.lock("/locked/" + name)
        a = self.batch([{"op": "propfind", "url": "/locked/", "depth": "1"}])
        self.assertEqual(a.statuses, [200])
        for m in a.results[0]["members"]:
            found = m["props"]["{DAV:}lockdiscovery"]
            self.assertEqual(len(found), 1, m)
            self.assertTrue(found[0]["token"].startswith("urn:uuid:"), m)

    def test_a_part_that_failed_is_told_once(self):
        os.makedirs(self.server.path("part"))
        self.lock("/part/busy")
        self.server.write("part/free", b"")
        r = self.batch([{"op": "delete", "url": "/part/"}]).results[0]
        self.assertEqual((r["status"], r["error"], r["partial"], len(r["members"])),
                         (423, "Locked: 1 of its members failed", True, 1))

    def test_what_depends_on_a_group_is_blamed_on_what_failed_first(self):
        a = self.batch([{"id": "first", "op": "delete", "url": "/none"},
                        up("/g1", id="a", atomicityGroup="g", dependsOn=["first"]),
                        up("/g2", id="b", atomicityGroup="g")])
        self.assertEqual([r.get("causedBy") for r in a.results], [None, "first", "first"])

    def test_what_is_malformed_for_its_method_is_400_of_the_whole(self):
        for mode in ("atomic", "validate-first"):
            a = self.batch([up("/m1"), up("/m2", ifMatch="no tag")], {"mode": mode})
            self.assertEqual((a.status, a.statuses), (400, [424, 400]))

    def test_a_destination_elsewhere_is_refused_before_anything_runs(self):
        self.refused({"op": "copy", "url": "/a", "headers": {"destination": "http://other/b"}},
                     "/headers/destination: the URL is of another server")
        self.refused({"op": "copy", "url": "/a", "destination": "http://other/b"},
                     "/destination: is to be a path of this server")

    def test_the_limit_of_an_operation_is_that_of_its_bytes(self):
        def raw(n):
            head = b'{"op":"upsert","url":"/limit","body":"'
            return head + b"x" * (n - len(head) - 2) + b'"}'
        most = 4 << 20
        for n, status in ((most, 207), (most + 1, 413)):
            a = bulk.send(self.server, b'{"operations":[' + raw(n) + b"]}")
            self.assertEqual(a.status, status, a.body[:300])
        self.assertIn("operationBytes", a.detail)
        a = bulk.send(self.server, raw(most) + b"\n" + raw(most + 1) + b"\n", kind=bulk.NDJSON)
        self.assertEqual(a.statuses, [204, 413])

    def test_parts_are_messages_of_http_1(self):
        self.server.write("p.txt", b"p")
        for version, status in ((b"1.1", 200), (b"1.0", 200), (b"2", 400), (b"x", 400)):
            r = self.part(b"GET /p.txt HTTP/" + version + b"\r\n\r\n")
            self.assertEqual(r["status"], status, r)
        # Many write an empty line too many.
        self.assertEqual(self.part(b"GET /p.txt HTTP/1.1\r\n\r\n\r\n")["status"], 200)
        self.assertEqual(self.part(b"PUT /crlf HTTP/1.1\r\n\r\n\r\n")["status"], 201)
        self.assertEqual(self.server.read("crlf"), b"\r\n")

    def test_a_large_part_says_what_is_wrong_with_it(self):
        r = self.part(b"PUT /l HTTP/1.1\r\nContent-Length: 99999\r\n\r\n" + b"x" * 100000)
        self.assertIn("its body is 100000 bytes, and Content-Length says 99999", r["error"])
        r = self.part(b"GET /l HTTP/1.1\r\n\r\n" + b"x" * 100000)
        self.assertEqual(r["status"], 400)
        self.assertFalse(os.path.exists(self.server.path("l")))

    # ---- in XML

    def responses(self, a):
        self.assertEqual(a.status, 207, a.body)
        root = ET.fromstring(a.body)
        return root, {r.findtext("{DAV:}href"): r for r in root.iter("{DAV:}response")}

    def test_xml_says_what_json_says(self):
        self.server.write("x.txt", "t\r\n<ü>".encode())
        self.server.write("x.bin", b"\x00\xff")
        root, found = self.responses(self.batch(
            [{"op": "read", "url": "/x.txt", "id": "t"}, {"op": "read", "url": "/x.bin"},
             {"op": "delete", "url": "/none"}, up("/never")],
            {"failOnErrors": 1}, accept=XML))
        text, raw = found["/x.txt"], found["/x.bin"].find(ours("body"))
        self.assertEqual((text.findtext(ours("id")), text.findtext(ours("index"))), ("t", "0"))
        self.assertEqual(text.findtext(ours("body")), "t\r\n<ü>")
        self.assertEqual([h.text for h in text.iter(ours("header"))
                          if h.get("name") == "content-type"], ["text/plain"])
        self.assertEqual((raw.get("encoding"), base64.b64decode(raw.text)),
                         ("base64", b"\x00\xff"))
        self.assertIsNone(found["/none"].find(ours("retryable")))
        for name in ("retryable", "not-attempted"):
            self.assertIsNotNone(found["/never"].find(ours(name)))
        counts = {e.tag.split("}")[1]: e.text for e in root.find(ours("summary"))}
        self.assertEqual((counts["total"], counts["success"], counts["not-attempted"]),
                         ("4", "2", "1"))
        self.assertTrue(root.findtext(ours("batch-id")).startswith("b_"))

    def test_a_reference_to_the_same_has_no_multistatus(self):
        a = self.batch([{"op": "create", "url": "/once", "body": 1},
                        {"op": "read", "url": "$0"}], accept=XML)
        self.assertEqual(a.status, 406)
        self.assertFalse(os.path.exists(self.server.path("once")))

    def test_a_member_with_an_operation_of_its_own_is_told_of_by_that(self):
        os.makedirs(self.server.path("c/d"))
        self.server.write("c/e", b"")
        a = self.batch([{"op": "propfind", "url": "/c/", "depth": "1",
                         "props": ["{DAV:}resourcetype"]},
                        {"op": "propfind", "url": "/c/d/", "depth": "0"}], accept=XML)
        _, found = self.responses(a)
        self.assertEqual(a.body.count(b"<D:response>"), 3)
        self.assertEqual(found["/c/d/"].findtext(ours("id")), "1")


if __name__ == "__main__":
    sheaf_http.main()

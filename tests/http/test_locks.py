# SPDX-License-Identifier: MIT
"""Locks (RFC 4918 s6, s7, s9.10, s9.11), asked for as clients ask for them."""

import json
import os
import shutil
import tempfile
import threading
import xml.etree.ElementTree as ET

import sheaf_http
from probes import D, TestCase, XML, multistatus, propfind

PROLOG = '<?xml version="1.0" encoding="utf-8"?>'


class Client:
    """How one program locks: its headers and bodies as they are on the wire,
    and how it shows the token afterwards."""

    def __init__(self, name, headers, body, owner, depth="infinity", tagged=False):
        self.name = name
        self.headers = headers
        self.body = body.encode()
        self.owner = owner  # DAV:owner as it must come back
        self.depth = depth
        self.tagged = tagged

    def condition(self, server, target, token):
        """The value of If."""
        if self.tagged:
            return "<%s%s> (<%s>)" % (server.url.rstrip("/"), target, token)
        return "(<%s>)" % token


CLIENTS = [
    Client("Finder",
           {"Accept": "*/*", "Content-Type": "text/xml; charset=\"utf-8\"",
            "Depth": "0", "Timeout": "Second-600",
            "User-Agent": "WebDAVFS/3.0.0 (03008000) Darwin/23.4.0 (arm64)"},
           PROLOG + "\n<D:lockinfo xmlns:D=\"DAV:\">\n"
           "<D:lockscope><D:exclusive/></D:lockscope>\n"
           "<D:locktype><D:write/></D:locktype>\n"
           "<D:owner>\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n</D:owner>\n"
           "</D:lockinfo>\n",
           '<D:owner xmlns:D="DAV:">\n<D:href>http://www.apple.com/webdav_fs/</D:href>\n'
           "</D:owner>", depth="0"),
    Client("Windows",
           {"Cache-Control": "no-cache", "Pragma": "no-cache", "translate": "f",
            "Content-Type": 'text/xml; charset="utf-8"', "Timeout": "Second-3600",
            "User-Agent": "Microsoft-WebDAV-MiniRedir/10.0.19045"},
           PROLOG.replace("?>", " ?>") + '<D:lockinfo xmlns:D="DAV:"><D:lockscope>'
           "<D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>"
           "<D:owner><D:href>PC\\user</D:href></D:owner></D:lockinfo>",
           '<D:owner xmlns:D="DAV:"><D:href>PC\\user</D:href></D:owner>'),
    Client("Office",
           {"Content-Type": "text/xml", "Timeout": "Second-180", "Depth": "0",
            "User-Agent": "Microsoft Office Word 2016", "X-Office-Major-Version": "16",
            "X-MSGETWEBURL": "t", "X-IDCRL_ACCEPTED": "t"},
           PROLOG + '<a:lockinfo xmlns:a="DAV:"><a:lockscope><a:exclusive/></a:lockscope>'
           "<a:locktype><a:write/></a:locktype><a:owner><a:href>user@example.org</a:href>"
           "</a:owner></a:lockinfo>",
           '<a:owner xmlns:a="DAV:"><a:href>user@example.org</a:href></a:owner>', depth="0"),
    Client("LibreOffice",
           {"Content-Type": "application/xml", "Timeout": "Second-180", "Depth": "0",
            "User-Agent": "LibreOffice 7.5 denylistedbackend/7.88 OpenSSL/3.0"},
           PROLOG + '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope>'
           "<locktype><write/></locktype><owner>LibreOffice - http://www.libreoffice.org/"
           "</owner></lockinfo>",
           '<owner xmlns="DAV:">LibreOffice - http://www.libreoffice.org/</owner>', depth="0"),
    Client("davfs2",
           {"Content-Type": "application/xml", "Timeout": "Second-1800", "Depth": "0",
            "User-Agent": "davfs2/1.6.1 neon/0.32.5"},
           PROLOG + "\n<lockinfo xmlns='DAV:'>\n <lockscope><exclusive/></lockscope>\n"
           "<locktype><write/></locktype><owner>ann</owner>\n</lockinfo>\n",
           '<owner xmlns="DAV:">ann</owner>', depth="0", tagged=True),
    Client("cadaver",
           {"Content-Type": "application/xml", "Depth": "infinity",
            "User-Agent": "cadaver/0.24 neon/0.32.5"},
           PROLOG + "\n<lockinfo xmlns='DAV:'>\n <lockscope><exclusive/></lockscope>\n"
           "<locktype><write/></locktype><owner><href>ann</href></owner>\n</lockinfo>\n",
           '<owner xmlns="DAV:"><href>ann</href></owner>', tagged=True),
]


def info(scope="exclusive", owner=""):
    return (PROLOG + '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:%s/></D:lockscope>'
            "<D:locktype><D:write/></D:locktype>%s</D:lockinfo>" % (scope, owner)).encode()


def canonical(element):
    if not isinstance(element, str):
        element = ET.tostring(element, encoding="unicode")
    return ET.canonicalize(element, rewrite_prefixes=True)


class Lock:
    """A DAV:activelock, which has each of its parts once."""

    def __init__(self, element):
        parts = [child.tag for child in element]
        assert len(parts) == len(set(parts)), parts
        assert [e.tag for e in element.find(D + "locktype")] == [D + "write"]
        (scope,) = element.find(D + "lockscope")
        self.scope = scope.tag[len(D):]
        self.depth = element.findtext(D + "depth")
        self.owner = element.find(D + "owner")
        self.timeout = int(element.findtext(D + "timeout")[len("Second-"):])
        self.token = element.findtext("%slocktoken/%shref" % (D, D))
        self.root = element.findtext("%slockroot/%shref" % (D, D))


def discovered(element):
    assert element.tag == D + "lockdiscovery", element.tag
    return [Lock(e) for e in element]


class Locks(TestCase):
    """Locks outlive what is removed behind the server's back, so each test has
    a folder of its own."""

    def setUp(self):
        super().setUp()
        self.folder = "/" + self.id().rsplit(".", 1)[1] + "/"
        self.ask("MKCOL", self.folder, want=201)

    def at(self, name):
        return self.folder + name

    def put(self, name, token=None, want=(201, 204)):
        headers = {"If": "(<%s>)" % token} if token else {}
        return self.ask("PUT", self.at(name), headers, b"x", want)

    def lock(self, target, want=(200, 201), body=None, **headers):
        """The lock that was made."""
        headers = {k.capitalize(): v for k, v in headers.items()}
        r = self.ask("LOCK", target, {**XML, **headers}, body or info(), want)
        return self.granted(r)

    def granted(self, r):
        prop = ET.fromstring(r.body)
        assert prop.tag == D + "prop", prop.tag
        locks = discovered(prop.find(D + "lockdiscovery"))
        if r.header("Lock-Token"):
            self.assertEqual(r.header("Lock-Token"), "<%s>" % locks[0].token)
            self.assertRegex(locks[0].token, r"\Aurn:uuid:[0-9a-f-]{36}\Z")
        return locks[0]

    def unlock(self, target, token, want=204):
        return self.ask("UNLOCK", target, {"Lock-Token": "<%s>" % token}, None, want)

    def locks(self, target):
        status, element = self.one(target, "lockdiscovery").props[D + "lockdiscovery"]
        self.assertEqual(status, 200)
        return discovered(element)

    def submitted(self, r):
        """The href that DAV:lock-token-submitted tells."""
        return [h.text for h in ET.fromstring(r.body).find(D + "lock-token-submitted")]


class Clients(Locks):

    def cycle(self, client, target, exists):
        """What a program does to edit a file: lock, write, refresh, unlock."""
        r = self.ask("LOCK", target, client.headers, client.body, 200 if exists else 201)
        lock = self.granted(r)
        self.assertEqual(canonical(lock.owner), canonical(client.owner))
        self.assertEqual((lock.scope, lock.depth, lock.root), ("exclusive", client.depth, target))
        self.assertEqual(lock.timeout, int(client.headers.get("Timeout", "Second-3600")[7:]))
        self.assertEqual([k.token for k in self.locks(target)], [lock.token])
        refused = self.ask("PUT", target, {}, b"theirs", 423)
        self.assertEqual(self.submitted(refused), [target])
        shown = {"If": client.condition(self.server, target, lock.token)}
        self.ask("PUT", target, shown, b"mine", 204)
        self.ask("PROPPATCH", target, XML,
                 b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x/></D:prop></D:set>'
                 b"</D:propertyupdate>", 423)
        r = self.ask("LOCK", target, {**shown, "Timeout": "Second-60"}, b"", 200)
        self.assertIsNone(r.header("Lock-Token"))
        again = self.granted(r)
        self.assertEqual((again.token, again.timeout), (lock.token, 60))
        self.unlock(target, lock.token)
        self.assertEqual(self.locks(target), [])
        self.ask("PUT", target, {}, b"theirs", 204)

    def test_each_client_edits_what_is_there_and_what_is_not(self):
        for client in CLIENTS:
            for exists in (True, False):
                with self.subTest(client.name, exists=exists):
                    target = self.at("%s %s.txt" % (client.name, exists)).replace(" ", "%20")
                    if exists:
                        self.ask("PUT", target, {}, b"old", 201)
                    self.cycle(client, target, exists)

    def test_each_client_is_told_that_another_has_it(self):
        for i, client in enumerate(CLIENTS):
            with self.subTest(client.name):
                target = self.at("%d" % i)
                self.lock(target)
                r = self.ask("LOCK", target, client.headers, client.body, 423)
                root = ET.fromstring(r.body)
                self.assertEqual([h.text for h in root.find(D + "no-conflicting-lock")],
                                 [target])

    def test_options_say_class_2_and_3(self):
        for target in ("/", self.folder, "/none", "*"):
            r = self.ask("OPTIONS", target, want=200)
            self.assertEqual(r.tokens("DAV"), ["1", "2", "3"])


class Rules(Locks):

    def test_a_deep_lock_is_true_of_every_member(self):
        self.ask("MKCOL", self.at("d"), want=201)
        self.ask("MKCOL", self.at("d/e"), want=201)
        self.put("d/e/f")
        lock = self.lock(self.at("d"))
        self.assertEqual(lock.root, self.at("d/"))
        members = self.props(self.folder, "lockdiscovery", "supportedlock", depth="infinity")
        for path, member in members.items():
            found = discovered(member.props[D + "lockdiscovery"][1])
            self.assertEqual([(k.token, k.root) for k in found],
                             [(lock.token, self.at("d/"))] if b"/d/" in path else [])
            scopes = [e.find(D + "lockscope")[0].tag
                      for e in member.props[D + "supportedlock"][1]]
            self.assertEqual(scopes, [D + "exclusive", D + "shared"])
        for name in ("d/e/f", "d/e/new", "d/new"):
            r = self.put(name, want=423)
            self.assertEqual(self.submitted(r), [self.at("d/")])
            self.put(name, lock.token)
        self.unlock(self.at("d/e/f"), lock.token)
        self.put("d/e/f")

    def test_a_member_in_the_way_of_a_deep_lock_is_named(self):
        self.ask("MKCOL", self.at("d"), want=201)
        self.lock(self.at("d/f"))
        r = self.ask("LOCK", self.at("d/"), XML, info(), 207)
        members = multistatus(r)
        self.assertEqual({p.decode(): m.status for p, m in members.items()},
                         {self.at("d/f"): 423, self.at("d/"): 424})
        (error,) = members[self.at("d/f").encode()].error
        self.assertEqual((error.tag, error[0].text), (D + "no-conflicting-lock", self.at("d/f")))
        self.assertEqual(self.locks(self.at("d/")), [])

    def test_shared_locks_stand_beside_each_other(self):
        first = self.lock(self.at("f"), body=info("shared"))
        second = self.lock(self.at("f"), body=info("shared"))
        self.assertNotEqual(first.token, second.token)
        self.assertEqual({k.token for k in self.locks(self.at("f"))},
                         {first.token, second.token})
        self.ask("LOCK", self.at("f"), XML, info(), 423)
        self.put("f", want=423)
        self.put("f", first.token)
        self.unlock(self.at("f"), first.token)
        self.put("f", want=423)
        self.unlock(self.at("f"), second.token)
        self.put("f")

    def test_a_lock_ends_when_its_time_is_over(self):
        lock = self.lock(self.at("f"), timeout="Second-1")
        self.assertEqual(lock.timeout, 1)
        self.put("f", want=423)
        sheaf_http.eventually(
            lambda: self.ask("PUT", self.at("f"), {}, b"x").status == 204, "the end of a lock")
        self.assertEqual(self.locks(self.at("f")), [])
        r = self.ask("LOCK", self.at("f"), {"If": "(<%s>)" % lock.token}, b"", 412)
        self.assertIsNotNone(ET.fromstring(r.body).find(D + "lock-token-matches-request-uri"))
        self.unlock(self.at("f"), lock.token, want=409)

    def test_a_lock_by_way_of_a_link_is_one_on_what_it_leads_to(self):
        self.ask("MKCOL", self.at("d"), want=201)
        self.put("d/f")
        os.symlink("d", self.server.path(self.at("l")[1:]))
        lock = self.lock(self.at("l/f"))
        self.assertEqual(lock.root, self.at("d/f"))
        for name in ("d/f", "l/f"):
            self.put(name, want=423)
            self.put(name, lock.token)
            self.ask("LOCK", self.at(name), XML, info(), 423)
            self.ask("LOCK", self.at(name), {"If": "(<%s>)" % lock.token}, b"", 200)
            self.assertEqual([(k.token, k.root) for k in self.locks(self.at(name))],
                             [(lock.token, lock.root)])
        self.unlock(self.at("l/f"), lock.token)
        lock = self.lock(self.at("l"))
        self.assertEqual(lock.root, self.at("d/"))
        for name in ("d", "l", "d/f", "l/f"):
            self.assertEqual([(k.token, k.root) for k in self.locks(self.at(name))],
                             [(lock.token, lock.root)])
        self.assertEqual(self.submitted(self.put("l/f", want=423)), [self.at("d/")])
        self.unlock(self.at("l/f"), lock.token)

    def test_who_locked_what_is_gone_can_unlock_it(self):
        """Somebody removed it by hand: else nobody could make it anew for an hour."""
        for name, parent in (("f", None), ("d/f", "d")):
            with self.subTest(name):
                if parent:
                    self.ask("MKCOL", self.at(parent), want=201)
                lock = self.lock(self.at(name))
                if parent:
                    shutil.rmtree(self.server.path(self.at(parent)[1:]))
                else:
                    os.remove(self.server.path(self.at(name)[1:]))
                self.unlock(self.at(name), "urn:uuid:none", want=404)
                refresh = {"If": "(<%s>)" % lock.token}
                self.ask("LOCK", self.at(name), refresh, b"", 200)
                self.unlock(self.at(name), lock.token)
                self.unlock(self.at(name), lock.token, want=404)
                if parent:
                    self.ask("MKCOL", self.at(parent), want=201)
                self.put(name, want=201)

    def test_a_lock_is_not_given_back_by_way_of_what_is_not_there(self):
        lock = self.lock(self.folder)
        self.unlock(self.at("none"), lock.token, want=404)
        self.unlock(self.folder, lock.token)

    def test_what_is_malformed(self):
        self.put("f")
        for headers, body in (({}, None), ({}, b""), ({"Depth": "1"}, info()),
                              ({}, b"<x/>"), ({}, info("none")),
                              ({}, info() + b"<"), ({"If": "(<a"}, info())):
            with self.subTest(headers=headers, body=body):
                self.ask("LOCK", self.at("f"), {**XML, **headers}, body, 400)
        for value in ("urn:uuid:1", "<>", "<1"):
            self.ask("UNLOCK", self.at("f"), {"Lock-Token": value}, None, 400)
        self.ask("UNLOCK", self.at("f"), {}, None, 400)
        self.ask("LOCK", self.at("f"), XML, info(owner="<D:owner>%s</D:owner>" % ("o" * 5000)),
                 413)
        self.assertEqual(self.locks(self.at("f")), [])

    def test_json_has_the_same_facts(self):
        lock = self.lock(self.at("f"), body=info(owner="<D:owner>me</D:owner>"))
        r = self.ask("PROPFIND", self.at("f"),
                     {"Depth": "0", "Accept": "application/json", **XML},
                     propfind("lockdiscovery"), 207)
        (found,) = json.loads(r.body)["results"][0]["props"]["{DAV:}lockdiscovery"]
        self.assertEqual(
            (found["scope"], found["type"], found["depth"], found["token"], found["root"]),
            ("exclusive", "write", "infinity", lock.token, self.at("f")))
        self.assertEqual(canonical(found["owner"]),
                         canonical('<D:owner xmlns:D="DAV:">me</D:owner>'))
        r = self.ask("PUT", self.at("f"), {"Accept": "application/json"}, b"x", 423)
        problem = json.loads(r.body)
        self.assertEqual((problem["type"], problem["resource"]),
                         ("urn:sheaf:problem:locked", self.at("f")))

    def test_of_many_who_race_for_a_lock_one_gets_it(self):
        statuses = []

        def race():
            statuses.append(self.server.request("LOCK", self.at("f"), XML, info()).status)

        for _ in range(5):
            threads = [threading.Thread(target=race) for _ in range(8)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            self.assertEqual(sorted(statuses)[1:], [423] * 7)
            statuses.clear()
            (lock,) = self.locks(self.at("f"))
            self.unlock(self.at("f"), lock.token)


class Settings(Locks):

    args = ("--lock-timeout", "2m", "--prefix", "/dav")

    def setUp(self):
        self.folder = "/dav/" + self.id().rsplit(".", 1)[1] + "/"
        self.ask("MKCOL", self.folder, want=201)

    def test_no_lock_is_granted_for_longer_than_configured(self):
        for wished, granted in (("Second-4100000000", 120), ("Infinite", 120),
                                ("Second-60", 60), ("tomorrow", 120)):
            lock = self.lock(self.at("f"), timeout=wished)
            self.assertEqual(lock.timeout, granted)
            self.unlock(self.at("f"), lock.token)

    def test_what_is_told_has_the_prefix(self):
        lock = self.lock(self.folder)
        self.assertEqual(lock.root, self.folder)
        self.assertEqual(self.submitted(self.put("f", want=423)), [self.folder])


class Restart(Locks):

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="sheaf-locks-")
        cls.server = sheaf_http.Server(root=cls.home)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.home, ignore_errors=True)

    def test_a_lock_is_there_after_a_restart(self):
        lock = self.lock(self.at("f"), body=info(owner="<D:owner>me</D:owner>"))
        type(self).server.stop()
        type(self).server = sheaf_http.Server(root=self.home)
        (again,) = self.locks(self.at("f"))
        self.assertEqual(
            (again.token, again.root, again.scope, again.depth, canonical(again.owner)),
            (lock.token, lock.root, lock.scope, lock.depth, canonical(lock.owner)))
        self.put("f", want=423)
        self.put("f", lock.token)
        self.unlock(self.at("f"), lock.token)
        self.put("f")


if __name__ == "__main__":
    sheaf_http.main()

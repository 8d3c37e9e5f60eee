# SPDX-License-Identifier: MIT
"""PROPFIND and PROPPATCH (RFC 4918 s9.1, s9.2, s4), as a client may rely on."""

import json
import re
import time
import xml.etree.ElementTree as ET

import sheaf_http
from probes import D, TestCase, XML, condition, multistatus, propfind

LIVE = {"creationdate", "displayname", "getcontentlength", "getcontenttype",
        "getetag", "getlastmodified", "resourcetype", "supportedlock",
        "lockdiscovery"}
W32 = "urn:schemas-microsoft-com:"


def canonical(element):
    return ET.canonicalize(ET.tostring(element, encoding="unicode"),
                           rewrite_prefixes=True)


class Propfind(TestCase):

    def setUp(self):
        super().setUp()
        self.ask("PUT", "/f.txt", body=b"hello", want=201)

    def test_live_properties_of_a_file(self):
        m = self.one("/f.txt", "getcontentlength", "getcontenttype", "getetag",
                     "getlastmodified", "creationdate", "resourcetype", "displayname")
        self.assertEqual(m.names(200), {D + n for n in (
            "getcontentlength", "getcontenttype", "getetag", "getlastmodified",
            "creationdate", "resourcetype", "displayname")})
        self.assertEqual(m.text("getcontentlength"), "5")
        self.assertTrue(m.text("getcontenttype").startswith("text/plain"))
        self.assertEqual(m.text("displayname"), "f.txt")
        self.assertFalse(m.is_collection())
        r = self.ask("GET", "/f.txt", want=200)
        self.assertEqual(m.text("getetag"), r.header("ETag"))
        self.assertEqual(m.text("getlastmodified"), r.header("Last-Modified"))
        self.assertEqual(m.text("getcontenttype"), r.header("Content-Type"))
        self.assertRegex(m.text("creationdate"),
                         r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")

    def test_a_collection(self):
        self.ask("MKCOL", "/d", want=201)
        for target in ("/d", "/d/"):
            m = self.one(target, "resourcetype", "getcontentlength")
            self.assertTrue(m.is_collection())
            # s5.2: the href of a collection ends in a slash.
            self.assertEqual(m.path, b"/d/")

    def test_unknown_properties_are_404_beside_known_ones(self):
        m = self.one("/f.txt", "getetag", "{urn:none}what", "nothing", "{}bare")
        self.assertEqual(m.names(200), {D + "getetag"})
        self.assertEqual(m.names(404), {"{urn:none}what", D + "nothing", "bare"})

    def test_allprop_has_the_defined_ones_and_dead_ones(self):
        self.patch("/f.txt", ("set", "<x:dead>1</x:dead>"))
        for body in (None, b'<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>'):
            r = self.ask("PROPFIND", "/f.txt", {"Depth": "0", **XML}, body, 207)
            (m,) = multistatus(r).values()
            self.assertLessEqual({D + n for n in LIVE}, m.names(200))
            self.assertIn("{urn:x}dead", m.names(200))
            self.assertEqual(m.names(404), set())
            # RFC 4331 s2: not in allprop.
            self.assertNotIn(D + "quota-available-bytes", m.props)

    def test_allprop_with_include(self):
        r = self.ask("PROPFIND", "/", {"Depth": "0", **XML},
                     b'<D:propfind xmlns:D="DAV:"><D:allprop/><D:include>'
                     b"<D:quota-available-bytes/><D:supported-report-set/>"
                     b"</D:include></D:propfind>", 207)
        (m,) = multistatus(r).values()
        self.assertLessEqual({D + "quota-available-bytes", D + "supported-report-set",
                              D + "resourcetype"}, m.names(200))
        self.assertRegex(m.text("quota-available-bytes"), r"\A\d+\Z")

    def test_propname_names_without_values(self):
        self.patch("/f.txt", ("set", "<x:dead>1</x:dead>"))
        r = self.ask("PROPFIND", "/f.txt", {"Depth": "0", **XML},
                     b'<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>', 207)
        (m,) = multistatus(r).values()
        self.assertLessEqual({D + n for n in LIVE} | {"{urn:x}dead"}, m.names(200))
        for _, element in m.props.values():
            self.assertFalse(len(element) or (element.text or "").strip(), element.tag)

    def test_depth(self):
        self.ask("MKCOL", "/d", want=201)
        self.ask("PUT", "/d/g", body=b"1", want=201)
        everything = {b"/", b"/f.txt", b"/d/", b"/d/g"}
        for depth, want in (("0", {b"/"}), ("1", everything - {b"/d/g"}),
                            ("infinity", everything), ("Infinity", everything)):
            with self.subTest(depth):
                self.assertEqual(set(self.props("/", "resourcetype", depth=depth)), want)
        r = self.ask("PROPFIND", "/", XML, propfind("resourcetype"), 207)
        self.assertEqual(set(multistatus(r)), everything, "no Depth is infinity")
        for bad in ("2", "-1", "one", "1,noroot", ""):
            with self.subTest(bad):
                self.ask("PROPFIND", "/", {"Depth": bad}, want=400)

    def test_prefer(self):
        self.ask("MKCOL", "/d", want=201)
        body = propfind("resourcetype", "{urn:none}what")
        r = self.ask("PROPFIND", "/", {"Depth": "1", "Prefer": "return=minimal", **XML}, body, 207)
        for m in multistatus(r).values():
            self.assertEqual(set(m.props), {D + "resourcetype"})
        self.assertIn("return=minimal", r.tokens("Preference-Applied"))
        r = self.ask("PROPFIND", "/", {"Depth": "1", "Prefer": "depth-noroot", **XML}, body, 207)
        self.assertEqual(set(multistatus(r)), {b"/d/", b"/f.txt"})
        self.assertIn("depth-noroot", r.tokens("Preference-Applied"))

    def test_what_is_not_there_is_404(self):
        self.ask("PROPFIND", "/none", {"Depth": "0"}, want=404)
        self.ask("PROPPATCH", "/none", XML,
                 b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><a/></D:prop></D:set>'
                 b"</D:propertyupdate>", want=404)

    def test_resource_id_follows_the_resource(self):
        first = self.one("/f.txt", "resource-id").props[D + "resource-id"][1]
        self.ask("MOVE", "/f.txt", {"Destination": "/g.txt"}, want=201)
        second = self.one("/g.txt", "resource-id").props[D + "resource-id"][1]
        self.assertEqual(canonical(first), canonical(second))
        self.ask("COPY", "/g.txt", {"Destination": "/h.txt"}, want=201)
        third = self.one("/h.txt", "resource-id").props[D + "resource-id"][1]
        self.assertNotEqual(canonical(first), canonical(third))


class FiniteDepth(TestCase):
    args = ("--propfind-infinity=off",)

    def test_infinity_is_refused_by_its_condition(self):
        for headers in ({"Depth": "infinity"}, {}, {"If-Match": '"x"'}):
            r = self.ask("PROPFIND", "/", headers, want=403)
            self.assertIn(D + "propfind-finite-depth", condition(r))
        self.ask("PROPFIND", "/", {"Depth": "1"}, want=207)


class Proppatch(TestCase):

    def setUp(self):
        super().setUp()
        self.ask("PUT", "/f", body=b"hello", want=201)

    def test_mixed_content_comes_back_as_it_was_sent(self):
        sent = ('<x:note xmlns:x="urn:x" xmlns:y="urn:y" xml:lang="de" x:a="1" b="&lt;&quot;">'
                'before <y:b>bold &amp; <c xmlns="">plain</c></y:b> after'
                '<y:empty/>  <![CDATA[<raw>]]>\n tail&#13;</x:note>')
        self.patch("/f", ("set", sent))
        got = self.one("/f", "{urn:x}note").props["{urn:x}note"][1]
        self.assertEqual(canonical(got), canonical(ET.fromstring(sent)))

    def test_the_language_in_scope_is_kept(self):
        r = self.ask("PROPPATCH", "/f", XML,
                     b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop xml:lang="fr">'
                     b'<x:t xmlns:x="urn:x">bonjour</x:t></D:prop></D:set></D:propertyupdate>')
        multistatus(r)
        got = self.one("/f", "{urn:x}t").props["{urn:x}t"][1]
        self.assertEqual(got.get("{http://www.w3.org/XML/1998/namespace}lang"), "fr")

    def test_names_in_any_namespace(self):
        for ns in ("urn:x", "http://example.org/a?b=c&amp;d", "urn:\u00e9", "DAV:"):
            with self.subTest(ns):
                local = "mine" if ns == "DAV:" else "caf\u00e9"
                self.patch("/f", ("set", '<p:%s xmlns:p="%s">v</p:%s>' % (local, ns, local)))
                name = "{%s}%s" % (ns.replace("&amp;", "&"), local)
                r = self.ask("PROPFIND", "/f", {"Depth": "0"}, want=207)
                (m,) = multistatus(r).values()
                self.assertEqual(m.props[name][1].text, "v")

    def test_a_protected_property_stops_the_whole(self):
        self.patch("/f", ("set", "<x:a>old</x:a><x:b>kept</x:b>"))
        m = self.patch("/f", ("set", "<x:a>new</x:a>"), ("remove", "<x:b/>"),
                       ("set", "<D:getetag>mine</D:getetag>"))
        self.assertEqual(m.names(403), {D + "getetag"})
        self.assertEqual(m.names(424), {"{urn:x}a", "{urn:x}b"})
        self.assertEqual(m.names(200), set())
        error = m.errors[D + "getetag"]
        self.assertIsNotNone(error.find(D + "cannot-modify-protected-property"))
        m = self.one("/f", "{urn:x}a", "{urn:x}b")
        self.assertEqual([m.props["{urn:x}" + n][1].text for n in "ab"], ["old", "kept"])

    def test_changes_happen_in_document_order(self):
        m = self.patch("/f", ("set", "<x:a>1</x:a>"), ("remove", "<x:a/>"),
                       ("set", "<x:a>2</x:a>"), ("set", "<x:b>3</x:b>"), ("remove", "<x:b/>"))
        self.assertEqual(m.names(200), {"{urn:x}a", "{urn:x}b"})
        m = self.one("/f", "{urn:x}a", "{urn:x}b")
        self.assertEqual(m.props["{urn:x}a"][1].text, "2")
        self.assertEqual(m.names(404), {"{urn:x}b"})

    def test_removing_what_is_not_there_succeeds(self):
        self.assertEqual(self.patch("/f", ("remove", "<x:none/>")).names(200), {"{urn:x}none"})

    def value(self, target):
        m = self.one(target, "{urn:x}a")
        status, element = m.props["{urn:x}a"]
        return element.text if status == 200 else status

    def test_dead_properties_follow_the_resource(self):
        self.patch("/f", ("set", "<x:a>v</x:a>"))
        self.ask("PUT", "/f", body=b"other", want=204)
        self.assertEqual(self.value("/f"), "v", "PUT keeps them")
        self.ask("COPY", "/f", {"Destination": "/g"}, want=201)
        self.assertEqual(self.value("/g"), "v", "COPY copies them")
        self.patch("/g", ("set", "<x:a>w</x:a>"))
        self.assertEqual(self.value("/f"), "v", "the copy has its own")
        self.ask("MOVE", "/f", {"Destination": "/h"}, want=201)
        self.assertEqual(self.value("/h"), "v", "MOVE moves them")
        self.ask("MOVE", "/h", {"Destination": "/g", "Overwrite": "T"}, want=204)
        self.assertEqual(self.value("/g"), "v", "what is overwritten loses its own")
        self.ask("DELETE", "/g", want=204)
        self.ask("PUT", "/g", body=b"new", want=201)
        self.assertEqual(self.value("/g"), 404, "DELETE ends them")

    def test_dead_properties_follow_a_folder(self):
        self.ask("MKCOL", "/d", want=201)
        self.ask("PUT", "/d/f", body=b"x", want=201)
        self.patch("/d", ("set", "<x:a>d</x:a>"))
        self.patch("/d/f", ("set", "<x:a>f</x:a>"))
        self.ask("COPY", "/d", {"Destination": "/e"}, want=201)
        self.assertEqual([self.value("/e"), self.value("/e/f")], ["d", "f"])
        self.ask("MOVE", "/d", {"Destination": "/m"}, want=201)
        self.assertEqual([self.value("/m"), self.value("/m/f")], ["d", "f"])

    def test_windows_sets_its_attributes_and_times(self):
        when = "Thu, 01 Jan 2015 10:20:30 GMT"
        z = 'xmlns:Z="%s"' % W32
        m = self.patch("/f", ("set", (
            '<Z:Win32CreationTime {0}>{1}</Z:Win32CreationTime>'
            '<Z:Win32LastAccessTime {0}>{1}</Z:Win32LastAccessTime>'
            '<Z:Win32LastModifiedTime {0}>{1}</Z:Win32LastModifiedTime>'
            '<Z:Win32FileAttributes {0}>00000020</Z:Win32FileAttributes>').format(z, when)))
        self.assertEqual(len(m.names(200)), 4)
        m = self.one("/f", "{%s}Win32LastModifiedTime" % W32,
                     "{%s}Win32FileAttributes" % W32)
        self.assertEqual(m.props["{%s}Win32LastModifiedTime" % W32][1].text, when)
        self.assertEqual(m.props["{%s}Win32FileAttributes" % W32][1].text, "00000020")

    def test_bodies_that_mean_nothing_change_nothing(self):
        for body in (b"", b"<", b"<propertyupdate/>", b'<D:propertyupdate xmlns:D="DAV:"/>',
                     b'<D:propfind xmlns:D="DAV:"><D:allprop/></D:propfind>',
                     b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:a>1</x:a>'
                     b"</D:prop></D:set></D:propertyupdate>"):
            with self.subTest(body):
                self.ask("PROPPATCH", "/f", XML, body, 400)
        self.assertEqual(self.value("/f"), 404)


class Etags(TestCase):

    def test_two_puts_of_one_size_within_a_second(self):
        etags = set()
        begin = time.monotonic()
        for i in range(20):
            r = self.ask("PUT", "/f", body=b"%04d" % i, want=(201, 204))
            etag = r.header("ETag") or self.ask("HEAD", "/f").header("ETag")
            etags.add(etag)
            self.assertRegex(etag, r'\A"[^"]+"\Z', "strong")
            self.assertEqual(self.one("/f", "getetag").text("getetag"), etag)
        self.assertEqual(len(etags), 20)
        self.assertLess(time.monotonic() - begin, 20)

    def test_it_survives_a_move_and_reading(self):
        self.ask("PUT", "/f", body=b"x", want=201)
        etag = self.ask("GET", "/f").header("ETag")
        self.patch("/f", ("set", "<x:a>1</x:a>"))
        self.ask("MOVE", "/f", {"Destination": "/g"}, want=201)
        self.assertEqual(self.ask("GET", "/g").header("ETag"), etag)

    def test_a_change_by_hand_changes_it(self):
        self.ask("PUT", "/f", body=b"x", want=201)
        etag = self.ask("GET", "/f").header("ETag")
        self.server.write("f", b"y")
        self.assertNotEqual(self.ask("GET", "/f").header("ETag"), etag)


class Errors(TestCase):

    def test_an_error_body_is_well_formed_xml(self):
        r = self.ask("MKCOL", "/a/b", want=409)
        self.assertIsInstance(condition(r), list)

    def test_or_problem_json_as_accepted(self):
        r = self.ask("MKCOL", "/a/b", {"Accept": "application/json"}, want=409)
        self.assertTrue(re.match("application/(problem\\+)?json", r.header("Content-Type")))
        self.assertEqual(json.loads(r.body)["status"], 409)


if __name__ == "__main__":
    sheaf_http.main()

# SPDX-License-Identifier: MIT
"""WebDAV as a client sees it, for test_probe_*.py: bodies are read with a real
XML parser, hrefs are decoded to bytes, and what is not namespace-well-formed or
not a multistatus (RFC 4918 s14.16) is a failure.
"""

import os
import shutil
import stat
import tempfile
import xml.etree.ElementTree as ET
from urllib.parse import quote, unquote_to_bytes, urlsplit

import sheaf_http

D = "{DAV:}"
XML = {"Content-Type": "application/xml; charset=utf-8"}
NOBODY = 65534


def encode(path):
    """A path of bytes or text as it stands in a request line."""
    return quote(path, safe="/")


class Member:
    """One DAV:response."""

    def __init__(self, element):
        hrefs = element.findall(D + "href")
        assert hrefs, "a response without href"
        self.hrefs = [h.text for h in hrefs]
        self.href = self.hrefs[0]
        self.path = unquote_to_bytes(urlsplit(self.href).path)
        status = element.find(D + "status")
        self.status = None if status is None else code(status.text)
        self.error = element.find(D + "error")
        self.props = {}  # name -> (status, element)
        self.errors = {}  # name -> DAV:error of its propstat
        stats = element.findall(D + "propstat")
        assert (self.status is None) == bool(stats), "status or propstat"
        seen = []
        for propstat in stats:
            at = code(propstat.findtext(D + "status"))
            seen.append(at)
            for prop in propstat.find(D + "prop"):
                assert prop.tag not in self.props, prop.tag
                self.props[prop.tag] = (at, prop)
                self.errors[prop.tag] = propstat.find(D + "error")
        assert len(seen) == len(set(seen)), "two propstats of one status"

    def text(self, name):
        """The text of a property that was found."""
        status, element = self.props[D + name]
        assert status == 200, (name, status)
        return element.text

    def names(self, status):
        return {n for n, (s, _) in self.props.items() if s == status}

    def is_collection(self):
        return self.props[D + "resourcetype"][1].find(D + "collection") is not None


def code(line):
    """The status of "HTTP/1.1 404 Not Found"."""
    version, status, _ = line.split(" ", 2)
    assert version == "HTTP/1.1", line
    return int(status)


def multistatus(response):
    """The members of a 207, by decoded path; each stands once."""
    assert response.status == 207, response
    media = response.header("Content-Type").replace(" ", "").lower()
    assert media in ("application/xml;charset=utf-8",
                     'application/xml;charset="utf-8"'), media
    root = ET.fromstring(response.body)
    assert root.tag == D + "multistatus", root.tag
    members = {}
    for element in root.findall(D + "response"):
        member = Member(element)
        assert member.path not in members, member.path
        members[member.path] = member
    return members


def condition(response):
    """The elements of an error body (RFC 4918 s16)."""
    root = ET.fromstring(response.body)
    assert root.tag == D + "error", root.tag
    return [child.tag for child in root]


def propfind(*names):
    """A body that asks for properties, in Clark notation or DAV: names."""
    out = ['<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>']
    for name in names:
        ns, local = name[1:].split("}") if name[0] == "{" else ("DAV:", name)
        out.append('<p:%s xmlns:p="%s"/>' % (local, ns) if ns else "<%s/>" % local)
    return ("".join(out) + "</D:prop></D:propfind>").encode()


def propertyupdate(*parts):
    """("set"|"remove", xml of properties)..."""
    inner = "".join("<D:%s><D:prop>%s</D:prop></D:%s>" % (what, xml, what)
                    for what, xml in parts)
    return ('<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x">%s'
            "</D:propertyupdate>" % inner).encode()


class TestCase(sheaf_http.TestCase):
    """A server shared by the tests of a class, emptied before each."""

    def setUp(self):
        for name in os.listdir(self.server.root):
            path = self.server.path(name)
            if name.startswith(".sheaf"):
                continue
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def ask(self, method, target, headers=(), body=None, want=None):
        """The answer, which has one of the statuses wanted."""
        r = self.server.request(method, target, headers, body)
        if want is not None:
            self.assertIn(r.status, (want,) if isinstance(want, int) else want,
                          "%s %s: %r" % (method, target, r))
        return r

    def props(self, target, *names, depth="0"):
        """The members that a PROPFIND finds, by path."""
        return multistatus(self.ask("PROPFIND", target, {"Depth": depth, **XML},
                                    propfind(*names), 207))

    def one(self, target, *names):
        members = self.props(target, *names)
        self.assertEqual(len(members), 1)
        return next(iter(members.values()))

    def patch(self, target, *parts):
        """Sets and removes properties; the one member of the answer."""
        members = multistatus(self.ask("PROPPATCH", target, XML,
                                       propertyupdate(*parts), 207))
        self.assertEqual(len(members), 1)
        return next(iter(members.values()))

    def copy_headers(self, destination, **more):
        return {"Destination": destination,
                **{k.capitalize(): v for k, v in more.items()}}

    def tree(self):
        """All names below the root but the state's, as bytes, sorted."""
        found = []
        top = os.fsencode(self.server.root)
        for where, dirs, files in os.walk(top):
            if where == top and b".sheaf" in dirs:
                dirs.remove(b".sheaf")
            found += [os.path.relpath(os.path.join(where, n), top)
                      for n in dirs + files]
        return sorted(found)


class UnprivilegedCase(TestCase):
    """The server runs as one whom permissions bind: as nobody, when we are
    root.  The program is copied to where that one can reach it."""

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="sheaf-nobody-")
        os.chmod(cls.home, 0o755)
        prefix, program = (), sheaf_http._program[0]
        root = os.path.join(cls.home, "root")
        os.mkdir(root)
        if os.getuid() == 0:
            program = shutil.copy(program, os.path.join(cls.home, "sheaf"))
            os.chmod(program, 0o755)
            os.chown(root, NOBODY, NOBODY)
            prefix = ("setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY,
                      "--clear-groups")
        cls.server = sheaf_http.Server(*cls.args, root=root, program=program,
                                       prefix=prefix)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        shutil.rmtree(cls.home, ignore_errors=True)

    def setUp(self):
        # Root may remove anything; others must be let first.
        for where, dirs, _ in os.walk(self.server.root):
            for name in dirs:
                os.chmod(os.path.join(where, name), 0o755)
        super().setUp()

    def give(self, name, data=None, mode=None):
        """A file (or, without data, a folder) that belongs to the server."""
        path = self.server.path(name)
        if data is None:
            os.makedirs(path, exist_ok=True)
        else:
            self.server.write(name, data)
        if os.getuid() == 0:
            while path != self.server.root:
                os.chown(path, NOBODY, NOBODY)
                path = os.path.dirname(path)
        if mode is not None:
            os.chmod(self.server.path(name), mode)


def is_zero_byte_file(path):
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0

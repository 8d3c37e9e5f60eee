# SPDX-License-Identifier: MIT
"""A WebDAV server that keeps a small tree in memory and can fail in every way.

    world = World({"d/": None, "d/keep.txt": b"k"})
    world.stuck["/d/keep.txt"] = 423         # it cannot be removed or written
    with Server(world) as server:
        ...                                   # DELETE /d/ is a 207 that says so

Left alone it is a plain and correct server.  What it does to the tree is real,
so that afterwards one can see what was lost.  before(request) may answer in its
place, and nothing is done then; after(request, reply) may change or replace the
reply, down to its bytes: a Reply can be cut anywhere, reset, chunked, or lie
about its length.
"""

import json
import re
import socket
import threading
from email.utils import formatdate
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

REASONS = {
    100: "Continue", 102: "Processing", 103: "Early Hints", 200: "OK",
    201: "Created", 202: "Accepted", 204: "No Content",
    206: "Partial Content", 207: "Multi-Status", 302: "Found",
    304: "Not Modified",
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
    412: "Precondition Failed", 423: "Locked", 424: "Failed Dependency",
    429: "Too Many Requests", 500: "Internal Server Error",
    501: "Not Implemented", 503: "Service Unavailable",
    507: "Insufficient Storage",
}
BULK = "/bulk"  # where batches go
METHODS = ("OPTIONS, GET, HEAD, PUT, DELETE, COPY, MOVE, MKCOL, PROPFIND, "
           "PROPPATCH, LOCK, UNLOCK")
XML = 'application/xml; charset="utf-8"'
MODIFIED = formatdate(1640995200, usegmt=True)


def reason(status):
    return REASONS.get(status, "Whatever")


def status_line(status):
    """As DAV:status has it; what is no number is sent as it is."""
    if isinstance(status, int):
        return "HTTP/1.1 %d %s" % (status, reason(status))
    return status


class Request:
    def __init__(self, method, target, fields, body):
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
        self.path = unquote(urlsplit(target).path)

    @property
    def destination(self):
        url = self.fields.get("destination")
        return unquote(urlsplit(url).path) if url else None


class Reply:
    """What is sent.  length: "true", "chunked", "close" (none is said; the end
    of the connection ends it), or a number that is said instead.  cut: so many
    bytes of the body are sent and the connection is closed (reset: with RST).
    before: 1xx answers sent in front.  line: instead of the status line.
    """

    def __init__(self, status, fields=(), body=b""):
        self.status = status
        self.fields = dict(fields)
        self.body = body if isinstance(body, bytes) else body.encode()
        self.length = "true"
        self.cut = None
        self.reset = False
        self.before = b""
        self.line = None
        self.silent = False  # nothing at all is sent

    def head(self):
        line = self.line
        if line is None:
            line = "HTTP/1.1 %03d %s" % (self.status, reason(self.status))
        fields = {"Date": formatdate(usegmt=True), "Server": "scripted"}
        fields.update(self.fields)
        fields = {k: v for k, v in fields.items() if v is not None}
        if self.length == "chunked":
            fields["Transfer-Encoding"] = "chunked"
        elif self.length == "close" or self.cut is not None or self.reset:
            fields["Connection"] = "close"
        if self.length == "true" and self.status not in (204, 304):
            fields["Content-Length"] = str(len(self.body))
        elif isinstance(self.length, int):
            fields["Content-Length"] = str(self.length)
        return "\r\n".join([line] + ["%s: %s" % f for f in fields.items()] +
                           ["", ""]).encode()

    def ends_connection(self):
        return (self.length == "close" or isinstance(self.length, int) or
                self.cut is not None or self.reset or self.silent)

    def bytes(self, method):
        body = self.body if method != "HEAD" else b""
        if self.cut is not None:
            body = body[:self.cut]
        if self.length == "chunked":
            half = len(body) // 2
            body = b"".join(b"%x\r\n%s\r\n" % (len(p), p)
                            for p in (body[:half], body[half:]) if p)
            if self.cut is None:
                body += b"0\r\n\r\n"
        return self.before + self.head() + body


class World:
    """The tree: "/d/" is a collection, "/d/a" a file."""

    def __init__(self, files):
        self.files = {"/": None}
        self.files.update({"/" + k: v for k, v in files.items()})
        self.props = {}
        self.locks = {}
        self.stuck = {}  # path -> status of whoever would change it
        self.veiled = {}  # path -> status in a listing
        self.propstat = {}  # path -> status of its properties in a listing
        self.refused = 403  # of a property that cannot be set ("refused")
        self.serial = 0
        self.etags = {}
        self.requests = []

    def find(self, path):
        """The path as the tree has it, or None."""
        if path in self.files:
            return path
        if path + "/" in self.files:
            return path + "/"
        if path.rstrip("/") in self.files:
            return path.rstrip("/")
        return None

    def below(self, path):
        """The path and all that is in it."""
        return sorted(p for p in self.files
                      if p == path or path.endswith("/") and p.startswith(path))

    def children(self, path):
        return [p for p in self.below(path) if p != path and
                "/" not in p[len(path):].rstrip("/")]

    def parent(self, path):
        return path.rstrip("/").rsplit("/", 1)[0] + "/"

    def put(self, path, data):
        self.serial += 1
        self.etags[path] = '"%d"' % self.serial
        self.files[path] = data

    def etag(self, path):
        return self.etags.get(path, '"0"')

    # Methods: each takes a request and returns a reply.

    def answer(self, request):
        self.requests.append(request)
        method = getattr(self, "do_" + request.method, None)
        if not method:
            return Reply(405, {"Allow": METHODS})
        return method(request, self.find(request.path))

    def do_OPTIONS(self, request, path):
        return Reply(200, {"DAV": "1, 2", "Allow": METHODS,
                           "MS-Author-Via": "DAV"})

    def do_GET(self, request, path):
        if not path:
            return Reply(404, {"Content-Type": "text/plain"}, "not found\n")
        fields = {"ETag": self.etag(path), "Last-Modified": MODIFIED,
                  "Accept-Ranges": "bytes"}
        if path.endswith("/"):
            return Reply(200, {"Content-Type": "text/html"}, "".join(
                '<a href="%s">x</a>\n' % quote(c)
                for c in self.children(path)))
        data = self.files[path]
        ranged = re.fullmatch(r"bytes=(\d+)-", request.fields.get("range", ""))
        if ranged and int(ranged[1]) < len(data):
            fields["Content-Range"] = "bytes %s-%d/%d" % (
                ranged[1], len(data) - 1, len(data))
            return Reply(206, fields, data[int(ranged[1]):])
        fields["Content-Type"] = "text/plain"
        return Reply(200, fields, data)

    do_HEAD = do_GET

    def _guard(self, request, path):
        """Why it may not be changed, or None."""
        wanted = request.fields.get("if-match")
        if wanted and (not path or wanted not in ("*", self.etag(path))):
            return Reply(412)
        if request.fields.get("if-none-match") == "*" and path:
            return Reply(412)
        return None

    def do_PUT(self, request, path):
        no = self._guard(request, path)
        if no:
            return no
        if path and path.endswith("/") or request.path.endswith("/"):
            return Reply(405)
        if self.find(self.parent(request.path)) is None:
            return Reply(409)
        if request.path in self.stuck:
            return Reply(self.stuck[request.path])
        self.put(request.path, request.body)
        return Reply(204 if path else 201, {"ETag": self.etag(request.path)})

    def do_POST(self, request, path):
        """A bulk endpoint as many have one, of files that are to be made."""
        if request.path != BULK:
            return Reply(405, {"Allow": METHODS})
        results = []
        for op in json.loads(request.body)["operations"]:
            done = self.answer(Request("PUT", op["url"], {"if-none-match": "*"},
                                       json.dumps(op["body"]).encode()))
            results.append({"id": op["id"], "status": done.status,
                            "href": op["url"]})
        failed = sum(r["status"] >= 400 for r in results)
        return Reply(207, {"Content-Type": "application/json"}, json.dumps({
            "results": results,
            "summary": {"total": len(results), "failed": failed,
                        "success": len(results) - failed}}))

    def do_MKCOL(self, request, path):
        if path:
            return Reply(405, {"Allow": METHODS})
        where = request.path.rstrip("/") + "/"
        if self.find(self.parent(where)) is None:
            return Reply(409)
        for name in (where, where.rstrip("/")):
            if name in self.stuck:
                return Reply(self.stuck[name])
        self.files[where] = None
        return Reply(201)

    def _remove(self, path):
        """What could not be removed, by path."""
        kept = {p: self.stuck[p] for p in self.below(path) if p in self.stuck}
        for p in reversed(self.below(path)):
            if not any(k == p or p.endswith("/") and k.startswith(p)
                       for k in kept):
                del self.files[p]
        return kept

    def _partial(self, whole, failed, success):
        """207 where members failed; where it is the whole, its status."""
        if not failed:
            return Reply(success)
        if list(failed) == [whole]:
            return Reply(failed[whole])
        return multistatus([(quote(p), s) for p, s in failed.items()])

    def do_DELETE(self, request, path):
        if not path:
            return Reply(404)
        no = self._guard(request, path)
        if no:
            return no
        return self._partial(path, self._remove(path), 204)

    def _transfer(self, request, path, remove):
        to = request.destination
        if not path or not to:
            return Reply(404 if not path else 400)
        to = to.rstrip("/") + ("/" if path.endswith("/") else "")
        there = self.find(to)
        if there and request.fields.get("overwrite") == "F":
            return Reply(412)
        if self.find(self.parent(to)) is None:
            return Reply(409)
        failed = {}
        for p in self.below(path):
            goal = to + p[len(path):]
            if goal in self.stuck:
                failed[goal] = self.stuck[goal]
            elif remove and p in self.stuck:
                failed[p] = self.stuck[p]
            else:
                self.put(goal, self.files[p])
        if remove:
            for p in reversed(self.below(path)):
                if p not in failed and to + p[len(path):] not in failed and \
                        not any(f.startswith(p) for f in failed):
                    del self.files[p]
        whole = path if path in failed else to
        return self._partial(whole, failed, 204 if there else 201)

    def do_COPY(self, request, path):
        return self._transfer(request, path, False)

    def do_MOVE(self, request, path):
        return self._transfer(request, path, True)

    def do_PROPFIND(self, request, path):
        if not path:
            return Reply(404)
        depth = request.fields.get("depth", "infinity")
        listed = [path] if depth == "0" else \
            [path] + self.children(path) if depth == "1" else self.below(path)
        return multistatus([self._response(p) for p in listed])

    def _response(self, path):
        if path in self.veiled:
            return quote(path), self.veiled[path]
        return quote(path), [(self.propstat.get(path, 200), self._props(path))]

    def _props(self, path):
        folder = path.endswith("/")
        text = "<D:resourcetype>%s</D:resourcetype>" % (
            "<D:collection/>" if folder else "")
        text += "<D:displayname>%s</D:displayname>" % escape(
            path.rstrip("/").rsplit("/", 1)[-1])
        text += "<D:getlastmodified>%s</D:getlastmodified>" % MODIFIED
        text += "<D:creationdate>2022-01-01T00:00:00Z</D:creationdate>"
        if not folder:
            text += "<D:getcontentlength>%d</D:getcontentlength>" % len(
                self.files[path])
            text += "<D:getetag>%s</D:getetag>" % escape(self.etag(path))
        text += "".join(self.props.get(path, {}).values())
        return text

    def do_PROPPATCH(self, request, path):
        if not path:
            return Reply(404)
        names = re.findall(r"<(?:\w+:)?prop>\s*<((?:\w+:)?[\w-]+)([^>]*)>",
                           request.body.decode())
        named = "".join("<%s%s/>" % (n, a.rstrip("/")) for n, a in names)
        if path in self.stuck:
            return Reply(self.stuck[path])
        refused = any("refused" in n for n, _ in names)
        status = self.refused if refused else 200
        if not refused:
            self.props.setdefault(path, {})["set"] = "<D:x>1</D:x>"
        return multistatus([(quote(path), [(status, named)])])

    def do_LOCK(self, request, path):
        where = path or request.path
        for p in self.below(where) or [where]:
            if p in self.stuck and p != where:
                return multistatus([(quote(p), self.stuck[p]),
                                    (quote(where), 424)])
            if p in self.stuck:
                return Reply(self.stuck[p])
        token = "urn:uuid:00000000-0000-4000-8000-%012d" % len(self.locks)
        self.locks[token] = where
        deep = request.fields.get("depth", "infinity")
        body = ('<?xml version="1.0" encoding="utf-8"?>\n<D:prop xmlns:D="DAV:">'
                "<D:lockdiscovery><D:activelock><D:locktype><D:write/>"
                "</D:locktype><D:lockscope><D:exclusive/></D:lockscope>"
                "<D:depth>%s</D:depth><D:owner>o</D:owner><D:timeout>Second-600"
                "</D:timeout><D:locktoken><D:href>%s</D:href></D:locktoken>"
                "<D:lockroot><D:href>%s</D:href></D:lockroot></D:activelock>"
                "</D:lockdiscovery></D:prop>" % (deep, token, quote(where)))
        if not path:
            self.put(where, b"")
        return Reply(200 if path else 201, {
            "Content-Type": XML, "Lock-Token": "<%s>" % token}, body)

    def do_UNLOCK(self, request, path):
        token = request.fields.get("lock-token", "").strip("<>")
        if self.locks.pop(token, None) is None:
            return Reply(409)
        return Reply(204)


def propstats(stats):
    return "".join(
        "<D:propstat><D:prop>%s</D:prop><D:status>%s</D:status></D:propstat>" %
        (props, status_line(status)) for status, props in stats)


def response(href, result, more=""):
    """One DAV:response; result: a status, or [(status, properties)]."""
    inner = propstats(result) if isinstance(result, list) else \
        "" if result is None else \
        "<D:status>%s</D:status>" % status_line(result)
    href = "" if href is None else "<D:href>%s</D:href>" % escape(href)
    return "<D:response>%s%s%s</D:response>\n" % (href, inner, more)


def multistatus(results, more=""):
    """A 207 of (href, result) or (href, result, more) of response()."""
    return Reply(207, {"Content-Type": XML},
                 '<?xml version="1.0" encoding="utf-8"?>\n'
                 '<D:multistatus xmlns:D="DAV:">\n' +
                 "".join(response(*r) for r in results) + more +
                 "</D:multistatus>\n")


class Server:
    """A world behind a socket, until its with-block ends."""

    def __init__(self, world, before=None, after=None):
        self.world = world
        self.before = before
        self.after = after
        self.guard = threading.Lock()
        self.open = set()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.url = "http://127.0.0.1:%d/" % self.port
        self.failed = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        with self.guard:
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        if self.failed:
            raise self.failed[0]

    def _accept(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            with self.guard:
                self.open.add(sock)
            threading.Thread(target=self._serve, args=(sock,),
                             daemon=True).start()

    def _serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            stream = sock.makefile("rb")
            while self._one(sock, stream):
                pass
        except OSError:
            pass  # the client went away
        except Exception as e:  # pylint: disable=broad-except
            self.failed.append(e)
        finally:
            with self.guard:
                self.open.discard(sock)
            sock.close()

    def _one(self, sock, stream):
        request = read_request(sock, stream)
        if not request:
            return False
        with self.guard:
            reply = self.before and self.before(request)
            if reply:
                self.world.requests.append(request)
            else:
                reply = self.world.answer(request)
            if self.after:
                reply = self.after(request, reply) or reply
        if not reply.silent:
            sock.sendall(reply.bytes(request.method))
        if reply.reset:
            # What was sent should arrive before the RST does.
            threading.Event().wait(0.02)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
            return False
        return not reply.ends_connection() and \
            request.fields.get("connection", "").lower() != "close"


def read_request(sock, stream):
    """The next request with its body, or None at the end."""
    line = stream.readline().decode("latin-1").split()
    if len(line) < 2:
        return None
    fields = {}
    while True:
        field = stream.readline().decode("latin-1").strip()
        if not field:
            break
        name, _, value = field.partition(":")
        fields[name.lower()] = value.strip()
    if fields.get("expect", "").lower() == "100-continue":
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = b""
    if fields.get("transfer-encoding", "").lower() == "chunked":
        while True:
            size = int(stream.readline().split(b";")[0] or b"0", 16)
            body += stream.read(size)
            stream.readline()
            if not size:
                break
    else:
        body = stream.read(int(fields.get("content-length", "0")))
    return Request(line[0], line[1], fields, body)

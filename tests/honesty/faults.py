# SPDX-License-Identifier: MIT
"""What goes wrong: each returns a Fault, made for an action when it is run.

A fault sees the action it is for (at.method, at.whole, at.keep: tools.py), and
leaves all other requests alone.
"""

import json
import re

import server
from server import Reply, XML, multistatus

# Tools that take a tree apart send these for each member of it.
SINGLY = ("DELETE", "COPY", "MOVE", "PUT")


class Fault:
    """setup changes the world; before and after are as Server has them."""

    def __init__(self, setup=None, before=None, after=None):
        self.setup = setup
        self.before = before
        self.after = after

    def arm(self, at, world):
        """What Server takes, for this action on this world."""
        if self.setup:
            self.setup(at, world)
        return (self._bound(self.before, at), self._bound(self.after, at))

    @staticmethod
    def _bound(hook, at):
        return hook and (lambda *request_and_reply: hook(at, *request_and_reply))


def hits(at, request):
    if request.method != at.method:
        return False
    path = request.path.rstrip("/")
    whole = at.whole.rstrip("/")
    return path == whole or at.method in SINGLY and \
        path.startswith(whole + "/")


def stuck(status):
    """The member cannot be removed, written or locked."""
    def setup(at, world):
        world.stuck[at.keep] = status
    return Fault(setup)


def veiled(status):
    """The member stands in the listing with this status and nothing else."""
    def setup(at, world):
        world.veiled[at.keep] = status
    return Fault(setup)


def unread(status):
    """The member's properties stand in the listing with this status."""
    def setup(at, world):
        world.propstat[at.keep] = status
    return Fault(setup)


def refused(status):
    """The property cannot be set."""
    def after(at, request, reply):
        if hits(at, request):
            reply.body = reply.body.replace(
                b"HTTP/1.1 200 OK", server.status_line(status).encode())
    def before(at, request):
        if hits(at, request):
            named = re.findall(rb"<((?:\w+:)?colour[^>]*?)/?>", request.body)
            name = (named or [b"D:x"])[0].decode()
            return multistatus([(request.path, [(status, "<%s/>" % name)])])
        return None
    return Fault(None, before, after if status == 200 else None)


def instead(make, status=None):
    """make(at) is the answer to what is done all the same."""
    def after(at, request, reply):
        if not hits(at, request):
            return None
        made = make(at)
        if status:
            made.status = status
        return made
    return Fault(None, None, after)


def undone(make):
    """make(at) is the answer, and nothing is done."""
    def before(at, request):
        return make(at) if hits(at, request) else None
    return Fault(None, before)


def plain(status, fields=(), body=b"", line=None):
    """An answer like this, and nothing is done."""
    def make(at):
        reply = Reply(status, fields, body)
        reply.line = line
        return reply
    return undone(make)


def said(*results, more="", status=207, stick=None, type=XML):
    """A 207 with these responses to what is done all the same.  In an href
    {whole} and {keep} stand for the paths of the action; stick: a member that
    really was not done."""
    def make(at):
        reply = multistatus([(h and h.format(whole=at.whole, keep=at.keep), *r)
                             for h, *r in results], more)
        reply.status = status
        if type is None:
            del reply.fields["Content-Type"]
        else:
            reply.fields["Content-Type"] = type
        return reply
    fault = instead(make)
    if stick:
        fault.setup = stuck(stick).setup
    return fault


def text(body, type=XML, stick=423):
    """This body, in a 207."""
    def make(at):
        filled = body.replace("{whole}", at.whole).replace("{keep}", at.keep)
        return Reply(207, {"Content-Type": type} if type else {}, filled)
    fault = instead(make)
    fault.setup = stuck(stick).setup if stick else None
    return fault


def respelled(spell, stick=423):
    """Each href of the 207 goes through spell(href, url)."""
    def after(at, request, reply):
        if hits(at, request) and reply.status == 207:
            url = "http://" + request.fields.get("host", "")
            reply.body = re.sub(
                r"(<D:href>)([^<]*)",
                lambda m: m[1] + spell(m[2], url),
                reply.body.decode()).encode()
    fault = Fault(None, None, after)
    fault.setup = stuck(stick).setup if stick else None
    return fault


def torn(change, stick=423):
    """change(reply) is done to a 207 (or to a GET's answer)."""
    def after(at, request, reply):
        if hits(at, request) and (reply.status == 207 or at.method == "GET" and
                                  reply.status < 300):
            change(reply)
        return reply
    fault = Fault(None, None, after)
    fault.setup = stuck(stick).setup if stick else None
    return fault


def cut(percent, how, stick=423):
    """The body ends at so many hundredths.  how: "short" (less than was
    announced), "chunk" (no last chunk), "reset", or "whole" (the length is
    right, and what is missing is missing)."""
    def change(reply):
        at = len(reply.body) * percent // 100
        if how == "whole":
            reply.body = reply.body[:at]
            return
        reply.cut = at
        reply.reset = how == "reset"
        if how == "chunk":
            reply.length = "chunked"
    return torn(change, stick)


def spoiled(percent, by, stick=423):
    """A byte of the body, at or behind so many hundredths, is replaced: what is
    there is not XML any more."""
    def change(reply):
        at = reply.body.index(b"<", len(reply.body) * percent // 100)
        reply.body = reply.body[:at] + by + reply.body[at + 1:]
    return torn(change, stick)


def answered(change, stick=None):
    """change(document): what is made of the answer to a batch."""
    def after(at, request, reply):
        if hits(at, request) and reply.status == 207:
            document = json.loads(reply.body)
            change(document)
            reply.body = json.dumps(document).encode()
    fault = Fault(None, None, after)
    fault.setup = stuck(stick).setup if stick else None
    return fault


def before_it(lines):
    """1xx answers come first."""
    def after(at, request, reply):
        if hits(at, request):
            reply.before = lines
    return Fault(None, None, after)


class once(Fault):
    """make(at) the first time; the second time all is well.  gap: seconds that
    have to be between them."""

    def __init__(self, make, gap=0):
        super().__init__()
        self.make = make
        self.gap = gap

    def arm(self, at, world):
        seen = []

        def before(request):
            if not hits(at, request) or seen:
                return None
            seen.append(request)
            return self.make(at)
        return before, None


def no_answer(done):
    """The connection ends before an answer, always."""
    def silence(at):
        reply = Reply(200)
        reply.silent = True
        return reply
    return instead(silence) if done else undone(silence)

# SPDX-License-Identifier: MIT
"""The table: what a server answers, to whom, what is true then, and what sheaf
has to say.

truth: "done" (all of it), "not" (nothing), "part", or "open" (from the answer
nobody can tell).  excuse: it is done, but only who goes and looks can know.
exit: sheaf's, by docs/design/exit-codes.md.  item: what its output has to name;
{keep}, {whole}: of the action.  A `*` before a name: the other tools run it in
the short form of the tests as well.
"""

from collections import namedtuple

import faults as f
from server import Reply, XML, multistatus

Case = namedtuple("Case", "name what on truth exit item fault brief excuse")

TREES = "remove-tree copy-tree move-tree"
LISTS = "list tree download-tree mirror"
STATUSES = (403, 423, 424, 500, 503, 507)
ALL = []


def case(name, what, on, truth, exit, item, fault, excuse=False):
    brief = name.startswith("*")
    ALL.append(Case(name.lstrip("*"), what, on.split(), truth, exit, item, fault,
                    brief, excuse))


def refusal(status):
    """The exit code where an item alone was asked for and refused."""
    return 7 if status in (401, 403, 407) else 4


# ------------------------------------------- a member that could not be done

for s in STATUSES:
    case(("*" if s == 423 else "") + "member-%d" % s,
         "one member is %d, the others are done" % s, TREES, "part", 3,
         "{keep}", f.stuck(s))
for s in (499, 599):
    case("member-%d" % s, "one member has the unknown code %d" % s, TREES,
         "part", 3, "{keep}", f.stuck(s))
for s, name in ((799, "799"), ("HTTP/1.1 000 Nothing", "000"),
                ("it is locked", "text"), ("", "empty"),
                ("HTTP/1.1 100 Continue", "100"),
                ("HTTP/1.1 102 Processing", "102")):
    case("member-" + name, "one member's status is \"%s\"" % s, TREES, "open",
         6, "{keep}", f.said(("{keep}", s), stick=423))
case("member-302", "one member is a redirect, without a place to go to", TREES,
     "part", 3, "{keep}", f.said(("{keep}", 302), stick=423))
case("member-302-location", "one member is a redirect to elsewhere", TREES,
     "part", 3, "{keep}",
     f.said(("{keep}", 302, "<D:location><D:href>/else</D:href></D:location>"),
            stick=423))
case("member-no-status", "one member has neither status nor propstat", TREES,
     "open", 6, "{keep}", f.said(("{keep}", None), stick=423))
case("member-propstat", "one member's 423 is in a propstat", TREES, "part", 3,
     "{keep}", f.said(("{keep}", [(423, "<D:x/>")]), stick=423))
case("members-mixed", "one member is 423, another 403 and one done", TREES,
     "part", 3, "{keep}",
     f.said(("{whole}a.txt", 200), ("{keep}", 423), ("{whole}sub/", 403),
            stick=423))
case("duplicate", "one member stands twice, 423 both times", TREES, "part", 3,
     "{keep}", f.said(("{keep}", 423), ("{keep}", 423), stick=423))
case("contradiction", "one member stands twice, once as done", TREES, "part",
     3, "{keep}", f.said(("{keep}", 200), ("{keep}", 423), stick=423))
case("target-423", "the 207 has the target itself as 423", "remove-tree "
     "move-tree make-folder lock", "not", 4, "{whole}",
     f.undone(lambda at: multistatus([(at.whole, 423)])))
case("target-403", "the 207 has the target itself as 403", "remove-tree "
     "move-tree make-folder lock", "not", 7, "{whole}",
     f.undone(lambda at: multistatus([(at.whole, 403)])))
case("retry-inside", "one member is 503, the answer has Retry-After", TREES,
     "part", 3, "{keep}", f.torn(
         lambda reply: reply.fields.update({"Retry-After": "1"}), 503))

# --------------------------------------------------- hrefs, spelled otherwise

case("href-absolute", "hrefs are absolute URIs", TREES, "part", 3, "{keep}",
     f.respelled(lambda h, url: url + h))
case("href-escaped", "hrefs are escaped more than need be", TREES, "part", 3,
     "{keep}", f.respelled(lambda h, url: h.replace("k", "%6b")))
case("href-dots", "hrefs have dot segments", TREES, "part", 3, "{keep}",
     f.respelled(lambda h, url: h.replace("/keep", "/sub/../keep")))
case("href-no-slash", "a collection's href has no slash at its end",
     "remove-tree", "part", 3, "/d/sub",
     f.said(("/d/sub", 423), stick=423))
case("href-foreign-host", "the href is on another host", TREES, "open", 6,
     "{whole}", f.said(("http://example.com{keep}", 423), stick=423))
case("href-foreign-path", "the href is outside of what was asked for", TREES,
     "open", 6, "{whole}", f.said(("/other/x.txt", 423), stick=423))
case("href-foreign-good", "another's href is said to be done", TREES, "open", 6,
     "{whole}", f.said(("/other/x.txt", 200), stick=423))

# ---------------------------------------------- a 207 that nobody can believe

case("*empty-207", "a 207 without a body", TREES, "open", 8, "{whole}",
     f.text("", stick=423))
case("no-responses", "a multistatus without a response", TREES, "open", 6,
     "{whole}", f.said(stick=423))
case("all-success", "a 207 in which all is well, the target too", TREES, "done",
     0, None, f.said(("{whole}a.txt", 200), ("{whole}", 200)))
case("*missing-href", "the response of the member has no href", TREES, "open",
     6, "{whole}", f.said((None, 423), stick=423))
case("*html-207", "a 207 that is a page for people", TREES, "open", 8, "{whole}",
     f.text("<html><body>All is well<br></body></html>", "text/html"))
case("text-207", "a 207 that is a sentence", TREES, "open", 8, "{whole}",
     f.text("Not all of it could be done.\n", "text/plain"))
case("other-root", "the root of the 207 is no multistatus", TREES, "open", 8,
     "{whole}", f.text('<D:error xmlns:D="DAV:"/>'))
case("no-namespace", "a multistatus in no namespace", TREES, "open", 8,
     "{whole}", f.text("<multistatus><response><href>{keep}</href><status>"
                       "HTTP/1.1 423 Locked</status></response></multistatus>"))
case("doctype", "the 207 has a DOCTYPE", TREES, "open", 8, "{whole}",
     f.text('<!DOCTYPE x [<!ENTITY a "b">]><D:multistatus xmlns:D="DAV:">'
            "<D:response><D:href>{keep}</D:href><D:status>HTTP/1.1 423 Locked"
            "</D:status></D:response></D:multistatus>"))
case("xml-as-json", "XML that is called JSON", TREES, "open", 8, "{whole}",
     f.said(("{keep}", 423), stick=423, type="application/json"))
case("prefix", "an undeclared prefix", TREES, "open", 8, "{whole}",
     f.text('<D:multistatus xmlns:D="DAV:"><D:response><D:href>{keep}</D:href>'
            "<X:status>HTTP/1.1 423 Locked</X:status></D:response>"
            "</D:multistatus>"))
for at in (5, 30, 60, 90):
    case("malformed-%d" % at, "the 207 is not XML any more at %d %%" % at,
         TREES, "open", 8, "{whole}", f.spoiled(at, b"&"))
for how, what in (("short", "than was announced"),
                  ("chunk", "than the last chunk"),
                  ("reset", "and the connection is reset"),
                  ("whole", "than a whole document")):
    for at in (0, 1, 10, 25, 40, 55, 70, 80, 90, 95, 99):
        if (how, at) == ("whole", 0):
            continue  # that is empty-207
        name = "cut-%s-%d" % (how, at)
        case(("*" if name in ("cut-short-40", "cut-whole-40") else "") + name,
             "%d %% of the 207 came: less %s" % (at, what), TREES, "open", 6,
             "{whole}", f.cut(at, how))

# ------------------------------------------------ the same in another clothing

case("type-text-xml", "Content-Type: text/xml", TREES, "part", 3, "{keep}",
     f.said(("{keep}", 423), stick=423, type="text/xml"))
case("type-none", "no Content-Type", TREES, "part", 3, "{keep}",
     f.said(("{keep}", 423), stick=423, type=None))
case("type-html", "multistatus that is called text/html", TREES, "part", 3,
     "{keep}", f.said(("{keep}", 423), stick=423, type="text/html"))
case("type-octets", "multistatus that is called application/octet-stream",
     TREES, "part", 3, "{keep}",
     f.said(("{keep}", 423), stick=423, type="application/octet-stream"))
case("json", "the 207 is JSON", TREES, "part", 3, "{keep}",
     f.text('{"summary": {"total": 1, "success": 0, "failed": 1}, "results": '
            '[{"href": "{keep}", "status": 423}]}', "application/json"))
case("json-lines", "the 207 is lines of JSON", TREES, "part", 3, "{keep}",
     f.text('{"href": "{keep}", "status": 423}\n{"summary": {"total": 1, '
            '"success": 0, "failed": 1}}\n', "application/x-ndjson"))
case("chunked", "a good 207, chunked", TREES, "part", 3, "{keep}",
     f.torn(lambda reply: setattr(reply, "length", "chunked")))
case("to-the-end", "a good 207 that ends with the connection", TREES, "part", 3,
     "{keep}", f.torn(lambda reply: setattr(reply, "length", "close")))

# ------------------------------------------------------ an answer to the whole

SINGLE = "remove-file make-folder set-property upload show unlock"
for s in (401, 403, 404, 409, 423, 424, 499, 500, 507, 599):
    case(("*" if s == 507 else "") + "plain-%d" % s, "%d for all of it" % s,
         SINGLE + " remove-tree copy-tree move-tree lock list", "not",
         refusal(s), "{whole}", f.plain(s))
case("apache-424", "424, and in its body the member that is 423", TREES, "not",
     4, "{whole}", f.undone(lambda at: _status(
         multistatus([(at.keep, 423)]), 424)))
case("plain-202", "202 Accepted, and nothing is done yet",
     TREES + " remove-file make-folder set-property upload", "open", 6,
     "{whole}", f.plain(202))
case("plain-299", "it is done, with the unknown code 299", TREES +
     " remove-file make-folder upload", "done", 0, None,
     f.instead(lambda at: Reply(299)))
case("plain-799", "the unknown code 799", SINGLE + " " + TREES, "open", 8,
     "{whole}", f.plain(799))
case("plain-000", "the code 000", SINGLE + " " + TREES, "open", 8, "{whole}",
     f.plain(0))
case("plain-text", "a status line without a code", SINGLE + " " + TREES, "open",
     8, "{whole}", f.plain(0, line="HTTP/1.1 Fine"))
case("plain-302", "a redirect without a place to go to", SINGLE + " " + TREES,
     "not", 4, "{whole}", f.plain(302))
case("plain-304", "304 to what had no condition", TREES + " upload make-folder",
     "not", 4, "{whole}", f.plain(304))
for n, line in ((100, "Continue"), (102, "Processing"), (103, "Early Hints")):
    case("before-%d" % n, "%d %s first, then it is done" % (n, line),
         "remove-file upload show make-folder list copy-tree", "done", 0, None,
         f.before_it(b"HTTP/1.1 %d %s\r\n\r\n" % (n, line.encode())))
case("no-answer", "nothing is done, and the connection ends without an answer",
     "make-folder set-property lock upload", "open", 6, "{whole}",
     f.no_answer(False))
case("done-no-answer", "it is done, and the connection ends without an answer",
     "make-folder set-property copy-tree", "open", 6, "{whole}",
     f.no_answer(True))
case("stored-no-answer", "it is stored, and no answer comes, which sheaf goes "
     "and sees", "upload", "done", 0, None, f.no_answer(True), excuse=True)
case("always-503", "503 each time", SINGLE + " " + TREES, "not", 4, "{whole}",
     f.plain(503))
for name, value, gap in (("integer", "1", 1.0), ("none", None, 0.0),
                         ("decimal", "1.5", 0.0), ("negative", "-1", 0.0),
                         ("text", "soon", 0.0), ("empty", "", 0.0),
                         ("past", "Sat, 01 Jan 2022 00:00:00 GMT", 0.0)):
    case("retry-after-" + name, "503 once; Retry-After: %s" % value,
         "remove-file upload show remove-tree", "done", 0, None,
         f.once(lambda at, value=value: Reply(503, {"Retry-After": value}), gap))

# ---------------------------------------------------------------- listings
# A member that cannot be read is unknown, never absent.

for s in STATUSES + (499, 599):
    case(("*" if s == 423 else "") + "listed-%d" % s,
         "one member of the listing has the status %d" % s, LISTS, "part", 6,
         "{keep}", f.veiled(s))
    case(("*" if s == 403 else "") + "propstat-%d" % s,
         "one member's properties have the status %d" % s, LISTS, "part", 6,
         "{keep}", f.unread(s))
case("stat-423", "the file's properties are 423", "stat", "not", 4, "{keep}",
     f.unread(423))
case("listed-404", "one member of the listing is 404", LISTS, "part", 6, "{keep}",
     f.veiled(404))
case("listed-302", "one member of the listing is a redirect", LISTS, "part", 6,
     "{keep}", f.veiled(302))
for name, s in (("799", 799), ("text", "it is locked"), ("102", 102)):
    case("listed-" + name, "one member's status is \"%s\"" % s, LISTS, "open", 6,
         "{keep}", f.veiled(s))
for how in ("short", "chunk", "reset", "whole"):
    for at in (1, 40, 70, 95):
        case(("*" if (how, at) in (("short", 70), ("whole", 70)) else "") +
             "listing-%s-%d" % (how, at),
             "%d %% of the listing came (%s)" % (at, how), LISTS +
             " stat explain", "open", 6, "{whole}", f.cut(at, how, None))
for at in (30, 60, 90):
    case("*listing-malformed-%d" % at if at == 60 else
         "listing-malformed-%d" % at,
         "the listing is not XML any more at %d %%" % at, LISTS +
         " stat explain lint", "open", 8, "{whole}", f.spoiled(at, b"&", None))
case("listing-empty", "a 207 without a body for a listing", LISTS + " stat",
     "open", 8, "{whole}", f.text("", stick=None))
case("*listing-nothing", "a multistatus without a response for a listing",
     LISTS + " stat", "open", 6, "{whole}", f.said())
case("listing-html", "200 and a page for people", LISTS + " stat", "open", 8,
     "{whole}", f.instead(lambda at: Reply(
         200, {"Content-Type": "text/html"}, "<html>Log in</html>")))
case("listing-foreign", "a listing of something else", LISTS + " stat", "open", 6,
     "{whole}", f.said(("/other/", [(200, "<D:resourcetype><D:collection/>"
                                          "</D:resourcetype>")])))

# ------------------------------------------------------------ single methods

case("*put-207", "207 with a 507 inside, and nothing is stored",
     "upload upload-move", "not", 8, "{whole}", f.undone(
         lambda at: multistatus([(at.whole, 507)])))
case("put-207-done", "it is stored, and the answer is a 207", "upload", "open", 8,
     "{whole}", f.said(("{whole}", 201)))
for s in (403, 423, 507):
    case("upload-member-%d" % s, "one of the files is refused with %d" % s,
         "upload-tree", "part", 3, "two.txt", f.stuck(s))
case("upload-507", "507, and nothing is stored", "upload-move", "not", 4,
     "{whole}", f.plain(507))
case("*get-207", "207 instead of the file", "show download", "open", 8,
     "{whole}", f.said(("{whole}", 423)))
case("get-206", "206 that nobody asked for", "show download", "open", 8,
     "{whole}", f.instead(lambda at: Reply(
         206, {"Content-Range": "bytes 0-3/2280", "Content-Type": "text/plain"},
         b"the ")))
for how in ("short", "chunk", "reset"):
    for at in (0, 50, 99):
        case(("*" if (how, at) == ("short", 50) else "") +
             "get-%s-%d" % (how, at),
             "%d %% of the file came (%s)" % (at, how), "show download", "open",
             6, "{whole}", f.cut(at, how, None))
case("download-500", "500 instead of the file", "download", "not", 4, "{whole}",
     f.plain(500, {"Content-Type": "text/plain"}, b"No.\n"))
for s in STATUSES:
    case("property-%d" % s, "207: the property is %d" % s, "set-property", "not",
         refusal(s), "{whole}", f.refused(s))
case("property-cut", "the answer is cut short", "set-property", "open", 6,
     "{whole}", f.cut(60, "short", None))
case("property-malformed", "the answer is malformed", "set-property", "open", 8,
     "{whole}", f.spoiled(60, b"&", None))
case("property-other", "the answer is about another file", "set-property",
     "open", 6, "{whole}", f.said(("/other/x.txt", [(200, "<D:x/>")])))
case("property-unsaid", "the answer does not mention the property",
     "set-property", "open", 6, "{whole}", f.said(
         ("{whole}", [(200, "<D:x/>")])))
case("property-empty", "a multistatus without a response", "set-property",
     "open", 6, "{whole}", f.said())
for s in STATUSES:
    case(("*" if s == 423 else "") + "lock-member-%d" % s,
         "207: a member is %d, the folder is not locked" % s, "lock", "not", 4,
         "{keep}", f.stuck(s))
case("lock-cut", "the answer with the lock is cut short", "lock", "open", 6,
     "{whole}", f.Fault(None, None, lambda at, q, r: f.hits(at, q) and
                        setattr(r, "cut", 200)))
case("lock-nothing", "200, and no lock in it", "lock", "open", 8, "{whole}",
     f.plain(200, {"Content-Type": XML}, '<D:prop xmlns:D="DAV:"/>'))
for s in STATUSES:
    case("folder-%d" % s, "207: the folder is %d" % s, "make-folder", "not",
         refusal(s), "{whole}",
         f.undone(lambda at, s=s: multistatus([(at.whole, s)])))
case("folder-other", "207 about another folder", "make-folder", "open", 6,
     "{whole}", f.said(("/other/", 200)))


# ------------------------------------------------------------------ batches

for s in STATUSES + (499, 599):
    case("batch-%d" % s, "one operation is %d, the others are done" % s, "batch",
         "part", 3, "{keep}", f.stuck(s))
for how in ("short", "chunk", "reset", "whole"):
    for at in (0, 10, 50, 75):
        case("batch-%s-%d" % (how, at), "%d %% of the answer came (%s)" % (
            at, how), "batch", "open", 8 if (how, at) == ("whole", 0) else 6,
             "{keep}", f.cut(at, how))
for name, what, code, change in (
        ("missing", "does not mention one of them", 6,
         lambda d: (d["results"].pop(1), d.pop("summary"))),
        ("missing-counted", "does not mention one of them, which is counted", 8,
         lambda d: d["results"].pop(1)),
        ("twice", "has one of them twice", 8,
         lambda d: d["results"].append(dict(d["results"][1]))),
        ("contradiction", "has one of them twice, once as done", 8,
         lambda d: d["results"].append({**d["results"][1], "status": 201})),
        ("stranger", "has one that was not sent in the place of one", 8,
         lambda d: d["results"][1].update(id="fourth")),
        ("no-status", "has one of them without a status", 6,
         lambda d: d["results"][1].pop("status")),
        ("odd-status", "says that one of them is \"fine\"", 6,
         lambda d: d["results"][1].update(status="fine")),
        ("202", "says 202 of one of them", 6,
         lambda d: (d["results"][1].update(status=202), d.pop("summary"))),
        ("207", "says 207 of one of them", 6,
         lambda d: d["results"][1].update(status=207)),
        ("error", "says 200 of one of them, and has an error in it", 6,
         lambda d: d["results"][1].update(status=200, error="No.")),
        ("summary", "says in its summary that two failed", 8,
         lambda d: d["summary"].update(failed=2, success=1)),
        ("all-well", "says of all that they are done, but not in the summary", 8,
         lambda d: d["results"][1].update(status=201)),
        ("empty", "mentions none of them", 8, lambda d: d["results"].clear()),
        ("no-list", "has no list of results", 8, lambda d: d.pop("results"))):
    case("batch-" + name, "the answer " + what, "batch", "open", code, "{keep}",
         f.answered(change, stick=423))
case("batch-html", "200 and a page for people", "batch", "open", 8, "{keep}",
     f.instead(lambda at: Reply(200, {"Content-Type": "text/html"},
                                "<html>Log in</html>")))
case("batch-accepted", "202 Accepted, and nothing is done yet", "batch", "open",
     6, "{keep}", f.plain(202))
for s in (400, 404, 409, 413, 422, 501, 503, 507):
    case("batch-plain-%d" % s, "%d for all of it" % s, "batch", "not", 4,
         "{keep}", f.plain(s))
for s in (401, 403):
    case("batch-plain-%d" % s, "%d for all of it" % s, "batch", "not", 7,
         "{keep}", f.plain(s))
for s in (500, 502, 504, 599):
    case("batch-plain-%d" % s, "%d for all of it, and some is done" % s,
         "batch", "open", 6, "{keep}", f.instead(lambda at, s=s: Reply(s)))
case("batch-no-answer", "the connection ends without an answer", "batch", "open",
     6, "{keep}", f.no_answer(True))


def _status(reply, status):
    reply.status = status
    return reply


case("well", "nothing goes wrong", "remove-tree remove-file copy-tree move-tree "
     "list tree stat show download download-tree mirror upload upload-move "
     "upload-tree make-folder set-property lock explain batch", "done", 0, None,
     f.Fault())

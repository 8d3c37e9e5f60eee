# SPDX-License-Identifier: MIT
"""sheaf through every case: its exit code is the right one, the item is named,
in --json as well, nothing is lost, and docs/honesty.md says what is seen here.

test_honesty.py SHEAF [Test...]
"""

import json
import os
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cases  # noqa: E402
import compare  # noqa: E402
import page  # noqa: E402
import server  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402

SHEAF = os.path.abspath(sys.argv.pop(1))
WRITERS = ("remove-tree", "remove-file", "copy-tree", "move-tree", "upload",
           "upload-tree", "make-folder", "set-property", "lock", "unlock",
           "download", "download-tree", "batch")


def each(function, work, side_by_side=1):
    with ThreadPoolExecutor(os.cpu_count() * side_by_side) as pool:
        yield from pool.map(function, work)


class Table(unittest.TestCase):
    def test_every_name_is_given_once(self):
        names = [c.name for c in cases.ALL]
        self.assertEqual(len(names), len(set(names)))

    def test_what_is_not_done_is_no_success(self):
        for case in cases.ALL:
            self.assertEqual(case.truth == "done", case.exit == 0, case.name)
            self.assertEqual(case.truth == "done", case.item is None, case.name)

    def test_every_action_of_a_case_is_known(self):
        for case in cases.ALL:
            for name in case.on:
                self.assertIn(name, tools.ACTIONS, case.name)


class Looked(unittest.TestCase):
    """One run of all cases, looked at from several sides."""

    more = ()

    @classmethod
    def setUpClass(cls):
        tool = tools.sheaf(SHEAF)
        work = [(c, a, tool, cls.more) for c, a in suite.pairs()
                if "sheaf" in a.commands and cls.asks(a)]
        # Most of the time is spent in waiting to try again.
        cls.results = list(each(lambda one: suite.run(*one), work, 6))

    @classmethod
    def asks(cls, action):
        return True

    def look(self, wrong):
        """wrong(result): what is the matter with it, or nothing."""
        bad = []
        for r in self.results:
            what = wrong(r)
            if what:
                bad.append("%s %s: %s\n    %s" % (
                    r.action.name, r.case.name, what,
                    (r.said.out + r.said.err).decode(errors="replace")
                    .strip()[:600].replace("\n", "\n    ")))
        if bad:
            self.fail("%d of %d:\n%s" % (len(bad), len(self.results),
                                         "\n".join(bad[:40])))


class Sheaf(Looked):
    def test_the_exit_code_is_the_right_one(self):
        self.look(lambda r: r.said.code != r.case.exit and
                  "%s instead of %d" % (r.said.code, r.case.exit))

    def test_nothing_that_is_not_done_passes_for_done(self):
        self.look(lambda r: suite.lies(r) and "a lie")

    def test_the_item_is_named(self):
        self.look(lambda r: not r.named and "%s is not named" %
                  suite.item(r.case, r.action))

    def test_nothing_is_lost(self):
        self.look(lambda r: r.lost and "lost %s" % ", ".join(r.lost))

    def test_it_waits_as_long_as_the_server_asked_for(self):
        def wrong(r):
            gap = getattr(r.case.fault, "gap", None)
            if gap is None:
                return None
            if not r.gaps:
                return "it did not try again"
            return r.gaps[0] < gap and "only %.2f s" % r.gaps[0]
        self.look(wrong)

    def test_what_a_sanitizer_says_fails(self):
        self.look(lambda r: any(
            s in r.said.err for s in (b"Sanitizer", b"runtime error:")) and
            "a sanitizer")

    def test_what_was_not_done_is_in_the_retry_file(self):
        def wrong(r):
            # What alone was asked for and plainly refused needs no file.
            if r.case.exit not in (3, 6, 8) or r.action.name not in WRITERS:
                return None
            files = [data for name, data in r.left.items()
                     if name.startswith("sheaf-retry-")]
            if not files:
                return "no retry file"
            return not suite.names(r.case, r.action, files[0]) and \
                "the retry file says only %r" % files[0]
        self.look(wrong)

    def test_what_was_done_leaves_no_retry_file(self):
        self.look(lambda r: r.case.truth == "done" and any(
            name.startswith("sheaf-retry-") for name in r.left) and
            "a retry file")

    def test_the_page_is_current(self):
        with open(compare.KEPT, encoding="utf-8") as f:
            kept = json.load(f)
        cells = {page.key(r.case, r.action, "sheaf"): page.cell(r)
                 for r in self.results}
        new = page.render({**kept["cells"], **cells}, {
            **kept["versions"], "sheaf": tools.sheaf(SHEAF).version()})
        old = compare.PAGE.read_text(encoding="utf-8")
        self.assertEqual(
            new.splitlines(), old.splitlines(),
            "write it again: tests/honesty/run build/sheaf --tool sheaf "
            "--write-docs")


class Json(Looked):
    """The same with --json, but for cat, whose output is the file."""

    more = ("--json",)

    @classmethod
    def asks(cls, action):
        return action.name not in ("lint", "show")

    def objects(self, r):
        return [json.loads(line) for line in r.said.out.splitlines()]

    def test_every_line_is_an_object_and_the_last_a_summary(self):
        def wrong(r):
            try:
                last = self.objects(r)[-1]
            except (ValueError, IndexError):
                return "not lines of JSON"
            if last.get("type") != "summary":
                return "no summary"
            return last.get("exit", r.said.code) != r.said.code and \
                "exit is another"
        self.look(wrong)

    def test_the_exit_code_is_the_same(self):
        self.look(lambda r: r.said.code != r.case.exit and
                  "%s instead of %d" % (r.said.code, r.case.exit))

    def test_the_item_is_in_an_object_and_not_as_done(self):
        def wrong(r):
            if r.case.truth == "done":
                return None
            for o in self.objects(r):
                if o.get("type") == "result" and o["fate"] != "done" and \
                        suite.names(r.case, r.action, json.dumps(o).encode()):
                    return None
            return "%s is not in it" % suite.item(r.case, r.action)
        self.look(lambda r: r.action.name != "explain" and wrong(r))


class Saved(unittest.TestCase):
    """Answers that somebody saved are explained, checked and acted on."""

    def setUp(self):
        self.place = suite.Place()
        self.here = self.place.path

    def tearDown(self):
        self.place.__exit__()

    def sheaf(self, *args):
        said = tools.run([SHEAF, *args], self.here)
        self.assertNotIn(b"Sanitizer", said.err)
        self.assertNotIn(b"runtime error:", said.err)
        return said

    def save(self, case, action):
        """The bytes of its answer, in a file."""
        world = server.World(tools.REMOTE)
        before, after = case.fault.arm(action, world)
        request = server.Request(action.method, action.whole, {
            "host": "h", "destination": "http://h/c/"}, b"")
        reply = before and before(request) or world.answer(request)
        reply = after and after(request, reply) or reply
        with open(os.path.join(self.here, "answer.http"), "wb") as f:
            f.write(reply.bytes(action.method))
        return reply

    def test_what_is_not_done_is_never_explained_as_success(self):
        for case, action in suite.pairs():
            if action.name != "remove-tree" or not case.item:
                continue
            reply = self.save(case, action)
            if reply.status != 207 or case.name == "href-foreign-good":
                continue  # nothing in it failed
            with self.subTest(case.name):
                said = self.sheaf("explain", "--method", action.method, "--url",
                                  "http://h" + action.whole, "answer.http")
                output = (said.out + said.err).decode(errors="replace")
                self.assertIn(said.code, (3, 4, 6, 7, 8), output)
                self.assertTrue(case.truth == "open" or suite.names(
                    case, action, said.out + said.err), output)

    def test_lint_ends_with_what_it_found(self):
        for case, action in suite.pairs():
            if action.name != "copy-tree" or \
                    self.save(case, action).status != 207:
                continue
            with self.subTest(case.name):
                said = self.sheaf("lint", "--method", "COPY", "--url",
                                  "http://h/d/", "answer.http")
                broken = case.exit == 8 or "cut" in case.name
                self.assertIn(said.code, (8,) if broken else (0, 8),
                              said.out + said.err)

    def retry(self, world, url, *args):
        asked = len(world.requests)
        said = self.sheaf("retry", *args)
        return said, [(r.method, r.path) for r in world.requests[asked:]
                      if r.method not in ("PROPFIND", "HEAD", "OPTIONS")]

    def test_only_what_failed_is_sent_again(self):
        world = server.World(tools.REMOTE)
        world.stuck["/d/keep.txt"] = 423
        with server.Server(world) as there:
            said = self.sheaf("rm", "-r", "--failed-out", "again.ndjson",
                              there.url + "d/", there.url + "f.txt")
            self.assertEqual(said.code, 3, said)
            del world.stuck["/d/keep.txt"]
            said, sent = self.retry(world, there.url, "again.ndjson")
        self.assertEqual(said.code, 0, said)
        self.assertNotIn("/d/keep.txt", world.files)
        self.assertNotIn(("DELETE", "/f.txt"), sent)
        self.assertTrue(sent)

    def test_a_saved_207_is_a_list_of_what_to_send_again(self):
        world = server.World(tools.REMOTE)
        with server.Server(world) as there:
            reply = server.multistatus([("/d/keep.txt", 503), ("/f.txt", 200)])
            with open(os.path.join(self.here, "answer.http"), "wb") as f:
                f.write(reply.bytes("DELETE"))
            said, sent = self.retry(world, there.url, "--method", "DELETE",
                                    "--url", there.url + "d/", "answer.http")
        self.assertEqual(sent[0], ("DELETE", "/d/keep.txt"), said)
        # The collection was kept for its sake.
        self.assertIn(sent[1:], ([], [("DELETE", "/d/")]), said)
        self.assertEqual(said.code, 0, said)
        self.assertIn("/f.txt", world.files)

    def test_what_would_overwrite_the_work_of_others_is_not_sent_again(self):
        world = server.World(tools.REMOTE)
        with server.Server(world) as there:
            reply = server.multistatus([("/d/keep.txt", 412),
                                        ("/d/a.txt", 409)])
            with open(os.path.join(self.here, "answer.http"), "wb") as f:
                f.write(reply.bytes("DELETE"))
            said, sent = self.retry(world, there.url, "--method", "DELETE",
                                    "--url", there.url + "d/", "answer.http")
        self.assertEqual(sent, [], said)
        self.assertNotEqual(said.code, 0, said)
        self.assertIn("/d/keep.txt", world.files)


class Others(unittest.TestCase):
    """The other tools can be asked; what they say is theirs."""

    def test_a_short_form_of_the_comparison_can_be_run(self):
        here = [t for t in tools.OTHERS if t.version()]
        if not here:
            self.skipTest("none of the other tools is installed")
        work = [(c, a, t) for c, a in suite.pairs(True) for t in here
                if t.name in a.commands]
        told = {}
        for r in each(lambda one: suite.run(*one), work):
            told.setdefault(r.tool.name, []).append(page.cell(r))
        for name, some in told.items():
            print("%s: %d cases, %d silent" % (
                name, len(some), sum("silent" in c for c in some)))


if __name__ == "__main__":
    unittest.main()

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
import suite  # noqa: E402
import tools  # noqa: E402

SHEAF = os.path.abspath(sys.argv.pop(1))


def each(function, work):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
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


class Sheaf(unittest.TestCase):
    """One run of all cases, looked at from several sides."""

    @classmethod
    def setUpClass(cls):
        tool = tools.sheaf(SHEAF)
        work = [(c, a, tool) for c, a in suite.pairs() if "sheaf" in a.commands]
        cls.results = list(each(lambda one: suite.run(*one), work))

    def look(self, wrong):
        """wrong(result): what is the matter with it, or nothing."""
        bad = []
        for r in self.results:
            what = wrong(r)
            if what:
                bad.append("%s %s: %s\n    %s" % (
                    r.action.name, r.case.name, what,
                    (r.said.out + r.said.err).decode(errors="replace")
                    .strip().replace("\n", "\n    ")))
        self.assertFalse(bad, "%d of %d:\n%s" % (
            len(bad), len(self.results), "\n".join(bad[:40])))

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

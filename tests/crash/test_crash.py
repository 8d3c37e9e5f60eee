# SPDX-License-Identifier: MIT
"""A short form of each of the long runs (./dev crash).

    test_crash.py PROGRAM FAULTS.so RECORDER.so [Class...]
"""

import os
import subprocess
import sys
import tempfile
import time
import unittest

import bulk_kill
import disk
import kill
import powercut
import readers
import start
import stop
from model import (ANY, UNFINISHED, Node, Shared, Tree, Wrong, check_nodes, check_one,
                   content, ident)
import faults
import sheaf_http
import world

SLOW = bool(os.environ.get("SHEAF_SANITIZED"))
KILLS = 6 if SLOW else 30
CUTS = 6 if SLOW else 60
DISK_CUTS = 4 if SLOW else 8
EVERY = 30 if SLOW else 5

_recorder = [""]


class Batches(unittest.TestCase):

    def test_what_has_a_key_is_done_once_whatever_is_killed(self):
        rounds = bulk_kill.run(sheaf_http._program[0], KILLS, str(time.time()))
        self.assertGreater(rounds.replayed, 0)


def found(nodes, **shown):
    f = world.Found()
    f.nodes, f.shown = nodes, shown
    return f


class Models(unittest.TestCase):
    """What finds nothing must be able to find something."""

    def test_a_torn_content_is_found_out(self):
        whole = content("0.1", 1000)
        self.assertEqual(ident(whole, "f"), "0.1")
        self.assertEqual(ident(b"", "f"), "")
        self.assertEqual(ident(bytes(1000), "f"), UNFINISHED)
        for some in (whole[:512], whole[:512] + bytes(488)):
            self.assertEqual(ident(some, "f"), UNFINISHED)
        for bad in (whole[:-1], whole + b"x", whole[:500] + bytes(500),
                    whole[:500] + content("0.2", 1000)[500:],
                    whole[:512] + content("0.2", 1000)[512:]):
            with self.assertRaises(Wrong):
                ident(bad, "f")

    def test_what_is_not_as_it_was_is_found_out(self):
        tree = Tree({"/d": Node(), "/d/f": Node("0.1", '"e"', {"a": "1"})})
        check_one(found(tree.copy().nodes), tree)
        for change in (lambda n: n.pop("/d/f"),
                       lambda n: n.update({"/d/g": Node("")}),
                       lambda n: n["/d/f"].props.clear(),
                       lambda n: setattr(n["/d/f"], "data", "0.2"),
                       lambda n: setattr(n["/d/f"], "etag", '"other"')):
            nodes = tree.copy().nodes
            change(nodes)
            with self.assertRaises(Wrong):
                check_one(found(nodes), tree)

    def test_only_what_a_copy_has_made_may_be_without_bytes_after_a_cut(self):
        before = Tree({"/d": Node(), "/d/f": Node("0.1")})
        after = Tree({**before.nodes, "/e": Node(), "/e/f": Node("0.1")})
        for data in ("", UNFINISHED, "0.1"):
            nodes = {**before.nodes, "/e": Node(), "/e/f": Node(data)}
            check_nodes(found(nodes), [before, after], True)
            for late, bad in ((True, {**nodes, "/d/f": Node("0.2")}),
                              (True, {**nodes, "/d/f": Node(UNFINISHED)}),
                              (False, {**nodes, "/e/f": Node(UNFINISHED)})):
                with self.assertRaises(Wrong):
                    check_nodes(found(bad), [before, after], late)
        # Of what a DELETE was about to take away that is not so.
        with self.assertRaises(Wrong):
            check_nodes(found({**after.nodes, "/e/f": Node("")}),
                        [after, before], True)

    def test_a_lock_that_is_lost_or_left_is_found_out(self):
        tree = Tree({"/d": Node(), "/d/f": Node("")})
        locked = tree.after_lock("t", "/d", True)
        both = found(tree.nodes, **{"/d": {"t"}, "/d/f": {"t"}})
        check_one(both, locked)
        for shown in ({}, {"/d": {"t"}}, {"/d": {"t"}, "/d/f": {"t", "u"}}):
            with self.assertRaises(Wrong):
                check_one(found(tree.nodes, **shown), locked)
        with self.assertRaises(Wrong):
            check_one(both, tree)

    def test_an_older_write_is_found_out(self):
        shared = Shared(["/s"])
        shared.begin(found({}), 0)
        shared.add(1, 4, {"/s": "a"})
        shared.add(3, 6, {"/s": "b"})
        for value in ("a", "b"):
            shared.check(found({"/s": Node(value)}))
        for nodes in ({}, {"/s": Node("c")}):
            with self.assertRaises(Wrong):
                shared.check(found(nodes))
        shared.add(7, 8, {"/s": "c"})
        with self.assertRaises(Wrong):
            shared.check(found({"/s": Node("b")}))
        shared.add(9, None, {"/s": ANY})
        shared.check(found({"/s": Node("z")}))

    def test_a_change_without_a_row_is_found_out(self):
        before = found({"/a": Node("0.1")})
        after = found({"/a": Node("0.2"), "/d": Node(), "/d/x": Node("")})
        rows = [(1, world.WRITE, "/a", None), (2, world.MKCOL, "/d", None),
                (3, world.WRITE, "/d/x", None)]
        self.assertEqual(world.unnamed(before, after, rows), [])
        for i in range(3):
            self.assertEqual(len(world.unnamed(
                before, after, rows[:i] + rows[i + 1:])), 1)
        self.assertEqual(world.unnamed(before, after, rows[:1] + [
            (2, world.MOVE, "/gone", "/d")]), [])


class Kills(unittest.TestCase):

    def test_kills_at_random_lose_nothing(self):
        rounds = kill.run(str(time.time_ns()), KILLS)
        self.assertGreaterEqual(rounds.kills, KILLS)
        self.assertGreater(rounds.done, KILLS)


class Readers(unittest.TestCase):

    def test_nobody_sees_half_of_a_batch(self):
        rounds = readers.run(str(time.time_ns()), 4 if SLOW else 12)
        self.assertGreater(rounds.looks, 0)

    def test_half_of_a_batch_would_be_noticed(self):
        tree = readers.Numbered("t")
        members = {"/t" + f: (True, None, {"a": "1"}, set())
                   for f in tree.files + tree.folders}
        members.update({"/t" + f: (True, None, {}, set()) for f in (
            "/new1", "/left/odd", "/right/even")})
        self.assertEqual(tree.number_of(members, "a list"), 1)
        for change in ({"/t/a/f1": (True, None, {"a": "2"}, set())},
                       {"/t/x": (True, None, {}, set())},
                       {"/t/new2": (True, None, {}, set())}):
            with self.assertRaises(Wrong):
                tree.number_of({**members, **change}, "a list")
        for name in ("/t/a/f1", "/t/new1", "/t/left/odd"):
            with self.assertRaises(Wrong):
                tree.number_of({p: m for p, m in members.items()
                                if p != name}, "a list")


class Stops(unittest.TestCase):
    """Stopped at some of the calls; ./dev crash takes all."""

    def test_a_stop_at_any_call_leaves_all_or_nothing(self):
        with tempfile.TemporaryDirectory() as home:
            order = faults.Faults(home)
            first = int(time.time()) % EVERY + 1
            for case in stop.CASES:
                with self.subTest(case=case, first=first):
                    # A batch makes many calls.
                    stop.run_case(case, order, first, EVERY * (
                        2 if case.startswith("batch") else 1),
                                  actions=(faults.STOP_BEFORE,))

    def test_a_stop_at_the_start_that_follows_does_no_harm(self):
        with tempfile.TemporaryDirectory() as home:
            order = faults.Faults(home)
            for case in ("put over, with properties", "copy a tree over a file",
                         "move a tree over a tree", "batch that swaps"):
                with self.subTest(case=case):
                    stop.run_case(case, order, 2, EVERY, recovery=True,
                                  actions=(faults.STOP_BEFORE,))


class PowerCuts(unittest.TestCase):

    def test_what_was_acknowledged_had_been_synced(self):
        powercut.run(str(time.time_ns()), _recorder[0], CUTS)

    def test_a_cut_of_what_was_not_synced_is_noticed(self):
        """The same, without durability: something must be lost."""
        with self.assertRaises(Wrong):
            for seed in range(20):
                powercut.run(str(seed), _recorder[0], 20, remove=True,
                             args=("--durability", "relaxed"))

    def test_ext4_keeps_what_was_acknowledged(self):
        reason = disk.why_not()
        if reason:
            self.skipTest(reason)
        kill.run(str(time.time_ns()), DISK_CUTS, kind=disk.PowerCuts)

    def test_nobody_keeps_an_ext4_whose_power_was_cut(self):
        """Its mount is not among those that others may take a copy of."""
        reason = disk.why_not()
        if reason:
            self.skipTest(reason)
        other = subprocess.Popen(["sh", "-c", "read x; cat /proc/self/mounts"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cuts = disk.PowerCuts("0")
        try:
            theirs = other.communicate(b"\n")[0].decode()
        finally:
            cuts.end()
        self.assertIn(" / ", theirs)
        self.assertNotIn(cuts.at, theirs)


class Starts(unittest.TestCase):

    def test_a_start_does_not_look_at_the_tree(self):
        few, _ = start.measure(1000)
        many, _ = start.measure(20000)
        # How much was on its way makes a few hundred calls of difference.
        self.assertLess(many, few + 2000)

    def test_a_start_does_not_wait_for_what_is_to_be_removed(self):
        few, quick = start.measure(100)
        _, slow = start.measure(100, displaced=20000)
        self.assertLess(slow, quick + 2)


if __name__ == "__main__":
    faults.take_shim()
    if len(sys.argv) > 2:
        _recorder[0] = os.path.abspath(sys.argv.pop(2))
    sheaf_http.main()

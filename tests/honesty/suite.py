# SPDX-License-Identifier: MIT
"""Runs a tool through a case, and sees what it said and what is left."""

import os
import re
import shutil
import tempfile
import time
from collections import namedtuple

import cases
import server
import tools

# failed: it said that not all was done.  named: its output has the item.  lost:
# what there should be and is not.  gaps: seconds from one try to the next.  left:
# the local files.
Result = namedtuple("Result", "case action tool said failed named lost gaps left")


def lies(result):
    """All is well, it says, and it is not."""
    return result.case.truth != "done" and not result.failed


def excused(result):
    """Nobody has to try again, or to go and look: who does not, and says that
    it was not done or that nobody knows, is right."""
    return result.case.truth == "done" and result.failed and (
        result.case.excuse or hasattr(result.case.fault, "gap"))


def alarms(result):
    """It complains although everything was done."""
    return result.case.truth == "done" and result.failed and \
        not excused(result)


def pairs(brief=False):
    """Each case with each action it is for."""
    for case in cases.ALL:
        if brief and not case.brief:
            continue
        for name in case.on:
            yield case, tools.ACTIONS[name]


class Place:
    """A local directory with what tools.LOCAL has."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="sheaf-honesty-")
        self.path = os.path.join(self.home, "here")
        for name, data in tools.LOCAL.items():
            full = os.path.join(self.path, name)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as f:
                f.write(data)
        os.makedirs(self.path + ".home")

    def files(self):
        found = {}
        for folder, _, names in os.walk(self.path):
            for name in names:
                full = os.path.join(folder, name)
                with open(full, "rb") as f:
                    found[os.path.relpath(full, self.path)] = f.read()
        return found

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.home, ignore_errors=True)


def missing(action, world, here):
    """What was there before, was not to go, and is nowhere now; and what was
    deleted here although the server has it still."""
    left = set(v for v in world.files.values() if v is not None)
    left |= set(here.values())
    gone = [n for n in tools.REMOTE if any(
        n == g or g.endswith("/") and n.startswith(g) for g in action.gone)]
    lost = []
    for name, data in tools.REMOTE.items():
        if data is not None and name not in gone and data not in left:
            lost.append("/" + name)
    for name, data in tools.LOCAL.items():
        if action.name == "download" and name == "f.txt":
            # Replaced by the new one, or still there.
            if here.get(name) not in (data, tools.REMOTE["f.txt"]):
                lost.append(name)
        elif name.startswith("mirror/"):
            # A listing that is not whole is no reason to delete.
            if name not in here and "/d/" + name[7:] in world.files:
                lost.append(name)
        elif data not in left:
            lost.append(name)
    return lost


def run(case, action, tool, more=()):
    """A Result, or None where the tool has no such command; more: arguments."""
    world = server.World(tools.REMOTE)
    before, after = case.fault.arm(action, world)
    times = []

    def noting(request):
        if request.method == action.method:
            times.append(time.monotonic())
        return before(request) if before else None

    with Place() as here, server.Server(world, noting, after) as there:
        said = tool.run(action, there.url, here.path, more)
        if said is None:
            return None
        kept = here.files()
    lost = missing(action, world, kept)
    gaps = [b - a for a, b in zip(times, times[1:])]
    return Result(case, action, tool, said, tool.failed(said),
                  names(case, action, said.out + said.err), lost, gaps, kept)


def item(case, action):
    return case.item and case.item.format(keep=action.keep, whole=action.whole)


def names(case, action, output):
    """Whether the output has the item: by its last segment, however escaped."""
    wanted = item(case, action)
    if wanted is None:
        return True
    last = wanted.rstrip("/").rsplit("/", 1)[-1]
    return bool(re.search(rb"(?<![\w.])%s(?![\w.])" % re.escape(last.encode()),
                          output.replace(b"%6b", b"k").replace(b"%6B", b"k")))

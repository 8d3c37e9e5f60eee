# SPDX-License-Identifier: MIT
"""Runs tools against every kind of partial failure, and prints what they said.

tests/honesty/run SHEAF [--tool NAME]... [--action NAME]... [--case NAME]... [--brief]
                        [--show] [--write-docs]

--show prints what the tool said, too.  --write-docs writes docs/honesty.md and
keeps what the other tools did in others.json; with --tool sheaf the others are
taken from there.
"""

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import page
import suite
import tools

HERE = Path(__file__).resolve().parent

KEPT = HERE / "others.json"
PAGE = HERE.parent.parent / "docs" / "honesty.md"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheaf")
    for name in ("--tool", "--action", "--case"):
        parser.add_argument(name, action="append", default=[])
    for name in ("--brief", "--show", "--write-docs"):
        parser.add_argument(name, action="store_true")
    return parser.parse_args()


def results(args, chosen):
    """A result for each case, action and tool that was asked for."""
    work = [(case, action, tool) for case, action in suite.pairs(args.brief)
            for tool in chosen
            if (not args.case or case.name in args.case) and
            (not args.action or action.name in args.action) and
            tool.name in action.commands]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda one: suite.run(*one), work)


def verdict(result):
    """What is wrong, in a word, or ok."""
    wanted = result.case.exit
    if result.tool.name == "sheaf" and result.said.code != wanted:
        return "%d expected" % wanted
    return "LIE" if suite.lies(result) else "alarm" if suite.alarms(result) \
        else "ok"


def main():
    args = arguments()
    every = [tools.sheaf(os.path.abspath(args.sheaf))] + tools.OTHERS
    chosen = [t for t in every if not args.tool or t.name in args.tool]
    versions = {t.name: t.version() for t in chosen}
    chosen = [t for t in chosen if versions[t.name]]
    cells = {}
    for result in results(args, chosen):
        cells[page.key(result.case, result.action, result.tool.name)] = \
            page.cell(result)
        print("%-8s %-14s %-22s %s: %s" % (
            result.tool.name, result.action.name, result.case.name,
            verdict(result), page.cell(result)))
        if args.show:
            print((result.said.out + result.said.err).decode(errors="replace"))
    if args.write_docs:
        kept = json.loads(KEPT.read_text()) if KEPT.exists() else {
            "versions": {}, "cells": {}}
        for part, new in (("versions", versions), ("cells", cells)):
            kept[part].update({k: v for k, v in new.items()
                               if k.split()[-1] != "sheaf" and v})
        write(kept, cells, versions)


def write(kept, cells, versions):
    known = {page.key(c, a, t.name) for c, a in suite.pairs()
             for t in tools.OTHERS if t.name in a.commands}
    kept["cells"] = {k: v for k, v in kept["cells"].items() if k in known}
    KEPT.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n")
    PAGE.write_text(page.render({**kept["cells"], **cells},
                                {**kept["versions"], **versions}))

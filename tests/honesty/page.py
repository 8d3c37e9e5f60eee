# SPDX-License-Identifier: MIT
"""docs/honesty.md, from what was seen."""

import suite
import tools

HEAD = """\
# Who tells the truth about a 207

<!-- Written by tests/honesty/run --write-docs.  Change it there. -->

A WebDAV server that is asked to remove a folder may answer `207 Multi-Status`:
a success by its number, and in its body the list of what could *not* be
removed. Whoever looks at the number alone takes a failure for a success; whoever
reads half of a body that was cut short takes an unknown for an answer. In a
script, the difference is a backup that is not there.

This page shows what six tools do with %(cases)d such answers. A server made for
it keeps a small tree, does to that tree what it says (or does not), and answers
with every kind of partial failure. Of each tool we look at three things:

* **Does it say so?** Its exit code is not 0 where not everything was done, or
  where nobody could know.
* **Does it name the item?** Its output has the name of what was not done.
* **Is anything lost?** What was there before, here or on the server, and was
  not to go, is there afterwards.

The cases were written to find the lies of `sheaf` itself; that its column is
clean is what the suite is for. It is a comparison of one habit, not of worth. The others do many things that
`sheaf` does not; they were made for other ends, and mostly for servers that
behave. curl moves bytes and prints the answer as it came: reading it is the
caller's part, and says the manual so. cadaver is a session for people, which
has no exit code to speak of; it counts as having said so when its screen does.
lftp reads folders from pages for people and not from PROPFIND, so it is not asked
about listings. rclone asks for retries by default; here each tool tries once or
twice, so that a case ends.

%(versions)s

    tests/honesty/run build/sheaf                 # all cases, as a table of what was seen
    tests/honesty/run build/sheaf --tool rclone --case member-423
    tests/honesty/run build/sheaf --write-docs    # and this page

The server is [tests/honesty/server.py](../tests/honesty/server.py), the table of cases
[cases.py](../tests/honesty/cases.py), the commands of each tool
[tools.py](../tests/honesty/tools.py). The column of sheaf is held to this page by
the tests; the others' is what the versions above did.

## In short

| | asked | said so | **said nothing** | named it | cried wolf | **lost something** |
|---|---|---|---|---|---|---|
%(short)s

*Asked*: cases that the tool has a command for. *Said nothing*: not everything
was done, or nobody could know, and it exited with 0 (cadaver: and its screen
says nothing of it). *Named it*: of those it told of. *Cried wolf*: everything
was done, and it said that not.

## Case by case

A number is the exit code. *names it*: the output has the item. **0, silent**:
it said nothing. *0, prints the answer*: exit code 0, but what the server said
is on the screen. *said*: exit code 0, but the screen says that it failed. *gives
up*: it would have been done by trying again, or by looking. *hung*: stopped
after %(limit)d seconds. Answers that all tools take alike share a row.
"""


def cell(result):
    """One cell of the table, as text."""
    said = result.said
    code = "hung" if said.code is None else str(said.code)
    if result.case.truth == "done":
        text = code + (", gives up" if suite.excused(result) else
                       ", cries wolf" if result.failed else "")
    elif result.failed:
        text = ("said" if said.code == 0 else code) + (
            ", names it" if result.named else "")
    elif result.tool.raw and said.out.strip() and \
            result.action.name not in ("show", "download"):
        text = "0, prints the answer"
    else:
        text = "**0, silent**"
    if result.lost:
        text += " **lost " + ", ".join(result.lost) + "**"
    return text


def key(case, action, tool):
    return "%s %s %s" % (action.name, case.name, tool)


def counts(cells, tool):
    """A row of the short table, from the cells."""
    asked = told = silent = named = wolf = lost = 0
    for case, action in suite.pairs():
        text = cells.get(key(case, action, tool))
        if text is None:
            continue
        asked += 1
        lost += "lost" in text
        if case.truth == "done":
            wolf += "wolf" in text
            told += "gives up" in text
        elif "silent" in text or "prints" in text:
            silent += 1
        else:
            told += 1
            named += "names it" in text
    return asked, told, silent, named, wolf, lost


def rows(action, cells, names):
    """(answers, cells of the tools), those alike in one."""
    alike = {}
    for case, other in suite.pairs():
        if other.name == action.name:
            found = tuple(cells.get(key(case, action, n), "-") for n in names)
            alike.setdefault(found, []).append(case)
    for found, some in alike.items():
        what = some[0].what.replace("|", "\\|")
        more = [c.name for c in some[1:]]
        if more:
            what += " (`%s`; likewise `%s`)" % (some[0].name, "`, `".join(more))
        else:
            what += " (`%s`)" % some[0].name
        yield what, found


def render(cells, versions):
    names = ["sheaf"] + [t.name for t in tools.OTHERS]
    short = "\n".join("| %s | %d | %d | %d | %d | %d | %d |" % (
        (n,) + counts(cells, n)) for n in names)
    text = HEAD % {
        "cases": len(suite.cases.ALL),
        "versions": "Seen with: " + "; ".join(
            versions[n] for n in names if n in versions) + ".",
        "short": short, "limit": tools.LIMIT}
    for action in tools.ACTIONS.values():
        able = [n for n in names if n in action.commands]
        table = list(rows(action, cells, able))
        if not table:
            continue
        text += "\n### %s\n\n" % (action.what[0].upper() + action.what[1:])
        text += "".join("- %s: `%s`\n" % (n, command(action, n)) for n in able)
        text += "\n| the answer | %s |\n|%s\n" % (
            " | ".join(able), "---|" * (len(able) + 1))
        for what, found in table:
            text += "| %s | %s |\n" % (what, " | ".join(found))
    return text


def command(action, name):
    words = " ".join(w if " " not in w or name in ("cadaver", "lftp")
                     else "'%s'" % w for w in action.commands[name])
    return (words if name == "cadaver" else name + " " + words).replace(
        "{url}", "URL/").replace("|", "\\|")

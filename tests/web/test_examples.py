# SPDX-License-Identifier: MIT
"""Runs every example of docs/bulk-api.md against a real server.

A block of code is run as what its fence says (sh, c, js, python).  A block of
json or text right behind it is what it prints; "..." in JSON stands for any
value.

test_examples.py SHEAF
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path.append(str(HERE.parent / "http"))
sys.dont_write_bytecode = True

import sheaf_http  # noqa: E402

PAGE = TOP / "docs" / "bulk-api.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
PUBLIC = "https://files.example.org"


def examples():
    """(line, language, code, kind of what is expected, what is expected)."""
    text = PAGE.read_text(encoding="utf-8")
    found = []
    for block in BLOCK.finditer(text):
        language, code = block.groups()
        line = text.count("\n", 0, block.start()) + 1
        if language in ("json", "text"):
            found[-1][3:] = [language, code]
        else:
            found.append([line, language, code, None, ""])
    return found


def matches(wanted, got):
    if wanted == "...":
        return True
    if isinstance(wanted, dict):
        return (isinstance(got, dict) and wanted.keys() == got.keys() and
                all(matches(wanted[k], got[k]) for k in wanted))
    if isinstance(wanted, list):
        return (isinstance(got, list) and len(wanted) == len(got) and
                all(map(matches, wanted, got)))
    return type(wanted) is type(got) and wanted == got


def without_sanitizer(env):
    """What is not ours is not to be looked at by ours."""
    return {k: v for k, v in env.items() if not k.endswith("SAN_OPTIONS")}


class Examples(unittest.TestCase):

    def setUp(self):
        self.work = Path(tempfile.mkdtemp(prefix="sheaf-examples-"))
        self.addCleanup(shutil.rmtree, self.work)

    def run_it(self, argv, fails=False):
        done = subprocess.run(argv, cwd=self.work, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60,
                              env=without_sanitizer(os.environ), check=False)
        self.assertEqual(done.returncode != 0, fails,
                         "%r\n%r" % (done.stdout, done.stderr))
        return done.stdout.decode()

    def run_sh(self, code):
        return self.run_it(["bash", "-euo", "pipefail", "-c", code])

    def run_python(self, code):
        return self.run_it([sys.executable, "-c", code])

    def run_js(self, code):
        node = shutil.which("node")
        if not node:
            return None
        shutil.copy(TOP / "web" / "sheaf-bulk.js", self.work)
        (self.work / "package.json").write_text('{"type": "module"}')
        (self.work / "example.js").write_text(code)
        return self.run_it([node, "example.js"])

    def run_c(self, code):
        (self.work / "example.c").write_text(code)
        self.run_it([os.environ.get("CC", "cc").split()[0], "-Wall", "-Wextra", "-Werror",
                     "example.c", "-o", "example", "-lcurl", "-ljansson"])
        return self.run_it(["./example"], fails=True)  # it says that one failed

    def test_what_the_page_shows_is_what_happens(self):
        run = {"sh": self.run_sh, "c": self.run_c, "js": self.run_js,
               "python": self.run_python}
        ran = set()
        with sheaf_http.Server() as server:
            for line, language, code, kind, wanted in examples():
                with self.subTest("%s:%d" % (PAGE.name, line)):
                    printed = run[language](code.replace(PUBLIC, server.url.rstrip("/")))
                    if printed is None:
                        continue
                    ran.add(language)
                    if kind == "text":
                        self.assertEqual(printed, wanted)
                    elif kind == "json":
                        # What it prints before is not shown.
                        got = json.loads(printed[printed.index("{" if "{" in wanted else "["):]
                                         if not printed.startswith(("{", "[")) else printed)
                        self.assertTrue(matches(json.loads(wanted), got),
                                        "%s\nis not\n%s" % (json.dumps(got, indent=1), wanted))
        self.assertLessEqual({"sh", "c", "python"}, ran)

    def test_its_limits_are_those_of_the_server(self):
        text = PAGE.read_text(encoding="utf-8")
        table = text[text.index("| in `limits` |"):]
        shown = {}
        for row in table[:table.index("\n\n")].splitlines()[2:]:
            names, values = row.split("|")[1:3]
            shown.update(zip(re.findall(r"`(\w+)`", names),
                             map(int, re.findall(r"\d+", values))))
        with sheaf_http.Server() as server:
            got = server.request("GET", "/.sheaf/capabilities")
        self.assertEqual(shown, json.loads(got.body)["limits"])


if __name__ == "__main__":
    sheaf_http.main()

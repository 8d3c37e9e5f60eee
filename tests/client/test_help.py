# SPDX-License-Identifier: MIT
"""What the program says of itself: manual pages that man(1) reads without a
warning, and completion that the shells take and that completes.

    test_help.py PROGRAM
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = None


def run(*args, **more):
    return subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60, text=True, **more)


def commands():
    lines = run(PROGRAM, "help").stdout.splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ")]


class Help(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)

    def completion(self, shell):
        if not shutil.which(shell):
            self.skipTest(shell + " is not installed")
        p = run(PROGRAM, "help", "--completion", shell)
        self.assertEqual(p.returncode, 0, p.stderr)
        name = os.path.join(self.dir, "_sheaf")
        with open(name, "w", encoding="utf-8") as f:
            f.write(p.stdout)
        checked = run(shell, "-n", name)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        return name

    def test_every_command_has_help_and_a_page(self):
        self.assertIn("serve", commands())
        for command in commands():
            with self.subTest(command):
                for args in (["help", command], [command, "--help"]):
                    p = run(PROGRAM, *args)
                    self.assertEqual(p.returncode, 0, p.stderr)
                    self.assertIn("Usage: sheaf " + command, p.stdout)
                page = run(PROGRAM, "help", "--man", command)
                self.assertEqual(page.returncode, 0)
                self.assertIn(".SH EXIT STATUS", page.stdout)

    def test_man_has_nothing_to_complain_about(self):
        if not shutil.which("man") or not shutil.which("groff"):
            self.skipTest("man or groff is not installed")
        for command in [""] + commands():
            page = os.path.join(self.dir, "sheaf-" + command + ".1")
            with open(page, "w", encoding="utf-8") as f:
                f.write(run(PROGRAM, "help", "--man",
                            *command.split()).stdout)
            p = run("man", "--warnings", "-l", page,
                    env=dict(os.environ, LC_ALL="C.UTF-8", MANPAGER="cat",
                             MANWIDTH="80"))
            self.assertEqual((p.returncode, p.stderr), (0, ""), command)
            self.assertIn(command and "sheaf-" + command or "sheaf-retry(1)",
                          p.stdout)

    def test_what_there_is_no_help_for_is_named(self):
        for args in (["help", "nothing"], ["help", "--man", "nothing"],
                     ["help", "--completion", "nothing"]):
            p = run(PROGRAM, *args)
            self.assertEqual(p.returncode, 2)
            self.assertIn("'nothing'", p.stderr)
            self.assertEqual(p.stdout, "")

    def test_without_libcurl_only_the_client_is_missing(self):
        # It is loaded by its name, which depends on the system.
        for name in ("libcurl.so.4", "libcurl-gnutls.so.4"):
            with open(os.path.join(self.dir, name), "w") as f:
                f.write("no library")
        env = dict(os.environ, LD_LIBRARY_PATH=self.dir)
        self.assertEqual(run(PROGRAM, "help", env=env).returncode, 0)
        p = run(PROGRAM, "ls", "http://127.0.0.1:1/", env=env)
        self.assertEqual(p.returncode, 1, p.stderr)
        self.assertIn("libcurl, which the commands of the client need",
                      p.stderr)

    def bash(self, words):
        script = ('source "$1"; shift; COMP_WORDS=("$@"); '
                  'COMP_CWORD=$(($# - 1)); '
                  '_sheaf sheaf "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        p = run("bash", "-c", script, "bash", self.completion("bash"), *words)
        self.assertEqual(p.stderr.replace(
            "compopt: not currently executing completion function", ""), "")
        return p.stdout.split()

    def test_bash_completes(self):
        self.assertEqual(self.bash(["sheaf", "ser"]), ["serve"])
        self.assertEqual(self.bash(["sheaf", "help", "ser"]), ["serve"])
        self.assertEqual(self.bash(["sheaf", "locks", "--js"]), ["--json"])
        self.assertEqual(
            self.bash(["sheaf", "serve", "--durability", "re"]), ["relaxed"])
        self.assertEqual(self.bash(["sheaf", "serve", "--config", "x"]), [])

    def test_fish_completes(self):
        name = self.completion("fish")
        for typed, wanted in (("sheaf ser", "serve"),
                              ("sheaf help ser", "serve"),
                              ("sheaf locks --js", "--json"),
                              ("sheaf serve --durability re", "relaxed")):
            p = run("fish", "-c", 'source $argv[1]; complete -C $argv[2]',
                    name, typed, env=dict(os.environ, HOME=self.dir))
            found = [line.split("\t")[0] for line in p.stdout.splitlines()]
            self.assertEqual(found, [wanted], typed)

    def test_zsh_loads_it(self):
        name = self.completion("zsh")
        p = run("zsh", "-fc",
                'fpath=($1 $fpath); autoload -Uz compinit; '
                'compinit -u -d $1/dump; print $_comps[sheaf]; '
                'autoload +X _sheaf && print loaded', "zsh",
                os.path.dirname(name))
        self.assertEqual(p.stdout.split(), ["_sheaf", "loaded"], p.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=2)

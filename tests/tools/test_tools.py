#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each tool finds what it is for, and only that: for every rule a tree that
breaks it, and for every tool one that breaks none."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SPDX = '/* SPDX-License-Identifier: MIT */\n'


def tree(root, files):
    for name, text in files.items():
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Case(unittest.TestCase):
    def run_tool(self, tool, files, *args):
        with tempfile.TemporaryDirectory() as root:
            tree(root, files)
            done = subprocess.run([TOP / 'tools' / tool, root, *args], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return done.returncode, done.stdout

    def finds(self, tool, files, *texts):
        code, out = self.run_tool(tool, files)
        self.assertEqual(code, 1, out)
        for text in texts:
            self.assertIn(text, out)

    def accepts(self, tool, files):
        code, out = self.run_tool(tool, files)
        self.assertEqual(code, 0, out)


class Floors(Case):
    def test_a_higher_floor_is_not_included(self):
        self.finds('check-floors', {'src/http/a.c': '#include "dav/x.h"\n'},
                   'src/http/a.c:1: http may not know dav')

    def test_floors_side_by_side_do_not_know_each_other(self):
        self.finds('check-floors', {'src/wire/a.h': '#include "store/store.h"\n'},
                   'wire may not know store')

    def test_an_unknown_folder_has_no_floor(self):
        self.finds('check-floors', {'src/extra/a.c': '#include "base/str.h"\n'},
                   'src/extra is on no floor')

    def test_a_library_is_known_to_one_folder(self):
        self.finds('check-floors', {'src/dav/a.c': '#include <microhttpd.h>\n'},
                   '<microhttpd.h> is for server alone')

    def test_an_include_names_its_folder(self):
        self.finds('check-floors', {'src/dav/a.c': '#include "../base/str.h"\n'},
                   'not of the form')

    def test_a_public_header_needs_nothing_private(self):
        self.finds('check-floors', {'include/sheaf/a.h': '#include "base/str.h"\n'},
                   'a public header includes')

    def test_lower_floors_and_comments_are_fine(self):
        self.accepts('check-floors', {
            'src/dav/a.c': '#include <stdio.h>\n#include "base/str.h"\n'
                           '#include "dav/b.h"\n#include "store/store.h"\n'
                           '/*\n#include "server/x.h"\n*/\n',
            'src/cmd/a.c': '#include "server/x.h"\n',
            'include/sheaf/a.h': '#include <stdint.h>\n#include "sheaf/b.h"\n'})


def function(body, name='f'):
    return f'{SPDX}static int\n{name}(int n)\n{{\n{body}\n}}\n'


class Banned(Case):
    def finds_in(self, folder, body, text, name='f'):
        self.finds('check-banned', {f'src/{folder}/a.c': function(body, name)}, text)

    def test_unbounded_string_functions(self):
        for name in ('strcpy', 'strcat', 'sprintf', 'strtok', 'strncpy', 'atoi',
                     'gmtime', 'localtime', 'alloca'):
            with self.subTest(name):
                self.finds_in('http', f'\t{name}(a, b);', f'{name}(): use')

    def test_line_comments(self):
        self.finds_in('http', '\treturn n; // so', '// comment')

    def test_allocation_outside_a_constructor(self):
        self.finds_in('dav', '\treturn malloc(n);', 'f() calls malloc()')

    def test_default_over_an_enum_of_ours(self):
        self.finds_in('dav', '\tswitch (n) {\n\tcase ERR_OK:\n\tdefault:\n\t\tbreak;\n\t}',
                      'default: in a switch')

    def test_two_labels_and_a_jump_back(self):
        self.finds_in('dav', '\tgoto a;\n\tgoto b;\na:\nb:\n\treturn 0;', '2 labels')
        self.finds_in('dav', 'again:\n\tgoto again;', 'jumps backwards')

    def test_logging_below_the_server(self):
        self.finds_in('dav', '\tfprintf(stderr, "x");', 'fprintf() in dav')

    def test_markup_outside_wire(self):
        self.finds_in('dav', '\tput("<D:href>");', 'markup in dav')
        self.finds_in('server', r'	put("{\"status\": 1}");', 'markup in server')

    def test_a_path_joined_by_hand(self):
        self.finds_in('store', '\tfmt("%s/%s", a, b);', 'joined by hand')

    def test_what_only_looks_like_it_is_fine(self):
        self.accepts('check-banned', {
            'src/base/a.c': function('\treturn malloc(n);'),
            'src/dav/a.c': function('\treturn malloc(n);', name='thing_new'),
            'src/dav/b.c': function('\t/* strcpy(a, b); <D:href> */\n'
                                    '\tput("https://x strcpy(");\n\tx->system(1);'),
            'src/server/a.c': function('\treturn malloc(n);'),
            'src/store/a.c': function('\t/* check-banned: SQLite opens names */\n'
                                      '\tfmt("%s/%s", a, b);'),
            'src/dav/c.c': function("\tswitch (n) {\n\tcase 'a':\n\tdefault:\n\t\tbreak;\n\t}"),
            'src/dav/d.c': function('\tgoto undo;\nundo:\n\treturn 0;'),
            'src/wire/a.c': function('\tput("<D:href>");'),
            'src/cmd/a.c': function('\tputs("x");'),
        })


class Length(Case):
    def test_a_long_function(self):
        self.finds('top-length', {'src/dav/a.c': function('\tn++;\n' * 80)},
                   'f() has', '70 are allowed')

    def test_a_long_file(self):
        self.finds('top-length', {'src/dav/a.c': SPDX + '/* x */\n' * 600},
                   '601 lines')

    def test_just_short_enough(self):
        # 70 lines: name, braces, and 67 lines between them.
        body = '\n'.join(['\tn++;'] * 67)
        self.accepts('top-length', {'src/dav/a.c': function(body)})
        self.finds('top-length', {'src/dav/a.c': function(body + '\n\tn++;')},
                   'f() has 71 lines')


    def test_the_rows_of_a_table_are_no_code(self):
        table = ('\tstatic const struct {\n\t\tint a;\n\t} rows[] = {\n' +
                 '\t\t{ 1 },\n' * 80 + '\t};')
        self.accepts('top-length', {'src/dav/a.c': function(table + '\n\tn++;')})
        self.finds('top-length', {'src/dav/a.c': function(table + '\n\tn++;' * 70)},
                   'f() has')


class Headers(Case):
    def test_a_header_that_needs_another_first(self):
        self.finds('check-headers', {'src/base/a.h': 'size_t f(void);\n'},
                   'src/base/a.h: does not compile alone')

    def test_a_header_without_a_guard(self):
        self.finds('check-headers', {'src/base/a.h': 'struct a { int b; };\n'},
                   'does not compile alone')

    def test_a_public_header_that_is_no_cpp(self):
        self.finds('check-headers', {'include/sheaf/a.h': 'int f(int class);\n'},
                   'does not compile alone as C++17')

    def test_a_public_header_that_is_no_c11(self):
        self.finds('check-headers',
                   {'include/sheaf/a.h': 'struct sheaf_a { int n[0]; };\n'},
                   'does not compile alone as C11')

    def test_a_good_one(self):
        guard = '#ifndef A_H\n#define A_H\n#include <stddef.h>\nsize_t f(void);\n#endif\n'
        self.accepts('check-headers', {'src/base/a.h': guard, 'include/sheaf/a.h': guard})


class Symbols(unittest.TestCase):
    def check(self, source, *kind):
        with tempfile.TemporaryDirectory() as root:
            tree(root, {'a.c': source, 'a.map': 'SHEAF_0.1 { global: *; };\n'})
            if kind[:1] == ('shared',):
                subprocess.run(['gcc', '-shared', '-fPIC', '-o', 'libsheaf.so', 'a.c',
                                *kind[1:]], cwd=root, check=True)
            else:
                subprocess.run(['gcc', '-fPIE', '-c', 'a.c'], cwd=root, check=True)
                subprocess.run(['ar', 'rc', 'libsheafcore.a', 'a.o'], cwd=root, check=True)
            done = subprocess.run([TOP / 'tools/check-symbols', root], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return done.returncode, done.stdout

    def test_a_foreign_export(self):
        code, out = self.check('void sheaf_a(void) {}\nvoid helper(void) {}\n', 'shared')
        self.assertEqual(code, 1, out)
        self.assertIn('exports helper', out)
        self.assertNotIn('exports sheaf_a', out)

    def test_only_ours_exported(self):
        code, out = self.check('void sheaf_a(void) {}\n'
                               'static void h(void) {}\nvoid (*const sheaf_h)(void) = h;\n',
                               'shared', '-Wl,--version-script=a.map')
        self.assertEqual(code, 0, out)

    def test_a_symbol_without_a_version(self):
        code, out = self.check('void sheaf_a(void) {}\n', 'shared')
        self.assertEqual(code, 1, out)
        self.assertIn('sheaf_a has no version', out)

    def test_globals_that_change(self):
        for what in ('int count;', 'static int count = 3;', 'static __thread int count;'):
            with self.subTest(what):
                code, out = self.check(what + '\nint *f(void) { return &count; }\n')
                self.assertEqual(code, 1, out)
                self.assertIn('count can change', out)

    def test_constants(self):
        code, out = self.check('static const char *const names[] = { "a" };\n'
                               'static const int n = 3;\n'
                               'const void *f(int i) { return i ? (void *)&n : names; }\n')
        self.assertEqual(code, 0, out)


class Docs(Case):
    def finds_in_repository(self, files):
        with tempfile.TemporaryDirectory() as root:
            tree(root, files)
            subprocess.run(['git', 'init', '-q', root], check=True)
            done = subprocess.run([TOP / 'tools/check-docs', root], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return done.returncode, done.stdout

    def test_what_is_not_there(self):
        for text in ('[x](gone.md)', '`src/gone.c`', 'type ./dev fly'):
            with self.subTest(text):
                code, out = self.finds_in_repository({'README.md': text})
                self.assertEqual(code, 1, out)

    def test_a_source_without_a_licence(self):
        code, out = self.finds_in_repository({'src/a.c': 'int a;\n'})
        self.assertEqual(code, 1, out)
        self.assertIn('no SPDX line', out)

    def test_what_is_there(self):
        code, out = self.finds_in_repository({
            'README.md': '[x](LICENSE) [w](https://x.example/) `src/a.c` `src/` ./dev run',
            'LICENSE': 'MIT', 'src/a.c': SPDX})
        self.assertEqual(code, 0, out)


class Counting(unittest.TestCase):
    def count(self, *tests, text=None):
        with tempfile.TemporaryDirectory() as root:
            log = Path(root, 'testlog.json')
            log.write_text('\n'.join(map(json.dumps, tests)))
            names = [log]
            if text is not None:
                names.append(Path(root, 'x.txt'))
                names[-1].write_text(text)
            return subprocess.run([TOP / 'tools/count-tests', *names], text=True,
                                  check=True, stdout=subprocess.PIPE).stdout.strip()

    def test_programs_that_say_how_many(self):
        passed = '[==========] 3 test(s) run.\n[  PASSED  ] 3 test(s).\n'
        self.assertEqual(self.count({'result': 'OK', 'stdout': passed},
                                    {'result': 'OK', 'stdout': '7 passed, 0 failed\n'}),
                         '10 0')

    def test_unittest(self):
        ran = '..s.\n---\nRan 26 tests in 0.2s\n\n'
        self.assertEqual(self.count({'result': 'OK', 'stderr': ran + 'OK (skipped=2)\n'}), '24 0')
        self.assertEqual(self.count({'result': 'FAIL',
                                     'stderr': ran + 'FAILED (failures=1, errors=2)\n'}), '23 3')

    def test_failed_cases(self):
        said = ('[  PASSED  ] 2 test(s).\n[  FAILED  ] tests: 1 test(s), listed below:\n'
                '[  FAILED  ] x\n')
        self.assertEqual(self.count({'result': 'FAIL', 'stderr': said},
                                    {'result': 'FAIL', 'stdout': '1 passed, 4 failed'}), '3 5')

    def test_a_program_that_died_failed_whatever_it_said(self):
        self.assertEqual(self.count({'result': 'FAIL', 'stdout': '[  PASSED  ] 3 test(s).'},
                                    {'result': 'TIMEOUT', 'stdout': ''}), '3 2')

    def test_a_skipped_program_counts_for_nothing(self):
        self.assertEqual(self.count({'result': 'SKIP'}, {'result': 'OK'}), '1 0')

    def test_check_steps(self):
        self.assertEqual(self.count(text='ok tidy\nnot ok format\nok floors\n'), '2 1')


if __name__ == '__main__':
    os.environ['LC_ALL'] = 'C.UTF-8'
    result = unittest.main(exit=False, verbosity=0).result
    bad = len(result.failures) + len(result.errors)
    # Sub-tests that fail count as failures, too, so there may be more of them.
    print(f'{max(result.testsRun - bad, 0)} passed, {bad} failed')
    sys.exit(1 if bad else 0)

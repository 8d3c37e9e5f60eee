#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""libsheaf as somebody else has it: installed into a directory, found with
pkg-config, compiled against by C and C++, shared and static; the examples built
by the commands of their README and run; the manual complete.

test_install.py BUILD-DIRECTORY SOURCE-DIRECTORY
"""
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

BUILD, TOP = (Path(p).resolve() for p in sys.argv[1:3])
STRICT = ['-Wall', '-Wextra', '-Werror']
C11 = ['cc', '-std=c11', *STRICT]
CPP17 = ['c++', '-std=c++17', *STRICT]

XML = b'''<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:">
<D:response><D:href>/a</D:href><D:status>HTTP/1.1 204 No Content</D:status></D:response>
<D:response><D:href>/b</D:href><D:status>HTTP/1.1 423 Locked</D:status>
<D:error><D:lock-token-submitted><D:href>/b</D:href></D:lock-token-submitted></D:error>
</D:response>
</D:multistatus>
'''

PROGRAM = '''
#include <cstdio>
#include <sheaf/sheaf.h>

int
main(void)
{
	static const char body[] = %s;
	struct sheaf_answer *answer;
	const struct sheaf_outcome *o;
	enum sheaf_result result = sheaf_read(NULL, body, sizeof(body) - 1, &answer);

	for (size_t i = 0; (o = sheaf_answer_item(answer, i)); i++)
		printf("%%s %%u\\n", o->href, (unsigned)o->status);
	sheaf_answer_free(answer);
	printf("%%s %%s\\n", sheaf_result_name(result), sheaf_version());
	return 0;
}
''' % json.dumps(XML.decode())


def run(args, **more):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    done.out = done.stdout.decode('utf-8', 'replace')
    done.err = done.stderr.decode('utf-8', 'replace')
    return done


class Installed(unittest.TestCase):
    """One installation for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.work = Path(cls.folder.name)
        cls.root = cls.work / 'root'
        done = run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--destdir', cls.root])
        assert done.returncode == 0, done.out + done.err
        cls.pc = next(cls.root.rglob('sheaf.pc')).parent
        cls.lib = cls.pc.parent
        cls.env = cls.environment(cls.root, cls.pc)
        # The same without the shared library: what is linked then is static.
        cls.static_root = cls.work / 'static'
        shutil.copytree(cls.root, cls.static_root, symlinks=True)
        for path in cls.static_root.rglob('libsheaf.so*'):
            path.unlink()
        cls.static_env = cls.environment(cls.static_root,
                                         cls.static_root / cls.pc.relative_to(cls.root))

    @staticmethod
    def environment(root, pc):
        return dict(os.environ, PKG_CONFIG_PATH=str(pc), PKG_CONFIG_SYSROOT_DIR=str(root),
                    LD_LIBRARY_PATH=str(pc.parent), LC_ALL='C.UTF-8')

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def flags(self, *options, env=None):
        done = run(['pkg-config', *options, 'sheaf'], env=env or self.env)
        self.assertEqual(done.returncode, 0, done.err)
        return done.out.split()

    def compile(self, compiler, text, suffix, *more, env=None, options=()):
        source = self.work / ('program' + suffix)
        source.write_text(text)
        flags = self.flags('--cflags', '--libs', *options, env=env)
        return run([*compiler, '-o', self.work / 'program', source, *more, *flags])

    def compiles(self, *args, **more):
        done = self.compile(*args, **more)
        self.assertEqual(done.returncode, 0, done.err)

    def build_example(self, name):
        """By the very command of the README."""
        text = (TOP / 'examples/README.md').read_text()
        command = re.search(rf'^ +(cc -o {name} .*)$', text, re.M).group(1)
        command = command.replace('cc ', ' '.join(C11) + ' ', 1)
        done = run(['bash', '-c', command.replace(f'{name}.c', f'"$TOP"/examples/{name}.c')],
                   cwd=self.work, env=dict(self.env, TOP=str(TOP)))
        self.assertEqual(done.returncode, 0, done.err)
        return self.work / name


class Library(Installed):
    def test_c_and_cpp_shared_and_static(self):
        for compiler, suffix in ((C11, '.c'), (CPP17, '.cc')):
            text = PROGRAM.replace('cstdio', 'stdio.h') if suffix == '.c' else PROGRAM
            for env, options in ((self.env, ()), (self.static_env, ('--static',))):
                with self.subTest(suffix=suffix, options=options):
                    self.compiles(compiler, text, suffix, env=env, options=options)
                    done = run([self.work / 'program'], env=env)
                    self.assertEqual(done.out, '/b 423\nSHEAF_PARTIAL 0.1.0\n', done.err)
                    linked = run(['ldd', self.work / 'program'], env=env).out
                    self.assertEqual('libsheaf' in linked, env is self.env, linked)

    def test_linked_against_no_more_than_it_parses_with(self):
        for path in self.lib.glob('libsheaf.so.?'):
            needed = re.findall(r'NEEDED.*\[([\w-]+)', run(['readelf', '-d', path]).out)
            self.assertLessEqual(set(needed), {'libexpat', 'libjansson', 'libnettle', 'libz', 'libc'}, needed)
            self.assertIn('libc', needed)

    def test_every_header_is_installed_and_compiles_alone_in_cpp(self):
        names = {p.name for p in (TOP / 'include/sheaf').glob('*.h')}
        installed = {p.name for p in self.root.rglob('include/sheaf/*.h')}
        self.assertEqual(names, installed)
        for name in sorted(names):
            with self.subTest(name):
                self.compiles(CPP17, f'#include <sheaf/{name}>\nint main() {{}}\n', '.cc')
        self.assertIn('sheaf.h', names)

    def test_sheaf_h_includes_all(self):
        text = (TOP / 'include/sheaf/sheaf.h').read_text()
        for path in (TOP / 'include/sheaf').glob('*.h'):
            if path.name not in ('api.h', 'sheaf.h'):
                self.assertIn(f'<sheaf/{path.name}>', text)

    def test_a_result_that_is_thrown_away_is_an_error(self):
        text = ('#include <sheaf/sheaf.h>\nint main(void)\n{\n%s'
                'sheaf_read(NULL, "", 0, NULL);\nreturn 0;\n}\n')
        cases = [('cc', '-std=c11', '.c'), ('c++', '-std=c++17', '.cc')]
        cases += [(name, std, suffix) for name, (_, std, suffix) in
                  zip(('clang', 'clang++'), cases) if shutil.which(name)]
        for name, std, suffix in cases:
            with self.subTest(name):
                compiler = [name, std, '-Werror=unused-result']
                done = self.compile(compiler, text % '', suffix)
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.err, 'unused|nodiscard')
                self.compiles(compiler, text % 'return ', suffix)

    def test_what_is_exported_is_what_is_declared(self):
        headers = sorted((TOP / 'include/sheaf').glob('*.h'))
        declared = set(run([TOP / 'tools/man3', '--list', *headers]).out.split())
        self.assertGreater(len(declared), 40)
        symbols = run(['nm', '-D', '--defined-only', '--with-symbol-versions',
                       self.lib / 'libsheaf.so']).out
        exported = set(re.findall(r' T (\w+)@@SHEAF_0\.1$', symbols, re.M))
        self.assertEqual(declared, exported)


class Manual(Installed):
    SECTIONS = ('NAME', 'LIBRARY', 'SYNOPSIS', 'DESCRIPTION', 'MEMORY', 'THREADS', 'SEE ALSO')

    def pages(self):
        return sorted((self.root / 'usr/local/share/man/man3').glob('*.3'))

    def test_every_function_has_a_page(self):
        headers = sorted((TOP / 'include/sheaf').glob('*.h'))
        functions = run([TOP / 'tools/man3', '--list', *headers]).out.split()
        pages = {p.stem for p in self.pages()}
        self.assertLessEqual(set(functions), pages)
        self.assertIn('sheaf', pages)
        for name in functions:
            text = next(p for p in self.pages() if p.stem == name).read_text()
            for section in self.SECTIONS:
                self.assertIn(f'.Sh {section}\n', text, name)
            if '.Ft void\n' not in text:
                self.assertIn('.Sh RETURN VALUES\n', text, name)

    def test_the_overview_names_every_page(self):
        text = next(p for p in self.pages() if p.stem == 'sheaf').read_text()
        for page in self.pages():
            if page.stem != 'sheaf':
                self.assertIn(f'Xr {page.stem} 3', text)

    @unittest.skipUnless(shutil.which('man'), 'no man')
    def test_man_warns_of_nothing(self):
        for page in self.pages():
            done = run(['man', '--warnings', '-l', page], env=dict(self.env, MANPAGER='cat'))
            self.assertEqual((done.returncode, done.err), (0, ''), page.name)

    @unittest.skipUnless(shutil.which('mandoc'), 'no mandoc')
    def test_mandoc_finds_nothing(self):
        done = run(['mandoc', '-T', 'lint', '-W', 'all', *self.pages()])
        # Whether other pages are installed on this machine is none of theirs.
        said = [line for line in done.out.split('\n')
                if line and 'referenced manual not found' not in line]
        self.assertEqual(said, [])


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers each POST with the next 207 of the script."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.asked.append(json.loads(body))
        answer = self.server.script.pop(0)(self.server.asked[-1])
        self.send_response(207)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(answer) + self.server.missing))
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = True

    def log_message(self, *args):
        pass


def answer(*items):
    """A function that answers with these items."""
    def make(request):
        del request
        failed = sum(i['status'] >= 400 for i in items)
        return json.dumps({
            'results': list(items),
            'summary': {'total': len(items), 'success': len(items) - failed,
                        'failed': failed, 'retryable': 0}}).encode()
    return make


class Examples(Installed):
    def test_read_207_tells_the_truth(self):
        program = self.build_example('read_207')
        done = run([program], input=XML, env=self.env)
        self.assertEqual(done.returncode, 3, done.err)
        self.assertIn('/b: 423 Locked', done.out)
        self.assertIn('RFC 4918', done.out)
        self.assertNotIn('/a:', done.out)
        self.assertIn('1 of 2 items failed', done.err)
        done = run([program], input=XML[:-18], env=self.env)
        self.assertEqual(done.returncode, 6, done.out)
        self.assertIn('/b: 423', done.out)
        path = self.work / 'good.json'
        path.write_bytes(answer({'id': 'a', 'status': 200})(None))
        done = run([program, path], env=self.env)
        self.assertEqual((done.returncode, done.out, done.err), (0, '', ''))
        self.assertEqual(run([program, self.work / 'none'], env=self.env).returncode, 1)
        self.assertEqual(run([program], input=b'<html/>', env=self.env).returncode, 6)

    def test_convert_207_there_and_back(self):
        program = self.build_example('convert_207')
        done = run([program, 'json'], input=XML, env=self.env)
        self.assertEqual(done.returncode, 0, done.err)
        self.assertEqual([(i['href'], i['status']) for i in json.loads(done.out)['results']],
                         [('/a', 204), ('/b', 423)])
        lines = run([program, 'ndjson'], input=done.stdout, env=self.env)
        self.assertEqual(lines.returncode, 0, lines.err)
        self.assertIn('"summary"', lines.out.strip().split('\n')[-1])
        back = run([program, 'xml'], input=lines.stdout, env=self.env)
        self.assertEqual(back.returncode, 0, back.err)
        self.assertIn('lock-token-submitted', back.out)
        again = run([program, 'xml'], input=XML, env=self.env)
        self.assertEqual(back.out, again.out)
        cut = run([program, 'ndjson'], input=XML[:-18], env=self.env)
        self.assertEqual(cut.returncode, 1)
        self.assertNotIn('"summary"', cut.out)
        self.assertEqual(run([program, 'yaml'], env=self.env).returncode, 2)

    def bulk_retry(self, operations, *script, missing=0):
        program = self.build_example('bulk_retry')
        with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Scripted) as server:
            server.script, server.asked, server.missing = list(script), [], missing
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                url = f'http://127.0.0.1:{server.server_port}/'
                done = run([program, url, 'key'], input=operations.encode(),
                           env=dict(self.env, no_proxy='*'), timeout=60)
            finally:
                server.shutdown()
                thread.join()
            self.assertEqual(server.script, [])
            sent = [[o['id'] for o in request['operations']] for request in server.asked]
            return done, sent, server.asked

    def test_bulk_retry_sends_again_only_what_should_be(self):
        done, sent, asked = self.bulk_retry(
            'dir MKCOL /d/\nfile PUT /d/f dir\nmine PUT /m\nlocked DELETE /l\n',
            answer({'id': 'dir', 'status': 503, 'retryAfter': 1},
                   {'id': 'file', 'status': 424, 'causedBy': 'dir'},
                   {'id': 'mine', 'status': 412}, {'id': 'locked', 'status': 423}),
            answer({'id': 'dir', 'status': 201}, {'id': 'file', 'status': 201}))
        self.assertEqual(sent, [['dir', 'file', 'mine', 'locked'], ['dir', 'file']])
        self.assertEqual(asked[1]['operations'][1]['dependsOn'], ['dir'])
        self.assertEqual(asked[1]['operations'][0]['idempotencyKey'], 'key/dir')
        self.assertEqual(done.returncode, 3, done.err)
        self.assertIn('mine PUT /m: 412', done.out)
        self.assertIn('locked DELETE /l: 423', done.out)
        self.assertNotIn('dir', done.out)
        self.assertRegex(done.err, r'sending 2 again in 1\d\d\d ms')

    def test_bulk_retry_with_nothing_to_retry(self):
        done, sent, _ = self.bulk_retry('a PUT /a\n', answer({'id': 'a', 'status': 201}))
        self.assertEqual((done.returncode, done.out, len(sent)), (0, '', 1), done.err)

    def test_bulk_retry_takes_what_is_not_mentioned_for_unknown(self):
        done, sent, _ = self.bulk_retry('a PUT /a\nb PUT /b\n', answer({'id': 'a', 'status': 201}))
        self.assertEqual(done.returncode, 6, done.err)
        self.assertIn('b PUT /b: 0 unknown', done.out)
        self.assertEqual(len(sent), 1)

    def test_bulk_retry_takes_a_broken_answer_for_unknown(self):
        half = answer({'id': 'a', 'status': 201}, {'id': 'b', 'status': 201})
        done, _, _ = self.bulk_retry('a PUT /a\nb PUT /b\n', lambda r: half(r)[:45], missing=200)
        self.assertEqual(done.returncode, 6, done.out)
        self.assertIn('b PUT /b: 0 unknown', done.out)


if __name__ == '__main__':
    del sys.argv[1:3]
    result = unittest.main(exit=False, verbosity=0).result
    bad = len(result.failures) + len(result.errors)
    print(f'{max(result.testsRun - bad, 0)} passed, {bad} failed')
    sys.exit(1 if bad else 0)

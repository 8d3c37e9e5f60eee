#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server that gives no answer is given up, and has a new start for the next row."""
import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cells  # noqa: E402
import fields  # noqa: E402
import rows  # noqa: E402
import servers  # noqa: E402

# Answers as long as there is no file "stuck" in its state; ignores SIGTERM.
SERVER = '''
import os, signal, socket, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
s = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True:
    c, _ = s.accept()
    if b'/break' in c.recv(4096):
        open(sys.argv[2] + '/stuck', 'w').close()
    while os.path.exists(sys.argv[2] + '/stuck'):
        time.sleep(1)
    c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n')
    c.close()
'''


def program(name):
    loader = importlib.machinery.SourceFileLoader(name, str(HERE / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def asks(path):
    return lambda field, name: cells.once(field.server(name), 'GET', path, (200,))


class Stuck(unittest.TestCase):
    def test_it_is_asked_once_a_row_and_has_a_new_start_for_the_next(self):
        bench = program('run_side_by_side')
        cells.PATIENCE = 1
        servers.COMMANDS['apache'] = lambda v: (
            [sys.executable, '-c', SERVER, str(v['port']), str(v['state'])], None)
        args, found = argparse.Namespace(servers=['apache']), []
        with tempfile.TemporaryDirectory() as home, contextlib.redirect_stderr(io.StringIO()):
            field = fields.Field(Path(home), {})
            field.add('apache', Path(home) / 'root')
            field.roots['apache'].mkdir()
            with field.all_started():
                first = field.server('apache').pid
                for path in '/break', '/':
                    row, columns = rows.Row('row', 'memory', 'sheaf', 'ms', asks(path)), {}
                    bench.measure(row, field, range(3), columns, args, bench.Progress(3))
                    found.append(columns['apache'])
                self.assertNotEqual(field.server('apache').pid, first)
                field.server('apache').kill()
        self.assertEqual([f.note for f in found[0]], ['**no answer to GET in 1 s**'])
        self.assertFalse(found[0][0].whole)
        self.assertEqual([f.note for f in found[1]], ['', '', ''])


if __name__ == '__main__':
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a script against a built server on a directory of its own.

with_server.py SHEAF SCRIPT [ARG...]

The script finds in its environment: URL (no slash at its end), ROOT (the
directory served), WORK (an empty directory that is removed afterwards, and its
HOME).  It fails when the script does, and when the server did not end cleanly
or a sanitizer complained.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'http'))

import sheaf_http  # noqa: E402


def main(program, script, *args):
    with tempfile.TemporaryDirectory(prefix='sheaf-interop-') as work:
        with sheaf_http.Server(program=os.path.abspath(program)) as server:
            env = dict(os.environ, URL=server.url.rstrip('/'), ROOT=server.root,
                       WORK=work, HOME=work,
                       PATH=os.environ['PATH'] + ':/usr/sbin:/sbin')
            code = subprocess.run([os.path.abspath(script), *args], env=env, cwd=work,
                                  stdin=subprocess.DEVNULL).returncode
            if code not in (0, 77):
                print('\n'.join(server.log[-50:]), file=sys.stderr)
        return code


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))

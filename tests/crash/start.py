# SPDX-License-Identifier: MIT
"""How long a start takes after a crash on a large tree: it must not look at the
tree.  What can be counted is the calls; the seconds are for people.

    start.py PROGRAM FAULTS.so [FILES]
"""

import os
import shutil
import sys
import tempfile
import time

import world
from kill import scratch
import faults
import sheaf_http

EACH = 1000  # files of one collection
MANY = 1 << 30


def fill(root, files):
    """A tree of so many files."""
    for at in range(0, files, EACH):
        where = os.path.join(root, "d%06d" % (at // EACH))
        os.mkdir(where)
        for i in range(min(EACH, files - at)):
            os.close(os.open(os.path.join(where, "f%04d" % i),
                             os.O_CREAT | os.O_WRONLY))


def crash(root):
    """A server dies while it works on it."""
    s = sheaf_http.Server("--access-log", "", root=root)
    s.request("PUT", "/before", body=b"x")
    c = s.connect()
    c.request("COPY", "/d000000", {"Destination": "/copy"})
    time.sleep(0.02)
    world.kill(s)
    c.close()


def count(root, order):
    """(calls, seconds) of a start, to its first answer."""
    order.order("any", 0, MANY)
    began = time.monotonic()
    s = sheaf_http.Server("--access-log", "", root=root,
                          env=order.env(sheaf_http._program[0]))
    answer = s.request("GET", "/before")
    seconds = time.monotonic() - began
    calls = MANY - order.left()
    order.end()
    world.kill(s)
    if answer.body != b"x":
        raise world.Wrong("after the start: %r" % answer)
    return calls, seconds


def measure(files, displaced=0):
    """A start on so many files; displaced: so many more, of a collection that
    was being replaced when the server died."""
    home = tempfile.mkdtemp(prefix="sheaf-start-", dir=scratch())
    try:
        root = os.path.join(home, "root")
        os.mkdir(root)
        fill(root, files)
        crash(root)
        if displaced:
            for place in (os.path.join(root, ".sheaf", "tmp"),
                          os.path.join(root, world.STAGING)):
                if os.path.isdir(place):
                    fill(place, displaced)
        return count(root, faults.Faults(home))
    finally:
        shutil.rmtree(home)


def main():
    program, shim = sys.argv[1:3]
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 1000000
    sheaf_http._program[0] = os.path.abspath(program)
    faults._shim[0] = os.path.abspath(shim)
    for n, displaced in ((1000, 0), (files, 0), (1000, files // 10)):
        print("%8d files, %d displaced: %d calls, %.3f s to the first answer"
              % (n, displaced, *measure(n, displaced)), flush=True)


if __name__ == "__main__":
    main()

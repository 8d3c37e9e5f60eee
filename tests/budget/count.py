# SPDX-License-Identifier: MIT
"""What a path costs the real server: instructions and system calls.

The server runs in callgrind, which counts the instructions of all its threads,
whatever else the machine does.  Each OPTIONS ends a part of the count
(--dump-before), so one run measures many paths; a path's figure is the
difference between more and fewer of its requests, and so free of what is there
once.  Of several turns the least counts: in the others the database has tidied
up, or threads have waited for each other as they do not when a processor is free.
"""

import os
import re
import tempfile

from paths import Load
import sheaf_http

TURNS = 3
MARKED_AT = "options_run"  # nothing else comes through it

# Without these the C library clears and copies by one instruction that callgrind
# counts once for each byte.
PLAIN_COPIES = ("glibc.cpu.x86_rep_movsb_threshold=0x7fffffff:"
                "glibc.cpu.x86_rep_stosb_threshold=0x7fffffff")

# One that waits has another line for its end.
CALL = re.compile(rb"^SYSCALL\[\d+,\d+\]\(\s*(\d+)\) sys_", re.M)
# Not counted (numbers of x86-64): clocks and getcpu, for which the kernel is not
# asked outside of valgrind; and what threads do to wait for each other or for the
# client, of which there is more or less as they happen to meet.
NO_CALLS = {b"96", b"201", b"228", b"229", b"309", b"202", b"232", b"281", b"24"}


class Counted:
    """A server that is counted, on a directory of its own."""

    def __init__(self, program, preload, durability):
        self.home = tempfile.TemporaryDirectory(prefix="sheaf-budget-")
        self.log = os.path.join(self.home.name, "log")
        self.out = os.path.join(self.home.name, "out")
        self.ends = []  # of the log, at each mark
        self.server = sheaf_http.Server(
            "--durability", durability, "--access-log", "", program=program,
            env={"LD_PRELOAD": preload, "GLIBC_TUNABLES": PLAIN_COPIES,
                 "MALLOC_PERTURB_": "0"},  # Meson's, which clears what is freed
            prefix=("valgrind", "--tool=callgrind", "--trace-syscalls=yes",
                    "--compress-strings=no", "--dump-before=" + MARKED_AT, "--log-file=" + self.log,
                    "--callgrind-out-file=" + self.out))
        self.load = Load(self.server)

    def mark(self):
        """The number of the part that begins here."""
        self.load.ask(200, "OPTIONS", "/")
        self.ends.append(os.path.getsize(self.log))
        return len(self.ends)

    def stop(self):
        self.load.connection.close()
        self.server.stop()

    def instructions(self, part):
        try:
            with open("%s.%d" % (self.out, part + 1), encoding="latin-1") as f:
                return int(re.search(r"^totals: (\d+)", f.read(), re.M)[1])
        except FileNotFoundError:
            raise RuntimeError("an OPTIONS does not come through %s() any more: name another "
                               "function in count.py" % MARKED_AT) from None

    def keep(self, part, name):
        """A profile for callgrind_annotate, which misreads a call that began before."""
        with open("%s.%d" % (self.out, part + 1), encoding="latin-1") as f:
            text = re.sub(r"^calls=0 .*\n.*\n", "", f.read(), flags=re.M)
        with open(name, "w", encoding="latin-1") as f:
            f.write(text)

    def calls(self, part):
        with open(self.log, "rb") as f:
            f.seek(self.ends[part - 1])
            text = f.read(self.ends[part] - self.ends[part - 1])
        return sum(n not in NO_CALLS for n in CALL.findall(text))


def run(counted, number, sizes, make, do):
    """Asks; the parts of the fewer and of the more, as lists."""
    load, parts = counted.load, ([], [])
    names = ["p%02d-%d-%d" % (number, turn, which)
             for turn in range(TURNS + 1) for which in (0, 1)]
    for i, name in enumerate(names):
        make(load, name, sizes[i % 2])
    do(load, names[0], sizes[0])  # to get warm
    do(load, names[1], sizes[1])
    for i, name in list(enumerate(names))[2:]:
        parts[i % 2].append(counted.mark())
        do(load, name, sizes[i % 2])
    counted.mark()
    return parts


def per_one(count, parts, sizes):
    fewer, more = (min(map(count, some)) for some in parts)
    return (more - fewer) / (sizes[1] - sizes[0])


def figures(program, preload, durability, paths, keep=None):
    """{name: (instructions, system calls)} of these paths, all of one durability.
    The profile of each is left in the directory keep."""
    counted = Counted(program, preload, durability)
    try:
        parts = {name: run(counted, number, sizes, make, do)
                 for number, (name, _, sizes, make, do) in enumerate(paths)}
    finally:
        counted.stop()
    found = {}
    for name, _, sizes, _, _ in paths:
        found[name] = tuple(per_one(count, parts[name], sizes)
                            for count in (counted.instructions, counted.calls))
        if keep:
            counted.keep(parts[name][1][-1], os.path.join(keep, name))
    counted.home.cleanup()
    return found

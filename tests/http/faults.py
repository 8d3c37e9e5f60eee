# SPDX-License-Identifier: MIT
"""Orders for faults.c, which is loaded into a server: the nth call of some
function fails, waits, or is the last thing the process does.
"""

import mmap
import os
import re
import struct
import subprocess
import sys

CALLS = ("", "openat2", "getdents", "statx", "read", "write", "fsync",
         "rename", "link", "unlink", "mkdir", "copy-range", "truncate",
         "times", "allocate", "chmod", "change", "any", "unlisten")
FAIL, STOP_BEFORE, STOP_AFTER, NOTE, HOLD = range(5)
SIZE = 24

_shim = [""]


class Faults:
    """The orders that the server's process looks at."""

    def __init__(self, directory):
        self.name = os.path.join(directory, "faults")
        with open(self.name, "wb") as f:
            f.write(bytes(SIZE))
        with open(self.name, "r+b") as f:
            self.at = mmap.mmap(f.fileno(), SIZE)

    def order(self, call, errnum, nth, lasting=False, action=FAIL):
        self.at[4:24] = struct.pack("=iiiii", errnum, nth, lasting, action, 0)
        self.at[0:4] = struct.pack("=i", CALLS.index(call))

    def left(self):
        return struct.unpack("=i", self.at[8:12])[0]

    def thread(self):
        """Whose call it was, of NOTE and HOLD; 0: it has not come yet."""
        return struct.unpack("=i", self.at[20:24])[0]

    def end(self):
        """Takes the order back; whether it was carried out."""
        self.at[0:4] = bytes(4)
        return self.left() < 1

    def env(self, program):
        """What a server's environment needs to have."""
        return {"LD_PRELOAD": preload(program, _shim[0]),
                "SHEAF_FAULTS": self.name}


def preload(program, shim):
    """The shim, behind a sanitizer's library, which wants to be first."""
    out = subprocess.run(["ldd", program], capture_output=True, text=True,
                         check=False).stdout
    return ":".join(re.findall(r"=> (\S*lib[at]san\S*)", out) + [shim])


def take_shim():
    """The path of the shim, off the command line."""
    if len(sys.argv) > 2:
        _shim[0] = os.path.abspath(sys.argv.pop(2))

# SPDX-License-Identifier: MIT
"""How each tool is asked to do each thing, and how it says that it failed.

A row of ACTIONS is something that people do; its columns are the commands of
the tools that can.  In them {url} is the server with its last slash, and the
current directory is a local one:

    f.txt           an older copy of what the server has at /f.txt
    up.txt, up/     to be uploaded
    mirror/         a copy of /d/
"""

import os
import re
import shutil
import subprocess
from collections import namedtuple

LIMIT = 15  # seconds a tool may take

# What the server holds; every content stands once.
REMOTE = {
    "d/": None,
    "d/a.txt": b"the file a",
    "d/keep.txt": b"the file keep",
    "d/sub/": None,
    "d/sub/b.txt": b"the file b",
    "other/": None,
    "other/x.txt": b"the file x",
    "f.txt": b"the file f, and it is somewhat longer\n" * 60,
}
LOCAL = {
    "f.txt": b"an older f",
    "up.txt": b"to be uploaded",
    "up/one.txt": b"one",
    "up/two.txt": b"two",
    "up/sub/three.txt": b"three",
    "mirror/a.txt": b"the file a",
    "mirror/keep.txt": b"the file keep",
    "mirror/sub/b.txt": b"the file b",
    "batch.json": b"""{ "operations": [
  { "id": "first", "op": "create", "url": "/d/one.txt", "body": 1 },
  { "id": "second", "op": "create", "url": "/d/two.txt", "body": 2 },
  { "id": "third", "op": "create", "url": "/d/three.txt", "body": 3 } ] }
""",
}

# method: the one that a server of such an action may answer with a 207.
# whole: what it is about; keep: the member of it that makes trouble.
Action = namedtuple("Action", "name what method whole keep gone commands")

DAV_XML = 'Content-Type: application/xml; charset=utf-8'
PROPPATCH = ('<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><Z:%s '
             'xmlns:Z="http://example.com/z">v</Z:%s></D:prop></D:set>'
             '</D:propertyupdate>')
LOCKINFO = ('<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/>'
            '</D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>')


def action(name, what, method, whole, keep, gone=(), **commands):
    return Action(name, what, method, whole, keep, gone, commands)


ACTIONS = {a.name: a for a in [
    action(
        "remove-tree", "remove a folder", "DELETE", "/d/", "/d/keep.txt",
        ("d/",),
        sheaf=["rm", "-r", "{url}d/"],
        curl=["-X", "DELETE", "{url}d/"],
        cadaver=["rmcol d"],
        lftp=["rm -r d"],
        rclone=["purge", ":webdav:d"]),
    action(
        "remove-file", "remove a file", "DELETE", "/d/keep.txt", "/d/keep.txt",
        ("d/keep.txt",),
        sheaf=["rm", "{url}d/keep.txt"],
        curl=["-X", "DELETE", "{url}d/keep.txt"],
        cadaver=["delete d/keep.txt"],
        lftp=["rm d/keep.txt"],
        rclone=["deletefile", ":webdav:d/keep.txt"],
        wget=["--method=DELETE", "-O", "-", "{url}d/keep.txt"]),
    action(
        "copy-tree", "copy a folder on the server", "COPY", "/d/", "/c/keep.txt",
        sheaf=["cp", "-r", "{url}d/", "{url}c/"],
        curl=["-X", "COPY", "-H", "Destination: {url}c/", "{url}d/"],
        cadaver=["copy d c"],
        rclone=["copyto", ":webdav:d", ":webdav:c"]),
    action(
        "move-tree", "move a folder on the server", "MOVE", "/d/", "/d/keep.txt",
        sheaf=["mv", "{url}d/", "{url}m/"],
        curl=["-X", "MOVE", "-H", "Destination: {url}m/", "{url}d/"],
        cadaver=["move d m"],
        lftp=["mv d m"],
        rclone=["moveto", ":webdav:d", ":webdav:m"]),
    action(
        "list", "list a folder", "PROPFIND", "/d/", "/d/keep.txt",
        sheaf=["ls", "-l", "{url}d/"],
        curl=["-X", "PROPFIND", "-H", "Depth: 1", "{url}d/"],
        cadaver=["ls d"],
        rclone=["lsf", ":webdav:d"]),
    action(
        "tree", "list a folder with all below", "PROPFIND", "/d/", "/d/keep.txt",
        sheaf=["tree", "{url}d/"],
        rclone=["tree", ":webdav:d"]),
    action(
        "stat", "look at a file", "PROPFIND", "/d/keep.txt", "/d/keep.txt",
        sheaf=["stat", "{url}d/keep.txt"],
        curl=["-X", "PROPFIND", "-H", "Depth: 0", "{url}d/keep.txt"],
        cadaver=["propnames d/keep.txt"],
        rclone=["lsf", ":webdav:d/keep.txt"]),
    action(
        "show", "print a file", "GET", "/f.txt", "/f.txt",
        sheaf=["cat", "{url}f.txt"],
        curl=["{url}f.txt"],
        rclone=["cat", ":webdav:f.txt"],
        wget=["-O", "-", "{url}f.txt"]),
    action(
        "download", "download over an older copy", "GET", "/f.txt", "/f.txt",
        sheaf=["get", "--force", "{url}f.txt", "f.txt"],
        curl=["-o", "f.txt", "{url}f.txt"],
        cadaver=["get f.txt f.txt"],
        lftp=["set xfer:clobber on; get f.txt -o f.txt"],
        rclone=["copyto", ":webdav:f.txt", "f.txt"],
        wget=["-O", "f.txt", "{url}f.txt"]),
    action(
        "download-tree", "download a folder", "PROPFIND", "/d/", "/d/keep.txt",
        sheaf=["get", "-r", "{url}d/", "got"],
        rclone=["copy", ":webdav:d", "got"]),
    action(
        "mirror", "make a local folder the same", "PROPFIND", "/d/",
        "/d/keep.txt",
        rclone=["sync", ":webdav:d", "mirror"]),
    action(
        "upload", "upload a file", "PUT", "/up.txt", "/up.txt",
        sheaf=["put", "up.txt", "{url}up.txt"],
        curl=["-T", "up.txt", "{url}up.txt"],
        cadaver=["put up.txt"],
        lftp=["put up.txt"],
        rclone=["copyto", "up.txt", ":webdav:up.txt"]),
    action(
        "upload-move", "upload a file and remove it here", "PUT", "/up.txt",
        "/up.txt",
        lftp=["put -E up.txt"],
        rclone=["moveto", "up.txt", ":webdav:up.txt"]),
    action(
        "upload-tree", "upload a folder", "PUT", "/up/", "/up/two.txt",
        sheaf=["put", "-r", "up", "{url}"],
        lftp=["mirror -R up up"],
        rclone=["copy", "up", ":webdav:up"]),
    action(
        "make-folder", "make a folder", "MKCOL", "/n/", "/n/",
        sheaf=["mkdir", "{url}n/"],
        curl=["-X", "MKCOL", "{url}n/"],
        cadaver=["mkcol n"],
        lftp=["mkdir n"],
        rclone=["mkdir", ":webdav:n"]),
    action(
        "set-property", "set a property", "PROPPATCH", "/f.txt", "/f.txt",
        sheaf=["prop", "set", "{url}f.txt", "{http://example.com/z}colour",
               "v"],
        curl=["-X", "PROPPATCH", "-H", DAV_XML, "-d",
              PROPPATCH % ("colour", "colour"), "{url}f.txt"],
        cadaver=["propset f.txt colour v"]),
    action(
        "lock", "lock a folder", "LOCK", "/d/", "/d/keep.txt",
        sheaf=["lock", "--depth", "inf", "{url}d/"],
        curl=["-X", "LOCK", "-H", DAV_XML, "-H", "Depth: infinity", "-d",
              LOCKINFO, "{url}d/"],
        cadaver=["lock d"]),
    action(
        "unlock", "unlock a folder", "UNLOCK", "/d/", "/d/",
        sheaf=["unlock", "{url}d/", "urn:uuid:1"],
        curl=["-X", "UNLOCK", "-H", "Lock-Token: <urn:uuid:1>", "{url}d/"]),
    action(
        "batch", "send a batch of three operations", "POST", "/bulk",
        "/d/two.txt",
        sheaf=["batch", "{url}bulk", "batch.json"]),
    action(
        "explain", "explain a listing", "PROPFIND", "/d/", "/d/keep.txt",
        sheaf=["explain", "{url}d/"]),
    action(
        "lint", "check a listing", "PROPFIND", "/d/", "/d/keep.txt",
        sheaf=["lint", "{url}d/"]),
]}

# What a tool said: its exit code (None: it was stopped for taking too long).
Said = namedtuple("Said", "code out err")


def environment(home):
    keep = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
    env = {k: os.environ[k] for k in keep if k in os.environ}
    env.update(HOME=home, LC_ALL="C.UTF-8", TERM="dumb", NO_COLOR="1")
    return env


def run(argv, folder, stdin=b"", limit=LIMIT):
    try:
        done = subprocess.run(argv, cwd=folder, env=environment(folder + ".home"),
                              input=stdin, capture_output=True, timeout=limit,
                              check=False)
    except subprocess.TimeoutExpired as e:
        return Said(None, e.stdout or b"", e.stderr or b"")
    return Said(done.returncode, done.stdout, done.stderr)


class Tool:
    """start(command, url): its arguments and its input.  screen: it is a session
    for people, which failed when its screen says this.  raw: it prints answers
    as they came."""

    def __init__(self, name, probe, start, screen=None, raw=False):
        self.name = name
        self.probe = probe
        self.start = start
        self.screen = screen
        self.raw = raw

    def version(self):
        if not shutil.which(self.probe[0]):
            return None
        said = subprocess.run(self.probe, capture_output=True, text=True,
                              check=False)
        first = (said.stdout + said.stderr).splitlines()[0]
        return re.sub(r"^(.*?\d[\w.-]*)( .*| .*)?$", r"\1",
                      first.replace("Version ", "").replace("| ", ""))

    def run(self, what, url, folder, more=()):
        """None where it has no such command."""
        command = what.commands.get(self.name)
        if command is None:
            return None
        argv, stdin = self.start(
            [c.replace("{url}", url) for c in [*command, *more]], url)
        return run(argv, folder, stdin)

    def failed(self, said):
        """Whether it said that not all was done."""
        if said.code != 0:
            return True
        return bool(self.screen and re.search(self.screen, said.out + said.err))


def curl(command, url):
    # With a body, the page of an error would replace what was there.
    fail = "--fail" if "-o" in command else "--fail-with-body"
    return ["curl", "-sS", fail, "--max-time", "20"] + command, b""


def wget(command, url):
    return ["wget", "-nv", "--tries=1", "--timeout=20"] + command, b""


def rclone(command, url):
    return ["rclone", "--config", "/dev/null", "--webdav-url", url,
            "--webdav-vendor", "other", "--retries", "1",
            "--low-level-retries", "1", "--timeout", "10s"] + command, b""


def lftp(command, url):
    settings = ("set cmd:fail-exit true; set net:max-retries 1; "
                "set net:timeout 5; set net:persist-retries 0; "
                "set net:reconnect-interval-base 1; ")
    return ["lftp", "-c", settings + "open %s; " % url + "; ".join(command)], b""


def cadaver(command, url):
    return ["cadaver", url], ("\n".join(command + ["quit"]) + "\n").encode()


OTHERS = [
    Tool("curl", ["curl", "--version"], curl, raw=True),
    Tool("wget", ["wget", "--version"], wget, raw=True),
    Tool("cadaver", ["cadaver", "--version"], cadaver,
         rb"(?i)failed|could not|error|not found|unable"),
    Tool("lftp", ["lftp", "--version"], lftp),
    Tool("rclone", ["rclone", "version"], rclone),
]


def sheaf(program):
    """Two attempts at most, so that a case does not wait for long."""
    def start(command, url):
        return [program, command[0], "--retries", "2", "--timeout",
                "10s"] + command[1:], b""
    return Tool("sheaf", [program, "--version"], start)

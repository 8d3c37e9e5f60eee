# SPDX-License-Identifier: MIT
"""WebDAV servers that people use, each on a free loopback port, with a directory
and state of its own, for as long as a test needs it.

    with peers.start("apache") as peer:
        peer.write("a/b.txt", b"x")       # seen at peer.url + "a/b.txt"
        ...

They run in the foreground and, when we are root, as nobody, so that a file they
may not read is one.  What a server cannot do is a row in LACKS: a test asks
can("nginx", "proppatch") and expects the refusal where it cannot.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "http"))

import sheaf_http  # noqa: E402

NAMES = ("apache", "nginx", "lighttpd", "rclone", "sheaf")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
PATIENCE = 20.0

# What a server refuses, or does otherwise than RFC 4918 has it; and how a
# client sees that.
LACKS = {
    "apache": {},
    "nginx": {
        "proppatch": "405, there are no dead properties",
        "etag": "PROPFIND has no getetag",
        "if-match": "PUT ignores If-Match and If-None-Match",
        "infinity": "403 for a PROPFIND of Depth: infinity",
        "shared-locks": "423 for the second one",
    },
    "lighttpd": {
        "proppatch-207": "204 for a PROPPATCH, which says nothing of each",
        "infinity": "403 for a PROPFIND of Depth: infinity",
    },
    "rclone": {
        "proppatch": "403 in a 207, there are no dead properties",
        "if-match": "PUT ignores If-Match and If-None-Match",
        "shared-locks": "501 for a shared lock",
        "mkcol-exists": "201 for the MKCOL of what is there",
        "lock-kept": "a lock lasts no longer than the process",
    },
    "sheaf": {},
}


class Missing(Exception):
    """The server is not installed here."""


def find(program):
    found = shutil.which(program, path=PATH)
    if not found:
        raise Missing(program + " is not installed")
    return found


def module(*names):
    """The first of these files that is there."""
    for name in names:
        if os.path.exists(name):
            return name
    raise Missing(names[0] + " is not there")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


APACHE = """\
ServerRoot {home}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {home}/pid
DefaultRuntimeDir {home}
Mutex file:{home} default
ErrorLog {home}/log
LogLevel error
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dav_module {modules}/mod_dav.so
LoadModule dav_fs_module {modules}/mod_dav_fs.so
LoadModule mime_module {modules}/mod_mime.so
TypesConfig /etc/mime.types
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
MaxKeepAliveRequests 0
DavLockDB {home}/state/locks
DavDepthInfinity on
DocumentRoot {root}
<Directory {root}>
  AllowOverride None
  Require all granted
  Dav On
</Directory>
"""

NGINX = """\
load_module {modules}/ngx_http_dav_ext_module.so;
daemon off;
worker_processes 1;
pid {home}/pid;
error_log {home}/log crit;
events {{ worker_connections 256; }}
http {{
  include /etc/nginx/mime.types;
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {home}/spool;
  proxy_temp_path {home}/state;
  fastcgi_temp_path {home}/state;
  uwsgi_temp_path {home}/state;
  scgi_temp_path {home}/state;
  dav_ext_lock_zone zone=locks:1m;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    location / {{
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
      dav_ext_lock zone=locks;
      create_full_put_path off;
    }}
  }}
}}
"""

LIGHTTPD = """\
server.modules = ( "mod_webdav" )
server.document-root = "{root}"
server.bind = "127.0.0.1"
server.port = {port}
server.errorlog = "{home}/log"
server.upload-dirs = ( "{home}/spool" )
server.max-request-size = 0
server.stat-cache-engine = "disable"
mimetype.assign = ( ".txt" => "text/plain", "" => "application/octet-stream" )
webdav.activate = "enable"
webdav.is-readonly = "disable"
webdav.sqlite-db-name = "{home}/state/webdav.sqlite"
"""


def apache(home, where):
    modules = os.path.dirname(module("/usr/lib/apache2/modules/mod_dav_fs.so",
                                     "/usr/lib64/httpd/modules/mod_dav_fs.so"))
    (home / "conf").write_text(APACHE.format(modules=modules, **where))
    return [find("apache2"), "-f", str(home / "conf"), "-DFOREGROUND"]


def nginx(home, where):
    modules = os.path.dirname(
        module("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"))
    (home / "conf").write_text(NGINX.format(modules=modules, **where))
    return [find("nginx"), "-c", str(home / "conf"), "-e", str(home / "log")]


def lighttpd(home, where):
    module("/usr/lib/lighttpd/mod_webdav.so")
    (home / "conf").write_text(LIGHTTPD.format(**where))
    return [find("lighttpd"), "-D", "-f", str(home / "conf")]


def rclone(home, where):
    return [find("rclone"), "serve", "webdav", where["root"], "--addr",
            "127.0.0.1:%d" % where["port"], "--log-level", "ERROR", "--config",
            str(home / "conf"), "--cache-dir", str(home / "spool"),
            "--dir-cache-time", "0s"]


COMMANDS = {"apache": apache, "nginx": nginx, "lighttpd": lighttpd,
            "rclone": rclone}

VERSIONS = {"apache": ["apache2", "-v"], "nginx": ["nginx", "-v"],
            "lighttpd": ["lighttpd", "-v"], "rclone": ["rclone", "version"]}


def version(name):
    """What the server calls itself, in one line."""
    argv = VERSIONS[name]
    said = subprocess.run([find(argv[0])] + argv[1:], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return said.stdout.splitlines()[0].replace("Server version: ", "")


class Peer:
    """A running server: name, url (with its last slash), root, address."""

    def __init__(self, name):
        self.name = name
        self.home = Path(tempfile.mkdtemp(prefix="sheaf-peer-"))
        self.root = str(self.home / "root")
        self.owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.process = None
        os.chmod(self.home, 0o755)
        for part in ("root", "state", "spool"):
            (self.home / part).mkdir()
            self._give(self.home / part)
        self._give(self.home)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _give(self, path):
        if self.owner:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def _start(self):
        """Another may take the port between our look and its bind."""
        for left in (2, 1, 0):
            port = free_port()
            self.address = ("127.0.0.1", port)
            self.url = "http://127.0.0.1:%d/" % port
            argv = COMMANDS[self.name](self.home, {
                "home": self.home, "root": self.root, "port": port})
            as_owner = {} if not self.owner else {
                "user": self.owner.pw_uid, "group": self.owner.pw_gid,
                "extra_groups": []}
            log = open(self.home / "out", "ab")
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.home, umask=0o022, start_new_session=True,
                env=dict(os.environ, PATH=PATH, HOME=str(self.home)), **as_owner)
            log.close()
            if self._answers():
                return
            self._end()
        raise RuntimeError("%s does not start:\n%s" % (self.name, self.said()))

    def _answers(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with sheaf_http.Connection(self.address, 2) as c:
                    c.request("OPTIONS", "/")
                    c.response("OPTIONS")
                return True
            except (OSError, sheaf_http.ProtocolError):
                time.sleep(0.05)
        return False

    def said(self):
        """Its log, for who has to find out what went wrong."""
        text = ""
        for name in ("out", "log"):
            try:
                text += (self.home / name).read_text(errors="replace")[-4000:]
            except OSError:
                pass
        return text

    def path(self, name):
        return os.path.join(self.root, name)

    def mkdir(self, name, mode=0o755):
        path = Path(self.root)
        for part in name.strip("/").split("/"):
            path = path / part
            if not path.is_dir():
                path.mkdir()
                self._give(path)
        os.chmod(path, mode)

    def write(self, name, data, mode=0o644):
        if "/" in name:
            self.mkdir(os.path.dirname(name))
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, mode)
        self._give(path)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def has(self, name):
        return os.path.lexists(self.path(name))

    def files(self):
        """{path: bytes} of all files, {path + "/": None} of all folders."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            at = os.path.relpath(folder, self.root)
            at = "" if at == "." else at + "/"
            if ".sheaf" in folders:
                folders.remove(".sheaf")  # our own state
            found.update({at + f + "/": None for f in folders})
            for name in files:
                with open(os.path.join(folder, name), "rb") as f:
                    found[at + name] = f.read()
        return found

    def clear(self):
        """Empties the directory behind the server's back."""
        for entry in os.listdir(self.root):
            path = self.path(entry)
            if entry == ".sheaf":
                continue
            if os.path.isdir(path) and not os.path.islink(path):
                for folder, _, _ in os.walk(path):
                    os.chmod(folder, 0o755)
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def connect(self):
        return sheaf_http.Connection(self.address, PATIENCE)

    def request(self, method, target, headers=(), body=None):
        with self.connect() as c:
            c.request(method, target, headers, body)
            return c.response(method)

    def _end(self):
        """Stops the process and those it started: they share its session."""
        if not self.process:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(5)
                break
            except subprocess.TimeoutExpired:
                pass
        try:  # workers that outlived the one we waited for
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process = None

    def stop(self):
        self._end()
        for folder, _, _ in os.walk(self.root):
            os.chmod(folder, 0o755)
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


class Ours(Peer):
    """`sheaf serve`, as one of them."""

    def __init__(self, program):
        self.program = os.path.abspath(program)
        super().__init__("sheaf")

    def _start(self):
        prefix = () if not self.owner else (
            "setpriv", "--reuid=%d" % self.owner.pw_uid,
            "--regid=%d" % self.owner.pw_gid, "--clear-groups", "--")
        self.server = sheaf_http.Server(program=self.program, root=self.root,
                                        prefix=prefix)
        self.url = self.server.url
        self.address = self.server.address

    def said(self):
        return "\n".join(self.server.log[-50:])

    def _end(self):
        self.server.stop()


def can(name, what):
    return what not in LACKS[name]


def start(name, program=None):
    """A running server; Missing if it is not installed."""
    if name == "sheaf":
        return Ours(program or os.environ["SHEAF"])
    return Peer(name)

# SPDX-License-Identifier: MIT
"""A server that does exactly what a test tells it, and a client to look at.

    def answer(x):
        x.reply(200, b"hello", ETag='"1"')

    with scripted.Server(answer) as server:
        run(program, "cat", server.url + "a")
    server.requests[0].fields["user-agent"]

answer() is called for each request, with its head read and its body not: what
it sends goes out as it is.  x.cut() and x.reset() end the connection.
"""

import concurrent.futures
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

PATIENCE = 60


class Gone(Exception):
    """The client has closed the connection."""


class Exchange:
    """One request, and the connection to answer it on."""

    def __init__(self, connection, number):
        self.c = connection
        self.number = number  # of the connection, from 0
        self.body = b""
        self.open = True
        self.body_read = False
        head = connection.until(b"\r\n\r\n").decode("latin-1")
        first, *rest = head.split("\r\n")
        self.method, self.target, self.version = first.split(" ")
        self.fields = {}
        for line in rest:
            name, _, value = line.partition(":")
            if name:
                self.fields[name.lower()] = value.strip()

    def read_body(self):
        self.body_read = True
        if "chunked" in self.fields.get("transfer-encoding", ""):
            while True:
                size = int(self.c.until(b"\r\n").strip(), 16)
                self.body += self.c.exactly(size)
                self.c.exactly(2)
                if not size:
                    return self.body
        self.body += self.c.exactly(int(self.fields.get("content-length", 0)))
        return self.body

    def send(self, data):
        self.c.send(data if isinstance(data, bytes) else data.encode())

    def reply(self, status, body=b"", **fields):
        """A whole answer; names of fields have _ for -."""
        if not self.body_read and "expect" not in self.fields:
            self.read_body()
        if isinstance(body, str):
            body = body.encode()
        lines = ["HTTP/1.1 %d X" % status]
        lines += ["%s: %s" % (n.replace("_", "-"), v)
                  for n, v in fields.items()]
        if status not in (204, 304) and status >= 200 and \
                "Transfer_Encoding" not in fields and \
                "Content_Length" not in fields:
            lines.append("Content-Length: %d" % len(body))
        self.send("\r\n".join(lines) + "\r\n\r\n")
        if self.method != "HEAD":
            self.send(body)

    def cut(self):
        self.open = False
        self.c.close()

    def reset(self):
        """Ends it with an RST, whatever was under way."""
        self.c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        self.cut()


class Connection:
    def __init__(self, sock):
        self.socket = sock
        self.buffer = b""

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except OSError as e:
            raise Gone from e
        if not data:
            raise Gone
        self.buffer += data

    def until(self, end):
        while end not in self.buffer:
            self._more()
        at = self.buffer.index(end) + len(end)
        data, self.buffer = self.buffer[:at], self.buffer[at:]
        return data

    def exactly(self, n):
        while len(self.buffer) < n:
            self._more()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as e:
            raise Gone from e

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.socket.close()


class Server:
    def __init__(self, answer, tls=None):
        self.answer = answer
        self.tls = tls
        self.requests = []
        self.connections = 0
        self.failures = []
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listening.getsockname()[1]
        self.url = "%s://127.0.0.1:%d/" % ("https" if tls else "http",
                                           self.port)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, daemon=True,
                             args=(sock, self.connections - 1)).start()

    def _serve(self, sock, number):
        try:
            sock.settimeout(PATIENCE)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            c = Connection(sock)
            while True:
                x = Exchange(c, number)
                self.requests.append(x)
                self.answer(x)
                if not x.open:
                    return
        except (Gone, ssl.SSLError, OSError):
            sock.close()
        except Exception as e:  # a test that is wrong shall say so
            self.failures.append(repr(e))
            sock.close()

    def of(self, method):
        return [x for x in self.requests if x.method == method]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Else the thread may accept for whoever gets this descriptor next.
        self.listening.shutdown(socket.SHUT_RDWR)
        self.accepting.join()
        self.listening.close()
        assert not self.failures, self.failures


def certificate(directory, name="127.0.0.1"):
    """A key and a certificate that nobody has signed."""
    key, cert = (os.path.join(directory, n) for n in ("key.pem", "cert.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=" + name, "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True)
    return key, cert


def tls_context(key, cert, ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ca)
    return context


PROGRAMS = []


class TestCase(unittest.TestCase):
    """In a directory of its own, with nothing of ours in the environment."""

    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.dir)
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith("SHEAF_PASS")
                    and not k.startswith("SHEAF_TOKEN")
                    and not k.lower().endswith("_proxy")}
        self.env["HOME"] = self.dir

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def files(self):
        """What is in the directory but for retry files."""
        return sorted(n for n in os.listdir(self.dir)
                      if not n.startswith("sheaf-retry-"))

    def parts(self):
        return [n for n in self.files() if n.endswith(".part")]

    def serve(self, answer, **more):
        server = Server(answer, **more)
        self.addCleanup(server.__exit__)
        return server

    def popen(self, *args, **more):
        return subprocess.Popen([PROGRAMS[0], *args], cwd=self.dir,
                                env=self.env, **more)

    def run_it(self, *args, code=0, stdin=b"", program=0, env=None):
        p = subprocess.run([PROGRAMS[program], *args], cwd=self.dir,
                           env={**self.env, **(env or {})}, input=stdin,
                           capture_output=True, timeout=PATIENCE * 2)
        self.assertEqual(p.returncode, code,
                         (args, p.stdout[:2000], p.stderr[:4000]))
        p.err = p.stderr.decode("utf-8", "replace")
        return p

    def sheaf(self, *args, **more):
        return self.run_it(*args, **more)


class SideBySide(unittest.TestSuite):
    """Runs tests in threads: theirs is mostly waiting.  For classes that have
    no setUpClass() and share nothing."""

    at_once = 4

    def run(self, result, debug=False):
        def run_one(test):
            own = unittest.TestResult()
            test.run(own)
            return own

        with concurrent.futures.ThreadPoolExecutor(self.at_once) as pool:
            for own in pool.map(run_one, cases_of(self)):
                result.testsRun += own.testsRun
                for kind in ("failures", "errors", "skipped"):
                    getattr(result, kind).extend(getattr(own, kind))
        return result


def cases_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases_of(test)
        else:
            yield test


class Runner(unittest.TextTestRunner):
    def run(self, test):
        return super().run(SideBySide([test]))


def main():
    """test_NAME.py SHEAF [FETCH] [UNITTEST ARGUMENT...]"""
    args = sys.argv[1:]
    while args and os.path.isfile(args[0]) and os.access(args[0], os.X_OK):
        PROGRAMS.append(os.path.abspath(args.pop(0)))
    unittest.main(argv=[sys.argv[0], *args], testRunner=Runner)

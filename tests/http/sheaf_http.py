# SPDX-License-Identifier: MIT
"""A built server on a free port, and raw HTTP/1.1 to talk to it.

What the standard library's http.client would put right or refuse to send, a
test wants to send as it is and to see as it came.  So this writes bytes to a
socket and reads answers strictly: what is not HTTP/1.1 is a failure.

    class Methods(sheaf_http.TestCase):
        def test_a_file_comes_back(self):
            self.server.write("a", b"x")
            with self.server.connect() as c:
                c.request("GET", "/a")
                r = c.response()
            self.assertEqual((r.status, r.body), (200, b"x"))

    if __name__ == "__main__":
        sheaf_http.main()

The program is the first argument, or $SHEAF.  Any sanitizer build will do: a
server that leaves something on stderr that a sanitizer wrote, or that exits
with anything but 0, fails the test.
"""

import concurrent.futures
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

# Sanitizers and busy machines are slow; nothing here waits this long in vain.
PATIENCE = 30.0

_program = [os.environ.get("SHEAF", "")]


class ProtocolError(Exception):
    """The peer sent what is not HTTP/1.1."""


class Truncated(ProtocolError):
    """The connection ended within an answer."""


class Response:
    """One answer: status, reason, headers in order, body."""

    def __init__(self, version, status, reason, headers):
        self.version = version
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = b""
        self.chunked = False

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name):
        """The value of a field that stands once, or None."""
        values = self.all(name)
        if len(values) > 1:
            raise ProtocolError("%s stands %d times" % (name, len(values)))
        return values[0] if values else None

    def tokens(self, name):
        """The members of a list field, in lower case."""
        return [t.strip().lower() for v in self.all(name)
                for t in v.split(",")]

    def __repr__(self):
        return "<%d %s %r %r>" % (self.status, self.reason, self.headers,
                                  self.body[:200])


class Connection:
    """A socket, and the answers that come out of it."""

    def __init__(self, address, timeout=PATIENCE):
        self.sock = socket.create_connection(address, timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.host = address[0] if ":" not in address[0] else (
            "[%s]" % address[0])
        self.host += ":%d" % address[1]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes so that the peer gets an RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             b"\x01\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def request(self, method, target, headers=(), body=None, host=True):
        """A request in one piece; headers: pairs or a dict."""
        if hasattr(headers, "items"):
            headers = headers.items()
        lines = ["%s %s HTTP/1.1" % (method, target)]
        if host:
            lines.append("Host: " + self.host)
        lines += ["%s: %s" % pair for pair in headers]
        if body is not None:
            lines.append("Content-Length: %d" % len(body))
        head = "\r\n".join(lines) + "\r\n\r\n"
        self.send(head.encode("utf-8", "surrogateescape") + (body or b""))

    def slow(self):
        """Keeps the kernel from taking much of an answer before it is read."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

    def _take(self, n):
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def _more(self):
        data = self.sock.recv(65536)
        self.buffer += data
        return bool(data)

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise Truncated("in a line: %r" % bytes(self.buffer[:200]))
        return self._take(self.buffer.index(b"\r\n") + 2)[:-2]

    def exactly(self, n):
        while len(self.buffer) < n:
            if not self._more():
                raise Truncated("%d bytes are missing" %
                                (n - len(self.buffer)))
        return self._take(n)

    def to_end(self):
        while self._more():
            pass
        return self._take(len(self.buffer))

    def closed(self):
        """Whether the peer ends the connection with nothing more said."""
        try:
            return not self.buffer and not self.sock.recv(1)
        except ConnectionResetError:
            return True

    def head(self):
        """Status line and header of the next answer."""
        first = self.line()
        match = re.fullmatch(rb"(HTTP/1\.[01]) ([1-9][0-9][0-9]) (.*)", first)
        if not match:
            raise ProtocolError("status line %r" % first)
        headers = []
        while True:
            line = self.line()
            if not line:
                break
            match2 = re.fullmatch(
                rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", line)
            if not match2:
                raise ProtocolError("header line %r" % line)
            headers.append(tuple(
                g.decode("latin-1") for g in match2.groups()))
        return Response(match[1].decode(), int(match[2]), match[3].decode(),
                        headers)

    def chunks(self):
        """The chunks of a chunked body, as they come."""
        while True:
            size = self.line().split(b";")[0]
            if not re.fullmatch(rb"[0-9A-Fa-f]+", size):
                raise ProtocolError("chunk size %r" % size)
            n = int(size, 16)
            if not n:
                break
            yield self.exactly(n)
            if self.exactly(2) != b"\r\n":
                raise ProtocolError("no CRLF behind a chunk")
        while self.line():
            pass

    def response(self, method="GET"):
        """The next answer with its body; 1xx are answers of their own."""
        return self.rest(self.head(), method)

    def rest(self, r, method="GET"):
        """The same answer with its body, which comes next."""
        coding = r.header("Transfer-Encoding")
        length = r.header("Content-Length")
        if coding is not None and length is not None:
            raise ProtocolError("both lengths: %r" % r)
        if method == "HEAD" or r.status < 200 or r.status in (204, 304):
            return r
        if coding is not None:
            if coding.lower() != "chunked":
                raise ProtocolError("transfer coding %r" % coding)
            r.chunked = True
            r.body = b"".join(self.chunks())
        elif length is not None:
            r.body = self.exactly(int(length))
        else:
            r.body = self.to_end()
        return r


class Server:
    """A running sheaf, on a directory of its own unless it is given one."""

    def __init__(self, *args, root=None, env=None, listen="127.0.0.1:0",
                 program=None, prefix=()):
        self.program = program or _program[0]
        if not self.program:
            raise RuntimeError("no program: give one, or set SHEAF")
        self.home = tempfile.mkdtemp(prefix="sheaf-test-")
        self.root = root or os.path.join(self.home, "root")
        os.makedirs(self.root, exist_ok=True)
        self.process = None
        self.log = []
        full = dict(os.environ)
        full.update({k: "halt_on_error=0:exitcode=66:" + full.get(k, "")
                     for k in ("ASAN_OPTIONS", "UBSAN_OPTIONS",
                               "TSAN_OPTIONS", "LSAN_OPTIONS")})
        full.update(env or {})
        argv = [*prefix, self.program, "serve", "--listen", listen, *args,
                self.root]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=full)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        line = self.process.stdout.readline().decode()
        match = re.fullmatch(
            r"Sheaf serves (.*) at (http://(\[?[0-9a-f.:]+?\]?):(\d+)(/.*))\n",
            line)
        if not match:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            self.process.stdout.close()
            self.process.stderr.close()
            shutil.rmtree(self.home, ignore_errors=True)
            raise RuntimeError("no start: %r %r" % (line, self.log))
        self.url = match[2]
        self.address = (match[3].strip("[]"), int(match[4]))

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line.decode("utf-8", "replace").rstrip("\n"))

    @property
    def pid(self):
        return self.process.pid

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def connect(self, timeout=PATIENCE):
        return Connection(self.address, timeout)

    def request(self, method, target, headers=(), body=None):
        """One request on a connection of its own."""
        with self.connect() as c:
            c.request(method, target, headers, body)
            return c.response(method)

    def raw(self, data, method="GET"):
        """The answer to these bytes."""
        with self.connect() as c:
            c.send(data)
            return c.response(method)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def stop(self):
        """Asks it to stop, and fails when it did not do so cleanly."""
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
            try:
                code = self.wait()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the server does not stop")
        else:
            code = self.process.returncode
        self.process.stdout.close()
        self._reader.join(PATIENCE)
        self.process.stderr.close()
        shutil.rmtree(self.home, ignore_errors=True)
        said = [s for s in self.log if "Sanitizer" in s or
                "runtime error:" in s]
        if code or said:
            raise AssertionError("exit code %d\n%s" %
                                 (code, "\n".join(self.log[-200:])))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def resident(self):
        """Resident memory in bytes."""
        return self._status("VmRSS")

    def private(self):
        """What it has written to itself, in bytes."""
        with open("/proc/%d/smaps_rollup" % self.pid) as f:
            return sum(int(line.split()[1]) * 1024 for line in f
                       if line.startswith("Private_Dirty:"))

    def peak(self):
        return self._status("VmHWM")

    def _status(self, name):
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
        raise RuntimeError("no %s" % name)

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def sockets(self):
        """Those of its descriptors that are any: its own, and a connection's."""
        base, n = "/proc/%d/fd" % self.pid, 0
        for fd in os.listdir(base):
            try:
                n += os.readlink(os.path.join(base, fd)).startswith("socket:")
            except FileNotFoundError:
                pass
        return n

    def is_sanitized(self):
        """Whether its memory says nothing about the product's."""
        with open("/proc/%d/maps" % self.pid) as f:
            return any("libasan" in line or "libtsan" in line for line in f)

    def wait_log(self, pattern, timeout=PATIENCE):
        """The first line of the log that matches, when it comes."""
        def find():
            return next((s for s in list(self.log) if re.search(pattern, s)),
                        None)
        return eventually(find, "a log line like %r in %r" %
                          (pattern, self.log[-20:]), timeout)


def eventually(get, what, timeout=PATIENCE):
    """The first value of get() that is true."""
    end = time.monotonic() + timeout
    while True:
        value = get()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("never came: " + what)
        time.sleep(0.01)


class TestCase(unittest.TestCase):
    """Tests that share one server, started with the class's `args`."""

    args = ()
    server = None

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.args)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()


def _flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _flat(test)
        else:
            yield test


def _run_alone(test):
    result = unittest.TestResult()
    test.run(result)
    return test.id(), result


def _side_by_side():
    """Tests that mostly wait, each with a server of its own: all at once."""
    tests = list(_flat(unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules["__main__"])))
    with concurrent.futures.ThreadPoolExecutor(len(tests)) as pool:
        results = list(pool.map(_run_alone, tests))
    bad = [(name, text) for name, r in results
           for _, text in r.errors + r.failures]
    for name, text in bad:
        print("FAIL: %s\n%s" % (name, text), file=sys.stderr)
    print("Ran %d tests" % sum(r.testsRun for _, r in results),
          file=sys.stderr)
    sys.exit(bool(bad))


def main(side_by_side=False):
    if len(sys.argv) > 1 and os.access(sys.argv[1], os.X_OK):
        _program[0] = os.path.abspath(sys.argv.pop(1))
    if side_by_side and len(sys.argv) == 1:
        _side_by_side()
    unittest.main()

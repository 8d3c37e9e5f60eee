# SPDX-License-Identifier: MIT
"""Connections between requests, which leave libmicrohttpd and come back
(src/server/parked.h).

    test_parked.py PROGRAM
"""

import contextlib
import os
import re
import resource
import socket
import time
import unittest

import sheaf_http

MIB = 1 << 20
LISTENS = "0A"  # of /proc/net/tcp


def most(wanted):
    """Raises the limit of open files, and says for how many sockets it is."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, hard - 1000)


def parked(server):
    """How many sockets are in an epoll set as our own watch them."""
    n = 0
    for fd in range(64):  # the set is there from the start
        try:
            with open("/proc/%d/fdinfo/%d" % (server.pid, fd),
                      encoding="ascii") as f:
                n += len(re.findall(r"events: +80002019 ", f.read()))
        except FileNotFoundError:
            pass
    return n


def is_held_back(server, client):
    """Whether the system has the connection, and the server not yet."""
    ends = ["0100007F:%04X" % c[1] for c in (server.address,
                                             client.sock.getsockname())]
    with open("/proc/net/tcp", encoding="ascii") as f:
        return any(line.split()[1:4] == [*ends, "03"] for line in f)


class Parked(unittest.TestCase):

    def setUp(self):
        self.server = sheaf_http.Server(
            "--park-after", "1s", "--idle-timeout", "60s")
        self.addCleanup(self.server.stop)

    def park(self, n=1):
        sheaf_http.eventually(lambda: parked(self.server) == n, "parked")

    def test_one_that_never_spoke_and_one_that_did_come_back_and_again(self):
        self.server.write("a", b"x")
        with self.server.connect() as c:
            for _ in range(2):
                self.park()
                c.request("GET", "/a")
                self.assertEqual(c.response().body, b"x")
                c.request("PUT", "/b", body=b"y" * 70000)
                self.assertIn(c.response().status, (201, 204))

    def test_a_connection_comes_with_its_first_bytes(self):
        def is_new():
            with self.server.connect() as c:
                held = is_held_back(self.server, c)
                c.request("OPTIONS", "/")
                self.assertEqual(c.response().status, 200)
                return held
        # A busy machine may take the second after which it comes without.
        sheaf_http.eventually(is_new, "one that has said nothing")
        with self.server.connect() as c:
            self.park()
            self.assertFalse(is_held_back(self.server, c))

    def test_every_kind_of_request_lets_it_be_parked(self):
        self.server.write("a", b"x")
        cases = (
                ("GET", "/a", None), ("HEAD", "/a", None),
                ("GET", "/none", None), ("OPTIONS", "/", None),
                ("PROPFIND", "/", b"<propfind xmlns='DAV:'><allprop/>"
                 b"</propfind>"),
                ("PROPFIND", "/", b"<broken"), ("PUT", "/p", b"z"),
                ("PUT", "/none/p", b"z"), ("BREW", "/a", b"z"),
                ("LOCK", "/l", b"<lockinfo xmlns='DAV:'><lockscope><exclusive/>"
                 b"</lockscope><locktype><write/></locktype></lockinfo>"))
        held = [self.server.connect() for _ in cases]
        for _ in range(2):
            for c, (method, target, body) in zip(held, cases):
                c.request(method, target, {}, body)
                c.response(method)
            self.park(len(cases))
        for c in held:
            c.close()
        self.park(0)

    def test_pipelined_requests_are_all_answered(self):
        one = b"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n"
        with self.server.connect() as c:
            self.park()
            c.send(one * 5)
            for _ in range(5):
                self.assertEqual(c.response().status, 200)
            self.park()

    def drip(self, c, line):
        """Sends it in pieces; the longest time between two of them."""
        last, pauses = time.monotonic(), []
        for at in range(0, len(line), 8):
            c.send(line[at:at + 8])
            pauses.append(time.monotonic() - last)
            last += pauses[-1]
            time.sleep(0.4)
        return max(pauses)

    def is_heard_in_pieces(self):
        line = b"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n"
        with self.server.connect() as c:
            for _ in range(2):
                if self.drip(c, line) > 0.9:
                    return False  # this machine is too busy to be in time
                self.assertEqual(c.response().status, 200)
            # libmicrohttpd has the beginning of a line that follows an answer:
            # when it stands still it is cut, and never parked.
            c.send(b"OPTIO")
            self.assertEqual(c.to_end(), b"")
            self.assertEqual(parked(self.server), 0)
        return True

    def test_half_a_request_line_is_not_lost(self):
        sheaf_http.eventually(self.is_heard_in_pieces, "one in time")

    def test_a_line_may_pause_where_nothing_was_asked_for_yet(self):
        """So a new connection may, and one that is parked."""
        with self.server.connect() as c:
            for _ in range(2):
                for part in (b"O", b"PTIONS /", b" HTTP/1.1\r"):
                    c.send(part)
                    time.sleep(1.7)
                    self.park()
                c.send(b"\nHost: a\r\n\r\n")
                self.assertEqual(c.response().status, 200)
                self.park()
            # However it ends.
            c.send(b"OPTIONS / HTTP/1.1")
            time.sleep(0.2)
            c.sock.shutdown(socket.SHUT_WR)
            self.assertTrue(c.closed())
        with self.server.connect() as c:
            c.send(b"OPTIONS /" + b"x" * 3000)
            sheaf_http.eventually(lambda: parked(self.server) == 0,
                                  "given on, however long it is")

    def test_a_body_in_chunks_keeps_its_connection(self):
        with self.server.connect() as c:
            for _ in range(2):
                c.send(b"PUT /c HTTP/1.1\r\nHost: a\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\n"
                       b"3\r\nabc\r\n0\r\n\r\n")
                self.assertIn(c.response().status, (201, 204))
                time.sleep(2)

    def test_what_is_to_be_closed_is(self):
        for head in (b"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
                     b"OPTIONS / HTTP/1.1\r\nHost: a\r\n"
                     b"Connection: close\r\n\r\n", b"nonsense\r\n\r\n"):
            with self.subTest(head), self.server.connect() as c:
                self.park()
                c.send(head)
                began = time.monotonic()
                c.to_end()
                self.assertLess(time.monotonic() - began, 20)

    def test_clients_that_leave_are_forgotten(self):
        idle = self.server.descriptors()
        for leave in (sheaf_http.Connection.close,
                      sheaf_http.Connection.reset):
            held = [self.server.connect() for _ in range(20)]
            self.park(20)
            for c in held:
                leave(c)
            sheaf_http.eventually(
                lambda: self.server.descriptors() <= idle, "they are gone")

    def test_a_request_and_the_end_in_one_are_answered(self):
        with self.server.connect() as c:
            self.park()
            c.send(b"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n")
            c.sock.shutdown(socket.SHUT_WR)
            self.assertEqual(c.response().status, 200)


def watched(server):
    """For each of the threads that move bytes, which all listen, how many
    connections it has, by its epoll set"""
    here, sockets, counts = "0100007F:%04X" % server.address[1], {}, []
    with open("/proc/net/tcp", encoding="ascii") as f:
        states = {line.split()[9]: line.split()[3] for line in f
                  if line.split()[1] == here}
    for fd in os.listdir("/proc/%d/fd" % server.pid):
        with contextlib.suppress(FileNotFoundError):
            leads = os.readlink("/proc/%d/fd/%s" % (server.pid, fd))
            if leads[8:-1] in states:
                sockets[fd] = states[leads[8:-1]]
    for fd in range(64):
        with contextlib.suppress(FileNotFoundError):
            with open("/proc/%d/fdinfo/%d" % (server.pid, fd),
                      encoding="ascii") as f:
                found = [sockets[t] for t in re.findall(r"tfd: +(\d+)", f.read())
                         if t in sockets]
            if LISTENS in found:
                counts.append(len(found) - 1)
    return sorted(counts)


@contextlib.contextmanager
def processor(number):
    """On one of those that there are for us, until the end"""
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(here)[number % len(here)]})
    yield
    os.sched_setaffinity(0, here)


def waiting(server, n):
    """How often each of these n threads has waited; None while one does not."""
    counts = {}
    for task in os.listdir("/proc/%d/task" % server.pid):
        at = "/proc/%d/task/%s/" % (server.pid, task)
        with open(at + "status", encoding="ascii") as f:
            status = f.read()
        if not status.startswith(("Name:\tMHD", "Name:\tio-")):
            continue
        if "\nState:\tS" not in status:
            return None
        counts[task] = int(re.search(
            r"^voluntary_ctxt_switches:\s+(\d+)", status, re.M)[1])
    return counts if len(counts) == n else None  # one may have no name yet


class Threads(unittest.TestCase):
    """Each has a listener of its own (src/server/listen.c)."""

    def setUp(self):
        self.start("60s")

    def start(self, park_after):
        self.server = sheaf_http.Server("--park-after", park_after,
                                        "--idle-timeout", "60s",
                                        "--threads", "3")
        self.addCleanup(self.server.stop)

    def ask(self, n):
        held = []
        for _ in range(n):  # one by one: who says nothing for long is parked
            c = self.server.connect()
            self.addCleanup(c.close)
            c.request("OPTIONS", "/")
            self.assertEqual(c.response().status, 200)
            held.append(c)
        return held

    def waits(self):
        return sheaf_http.eventually(lambda: waiting(self.server, 3), "waits")

    def test_one_is_woken_for_a_connection(self):
        for _ in range(10):
            before = self.waits()
            held = self.ask(1)[0]
            after = self.waits()
            woken = [t for t in after if after[t] != before[t]]
            self.assertEqual(len(woken), 1, (before, after))
            held.close()
            self.have([0, 0, 0])

    def have(self, counts):
        sheaf_http.eventually(lambda: watched(self.server) == counts,
                              "connections: %s" % counts)

    def test_those_of_a_processor_are_with_one(self):
        with processor(0):
            self.ask(8)
        self.have([0, 0, 8])

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "one processor")
    def test_those_of_another_are_with_another(self):
        for number in range(2):
            with processor(number):
                self.ask(6)
        self.have([0, 6, 6])

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "one processor")
    def test_who_comes_back_is_where_its_client_is_now(self):
        self.start("2s")
        with processor(0):
            held = self.ask(6)
        self.have([0, 0, 6])
        self.have([0, 0, 0])  # they are parked
        for number in range(2):
            with processor(number):
                for c in held[number::2]:
                    c.request("OPTIONS", "/")
                    self.assertEqual(c.response().status, 200)
        self.have([0, 3, 3])

    def test_where_there_are_many_more_others_get_some(self):
        with processor(0):
            held = self.ask(60)

        def spread():
            counts = watched(self.server)
            return sum(counts) == 60 and 6 <= counts[2] - counts[0] <= 9
        sheaf_http.eventually(spread, "the others have some")
        for c in held:  # those that moved as well
            c.request("OPTIONS", "/")
            self.assertEqual(c.response().status, 200)

    def test_what_waits_when_it_stops_is_turned_away(self):
        self.ask(4)
        self.server.stop()
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(self.server.address)


class Limits(unittest.TestCase):

    def test_those_parked_count(self):
        with sheaf_http.Server("--park-after", "1s", "--connections", "20",
                               "--connections-per-address", "8") as s:
            held = [s.connect() for _ in range(15)]
            sheaf_http.eventually(lambda: parked(s) == 15, "parked")
            with s.connect() as c:
                self.assertEqual(c.to_end(), b"")
            for c in held:
                c.request("OPTIONS", "/")
            # Some at once, the others when those are parked.
            for c in held:
                self.assertEqual(c.response().status, 200)
            sheaf_http.eventually(lambda: parked(s) == 15, "parked")
            for c in held:
                c.close()

    def test_a_line_that_stands_still_is_408(self):
        with sheaf_http.Server("--park-after", "1s",
                               "--header-timeout", "2s") as s:
            with s.connect() as c:
                c.send(b"OPTIONS")
                self.assertEqual(c.response().status, 408)

    def test_a_header_that_stands_still_is_408_for_all_the_idle_timeout(self):
        with sheaf_http.Server("--header-timeout", "2s",
                               "--idle-timeout", "1s") as s:
            with s.connect() as c:
                c.send(b"OPTIONS / HTTP/1.1\r\nHost: a\r\n")
                self.assertEqual(c.response().status, 408)

    def test_their_time_outs_are_as_ever(self):
        with sheaf_http.Server("--park-after", "1s", "--header-timeout", "3s",
                               "--idle-timeout", "3s") as s:
            for request in (False, True):
                with self.subTest(request), s.connect() as c:
                    if request:
                        c.request("OPTIONS", "/")
                        c.response()
                    sheaf_http.eventually(lambda: parked(s) == 1, "parked")
                    self.assertEqual(c.to_end(), b"")
                    sheaf_http.eventually(lambda: parked(s) == 0, "forgotten")

    def test_a_server_stops_that_has_some(self):
        with sheaf_http.Server("--park-after", "1s") as s:
            held = [s.connect() for _ in range(50)]
            sheaf_http.eventually(lambda: parked(s) == 50, "parked")
            s.stop()
            for c in held:
                self.assertEqual(c.to_end(), b"")
                c.close()


class Many(unittest.TestCase):

    def open(self, s, i):
        """From an address of its own for each hundred."""
        c = socket.create_connection(
            s.address, 60, ("127.1.%d.%d" % divmod(i // 100, 250), 0))
        self.addCleanup(c.close)
        return c

    def ask(self, sockets, method):
        request = ("%s /a HTTP/1.1\r\nHost: a\r\nDepth: 0\r\n\r\n" % method)
        for at in range(0, len(sockets), 200):
            some = sockets[at:at + 200]
            for c in some:
                c.sendall(request.encode())
            for c in some:
                self.assertRegex(c.recv(9999), b"^HTTP/1.1 20[07] ")

    def test_ten_thousand_that_wait_are_small_and_are_served_again(self):
        with sheaf_http.Server(
                "--park-after", "1s", "--header-timeout", "300s",
                "--idle-timeout", "300s", "--access-log", "",
                env={"MALLOC_PERTURB_": "0"}) as s:
            n = most(500 if s.is_sanitized() else 10000)
            s.write("a", b"x" * 100)
            held = [self.open(s, i) for i in range(n)]
            for _ in range(2):
                sheaf_http.eventually(lambda: parked(s) == n, "parked")
                if not s.is_sanitized():
                    sheaf_http.eventually(
                        lambda: s.resident() < 32 * MIB, "they are small")
                third = n // 3
                self.ask(held[:third], "GET")
                self.ask(held[third:2 * third], "PROPFIND")
            self.ask(held, "GET")


if __name__ == "__main__":
    sheaf_http.main(side_by_side=True)

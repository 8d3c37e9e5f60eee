# SPDX-License-Identifier: MIT
"""Clients that take their time: what is waited for, and how long."""

import time
import unittest

import sheaf_http
from test_protocol import head


class Timeouts(unittest.TestCase):

    def setUp(self):
        self.server = sheaf_http.Server(
            "--header-timeout", "1s", "--idle-timeout", "2s", "--rate-grace",
            "1s", "--min-rate", "10K")
        self.addCleanup(self.server.stop)

    def timed(self, c):
        began = time.monotonic()
        data = c.to_end()
        return data, time.monotonic() - began

    def test_a_header_that_does_not_end_is_answered_408(self):
        with self.server.connect() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
            data, took = self.timed(c)
        self.assertTrue(data.startswith(b"HTTP/1.1 408 "), data)
        self.assertLess(took, 5)

    def test_a_header_that_comes_in_drips_is_cut_all_the_same(self):
        with self.server.connect() as c:
            began = time.monotonic()
            with self.assertRaises(ConnectionError):
                while time.monotonic() - began < 10:
                    c.send(b"X")
                    time.sleep(0.1)
            self.assertLess(time.monotonic() - began, 5)

    def test_the_second_header_of_a_connection_is_watched_too(self):
        with self.server.connect() as c:
            c.request("OPTIONS", "/")
            self.assertEqual(c.response().status, 200)
            c.send(b"GET / HTTP/1.1\r\n")
            began = time.monotonic()
            with self.assertRaises(ConnectionError):
                while time.monotonic() - began < 10:
                    c.send(b"X: y\r\n")
                    time.sleep(0.1)
            self.assertLess(time.monotonic() - began, 7)

    def test_a_silent_connection_is_closed_without_a_word(self):
        for request in (False, True):
            with self.subTest(request), self.server.connect() as c:
                if request:
                    c.request("OPTIONS", "/")
                    c.response()
                data, took = self.timed(c)
                self.assertEqual(data, b"")
                self.assertLess(took, 7)

    def test_a_body_that_drips_is_answered_408_and_leaves_nothing(self):
        with self.server.connect() as c:
            c.send(head("PUT /drip HTTP/1.1", "Host: a",
                        "Content-Length: 100000"))
            began = time.monotonic()
            try:
                while time.monotonic() - began < 10:
                    c.send(b"x")
                    time.sleep(0.1)
            except ConnectionError:
                pass
            self.assertLess(time.monotonic() - began, 6)
        self.assertEqual(self.server.request("GET", "/drip").status, 404)

    def is_fair(self):
        """False: this machine is too busy to keep the rate."""
        with self.server.connect() as c:
            c.send(head("PUT /fair HTTP/1.1", "Host: a",
                        "Content-Length: %d" % (40 * 8192)))
            began = last = time.monotonic()
            for n in range(1, 41):
                now, before = time.monotonic(), last
                if now - before > 1 or now - began > 0.4 * n:
                    return False
                last = now
                c.send(b"x" * 8192)
                time.sleep(0.1)
            self.assertIn(c.response().status, (201, 204))
        return True

    def test_a_body_at_a_fair_rate_may_take_its_time(self):
        sheaf_http.eventually(self.is_fair, "a fair rate")

    def test_an_answer_that_is_sipped_is_cut(self):
        self.server.request("PUT", "/large", body=b"x" * (32 << 20))
        c = self.server.connect()
        c.slow()
        with c:
            c.request("GET", "/large")
            end = time.monotonic() + 20
            while time.monotonic() < end and not any(
                    "GET /large" in line for line in self.server.log):
                c.sock.recv(64)
                time.sleep(0.05)
            line = self.server.wait_log("GET /large", 1)
        self.assertLess(int(line.split()[-1]), 32 << 20)


if __name__ == "__main__":
    sheaf_http.main(side_by_side=True)

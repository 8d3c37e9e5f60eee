# SPDX-License-Identifier: MIT
"""Trees to and from a server that speaks HTTP/2: nginx, with TLS, so that many
streams share a connection.

    test_http2.py SHEAF
"""

import filecmp
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import scripted

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") +
                     ":/usr/sbin:/sbin")
MODULE = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"

CONFIGURATION = """
load_module %(module)s;
daemon off; pid %(dir)s/pid; error_log %(dir)s/error.log; worker_processes 1;
events { worker_connections 128; }
http {
  client_body_temp_path %(dir)s/tmp;
  log_format short '$server_protocol $request_method $status';
  access_log %(dir)s/access.log short;
  dav_ext_lock_zone zone=locks:1m;
  server {
    listen 127.0.0.1:%(port)d ssl http2;
    ssl_certificate %(dir)s/cert.pem; ssl_certificate_key %(dir)s/key.pem;
    root %(dir)s/root; client_max_body_size 0;
    location / {
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK; dav_ext_lock zone=locks;
    }
  }
}
"""


@unittest.skipUnless(NGINX and os.path.exists(MODULE) and
                     shutil.which("openssl"), "nginx or openssl is missing")
class Http2(scripted.TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o755)
        scripted.certificate(self.dir)
        for name in ("root", "tmp"):
            os.mkdir(self.path(name))
            os.chmod(self.path(name), 0o777)
        with scripted.socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url = "https://127.0.0.1:%d/" % port
        self.write("nginx.conf", (CONFIGURATION % {
            "dir": self.dir, "port": port, "module": MODULE}).encode())
        nginx = subprocess.Popen(
            [NGINX, "-p", self.dir, "-c", self.path("nginx.conf"), "-e",
             self.path("error.log")], stderr=subprocess.DEVNULL)
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.send_signal, signal.SIGTERM)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                scripted.socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.05)
        self.fail(self.read("error.log"))

    def same(self, a, b):
        found = filecmp.dircmp(a, b)
        self.assertEqual((found.left_only, found.right_only), ([], []))
        _, other, errors = filecmp.cmpfiles(a, b, found.common_files,
                                            shallow=False)
        self.assertEqual((other, errors), ([], []))
        for name in found.common_dirs:
            self.same(os.path.join(a, name), os.path.join(b, name))

    def test_a_tree_goes_and_comes_back(self):
        r = random.Random(9)
        for i in range(60):
            self.write("d/%d/f%d" % (i % 5, i), r.randbytes(r.choice(
                (0, 1, 1000, 100000))))
        self.write("d/big", r.randbytes(3000000))
        trust = ("--cacert", self.path("cert.pem"))
        self.sheaf("put", *trust, "-rj", "16", "d", self.url + "d")
        self.sheaf("get", *trust, "-rj", "16", self.url + "d/", "back")
        self.same(self.path("d"), self.path("back"))
        self.sheaf("put", *trust, "d/big", self.url + "d/big", code=4)
        with open(self.path("access.log"), encoding="ascii") as f:
            self.assertEqual({line.split()[0] for line in f}, {"HTTP/2.0"})


if __name__ == "__main__":
    scripted.main()

# SPDX-License-Identifier: MIT
"""Servers to measure, each as a context manager that leaves nothing running.

Peers come from Debian.  They are unpacked below the build directory, not
installed, so that no service of theirs starts and nothing on the machine
changes; one that is installed already is not used.
"""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get('SHEAF_BUILD', TOP / 'build'))
UNPACKED = BUILD / 'bench' / 'peers'
PACKAGES = ['apache2-bin', 'nginx', 'libnginx-mod-http-dav-ext', 'lighttpd',
            'lighttpd-mod-webdav', 'rclone']
WORKERS = 2

APACHE = '''
ServerRoot {state}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {state}/httpd.pid
ErrorLog {state}/error.log
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dav_module {modules}/mod_dav.so
LoadModule dav_fs_module {modules}/mod_dav_fs.so
LoadModule mime_module {modules}/mod_mime.so
TypesConfig /etc/mime.types
StartServers {workers}
ServerLimit {workers}
ThreadsPerChild 64
MaxRequestWorkers 128
KeepAlive On
MaxKeepAliveRequests 0
EnableSendfile On
DavLockDB {state}/DavLock
DavDepthInfinity on
DocumentRoot {root}
<Directory {root}>
  Require all granted
  Dav On
</Directory>
'''

NGINX = '''
load_module {modules}/ngx_http_dav_ext_module.so;
{user}
worker_processes {workers};
daemon off;
pid {state}/nginx.pid;
error_log {state}/error.log crit;
worker_rlimit_nofile 65536;
events {{ worker_connections {connections}; }}
http {{
  access_log off; sendfile on; tcp_nopush on;
  dav_ext_lock_zone zone=locks:16m;
  keepalive_requests 100000000; client_max_body_size 0;
  client_body_temp_path {spool};
  proxy_temp_path {state}; fastcgi_temp_path {state};
  uwsgi_temp_path {state}; scgi_temp_path {state};
  server {{
    listen 127.0.0.1:{port} reuseport;
    root {root};
    location / {{
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
      dav_ext_lock zone=locks;
      create_full_put_path off;
    }}
  }}
}}
'''

# One process: with two, its property database answers 500.
LIGHTTPD = '''
server.modules = ( "mod_webdav" )
server.document-root = "{root}"
server.bind = "127.0.0.1"
server.port = {port}
{user}
server.errorlog = "{state}/error.log"
server.upload-dirs = ( "{spool}" )
server.max-keep-alive-requests = 0
server.max-fds = {descriptors}
server.max-request-size = 0
mimetype.assign = ( "" => "application/octet-stream" )
webdav.activate = "enable"
webdav.sqlite-db-name = "{state}/webdav.sqlite"
webdav.opts = ( "propfind-depth-infinity" => "enable" )
'''


def fetch():
    """Unpacks the peers and what they need, once."""
    if (UNPACKED / 'done').exists():
        return
    if not shutil.which('apt-get'):
        raise SystemExit('the peers are unpacked from Debian packages: no apt-get here')
    shutil.rmtree(UNPACKED, ignore_errors=True)
    UNPACKED.mkdir(parents=True)
    plan = subprocess.run(['apt-get', 'install', '-s', '--no-install-recommends',
                           '--reinstall', *PACKAGES],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    names = sorted({line.split()[1] for line in plan.splitlines()
                    if line.startswith('Inst ')})
    subprocess.run(['apt-get', 'download', '-qq', *names], cwd=UNPACKED, check=True,
                   stderr=subprocess.DEVNULL)
    for deb in UNPACKED.glob('*.deb'):
        subprocess.run(['dpkg', '-x', deb, UNPACKED], check=True)
    (UNPACKED / 'done').write_text(''.join(f'{deb.name}\n' for deb in UNPACKED.glob('*.deb')))
    for deb in UNPACKED.glob('*.deb'):
        deb.unlink()


def versions():
    """{package: version} of the peers, as their files were named."""
    if not (UNPACKED / 'done').exists():
        return {}
    names = [line.split('_') for line in (UNPACKED / 'done').read_text().split()]
    return {n[0]: n[1].replace('%3a', ':') for n in names if n[0] in PACKAGES}


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def children(pid):
    """A process and all below it."""
    found = [pid]
    for path in Path(f'/proc/{pid}/task').glob('*/children'):
        with contextlib.suppress(OSError):
            for child in path.read_text().split():
                found += children(int(child))
    return found


class Server:
    """A running server: where it answers, since when it runs, and what it has cost."""

    def __init__(self, port, pid, began):
        self.address = ('127.0.0.1', port)
        self.url, self.pid, self.began = f'http://127.0.0.1:{port}', pid, began

    def kill(self):
        """For one that would not end by itself."""
        for pid in children(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def cpu(self):
        """Seconds of processor time, its children's included."""
        spent = 0
        for pid in children(self.pid):
            with contextlib.suppress(OSError):
                # The clock of another process, as clock_getcpuclockid(3) makes it.
                spent += time.clock_gettime(~pid << 3 | 2)
        return spent

    def memory(self, field):
        """VmRSS or VmHWM of all its processes, in MiB."""
        total = 0
        for pid in children(self.pid):
            with contextlib.suppress(OSError):
                for line in Path(f'/proc/{pid}/status').read_text().splitlines():
                    if line.startswith(field + ':'):
                        total += int(line.split()[1])
        return total / 1024


@contextlib.contextmanager
def running(argv, port, log, env=None, patience=0.05):
    """Starts it, waits until it answers, and ends it with all its children."""
    began = time.perf_counter()
    with open(log, 'wb') as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   env=env, start_new_session=True)
    try:
        wait_for(port, process, log, patience)
        yield Server(port, process.pid, began)
    finally:
        family = children(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def wait_for(port, process, log, patience):
    for _ in range(int(20 / patience)):
        with contextlib.suppress(OSError):
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        if process.poll() is not None:
            break
        time.sleep(patience)
    raise RuntimeError('no start: ' + Path(log).read_text(errors='replace')[-2000:])


def start(name, root, state, more_env=None, patience=0.05, connections=1024):
    """A context manager that runs the server of this name on root, for so many
    connections at once; every patience seconds it is seen whether it is there."""
    port = free_port()
    spool = Path(root).parent / 'spool'
    spool.mkdir(exist_ok=True)
    values = {'root': root, 'state': state, 'port': port, 'spool': spool, 'workers': WORKERS,
              'connections': connections, 'descriptors': connections * 2 + 1000}
    argv, env = COMMANDS[name](values)
    return running(argv, port, f'{state}/log', dict(env or os.environ, **(more_env or {})),
                   patience)


def configured(values, name, text, user, modules):
    """Writes a configuration; as root, the server shall not stay root."""
    if os.getuid() == 0:
        for path in (values['root'], values['state'], values['spool']):
            if Path(path).owner() != 'www-data':
                subprocess.run(['chown', '-R', 'www-data:www-data', path], check=True)
    path = f'{values["state"]}/{name}'
    Path(path).write_text(text.format(
        **values, user=user if os.getuid() == 0 else '', modules=UNPACKED / modules))
    return path


def unpacked_env():
    libraries = ':'.join(str(p) for p in UNPACKED.glob('usr/lib/*-linux-*') if p.is_dir())
    return dict(os.environ, LD_LIBRARY_PATH=libraries)


def sheaf(values, *flags):
    return ([BUILD / 'sheaf', 'serve', '--listen', f'127.0.0.1:{values["port"]}',
             '--state', values['state'], '--access-log', '', '--connections',
             str(values['connections']), '--connections-per-address', '0', *flags,
             values['root']], None)


def apache(values):
    conf = configured(values, 'httpd.conf', APACHE, 'User www-data\nGroup www-data',
                      'usr/lib/apache2/modules')
    return [UNPACKED / 'usr/sbin/apache2', '-f', conf, '-D', 'FOREGROUND'], unpacked_env()


def nginx(values):
    conf = configured(values, 'nginx.conf', NGINX, 'user www-data www-data;',
                      'usr/lib/nginx/modules')
    return ([UNPACKED / 'usr/sbin/nginx', '-c', conf, '-e', f'{values["state"]}/error.log'],
            unpacked_env())


def lighttpd(values):
    conf = configured(values, 'lighttpd.conf', LIGHTTPD,
                      'server.username = "www-data"\nserver.groupname = "www-data"', '.')
    return ([UNPACKED / 'usr/sbin/lighttpd', '-D', '-f', conf,
             '-m', UNPACKED / 'usr/lib/lighttpd'], unpacked_env())


def rclone(values):
    env = dict(unpacked_env(), GOMAXPROCS=str(WORKERS), HOME=str(values['state']))
    return ([UNPACKED / 'usr/bin/rclone', 'serve', 'webdav', values['root'], '--addr',
             f'127.0.0.1:{values["port"]}', '--log-level', 'ERROR'], env)


# It remembers folders for minutes, whatever becomes of them behind its back.
BLIND = ('rclone',)

# Sheaf twice: no peer syncs what it acknowledges, so the second column is the
# like-for-like one for writes.
COMMANDS = {
    'sheaf': lambda v: sheaf(v),
    'sheaf relaxed': lambda v: sheaf(v, '--durability', 'relaxed'),
    'apache': apache,
    'nginx': nginx,
    'lighttpd': lighttpd,
    'rclone': rclone,
}

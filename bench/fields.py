# SPDX-License-Identifier: MIT
"""Where rows of the table are measured: files, and servers that run on them.

Every server has a copy of the files of its own and runs all the time that the
field is there; only one of them is asked at a time.
"""
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import disk
import servers

SMALL, FLAT, OVER = 100, 10000, 200
TREE, TREE_FOLDERS = 10000, 1111
LARGE = 128  # MiB
PER_FOLDER = 1000
SYNC_MS = 5


def make_dataset(root):
    """flat/ 10,000 files; tree/ 10,000 over 1,110 folders; small/ 100; over/; big/."""
    content = os.urandom(1024)
    for top, n in (('flat', FLAT), ('small', SMALL)):
        (root / top).mkdir(parents=True)
        for i in range(n):
            (root / top / f'f{i:05}.bin').write_bytes(content)
    for i in range(1000):
        folder = root / 'tree' / f'a{i // 100}' / f'b{i // 10 % 10}' / f'c{i % 10}'
        folder.mkdir(parents=True)
        for j in range(10):
            (folder / f'f{j}.bin').write_bytes(content)
    (root / 'over').mkdir()
    (root / 'big').mkdir()
    (root / 'big' / '1k').write_bytes(content)
    (root / 'big' / '64k').write_bytes(content * 64)
    with open(root / 'big' / 'large', 'wb') as f:
        for _ in range(LARGE):
            f.write(content * 1024)


def make_many(root, files):
    """That many empty files, a thousand a folder; how many members that is."""
    folders = (files + PER_FOLDER - 1) // PER_FOLDER
    for i in range(folders):
        folder = root / f'd{i:04}'
        folder.mkdir(parents=True)
        fd = os.open(folder, os.O_RDONLY)
        for j in range(min(PER_FOLDER, files - i * PER_FOLDER)):
            os.close(os.open(f'file-{j:03}.txt', os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        os.close(fd)
    return files + folders + 1


class Field:
    """What a cell is measured on; see cells.py."""

    def __init__(self, home, programs, keeps=False, env=None):
        self.home, self.programs, self.keeps = home, programs, keeps
        self.env = env or {}  # of what runs on it, more than usual
        self.bare = home / 'bare'  # for what runs without a server
        self.running, self.roots, self.states = {}, {}, {}
        self.ends = {}  # what ends those that run
        self.round = self.count = 0
        self.memory = {}

    def server(self, name):
        return self.running[name]

    def root(self, name):
        return self.roots[name]

    def fresh(self, prefix):
        """A name that was not used before."""
        self.count += 1
        return f'{prefix}{self.count}'

    def drop(self, name, *folders):
        """Away with what a cell made; not where that would slow down the next."""
        for folder in () if self.keeps else folders:
            shutil.rmtree(self.root(name) / folder, ignore_errors=True)

    def clone(self, name, tree, to):
        """A copy of the tree that the server finds, made without it if that can be."""
        url = self.running[name].url
        argv = (['curl', '-sf', '-o', '/dev/null', '-X', 'COPY', '-H', f'Destination: {url}/{to}/', f'{url}/{tree}/']
                if name in servers.BLIND else
                ['cp', '-a', self.root(name) / tree, self.root(name) / to])
        subprocess.run(argv, check=True)

    def once(self, key, measure):
        """What measure() says, asked only once a round."""
        key = (self.round, key)
        if key not in self.memory:
            self.memory[key] = measure()
        return self.memory[key]

    def settle(self):
        if self.keeps:
            disk.settle(self.home)

    def add(self, name, root):
        """A place for a server on these files."""
        self.roots[name] = root
        self.states[name] = self.home / name / 'state'
        self.states[name].mkdir(parents=True, exist_ok=True)

    def started(self, name, **how):
        return servers.start(name, self.roots[name], self.states[name], self.env, **how)

    def start(self, name):
        self.running[name] = self.ends[name].enter_context(self.started(name))

    def restart(self, name):
        """One that is stuck; it forgets what it kept beside its files."""
        if name not in self.running:
            return  # a cell's own, which has ended it
        self.running[name].kill()
        self.ends[name].close()
        shutil.rmtree(self.states[name])
        self.states[name].mkdir()
        self.start(name)

    @contextlib.contextmanager
    def all_started(self):
        with contextlib.ExitStack() as stack:
            for name in self.roots:
                self.ends[name] = stack.enter_context(contextlib.ExitStack())
                self.start(name)
            time.sleep(0.5)
            yield self


@contextlib.contextmanager
def memory(home, programs, names):
    """The dataset, in memory."""
    field = Field(home, programs)
    make_dataset(field.bare)
    for name in names:
        field.add(name, home / name / 'root')
        subprocess.run(['cp', '-a', field.bare, field.roots[name]], check=True)
    with field.all_started():
        yield field


@contextlib.contextmanager
def ext4(home, programs, names, env=None):
    """A new ext4 with a journal, in a file; nothing is removed before its end."""
    if os.getuid() != 0:
        raise Missing('only root can mount a file system')
    with disk.mounted(home) as at:
        at.chmod(0o755)
        field = Field(at, programs, keeps=True, env=env)
        field.bare.mkdir()
        for name in names:
            field.add(name, at / name / 'root')
            (field.roots[name] / 'big').mkdir(parents=True)
            (field.roots[name] / 'big' / '1k').write_bytes(b'x' * 1024)
        with field.all_started():
            yield field


@contextlib.contextmanager
def slow(home, programs, names):
    """The same, where syncs are made to take as long as on a disk that turns."""
    with ext4(home, programs, names, disk.slow_env(home, SYNC_MS)) as field:
        yield field


@contextlib.contextmanager
def disked(_home, programs, names):
    """The same ext4, in a file on the disk that the build is on."""
    if disk.in_memory(disk.BUILD):
        raise Missing('the build is in memory')
    with tempfile.TemporaryDirectory(prefix='bench-', dir=disk.BUILD) as home:
        with ext4(Path(home), programs, names) as field:
            yield field


def apart(home, programs, names, files=()):
    """A directory for each server, with these files of one byte in it."""
    field = Field(home, programs)
    for name in names:
        field.add(name, home / name / 'root')
        field.roots[name].mkdir(parents=True)
        for file in files:
            (field.roots[name] / file).write_bytes(b'x')
    return field


@contextlib.contextmanager
def empty(home, programs, names):
    """Servers that have just started, on nothing."""
    with apart(home, programs, names).all_started() as field:
        yield field


@contextlib.contextmanager
def stopped(home, programs, names):
    """No server runs: each cell starts its own, on a directory with one file."""
    yield apart(home, programs, names, ('file',))


def shared(home, programs, names, files=1000000):
    """A million files, the same for all: they are only read."""
    field = Field(home, programs)
    make_many(field.bare, files)
    for name in names:
        field.add(name, field.bare)
    return field


@contextlib.contextmanager
def many(home, programs, names):
    """Servers on a million files."""
    with shared(home, programs, names).all_started() as field:
        yield field


@contextlib.contextmanager
def known(home, programs, names):
    """The same, and each server has listed all of them once and has stopped."""
    field = shared(home, programs, names)
    for name in names:
        with field.started(name) as server:
            subprocess.run(['curl', '-s', '-o', '/dev/null', '-X', 'PROPFIND', '-H',
                            'Depth: infinity', server.url + '/'], check=True)
    yield field


class Missing(Exception):
    """This field cannot be had here; the text says why."""


FIELDS = {f.__name__: f for f in (memory, ext4, slow, disked, empty, stopped, many, known)}
# What a round makes there is not removed, and the next would be slower beside it.
USED_UP = ('ext4', 'slow', 'disked')

# SPDX-License-Identifier: MIT
"""Where files are made that are measured, and how long a sync takes there."""
import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get('SHEAF_BUILD', HERE.parent / 'build'))
CC = ['cc', '-std=gnu11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra']
IMAGE_SIZE = 8 << 30  # of a sparse file

NO_JOURNAL = '''\
Note: %s is an ext4 without a journal.  There each create looks at every file
deleted within the last minute, whoever deleted it, and the figures are mostly
about that.  --image measures in a file system of its own.
'''


def arguments(doc):
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('where', metavar='DIR', nargs='?', default=BUILD,
                   help='on the disk that is to be measured (the build directory)')
    p.add_argument('rounds', metavar='ROUNDS', nargs='?', type=int, default=7)
    p.add_argument('--image', action='store_true',
                   help='in a new ext4 with a journal, in a file in DIR; for root')
    p.add_argument('--sync-ms', type=int, default=0, metavar='N',
                   help='each sync takes N ms at least, as on a disk without a write cache')
    return p.parse_args()


def mount_of(where):
    """The kind of file system that is mounted there, and of what."""
    device = os.stat(where).st_dev
    for line in Path('/proc/self/mountinfo').read_text().splitlines():
        before, after = line.split(' - ')
        if before.split()[2] == f'{os.major(device)}:{os.minor(device)}':
            return after.split()[:2]
    return '?', '?'


def in_memory(where):
    return mount_of(where)[0] in ('tmpfs', 'ramfs')


def has_journal(where):
    """False for an ext4 that has none."""
    kind, source = mount_of(where)
    return kind != 'ext4' or any(Path('/proc/fs/jbd2').glob(f'{Path(source).name}-*'))


@contextlib.contextmanager
def mounted(home):
    image, at = home / 'image', home / 'at'
    with open(image, 'wb') as f:
        f.truncate(IMAGE_SIZE)
    at.mkdir()
    # All of it now, and not by the kernel while we measure.  An inode for
    # every two blocks: what is measured makes small files, 800,000 in four rounds.
    subprocess.run(['mkfs.ext4', '-q', '-F', '-i', '8192', '-E',
                    'lazy_itable_init=0,lazy_journal_init=0', image], check=True)
    subprocess.run(['mount', '-o', 'loop', image, at], check=True)
    try:
        yield at
    finally:
        subprocess.run(['umount', at], check=True)


@contextlib.contextmanager
def place(args):
    """An empty directory to measure in; it goes in the end."""
    home = Path(tempfile.mkdtemp(prefix='bench-', dir=args.where))
    try:
        if args.image:
            with mounted(home) as at:
                yield at
        else:
            if not has_journal(home):
                sys.stderr.write(NO_JOURNAL % args.where)
            yield home
    finally:
        shutil.rmtree(home)


def build(home, name, *more):
    program = home / name
    subprocess.run([*CC, '-pthread', '-o', program, HERE / f'{name}.c', *more], check=True)
    return program


def slow_env(home, sync_ms):
    """What makes every sync of a program slow; nothing for 0."""
    if not sync_ms:
        return {}
    library = home / 'slow_sync.so'
    subprocess.run([*CC, '-shared', '-fPIC', '-o', library, HERE / 'slow_sync.c'], check=True)
    return {'LD_PRELOAD': str(library), 'SYNC_MS': str(sync_ms)}


def settle(home):
    """What was written before is not to be synced by what is measured next."""
    subprocess.run(['sync', '-f', home], check=True)

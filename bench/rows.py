# SPDX-License-Identifier: MIT
"""The rows of the table: what is measured, where, beside whom, and what is aimed at."""
from dataclasses import dataclass
from typing import Callable

import cells
import fields

STRICT, RELAXED = 'sheaf', 'sheaf relaxed'  # the names of servers.py
PEERS = ('apache', 'nginx', 'lighttpd', 'rclone')
FASTEST = 'fastest peer'
MIB = 1 << 20
LISTED = fields.TREE + fields.TREE_FOLDERS
MANY = 1000000
MANY_LISTED = MANY + MANY // fields.PER_FOLDER + 1
LINK = 100e6 / 8  # bytes a second
IDLE = 10000  # connections


@dataclass(frozen=True)
class Aim:
    """Ours is at most factor times theirs; or at most theirs, if that is a number."""
    text: str
    theirs: str | float  # a server, FASTEST, a name of the row's floors, or another row
    factor: float = 1.0
    what: str = 'cost'  # or 'cpu'


@dataclass(frozen=True)
class Row:
    name: str
    field: str
    ours: str
    unit: str
    cell: Callable
    aims: tuple = ()
    floors: tuple = ()  # (name, cell)
    peers: tuple = PEERS
    rounds: int = 99  # at most so many; it takes long


# unit: (as people read it, decimals follow size), of a cost
UNITS = {
    'rate': lambda cost: f'{number(1 / cost)}/s',
    'MiB/s': lambda cost: f'{number(1 / cost)} MiB/s',
    'ms': lambda cost: f'{number(cost * 1000)} ms',
    's': lambda cost: f'{number(cost)} s',
    'MiB': lambda cost: f'{number(cost)} MiB',
    'kB': lambda cost: f'{number(cost)} kB',
}


def number(x):
    return f'{x:,.0f}' if x >= 100 else f'{x:.1f}' if x >= 10 else f'{x:.2f}'


BEST = Aim('as fast as the fastest peer', FASTEST)
LEAST = Aim('no more than any peer', FASTEST)
CPU = Aim('less CPU than nginx', 'nginx', what='cpu')
ALONE = 'floor'
BOTH = 'floor, 2 threads'
SYNCED = '8 threads, each synced'
RENAMED = '8 threads, each synced and renamed'
ONCE = 'synced once'

# What a durable PUT is beside: made without a name, and by a hidden one that is renamed.
EIGHT = ((SYNCED, cells.creates('each8')), (RENAMED, cells.creates('renamed8')))

ROWS = (
    Row('GET 1 KiB', 'memory', RELAXED, 'rate', cells.get('/big/1k', 1024), (BEST, CPU)),
    Row('GET 64 KiB', 'memory', RELAXED, 'rate', cells.get('/big/64k', 65536), (BEST, CPU)),
    Row(f'GET {fields.LARGE} MiB', 'memory', RELAXED, 'MiB/s',
        cells.get_large('/big/large', fields.LARGE), (BEST, CPU)),
    Row('PROPFIND Depth 0, a file', 'memory', RELAXED, 'rate',
        cells.propfind('/big/1k', '0', 1), (BEST, CPU)),
    Row('PROPFIND Depth 1, 100 members', 'memory', RELAXED, 'rate',
        cells.propfind('/small/', '1', fields.SMALL + 1),
        (BEST, CPU, Aim('CPU within 1.5 times the floor', ALONE, 1.5, 'cpu'),
         Aim('below it', ALONE, what='cpu')),
        ((ALONE, cells.bare('list', 'small')),)),
    Row('PROPFIND Depth 1, 10,000 members', 'memory', RELAXED, 'ms',
        cells.listing('/flat/', 1, fields.FLAT + 1),
        (BEST, CPU, Aim('within 1.3 times the floor', ALONE, 1.3), Aim('below it', ALONE)),
        ((ALONE, cells.bare('list', 'flat')),)),
    Row('PROPFIND Depth 1, 10,000 members, the first time', 'memory', RELAXED, 'ms',
        cells.first_listing('flat', 1, fields.FLAT + 1),
        (BEST, CPU, Aim('within 1.3 times the floor', ALONE, 1.3)),
        ((ALONE, cells.bare('first', '{flat-copy}')),)),
    Row('PROPFIND infinity, 11,111 members', 'memory', RELAXED, 'ms',
        cells.listing('/tree/', 'infinity', LISTED), (BEST, Aim('below the floor', ALONE)),
        ((ALONE, cells.bare('list', 'tree')),)),
    Row('PUT 1 KiB, 8 connections, tmpfs', 'memory', RELAXED, 'rate', cells.put(8),
        (Aim('1.2 times as fast as nginx', 'nginx', 1 / 1.2), CPU),
        ((ALONE, cells.creates('none')),)),
    Row('PUT 1 KiB over another, 8 connections, tmpfs', 'memory', RELAXED, 'rate',
        cells.put_over(8, fields.OVER), (BEST, CPU)),
    Row('1,000 creates of 1 KiB in a batch, others by 8 connections, tmpfs', 'memory', RELAXED,
        'rate', cells.batch(), (BEST, Aim('within 1.5 times the floor', ALONE, 1.5)),
        ((ALONE, cells.creates('none')),)),
    Row('PROPPATCH a dead property, tmpfs', 'memory', RELAXED, 'rate',
        cells.proppatch('/big/1k', 8), (BEST,)),
    Row('LOCK + UNLOCK, 8 connections, tmpfs', 'memory', RELAXED, 'rate', cells.lock(8), (BEST,)),
    Row('LOCK + UNLOCK, 1 connection, tmpfs', 'memory', RELAXED, 'rate', cells.lock(1), (BEST,)),
    Row('COPY of 10,000 files', 'memory', RELAXED, 'ms', cells.copy('/tree/', fields.TREE),
        (BEST, Aim('within 1.2 times the floor of 2 threads', BOTH, 1.2)),
        ((ALONE, cells.bare('copy', '{tree}', '{new}')),
         (BOTH, cells.bare('copy', '{tree}', '{new}', '2')))),
    Row('MOVE of 100 files', 'memory', RELAXED, 'ms', cells.move('small', fields.SMALL), (BEST,)),
    Row('MOVE of 10,000 files', 'memory', RELAXED, 'ms', cells.move('tree', fields.TREE),
        (BEST, Aim('constant: within 1.5 times that of 100', 'MOVE of 100 files', 1.5,
                   'cpu')), ((ALONE, cells.bare('move', '{tree-copy}', '{new}')),)),
    Row('DELETE of 10,000 files', 'memory', RELAXED, 'ms', cells.delete('tree'),
        (BEST, Aim('within 1.3 times the floor', ALONE, 1.3)),
        ((ALONE, cells.bare('remove', '{tree-copy}')),)),
    Row('DELETE of 10,000 files, a lock held elsewhere', 'memory', RELAXED, 'ms',
        cells.delete('tree', held=True), (BEST, Aim('within 1.3 times the floor', ALONE, 1.3)),
        ((ALONE, cells.bare('remove', '{tree-copy}')),)),
    Row('listing of 10,000 over 100 Mbit/s', 'memory', RELAXED, 'ms',
        cells.compressed('/flat/', 'time', fields.FLAT + 1, LINK),
        (Aim('5 times as fast as any peer', FASTEST, 0.2),), rounds=3),
    Row('bytes of that', 'memory', RELAXED, 'kB',
        cells.compressed('/flat/', 'bytes', fields.FLAT + 1, LINK),
        (Aim('under 150 kB', 150.0),), rounds=3),
    Row('peak memory of all these', 'memory', RELAXED, 'MiB', cells.memory('VmHWM'),
        (LEAST,), rounds=1),

    Row('PUT 1 KiB, 8 connections, ext4', 'ext4', RELAXED, 'rate', cells.put(8),
        (Aim('1.2 times as fast as nginx', 'nginx', 1 / 1.2), CPU),
        ((ALONE, cells.creates('none')),)),
    Row('PUT 1 KiB, 8 connections, ext4, durable', 'ext4', STRICT, 'rate', cells.put(8),
        (Aim('as fast as 8 threads that sync and rename', RENAMED),),
        EIGHT, peers=()),
    Row('PUT 1 KiB, 64 connections, ext4, durable', 'ext4', STRICT, 'rate', cells.put(64),
        (Aim('3 times as fast as 8 threads that sync and rename', RENAMED, 1 / 3),),
        EIGHT, peers=()),
    Row('1,000 creates of 1 KiB in a batch, ext4, durable', 'ext4', STRICT, 'rate',
        cells.batch(), (Aim('within 1.5 times the floor, synced once', ONCE, 1.5),),
        ((ONCE, cells.creates('once')),), peers=()),
    Row('1,000 creates of 1 KiB in a batch with a key, ext4, durable', 'ext4', STRICT, 'rate',
        cells.batch(**{'Idempotency-Key': ''}),
        (Aim('within 1.5 times the floor, synced once', ONCE, 1.5),),
        ((ONCE, cells.creates('once')),), peers=()),
    Row('PROPPATCH a dead property, ext4, durable', 'ext4', STRICT, 'rate',
        cells.proppatch('/big/1k', 8),
        (Aim('twice as fast as lighttpd', 'lighttpd', 0.5),
         Aim('twice as fast as Apache', 'apache', 0.5))),
    Row('LOCK + UNLOCK, 8 connections, ext4, durable', 'ext4', STRICT, 'rate', cells.lock(8),
        (Aim('5 times as fast as lighttpd', 'lighttpd', 0.2),)),
    Row('LOCK + UNLOCK, 1 connection, ext4, durable', 'ext4', STRICT, 'rate', cells.lock(1),
        (Aim('5 times as fast as lighttpd', 'lighttpd', 0.2),)),

    Row(f'PUT 1 KiB, 8 connections, durable, each sync made {fields.SYNC_MS} ms', 'slow', STRICT,
        'rate', cells.put(8), (Aim('as fast as 8 threads that sync and rename', RENAMED),),
        EIGHT, peers=()),
    Row(f'PUT 1 KiB, 64 connections, durable, each sync made {fields.SYNC_MS} ms', 'slow', STRICT,
        'rate', cells.put(64),
        (Aim('3 times as fast as 8 threads that sync and rename', RENAMED, 1 / 3),),
        EIGHT, peers=()),

    Row('PUT 1 KiB, 8 connections, durable, on a disk', 'disked', STRICT, 'rate', cells.put(8),
        (Aim('as fast as 8 threads that sync and rename', RENAMED),), EIGHT, peers=()),
    Row('PUT 1 KiB, 64 connections, durable, on a disk', 'disked', STRICT, 'rate', cells.put(64),
        (Aim('3 times as fast as 8 threads that sync and rename', RENAMED, 1 / 3),),
        EIGHT, peers=()),

    Row('idle memory', 'empty', STRICT, 'MiB', cells.memory('VmRSS'),
        (LEAST, Aim('under 8 MiB', 8.0))),
    Row('10,000 idle connections', 'stopped', STRICT, 'MiB', cells.connections(IDLE, False),
        (Aim('under 64 MiB', 64.0),), peers=('nginx', 'rclone'), rounds=1),
    Row('10,000 idle connections after a request each', 'stopped', STRICT, 'MiB',
        cells.connections(IDLE, True), (Aim('under 64 MiB', 64.0),),
        peers=('nginx', 'rclone'), rounds=1),

    Row('PROPFIND infinity, 1,000,000 files: first byte', 'many', RELAXED, 'ms',
        cells.large_listing('first', MANY_LISTED), (BEST,), rounds=3),
    Row('PROPFIND infinity, 1,000,000 files: last byte', 'many', RELAXED, 's',
        cells.large_listing('last', MANY_LISTED),
        (BEST, Aim('within 1.3 times the floor', ALONE, 1.3), Aim('below it', ALONE)),
        ((ALONE, cells.bare('list', '.')),), rounds=3),
    Row('PROPFIND infinity, 1,000,000 files: memory', 'many', RELAXED, 'MiB',
        cells.large_listing('memory', MANY_LISTED),
        (LEAST, Aim('flat, under 32 MiB', 32.0)), rounds=3),
    Row('start to first answer, 1,000,000 files known', 'known', STRICT, 'ms',
        cells.first_answer('/d0000/file-000.txt'), (Aim('under 20 ms', 0.020),), peers=()),
)

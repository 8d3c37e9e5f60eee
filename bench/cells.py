# SPDX-License-Identifier: MIT
"""How one cell of the table is measured: one piece of work on one server.

A cell is a function of (field, name), where field says what is there (see
fields.py) and name which server; it returns a Figure.  What these functions make
of their arguments is in rows.py.
"""
import contextlib
import json
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import time
import xml.parsers.expat
from dataclasses import dataclass
from pathlib import Path

import relay

HERE = Path(__file__).resolve().parent
SECONDS = 2  # of load
PATIENCE = 20  # seconds, for one answer
IDLE = 10  # seconds, after which a connection is one that does nothing
MIB = 1 << 20
THREADS = 2  # of the load generator
MOVES = 9  # odd: to, and as often back and to again

PROPFIND = ('<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>'
            '<D:resourcetype/><D:getcontentlength/><D:getlastmodified/><D:getetag/>'
            '</D:prop></D:propfind>')
PROPPATCH = ('<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:colour xmlns:x="urn:bench">'
             'blue</x:colour></D:prop></D:set></D:propertyupdate>')
COLOUR = ('<D:propfind xmlns:D="DAV:"><D:prop><x:colour xmlns:x="urn:bench"/></D:prop>'
          '</D:propfind>')
LOCKS = '<D:propfind xmlns:D="DAV:"><D:prop><D:lockdiscovery/></D:prop></D:propfind>'
LOCK = ('<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype>'
        '<D:write/></D:locktype></D:lockinfo>')
XML = 'Content-Type: application/xml; charset=utf-8'
MADE = (200, 201, 204)
RESPONSE = re.compile(rb'<(?:[A-Za-z0-9]+:)?response[ >]')


@dataclass
class Figure:
    """cost: seconds, MiB or kB; None where nothing could be measured.  cpu: seconds of
    the server's processor time.  whole: all that was asked for was done."""
    cost: float | None = None
    cpu: float | None = None
    note: str = ''
    whole: bool = True
    done: int = 0  # requests


class Stuck(RuntimeError):
    """A server gives no answer, and may never again: it wants a new start."""


def refused(status):
    return Figure(note=f'refused ({status})', whole=False)


# ------------------------------------------------------------- what is asked

def wrk(url, connections, seconds, script, threads, env):
    """Requests done, microseconds, failures and bytes."""
    out = subprocess.run(
        ['wrk', f'-t{threads}', f'-c{connections}', f'-d{seconds}s', '-s',
         HERE / 'lua' / script, url],
        env=dict(os.environ, **env), stdout=subprocess.PIPE, text=True, check=True).stdout
    return map(int, out.split('RESULT ')[1].split())


def load(server, path, connections, script='rate.lua', threads=THREADS, least=0, **env):
    """wrk for a while: a Figure of one request, whose answer has so many bytes at least.
    wrk knows no more of answers than that and the status; what they say is asked before
    or after.  On which processor a thread of it begins, and which of a server's gets its
    connections, is chance and stays so: hence several runs of a second; but one leaves
    locks behind."""
    before, new = server.cpu(), env.get('UNIQUE') and not env.get('CYCLE')
    turns = 1 if env.get('LOCKS') else SECONDS
    runs = [wrk(server.url + path, connections, SECONDS // turns, script, threads,
                dict(env, UNIQUE=f'{env["UNIQUE"]}{turn}-') if new else env)
            for turn in range(turns)]
    spent = server.cpu() - before
    done, micros, failed, size = map(sum, zip(*runs))
    if failed > done // 2 or done == 0:
        return Figure(note='refused', whole=False)
    figure = Figure(micros / 1e6 / done, spent / done,
                    f'{failed:,} failed' if failed else '', not failed)
    figure.done = done
    return wholeness(figure, size // done, least, 'bytes', more=True) if least else figure


def curl(url, method, *headers, body=None, output='/dev/null', times=1):
    """(status, seconds to the first byte, to the last, bytes); Stuck when there is none in
    so many times the PATIENCE: Apache may loop for ever once its file of locks is damaged."""
    patience = times * PATIENCE
    args = ['curl', '-sS', '--max-time', str(patience), '-o', output, '-X', method, '-w',
            '%{http_code} %{time_starttransfer} %{time_total} %{size_download}']
    for header in headers:
        args += ['-H', header]
    if body:
        args += ['--data-binary', body]
    done = subprocess.run([*args, url], stdout=subprocess.PIPE, text=True, check=False)
    out = done.stdout.split()
    if done.returncode == 28:
        raise Stuck(f'no answer to {method} in {patience} s')
    if not int(out[0]):
        raise Stuck(f'no answer to {method}')
    return int(out[0]), float(out[1]), float(out[2]), int(out[3])


def once(server, method, path, good, *headers, size=None):
    before = server.cpu()
    status, _, seconds, got = curl(server.url + path, method, *headers)
    spent = server.cpu() - before
    if status not in good:
        return refused(status)
    figure = Figure(seconds, spent)
    return figure if size is None else wholeness(figure, got, size, 'bytes')


def mean_of(figures):
    """What one of them is; the first that could not be measured, where there is one."""
    for figure in figures:
        if figure.cost is None:
            return figure
    return Figure(statistics.mean(f.cost for f in figures),
                  None if figures[-1].cpu is None else statistics.mean(f.cpu for f in figures),
                  figures[-1].note, all(f.whole for f in figures))


def for_a_while(ask):
    """What ask() says, asked as long as a load lasts: the same is then true of both, that
    a journal has to be written out, and that the first time is one of many."""
    end = time.monotonic() + SECONDS
    figures = [ask()]
    while figures[-1].whole and time.monotonic() < end:
        figures.append(ask())
    return mean_of(figures)


def members_in(listing):
    """How many DAV:response a file has; None when it is no XML."""
    parser, found, rest = xml.parsers.expat.ParserCreate(), 0, b''
    try:
        with open(listing, 'rb') as f:
            while piece := f.read(MIB):
                parser.Parse(piece)
                text = rest + piece
                cut = text.rfind(b'<')
                found += len(RESPONSE.findall(text, 0, max(cut, 0)))
                rest = text[max(cut, 0):]
        parser.Parse(b'', True)
    except xml.parsers.expat.ExpatError:
        return None
    return found + len(RESPONSE.findall(rest))


def wholeness(figure, found, want, what='members', more=False):
    """Says so in the figure where not all was found that was wanted; more: or more."""
    if found is None:
        figure.note, figure.whole = '**not well-formed**', False
    elif found < want if more else found != want:
        figure.note, figure.whole = f'**only {found:,} of {want:,} {what}**', False
    return figure


# ---------------------------------------------------------------- the cells

def get(path, size):
    def cell(field, name):
        first = once(field.server(name), 'GET', path, (200,), size=size)
        return load(field.server(name), path, 16, least=size) if first.whole else first
    return cell


def get_large(path, size):
    def one(server):
        figure = once(server, 'GET', path, (200,), size=size * MIB)
        if figure.cost:  # as that of one MiB
            figure.cost, figure.cpu = figure.cost / size, figure.cpu / size
        return figure

    def cell(field, name):
        return for_a_while(lambda: one(field.server(name)))
    return cell


def propfind(path, depth, want):
    """Many small ones, of which the first is counted."""
    def cell(field, name):
        first = listing(path, depth, want, 1)(field, name)
        if not first.whole:
            return first
        return load(field.server(name), path, 16, least=(field.home / 'listing').stat().st_size,
                    METHOD='PROPFIND', DEPTH=depth, BODY=PROPFIND)
    return cell


def listing(path, depth, want, times=5):
    """Large ones, whose members are counted: the last one's, and the others are as long."""
    def cell(field, name):
        server, body, took, sizes = field.server(name), field.home / 'listing', [], set()
        before = server.cpu()
        for _ in range(times):
            status, _, seconds, size = curl(server.url + path, 'PROPFIND', f'Depth: {depth}',
                                            XML, body=PROPFIND, output=body)
            if status != 207:
                return refused(status)
            took.append(seconds)
            sizes.add(size)
        spent = (server.cpu() - before) / times
        figure = Figure(statistics.median(took), spent)
        if len(sizes) > 1:
            figure.note, figure.whole = '**not the same each time**', False
            return figure
        return wholeness(figure, members_in(body), want)
    return cell


def first_listing(tree, depth, want):
    """Of a copy that nobody has listed before."""
    def cell(field, name):
        new = field.fresh('unseen')
        field.clone(name, tree, new)
        figure = listing(f'/{new}/', depth, want, 1)(field, name)
        field.drop(name, new)
        return figure
    return cell


def part_of(ask, key, what):
    """A cell that is one of the figures of ask(field, name), which is asked once a round
    and says ({what: figure}, status)."""
    def cell(field, name):
        found, status = field.once((name, key), lambda: ask(field, name))
        return found.get(what) or refused(status)
    return cell


def large_listing(what, want):
    """PROPFIND infinity of all there is: one request makes the figures of three rows."""
    def ask(field, name):
        server, body = field.server(name), field.home / 'listing'
        before = server.cpu()
        status, first, last, _ = curl(server.url + '/', 'PROPFIND', 'Depth: infinity', XML,
                                      body=PROPFIND, output=body, times=6)
        if status != 207:
            return {}, status
        spent, found = server.cpu() - before, members_in(body)
        body.unlink()
        return {kind: wholeness(f, found, want) for kind, f in (
            ('first', Figure(first)), ('last', Figure(last, spent)),
            ('memory', Figure(server.memory('VmHWM'))))}, status
    return part_of(ask, 'infinity', what)


def compressed(path, what, want, rate):
    """The same through a slow link, compressed if the server will."""
    def ask(field, name):
        server, body = field.server(name), field.home / 'listing'
        with relay.running(int(server.url.rsplit(':', 1)[1]), rate) as port:
            status, _, seconds, size = curl(
                f'http://127.0.0.1:{port}{path}', 'PROPFIND', 'Depth: 1', XML,
                'Accept-Encoding: zstd, gzip', body=PROPFIND, output=body)
        if status != 207:
            return {}, status
        figures = {'bytes': Figure(size / 1000), 'time': Figure(seconds)}
        with open(body, 'rb') as f:
            magic = f.read(4)
        tool = {b'\x28\xb5\x2f\xfd': 'zstd', b'\x1f\x8b\x08\0': 'gzip'}.get(magic)
        if not tool or shutil.which(tool):
            if tool:
                with open(f'{body}.plain', 'wb') as out:
                    subprocess.run([tool, '-dc'], stdin=open(body, 'rb'), stdout=out, check=True)
                os.replace(f'{body}.plain', body)
            found = members_in(body)
            for figure in figures.values():
                wholeness(figure, found, want)
        for figure in figures.values():
            figure.note = figure.note or tool or 'plain'
        return figures, status
    return part_of(ask, 'slow link', what)


KIB = 'x' * 1024


def stored(folder):
    """How many files of 1 KiB there are."""
    return sum(f.stat().st_size == len(KIB) for f in os.scandir(folder))


def put(connections):
    """New files of 1 KiB; a new folder each time, which stays on a disk (README.md)."""
    def cell(field, name):
        folder = field.fresh('put')
        server = field.server(name)
        if curl(f'{server.url}/{folder}/', 'MKCOL')[0] != 201:
            return Figure(note='no MKCOL', whole=False)
        figure = load(server, '/', connections, METHOD='PUT', BODY=KIB, UNIQUE=f'/{folder}/f')
        # When the time is up some more are on their way.
        found = stored(field.root(name) / folder)
        field.drop(name, folder)
        return wholeness(figure, found, figure.done, 'files', more=True)
    return cell


def put_over(connections, files):
    def cell(field, name):
        server, folder = field.server(name), field.root(name) / 'over'
        figure = load(server, '/', connections, METHOD='PUT', BODY=KIB, UNIQUE='/over/f',
                      CYCLE=str(files))
        return wholeness(figure, stored(folder), min(figure.done, files * THREADS), 'files',
                         more=True)
    return cell


def batch(files=1000, **fields):
    """Creates of 1 KiB: Sheaf's in one batch, others' as PUTs over eight connections; as
    of one of them."""
    puts = put(8)

    def one(field, name):
        server, folder = field.server(name), field.fresh('batch')
        body, answer = field.home / 'batch', field.home / 'answer'
        (field.root(name) / folder).mkdir()
        body.write_text(json.dumps({'operations': [
            {'op': 'create', 'url': f'/{folder}/f{i}', 'body': KIB} for i in range(files)]}))
        before = server.cpu()
        status, _, seconds, _ = curl(
            f'{server.url}/.sheaf/bulk', 'POST', 'Content-Type: application/json',
            'Prefer: return=minimal', *(f'{k}: "{v or folder}"' for k, v in fields.items()),
            body=f'@{body}', output=answer)
        spent = server.cpu() - before
        if status != 207:
            return refused(status)
        said = json.loads(answer.read_text())['summary']['success']
        figure = Figure(seconds / files, spent / files)
        found = stored(field.root(name) / folder)
        field.drop(name, folder)
        return wholeness(figure, min(said, found), files, 'files')

    def cell(field, name):
        if not name.startswith('sheaf'):
            return puts(field, name)
        return for_a_while(lambda: one(field, name))
    return cell


def proppatch(path, connections):
    """Refused when the 207 says so, whatever the status line."""
    def cell(field, name):
        server, body = field.server(name), field.home / 'answer'
        status, _, _, size = curl(server.url + path, 'PROPPATCH', XML, body=PROPPATCH,
                                  output=body)
        if status not in (200, 204) and ' 200 ' not in body.read_text(errors='replace'):
            return refused(status)
        figure = load(server, path, connections, least=size, METHOD='PROPPATCH', BODY=PROPPATCH)
        curl(server.url + path, 'PROPFIND', 'Depth: 0', XML, body=COLOUR, output=body)
        if '>blue<' not in body.read_text(errors='replace'):
            figure.note, figure.whole = '**is not kept**', False
        return figure
    return cell


def unlock_all(server, folder, listing):
    """What was locked on members, as by the load generator when its time was up; rclone
    does not tell, and keeps it."""
    curl(f'{server.url}/{folder}/', 'PROPFIND', 'Depth: 1', XML, body=LOCKS, output=listing)
    text = Path(listing).read_text(errors='replace')
    for answer in re.split('<(?:[A-Za-z0-9]+:)?response[ >]', text)[1:]:
        where = re.search('href[^<>]*>\\s*([^<\\s]+)', answer)
        for token in re.findall('locktoken[^<>]*>\\s*<[^<>]*>\\s*([^<\\s]+)', answer):
            curl(f'{server.url}/{folder}/{where[1].rsplit("/", 1)[1]}', 'UNLOCK',
                 f'Lock-Token: <{token}>')


def lock(connections):
    """LOCK and UNLOCK, each connection on a file of its own."""
    def cell(field, name):
        server, folder = field.server(name), field.fresh('lock')
        curl(f'{server.url}/{folder}/', 'MKCOL')
        for i in range(connections):
            curl(f'{server.url}/{folder}/f{i}', 'PUT', body='x')
        figure = load(server, '/', connections, 'lock.lua', connections,
                      LOCKS=f'/{folder}/f')
        unlock_all(server, folder, field.home / 'listing')
        field.drop(name, folder)
        return figure
    return cell


def copy(path, want):
    def cell(field, name):
        server, to = field.server(name), field.fresh('copied')
        figure = once(server, 'COPY', path, MADE, f'Destination: {server.url}/{to}/')
        if figure.cost is None:
            return figure
        found = sum(len(files) for _, _, files in os.walk(field.root(name) / to))
        field.drop(name, to)
        return wholeness(figure, found, want, 'files')
    return cell


def move(tree, want):
    """To and fro: most of a single one is where the system wakes the threads."""
    def cell(field, name):
        server, source, to = field.server(name), field.fresh('from'), field.fresh('to')
        field.clone(name, tree, source)
        ways = [(source, to), (to, source)] * (MOVES // 2) + [(source, to)]
        figure = mean_of([once(server, 'MOVE', f'/{one}/', MADE,
                               f'Destination: {server.url}/{other}/') for one, other in ways])
        if figure.cost is not None:
            found = sum(len(files) for _, _, files in os.walk(field.root(name) / to))
            wholeness(figure, found, want, 'files')
        field.drop(name, source, to)
        return figure
    return cell


def delete(tree, held=False):
    """held: while there is a lock on a file that does not go."""
    def cell(field, name):
        server, source, other = field.server(name), field.fresh('gone'), field.fresh('held')
        field.clone(name, tree, source)
        if held:
            curl(f'{server.url}/{other}/', 'MKCOL')
            status = curl(f'{server.url}/{other}/f', 'LOCK', XML, 'Depth: 0',
                          'Timeout: Second-60', body=LOCK)[0]
            if status not in MADE:
                return refused(status)
        figure = once(server, 'DELETE', f'/{source}/', MADE)
        if held:
            unlock_all(server, other, field.home / 'listing')
        if figure.cost is not None and (field.root(name) / source).exists():
            figure.note, figure.whole = '**is still there**', False
        field.drop(name, source, other)
        return figure
    return cell


def memory(kind):
    def cell(field, name):
        time.sleep(0.3)
        return Figure(field.server(name).memory(kind))
    return cell


def first_answer(path):
    """From the start of the process to its first answer."""
    def cell(field, name):
        with field.started(name, patience=0.0002) as server:
            with contextlib.closing(socket.create_connection(server.address)) as s:
                s.sendall(f'GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n'.encode())
                status = s.recv(65536)[:12]
            took = time.perf_counter() - server.began
        return Figure(took) if status == b'HTTP/1.1 200' else Figure(note='no answer', whole=False)
    return cell


def connections(many, asked):
    """Memory with so many connections that do nothing, opened or after one request."""
    def cell(field, name):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < many + 100:
            return Figure(note=f'no {many:,} descriptors here', whole=False)
        resource.setrlimit(resource.RLIMIT_NOFILE, (many * 2 if many * 2 < hard else hard, hard))
        try:
            with field.started(name, connections=many * 2) as server:
                return hold(server, many, asked)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return cell


def hold(server, many, asked):
    with contextlib.ExitStack() as held:
        there = []
        for _ in range(many):
            there.append(held.enter_context(contextlib.closing(
                socket.create_connection(server.address, 5))))
        answered = 0
        if asked:
            for s in there:
                s.sendall(b'OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n')
            for s in there:
                with contextlib.suppress(OSError):
                    answered += s.recv(65536).startswith(b'HTTP/1.1 200')
        time.sleep(IDLE)
        figure = Figure(server.memory('VmRSS'))
        return wholeness(figure, answered, many, 'answers') if asked else figure


# ------------------------------------------------------ without any server

def bare(*args):
    """floor.c; {tree} is a tree, {new} a name that is not there yet, {tree-copy} and
    {flat-copy} are copies that were just made."""
    def cell(field, _name):
        new = field.fresh('floor')
        values = {'new': new, 'tree': 'tree'}
        for tree in ('tree', 'flat'):
            if f'{{{tree}-copy}}' in args:
                values[f'{tree}-copy'] = field.fresh('floor')
                subprocess.run(['cp', '-a', field.bare / tree,
                                field.bare / values[f'{tree}-copy']], check=True)
        out = subprocess.run([field.programs['floor'], *(a.format(**values) for a in args)],
                             cwd=field.bare, stdout=subprocess.PIPE, text=True, check=True).stdout
        for value in set(values.values()) - {'tree'}:
            shutil.rmtree(field.bare / value, ignore_errors=True)
        return Figure(float(out) / 1000)
    return cell


def creates(way, files=1000):
    """creates.c: as a server must make them, by one thread or eight, synced or not."""
    def one(field):
        folder = field.bare / field.fresh('creates')
        folder.mkdir()
        out = subprocess.run([field.programs['creates'], way, folder], stdout=subprocess.PIPE,
                             env=dict(os.environ, **field.env), text=True, check=True).stdout
        if not field.keeps:
            shutil.rmtree(folder)
        return Figure(float(out) / 1000 / files)

    def cell(field, _name):
        return for_a_while(lambda: one(field))
    return cell


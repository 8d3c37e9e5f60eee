# SPDX-License-Identifier: MIT
"""The table as people read it, and into docs/benchmarks.md."""
import rows as table
from cells import Figure

COLUMNS = ('apache', 'nginx', 'lighttpd', 'rclone')
HEAD = ('| | sheaf | ' + ' | '.join(COLUMNS) + ' | no server | of the fastest peer | aims |\n'
        '|---|' + '---:|' * (len(COLUMNS) + 3) + '---|\n')


def cpu_text(seconds):
    micros = seconds * 1e6
    return f'{table.number(micros)} µs' if micros < 1000 else f'{table.number(micros / 1000)} ms'


def text_of(row, figure):
    """A cell: what it took, the server's processor time, and what is to be said of it."""
    parts = []
    if figure.cost:
        parts.append(table.UNITS[row.unit](figure.cost))
    if figure.cost and figure.cpu and figure.cpu >= 1e-9:
        parts.append(cpu_text(figure.cpu))
    if figure.note:
        parts.append(figure.note)
    return ' · '.join(parts)


def fastest(row, found):
    """(name, figure) of the best peer that did the whole work."""
    whole = [(n, found[n]) for n in row.peers
             if n in found and found[n].whole and found[n].cost]
    return min(whole, key=lambda p: p[1].cost, default=(None, None))


def beside(row, found):
    """How our cost compares with the best peer's."""
    ours, (name, peer) = found.get(row.ours), fastest(row, found)
    if not ours or not ours.cost or not peer:
        return ''
    return f'{table.number(peer.cost / ours.cost)} × {name}'


def reached(row, found, aim, results):
    """True, False, or None where one of the two is not known."""
    ours = found.get(row.ours)
    if not ours or not ours.cost:
        return None
    if isinstance(aim.theirs, (int, float)):
        return ours.cost <= aim.theirs * aim.factor
    other = results['rows'].get(aim.theirs)
    if aim.theirs == table.FASTEST:
        theirs = fastest(row, found)[1]
    elif other:
        theirs = figures(other).get(row.ours)
    else:
        theirs = found.get(aim.theirs)
    if not theirs or not theirs.cost:
        return None
    # The floor's processor time is its time: one thread, nothing to wait for.
    pair = [f.cpu if aim.what == 'cpu' and f.cpu else f.cost for f in (ours, theirs)]
    return ours.whole and pair[0] <= pair[1] * aim.factor


ANSWER = {True: '**yes**', False: 'no', None: '?'}


def floors(row, found):
    """What the file system alone takes, and how many times that ours is: of many
    requests side by side the processor time, beside one thread that never waits."""
    texts, ours = [], found.get(row.ours)
    for name, _ in row.floors:
        f = found.get(name)
        if f and f.cost:
            cpu = row.unit == 'rate' and name == table.ALONE
            cost = ours and (ours.cpu if cpu else ours.cost)
            times = f' ({table.number(cost / f.cost)} ×)' if cost else ''
            label = '' if name == table.ALONE else f'{name.replace("floor, ", "")}: '
            texts.append(label + table.UNITS[row.unit](f.cost) + times)
    return ', '.join(texts)


def figures(cells_found):
    return {n: Figure(**f) for n, f in cells_found.items() if n not in ('when', 'rounds')}


def line(row, results):
    found = figures(results['rows'][row.name])
    ours = found.get(row.ours, Figure())
    columns = [row.name, text_of(row, ours),
               *(text_of(row, found[n]) if n in found else '' for n in COLUMNS),
               floors(row, found), beside(row, found),
               ', '.join(f'{aim.text}: {ANSWER[reached(row, found, aim, results)]}' for aim in row.aims)]
    return '| ' + ' | '.join(columns) + ' |\n'


def table_of(rows, results):
    text = HEAD
    for row in rows:
        if row.name in results['rows']:
            text += line(row, results)
    when = sorted({r['when'] for r in results['rows'].values() if 'when' in r})
    made = results['machine']
    rounds = {r.get('rounds', 1) for r in results['rows'].values()}
    if made:
        text += (f'\nMedians of {max(rounds, default=1)} rounds or fewer; other programs kept '
                 f'{made.get("load", "?")} processors busy (the load average). '
                 f'Measured {when[0] if when else ""} to {when[-1] if when else ""}: '
                 f'{made["processor"]}, {made["memory"]}, {made["kernel"]}, '
                 f'{made.get("tcp", "?")} for TCP, {made["system"]}; '
                 f'Sheaf {made["sheaf"]}; peers: {made["peers"] or "none"}.\n')
    return text


def into_page(page, marker, text):
    """Between the markers of that name."""
    begin, end = f'<!-- {marker}: begin -->\n', f'<!-- {marker}: end -->\n'
    before, rest = page.read_text().split(begin)
    _, after = rest.split(end)
    page.write_text(before + begin + text + end + after)

# SPDX-License-Identifier: MIT
"""C source as text, for the checks beside this file: without its comments, cut
into functions.  It relies on our layout (a function's braces stand in column
0), which clang-format keeps; it is no parser."""
import re
import sys
from pathlib import Path

TOKEN = re.compile(r'''
    (?P<block>/\*.*?\*/) | (?P<line>//[^\n]*) |
    (?P<string>"(?:\\.|[^"\\\n])*") | (?P<char>'(?:\\.|[^'\\\n])*')
''', re.S | re.X)


def blank(text):
    """Spaces instead of text, lines kept, so that numbers stay right."""
    return re.sub(r'[^\n]', ' ', text)


def without(text, *kinds):
    """text with tokens of these kinds (block, line, string, char) blanked.
    Of strings and characters the quotes stay."""
    def replace(match):
        token = match.group()
        if match.lastgroup not in kinds:
            return token
        if match.lastgroup in ('string', 'char'):
            return token[0] + blank(token[1:-1]) + token[-1]
        return blank(token)
    return TOKEN.sub(replace, text)


def code(text):
    """Only what the compiler reads, strings emptied."""
    return without(text, 'block', 'line', 'string', 'char')


def tokens(text, kind):
    """(line number, token) of each string, block comment and so on."""
    for match in TOKEN.finditer(text):
        if match.lastgroup == kind:
            yield text.count('\n', 0, match.start()) + 1, match.group()


class Function:
    def __init__(self, name, first, start, last, body):
        self.name = name
        self.first = first  # line of its name
        self.start = start  # line of its opening brace
        self.last = last  # line of its closing brace
        self.body = body  # code, without its signature

    @property
    def lines(self):
        """From its name to its end, without the rows of its tables."""
        rows = sum(m.group().count('\n') for m in TABLE.finditer(self.body))
        return self.last - self.first + 1 - rows


# A constant table in a function, from its opening to its closing brace.
TABLE = re.compile(r'^\t(?:static )?const (?:[^;=()]|\{[^}]*\})*= \{.*?^\t\};',
                   re.S | re.M)
NAME = re.compile(r'^([a-z_A-Z]\w*)\(')


def functions(text):
    """The functions defined in a source file."""
    lines = code(text).split('\n')
    name, first, start = None, 0, 0
    for i, line in enumerate(lines):
        match = NAME.match(line)
        if match:
            name, first = match.group(1), i + 1
        elif line.startswith('{') and name:
            start = i
        elif line.startswith('}') and name and start:
            yield Function(name, first, start + 1, i + 1, '\n'.join(lines[start:i + 1]))
            name, start = None, 0
        elif line.endswith(';') and not start and not line.startswith((' ', '\t')):
            name = None


def sources(root, *suffixes, under=('src', 'include', 'tests', 'bench')):
    """Our C files below root, sorted."""
    for top in under:
        for path in sorted(Path(root, top).rglob('*')):
            if path.suffix in suffixes and path.is_file():
                yield path


def read(path):
    return path.read_text(encoding='utf-8', errors='replace')


class Findings:
    """Prints findings as FILE:LINE: text, and how to mend them at the end."""

    def __init__(self, root, remedy):
        self.root, self.remedy, self.count = Path(root), remedy, 0

    def add(self, path, line, text):
        self.count += 1
        print(f'{Path(path).relative_to(self.root)}:{line}: {text}')

    def exit(self):
        if self.count:
            print(self.remedy)
        sys.exit(1 if self.count else 0)


def root_from(argv):
    """The repository: the first argument, or the one this file is in."""
    return Path(argv[1] if len(argv) > 1 else Path(__file__).parent.parent).resolve()

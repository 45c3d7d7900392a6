"""Values of a file as Python literals. Nothing in a value can end its literal, and nothing in it is invisible."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

from .wrapping import Expression, Items, Text, columns

DEEPEST = 60
"""How deeply lists and dicts may be nested: CPython's parser stops at 200 brackets."""

LONGEST = 20_000
"""Texts beyond this many characters stay on one line: nobody reads them, and laying them out takes time."""

LONGEST_LINE = 10_000
"""The same of texts without line ends, such as an image that a node holds."""

LONGEST_COMMENT = 5_000

# `repr` escapes what `str.isprintable` refuses: control characters, bidi marks, every space but the plain one. These
# are printable by Unicode's books but show as nothing: fillers, joiners, variation selectors, the Braille blank.
_INVISIBLE = re.compile(
    '[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]'
)
_WORD = re.compile(r'[^ \n]* *\n|[^ \n]+ *| +')


class Unwritable(ValueError):
    """A value for which there is no literal."""


def literal(value: Any, depth: int = 0) -> Expression:
    """The expression for a JSON value. Raises Unwritable where it is nested too deeply or is no JSON value."""
    kind = type(value)
    if kind is str:
        return text(value)
    if value is None or kind is bool:
        return repr(value)
    if kind is int:
        # Beyond 4300 digits CPython refuses to write or read decimals, not hexadecimals.
        return repr(value) if value.bit_length() < 14_000 else hex(value)
    if kind is float:
        return number(value)
    if depth >= DEEPEST:
        raise Unwritable(f'a value is nested more than {DEEPEST} levels deep')
    if isinstance(value, (list, tuple)):
        return Items('[', [('', literal(item, depth + 1)) for item in value], ']')
    if isinstance(value, dict):
        pairs = [(f'{quoted(str(key))}: ', literal(item, depth + 1)) for key, item in value.items()]
        return Items('{', pairs, '}')
    if isinstance(value, (str, int, float)):
        return literal(_plain(value), depth)
    raise Unwritable(f'{kind.__name__} is no value of a prompt')


def _plain(value: Any) -> Any:
    return next(base(value) for base in (str, int, float) if isinstance(value, base))


def number(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "float('nan')" if math.isnan(value) else "float('inf')" if value > 0 else "float('-inf')"


def quoted(value: str) -> str:
    """A string literal on one line."""
    written = repr(value)
    if written.isascii():
        return written
    return _INVISIBLE.sub(_escape, written)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f'\\u{code:04x}' if code < 0x10000 else f'\\U{code:08x}'


def text(value: str) -> Expression:
    """A string as an expression that knows how to be laid out over several lines."""
    flat = quoted(value)
    if len(flat) <= 60:
        return flat
    if len(value) > (LONGEST if '\n' in value else LONGEST_LINE):
        return flat
    return Text(flat, _triple(value), lambda width: _pieces(value, flat[0], width))


def _triple(value: str) -> str | None:
    """The text between triple quotes, raw where it has backslashes: where it reads the same there."""
    if '\n' not in value.strip('\n') or '\r' in value:
        return None
    lines = value.split('\n')
    if any(line != line.rstrip() for line in lines):
        return None  # editors strip spaces at the end of lines
    body = '\n'.join(_body(line) for line in lines)
    for quote in ("'''", '"""'):
        written = as_it_is(value, quote)
        if written is None and quote not in body and not body.endswith(quote[0]):
            written = f'{quote}{body}{quote}'
        if written is not None:
            return written if ast.literal_eval(written) == value else None
    return None


def as_it_is(value: str, quote: str) -> str | None:
    """The text between these triple quotes, raw where it has backslashes; None where something of it needs escaping."""
    shows = all(line.isprintable() and not _INVISIBLE.search(line) for line in value.split('\n'))
    if not shows or quote in value or value.endswith(('\\', quote[0])):
        return None
    raw = 'r' if '\\' in value else ''
    return f'{raw}{quote}{value}{quote}'


def _body(line: str) -> str:
    """A line as it stands between triple quotes."""
    written = quoted(line)
    if written[0] == "'":
        return written[1:-1].replace("\\'", "'")
    return written[1:-1]


def _quoted_with(value: str, quote: str) -> str:
    """A literal with this quote, which `repr` has chosen for a text that contains this one."""
    other = "'" if quote == '"' else '"'
    written = quoted(other + value)
    return quote + written[2:]


def _pieces(value: str, quote: str, width: int) -> list[str]:
    """The text as string literals of at most this width, broken after spaces and line ends."""
    room = width - 2
    pieces: list[str] = []
    joined = ''  # lines that are nothing but their end go with the line before
    for line in _LINE.findall(value):
        if line == '\n' and joined and columns(_quoted_with(joined, quote)) <= room:
            joined += line
            continue
        if joined:
            pieces.append(_quoted_with(joined, quote))
        *whole, joined = _broken_line(line, quote, room)
        pieces.extend(_quoted_with(part, quote) for part in whole)
    return [*pieces, _quoted_with(joined, quote)] if joined else pieces


_LINE = re.compile(r'[^\n]*\n|[^\n]+')


def _broken_line(line: str, quote: str, room: int) -> list[str]:
    """One line of a text, with its end, in parts that fit."""
    stripped = line.rstrip('\n')
    plain = quote not in line and '\\' not in line and stripped.isprintable()
    if plain and (stripped.isascii() or (not _INVISIBLE.search(stripped) and columns(stripped) == len(stripped))):
        return _broken_plain(line, room)
    parts: list[str] = []
    current = ''
    used = 0
    for word in _WORD.findall(line):
        for part in _broken(word, room):
            size = columns(_quoted_with(part, quote)) - 2
            if current and used + size > room:
                parts.append(current)
                current, used = '', 0
            current += part
            used += size
    return [*parts, current]


def _broken_plain(line: str, room: int) -> list[str]:
    parts = []
    start = 0
    while len(line) - start > room - 1:
        end = line.rfind(' ', start, start + room - 1) + 1
        if not end:
            end = line.find(' ', start) + 1
            if not end:
                break
        parts.append(line[start:end])
        start = end
    return [*parts, line[start:]]


def _broken(token: str, room: int) -> list[str]:
    """A word too wide for a line, in parts, where it is of a script that breaks anywhere; else as it is."""
    if not token:
        return []
    if len(token) * 2 <= room or token.isascii() or columns(token) <= room:
        return [token]
    size = max(1, room // 2 - 4)
    return [token[start : start + size] for start in range(0, len(token), size)]


def comment(title: str) -> str:
    """A text of the file as one line after `# `: it cannot end the comment, hide, or mean anything to a tool."""
    title = title[:LONGEST_COMMENT]
    if title.isascii() and title.isprintable():
        shown = title
    else:
        shown = ''.join(char if char.isprintable() and not _INVISIBLE.match(char) else ' ' for char in title)
    shown = _HASH.sub('\uff03', ' '.join(shown.split()))
    # PEP 263: in the first two lines `coding:` would choose how the file is read.
    shown = _CODING.sub(' ', shown)
    word = _FIRST_WORD.match(shown)
    if word and (word[1] is None or word[1].lower() in _PRAGMAS):
        shown = f'"{shown}"'
    return shown


_HASH = re.compile(r'#(?=\s*[^\W\d])')
_CODING = re.compile('(?<=coding)(?=[:=])')

# What tools read at the beginning of comments: words with a colon, cell marks, folding marks.
_FIRST_WORD = re.compile(r'[!%]|(?:end)?region|(noqa|nosec|pragma|\w+(?=\s*:))', re.IGNORECASE)
_PRAGMAS = frozenset(
    ('type', 'fmt', 'ruff', 'noqa', 'pyright', 'pyre', 'mypy', 'pylint', 'flake8', 'isort', 'yapf', 'nosec', 'pragma')
)

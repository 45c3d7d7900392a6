"""Calls of nodes that a script has as comments: nodes that a graph holds and does not run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import NamedTuple

from ..interpreter.lang.source import parse_tree
from ..transpiler import Script

MOST_ROWS = 60
"""Of one call."""
_HEAD = re.compile(r'\s*# ?([\w, *]+ = )?\w*\(')
"""How the first of them looks."""


class CommentedCall(NamedTuple):
    """A statement that stands in comments, by its first and last line; `text` is without the marks."""

    line: int
    end: int
    callee: str
    text: str


def commented_calls(script: str) -> list[CommentedCall]:
    """The commented statements of a script that call something by its name."""
    found: list[CommentedCall] = []
    rows = script.split('\n')
    at = 0
    while at < len(rows):
        call = _call_at(rows, at)
        if call is not None:
            found.append(call)
        at = call.end if call is not None else at + 1
    return found


def comment_out(script: str, spans: Mapping[str, tuple[int, int]]) -> str:
    """The script with these lines as comments, first and last of each counted from 1."""
    rows = script.split('\n')
    done = 0
    for first, last in sorted(spans.values(), key=lambda span: (span[0], -span[1])):
        if last <= done:  # it stands within another
            continue
        done = last
        rows[first - 1 : last] = _marked(rows[first - 1 : last])
    return '\n'.join(rows)


def _marked(block: list[str]) -> list[str]:
    indent = ' ' * (len(block[0]) - len(block[0].lstrip()))
    bare = [row.removeprefix(indent) for row in block]
    return [f'{indent}# {row}' if row else f'{indent}#' for row in bare]


class WithComments(NamedTuple):
    """A script, where in it the nodes are, and where those that are comments in it."""

    text: str
    lines: dict[str, tuple[int, int]]
    comments: dict[str, tuple[int, int]]


def put_comments(script: Script, every: Script, nodes: Iterable[str]) -> WithComments:
    """The script with nodes that it lacks as comments: where they stand in another script that has them too."""
    rows, every_row = script.text.split('\n'), every.text.split('\n')
    comments: dict[str, tuple[int, int]] = {}
    added: list[tuple[int, int]] = []
    for place, key in sorted(_places(script, every, set(nodes)), key=itemgetter(0)):
        first, last = every.lines[key]
        start = place + sum(height for _, height in added)
        block = _marked(every_row[first - 1 : last])
        rows[start:start] = block
        comments[key] = (start + 1, start + len(block))
        added.append((place, len(block)))

    def moved(row: int) -> int:
        return row + sum(height for place, height in added if place < row)

    lines = {key: (moved(first), moved(last)) for key, (first, last) in script.lines.items()}
    return WithComments('\n'.join(rows), lines, comments)


def _places(script: Script, every: Script, nodes: set[str]) -> Iterator[tuple[int, str]]:
    """How many rows of the script stand before each of the nodes: it follows what it follows in `every`, but where a
    section begins with it, that is what comes next."""
    rows = every.text.split('\n')
    known = ((span, key) for key, span in every.lines.items() if key in nodes or key in script.lines)
    order = sorted(one for one in known if ':' not in one[1])
    following: dict[str, str] = {}
    later = ''
    for _, key in reversed(order):
        if key in nodes:
            following[key] = later
        else:
            later = key
    before = ''
    for (first, last), key in order:
        if key not in nodes:
            before = key
            continue
        after = following[key]
        starts_section = not before or '' in rows[every.lines[before][1] : first - 1]
        ends_section = not after or '' in rows[last : every.lines[after][0] - 1]
        if before and (ends_section or not starts_section):
            yield script.lines[before][1], key
        elif after:
            yield script.lines[after][0] - 1, key
        else:
            yield script.text.count('\n'), key


def _call_at(rows: list[str], at: int) -> CommentedCall | None:
    if not _HEAD.match(rows[at]):
        return None
    text = ''
    for end, row in enumerate(_uncommented(rows[at : at + MOST_ROWS]), at + 1):
        text += row + '\n'
        if ')' in row:
            callee = _callee(text)
            if callee is not None:
                return CommentedCall(at + 1, end, callee, text)
    return None


def _uncommented(rows: list[str]) -> Iterator[str]:
    for row in rows:
        bare = row.strip()
        if not bare.startswith('#'):
            return
        yield bare[1:].removeprefix(' ')


def _callee(text: str) -> str | None:
    try:
        body = parse_tree(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    value = body[0].value if len(body) == 1 and isinstance(body[0], (ast.Assign, ast.Expr)) else None
    return value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else None

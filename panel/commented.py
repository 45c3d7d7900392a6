"""Calls of nodes that a script has as comments: nodes that a graph holds and does not run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..interpreter.lang.source import parse_tree

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
        indent = ' ' * (len(rows[first - 1]) - len(rows[first - 1].lstrip()))
        block = [row.removeprefix(indent) for row in rows[first - 1 : last]]
        rows[first - 1 : last] = [f'{indent}# {row}' if row else f'{indent}#' for row in block]
    return '\n'.join(rows)


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

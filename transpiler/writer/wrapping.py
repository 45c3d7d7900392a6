"""Expressions laid out as a formatter would: on one line where it fits, else one item per line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .style import WIDTH


class Text(NamedTuple):
    """A string literal: on one line, between triple quotes, or in pieces of a given width."""

    flat: str
    triple: str | None
    pieces: Callable[[int], list[str]]


class Items(NamedTuple):
    """A call's arguments, a list or a dict: brackets around items, each with what stands before it (`key=`)."""

    opening: str
    items: Sequence[tuple[str, Expression]]
    closing: str


Expression = str | Text | Items
"""A plain `str` is what stays on one line: a name, a number, a short text."""


def lay_out(indent: str, before: str, expression: Expression, soft_wrap: bool = False) -> str:
    """A statement, or an item of one, with all its lines. `soft_wrap`: no text is in pieces."""
    written = flat(expression)
    if written is not None:
        line = f'{indent}{before}{written}'
        if _is_short(line):
            return line
    lines: list[str] = []
    _write(indent, before, expression, '', lines, soft_wrap)
    return '\n'.join(lines)


def flat(expression: Expression) -> str | None:
    """The expression on one line; None where that is too long, or a text in it reads better on several."""
    if type(expression) is str:
        return expression
    if isinstance(expression, Items):
        parts = []
        size = 0
        for before, item in expression.items:
            written = item if type(item) is str else flat(item)
            if written is None:
                return None
            size += len(before) + len(written)
            if size > WIDTH:
                return None
            parts.append(before + written)
        return f'{expression.opening}{", ".join(parts)}{expression.closing}'
    assert isinstance(expression, Text)
    return None if expression.triple else expression.flat


def _is_short(line: str) -> bool:
    return len(line) * 2 <= WIDTH or (len(line) <= WIDTH and columns(line) <= WIDTH)


def _write(
    indent: str, before: str, expression: Expression, after: str, lines: list[str], soft_wrap: bool
) -> None:
    written = flat(expression)
    if written is not None:
        line = f'{indent}{before}{written}{after}'
        if _is_short(line):
            lines.append(line)
            return
    if isinstance(expression, Items) and expression.items:
        lines.append(f'{indent}{before}{expression.opening}')
        inner = indent + '    '
        for inner_before, item in expression.items:
            if type(item) is str:
                lines.append(f'{inner}{inner_before}{item},')
            else:
                _write(inner, inner_before, item, ',', lines, soft_wrap)
        lines.append(f'{indent}{expression.closing}{after}')
    elif isinstance(expression, Text) and soft_wrap:
        lines.append(f'{indent}{before}{expression.triple or expression.flat}{after}')
    elif isinstance(expression, Text):
        _write_text(indent, before, expression, after, lines)
    else:
        lines.append(f'{indent}{before}{written}{after}')


def _write_text(indent: str, before: str, expression: Text, after: str, lines: list[str]) -> None:
    if expression.triple is not None:
        block = f'{indent}{before}{expression.triple}{after}'
        if all(columns(line) <= WIDTH for line in block.split('\n')):
            lines.append(block)
            return
    line = f'{indent}{before}{expression.flat}{after}'
    alone = f'{indent}    {expression.flat}'
    if least_columns(alone) <= WIDTH:
        # Pieces that there is room for on one line a formatter would join again.
        if columns(alone) <= WIDTH and before:
            line = f'{indent}{before}(\n{alone}\n{indent}){after}'
        lines.append(line)
        return
    pieces = expression.pieces(WIDTH - len(indent) - 4)
    if len(pieces) < 2:
        lines.append(line)
        return
    lines.append(f'{indent}{before}(')
    lines.extend(f'{indent}    {piece}' for piece in pieces)
    lines.append(f'{indent}){after}')


# The scripts that formatters count as two columns, and for good measure all symbols, pictures and rare planes.
_WIDE = re.compile(
    '[\u1100-\u115f\u2300-\u2bff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff'
    '\ufe10-\ufe6f\uff00-\uffef\U00010000-\U0010ffff]'
)


def columns(line: str) -> int:
    """How many columns a line takes at most: formatters count wide characters twice."""
    return len(line) if line.isascii() else len(line) + len(_WIDE.findall(line))


def least_columns(line: str) -> int:
    """How many columns a line takes at least, whatever version of Unicode a formatter knows."""
    if line.isascii():
        return len(line)
    # A part of a long line is enough to know that it is long.
    plain = len(line.encode('ascii', 'ignore'))
    if plain > WIDTH:
        return plain
    return sum(char.isascii() or unicodedata.category(char)[0] != 'M' for char in line[: WIDTH * 4])

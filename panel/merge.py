"""Edits of a script, and what the graph has become since: both in one text.

Line by line; where both changed the same lines, token by token: `cfg=8.5` here and `steps=30` there both stay. A text
or a number is one token: what both set otherwise is a conflict, and never half of each.
"""

from __future__ import annotations

import difflib
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..interpreter.lang.source import parse_tree
from .requests import MergeRequest

_TOKEN = re.compile(
    r"""[rbfu]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")"""
    r"""|\#[^\n]*|-?\d[\w.]*|\w+|[^\S\n]+|\n|.""",
    re.DOTALL,
)


class Chunk(NamedTuple):
    """A part of three texts. `merged` is None where both changed it, each otherwise."""

    base: Sequence[str]
    ours: Sequence[str]
    theirs: Sequence[str]

    @property
    def merged(self) -> Sequence[str] | None:
        if self.ours == self.theirs or self.theirs == self.base:
            return self.ours
        return self.theirs if self.ours == self.base else None


class Merged(NamedTuple):
    """Lines of both; where both set the same thing otherwise, `ours` has ours, and `theirs` theirs."""

    ours: list[str]
    theirs: list[str] | None = None


def merge(request: MergeRequest) -> dict[str, Any]:
    """`{script, conflicts}`. In a conflict the script has what was typed; `theirs` is what to put there instead."""
    base, ours, theirs = (text.splitlines() for text in (request.base, request.ours, request.theirs))
    found = [_lines(chunk) for chunk in merge3(base, ours, theirs)]
    if not _can_be_read(found) and _can_be_read([Merged(ours)]):
        found = [Merged(ours, theirs)]
    lines: list[str] = []
    conflicts: list[dict[str, Any]] = []
    for part in found:
        if part.theirs is not None:
            last = len(lines) + len(part.ours)
            conflicts.append({'line': len(lines) + 1, 'endLine': last, 'theirs': '\n'.join(part.theirs)})
        lines += part.ours
    return {'script': '\n'.join(lines) + '\n' if lines else '', 'conflicts': conflicts}


class _Change(NamedTuple):
    """Instead of `base[start:end]` there is something else; nothing of the base where something was put between."""

    start: int
    end: int
    words: Sequence[str]

    def meets(self, start: int, end: int) -> bool:
        """Whether another change, of `base[start:end]`, cannot be made beside this one."""
        if self.start == self.end and start == end:
            return self.start == start
        return self.start < end and start < self.end


def merge3(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Chunk]:
    """The parts of three texts: where none, one or both have changed the base."""
    sides = (deque(_changes(base, ours)), deque(_changes(base, theirs)))
    at = 0
    while any(sides):
        first = min((side[0] for side in sides if side), key=lambda change: (change.start, change.end))
        start, end = first.start, first.end
        taken: tuple[list[_Change], list[_Change]] = ([], [])
        growing = True
        while growing:
            growing = False
            for side, found in zip(sides, taken):
                while side and (side[0] is first or side[0].meets(start, end)):
                    found.append(side.popleft())
                    end = max(end, found[-1].end)
                    growing = True
        yield Chunk(base[at:start], base[at:start], base[at:start])
        yield Chunk(base[start:end], *(_changed(base, start, end, found) for found in taken))
        at = end
    yield Chunk(base[at:], base[at:], base[at:])


def _changes(base: Sequence[str], other: Sequence[str]) -> Iterator[_Change]:
    matcher = difflib.SequenceMatcher(None, base, other, autojunk=len(base) > 2000)
    for tag, start, end, first, last in matcher.get_opcodes():
        if tag != 'equal':
            yield _Change(start, end, other[first:last])


def _changed(base: Sequence[str], start: int, end: int, changes: Sequence[_Change]) -> list[str]:
    found: list[str] = []
    for change in changes:
        found += [*base[start : change.start], *change.words]
        start = change.end
    return [*found, *base[start:end]]


def _lines(chunk: Chunk) -> Merged:
    if chunk.merged is not None:
        return Merged(list(chunk.merged))
    if not _heads(chunk.base) == _heads(chunk.ours) == _heads(chunk.theirs):
        # Which lines belong to a loop is no matter of tokens.
        return Merged(list(chunk.ours), list(chunk.theirs))
    ours: list[str] = []
    theirs: list[str] = []
    for part in merge3(*(_TOKEN.findall('\n'.join(lines)) for lines in chunk)):
        merged = part.merged
        if merged is None and not ''.join((*part.ours, *part.theirs)).strip():
            merged = part.ours  # nothing but where lines break
        ours += part.ours if merged is None else merged
        theirs += part.theirs if merged is None else merged
    both = [''.join(tokens).split('\n') for tokens in (ours, theirs)]
    return Merged(both[0], both[1] if both[0] != both[1] else None)


def _heads(lines: Sequence[str]) -> list[str]:
    """The lines that begin a block."""
    return [line for line in lines if line.partition('#')[0].rstrip().endswith(':')]


def _can_be_read(parts: Sequence[Merged]) -> bool:
    try:
        parse_tree('\n'.join(line for part in parts for line in part.ours))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True

"""Whether two scripts of one writer say the same, up to names, comments and where lines break: told by their tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_TOKEN = re.compile(
    r'(?P<text>[bfrBFR]{0,2}(?:\'\'\'.*?(?<!\\)(?:\\\\)*\'\'\'|""".*?(?<!\\)(?:\\\\)*"""'
    r"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"))"
    r'|(?P<name>[^\W\d]\w*)|(?P<comment>#[^\n]*)|(?P<row>\n)|(?P<space>[ \t]+)|(?P<other>[\d.]\w*|.)',
    re.DOTALL,
)
_FORMATTED = re.compile('[bBrR]?[fF][rR]?["\']')
_BLOCKS = frozenset(('for', 'def', 'if', 'while', 'with', 'else', 'elif'))
_OPEN, _CLOSED = frozenset('([{'), frozenset(')]}')


class CodeToken(NamedTuple):
    text: str
    variable: bool = False
    """A name that is no keyword of a call and nothing that is called."""


@dataclass
class Statement:
    """One logical line: its first and last row, how far it is indented, its tokens, and how many of them stand before
    its `=`."""

    first: int
    indent: int
    last: int = 0
    tokens: list[CodeToken] = field(default_factory=list)
    targets: int = 0

    @property
    def value(self) -> list[CodeToken]:
        """What is assigned, or the whole."""
        return self.tokens[self.targets + 1 if self.targets else 0 :]


def statements(script: str) -> Iterator[Statement]:
    """The statements of a script; comments are none."""
    row, depth, indent = 1, 0, 0
    now: Statement | None = None
    for match in _TOKEN.finditer(script):
        kind, text = match.lastgroup, match.group()
        if kind == 'row':
            if now is not None and not depth:
                yield now
                now = None
            indent = 0
        elif kind == 'space':
            indent = len(text) if now is None else indent
        elif kind != 'comment':
            now = now or Statement(row, indent)
            depth += (text in _OPEN) - (text in _CLOSED)
            _add(now, text, kind == 'name', depth, script[match.end() : match.end() + 2])
        row += text.count('\n')
        if now is not None and kind != 'row':
            now.last = row
    if now is not None:
        yield now


def _add(to: Statement, text: str, name: bool, depth: int, then: str) -> None:
    if text == '=' and not depth and not to.targets:
        to.targets = len(to.tokens)
    keyword = depth > 0 and then[:1] == '=' and then != '=='
    to.tokens.append(CodeToken(text, name and not keyword and then[:1] != '('))


Lines = Mapping[str, tuple[int, int]]


def say_the_same(one: str, two: str, ones: Lines, twos: Lines) -> bool:
    """False where they do not, or where it cannot be told this way. `ones`, `twos`: the rows of each node's call, as
    `transpiler.Script` has them; the nodes are the same in both."""
    ours, theirs = list(statements(one)), list(statements(two))
    names = _Names()
    if len(ours) != len(theirs) or not all(map(names.agree, ours, theirs)):
        return False
    at, rows = _numbers(ours), _numbers(theirs)
    return all([at.get(row) for row in span] == [rows.get(row) for row in twos[key]] for key, span in ones.items())


def _numbers(found: list[Statement]) -> dict[int, int]:
    """Row → the number of its statement."""
    return {row: number for number, one in enumerate(found) for row in range(one.first, one.last + 1)}


class _Names:
    """Which variable of the one script is which of the other, as they stand where both have been read to."""

    def __init__(self) -> None:
        self._ours: dict[str, str] = {}
        self._theirs: dict[str, str] = {}

    def agree(self, one: Statement, two: Statement) -> bool:
        """Whether two statements compute the same of the same."""
        if one.indent != two.indent or len(one.value) != len(two.value):
            return False
        # What stands in a loop or a function may mean what comes later: there, names are to be the same.
        free = not one.indent and one.tokens[0].text not in _BLOCKS
        if not all(self._same(ours, theirs, free) for ours, theirs in zip(one.value, two.value)):
            return False
        return self._bind(one.tokens[: one.targets], two.tokens[: two.targets], free)

    def _bind(self, ones: list[CodeToken], twos: list[CodeToken], free: bool) -> bool:
        if len(ones) != len(twos):
            # What the one keeps and nothing of the other asks for.
            self._ours.update((token.text, '') for token in ones if token.variable)
            self._theirs.update((token.text, '') for token in twos if token.variable)
            return free and not (ones and twos)
        for ours, theirs in zip(ones, twos):
            if ours != theirs and not (free and ours.variable and theirs.variable):
                return False
            if ours.variable:
                self._ours[ours.text], self._theirs[theirs.text] = theirs.text, ours.text
        return True

    def _same(self, ours: CodeToken, theirs: CodeToken, free: bool) -> bool:
        if not ours.variable or not theirs.variable:
            # A text with names in it is not looked into.
            return ours == theirs and not _FORMATTED.match(ours.text)
        known = self._ours.get(ours.text, ours.text), self._theirs.get(theirs.text, theirs.text)
        return known == (theirs.text, ours.text) and (free or ours.text == theirs.text)

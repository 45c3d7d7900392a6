"""A matcher for regular expressions that counts its steps.

Python's `re` cannot be stopped while it backtracks, so a pattern such as `(a+)+b` would hold the whole server.
Patterns are parsed by Python's own parser, hence mean the same, and matched here by a small backtracking machine: each
of its steps is a step of the script, and bounds and interrupts work inside a match.

PyPI's `regex` 2026.11.15, which ComfyUI brings along, has a timeout for matching and was tried in its place. It has
none for compiling: `((a{1000}){1000}){1000}` had not ended after 25 s. A match that was to take 0.5 s took 1.3 to 2.1,
and what ends it is its own clock only, no interrupt.
"""

from __future__ import annotations

import _sre
import bisect
import importlib
import re
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

from ..errors import ScriptDenied, ScriptLimit
from ..machine import Machine

if sys.version_info >= (3, 11):
    _modules = ('re._constants', 're._parser')
    _EXTRA_CASES: Any = importlib.import_module('re._casefix')._EXTRA_CASES
else:
    _modules = ('sre_constants', 'sre_parse')
    _EXTRA_CASES = importlib.import_module('sre_compile')._ignorecase_fixes
# Python's own parser of patterns: its modules moved in 3.11.
sre: Any = importlib.import_module(_modules[0])
parser: Any = importlib.import_module(_modules[1])

MAX_PATTERN = 2_000
MAX_PROGRAM = 20_000
MAX_STACK = 500_000
MAX_STACK_SLOTS = 4_000_000

CHAR, SPLIT, JUMP, SAVE, AT, LOOK, BACK, LOOP, MARK, AGAIN, ATOMIC, DONE = range(12)

Test = Callable[[str], bool]


class Program(NamedTuple):
    """Instructions `(op, a, b, c)`; `slots` positions are remembered: two per group, then one per loop."""

    code: list[tuple]
    slots: int
    groups: int
    names: dict[str, int]
    flags: int


def compile_pattern(m: Machine, pattern: str, flags: int) -> Program:
    """Raises re.error for a pattern that Python refuses as well, ScriptLimit or ScriptDenied for others."""
    cache: dict[Any, Program] = m.state.setdefault('patterns', {})
    found = cache.get((pattern, flags))
    if found is not None:
        return found
    if len(pattern) > MAX_PATTERN:
        raise ScriptLimit(f'a pattern of more than {MAX_PATTERN} characters')
    m.meter.ticks(len(pattern))
    try:
        tree = parser.parse(pattern, flags)
    except RecursionError:
        raise ScriptLimit('a pattern nested too deep') from None
    except OverflowError as error:
        raise re.error(str(error)) from None
    compiler = _Compiler(tree.state.groups, tree.state.flags)
    compiler.sequence(tree, tree.state.flags)
    compiler.emit(DONE)
    m.meter.ticks(len(compiler.code))
    m.charge(200 * len(compiler.code))
    found = Program(compiler.code, compiler.slots, tree.state.groups, dict(tree.state.groupdict), tree.state.flags)
    if len(cache) > 100:
        cache.clear()
    cache[pattern, flags] = found
    return found


class _Compiler:
    def __init__(self, groups: int, flags: int):
        self.code: list[tuple] = []
        self.groups = groups
        self.slots = 2 * groups
        self.flags = flags
        self.rounds = 0

    def repeated(self) -> None:
        """Counts a round of a repetition: one that holds nothing makes no code."""
        self.rounds += 1
        if self.rounds > MAX_PROGRAM:
            raise ScriptLimit('a pattern with too many repetitions')

    def emit(self, op: int, a: Any = None, b: Any = None, c: Any = None) -> int:
        if len(self.code) >= MAX_PROGRAM:
            raise ScriptLimit('a pattern with too many repetitions')
        self.code.append((op, a, b, c))
        return len(self.code) - 1

    def sequence(self, items: Any, flags: int) -> None:
        for op, argument in items:
            self.item(op, argument, flags)

    def item(self, op: Any, argument: Any, flags: int) -> None:
        test = _char_test(op, argument, flags)
        if test is not None:
            self.emit(CHAR, test)
        elif op is sre.BRANCH:
            self._branch(argument[1], flags)
        elif op is sre.SUBPATTERN:
            self._group(argument, flags)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            self._repeat(*argument, greedy=op is sre.MAX_REPEAT, flags=flags)
        elif op is sre.AT:
            self.emit(AT, _position_test(argument, flags))
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            direction, items = argument
            self._inner(LOOK, items, flags, op is sre.ASSERT, items.getwidth()[0] if direction < 0 else 0)
        elif op is sre.GROUPREF:
            self.emit(BACK, argument, flags if flags & re.IGNORECASE else None)
        elif op is getattr(sre, 'ATOMIC_GROUP', None):
            self._inner(ATOMIC, argument, flags)
        else:
            raise ScriptDenied(f'this part of a pattern ({str(op).lower()}) is not available in scripts')

    def _inner(self, op: int, items: Any, flags: int, *more: Any) -> None:
        """A part that is matched on its own: its code follows, up to its own DONE."""
        at = self.emit(op)
        self.sequence(items, flags)
        self.emit(DONE)
        self.code[at] = (op, len(self.code), *more, *[None] * (2 - len(more)))

    def _branch(self, branches: Any, flags: int) -> None:
        ends = []
        for index, items in enumerate(branches):
            if index == len(branches) - 1:
                self.sequence(items, flags)
                break
            split = self.emit(SPLIT)
            self.sequence(items, flags)
            ends.append(self.emit(JUMP))
            self.code[split] = (SPLIT, split + 1, len(self.code), None)
        for end in ends:
            self.code[end] = (JUMP, len(self.code), None, None)

    def _group(self, argument: Any, flags: int) -> None:
        group, added, removed, items = argument
        flags = (flags | added) & ~removed
        if group is None:
            self.sequence(items, flags)
            return
        self.emit(SAVE, 2 * group)
        self.sequence(items, flags)
        self.emit(SAVE, 2 * group + 1)

    def _repeat(self, low: int, high: Any, items: Any, *, greedy: bool, flags: int) -> None:
        endless = high is sre.MAXREPEAT
        if len(items) == 1:
            op, argument = items[0]
            test = _char_test(op, argument, flags)
            if test is not None:
                self.emit(LOOP, test, (low, None if endless else int(high)), greedy)
                return
        if low > 1000 or (not endless and high > 1000):
            raise ScriptLimit('a group repeated more than 1000 times')
        for _ in range(low):
            self.repeated()
            self.sequence(items, flags)
        if endless:
            slot = self.slots
            self.slots += 1
            start = self.emit(SPLIT)
            self.emit(MARK, slot)
            self.sequence(items, flags)
            self.emit(AGAIN, slot, start)
            self._split(start, greedy)
            return
        splits = []
        for _ in range(int(high) - low):
            self.repeated()
            splits.append(self.emit(SPLIT))
            self.sequence(items, flags)
        for split in splits:
            self._split(split, greedy)

    def _split(self, at: int, greedy: bool) -> None:
        after = len(self.code)
        self.code[at] = (SPLIT, at + 1, after, None) if greedy else (SPLIT, after, at + 1, None)


# Characters and places


def _char_test(op: Any, argument: Any, flags: int) -> Test | None:
    if op is sre.LITERAL or op is sre.NOT_LITERAL:
        wanted = chr(argument)
        if flags & re.IGNORECASE:
            same = frozenset(_same_letter(wanted, flags))
            return (lambda c: c in same) if op is sre.LITERAL else (lambda c: c not in same)
        return (lambda c: c == wanted) if op is sre.LITERAL else (lambda c: c != wanted)
    if op is sre.ANY:
        return (lambda c: True) if flags & re.DOTALL else (lambda c: c != '\n')
    if op is sre.IN:
        return _set_test(argument, flags)
    if op is sre.CATEGORY:
        return _category_test(argument, flags)
    return None


def _set_test(items: Any, flags: int) -> Test:
    negated = False
    literals: set[str] = set()
    ranges: list[tuple[int, int]] = []
    categories: dict[Any, Test] = {}
    for op, argument in items:
        if op is sre.NEGATE:
            negated = True
        elif op is sre.RANGE:
            ranges.append(argument)
        elif op is sre.LITERAL:
            literals.add(chr(argument))
        else:
            categories[argument] = _category_test(argument, flags)
    tests = [*([literals.__contains__] if literals else []), *([_ranges_test(ranges)] if ranges else [])]
    test = _any_test([*tests, *categories.values()])
    if flags & re.IGNORECASE:
        test = _any_case(test, flags)
    return (lambda c: not test(c)) if negated else test


def _any_test(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    return lambda c: any(test(c) for test in tests)


# Letters that differ by case alone: the rule of Python's `_sre` and `re._casefix`, which `str.lower` does not follow.


@cache
def _capitals() -> dict[int, tuple[int, ...]]:
    """The code points that have this one as their lower case, besides itself."""
    found: dict[int, list[int]] = {}
    for point in range(0x20000):
        lower = _sre.unicode_tolower(point)
        if lower != point:
            found.setdefault(lower, []).append(point)
    return {lower: tuple(points) for lower, points in found.items()}


def _lower(c: str, flags: int) -> str:
    return chr((_sre.ascii_tolower if flags & re.ASCII else _sre.unicode_tolower)(ord(c)))


@lru_cache(4096)
def _same_letter(c: str, flags: int) -> tuple[str, ...]:
    lower = ord(_lower(c, flags))
    if flags & re.ASCII:
        return tuple({chr(lower), chr(lower).upper()}) if lower < 128 else (c,)
    lowers = (lower, *_EXTRA_CASES.get(lower, ()))
    return tuple(chr(point) for one in lowers for point in (one, *_capitals().get(one, ())))


def _any_case(test: Test, flags: int) -> Test:
    flags &= re.ASCII
    return lambda c: any(map(test, _same_letter(c, flags)))


def _ranges_test(ranges: list[tuple[int, int]]) -> Test:
    """By bisection: a set of a thousand ranges is one step for each character, so that step has to be a short one."""
    merged: list[list[int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    lows, highs = zip(*merged, strict=True)

    def test(c: str) -> bool:
        place = bisect.bisect_right(lows, ord(c)) - 1 if len(c) == 1 else -1
        return place >= 0 and ord(c) <= highs[place]

    return test


def _is_word(c: str) -> bool:
    return c.isalnum() or c == '_'


_CATEGORIES: dict[str, tuple[Test, Test]] = {
    'DIGIT': (lambda c: c.isdecimal(), lambda c: '0' <= c <= '9'),
    'SPACE': (lambda c: c.isspace(), lambda c: c in ' \t\n\r\f\v'),
    'WORD': (_is_word, lambda c: c.isascii() and _is_word(c)),
}


def _category_test(category: Any, flags: int) -> Test:
    name = str(category).removeprefix('CATEGORY_')
    negated = name.startswith('NOT_')
    known = _CATEGORIES[name.removeprefix('NOT_')]
    test = known[1] if flags & re.ASCII else known[0]
    return (lambda c: not test(c)) if negated else test


def _position_test(place: Any, flags: int) -> Callable[[str, int], bool]:
    word = _category_test('CATEGORY_WORD', flags)

    def boundary(text: str, at: int) -> bool:
        before = at > 0 and word(text[at - 1])
        return before != (at < len(text) and word(text[at]))

    name = str(place)
    if name == 'AT_BEGINNING' and flags & re.MULTILINE:
        return lambda text, at: at == 0 or text[at - 1] == '\n'
    if name in ('AT_BEGINNING', 'AT_BEGINNING_STRING'):
        return lambda text, at: at == 0
    if name == 'AT_END_STRING':
        return lambda text, at: at == len(text)
    if name == 'AT_END' and flags & re.MULTILINE:
        return lambda text, at: at == len(text) or text[at] == '\n'
    if name == 'AT_END':
        return lambda text, at: at == len(text) or (at == len(text) - 1 and text[at] == '\n')
    if name == 'AT_BOUNDARY':
        return boundary
    return lambda text, at: len(text) > 0 and not boundary(text, at)


# Matching

Slots = tuple


def match_at(
    m: Machine, program: Program, text: str, at: int, *, whole: bool = False, nonempty: bool = False
) -> Slots | None:
    """The positions of a match that begins at `at`, or None."""
    slots = (None,) * program.slots
    found = _run(m, program.code, 0, text, at, slots, whole=whole, nonempty_from=at if nonempty else -1)
    if found is None:
        return None
    end, slots = found
    return (at, end, *slots[2 : 2 * program.groups])


def _run(
    m: Machine,
    code: list[tuple],
    pc: int,
    text: str,
    at: int,
    slots: Slots,
    *,
    whole: bool = False,
    nonempty_from: int = -1,
) -> tuple[int, Slots] | None:
    """Runs the code at `pc` to its DONE: where the match ends, and its slots."""
    # What to try next: (pc, at, slots), or for a loop over one character (pc, at, slots, step, last).
    stack: list[tuple] = []
    steps = 0
    length = len(text)
    while True:
        steps += 1
        if steps & 63 == 0:
            m.meter.ticks(64)
            if len(stack) > MAX_STACK or len(stack) * len(slots) > MAX_STACK_SLOTS:
                raise ScriptLimit('a pattern has too many ways to match this text')
        op, a, b, c = code[pc]
        if op == CHAR:
            if at < length and a(text[at]):
                at += 1
                pc += 1
                continue
        elif op == LOOP:
            low, high = b
            most = length - at if high is None else min(high, length - at)
            if c:
                count = _count(m, a, text, at, most)
                if count >= low:
                    if count > low:
                        stack.append((pc + 1, at + count - 1, slots, -1, at + low))
                    at += count
                    pc += 1
                    continue
            elif _count(m, a, text, at, min(low, most)) == low:
                if most > low:
                    stack.append((pc, at + low, slots, 1, at + most))
                at += low
                pc += 1
                continue
        elif op == SPLIT:
            stack.append((b, at, slots))
            pc = a
            continue
        elif op == JUMP:
            pc = a
            continue
        elif op in (SAVE, MARK):
            slots = (*slots[:a], at, *slots[a + 1 :])
            pc += 1
            continue
        elif op == AGAIN:
            # A round that took nothing is the last one.
            pc = b if slots[a] != at else pc + 1
            continue
        elif op == AT:
            if a(text, at):
                pc += 1
                continue
        elif op == LOOK:
            start = at - c
            inner = _run(m, code, pc + 1, text, start, slots) if start >= 0 else None
            if (inner is not None) == b:
                if inner is not None:
                    slots = inner[1]
                pc = a
                continue
        elif op == ATOMIC:
            inner = _run(m, code, pc + 1, text, at, slots)
            if inner is not None:
                at, slots = inner
                pc = a
                continue
        elif op == BACK:
            start, end = slots[2 * a], slots[2 * a + 1]
            if start is not None and end is not None:
                piece = text[start:end]
                other = text[at : at + len(piece)]
                m.meter.ticks(len(piece) >> 6)
                if piece == other or (b is not None and len(piece) == len(other) and _alike(piece, other, b)):
                    at += len(piece)
                    pc += 1
                    continue
        elif not (whole and at != length) and at != nonempty_from:
            m.meter.ticks(steps & 63)
            return at, slots
        # Failed here: the next thing to try.
        while stack:
            entry = stack.pop()
            if len(entry) == 3:
                pc, at, slots = entry
                break
            if entry[3] < 0:
                pc, at, slots, _, last = entry
                if at > last:
                    stack.append((pc, at - 1, slots, -1, last))
                break
            loop, at, slots, _, last = entry
            if code[loop][1](text[at]):
                at += 1
                if at < last:
                    stack.append((loop, at, slots, 1, last))
                pc = loop + 1
                break
        else:
            m.meter.ticks(steps & 63)
            return None


def _alike(piece: str, other: str, flags: int) -> bool:
    return all(_lower(a, flags) == _lower(b, flags) for a, b in zip(piece, other, strict=True))


def _count(m: Machine, test: Test, text: str, at: int, most: int) -> int:
    count = 0
    while count < most:
        stop = min(count + 1024, most)
        before = count
        while count < stop and test(text[at + count]):
            count += 1
        m.meter.ticks((count - before) >> 3)
        if count < stop:
            break
    return count

"""The patterns of `match`: each compiles to a test that binds names as it succeeds."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from ..comparison import equals, hashable
from ..kinds import SEQUENCES
from ..objects import TypeRef
from ..script_functions import Frame
from ..source import span_of
from .compiler import Compiler

Test = Callable[[Frame, Any], bool]


def pattern(c: Compiler, node: ast.pattern) -> Test:
    compile_pattern = PATTERNS.get(type(node))
    if compile_pattern is None:
        c.unknown(node)
    return compile_pattern(c, node)


def _value(c: Compiler, node: ast.MatchValue) -> Test:
    code = c.expression(node.value)
    return lambda frame, value: equals(frame.m, value, code(frame))


def _singleton(c: Compiler, node: ast.MatchSingleton) -> Test:
    wanted = node.value
    return lambda frame, value: value is wanted


def _as(c: Compiler, node: ast.MatchAs) -> Test:
    inner = pattern(c, node.pattern) if node.pattern is not None else None
    store = c.store(node, node.name) if node.name is not None else None

    def fits(frame: Frame, value: Any) -> bool:
        if inner is not None and not inner(frame, value):
            return False
        if store is not None:
            store(frame, value)
        return True

    return fits


def _or(c: Compiler, node: ast.MatchOr) -> Test:
    tests = [pattern(c, item) for item in node.patterns]
    return lambda frame, value: any(test(frame, value) for test in tests)


def _sequence(c: Compiler, node: ast.MatchSequence) -> Test:
    stars = [index for index, item in enumerate(node.patterns) if isinstance(item, ast.MatchStar)]
    star = stars[0] if stars else None
    tests = [_star(c, item) if isinstance(item, ast.MatchStar) else pattern(c, item) for item in node.patterns]
    count = len(tests)

    def fits(frame: Frame, value: Any) -> bool:
        if type(value) not in SEQUENCES:
            return False
        if star is None:
            return len(value) == count and all(test(frame, item) for test, item in zip(tests, value, strict=True))
        after = count - star - 1
        end = len(value) - after
        if end < star:
            return False
        frame.m.charge(56 + 8 * len(value))
        parts = [*value[:star], list(value[star:end]), *value[end:]]
        return all(test(frame, item) for test, item in zip(tests, parts, strict=True))

    return fits


def _star(c: Compiler, node: ast.MatchStar) -> Test:
    if node.name is None:
        return lambda frame, value: True
    store = c.store(node, node.name)

    def fits(frame: Frame, value: Any) -> bool:
        store(frame, value)
        return True

    return fits


def _mapping(c: Compiler, node: ast.MatchMapping) -> Test:
    pairs = [(c.expression(key), pattern(c, item)) for key, item in zip(node.keys, node.patterns, strict=True)]
    store = c.store(node, node.rest) if node.rest is not None else None

    def fits(frame: Frame, value: Any) -> bool:
        if type(value) is not dict:
            return False
        keys = []
        for code, test in pairs:
            key = hashable(frame.m, code(frame))
            if key not in value or not test(frame, value[key]):
                return False
            keys.append(key)
        if store is not None:
            frame.m.meter.ticks(len(value) >> 4)
            frame.m.charge(64 + 64 * len(value))
            store(frame, {key: item for key, item in value.items() if key not in keys})
        return True

    return fits


def _class(c: Compiler, node: ast.MatchClass) -> Test:
    if node.kwd_attrs or len(node.patterns) > 1:
        c.refuse(node, 'class patterns with attributes are not available in scripts')
    kind = c.expression(node.cls)
    inner = pattern(c, node.patterns[0]) if node.patterns else None
    span = span_of(node)

    def fits(frame: Frame, value: Any) -> bool:
        wanted = kind(frame)
        frame.m.at = span
        if not isinstance(wanted, TypeRef):
            raise TypeError('called match pattern must be a class')
        return isinstance(value, wanted.natives) and (inner is None or inner(frame, value))

    return fits


PATTERNS: dict[type[ast.pattern], Any] = {
    ast.MatchAs: _as,
    ast.MatchClass: _class,
    ast.MatchMapping: _mapping,
    ast.MatchOr: _or,
    ast.MatchSequence: _sequence,
    ast.MatchSingleton: _singleton,
    ast.MatchValue: _value,
}

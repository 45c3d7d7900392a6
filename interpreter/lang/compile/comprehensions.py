"""Comprehensions and generator expressions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ..comparison import hashable, truth
from ..elements import iterate
from ..objects import Stream
from ..scopes import comprehension_scope
from ..script_functions import Frame
from ..source import span_of
from .compiler import Code, Compiler, Store
from .targets import target


class _Clause:
    """One `for … in … if …` of a comprehension."""

    def __init__(self, c: Compiler, node: ast.comprehension, iterable: Code):
        if node.is_async:
            c.refuse(node.iter, '`async` is not available in scripts')
        self.iterable = iterable
        self.target: Store = target(c, node.target)
        self.conditions = [c.expression(item) for item in node.ifs]
        self.span = span_of(node.iter)


def _rounds(clauses: list[_Clause], frame: Frame, first: Iterator[Any], level: int = 0) -> Iterator[None]:
    """Runs the clauses; yields once for each element, with the variables of `frame` set."""
    clause = clauses[level]
    m = frame.m
    if level:
        values = clause.iterable(frame)
        m.at = clause.span
        first = iterate(m, values)
    for value in first:
        m.meter.tick()
        clause.target(frame, value)
        if all(truth(m, condition(frame)) for condition in clause.conditions):
            if level + 1 == len(clauses):
                yield None
            else:
                yield from _rounds(clauses, frame, first, level + 1)


def _comprehension(c: Compiler, node: Any, *elements: ast.expr) -> tuple[Code, list[_Clause], list[Code]]:
    outermost = c.expression(node.generators[0].iter)
    with c.inside(comprehension_scope(node, c.scope)):
        clauses = []
        for index, generator in enumerate(node.generators):
            iterable = outermost if index == 0 else c.expression(generator.iter)
            clauses.append(_Clause(c, generator, iterable))
        codes = [c.expression(element) for element in elements]
    return outermost, clauses, codes


def _begin(frame: Frame, outermost: Code, clauses: list[_Clause]) -> tuple[Frame, Iterator[Any]]:
    values = outermost(frame)
    frame.m.at = clauses[0].span
    return Frame(frame.m, frame, {}), iterate(frame.m, values)


def _list_comprehension(c: Compiler, node: ast.ListComp) -> Code:
    outermost, clauses, (element,) = _comprehension(c, node, node.elt)

    def run(frame: Frame) -> list:
        inner, first = _begin(frame, outermost, clauses)
        found = []
        limit = frame.m.bounds.items
        for _ in _rounds(clauses, inner, first):
            found.append(element(inner))
            if len(found) > limit:
                frame.m.meter.item_count(len(found))
        frame.m.charge(56 + 40 * len(found))
        return found

    return run


def _set_comprehension(c: Compiler, node: ast.SetComp) -> Code:
    outermost, clauses, (element,) = _comprehension(c, node, node.elt)

    def run(frame: Frame) -> set:
        m = frame.m
        inner, first = _begin(frame, outermost, clauses)
        found = set()
        for _ in _rounds(clauses, inner, first):
            found.add(hashable(m, element(inner)))
            m.meter.item_count(len(found))
        m.charge(200 + 100 * len(found))
        return found

    return run


def _dict_comprehension(c: Compiler, node: ast.DictComp) -> Code:
    outermost, clauses, (key, value) = _comprehension(c, node, node.key, node.value)

    def run(frame: Frame) -> dict:
        m = frame.m
        inner, first = _begin(frame, outermost, clauses)
        found = {}
        for _ in _rounds(clauses, inner, first):
            name = hashable(m, key(inner))
            found[name] = value(inner)
            m.meter.item_count(len(found))
        m.charge(64 + 160 * len(found))
        return found

    return run


def _generator(c: Compiler, node: ast.GeneratorExp) -> Code:
    outermost, clauses, (element,) = _comprehension(c, node, node.elt)

    def run(frame: Frame) -> Stream:
        inner, first = _begin(frame, outermost, clauses)
        frame.m.charge(1000)
        return Stream(frame.m, (element(inner) for _ in _rounds(clauses, inner, first)), inner, first)

    return run


COMPREHENSION_EXPRESSIONS: dict[type[ast.expr], Any] = {
    ast.DictComp: _dict_comprehension,
    ast.GeneratorExp: _generator,
    ast.ListComp: _list_comprehension,
    ast.SetComp: _set_comprehension,
}

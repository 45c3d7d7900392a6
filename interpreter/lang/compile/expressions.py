"""Expressions: one function per kind of node, and the table of those that scripts have."""

from __future__ import annotations

import ast
import sys
from typing import Any

from .. import operators, subscripts
from ..comparison import hashable, truth
from ..kinds import SCALARS
from ..lookup import get_attribute
from ..objects import as_index
from ..script_functions import Frame
from ..showing import format_value, show_ascii, show_repr, show_str
from ..source import span_of
from .call_expressions import CALL_EXPRESSIONS, element_list
from .compiler import Code, Compiler
from .comprehensions import COMPREHENSION_EXPRESSIONS
from .targets import attribute_name


def _constant(c: Compiler, node: ast.Constant) -> Code:
    value = node.value
    if type(value) not in SCALARS:
        c.unknown(node)
    if type(value) is int and value.bit_length() > 5000:
        c.refuse(node, 'this number is too large')
    return lambda frame: value


def _name(c: Compiler, node: ast.Name) -> Code:
    return c.load(node, node.id)


def _join(c: Compiler, node: ast.JoinedStr) -> Code:
    parts = [c.expression(part) for part in node.values]
    span = span_of(node)

    def run(frame: Frame) -> str:
        m = frame.m
        found = [part(frame) for part in parts]
        m.at = span
        m.meter.text_size(sum(map(len, found)))
        text = ''.join(found)
        m.charge(sys.getsizeof(text))
        return text

    return run


_CONVERSIONS = {ord('s'): show_str, ord('r'): show_repr, ord('a'): show_ascii}


def _formatted(c: Compiler, node: ast.FormattedValue) -> Code:
    value = c.expression(node.value)
    convert = _CONVERSIONS.get(node.conversion)
    spec = c.expression(node.format_spec) if node.format_spec is not None else None
    span = span_of(node.value)

    def run(frame: Frame) -> str:
        m = frame.m
        found = value(frame)
        wanted = spec(frame) if spec is not None else ''
        m.at = span
        if convert is not None:
            found = convert(m, found)
        return format_value(m, found, wanted)

    return run


def _list(c: Compiler, node: ast.List) -> Code:
    elements = element_list(c, node.elts)

    def run(frame: Frame) -> list:
        found = elements(frame)
        frame.m.charge(56 + 8 * len(found))
        return found

    return run


def _tuple(c: Compiler, node: ast.Tuple) -> Code:
    elements = element_list(c, node.elts)

    def run(frame: Frame) -> tuple:
        found = elements(frame)
        frame.m.charge(48 + 8 * len(found))
        return tuple(found)

    return run


def _set(c: Compiler, node: ast.Set) -> Code:
    elements = element_list(c, node.elts)
    span = span_of(node)

    def run(frame: Frame) -> set:
        m = frame.m
        found = elements(frame)
        m.at = span
        m.charge(200 + 32 * len(found))
        return {hashable(m, item) for item in found}

    return run


def _dict(c: Compiler, node: ast.Dict) -> Code:
    pairs = [
        (c.expression(key) if key is not None else None, c.expression(value))
        for key, value in zip(node.keys, node.values, strict=True)
    ]
    span = span_of(node)

    def run(frame: Frame) -> dict:
        m = frame.m
        found: dict = {}
        for key, value in pairs:
            if key is None:
                other = value(frame)
                m.at = span
                if type(other) is not dict:
                    raise TypeError(f"'{type(other).__name__}' object is not a mapping")
                m.meter.item_count(len(found) + len(other))
                m.meter.ticks(len(other) >> 4)
                found.update(other)
            else:
                name = key(frame)
                item = value(frame)
                m.at = span
                found[hashable(m, name)] = item
        m.charge(64 + 64 * len(found))
        return found

    return run


def _unary(c: Compiler, node: ast.UnaryOp) -> Code:
    operand = c.expression(node.operand)
    span = span_of(node)
    if isinstance(node.op, ast.Not):

        def negate(frame: Frame) -> bool:
            value = operand(frame)
            frame.m.at = span
            return not truth(frame.m, value)

        return negate
    operate = operators.UNARY.get(type(node.op))
    if operate is None:
        c.unknown(node.op)

    def run(frame: Frame) -> Any:
        value = operand(frame)
        frame.m.at = span
        return operate(frame.m, value)

    return run


def _binary(c: Compiler, node: ast.BinOp) -> Code:
    left, right = c.expression(node.left), c.expression(node.right)
    operate = operators.BINARY.get(type(node.op))
    if operate is None:
        c.unknown(node.op)
    span = span_of(node)

    def run(frame: Frame) -> Any:
        a = left(frame)
        b = right(frame)
        frame.m.at = span
        return operate(frame.m, a, b)

    return run


def _bool(c: Compiler, node: ast.BoolOp) -> Code:
    codes = [c.expression(value) for value in node.values]
    *first, last = codes
    stop_at = isinstance(node.op, ast.Or)
    span = span_of(node)

    def run(frame: Frame) -> Any:
        for code in first:
            value = code(frame)
            frame.m.at = span
            if truth(frame.m, value) is stop_at:
                return value
        return last(frame)

    return run


def _compare(c: Compiler, node: ast.Compare) -> Code:
    left = c.expression(node.left)
    steps = []
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        compare = operators.COMPARE.get(type(op))
        if compare is None:
            c.unknown(op)
        steps.append((compare, c.expression(comparator)))
    span = span_of(node)
    if len(steps) == 1:
        compare, right = steps[0]

        def run_one(frame: Frame) -> Any:
            a = left(frame)
            b = right(frame)
            frame.m.at = span
            return compare(frame.m, a, b)

        return run_one

    def run(frame: Frame) -> Any:
        m = frame.m
        a = left(frame)
        found: Any = True
        for index, (compare, code) in enumerate(steps):
            b = code(frame)
            m.at = span
            found = compare(m, a, b)
            if index < len(steps) - 1 and not truth(m, found):
                return found
            a = b
        return found

    return run


def _conditional(c: Compiler, node: ast.IfExp) -> Code:
    test, body, other = c.expression(node.test), c.expression(node.body), c.expression(node.orelse)
    span = span_of(node.test)

    def run(frame: Frame) -> Any:
        value = test(frame)
        if value is not True and value is not False:
            frame.m.at = span
            value = truth(frame.m, value)
        return body(frame) if value else other(frame)

    return run


def _attribute(c: Compiler, node: ast.Attribute) -> Code:
    name = attribute_name(c, node)
    owner = c.expression(node.value)
    span = span_of(node)

    def run(frame: Frame) -> Any:
        value = owner(frame)
        frame.m.at = span
        return get_attribute(frame.m, value, name)

    return run


def _subscript(c: Compiler, node: ast.Subscript) -> Code:
    owner, key = c.expression(node.value), c.expression(node.slice)
    span = span_of(node)

    def run(frame: Frame) -> Any:
        value = owner(frame)
        index = key(frame)
        frame.m.at = span
        return subscripts.get_item(frame.m, value, index)

    return run


def _slice(c: Compiler, node: ast.Slice) -> Code:
    parts = [c.expression(part) if part is not None else None for part in (node.lower, node.upper, node.step)]

    def run(frame: Frame) -> slice:
        found = [part(frame) if part is not None else None for part in parts]
        return slice(*(None if item is None else as_index(item) for item in found))

    return run


def _walrus(c: Compiler, node: ast.NamedExpr) -> Code:
    value = c.expression(node.value)
    store = c.store(node.target, node.target.id)

    def run(frame: Frame) -> Any:
        found = value(frame)
        store(frame, found)
        return found

    return run


EXPRESSIONS: dict[type[ast.expr], Any] = {
    **CALL_EXPRESSIONS,
    **COMPREHENSION_EXPRESSIONS,
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.BoolOp: _bool,
    ast.Compare: _compare,
    ast.Constant: _constant,
    ast.Dict: _dict,
    ast.FormattedValue: _formatted,
    ast.IfExp: _conditional,
    ast.JoinedStr: _join,
    ast.List: _list,
    ast.Name: _name,
    ast.NamedExpr: _walrus,
    ast.Set: _set,
    ast.Slice: _slice,
    ast.Subscript: _subscript,
    ast.Tuple: _tuple,
    ast.UnaryOp: _unary,
}


def condition(c: Compiler, node: ast.expr) -> Code:
    code = c.expression(node)
    span = span_of(node)

    def run(frame: Frame) -> bool:
        value = code(frame)
        if value is True or value is False:
            return value
        frame.m.at = span
        return truth(frame.m, value)

    return run

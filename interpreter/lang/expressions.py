"""Expressions: one function per kind of node, and the table of those that scripts have."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from typing import Any

from . import operators
from .compiler import Code, Compiler, Store
from .errors import ScriptDenied
from .formatting import format_value, show_ascii, show_repr, show_str
from .objects import SCALARS, Frame, Parameters, ScriptFunction, Stream
from .scopes import comprehension_scope, function_scope
from .source import span_of


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


def _elements(c: Compiler, nodes: list[ast.expr]) -> Code:
    """Code for a list of values with `*` parts, which makes a new Python list."""
    if not any(isinstance(node, ast.Starred) for node in nodes):
        codes = [c.expression(node) for node in nodes]
        return lambda frame: [code(frame) for code in codes]
    parts = [
        (isinstance(node, ast.Starred), c.expression(node.value if isinstance(node, ast.Starred) else node))
        for node in nodes
    ]

    def run(frame: Frame) -> list:
        found: list = []
        for starred, code in parts:
            if starred:
                more = frame.m.collect(code(frame))
                frame.m.meter.item_count(len(found) + len(more))
                found.extend(more)
            else:
                found.append(code(frame))
        return found

    return run


def _list(c: Compiler, node: ast.List) -> Code:
    elements = _elements(c, node.elts)

    def run(frame: Frame) -> list:
        found = elements(frame)
        frame.m.charge(56 + 8 * len(found))
        return found

    return run


def _tuple(c: Compiler, node: ast.Tuple) -> Code:
    elements = _elements(c, node.elts)

    def run(frame: Frame) -> tuple:
        found = elements(frame)
        frame.m.charge(48 + 8 * len(found))
        return tuple(found)

    return run


def _set(c: Compiler, node: ast.Set) -> Code:
    elements = _elements(c, node.elts)
    span = span_of(node)

    def run(frame: Frame) -> set:
        m = frame.m
        found = elements(frame)
        m.at = span
        m.charge(200 + 32 * len(found))
        return {m.hashable(item) for item in found}

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
                found[m.hashable(name)] = item
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
            return not frame.m.truth(value)

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
            if frame.m.truth(value) is stop_at:
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
            if index < len(steps) - 1 and not m.truth(found):
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
            value = frame.m.truth(value)
        return body(frame) if value else other(frame)

    return run


def attribute_name(c: Compiler, node: ast.Attribute) -> str:
    if node.attr.startswith('_'):
        c.refuse(node, f'attributes that begin with an underscore, such as {node.attr}, are not available in scripts')
    return node.attr


def _attribute(c: Compiler, node: ast.Attribute) -> Code:
    name = attribute_name(c, node)
    owner = c.expression(node.value)
    span = span_of(node)

    def run(frame: Frame) -> Any:
        value = owner(frame)
        frame.m.at = span
        return frame.m.get_attribute(value, name)

    return run


def _subscript(c: Compiler, node: ast.Subscript) -> Code:
    owner, key = c.expression(node.value), c.expression(node.slice)
    span = span_of(node)

    def run(frame: Frame) -> Any:
        value = owner(frame)
        index = key(frame)
        frame.m.at = span
        return operators.get_item(frame.m, value, index)

    return run


def _slice(c: Compiler, node: ast.Slice) -> Code:
    parts = [c.expression(part) if part is not None else None for part in (node.lower, node.upper, node.step)]

    def run(frame: Frame) -> slice:
        found = [part(frame) if part is not None else None for part in parts]
        return slice(*(None if item is None else frame.m.index(item) for item in found))

    return run


def _keywords(c: Compiler, node: ast.Call) -> Code | None:
    if not node.keywords:
        return None
    pairs = []
    for keyword in node.keywords:
        if keyword.arg is not None:
            c.name(keyword, keyword.arg)
        pairs.append((keyword.arg, c.expression(keyword.value)))
    if all(name is not None for name, _ in pairs):
        return lambda frame: {name: code(frame) for name, code in pairs}
    span = span_of(node)

    def run(frame: Frame) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, code in pairs:
            value = code(frame)
            if name is not None:
                given = {name: value}
            elif type(value) is dict and all(type(key) is str for key in value):
                given = value
            else:
                frame.m.at = span
                raise TypeError('argument after ** must be a dict with strings as keys')
            frame.m.meter.ticks(len(given) >> 4)
            for key, item in given.items():
                if key in found:
                    frame.m.at = span
                    raise TypeError(f"got multiple values for keyword argument '{key}'")
                if key.startswith('__'):
                    frame.m.at = span
                    raise ScriptDenied(f'argument names that begin with two underscores, such as {key}, are denied')
                found[key] = item
        return found

    return run


def _call(c: Compiler, node: ast.Call) -> Code:
    arguments = _elements(c, node.args)
    keywords = _keywords(c, node)
    span = span_of(node)
    if isinstance(node.func, ast.Attribute):
        return _method_call(c, node.func, arguments, keywords)
    function = c.expression(node.func)
    waits = node in c.waiting

    def run(frame: Frame) -> Any:
        called = function(frame)
        args = arguments(frame)
        kwargs = keywords(frame) if keywords is not None else {}
        m = frame.m
        m.at = span
        return m.defer(called, args, kwargs) if waits else m.call(called, args, kwargs)

    return run


def _method_call(c: Compiler, node: ast.Attribute, arguments: Code, keywords: Code | None) -> Code:
    name = attribute_name(c, node)
    owner = c.expression(node.value)
    span = span_of(node)

    def run(frame: Frame) -> Any:
        value = owner(frame)
        m = frame.m
        m.at = span
        method = m.method_of(value, name)
        # As in Python the attribute is looked up first, then the arguments are computed.
        function = m.get_attribute(value, name) if method is None else None
        args = arguments(frame)
        kwargs = keywords(frame) if keywords is not None else {}
        m.at = span
        if method is None:
            return m.call(function, args, kwargs)
        m.tick()
        return method(m, value, *args, **kwargs)

    return run


def parameters_of(c: Compiler, node: ast.FunctionDef | ast.Lambda) -> tuple[Parameters, list[tuple[str, Code]]]:
    """What a function takes, and the code of its defaults (run where the function is defined)."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    for item in (*positional, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if item is not None:
            c.name(item, item.arg)
    defaults = [
        (item.arg, c.expression(value))
        for item, value in zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults, strict=True)
    ]
    defaults += [
        (item.arg, c.expression(value))
        for item, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if value is not None
    ]
    parameters = Parameters(
        names=tuple(item.arg for item in positional),
        positional_only=len(arguments.posonlyargs),
        keyword_only=tuple(item.arg for item in arguments.kwonlyargs),
        rest=arguments.vararg.arg if arguments.vararg else None,
        keywords=arguments.kwarg.arg if arguments.kwarg else None,
    )
    return parameters, defaults


def _lambda(c: Compiler, node: ast.Lambda) -> Code:
    parameters, defaults = parameters_of(c, node)
    with c.inside(function_scope(node, c.scope)):
        body = c.expression(node.body)
    span = span_of(node)

    def evaluate(frame: Frame) -> None:
        frame.value = body(frame)

    def run(frame: Frame) -> ScriptFunction:
        found = {name: code(frame) for name, code in defaults}
        frame.m.charge(500)
        return ScriptFunction('<lambda>', parameters, found, evaluate, frame, span)

    return run


def _walrus(c: Compiler, node: ast.NamedExpr) -> Code:
    value = c.expression(node.value)
    store = c.store(node.target, node.target.id)

    def run(frame: Frame) -> Any:
        found = value(frame)
        store(frame, found)
        return found

    return run


# Comprehensions


class _Clause:
    """One `for … in … if …` of a comprehension."""

    def __init__(self, c: Compiler, node: ast.comprehension, iterable: Code):
        if node.is_async:
            c.refuse(node.iter, '`async` is not available in scripts')
        from .statements import target

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
        first = m.iterate(values)
    for value in first:
        m.meter.tick()
        clause.target(frame, value)
        if all(m.truth(condition(frame)) for condition in clause.conditions):
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
    return Frame(frame.m, frame, {}), frame.m.iterate(values)


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
            found.add(m.hashable(element(inner)))
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
            name = m.hashable(key(inner))
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
        return frame.m.stream((element(inner) for _ in _rounds(clauses, inner, first)), inner, first)

    return run


EXPRESSIONS: dict[type[ast.expr], Any] = {
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.BoolOp: _bool,
    ast.Call: _call,
    ast.Compare: _compare,
    ast.Constant: _constant,
    ast.Dict: _dict,
    ast.DictComp: _dict_comprehension,
    ast.FormattedValue: _formatted,
    ast.GeneratorExp: _generator,
    ast.IfExp: _conditional,
    ast.JoinedStr: _join,
    ast.Lambda: _lambda,
    ast.List: _list,
    ast.ListComp: _list_comprehension,
    ast.Name: _name,
    ast.NamedExpr: _walrus,
    ast.Set: _set,
    ast.SetComp: _set_comprehension,
    ast.Slice: _slice,
    ast.Subscript: _subscript,
    ast.Tuple: _tuple,
    ast.UnaryOp: _unary,
}

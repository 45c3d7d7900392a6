"""Calls, and functions written as expressions."""

from __future__ import annotations

import ast
from typing import Any

from ..calling import call_value, defer
from ..elements import collect
from ..errors import ScriptDenied
from ..lookup import get_attribute, method_of
from ..scopes import function_scope
from ..script_functions import Frame, Parameters, ScriptFunction
from ..source import span_of
from .compiler import Code, Compiler
from .targets import attribute_name


def element_list(c: Compiler, nodes: list[ast.expr]) -> Code:
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
                more = collect(frame.m, code(frame))
                frame.m.meter.item_count(len(found) + len(more))
                found.extend(more)
            else:
                found.append(code(frame))
        return found

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
    arguments = element_list(c, node.args)
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
        return defer(m, called, args, kwargs) if waits else call_value(m, called, args, kwargs)

    return run


def _method_call(c: Compiler, node: ast.Attribute, arguments: Code, keywords: Code | None) -> Code:
    name = attribute_name(c, node)
    owner = c.expression(node.value)
    span = span_of(node)

    def run(frame: Frame) -> Any:
        value = owner(frame)
        m = frame.m
        m.at = span
        method = method_of(m, value, name)
        # As in Python the attribute is looked up first, then the arguments are computed.
        function = get_attribute(m, value, name) if method is None else None
        args = arguments(frame)
        kwargs = keywords(frame) if keywords is not None else {}
        m.at = span
        if method is None:
            return call_value(m, function, args, kwargs)
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


CALL_EXPRESSIONS: dict[type[ast.expr], Any] = {
    ast.Call: _call,
    ast.Lambda: _lambda,
}

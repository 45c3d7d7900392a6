"""Statements: one function per kind of node, and the table of those that scripts have.

A statement's code returns None, or a signal that ends the block around it.
"""

from __future__ import annotations

import ast
from typing import Any

from .. import operators, subscripts
from ..elements import iterate
from ..scopes import function_scope
from ..script_functions import Frame, ScriptFunction
from ..source import span_of
from .call_expressions import parameters_of
from .compiler import BREAK, CONTINUE, RETURN, Code, Compiler
from .exceptions import EXCEPTIONS
from .expressions import condition
from .imports import IMPORTS
from .match_patterns import pattern
from .targets import target


def _expression(c: Compiler, node: ast.Expr) -> Code:
    code = c.expression(node.value)

    def run(frame: Frame) -> None:
        frame.m.meter.tick()
        code(frame)

    return run


def _assign(c: Compiler, node: ast.Assign) -> Code:
    value = c.expression(node.value)
    stores = [target(c, item) for item in node.targets]
    if len(stores) == 1:
        only = stores[0]

        def run_one(frame: Frame) -> None:
            frame.m.meter.tick()
            only(frame, value(frame))

        return run_one

    def run(frame: Frame) -> None:
        frame.m.meter.tick()
        found = value(frame)
        for store in stores:
            store(frame, found)

    return run


def _annotated(c: Compiler, node: ast.AnnAssign) -> Code:
    store = target(c, node.target)
    if node.value is None:
        return lambda frame: None
    value = c.expression(node.value)

    def run(frame: Frame) -> None:
        frame.m.meter.tick()
        store(frame, value(frame))

    return run


def _augmented(c: Compiler, node: ast.AugAssign) -> Code:
    operate = operators.IN_PLACE.get(type(node.op)) or operators.BINARY.get(type(node.op))
    if operate is None:
        c.unknown(node.op)
    value = c.expression(node.value)
    span = span_of(node)
    if isinstance(node.target, ast.Name):
        load = c.load(node.target, node.target.id)
        store = c.store(node.target, node.target.id)

        def run_name(frame: Frame) -> None:
            m = frame.m
            m.meter.tick()
            old = load(frame)
            operand = value(frame)
            m.at = span
            store(frame, operate(m, old, operand))

        return run_name
    if not isinstance(node.target, ast.Subscript):
        target(c, node.target)
    assert isinstance(node.target, ast.Subscript)
    owner, key = c.expression(node.target.value), c.expression(node.target.slice)

    def run(frame: Frame) -> None:
        m = frame.m
        m.meter.tick()
        container = owner(frame)
        index = key(frame)
        m.at = span
        old = subscripts.get_item(m, container, index)
        operand = value(frame)
        m.at = span
        subscripts.set_item(m, container, index, operate(m, old, operand))

    return run


def _delete(c: Compiler, node: ast.Delete) -> Code:
    codes = [_delete_one(c, item) for item in node.targets]

    def run(frame: Frame) -> None:
        frame.m.meter.tick()
        for code in codes:
            code(frame)

    return run


def _delete_one(c: Compiler, node: ast.expr) -> Code:
    span = span_of(node)
    if isinstance(node, ast.Subscript):
        owner, key = c.expression(node.value), c.expression(node.slice)

        def run_item(frame: Frame) -> None:
            container = owner(frame)
            index = key(frame)
            frame.m.at = span
            subscripts.delete_item(frame.m, container, index)

        return run_item
    if not isinstance(node, ast.Name):
        c.unknown(node)
    name = c.name(node, node.id)
    depth = c.scope.depth_of(name)
    if depth:
        c.refuse(node, f'{name} belongs to the function around: it cannot be deleted here')

    def run(frame: Frame) -> None:
        frame.m.at = span
        variables = frame.variables if depth == 0 else frame.m.globals
        if name not in variables:
            raise (UnboundLocalError if depth == 0 else NameError)(f"name '{name}' is not defined")
        del variables[name]

    return run


def _if(c: Compiler, node: ast.If) -> Code:
    # A chain of elifs is a list here, so that it does not nest.
    branches = []
    rest: list[ast.stmt] = [node]
    while len(rest) == 1 and isinstance(rest[0], ast.If):
        branch = rest[0]
        branches.append((condition(c, branch.test), c.block(branch.body)))
        rest = branch.orelse
    otherwise = c.block(rest) if rest else None

    def run(frame: Frame) -> Any:
        frame.m.meter.tick()
        for test, body in branches:
            if test(frame):
                return body(frame)
        return otherwise(frame) if otherwise is not None else None

    return run


def _loop_body(c: Compiler, nodes: list[ast.stmt]) -> Code:
    c.loops += 1
    body = c.block(nodes)
    c.loops -= 1
    return body


def _for(c: Compiler, node: ast.For) -> Code:
    iterable = c.expression(node.iter)
    store = target(c, node.target)
    body = _loop_body(c, node.body)
    otherwise = c.block(node.orelse) if node.orelse else None
    span = span_of(node.iter)

    def run(frame: Frame) -> Any:
        m = frame.m
        values = iterable(frame)
        m.at = span
        for value in iterate(m, values):
            m.meter.tick()
            store(frame, value)
            signal = body(frame)
            if signal is not None:
                if signal is BREAK:
                    return None
                if signal is RETURN:
                    return RETURN
        return otherwise(frame) if otherwise is not None else None

    return run


def _while(c: Compiler, node: ast.While) -> Code:
    test = condition(c, node.test)
    body = _loop_body(c, node.body)
    otherwise = c.block(node.orelse) if node.orelse else None
    span = span_of(node.test)

    def run(frame: Frame) -> Any:
        meter = frame.m.meter
        while test(frame):
            frame.m.at = span
            meter.tick()
            signal = body(frame)
            if signal is not None:
                if signal is BREAK:
                    return None
                if signal is RETURN:
                    return RETURN
        return otherwise(frame) if otherwise is not None else None

    return run


def _break(c: Compiler, node: ast.Break) -> Code:
    if not c.loops:
        c.refuse(node, "'break' outside loop")
    return lambda frame: BREAK


def _continue(c: Compiler, node: ast.Continue) -> Code:
    if not c.loops:
        c.refuse(node, "'continue' not properly in loop")
    return lambda frame: CONTINUE


def _pass(c: Compiler, node: ast.AST) -> Code:
    return lambda frame: None


def _def(c: Compiler, node: ast.FunctionDef) -> Code:
    if node.decorator_list:
        c.refuse(node.decorator_list[0], 'decorators are not available in scripts: call the function yourself')
    parameters, defaults = parameters_of(c, node)
    store = c.store(node, node.name)
    with c.inside(function_scope(node, c.scope)):
        body = c.block(node.body)
    name, span = node.name, span_of(node)

    def run(frame: Frame) -> None:
        frame.m.meter.tick()
        frame.m.charge(500)
        found = {key: code(frame) for key, code in defaults}
        store(frame, ScriptFunction(name, parameters, found, body, frame, span))

    return run


def _return(c: Compiler, node: ast.Return) -> Code:
    if c.scope.is_module:
        c.refuse(node, "'return' outside function: give results as `out = …`")
    if node.value is None:

        def run_bare(frame: Frame) -> str:
            frame.m.meter.tick()
            frame.value = None
            return RETURN

        return run_bare
    value = c.expression(node.value)

    def run(frame: Frame) -> str:
        frame.m.meter.tick()
        frame.value = value(frame)
        return RETURN

    return run


def _global(c: Compiler, node: ast.Global) -> Code:
    for name in node.names:
        c.name(node, name)
    return lambda frame: None


def _nonlocal(c: Compiler, node: ast.Nonlocal) -> Code:
    for name in node.names:
        c.name(node, name)
        if c.scope.depth_of(name) is None:
            c.refuse(node, f"no binding for nonlocal '{name}' found")
    return lambda frame: None


def _match(c: Compiler, node: ast.Match) -> Code:
    subject = c.expression(node.subject)
    cases = [
        (pattern(c, case.pattern), condition(c, case.guard) if case.guard else None, c.block(case.body))
        for case in node.cases
    ]

    def run(frame: Frame) -> Any:
        value = subject(frame)
        for fits, guard, body in cases:
            frame.m.meter.tick()
            if fits(frame, value) and (guard is None or guard(frame)):
                return body(frame)
        return None

    return run


STATEMENTS: dict[type[ast.stmt], Any] = {
    **EXCEPTIONS,
    **IMPORTS,
    ast.AnnAssign: _annotated,
    ast.Assign: _assign,
    ast.AugAssign: _augmented,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Delete: _delete,
    ast.Expr: _expression,
    ast.For: _for,
    ast.FunctionDef: _def,
    ast.Global: _global,
    ast.If: _if,
    ast.Match: _match,
    ast.Nonlocal: _nonlocal,
    ast.Pass: _pass,
    ast.Return: _return,
    ast.While: _while,
}

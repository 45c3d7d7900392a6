"""Statements: one function per kind of node, and the table of those that scripts have.

A statement's code returns None, or a signal that ends the block around it.
"""

from __future__ import annotations

import ast
from typing import Any

from . import operators
from .compiler import Code, Compiler, Store
from .errors import ScriptDenied, Span
from .expressions import attribute_name, parameters_of
from .match_patterns import pattern
from .objects import SEQUENCES, Frame, NoOp, ScriptFunction, ScriptObject, TypeRef, type_name
from .scopes import function_scope
from .source import span_of

BREAK = 'break'
CONTINUE = 'continue'
RETURN = 'return'

RUNTIME_MODULES = ('comfy_script',)
"""Imports of these are accepted: what they bring is there already."""

SILENT_MODULES = ('__future__', 'typing')


def _expression(c: Compiler, node: ast.Expr) -> Code:
    code = c.expression(node.value)

    def run(frame: Frame) -> None:
        frame.m.meter.tick()
        code(frame)

    return run


# Assignment


def target(c: Compiler, node: ast.expr) -> Store:
    """How a value is stored into the left side of an assignment."""
    if isinstance(node, ast.Name):
        return c.store(node, node.id)
    if isinstance(node, (ast.Tuple, ast.List)):
        return _unpack(c, node)
    if isinstance(node, ast.Subscript):
        return _store_item(c, node)
    if isinstance(node, ast.Attribute):
        attribute_name(c, node)
        c.refuse(node, 'attributes cannot be set in scripts: keep the value in a variable or a dict')
    c.unknown(node)


def _store_item(c: Compiler, node: ast.Subscript) -> Store:
    owner, key = c.expression(node.value), c.expression(node.slice)
    span = span_of(node)

    def store(frame: Frame, value: Any) -> None:
        container = owner(frame)
        index = key(frame)
        frame.m.at = span
        operators.set_item(frame.m, container, index, value)

    return store


def _unpack(c: Compiler, node: ast.Tuple | ast.List) -> Store:
    stars = [index for index, item in enumerate(node.elts) if isinstance(item, ast.Starred)]
    if len(stars) > 1:
        c.refuse(node, 'multiple starred expressions in assignment')
    stores = [target(c, item.value if isinstance(item, ast.Starred) else item) for item in node.elts]
    span = span_of(node)
    star = stars[0] if stars else None

    def store(frame: Frame, value: Any) -> None:
        frame.m.at = span
        for inner, part in zip(stores, unpacked(frame, value, len(stores), star), strict=True):
            inner(frame, part)

    return store


def unpacked(frame: Frame, value: Any, count: int, star: int | None) -> list:
    """The parts of a value for `count` targets, the one at `star` taking a list. Raises ValueError."""
    m = frame.m
    if type(value) in SEQUENCES:
        parts = value
    elif isinstance(value, ScriptObject) and (made := value.unpacked(count if star is None else count - 1)) is not None:
        parts = made
    else:
        try:
            iterator = m.iterate(value)
        except TypeError:
            raise TypeError(f'cannot unpack non-iterable {type_name(value)} object') from None
        if star is None:
            parts = []
            for part in iterator:
                m.meter.tick()
                parts.append(part)
                if len(parts) > count:
                    break
        else:
            parts = m.collect(value)
    if star is None:
        if len(parts) > count:
            raise ValueError(f'too many values to unpack (expected {count})')
        if len(parts) < count:
            raise ValueError(f'not enough values to unpack (expected {count}, got {len(parts)})')
        return list(parts)
    if len(parts) < count - 1:
        raise ValueError(f'not enough values to unpack (expected at least {count - 1}, got {len(parts)})')
    after = count - star - 1
    end = len(parts) - after
    m.charge(56 + 8 * len(parts))
    return [*parts[:star], list(parts[star:end]), *parts[end:]]


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
        old = operators.get_item(m, container, index)
        operand = value(frame)
        m.at = span
        operators.set_item(m, container, index, operate(m, old, operand))

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
            operators.delete_item(frame.m, container, index)

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


# Control flow


def _condition(c: Compiler, node: ast.expr) -> Code:
    code = c.expression(node)
    span = span_of(node)

    def run(frame: Frame) -> bool:
        value = code(frame)
        if value is True or value is False:
            return value
        frame.m.at = span
        return frame.m.truth(value)

    return run


def _if(c: Compiler, node: ast.If) -> Code:
    # A chain of elifs is a list here, so that it does not nest.
    branches = []
    rest: list[ast.stmt] = [node]
    while len(rest) == 1 and isinstance(rest[0], ast.If):
        branch = rest[0]
        branches.append((_condition(c, branch.test), c.block(branch.body)))
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
        for value in m.iterate(values):
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
    test = _condition(c, node.test)
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


# Functions


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


# Exceptions


def _raise(c: Compiler, node: ast.Raise) -> Code:
    span = span_of(node)
    if node.exc is None:

        def run_again(frame: Frame) -> None:
            frame.m.at = span
            if not frame.m.handling:
                raise RuntimeError('No active exception to reraise')
            raise frame.m.handling[-1]

        return run_again
    code = c.expression(node.exc)
    cause = c.expression(node.cause) if node.cause is not None else None

    def run(frame: Frame) -> None:
        m = frame.m
        error = code(frame)
        if cause is not None:
            cause(frame)
        m.at = span
        if isinstance(error, TypeRef):
            error = m.call(error, [], {})
        if not isinstance(error, Exception) or not m.catchable(error):
            raise TypeError('exceptions must derive from BaseException')
        raise error

    return run


def _assert(c: Compiler, node: ast.Assert) -> Code:
    test = _condition(c, node.test)
    message = c.expression(node.msg) if node.msg is not None else None
    span = span_of(node)

    def run(frame: Frame) -> None:
        frame.m.meter.tick()
        if not test(frame):
            args = [message(frame)] if message is not None else []
            frame.m.at = span
            raise AssertionError(*args)

    return run


class _Handler:
    def __init__(self, c: Compiler, node: ast.ExceptHandler):
        self.types = c.expression(node.type) if node.type is not None else None
        self.span = span_of(node.type or node)
        self.store = c.store(node, node.name) if node.name else None
        self.name = node.name
        self.is_local = node.name is not None and c.scope.depth_of(node.name) == 0
        self.body = c.block(node.body)

    def takes(self, frame: Frame, error: BaseException) -> bool:
        if self.types is None:
            return True
        wanted = self.types(frame)
        kinds = wanted if type(wanted) is tuple else (wanted,)
        for kind in kinds:
            if not isinstance(kind, TypeRef) or not all(issubclass(item, BaseException) for item in kind.natives):
                frame.m.at = self.span
                raise TypeError('catching classes that do not inherit from BaseException is not allowed')
            if isinstance(error, kind.natives):
                return True
        return False

    def run(self, frame: Frame, error: BaseException) -> Any:
        m = frame.m
        if self.store is not None:
            self.store(frame, error)
        m.handling.append(error)
        try:
            return self.body(frame)
        finally:
            m.handling.pop()
            if self.name is not None:
                (frame.variables if self.is_local else m.globals).pop(self.name, None)


def _try(c: Compiler, node: ast.Try) -> Code:
    body = c.block(node.body)
    handlers = [_Handler(c, handler) for handler in node.handlers]
    otherwise = c.block(node.orelse) if node.orelse else None
    finish = c.block(node.finalbody) if node.finalbody else None

    def handle(frame: Frame, error: BaseException) -> Any:
        m = frame.m
        blamed = m.at
        for handler in handlers:
            if handler.takes(frame, error):
                m.meter.tick()
                return handler.run(frame, error.with_traceback(None))
        m.at = blamed
        raise error

    def attempt(frame: Frame) -> Any:
        m = frame.m
        m.meter.tick()
        try:
            signal = body(frame)
        except Exception as error:
            if not m.catchable(error):
                raise
            caught = error
        else:
            if signal is None and otherwise is not None:
                return otherwise(frame)
            return signal
        return handle(frame, caught)

    if finish is None:
        return attempt

    def run(frame: Frame) -> Any:
        m = frame.m
        try:
            signal = attempt(frame)
        except Exception as error:
            # What a script cannot catch ends it here and now: no `finally` may go on after a bound or an interrupt.
            if not m.catchable(error):
                raise
            blamed = m.at
            signal = finish(frame)
            if signal is None:
                m.at = blamed
                raise
            return signal
        kept = frame.value
        final = finish(frame)
        if final is None:
            frame.value = kept
        return signal if final is None else final

    return run


# The runtime's lines


def _is_silent(module: str) -> bool:
    return module.split('.')[0] in (*RUNTIME_MODULES, *SILENT_MODULES)


def _import(c: Compiler, node: ast.Import) -> Code:
    codes = []
    for item in node.names:
        if _is_silent(item.name):
            continue
        store = c.store(node, item.asname or item.name.split('.')[0])
        codes.append(_import_one(item.name, bool(item.asname), store, span_of(node)))

    def run(frame: Frame) -> None:
        for code in codes:
            code(frame)

    return run


def _import_one(name: str, whole: bool, store: Store, span: Span) -> Code:
    def run(frame: Frame) -> None:
        frame.m.at = span
        module = find_module(frame, name)
        store(frame, module if whole else find_module(frame, name.split('.')[0]))

    return run


def find_module(frame: Frame, name: str) -> Any:
    modules = frame.m.modules
    if name not in modules:
        known = ', '.join(sorted(item for item in modules if '.' not in item))
        raise ScriptDenied(
            f'the module {name} is not available in scripts; there are: {known}. '
            'The owner of the server can allow more in comfyscript.toml.'
        )
    module = modules[name]
    return module(frame.m) if callable(module) else module


def _import_from(c: Compiler, node: ast.ImportFrom) -> Code:
    if node.level or node.module is None:
        c.refuse(node, 'relative imports are not available in scripts')
    module_name = node.module
    if _is_silent(module_name):
        return lambda frame: None
    span = span_of(node)
    stores = []
    for item in node.names:
        if item.name == '*':
            c.refuse(node, f'`from {module_name} import *` is not available in scripts: name what you need')
        if item.name.startswith('_'):
            c.refuse(node, f'{module_name}.{item.name} is not available in scripts')
        stores.append((item.name, c.store(node, item.asname or item.name)))

    def run(frame: Frame) -> None:
        frame.m.at = span
        module = find_module(frame, module_name)
        for name, store in stores:
            store(frame, frame.m.get_attribute(module, name))

    return run


def _with(c: Compiler, node: ast.With) -> Code:
    stores = []
    for item in node.items:
        call = item.context_expr
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == 'Workflow'):
            c.unknown(node)
        if item.optional_vars is not None:
            stores.append(target(c, item.optional_vars))
    body = c.block(node.body)

    def run(frame: Frame) -> Any:
        for store in stores:
            store(frame, NoOp('Workflow'))
        return body(frame)

    return run


def _match(c: Compiler, node: ast.Match) -> Code:
    subject = c.expression(node.subject)
    cases = [
        (pattern(c, case.pattern), _condition(c, case.guard) if case.guard else None, c.block(case.body))
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
    ast.AnnAssign: _annotated,
    ast.Assert: _assert,
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
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Match: _match,
    ast.Nonlocal: _nonlocal,
    ast.Pass: _pass,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Try: _try,
    ast.While: _while,
    ast.With: _with,
}

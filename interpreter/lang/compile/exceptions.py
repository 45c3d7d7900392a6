"""`raise`, `assert` and `try`."""

from __future__ import annotations

import ast
from typing import Any

from ..calling import call_value
from ..objects import TypeRef
from ..script_functions import Frame
from ..source import span_of
from .compiler import Code, Compiler
from .expressions import condition


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
            error = call_value(m, error, [], {})
        if not isinstance(error, Exception) or not m.catchable(error):
            raise TypeError('exceptions must derive from BaseException')
        raise error

    return run


def _assert(c: Compiler, node: ast.Assert) -> Code:
    test = condition(c, node.test)
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


EXCEPTIONS: dict[type[ast.stmt], Any] = {
    ast.Assert: _assert,
    ast.Raise: _raise,
    ast.Try: _try,
}

"""From a tree to closures. A kind of node that has no entry in the tables does not exist in scripts."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ..errors import ScriptSyntaxError, Span
from ..looks import EVERY, look
from ..lookup import global_or_builtin
from ..scopes import NameScope, module_scope
from ..script_functions import Frame
from ..source import span_of

BREAK = 'break'

CONTINUE = 'continue'

RETURN = 'return'

Code = Callable[[Frame], Any]

Store = Callable[[Frame, Any], None]
Compilers = Mapping[type, Callable[..., Code]]

INSTEAD = {
    ast.ClassDef: '`class` is not available in scripts: use functions, dicts and tuples',
    ast.AsyncFunctionDef: '`async` is not available in scripts: a node call waits by itself',
    ast.Await: '`await` is not available in scripts: a node call waits by itself',
    ast.AsyncFor: '`async` is not available in scripts: use a plain `for`',
    ast.AsyncWith: '`async` is not available in scripts: a node call waits by itself',
    ast.Yield: '`yield` is not available in scripts: append to a list and return it',
    ast.YieldFrom: '`yield` is not available in scripts: append to a list and return it',
    ast.With: 'the only `with` in scripts is `with Workflow():`',
}


class Compiler:
    """Compiles the nodes of one script; `scope` is the one being compiled."""

    def __init__(self, tree: ast.Module, waiting: frozenset[ast.Call], expressions: Compilers, statements: Compilers):
        self.scope = module_scope(tree)
        self.loops = 0
        self.compiled = 0
        self.in_function = False
        self._expressions = expressions
        self._statements = statements
        self.waiting = waiting
        """Calls of nodes that are made when a lazy input asks for them."""

    def refuse(self, node: ast.AST, message: str) -> NoReturn:
        raise ScriptSyntaxError(message, span_of(node))

    def _one_more(self) -> None:
        self.compiled += 1
        if self.compiled % EVERY == 0:
            look()

    def expression(self, node: ast.expr) -> Code:
        self._one_more()
        compile_node = self._expressions.get(type(node))
        if compile_node is None:
            self.unknown(node)
        return compile_node(self, node)

    def statement(self, node: ast.stmt) -> Code:
        self._one_more()
        compile_node = self._statements.get(type(node))
        if compile_node is None:
            self.unknown(node)
        return compile_node(self, node)

    def unknown(self, node: ast.AST) -> NoReturn:
        name = type(node).__name__
        self.refuse(node, INSTEAD.get(type(node), f'this kind of Python ({name}) is not available in scripts'))

    def block(self, nodes: list[ast.stmt]) -> Code:
        """Statements one after the other; the first signal (break, continue, return) ends them."""
        codes = [self.statement(node) for node in nodes]
        if len(codes) == 1:
            return codes[0]

        def run(frame: Frame) -> Any:
            for code in codes:
                signal = code(frame)
                if signal is not None:
                    return signal
            return None

        return run

    def name(self, node: ast.AST, name: str) -> str:
        """A name that a script may bind or read."""
        if name.startswith('__'):
            self.refuse(node, f'names that begin with two underscores, such as {name}, are not available in scripts')
        return name

    def load(self, node: ast.AST, name: str) -> Code:
        self.name(node, name)
        depth = self.scope.depth_of(name)
        span = span_of(node)
        if depth is None:
            return _load_global(name, span)
        if depth == 0:
            return _load_local(name, span)
        return _load_outer(name, depth, span)

    def store(self, node: ast.AST, name: str) -> Store:
        """How a value is bound to a name in the scope it belongs to."""
        self.name(node, name)
        depth = self.scope.depth_of(name)
        if depth is None:

            def store_global(frame: Frame, value: Any) -> None:
                frame.m.globals[name] = value

            return store_global
        if depth == 0:

            def store_local(frame: Frame, value: Any) -> None:
                frame.variables[name] = value

            return store_local

        def store_outer(frame: Frame, value: Any) -> None:
            _outer(frame, depth).variables[name] = value

        return store_outer

    def inside(self, scope: NameScope) -> _Inside:
        return _Inside(self, scope)


class _Inside:
    """Compiles what is inside a function or comprehension: `with compiler.inside(scope): …`."""

    def __init__(self, compiler: Compiler, scope: NameScope):
        self.compiler = compiler
        self.scope = scope

    def __enter__(self) -> None:
        self.saved = self.compiler.scope, self.compiler.loops
        self.compiler.scope = self.scope
        self.compiler.loops = 0

    def __exit__(self, *_: object) -> None:
        self.compiler.scope, self.compiler.loops = self.saved


def _outer(frame: Frame, depth: int) -> Frame:
    while depth:
        assert frame.parent is not None
        frame = frame.parent
        depth -= 1
    return frame


def _load_global(name: str, span: Span) -> Code:
    def load(frame: Frame) -> Any:
        m = frame.m
        try:
            return m.globals[name]
        except KeyError:
            m.at = span
        return global_or_builtin(m, name)

    return load


def _load_local(name: str, span: Span) -> Code:
    def load(frame: Frame) -> Any:
        try:
            return frame.variables[name]
        except KeyError:
            frame.m.at = span
        raise UnboundLocalError(f"cannot access local variable '{name}' where it is not associated with a value")

    return load


def _load_outer(name: str, depth: int, span: Span) -> Code:
    def load(frame: Frame) -> Any:
        variables = _outer(frame, depth).variables
        try:
            return variables[name]
        except KeyError:
            frame.m.at = span
        raise NameError(f"cannot access free variable '{name}' where it is not associated with a value")

    return load

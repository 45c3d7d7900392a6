"""The node calls of a script's text, and where in it the value of a node's input stands."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import NamedTuple

from ..graph import Schemas
from ..interpreter.lang.source import parse_tree
from .reading import ReadScript

_Line = tuple[int, str | None]
"""A line and the class type that is called there."""


class TextSpan(NamedTuple):
    """A part of one script: UTF-8 offsets into the whole text."""

    start: int
    end: int


class ScriptCalls:
    """Finds the call that made a node, its arguments, and the literals that these take their values from."""

    def __init__(self, read: ReadScript, schemas: Schemas) -> None:
        self.read = read
        self.content = read.text.encode()
        self._schemas = schemas
        self._tree = parse_tree(read.text)
        self._starts = [0]
        for line in self.content.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def call(self, node: str) -> ast.Call | None:
        """The call that made a node: the only one of its kind on the line, or as many calls as nodes, in order."""
        at = (self.read.lines.get(node, 0), self.read.prompt.nodes[node].class_type)
        calls, nodes = self._calls.get(at, []), self._nodes.get(at, [])
        if len(calls) == 1:
            return calls[0]
        if len(calls) != len(nodes):
            return None
        # Arguments are called before what they are given to.
        ordered = sorted(calls, key=lambda call: (call.end_lineno or 0, call.end_col_offset or 0))
        return ordered[nodes.index(node)]

    def is_made_once(self, node: str) -> bool:
        """Whether the call that made a node made no other."""
        at = (self.read.lines.get(node, 0), self.read.prompt.nodes[node].class_type)
        return len(self._calls.get(at, ())) == len(self._nodes.get(at, ()))

    def argument(self, node: str, name: str) -> ast.expr | None:
        """What the call that made a node gives for an input; None where it says nothing, or hands on `*` or `**`."""
        call = self.call(node)
        if call is None or _is_open(call):
            return None
        schema = self._schemas.find(self.read.prompt.nodes[node].class_type)
        for (_, item), given in zip(schema.parameters if schema else (), call.args):
            if item.name == name:
                return given
        keyword = self.keyword(node, name)
        return next((given.value for given in call.keywords if given.arg == keyword), None)

    def keyword(self, node: str, name: str) -> str:
        """The keyword by which a call gives an input."""
        schema = self._schemas.find(self.read.prompt.nodes[node].class_type)
        items = (item for _, item in (schema.parameters if schema else ()))
        return next((item.python_name for item in items if item.name == name), name.replace('.', '__'))

    def end_of_arguments(self, node: str) -> TextSpan | None:
        """Where the call that made a node takes one more keyword after its last argument."""
        call = self.call(node)
        if call is None or _is_open(call) or not (call.args or call.keywords):
            return None
        end = self.span(call).end - 1
        return None if self.content[:end].rstrip().endswith(b',') else TextSpan(end, end)

    def literal(self, value: ast.expr) -> ast.expr | None:
        """The literal that an argument is, or that its variable was given, once and at the top."""
        if isinstance(value, ast.Name):
            values = self._variables.get(value.id, [])
            # Stored once, and that by an assignment at the top.
            if len(values) != 2 or values[1] is None or isinstance(values[1], ast.Name):
                return None
            return self.literal(values[1])
        inner = value.operand if isinstance(value, ast.UnaryOp) else value
        return value if isinstance(inner, (ast.Constant, ast.Attribute)) else None

    def literals(self) -> list[ast.expr]:
        """All literals of the script, as far as they are values: numbers with their sign, texts, True, False, None."""
        signed = [node for node in ast.walk(self._tree) if isinstance(node, ast.UnaryOp)]
        inside = {id(node.operand) for node in signed if isinstance(node.operand, ast.Constant)}
        templates = [node for node in ast.walk(self._tree) if isinstance(node, ast.JoinedStr)]
        inside |= {id(part) for template in templates for part in ast.walk(template)}
        plain = [node for node in ast.walk(self._tree) if isinstance(node, ast.Constant) and id(node) not in inside]
        return [*plain, *(node for node in signed if id(node.operand) in inside)]

    def span(self, node: ast.expr) -> TextSpan:
        return TextSpan(
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset),
        )

    def text(self, span: TextSpan) -> str:
        return self.content[span.start : span.end].decode()

    def column(self, line: int, offset: int) -> int:
        """An offset in bytes, as `ast` counts, as a column in characters, from 1."""
        start = self._starts[line - 1]
        return len(self.content[start : start + offset].decode()) + 1

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    @cached_property
    def _calls(self) -> dict[_Line, list[ast.Call]]:
        found: dict[_Line, list[ast.Call]] = {}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                class_type = self._class_type(node.func)
                if class_type is not None:
                    found.setdefault((node.lineno, class_type), []).append(node)
        return found

    def _class_type(self, function: ast.expr) -> str | None:
        """Of `KSampler` and of `node['KSampler']`."""
        if isinstance(function, ast.Name):
            return self._schemas.names.class_type_of(function.id)
        if isinstance(function, ast.Subscript) and isinstance(function.slice, ast.Constant):
            return function.slice.value if isinstance(function.slice.value, str) else None
        return None

    @cached_property
    def _nodes(self) -> dict[_Line, list[str]]:
        found: dict[_Line, list[str]] = {}
        for key, node in self.read.prompt.nodes.items():
            found.setdefault((self.read.lines.get(key, 0), node.class_type), []).append(key)
        return found

    @cached_property
    def _variables(self) -> dict[str, list[ast.expr | None]]:
        """Variable → None for each place where it gets a value, and the values of assignments at the top."""
        found: dict[str, list[ast.expr | None]] = {}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.setdefault(node.id, []).append(None)
            elif isinstance(node, ast.arg):
                found.setdefault(node.arg, []).append(None)
        for node in self._tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id].append(node.value)
        return found


def _is_open(call: ast.Call) -> bool:
    """Whether a call hands on arguments that its text does not name."""
    return any(isinstance(arg, ast.Starred) for arg in call.args) or any(one.arg is None for one in call.keywords)

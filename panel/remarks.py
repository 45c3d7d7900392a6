"""What is to be noticed of the values that Apply would set."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

from ..graph import InputKind, InputSchema, Prompt, Schemas, near_misses
from ..graph.types import NUMBER_TYPES
from ..interpreter.lang.source import parse_tree
from .match import Edit


class Remarks(NamedTuple):
    """`errors`: fields cannot hold these values. `warnings`: they can, but ComfyUI would not run them now."""

    errors: list[dict[str, Any]]
    warnings: list[dict[str, Any]]


def remarks(edits: Iterable[Edit], script: str, graph: Prompt, schemas: Schemas) -> Remarks:
    """Only of values that change: what the graph holds already is not the script's fault."""
    edits = list(edits)
    types = {key: node.class_type for key, node in graph.nodes.items()}
    types |= {edit.node: edit.class_type for edit in edits if edit.op == 'add'}
    calls = _Calls(script)
    found = Remarks([], [])
    for edit in edits:
        schema = schemas.find(types.get(edit.node)) if edit.op == 'set' else None
        item = schema.input(edit.input or '') if schema else None
        if item is None:
            continue
        if _is_no_number(item, edit.value):
            message = f'{item.python_name} takes a number, not {edit.value!r:.80}'
            found.errors.append(calls.place(edit) | {'message': message})
        elif refused := _out_of_range(item, edit.value) or _no_choice(item, edit.value):
            found.warnings.append(calls.place(edit) | {'message': f'{item.python_name} {refused}'})
    return found


class _Calls:
    """The calls of a script, read once there is something to say of one."""

    def __init__(self, script: str) -> None:
        self._script = script

    @cached_property
    def _by_line(self) -> dict[int, list[ast.Call]]:
        found: dict[int, list[ast.Call]] = {}
        for node in ast.walk(parse_tree(self._script)):
            if isinstance(node, ast.Call):
                found.setdefault(node.lineno, []).append(node)
        return found

    def place(self, edit: Edit) -> dict[str, Any]:
        """Where the value is written in its call, else the line of the call."""
        line = edit.line or 1
        for call in self._by_line.get(line, ()):
            for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                if isinstance(given, ast.Constant) and given.value == edit.value and given.lineno == given.end_lineno:
                    column, end = (self._column(given.lineno, at) for at in (given.col_offset, given.end_col_offset))
                    return {'line': given.lineno, 'column': column, 'endColumn': end}
        return {'line': line, 'column': 1}

    def _column(self, line: int, offset: int | None) -> int:
        """`ast` counts bytes."""
        return len(self._script.split('\n')[line - 1].encode('utf-8')[:offset].decode('utf-8')) + 1


def _is_no_number(item: InputSchema, value: Any) -> bool:
    return item.type in NUMBER_TYPES and _number(value) is None


def _out_of_range(item: InputSchema, value: Any) -> str:
    number = _number(value) if item.type in NUMBER_TYPES else None
    least, most = _number(item.minimum), _number(item.maximum)
    if number is not None and least is not None and number < least:
        return f'is {least} at least'
    return f'is {most} at most' if number is not None and most is not None and number > most else ''


def _number(value: Any) -> float | None:
    if isinstance(value, (int, float)):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _no_choice(item: InputSchema, value: Any) -> str:
    """Only of texts, and where the server says all choices: others are fetched by the page, or any file will do."""
    choices = [choice for choice in item.choices or () if isinstance(choice, str)]
    if item.kind is not InputKind.COMBO or not isinstance(value, str) or not choices or value in choices:
        return ''
    if any(name == 'remote' or name.endswith('_upload') for name in item.options):
        return ''
    return f'has no choice {value!r:.80}{near_misses(value, choices)}'

"""What is to be noticed of the values that Apply would set."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, NamedTuple

from ...graph import InputKind, InputSchema, Prompt, Schemas, near_misses
from ...runtime.script.source import parse_tree
from ..match import Edit


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
        elif _is_no_choice(item, edit.value):
            hint = near_misses(edit.value, [choice for choice in item.choices or () if isinstance(choice, str)])
            message = f'{item.python_name} has no choice {edit.value!r:.80}{hint}'
            found.warnings.append(calls.place(edit) | {'message': message})
    return found


class _Calls:
    """The calls of a script, by the line where they begin."""

    def __init__(self, script: str) -> None:
        self._lines = script.split('\n')
        self._calls: dict[int, list[ast.Call]] = {}
        for node in ast.walk(parse_tree(script)):
            if isinstance(node, ast.Call):
                self._calls.setdefault(node.lineno, []).append(node)

    def place(self, edit: Edit) -> dict[str, Any]:
        """Where the value is written in its call, else the line of the call."""
        line = edit.line or 1
        for call in self._calls.get(line, ()):
            for given in (*call.args, *(keyword.value for keyword in call.keywords)):
                if isinstance(given, ast.Constant) and given.value == edit.value and given.lineno == given.end_lineno:
                    column, end = (self._column(given.lineno, at) for at in (given.col_offset, given.end_col_offset))
                    return {'line': given.lineno, 'column': column, 'endColumn': end}
        return {'line': line, 'column': 1}

    def _column(self, line: int, offset: int | None) -> int:
        """`ast` counts bytes."""
        return len(self._lines[line - 1].encode('utf-8')[:offset].decode('utf-8')) + 1


def _is_no_number(item: InputSchema, value: Any) -> bool:
    if item.type not in ('INT', 'FLOAT'):
        return False
    try:
        float(value)
    except (TypeError, ValueError):
        return True
    return False


def _is_no_choice(item: InputSchema, value: Any) -> bool:
    """Only texts, and only where the server says all choices: others are fetched by the page, or any file will do."""
    return (
        item.kind is InputKind.COMBO
        and bool(item.choices)
        and isinstance(value, str)
        and value not in (item.choices or ())
        and not any(name == 'remote' or name.endswith('_upload') for name in item.options)
    )

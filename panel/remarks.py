"""What is to be noticed of the values that Apply would set, and of the links that it would make."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..graph import InputKind, InputSchema, Prompt, Schemas, near_misses
from ..graph.types import NUMBER_TYPES
from .edits import Edit
from .reading import ReadScript
from .script_calls import ScriptCalls


class Remarks(NamedTuple):
    """`errors`: fields cannot hold these values. `warnings`: they can, but ComfyUI would not run them now."""

    errors: list[dict[str, Any]]
    warnings: list[dict[str, Any]]


def remarks(edits: Iterable[Edit], wanted: ReadScript, graph: Prompt, schemas: Schemas) -> Remarks:
    """Only of values that change: what the graph holds already is not the script's fault."""
    edits = list(edits)
    types = {key: node.class_type for key, node in graph.nodes.items()}
    types |= {edit.node: edit.class_type for edit in edits if edit.op == 'add'}
    places = _Places(wanted, schemas)
    found = Remarks([], [])
    for edit in edits:
        schema = schemas.find(types.get(edit.node)) if edit.op in ('set', 'connect') else None
        item = schema.input(edit.input or '') if schema else None
        if item is None:
            continue
        if edit.source is not None:
            given = _type_of(types.get(edit.source[0]), edit.source[1], schemas)
            if not _can_be_linked(given, item):
                message = f'{item.python_name} takes {item.type}, not {given}'
                found.warnings.append(places.of(edit) | {'message': message})
            continue
        if _is_no_number(item, edit.value):
            message = f'{item.python_name} takes a number, not {edit.value!r:.80}'
            found.errors.append(places.of(edit) | {'message': message})
        elif refused := _out_of_range(item, edit.value) or _no_choice(item, edit.value):
            found.warnings.append(places.of(edit) | {'message': f'{item.python_name} {refused}'})
    return found


class _Places:
    """Where in the script an edit comes from; its calls are read once there is something to say of one."""

    def __init__(self, wanted: ReadScript, schemas: Schemas) -> None:
        self._wanted = wanted
        self._schemas = schemas
        self._calls: ScriptCalls | None = None

    def of(self, edit: Edit) -> dict[str, Any]:
        """Where the value is written in its call, else the line of the call."""
        argument = self._argument(edit)
        if argument is None or argument.lineno != argument.end_lineno or self._calls is None:
            return {'line': (argument.lineno if argument else edit.line) or 1, 'column': 1}
        line = argument.lineno
        column, end = (self._calls.column(line, at or 0) for at in (argument.col_offset, argument.end_col_offset))
        return {'line': line, 'column': column, 'endColumn': end}

    def _argument(self, edit: Edit) -> ast.expr | None:
        if edit.key is None or edit.input is None:
            return None
        if self._calls is None:
            self._calls = ScriptCalls(self._wanted, self._schemas)
        return self._calls.argument(edit.key, edit.input)


def _type_of(class_type: str | None, slot: int, schemas: Schemas) -> str | None:
    """Of a node's output; None where it is not known."""
    schema = schemas.find(class_type)
    return schema.outputs[slot].type if schema and slot < len(schema.outputs) else None


def _can_be_linked(given: str | None, item: InputSchema) -> bool:
    """As ComfyUI decides it (`comfy_execution/validation.py: validate_node_input`), where both types are plain."""
    if given is None or item.kind is not InputKind.PLAIN or not isinstance(item.type, str):
        return True
    sides = [{part.strip() for part in side.split(',')} for side in (given, item.type)]
    return any(map(_is_open, (*sides[0], *sides[1]))) or bool(sides[0] & sides[1])


def _is_open(type_: str) -> bool:
    """Whether a type says nothing: anything goes into and out of `*`, combos are lists in some packs and names in
    others, and what `COMFY_MATCHTYPE_V3` and its like stand for depends on what else is linked."""
    return type_ in ('*', 'COMBO', '') or type_.startswith('COMFY_')


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

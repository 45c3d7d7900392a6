"""Where in a script's text what is to be said of a value is marked."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ..graph import Schemas
from .reading import ReadScript
from .script_calls import ScriptCalls


class ArgumentPlaces:
    """Where in a script the values of its nodes are given; its calls are read once there is something to say of one."""

    def __init__(self, read: ReadScript, schemas: Schemas) -> None:
        self._read = read
        self._schemas = schemas

    @cached_property
    def _calls(self) -> ScriptCalls:
        return ScriptCalls(self._read, self._schemas)

    def of(self, node: str | None, name: str | None, line: int | None) -> dict[str, Any]:
        """Where the value of an input is written in its call, else the line of the call."""
        given = self._calls.argument(node, name) if node is not None and name is not None else None
        if given is None or given.lineno != given.end_lineno:
            return {'line': (given.lineno if given else line) or 1, 'column': 1}
        column, end = (self._calls.column(given.lineno, at or 0) for at in (given.col_offset, given.end_col_offset))
        return {'line': given.lineno, 'column': column, 'endColumn': end}

"""Script → prompt, by the interpreter: virtual mode, bounded, nothing executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..graph import ComfyScriptError, Prompt, Schemas, to_variable_name
from ..interpreter.lang.source import parse_tree

MAX_TEXT = 2 * 1024 * 1024
MAX_ERRORS = 50
DRAWS = 3
"""How often a script that draws numbers is read to see which: two draws can be the same."""
MAX_PRINTED = 2000
"""Characters of one line."""


@dataclass(frozen=True)
class ReadScript:
    """A script's text and the prompt that it builds."""

    text: str
    prompt: Prompt
    lines: Mapping[str, int] = field(default_factory=dict)
    """Node id → 1-based line of the call that made it."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Node id → the variable's name as a title, where it tells more than the type."""
    callers: Mapping[str, tuple[tuple[str, int, int], ...]] = field(default_factory=dict)
    """Node id → the functions of the script that it was called in, outermost first: name, and line and column of the
    call."""
    printed: Mapping[int, str] = field(default_factory=dict)
    """Line → what was printed there."""
    drawn: frozenset[tuple[str, str]] = frozenset()
    """The inputs (node id, input) that are another each time: a graph that holds one draw is what the script says."""
    workflow: Callable[[], dict[str, Any]] = dict
    """The same as a laid out graph."""


class ScriptRefused(ComfyScriptError):
    """The script cannot be read; `errors` are `{line, column, message}`, 1-based."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors[0]['message'] if errors else 'the script cannot be read')
        self.errors = errors


def read_script(text: str, schemas: Schemas) -> ReadScript:
    """Raises ScriptRefused with the line and the reason of each error."""
    from ..interpreter import script_to_prompt

    if len(text) > MAX_TEXT:
        raise ScriptRefused([_error(1, 1, f'the script is longer than {MAX_TEXT // 1024 // 1024} MB')])
    try:
        read = script_to_prompt(text, schemas)
    except ComfyScriptError as error:
        raise ScriptRefused([_at_keyword(one, text) for one in errors_of(error)[:MAX_ERRORS]]) from error
    prompt = Prompt.parse(read.prompt)
    titles, printed = _titles(prompt, read.names, schemas), _by_line(read.printed)
    drawn = _drawn(text, prompt, schemas) if 'random' in text else frozenset()
    return ReadScript(text, prompt, read.lines, titles, read.callers, printed, drawn, read.built.workflow)


def _drawn(text: str, prompt: Prompt, schemas: Schemas) -> frozenset[tuple[str, str]]:
    from ..interpreter import script_to_prompt

    found: set[tuple[str, str]] = set()
    for _ in range(DRAWS):
        other = Prompt.parse(script_to_prompt(text, schemas).prompt).nodes
        for key, node in prompt.nodes.items():
            inputs = other[key].inputs if key in other else {}
            found |= {(key, name) for name, value in node.inputs.items() if inputs.get(name) != value}
    return frozenset(found)


def _by_line(printed: Iterable[tuple[int, str]]) -> dict[int, str]:
    found: dict[int, str] = {}
    for line, text in printed:
        found[line] = (found.get(line, '') + text)[:MAX_PRINTED]
    return found


def _titles(prompt: Prompt, names: Mapping[str, tuple[str, ...]], schemas: Schemas) -> dict[str, str]:
    titles: dict[str, str] = {}
    for key, variables in names.items():
        schema = schemas.find(prompt.nodes[key].class_type)
        if len(variables) != 1 or schema is None or not schema.outputs:
            continue
        usual = {to_variable_name(schema.outputs[0].type), to_variable_name(schema.outputs[0].name or '_')}
        plain = re.sub(r'\d+$', '', variables[0])
        if plain not in usual and plain != '_':
            titles[key] = variables[0].replace('_', ' ').strip().capitalize()
    return titles


def errors_of(error: Exception) -> list[dict[str, Any]]:
    """An error with a place as the panel shows it."""
    line = getattr(error, 'line', None) or 1
    column = getattr(error, 'column', None) or 1
    found = _error(line, column, getattr(error, 'message', None) or str(error))
    end = getattr(error, 'end_column', None)
    return [found | ({'endColumn': end} if end else {})]


_KEYWORD = re.compile(r"has no input '(\w+)'|input '(\w+)' was given twice")


def _at_keyword(error: dict[str, Any], text: str) -> dict[str, Any]:
    """An error of a call's keyword where the keyword stands."""
    found = _KEYWORD.search(error['message'])
    if found is None:
        return error
    name = found[1] or found[2]
    for node in ast.walk(parse_tree(text)):
        if isinstance(node, ast.Call) and node.lineno == error['line'] and _column(text, node) == error['column']:
            for given in node.keywords:
                if given.arg == name:
                    column = _column(text, given)
                    return error | {'line': given.lineno, 'column': column, 'endColumn': column + len(name)}
    return error


def _column(text: str, node: ast.Call | ast.keyword) -> int:
    """`ast` counts bytes, from 0."""
    return len(text.split('\n')[node.lineno - 1].encode()[: node.col_offset].decode()) + 1


def _error(line: int, column: int, message: str) -> dict[str, Any]:
    return {'line': line, 'column': column, 'message': message}

"""A script as a file that Python runs as it is."""

from __future__ import annotations

import ast

from ..interpreter.lang.source import parse_source
from .strings import lines_inside_strings

_HEAD = """from comfy_script.runtime import *
load()
from comfy_script.runtime.nodes import *
"""


def as_file(text: str) -> str:
    """The script in a `with Workflow():`, functions and imports before it; as it is where it already loads the runtime.

    Raises ScriptSyntaxError, ScriptLimit.
    """
    tree = parse_source(text)
    if 'comfy_script' in text and any(isinstance(statement, (ast.Import, ast.ImportFrom)) for statement in tree.body):
        return text
    lines = text.split('\n')
    outside = _lines_of(tree, (ast.FunctionDef, ast.Import, ast.ImportFrom))
    inside_strings = lines_inside_strings(tree)
    before = [line for number, line in enumerate(lines, 1) if number in outside]
    body = [
        line if number in inside_strings or not line.strip() else f'    {line}'
        for number, line in enumerate(lines, 1)
        if number not in outside
    ]
    head = _HEAD + ('\n' + '\n'.join(before).strip('\n') + '\n' if before else '')
    block = '\n'.join(body).strip('\n') or '    pass'
    return f'{head}\nwith Workflow():\n{block}\n'


def _lines_of(tree: ast.Module, kinds: tuple[type[ast.stmt], ...]) -> set[int]:
    found: set[int] = set()
    for statement in tree.body:
        if isinstance(statement, kinds):
            found.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    return found

"""The script of a selection, with stand-ins for its edge, as the text of one ComfyScript node."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from ..interpreter.lang.source import parse_tree
from .errors import RequestError
from .selection import SINK, SOURCE, Port
from .strings import lines_inside_strings


class SelectionText:
    """A written script that statements can be taken out of, by line."""

    def __init__(self, text: str) -> None:
        self._lines = text.split('\n')
        self._tree = parse_tree(text)

    def take_source(self, number: int) -> str:
        """The variable that holds the stand-in's output; its statement goes."""
        for statement in self._tree.body:
            if isinstance(statement, ast.Assign) and _raw_call(statement.value) == f'{SOURCE}{number}':
                self._remove(statement)
                return ast.unparse(statement.targets[0]).split(',')[0].strip('()')
        raise RequestError('the selection cannot be written as a script: an input has no variable', 422)

    def take_sink(self, count: int) -> list[str]:
        """The expressions that leave the selection; their statement goes."""
        if not count:
            return []
        for statement in self._tree.body:
            call = getattr(statement, 'value', None)
            if isinstance(call, ast.Call) and _raw_call(call) == SINK:
                self._remove(statement)
                given = _keywords(call)
                return [given[f'value{number}'] for number in range(count)]
        raise RequestError('the selection cannot be written as a script: its results have no variable', 422)

    def definitions(self) -> str:
        """Its functions."""
        return '\n'.join(self._lines[number - 1] for number in sorted(self._functions())).strip('\n')

    def block(self) -> list[str]:
        """All else as it stands in a function: indented, but for what is inside of texts, and with single gaps."""
        functions, inside = self._functions(), lines_inside_strings(self._tree)
        found: list[str] = []
        for number, line in enumerate(self._lines, 1):
            if number in functions:
                continue
            if number in inside:
                found.append(line)
            elif line.strip():
                found.append(f'    {line}')
            elif found and found[-1]:
                found.append('')
        while found and not found[-1]:
            found.pop()
        return found

    def _functions(self) -> set[int]:
        found: set[int] = set()
        for statement in self._tree.body:
            if isinstance(statement, ast.FunctionDef):
                found.update(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
        return found

    def _remove(self, statement: ast.stmt) -> None:
        for number in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1):
            self._lines[number - 1] = ''


def _raw_call(call: ast.expr) -> str | None:
    """'x' of `node['x'](…)`."""
    while isinstance(call, ast.Subscript) and isinstance(call.value, ast.Call):
        call = call.value
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Subscript):
        key = call.func.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value
    return None


def _keywords(call: ast.Call) -> dict[str, str]:
    found: dict[str, str] = {}
    for keyword in call.keywords:
        if keyword.arg == '_inputs' and isinstance(keyword.value, ast.Dict):
            for key, value in zip(keyword.value.keys, keyword.value.values):
                if isinstance(key, ast.Constant):
                    found[str(key.value)] = ast.unparse(value)
        elif keyword.arg:
            found[keyword.arg] = ast.unparse(keyword.value)
    return found


def node_text(body: SelectionText, inputs: Iterable[tuple[str, Port]], results: list[str], outputs: list[Port]) -> str:
    """`def main(…)` around the statements, after the functions that they call."""
    definitions = body.definitions()
    listed = [f'{name}: {port.annotation}' for name, port in inputs]
    parameters = ', '.join(listed)
    if len(parameters) > 70:
        parameters = ''.join(f'\n    {one},' for one in listed) + '\n'
    gives = [port.annotation for port in outputs]
    returns = ''
    if gives:
        returns = f' -> {gives[0]}' if len(gives) == 1 else f' -> tuple[{", ".join(gives)}]'
    lines = body.block()
    if results:
        lines.append('    return ' + ', '.join(results))
    block = '\n'.join(lines or ['    pass'])
    head = f'{definitions}\n\n\n' if definitions else ''
    return f'{head}def main({parameters}){returns}:\n{block}\n'

"""The layout: imports go down only, and no two files import each other, also inside functions and for types alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from comfy_script.tests.lab.paths import ROOT

BELOW_REAL = {'runtime.calls', 'runtime.wire', 'comfyui', 'graph'}
INTERPRETER = {'interpreter', 'interpreter.lang'}
RUNTIME = {'runtime', 'runtime.client', 'runtime.real'} | BELOW_REAL

MAY_IMPORT: dict[str, set[str]] = {
    'graph': set(),
    'comfyui': {'graph'},
    'runtime.wire': {'comfyui', 'graph'},
    'runtime.calls': {'runtime.wire', 'comfyui', 'graph'},
    'runtime.client': BELOW_REAL,
    'runtime.real': BELOW_REAL,
    'runtime': RUNTIME | {'transpiler'},
    'runtime.cluster': RUNTIME | {'interpreter', 'interpreter.lang', 'nodes', 'transpiler'},
    'interpreter.lang': {'graph'},
    'interpreter': {'interpreter.lang'} | BELOW_REAL,
    'transpiler': {'graph'},
    'panel': {'transpiler', 'graph'} | INTERPRETER,
    'nodes': RUNTIME | INTERPRETER,
    'host': {'panel', 'nodes', 'transpiler', 'comfyui', 'graph'} | INTERPRETER,
    'ui': RUNTIME | {'transpiler'},
    'agents': RUNTIME | INTERPRETER | {'panel', 'transpiler'},
    'client': RUNTIME,
}
"""Room by room, what else it may import. A folder that is not named belongs to the one around it."""

NOT_YET: set[str] = set()
"""What does not keep to it yet, as `importer>imported`. It may only shrink."""


class Import(NamedTuple):
    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f'{self.importer}>{self.imported}'


def modules() -> dict[str, Path]:
    """Every module of the floors by its dotted name, without `comfy_script`."""
    found: dict[str, Path] = {}
    for floor in {room.partition('.')[0] for room in MAY_IMPORT}:
        for file in (ROOT / floor).rglob('*.py'):
            parts = file.relative_to(ROOT).with_suffix('').parts
            found['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = file
    return found


def imports(known: dict[str, Path]) -> Iterator[Import]:
    for name, file in known.items():
        package = name if file.name == '__init__.py' else name.rpartition('.')[0]
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ImportFrom) and node.level:
                above = package.split('.')[: len(package.split('.')) - node.level + 1]
                base = '.'.join([*above, *filter(None, [node.module])])
                for alias in node.names:
                    whole = f'{base}.{alias.name}'.lstrip('.')
                    target = whole if whole in known else base
                    if target in known and target != name:
                        yield Import(name, target, node.lineno)
            elif isinstance(node, ast.ImportFrom) and (node.module or '').partition('.')[0] == 'comfy_script':
                raise AssertionError(f'{file.relative_to(ROOT)}:{node.lineno}: inside the package imports are relative')


def room_of(module: str) -> str:
    room = module
    while room not in MAY_IMPORT:
        room = room.rpartition('.')[0]
        assert room, f'{module} belongs to no room'
    return room


def is_facade(module: str, known: dict[str, Path]) -> bool:
    """A folder's `__init__.py`: its table of contents, which names what lies in it."""
    return known[module].name == '__init__.py'


def goes_up(step: Import) -> bool:
    importer, imported = room_of(step.importer), room_of(step.imported)
    return imported != importer and imported not in MAY_IMPORT[importer]


def circles(steps: set[tuple[str, str]]) -> list[list[str]]:
    """The sets of modules that reach each other (Tarjan's algorithm)."""
    after: dict[str, list[str]] = {}
    for importer, imported in sorted(steps):
        after.setdefault(importer, []).append(imported)
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for target in after.get(module, ()):
            if target not in order:
                visit(target)
            if target in path:
                lowest[module] = min(lowest[module], lowest[target])
        if lowest[module] == order[module]:
            members = path[path.index(module) :]
            del path[path.index(module) :]
            if len(members) > 1:
                found.append(sorted(members))

    for module in list(after):
        if module not in order:
            visit(module)
    return found


def test_imports_go_down_only():
    known = modules()
    wrong = {str(step): step.line for step in imports(known) if goes_up(step)}

    assert {step: line for step, line in wrong.items() if step not in NOT_YET} == {}


def test_no_circle():
    known = modules()
    steps = {
        (step.importer, step.imported)
        for step in imports(known)
        # A folder's table of contents names its files for whoever comes from outside.
        if str(step) not in NOT_YET and not is_facade(step.importer, known)
    }

    assert circles(steps) == []


def test_what_is_not_yet_is_still_so():
    """An exception that nothing needs any more goes."""
    known = modules()
    steps = {str(step) for step in imports(known)}

    assert sorted(NOT_YET - steps) == []

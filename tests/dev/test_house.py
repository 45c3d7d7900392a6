"""The house stays one in which a thing is found: files that can be read whole, one name for one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from comfy_script.tests.dev.test_layers import modules
from comfy_script.tests.lab.paths import ROOT

MOST_LINES = 500
MOST_METHODS = 25
DATA_TABLES: set[str] = set()
"""Files that are longer because they are data."""

SHARED_NAMES = {'__init__.py', '__main__.py', 'errors.py', 'node.py', 'nodes.py', 'run.py', 'util.py', 'workflow.py'}
"""File names that more than one folder has: tables of contents, errors, and public paths, also of comfy-script 0.6."""

SHARED_CLASSES = {'Workflow'}
"""The specification has a `Workflow` in virtual and in real mode."""


def files() -> list[Path]:
    return [*modules().values(), *(ROOT / name for name in ('__init__.py', '__main__.py', 'transpile.py'))]


def classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    for file in files():
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ClassDef):
                yield file.relative_to(ROOT), node


def test_files_can_be_read_whole():
    lengths = {
        file.relative_to(ROOT).as_posix(): len(file.read_text(encoding='utf-8').splitlines()) for file in files()
    }
    assert {name: count for name, count in lengths.items() if count > MOST_LINES and name not in DATA_TABLES} == {}


def test_classes_do_one_thing():
    many: dict[str, int] = {}
    for file, node in classes():
        count = sum(isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) for child in node.body)
        if count > MOST_METHODS:
            many[f'{file.as_posix()}: {node.name}'] = count
    assert many == {}


def test_a_file_name_says_which_file():
    places: dict[str, list[str]] = defaultdict(list)
    for file in files():
        if file.name not in SHARED_NAMES:
            places[file.name].append(file.relative_to(ROOT).as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_class_name_says_which_class():
    places: dict[str, list[str]] = defaultdict(list)
    for file, node in classes():
        if not node.name.startswith('_') and node.name not in SHARED_CLASSES:
            places[node.name].append(file.as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1} == {}

"""Only `comfyui/loaded.py` looks for modules that somebody else imported."""

from __future__ import annotations

import ast
from pathlib import Path

from comfy_script.tests.lab.paths import ROOT

ALLOWED = {
    'comfyui/loaded.py',
    # They make the folder the package `comfy_script`.
    '__init__.py',
    '__main__.py',
    'host/reading/child.py',
    # The interpreter knows nothing of ComfyUI; it takes PyTorch where it is.
    'interpreter/lang/kinds.py',
    # Modules that are an object, or are called: they name themselves.
    'runtime/node.py',
    'runtime/run.py',
}
NOT_THE_PRODUCT = {'tests', 'tools', 'docs'}


def readers() -> set[str]:
    found = set()
    for file in ROOT.rglob('*.py'):
        path = file.relative_to(ROOT)
        if path.parts[0] not in NOT_THE_PRODUCT and not path.parts[0].startswith('.') and reads(file):
            found.add(path.as_posix())
    return found


def reads(file: Path) -> bool:
    """Whether a file has `sys.modules`, or takes `modules` from `sys`."""
    for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Attribute) and node.attr == 'modules':
            if isinstance(node.value, ast.Name) and node.value.id == 'sys':
                return True
        elif isinstance(node, ast.ImportFrom) and node.module == 'sys' and 'modules' in {n.name for n in node.names}:
            return True
    return False


def test_one_file_looks_for_modules_of_others():
    assert readers() == ALLOWED

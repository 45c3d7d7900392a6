"""The drawing of the error tree on top of `graph/errors.py` is the tree that the code has."""

from __future__ import annotations

import ast
import re

from comfy_script.tests.dev.test_layers import modules
from comfy_script.tests.lab.paths import ROOT


def drawn() -> dict[str, str]:
    """Error → the one above it, by the drawing's indentation."""
    text = ast.get_docstring(ast.parse((ROOT / 'graph' / 'errors.py').read_text(encoding='utf-8')), clean=False) or ''
    found: dict[str, str] = {}
    above = ['ComfyScriptError']
    for line in text.splitlines():
        match = re.match(r' {4}((?:│   |    )*)[├└]── (.*)', line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        names = re.findall(r'[A-Z]\w+(?:Error|Denied|Limit|Failed|Refused)\b', match[2].partition('  ')[0])
        names = [name for name in names if f'({name})' not in match[2]]
        del above[depth + 1 :]
        found.update(dict.fromkeys(names, above[depth]))
        above.append(names[0])
    return found


def written() -> dict[str, str]:
    bases: dict[str, list[str]] = {}
    for file in modules().values():
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith('_'):
                bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]
    ours = {'ComfyScriptError'}
    while more := {name for name, above in bases.items() if name not in ours and ours & set(above)}:
        ours |= more
    return {name: next(base for base in bases[name] if base in ours) for name in ours - {'ComfyScriptError'}}


def test_the_drawing_is_the_tree():
    assert drawn() == written()

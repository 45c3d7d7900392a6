"""What makes a script run again though nothing that goes into it has changed."""

from __future__ import annotations

import ast
from typing import Any

from ...comfyui.loaded import nodes_module
from ...interpreter import ScriptError
from ...interpreter.lang.looks import walk
from ...interpreter.lang.source import parse_source
from .by_text import ByText
from .checked_scripts import known_tree
from .comfyui import known_schemas

MOST_CHARACTERS = 1_000_000
"""Of all texts whose answers are kept."""

_known: ByText[tuple[frozenset[str], bool]] = ByText(MOST_CHARACTERS)


def _uses(text: str) -> tuple[frozenset[str], bool]:
    """What is kept of a text, or read now."""
    found = _known.get(text)
    return _known.keep(text, _read_uses(text)) if found is None else found


def _read_uses(text: str) -> tuple[frozenset[str], bool]:
    """Names a script reads, and whether it draws or asks for the time without a seed."""
    try:
        # ComfyUI asks this of nodes that failed its validation too: the text may be of any size and depth.
        tree = known_tree(text) or parse_source(text)
    except ScriptError:
        return frozenset(), True
    names: set[str] = set()
    attributes: set[str] = set()
    imported: set[str] = set()
    seeded = False
    for node in walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            attributes.add(node.attr)
        elif isinstance(node, ast.Import):
            imported |= {item.name.split('.')[0] for item in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split('.')[0])
            attributes |= {item.name for item in node.names}
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            names.add(str(node.slice.value))
        if isinstance(node, ast.Call) and node.args:
            called = node.func
            name = getattr(called, 'attr', None) or getattr(called, 'id', '')
            seeded = seeded or name in ('seed', 'Random', 'manual_seed')
    draws = 'random' in imported or ('torch' in imported and bool(attributes & _DRAWING))
    tells_time = 'time' in imported or ('datetime' in imported and bool(attributes & {'now', 'today'}))
    return frozenset(names), tells_time or (draws and not seeded)


_DRAWING = {'rand', 'randn', 'randint', 'randperm', 'rand_like', 'randn_like', 'bernoulli'}


def may_change(text: str) -> bool:
    """Whether a script may give something else for the same inputs: it draws or tells the time, or calls a node that
    says for itself if it has to run again. Its inner nodes are cached, so running it again costs what changed."""
    names, changes = _uses(text)
    if changes:
        return True
    schemas = known_schemas()
    classes = nodes_module().NODE_CLASS_MAPPINGS
    for name in names:
        class_type = name if name in classes else schemas.names.class_type_of(name)
        node_class = classes.get(class_type) if class_type else None
        if node_class is not None and _decides_itself(node_class):
            return True
    return False


def _decides_itself(node_class: type) -> bool:
    own: Any = getattr(node_class, 'IS_CHANGED', None) or getattr(node_class, 'fingerprint_inputs', None)
    if own is None:
        return False
    # Every V3 class inherits a fingerprint_inputs that does nothing.
    return not getattr(own, '__module__', '').startswith('comfy_api')

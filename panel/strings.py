"""Where the texts of a script stand: spaces before their lines would become part of them."""

from __future__ import annotations

import ast


def lines_inside_strings(tree: ast.Module) -> set[int]:
    """Lines that begin inside a string."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and isinstance(getattr(node, 'value', ''), (str, bytes)):
            found.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    return found

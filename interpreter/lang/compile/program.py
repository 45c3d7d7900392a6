"""A whole script, compiled."""

from __future__ import annotations

import ast

from .compiler import Code, Compiler
from .expressions import EXPRESSIONS
from .statements import STATEMENTS


def compile_tree(tree: ast.Module, waiting: frozenset[ast.Call] = frozenset()) -> Code:
    """The code of a script; `waiting` are calls of nodes that are made when a lazy input asks for them.

    Raises ScriptSyntaxError.
    """
    if not tree.body:
        return lambda frame: None
    return Compiler(tree, waiting, EXPRESSIONS, STATEMENTS).block(tree.body)

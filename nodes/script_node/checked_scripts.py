"""Scripts as the node reads them: once for each text, though ComfyUI asks for one several times on its way."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ...graph import Schemas
from ...interpreter import CompiledScript, ScriptError, Signature, compile_script, read_signature
from ...interpreter.lang.bounds import Bounds
from .by_text import ByText

MOST_CHARACTERS = 500_000
"""Of all scripts that are kept: as code they take some hundred times as many bytes."""


class CheckedScript(NamedTuple):
    compiled: CompiledScript
    signature: Signature
    bounds: Bounds
    schemas: Schemas
    classes: frozenset[str]
    """Node classes that there were: code depends on which they are, the signature also on their lists of choices."""


_read: ByText[CheckedScript] = ByText(MOST_CHARACTERS)


def known_tree(text: str) -> ast.Module | None:
    """The tree of a text that was read lately: to parse it again takes as long."""
    found = _read.get(text)
    return None if found is None else found.compiled.tree


def checked_script(text: str, bounds: Bounds, schemas: Schemas) -> CheckedScript:
    """A script's code and signature. Raises ScriptError.

    Lists of choices are some seconds old at most. A long script, which takes longer than that to compile, would be
    compiled again each time that it is asked for: its code stays, only its signature is read anew.
    """
    found = _read.get(text)
    if found is not None and found.bounds == bounds and found.schemas is schemas:
        return found
    classes = frozenset(schemas)
    if found is not None and (found.bounds != bounds or found.classes != classes):
        found = None
    compiled = found.compiled if found is not None else compile_script(text, bounds, schemas)
    try:
        signature = read_signature(compiled.tree, schemas)
    except ScriptError as error:
        raise error.locate(compiled.text) from None
    return _read.keep(text, CheckedScript(compiled, signature, bounds, schemas, classes))

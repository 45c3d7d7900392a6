"""Scripts as the node reads them: once for each text, though ComfyUI asks for one several times on its way."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from ...graph import Schemas
from ...interpreter import CompiledScript, ScriptError, Signature, compile_script, read_signature
from ...interpreter.lang.bounds import Bounds

MOST_CHARACTERS = 500_000
"""Of all scripts that are kept: as code they take some hundred times as many bytes."""


class CheckedScript(NamedTuple):
    compiled: CompiledScript
    signature: Signature
    bounds: Bounds
    schemas: Schemas


_read: OrderedDict[str, CheckedScript] = OrderedDict()


def checked_script(text: str, bounds: Bounds, schemas: Schemas) -> CheckedScript:
    """A script's code and signature. Raises ScriptError."""
    found = _read.get(text)
    if found is not None and found.bounds == bounds and found.schemas is schemas:
        return found
    compiled = compile_script(text, bounds, schemas)
    try:
        signature = read_signature(compiled.tree, schemas)
    except ScriptError as error:
        raise error.locate(compiled.text) from None
    found = _read[text] = CheckedScript(compiled, signature, bounds, schemas)
    while len(_read) > 1 and sum(map(len, _read)) > MOST_CHARACTERS:
        _read.popitem(last=False)
    return found

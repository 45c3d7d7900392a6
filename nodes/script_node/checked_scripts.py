"""Scripts as the node reads them: once for each text, though ComfyUI asks for one several times on its way."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from ...graph import Schemas
from ...interpreter import CompiledScript, Signature, compile_script, read_signature
from ...interpreter.lang.bounds import Bounds

MOST = 16
LONGEST = 50_000
"""Characters of a script that is kept: as code it takes some hundred times as many bytes."""


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
    found = CheckedScript(compiled, read_signature(text, schemas), bounds, schemas)
    if len(text) <= LONGEST:
        _read[text] = found
        while len(_read) > MOST:
            _read.popitem(last=False)
    return found

"""Type stubs of a server's nodes: `nodes.pyi`, for editors and type checkers.

Where an input without a default follows one with a default, Python has no single signature for it: such nodes get
overloads, from "all by position" to "the rest by keyword". Combos take any `str`, since model files come and go;
their choices are there for completion. Every node takes `_inputs` and `_outputs`, which scripts of
workflows for another version of it have; an output that the server's version lacks is an error where it is unpacked, as
it is on the server. (An overload for such calls would cost all others their exact messages: "no overloads match".)
"""

from __future__ import annotations

import logging
from pathlib import Path

from ...graph import Schemas
from .enums import Embeddings
from .stub_file import list_for_pip, write
from .stub_modes import REAL, VIRTUAL, StubOptions
from .stub_writer import generate

__all__ = ['REAL', 'VIRTUAL', 'StubOptions', 'generate', 'refresh', 'stub_path', 'write']

log = logging.getLogger('comfy_script')

_FORMAT = 5
_STRICT = ' (strict)'


def stub_path(folder: Path | None = None, options: StubOptions = VIRTUAL) -> Path:
    """Where the stubs go: beside the module, or in a folder of the user's choice."""
    return (folder or Path(__file__).resolve().parents[1]) / f'{options.module}.pyi'


def refresh(
    schemas: Schemas,
    embeddings: Embeddings = (),
    folder: Path | None = None,
    options: StubOptions = VIRTUAL,
    strict: bool | None = None,
) -> Path | None:
    """Writes the stubs if they are out of date. Returns the file, or None where it could not be written.

    `strict`: choices are checked; None leaves it as it is in the file.
    """
    path = stub_path(folder, options)
    names = tuple(embeddings() if callable(embeddings) else embeddings)
    before = _first_line(path)
    options = options._replace(strict=(_STRICT in (before or '')) if strict is None else strict)
    mark = _mark(schemas, names, options)
    if mark is not None and before == mark:
        return path
    for error in schemas.problems().values():
        log.warning('Left out of the type stubs: %s', error)
    first = mark or f'# comfy_script stubs{_strictness(options)}'
    if not write(path, f'{first}\n{generate(schemas, names, options)}'):
        return None
    if folder is None:
        list_for_pip(path)
    return path


def _strictness(options: StubOptions) -> str:
    return _STRICT if options.strict else ''


def _mark(schemas: Schemas, embeddings: tuple[str, ...], options: StubOptions) -> str | None:
    digest = schemas.fingerprint(extra=embeddings)
    return None if digest is None else f'# comfy_script stubs {_FORMAT}{_strictness(options)} {digest}'


def _first_line(path: Path) -> str | None:
    try:
        with path.open(encoding='utf-8') as file:
            return file.readline().rstrip('\n')
    except (OSError, UnicodeDecodeError):
        return None

"""Writing the type stubs: in one step, also while an editor has them open, and pip removes them with the rest."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from pathlib import Path

__all__ = ['list_for_pip', 'write']

log = logging.getLogger('comfy_script')

REPLACE_TRIES = 5
REPLACE_PAUSE = 0.1


def write(path: Path, text: str) -> bool:
    """Replaces a file in one step, unless it has this text already. False where that is not allowed."""
    data = text.encode('utf-8', 'backslashreplace')
    temporary: str | None = None
    try:
        if path.exists() and path.read_bytes() == data:
            return True
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=path.name, suffix='.tmp', dir=path.parent)
        with os.fdopen(handle, 'wb') as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        _replace(temporary, path, data)
        return True
    except OSError as error:
        log.info('The type stubs were not written to %s: %s', path, error)
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        return False


def _replace(temporary: str, path: Path, data: bytes) -> None:
    """Puts the new file there. Raises OSError.

    On Windows a file that somebody has open cannot be replaced, mostly for a moment only. One that stays open can still
    be written, if not in one step.
    """
    for _ in range(REPLACE_TRIES):
        try:
            os.replace(temporary, path)
            return
        except PermissionError:
            time.sleep(REPLACE_PAUSE)
    path.write_bytes(data)
    Path(temporary).unlink(missing_ok=True)


def list_for_pip(path: Path) -> None:
    """Adds a file of the installed package to pip's list of it, so that `pip uninstall` leaves nothing.

    The list is RECORD (packaging.python.org, "Recording installed projects"); a clone or an editable install has none
    that names our files.
    """
    site, inside = _site_of(path)
    if site is None:
        return
    entry = inside.as_posix()
    for record in site.glob('comfyscript-*.dist-info/RECORD'):
        try:
            lines = record.read_text(encoding='utf-8').splitlines()
            if f'{_PACKAGE}/__init__.py' in {line.split(',')[0] for line in lines} and f'{entry},,' not in lines:
                with record.open('a', encoding='utf-8', newline='') as file:
                    file.write(f'{entry},,\n')
        except OSError as error:
            log.debug('%s is not in %s: %s', path, record, error)


_PACKAGE = __name__.partition('.')[0]


def _site_of(path: Path) -> tuple[Path | None, Path]:
    """(the folder that the package lies in, the path from there); (None, path) for a file outside of the package."""
    package = Path(__file__).resolve().parents[2]
    path = path.resolve()
    if package.name != _PACKAGE or package not in path.parents:
        return None, path
    return package.parent, path.relative_to(package.parent)

"""A folder of one process's own: for what a ComfyUI prints and keeps while it runs.

It goes with its owner. One whose owner was killed is removed by the next that is made: a lock tells which those are.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .file_lock import try_lock

PREFIX = 'comfyscript-'
LOCK = '.lock'
UNLOCKED_FOR = 86_400.0
"""Seconds after which a folder without a lock is nobody's: its owner ended while it was made."""


class OwnFolder:
    """A new folder in the system's temporary folder. Raises OSError."""

    def __init__(self) -> None:
        for leftover in leftovers():
            shutil.rmtree(leftover, ignore_errors=True)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._owner = os.getpid()
        self._lock = (self.path / LOCK).open('wb')
        try_lock(self._lock)
        # Only now is it to be seen as locked: there is a moment between making a file and locking it.
        self._lock.write(b'locked')
        self._lock.flush()

    def remove(self) -> None:
        """Remove it with all that is in it; not from a fork of its owner."""
        if self._owner == os.getpid():
            self._lock.close()
            shutil.rmtree(self.path, ignore_errors=True)


def leftovers() -> Iterator[Path]:
    """The folders whose owners are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f'{PREFIX}*'):
        try:
            if _is_left(folder):
                yield folder
        except OSError:
            continue  # somebody else's, or removed meanwhile


def _is_left(folder: Path) -> bool:
    lock = folder / LOCK
    if not lock.is_file() or lock.stat().st_size == 0:
        return folder.is_dir() and time.time() - folder.stat().st_mtime > UNLOCKED_FOR
    file: IO[bytes]
    with lock.open('r+b') as file:
        return try_lock(file)

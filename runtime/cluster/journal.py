"""The folder that results are written to: what is finished in it, and how a result is finished once and whole.

Only the driver writes here. A result's files are written into a folder of their own, which gets its name in one step,
and a line in `journal.jsonl` says that it is finished. A line is on the disk before the next result is taken up.
Whatever ends the driver between two steps, the next run finds either a finished result or one to make again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ...comfyui.file_lock import try_lock
from ..wire.file_names import safe_file_name
from .errors import ClusterError
from .rows import folder_name

JOURNAL = 'journal.jsonl'
PARTIAL = '.partial-'
MAX_KEPT_VALUE = 65_536


@dataclass(frozen=True)
class Done:
    """One row that is finished.

    - `key`: its key, as text.
    - `files`: what it saved, in the folder `out`. Empty where it failed.
    - `value`: what the function returned, or the outputs of a script; of an earlier run only what JSON can hold.
    - `error`: what it ended with, or None.
    - `attempts`: how often it was tried: more than once where workers died.
    - `seconds`: the time that the last attempt took on its worker.
    - `worker`: which worker made it.
    - `earlier`: whether an earlier `map` with the same `out` made it.
    """

    key: str
    files: tuple[Path, ...] = ()
    value: Any = None
    error: Exception | None = None
    attempts: int = 1
    seconds: float = 0.0
    worker: str = ''
    earlier: bool = False


class Journal:
    """The results in a folder. Used with `with`: one process at a time writes to a folder. Raises ClusterError."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._finished: dict[str, Mapping[str, Any]] = {}
        self._lock: IO[bytes] | None = None
        self._lines: IO[bytes] | None = None

    def __enter__(self) -> Journal:
        self.out.mkdir(parents=True, exist_ok=True)
        self._lock = (self.out / '.lock').open('a+b')
        if not try_lock(self._lock):
            self._lock.close()
            self._lock = None
            raise ClusterError(f'Another process writes to {self.out}: wait for its end, or give another `out`.')
        try:
            self._read()
            for leftover in self.out.glob(f'{PARTIAL}*'):
                shutil.rmtree(leftover, ignore_errors=True)
            self._lines = (self.out / JOURNAL).open('ab')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._lines, self._lock):
            if file is not None:
                file.close()
        self._lines = self._lock = None

    def _read(self) -> None:
        """What is finished. A last line that is not whole was being written when its driver ended: it goes."""
        journal = self.out / JOURNAL
        if not journal.exists():
            return
        data = journal.read_bytes()
        whole = data[: data.rfind(b'\n') + 1]
        if len(whole) != len(data):
            with journal.open('r+b') as file:
                file.truncate(len(whole))
        for number, line in enumerate(whole.decode('utf-8').splitlines(), 1):
            try:
                entry = json.loads(line)
                if entry['error'] is None:
                    self._finished[entry['key']] = entry
            except (ValueError, KeyError, TypeError):
                raise ClusterError(f'{journal}, line {number}: no line of a journal. Move the file away.') from None

    def earlier(self, key: str) -> Done | None:
        """The result of an earlier run, as far as its files are still there."""
        entry = self._finished.get(key)
        if entry is None:
            return None
        files = tuple(self.out / name for name in entry['files'])
        if not all(file.is_file() for file in files):
            return None
        return Done(key, files, entry.get('value'), None, entry['attempts'], entry['seconds'], entry['worker'], True)

    def finish(self, done: Done, files: Mapping[str, bytes]) -> Done:
        """Write a result's files, then that it is finished. Gives the result with the paths of its files."""
        folder = self.out / folder_name(done.key)
        if done.error is None:
            self._put(folder, files)
        paths = () if done.error is not None else tuple(folder / name for name in safe_names(files))
        done = Done(done.key, paths, done.value, done.error, done.attempts, done.seconds, done.worker)
        self._note(done)
        return done

    def _put(self, folder: Path, files: Mapping[str, bytes]) -> None:
        if folder.exists():  # finished, but for its line in the journal
            shutil.rmtree(folder)
        if not files:
            return
        partial = self.out / f'{PARTIAL}{folder.name}'
        shutil.rmtree(partial, ignore_errors=True)
        for name, data in zip(safe_names(files), files.values(), strict=True):
            place = partial / name
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open('wb') as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        os.replace(partial, folder)

    def _note(self, done: Done) -> None:
        entry = {
            'key': done.key,
            'files': [path.relative_to(self.out).as_posix() for path in done.files],
            'attempts': done.attempts,
            'seconds': round(done.seconds, 3),
            'worker': done.worker,
            'error': None if done.error is None else str(done.error),
            **_kept_value(done.value),
        }
        assert self._lines is not None, 'a journal is used with `with`'
        self._lines.write(json.dumps(entry, ensure_ascii=False).encode('utf-8', 'surrogatepass') + b'\n')
        self._lines.flush()
        os.fsync(self._lines.fileno())


def _kept_value(value: Any) -> dict[str, Any]:
    """A returned value for the journal, where JSON holds it as it is and it is small."""
    if value is None:
        return {}
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        return {}
    return {'value': value} if len(text) <= MAX_KEPT_VALUE and json.loads(text) == value else {}


def safe_names(names: Mapping[str, Any]) -> Iterator[str]:
    """Relative paths as workers tell them, none of which leads out of the folder."""
    for name in names:
        parts = [part for part in PurePosixPath(name.replace('\\', '/')).parts if part not in ('/', '..', '.')]
        yield '/'.join(map(safe_file_name, parts)) or 'file'

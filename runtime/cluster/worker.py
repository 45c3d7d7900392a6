"""One worker: a process of the cluster that takes a row at a time, and answers with all that it gave and saved."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Mapping
from typing import Any

from ...comfyui.own_folder import OwnFolder
from .engines import Engine, make_engine
from .work import Answer, Failure, Work, WorkerOptions

SHOWN_TRACEBACK = 30
MAX_KEPT = 4 << 30
"""Bytes of files that a worker with a server keeps, because its cache may name them again."""
CANCELLED = Failure('It was cancelled.', 'Cancelled')
_BROKEN = ('AcceleratorError', 'CudaError')


class Worker:
    """The actor. Ray calls `run` one row after another, and `interrupt` and `stop` meanwhile."""

    def __init__(self, options: WorkerOptions) -> None:
        self._folder = OwnFolder()
        self._output = self._folder.path / 'output'
        self._output.mkdir()
        self._works: dict[str, Work] = {}
        self._cancelled = ''
        self._engine: Engine = make_engine(options, self._folder.path)
        self._engine.start()

    def ready(self) -> tuple[str, int]:
        """The name of the machine, and the process."""
        import platform

        return platform.node(), os.getpid()

    def set_work(self, name: str, work: Work) -> None:
        """The work that rows are for: sent once to each worker."""
        self._works = {name: work}

    def run(self, name: str, given: Any) -> Answer:
        """One row. What it raises is part of the answer: the reason arrives whatever it is made of."""
        start = time.monotonic()
        if name == self._cancelled:
            return Answer(failure=CANCELLED)
        before = self._files()
        try:
            value = plain(self._engine.run(self._works[name], given))
            return Answer(value, self._saved(before), None, time.monotonic() - start)
        except BaseException as error:
            failure = CANCELLED if name == self._cancelled else failure_of(error)
            return Answer(None, {}, failure, time.monotonic() - start)
        finally:
            self._tidy()

    def interrupt(self, name: str) -> None:
        """Ends the row of this work that runs, at its next node or step; those that wait here do not begin."""
        self._cancelled = name
        self._engine.interrupt()

    def stop(self) -> None:
        """Leaves nothing behind; the process is ended afterwards."""
        self._engine.stop()
        self._folder.remove()

    def _files(self) -> dict[str, int]:
        """What lies in the output folder, with its sizes, the oldest first."""
        found = [(path.stat().st_mtime_ns, path) for path in self._output.rglob('*') if path.is_file()]
        return {path.relative_to(self._output).as_posix(): path.stat().st_size for _, path in sorted(found)}

    def _saved(self, before: Mapping[str, int]) -> Mapping[str, bytes]:
        now = self._files()
        missing = self._engine.named - now.keys()
        if missing:
            gone = sorted(missing)[0]
            raise FileNotFoundError(f'The server answered with {gone}, of an equal row that is not kept any more')
        mine = (name for name in sorted(now) if name not in before or name in self._engine.named)
        return {name: (self._output / name).read_bytes() for name in mine}

    def _tidy(self) -> None:
        """Files that the server's cache may name again stay, within a bound; in real mode none is named twice."""
        files = self._files()
        room = MAX_KEPT if self._engine.named else 0
        size = sum(files.values())
        for name, bytes_of_it in files.items():
            if size <= room:
                return
            (self._output / name).unlink(missing_ok=True)
            size -= bytes_of_it


def plain(value: Any) -> Any:
    """A value that any process can read: tensors are arrays. Raises TypeError for what cannot be sent."""
    kind = type(value)
    if kind.__module__.partition('.')[0] == 'torch' and hasattr(value, 'detach'):
        return value.detach().cpu().numpy()
    if kind in (list, tuple):
        return kind(plain(part) for part in value)
    if kind is dict:
        return {key: plain(part) for key, part in value.items()}
    if value is None or kind in (str, bytes, int, float, bool) or kind.__module__ == 'numpy':
        return value
    from ray import cloudpickle

    try:
        cloudpickle.dumps(value)
    except Exception as error:
        raise TypeError(
            f'A {kind.__qualname__} was returned, which cannot be sent ({error}): return tensors, arrays or texts.'
        ) from None
    return value


def failure_of(error: BaseException) -> Failure:
    """An exception as data: message, class, the line of the function or script, traceback."""
    kind = type(error).__name__
    text = ''.join(traceback.format_exception(error))
    lines = text.rstrip().splitlines()[-SHOWN_TRACEBACK:]
    message = str(error).strip() or kind
    broken = kind in _BROKEN or (isinstance(error, RuntimeError) and 'CUDA error' in message)
    return Failure(message, kind, line_of(error), '\n'.join(lines), broken)


def line_of(error: BaseException) -> int | None:
    """The line of the script, else of the user's function: the last one that is none of ours, ComfyUI's or Python's."""
    place = getattr(error, 'span', None) or getattr(error, 'place', None)
    if place is not None and getattr(place, 'line', None) is not None:
        return place.line
    found = None
    for frame in traceback.extract_tb(error.__traceback__):
        if 'comfy_script' not in frame.filename and 'site-packages' not in frame.filename and frame.name != '<module>':
            found = found or frame.lineno
    return found

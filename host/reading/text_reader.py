"""The child from the server's side: started when it is needed, ended and started again when it oversteps."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from ...graph import Schemas
from ...panel.errors import RequestError
from .answers import Question, Refusal, answer_question
from .descriptions import Told
from .frames import FrameKind, PipeBroken, PipeFrame, read_frame, write_frame
from .overstepping import Watchdog

log = logging.getLogger('comfy_script')

ROOT = Path(__file__).resolve().parents[2]
CHILD = Path(__file__).with_name('child.py')

SECONDS = 15.0
"""How long one text may be read, by a child that is ready."""
START_SECONDS = 120.0
"""How long a child may take until it is ready: on a slow disk, with a virus scanner that looks at each file."""
MEMORY = 2 << 30
"""Bytes that the child may take."""


class TextReader:
    """Reads foreign texts and files in a child. Asked from one thread at a time; others wait."""

    def __init__(
        self,
        seconds: float = SECONDS,
        memory: int = MEMORY,
        command: tuple[str, ...] = (),
        start_seconds: float = START_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._start_seconds = start_seconds
        self._memory = memory
        self._command = command or (python(), '-I', '-S', str(CHILD), str(memory))
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._version = fingerprint(ROOT)
        self._without = False

    @property
    def pid(self) -> int | None:
        """The child's, where there is one."""
        child = self._child
        return None if child is None else child.process.pid

    def start(self) -> None:
        """Starts the child where there is none; it may take half a second, or many, until it can answer."""
        with self._lock:
            self._running()

    @property
    def is_ready(self) -> bool:
        """Whether a question would be read at once."""
        child = self._child
        return self._without or (child is not None and child.is_ready)

    def get_ready(self) -> None:
        """Starts the child where there is none, and waits until it can answer. Raises RequestError."""
        with self._lock:
            child = self._running()
            if child is not None:
                with self._ended_where_it_ends():
                    child.get_ready()

    def close(self) -> None:
        """Ends the child. Without this it ends with this process."""
        with self._lock:
            self._end()

    def ask(self, question: Question, schemas: Schemas) -> bytes:
        """The body of the answer. Raises RequestError."""
        with self._lock:
            child = self._running()
            if child is not None:
                with self._ended_where_it_ends():
                    child.get_ready()
                    return child.ask(question, schemas, self._seconds)
        return answer_question(question, schemas)

    @contextlib.contextmanager
    def _ended_where_it_ends(self) -> Iterator[None]:
        try:
            yield
        except _Ended as ended:
            self._end()
            raise RequestError(str(ended), ended.status) from ended

    def _running(self) -> _Child | None:
        """A child that lives; None where no process can be had, and texts are read in this one."""
        if self._child is not None and not self._child.is_alive():
            self._end()
        if self._child is None and not self._without:
            try:
                if fingerprint(ROOT) != self._version:
                    raise OSError('its files have changed since the server was started; start it again')
                self._child = _Child(self._command, self._start_seconds, self._memory)
            except OSError as error:
                self._without = True
                log.warning('ComfyScript reads texts in the process of the server, for it gets no other: %s', error)
        return self._child

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
        self._child = None


class _Ended(Exception):
    """The child has ended, or has to."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.status = status


class _Child:
    """One process, from its start to its end."""

    def __init__(self, command: tuple[str, ...], start_seconds: float, memory: int) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == 'win32' else 0,
        )
        self._questions = cast('BinaryIO', self.process.stdin)
        self._answers = cast('BinaryIO', self.process.stdout)
        self._watchdog = Watchdog(self.process, memory)
        self._start_seconds = start_seconds
        self._ready = False
        self._told = Told()

    def is_alive(self) -> bool:
        return self.process.poll() is None and not self._watchdog.why

    @property
    def is_ready(self) -> bool:
        return self._ready and self.is_alive()

    def get_ready(self) -> None:
        """Waits until it has imported all that it needs. Raises _Ended."""
        if self._ready:
            return
        try:
            with self._watchdog.within(self._start_seconds, 'the process that reads texts has not started'):
                frame = read_frame(self._answers)
        except PipeBroken as error:
            raise self._ended(error) from error
        if frame.kind is not FrameKind.READY:
            raise self._ended(PipeBroken(f'{frame.kind.name} is nothing that it may begin with'))
        self._ready = True

    def ask(self, question: Question, schemas: Schemas, seconds: float) -> bytes:
        """Asks one that is ready. Raises RequestError, or _Ended."""
        try:
            with self._watchdog.within(seconds, 'no answer'):
                for frame in (*self._told.news(schemas), PipeFrame(FrameKind.QUESTION, question.encode())):
                    self._write(frame)
                answer = self._answer()
        except (PipeBroken, UnicodeDecodeError) as error:
            raise self._ended(error) from error
        if answer.kind is FrameKind.ANSWER:
            return answer.data
        try:
            refusal = Refusal.decode(answer.data)
        except (ValueError, TypeError, RecursionError) as error:
            raise self._ended(error) from error
        if refusal.log:
            log.error('ComfyScript: %s failed\n%s', question.route, refusal.log)
        if refusal.status == 413:  # it took all that it may, and gives nothing back
            raise _Ended(refusal.error, refusal.status)
        raise RequestError(refusal.error, refusal.status)

    def _answer(self) -> PipeFrame:
        while True:
            frame = read_frame(self._answers)
            if frame.kind in (FrameKind.ANSWER, FrameKind.REFUSAL):
                return frame
            if frame.kind is not FrameKind.WANTED:
                raise PipeBroken(f'{frame.kind.name} is nothing that it may send')
            self._write(self._told.description(frame.data.decode()))

    def _write(self, frame: PipeFrame) -> None:
        write_frame(self._questions, frame)

    def _ended(self, error: Exception) -> _Ended:
        """What is said where no answer came."""
        watchdog = self._watchdog
        if watchdog.why:
            return _Ended(watchdog.why, watchdog.status)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(0.5)
        code = self.process.poll()
        how = f'ended with code {code}' if code is not None else f'does not answer as it should ({error})'
        log.warning('ComfyScript: the process that reads texts %s', how)
        return _Ended(f'this could not be read: the process that reads texts {how}', 502)

    def end(self) -> None:
        self._watchdog.end()
        self.process.kill()
        self.process.wait()
        for pipe in (self._questions, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()


def python() -> str:
    """The interpreter itself, not a venv's starter, which on Windows is a process of its own."""
    return getattr(sys, '_base_executable', None) or sys.executable


def fingerprint(root: Path) -> tuple[tuple[str, int, int], ...]:
    """The state of all Python files of a folder: a child of another version would not understand us."""
    return tuple(sorted(_files(root)))


def _files(root: Path) -> Iterator[tuple[str, int, int]]:
    from ..preload import FLOORS

    for folder in (root, *(root / floor for floor in FLOORS)):
        for file in folder.glob('*.py') if folder is root else folder.rglob('*.py'):
            with contextlib.suppress(OSError):
                state = file.stat()
                yield str(file), state.st_mtime_ns, state.st_size

"""Ends the child where it takes too long or too much memory. A plain kill, which every system has."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...interpreter.lang.resident import memory_of


class Watchdog:
    """Looks at one child as long as something is asked of it."""

    EVERY = 0.1
    """Seconds between two looks."""

    def __init__(self, process: subprocess.Popen[bytes], memory: int) -> None:
        self.why = ''
        """Why the child was ended, for whoever asked."""
        self.status = 0
        self._process = process
        self._most = memory
        self._memory = memory_reader(process.pid)
        self._bound = (0.0, '')
        self._asked = threading.Event()
        self._over = False
        threading.Thread(target=self._run, name='comfyscript-watchdog', daemon=True).start()

    @contextmanager
    def within(self, seconds: float, said: str) -> Iterator[None]:
        """What is done here may take so long; else the child is ended, and `said` is why."""
        # Both at once: the thread must not see one of them beside the other of the last time.
        self._bound = (time.monotonic() + seconds, f'{said} within {seconds:g} s')
        self._asked.set()
        try:
            yield
        finally:
            self._asked.clear()

    def end(self) -> None:
        """The child has ended, or is about to."""
        self._over = True
        self._asked.set()

    def _run(self) -> None:
        while True:
            self._asked.wait()
            if self._over:
                return
            until, said = self._bound
            if time.monotonic() > until:
                self._kill(said, 504)
            elif self._memory is not None and self._memory() > self._most:
                self._kill('to read this takes more memory than is allowed', 413)
            time.sleep(self.EVERY)

    def _kill(self, why: str, status: int) -> None:
        self._over = True
        self.why, self.status = why, status
        self._process.kill()


def memory_reader(pid: int) -> Callable[[], int] | None:
    """How many bytes a process takes, where the system does not bound them itself."""
    if sys.platform == 'linux':
        return None
    try:
        import psutil
    except ImportError:  # outside of ComfyUI, which installs it
        return None
    process = psutil.Process(pid)

    def read() -> int:
        try:
            return memory_of(process)
        except psutil.Error:
            return 0

    return read

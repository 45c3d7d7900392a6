"""Memory that the process really takes: the last bound, for values that no variable of a script holds yet."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ...graph.collector import NewGarbage

if TYPE_CHECKING:
    import psutil


def _reader() -> Callable[[], int] | None:
    """Reads how many bytes this process takes, in a few microseconds; None where that cannot be known."""
    return _linux_reader() or _psutil_reader()


def _linux_reader() -> Callable[[], int] | None:
    if sys.platform == 'win32':
        return None
    try:
        # Open from now on: no file is opened while a script runs.
        statm = os.open('/proc/self/statm', os.O_RDONLY)
        page = os.sysconf('SC_PAGE_SIZE')
    except (OSError, ValueError):
        return None
    return lambda: int(os.pread(statm, 128, 0).split()[1]) * page


def _psutil_reader() -> Callable[[], int] | None:
    try:
        import psutil
    except ImportError:  # outside of ComfyUI, which installs it
        return None
    return partial(memory_of, psutil.Process())


def memory_of(process: psutil.Process) -> int:
    """Bytes that a process takes. Raises psutil.Error."""
    info = process.memory_info()
    # Windows: with what was written out to make room. psutil's `private` is the same there
    # (PROCESS_MEMORY_COUNTERS_EX: PagefileUsage and PrivateUsage), and nonsense under Wine.
    return getattr(info, 'pagefile', info.rss)


READ = _reader()


class Growth:
    """By how much the process has grown since a script began, without what nodes have made.

    A list that is being built, or the other operand, is in no variable: the script's values do not tell of it.
    """

    LEAST = 1 << 28
    """Bytes that mean nothing: other threads, and what Python keeps to use again."""
    SHORT = 0.005
    """Seconds in which a node makes nothing that matters."""
    UNKNOWN = 1 << 24
    """Bytes that may be made between two readings that a node's growth is told from."""
    COLLECT_EVERY = 1 << 26
    """Bytes let go, or by which the process has grown, until circles are looked for."""

    def __init__(self, memory: int):
        self._read = READ
        self._most = max(memory, self.LEAST)
        self.every = min(memory >> 2, self.COLLECT_EVERY)
        """Bytes that may be made until it is to be looked at again."""
        self.made = 0
        """Bytes made since the last reading, as far as they are counted."""
        self._base = self._known = self._read() if self._read else 0
        self._since = 0.0
        self._garbage = NewGarbage()
        self._unreachable = 0
        self._settled = self._base

    def too_much(self) -> bool:
        if self._read is None:
            self.made = 0
            return False
        now = self._reading()
        if now - self._base > self._most:
            self._garbage.collect_all()
            now = self._settled = self._reading()
            return now - self._base > self._most
        self._settled = min(self._settled, now)
        if now - self._settled > self.COLLECT_EVERY:
            # So that Python's own collections, too, pass over what the script holds.
            self._garbage.collect()
            self._settled = now
        return False

    def let_go(self, size: int) -> None:
        """What a script cannot reach any more may lie in circles: Python keeps that until it looks for it."""
        self._unreachable += size
        if self._unreachable > self.COLLECT_EVERY:
            self._unreachable = 0
            self._garbage.collect()

    def ended(self) -> None:
        """The script has come to its end."""
        self._garbage.put_back()

    def _reading(self) -> int:
        assert self._read is not None
        self.made = 0
        self._known = self._read()
        return self._known

    def node_begins(self) -> None:
        self._garbage.put_back()
        if self._read is not None and self.made > self.UNKNOWN:
            self._reading()
        self._since = time.monotonic()

    def node_ended(self) -> None:
        if self._read is not None and time.monotonic() - self._since > self.SHORT:
            before = self._known
            self._base += self._reading() - before

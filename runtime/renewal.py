"""When a server's lists of nodes and choices are read again by themselves: where somebody asks for what may be new."""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable
from typing import Any

from ..graph import ComfyScriptError
from .background import log, on_background_thread
from .inprocess import find_server_process

__all__ = ['Asked', 'Renewal']

# So often at most a name that is not known is looked for in fresh lists.
INTERVAL = 2.0


class Asked(enum.Enum):
    """What somebody asks of the lists."""

    KNOWN = 'something that they have'
    UPLOADABLE = 'the choices of an input that files are uploaded for'
    UNKNOWN = 'a name that they do not have'


class Renewal:
    """Reads the lists again, on the thread of whoever asks, where they changed or lack what is asked for.

    `read` does it and may take its time; `is_other` tells quickly whether a node's own description changed; `at_once`
    says that reading takes no time, so that nothing is saved up.
    """

    def __init__(self, read: Callable[[], Any], is_other: Callable[[str], bool], at_once: Callable[[], bool]) -> None:
        self._read = read
        self._is_other = is_other
        self._at_once = at_once
        self._lock = threading.Lock()
        self._changed = False
        self._uploaded = False
        self._reads = 0
        self._tried_at = float('-inf')
        self._looked_at: dict[str, float] = {}

    def note_change(self) -> None:
        """The server was restarted, or knows less than we thought: any list may be another one."""
        self._changed = True

    def note_upload(self) -> None:
        """A file was uploaded."""
        self._uploaded = True

    def begin(self) -> None:
        """The lists are about to be read: what changes from now on counts anew."""
        self._changed = self._uploaded = False
        self._reads += 1

    @property
    def changed(self) -> bool:
        """Whether any list is known to have changed."""
        return self._changed or self._uploaded

    def renew(self, asked: Asked, class_type: str | None = None) -> bool:
        """Whether the lists were read again. Never raises, and never waits for the thread that it is called on.

        `class_type`: the node that something is asked of, where the lists have it.
        """
        if not self._wanted(asked, class_type) or not self._may_wait():
            return False
        before = self._reads
        with self._lock:
            if self._reads != before:
                return True
            if not self._wanted(asked, class_type):
                return False
            try:
                if class_type is not None and not self._out_of_date(asked) and not self._at_once():
                    self._looked_at[class_type] = time.monotonic()
                    if not self._is_other(class_type):
                        return False
                self._read_all()
            except ComfyScriptError as error:
                log.debug('The lists could not be read again: %s', error)
                return False
            return True

    def _read_all(self) -> None:
        try:
            self._read()
        finally:
            self._tried_at = time.monotonic()
            self._looked_at.clear()

    def _out_of_date(self, asked: Asked) -> bool:
        return self._changed or (self._uploaded and asked is not Asked.KNOWN)

    def _wanted(self, asked: Asked, class_type: str | None) -> bool:
        if self._out_of_date(asked):
            return True
        last = max(self._tried_at, self._looked_at.get(class_type or '', self._tried_at))
        return asked is Asked.UNKNOWN and (self._at_once() or time.monotonic() - last >= INTERVAL)

    def _may_wait(self) -> bool:
        if self._at_once():
            return True
        if on_background_thread():
            return False
        process = find_server_process()
        return process is None or process.why_not_wait() is None

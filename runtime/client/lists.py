"""When a server's lists of nodes and choices are read again by themselves: where somebody asks for what may be new."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ...comfyui.process import find_server_process
from ...graph import ComfyScriptError
from ..calls.asking import Asked
from ..wire.background import in_event_loop, log, on_background_thread

__all__ = ['Renewal']

# So often at most a name that is not known is looked for in fresh lists, or those are asked for again in vain.
INTERVAL = 2.0


class Renewal:
    """Reads the lists again, on the thread of whoever asks, where they changed or lack what is asked for.

    `read` does it and may take its time, `read_soon` does it while nobody waits; `is_other` tells quickly whether a
    node's own description changed (None: whether the embeddings did); `at_once` says that reading takes no time, so
    that nothing is saved up.
    """

    def __init__(
        self,
        read: Callable[[], Any],
        read_soon: Callable[[], Any],
        is_other: Callable[[str | None], bool],
        at_once: Callable[[], bool],
    ) -> None:
        self._read = read
        self._read_soon = read_soon
        self._is_other = is_other
        self._at_once = at_once
        self._lock = threading.Lock()
        self._changed = False
        self._uploaded = False
        self._reads = 0
        self._tried_at = float('-inf')
        self._rests_until = float('-inf')
        self._looked_at: dict[str | None, float] = {}

    def note_change(self) -> None:
        """The server was restarted, or knows less than we thought: any list may be another one."""
        self._changed = True
        self._rests_until = float('-inf')

    def note_upload(self) -> None:
        """A file was uploaded."""
        self._uploaded = True
        self._rests_until = float('-inf')

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Around each read of the lists: what changes from its start on counts anew.

        What it was for counts on where it fails. For as long as that took, the old lists have to do then: nobody is
        to wait at every turn for a server that is away.
        """
        changed, uploaded, began = self._changed, self._uploaded, time.monotonic()
        self._changed = self._uploaded = False
        try:
            yield
        except BaseException:
            self._changed |= changed
            self._uploaded |= uploaded
            now = time.monotonic()
            self._rests_until = now + max(INTERVAL, now - began)
            raise
        self._reads += 1
        self._rests_until = float('-inf')

    @property
    def changed(self) -> bool:
        """Whether any list is known to have changed, and may be read."""
        return (self._changed or self._uploaded) and time.monotonic() >= self._rests_until

    def renew(self, asked: Asked, class_type: str | None = None) -> bool:
        """Whether the lists were read again. Never raises, and never waits for the thread that it is called on.

        `class_type`: the node that is asked of, or for (by either of its names); None for the embeddings.
        """
        if not self._wanted(asked, class_type) or not self._may_wait():
            return False
        before = self._reads
        with self._lock:
            if self._reads != before and not self._out_of_date(asked):
                return True
            if not self._wanted(asked, class_type):
                return False
            try:
                if not self._is_worth_it(asked, class_type):
                    return False
                self._read_all()
            except ComfyScriptError as error:
                log.debug('The lists could not be read again: %s', error)
                return False
            return True

    def _is_worth_it(self, asked: Asked, class_type: str | None) -> bool:
        """Whether the whole lists are to be waited for: where they changed, or have what is asked for."""
        if self._out_of_date(asked) or self._at_once():
            return True
        if asked is not Asked.NODE:
            self._looked_at[class_type] = time.monotonic()
            return self._is_other(class_type)
        if not in_event_loop() or self._is_other(class_type):
            return True
        # It may have another name, but the caller's loop is not to stand still for that.
        self._tried_at = time.monotonic()
        self._read_soon()
        return False

    def _read_all(self) -> None:
        try:
            self._read()
        finally:
            self._tried_at = time.monotonic()
            self._looked_at.clear()

    def _out_of_date(self, asked: Asked) -> bool:
        return self._changed or (self._uploaded and asked is not Asked.KNOWN)

    def _wanted(self, asked: Asked, class_type: str | None) -> bool:
        if time.monotonic() < self._rests_until:
            return False
        if self._out_of_date(asked):
            return True
        last = max(self._tried_at, self._looked_at.get(class_type, self._tried_at))
        lacking = asked in (Asked.UNKNOWN, Asked.NODE)
        return lacking and (self._at_once() or time.monotonic() - last >= INTERVAL)

    def _may_wait(self) -> bool:
        if self._at_once():
            return True
        if on_background_thread():
            return False
        process = find_server_process()
        return process is None or process.why_not_wait() is None

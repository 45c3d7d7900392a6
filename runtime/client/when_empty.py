"""A script's callback for the moments when the server's queue is empty."""

from __future__ import annotations

import atexit
import inspect
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ..wire.html import in_notebook
from ..wire.tracker import Tracker
from .endings import note_interrupt, was_interrupted
from .workflow import Workflow

__all__ = ['WhenEmpty']

POLL = 0.05


class WhenEmpty:
    """Calls a callback each time the queue has become empty."""

    def __init__(self) -> None:
        self.tracker: Tracker | None = None
        self._callback: Callable[[], object] | None = None
        self._busy = False
        self._called = 0
        self._keeps_process = False
        self._lock = threading.Lock()

    def set(self, callback: Callable[..., Any] | None, source: str | None) -> None:
        """Call this one from now on; None for none."""
        with self._lock:
            self._callback = None if callback is None else _with_workflow(callback, source)
            self._busy = True

    def update(self) -> None:
        """On the background loop: the queue's length or a task changed."""
        tracker = self.tracker
        if tracker is None or self._callback is None:
            return
        with self._lock:
            empty = tracker.queue_remaining == 0 and not tracker.live_tasks()
            due = empty and self._busy
            self._busy = not empty
            self._called += due
        if due:
            tracker.callbacks.call(self._call)

    def _call(self) -> None:
        callback, tracker = self._callback, self.tracker
        try:
            if callback is None or (tracker is not None and tracker.live_tasks()):
                return
            if callback() is False and self._callback is callback:
                self._callback = None
        finally:
            with self._lock:
                # What it queued ends later, and makes the queue empty again.
                self._busy |= tracker is not None and bool(tracker.live_tasks())
                self._called -= 1

    @property
    def is_through(self) -> bool:
        """Whether nothing is left to call it for, unless somebody queues something."""
        with self._lock:
            waits = self._busy or self._called > 0
        return self._callback is None or self.tracker is None or not waits

    def keep_process(self) -> None:
        """Have the process end only when the callback is through; not a notebook's, or a Python prompt."""
        if self._keeps_process or in_notebook() or hasattr(sys, 'ps1'):
            return
        self._keeps_process = True
        # Before the threads end that look up the names of hosts, for the callback may need the server.
        getattr(threading, '_register_atexit', atexit.register)(self._wait_until_through)

    def _wait_until_through(self) -> None:
        try:
            while not self.is_through and not was_interrupted():
                time.sleep(POLL)
        except KeyboardInterrupt:
            note_interrupt()


def _with_workflow(callback: Callable[..., Any], source: str | None) -> Callable[[], object]:
    if not inspect.signature(callback).parameters:
        return callback

    def call() -> object:
        workflow = Workflow(queue=False)
        with workflow:
            answer = callback(workflow)
        if answer is not False:
            workflow.queue(source)
        return answer

    return call

"""The end of this process: whether somebody pressed Ctrl+C, and which tasks end with it."""

from __future__ import annotations

import asyncio
import atexit
import sys
import weakref

from ..wire.background import log, run_sync
from ..wire.errors import ComfyScriptError
from ..wire.task import Task

__all__ = ['cancel_at_exit', 'note_interrupt', 'was_interrupted']

CANCEL_TIMEOUT = 5.0

_noted = False


def note_interrupt() -> None:
    """A KeyboardInterrupt was caught that ends the process."""
    global _noted
    _noted = True


def was_interrupted() -> bool:
    """Whether one was caught, or ended the script (`sys.last_type` is what the interpreter printed last)."""
    return _noted or getattr(sys, 'last_type', None) is KeyboardInterrupt


_to_cancel: weakref.WeakSet[Task] = weakref.WeakSet()


def cancel_at_exit(task: Task) -> None:
    """Cancel a task at the end of this process, if it has not ended before."""
    if not _to_cancel:
        # Anew each time: what is registered last runs first, before a launched server finishes what is queued.
        atexit.unregister(_cancel_all)
        atexit.register(_cancel_all)
    _to_cancel.add(task)


def _cancel_all() -> None:
    tasks = [task for task in _to_cancel if not task.done()]
    if not tasks:
        return
    for task in tasks:
        task.was_waited_for = True
    log.warning('The script ends: %d workflows that had not ended are cancelled', len(tasks))

    async def cancel() -> None:
        await asyncio.gather(*(task._cancel() for task in tasks), return_exceptions=True)

    try:
        run_sync(cancel(), CANCEL_TIMEOUT)
    except ComfyScriptError as error:
        log.warning('They could not be cancelled: %s', error)

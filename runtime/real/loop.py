"""Running ComfyUI's coroutines from synchronous code, in this thread, whatever runs here already.

The same thread, because `torch.inference_mode` and context variables are the thread's. Nothing global changes:
a loop that is running here (Jupyter's, or the executor's around a node) is put aside for the time of the call.
"""

from __future__ import annotations

import asyncio
import atexit
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar('T')


class _Idle(list[asyncio.AbstractEventLoop]):
    """Idle loops of one thread, closed with it. Two are needed where a node, run by one, calls nodes itself."""

    def close(self) -> None:
        while self:
            self.pop().close()

    __del__ = close


class _Loops(threading.local):
    def __init__(self) -> None:
        self.idle = _Idle()


_loops = _Loops()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end and returns its result; tasks it leaves behind are cancelled."""
    with outside_running_loop():
        loop = _loops.idle.pop() if _loops.idle else asyncio.new_event_loop()
        try:
            return loop.run_until_complete(coroutine)
        finally:
            _cancel_rest(loop)
            _loops.idle.append(loop)


def close_idle() -> None:
    """Closes this thread's idle loops; the next call makes a new one."""
    _loops.idle.close()


atexit.register(close_idle)


def _cancel_rest(loop: asyncio.AbstractEventLoop) -> None:
    rest = asyncio.all_tasks(loop)
    if not rest:
        return
    for task in rest:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))


@contextmanager
def outside_running_loop() -> Iterator[None]:
    """For its body, the thread looks as if no event loop were running in it."""
    running = asyncio._get_running_loop()
    if running is None:
        yield
        return
    task = _swap_current_task(running, None)
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(running)
        _swap_current_task(running, task)


def _swap_current_task(loop: asyncio.AbstractEventLoop, task: Any) -> Any:
    """From Python 3.14 on a thread has one current task, not one per loop: it has to step aside too."""
    if sys.version_info < (3, 14):
        return None
    return asyncio.tasks._swap_current_task(loop, task)  # pyright: ignore[reportAttributeAccessIssue]

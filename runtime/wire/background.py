"""The event loop thread that all clients share, and the ways to wait for it from anywhere.

One daemon thread per process runs one loop. Synchronous calls wait on it, asynchronous ones wrap it, so nothing here
depends on which loop, if any, the caller is running.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import logging
import os
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from numbers import Real
from typing import Any, TypeVar

from .errors import ComfyScriptError, WaitTimeoutError, WouldDeadlockError

T = TypeVar('T')

log = logging.getLogger('comfy_script')

# A lock wait on Windows cannot be interrupted by Ctrl+C: there it is cut into slices.
_SLICE = 0.2 if sys.platform == 'win32' else None

CLOSE_TIMEOUT = 3.0

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None


def background_loop() -> asyncio.AbstractEventLoop:
    """The loop of the background thread, started on first use."""
    global _loop, _thread
    with _lock:
        if _loop is None or _thread is None or not _thread.is_alive():
            loop = _new_loop()
            atexit.register(_run_at_exit)
            _thread = threading.Thread(target=_run_loop, args=(loop,), name='comfy_script', daemon=True)
            _thread.start()
            _loop = loop
        return _loop


def _new_loop() -> asyncio.AbstractEventLoop:
    # Windows' proactor loop prints errors for sockets that the other side reset; sockets are all we need.
    return asyncio.SelectorEventLoop() if sys.platform == 'win32' else asyncio.new_event_loop()


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()


# What has to be closed on the loop before the process ends: sockets that are collected open are complained about.
closing: weakref.WeakSet[Any] = weakref.WeakSet()


def close_after(owner: object, item: Any) -> None:
    """Close something on the loop once its owner was collected, which nobody closed.

    Until then it is held here: of what is collected together Python finalizes all, and aiohttp complains of sessions
    that are open then. It must not hold its owner.
    """
    weakref.finalize(owner, _close_soon, item, os.getpid()).atexit = False


def _close_soon(item: Any, process: int) -> None:
    """Nothing happens where the loop is gone, or in a process that was forked meanwhile: it is its parent's."""
    loop = _loop
    if loop is None or loop.is_closed() or sys.is_finalizing() or process != os.getpid():
        return
    loop.call_soon_threadsafe(lambda: loop.create_task(item.close()))


def _run_at_exit() -> None:
    """Close what is still open. Each has an asynchronous `close()`."""
    if _thread is None or not _thread.is_alive():
        return

    async def close_all() -> None:
        await asyncio.gather(*(item.close() for item in list(closing)), return_exceptions=True)

    try:
        run_sync(close_all(), CLOSE_TIMEOUT)
    except WaitTimeoutError:
        log.debug('Closing the connections took too long')


def _forget_after_fork() -> None:
    """A forked child has no such thread; it makes its own when it needs one."""
    global _loop, _thread, _lock
    _lock = threading.Lock()
    _loop = _thread = None
    closing.clear()


if sys.platform != 'win32':
    os.register_at_fork(after_in_child=_forget_after_fork)


def on_background_thread() -> bool:
    """Whether the caller runs on the background loop's own thread."""
    return _thread is not None and threading.current_thread() is _thread


def in_event_loop() -> bool:
    """Whether the caller runs on an event loop, which stands still while it waits."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def spawn(coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
    """Start a coroutine on the background loop."""
    return asyncio.run_coroutine_threadsafe(coroutine, background_loop())


def counting_down(seconds: float | None) -> Callable[[], float | None]:
    """What is left of a time, whenever it is asked; None where there is no end. Raises as `check_timeout` does."""
    check_timeout(seconds)
    end = None if seconds is None else time.monotonic() + seconds
    return lambda: None if end is None else max(0.0, end - time.monotonic())


def run_sync(coroutine: Coroutine[Any, Any, T], timeout: float | None = None, *, breakable: bool = True) -> T:
    """Run a coroutine on the background loop and wait for its result.

    Raises WaitTimeoutError after `timeout` seconds, and passes Ctrl+C on; both cancel the coroutine if `breakable`.
    """
    future = unbreakable_future()
    cancel = _start(_run_into(future, coroutine))
    try:
        return wait_future(future, timeout)
    except BaseException:
        if breakable and not future.done():
            cancel()
        raise


def run_and_wait(coroutine: Coroutine[Any, Any, object], future: concurrent.futures.Future[T]) -> T:
    """Run a coroutine on the background loop and wait for a future that ends after it, or with its exception.

    The caller is woken once, for both. Ctrl+C ends the wait; the coroutine goes on.
    """
    _start(_run_before(future, coroutine))
    return wait_future(future)


async def run_and_await(coroutine: Coroutine[Any, Any, object], future: concurrent.futures.Future[T]) -> T:
    """`run_and_wait` from any other loop."""
    if on_background_thread():
        await coroutine
    else:
        _start(_run_before(future, coroutine))
    return await asyncio.wrap_future(future)


def _start(coroutine: Coroutine[Any, Any, None]) -> Callable[[], object]:
    """Starts a coroutine on the background loop; the answer cancels it."""
    if on_background_thread():
        coroutine.close()
        raise WouldDeadlockError('A blocking call was made on the thread that the answer comes through; await it.')
    loop = background_loop()
    tasks: list[asyncio.Task[None]] = []
    loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(coroutine)))
    return lambda: loop.call_soon_threadsafe(lambda: tasks[0].cancel())


async def _run_before(future: concurrent.futures.Future[Any], coroutine: Coroutine[Any, Any, object]) -> None:
    try:
        await coroutine
    except Exception as error:
        if not future.done():
            future.set_exception(error)


async def _run_into(future: concurrent.futures.Future[T], coroutine: Coroutine[Any, Any, T]) -> None:
    """Without the ways round of `run_coroutine_threadsafe`: a turn of the loop and several callbacks less."""
    try:
        result = await coroutine
    except asyncio.CancelledError:
        future.set_exception(concurrent.futures.CancelledError())
        raise
    except BaseException as error:
        future.set_exception(error)
        if not isinstance(error, Exception):
            raise
    else:
        future.set_result(result)


async def run_async(coroutine: Coroutine[Any, Any, T], *, breakable: bool = True) -> T:
    """Run a coroutine on the background loop from any other loop. Who is cancelled cancels it, if `breakable`."""
    if on_background_thread():
        return await coroutine
    if breakable:
        return await asyncio.wrap_future(spawn(coroutine))
    future = unbreakable_future()
    _start(_run_into(future, coroutine))
    return await asyncio.wrap_future(future)


def wait_future(future: concurrent.futures.Future[T], timeout: float | None = None) -> T:
    """The result of a future; raises WaitTimeoutError after `timeout` seconds. Ctrl+C gets through.

    An error of our own kind tells all by itself: the ways of the background loop, and those of earlier waits for the
    same future, stay out of its traceback.
    """
    wait_done(future, timeout)
    error = future.exception()
    try:
        if isinstance(error, ComfyScriptError):
            raise error.with_traceback(None)
        return future.result()
    finally:
        del error  # which has this frame in its traceback


def check_timeout(timeout: object) -> None:
    """Raises TypeError or ValueError for what is no time to wait."""
    if timeout is None:
        return
    if not isinstance(timeout, Real):
        raise TypeError(f'A timeout is a number of seconds, or None to wait on, not {timeout!r:.100}')
    if not float(timeout) >= 0:
        raise ValueError(f'A timeout is 0 seconds or more, or None to wait on, not {timeout!r}')


def wait_done(future: concurrent.futures.Future[Any], timeout: float | None = None) -> None:
    """Wait for a future's end, in whatever way; raises WaitTimeoutError."""
    check_timeout(timeout)
    if future.done():
        return
    if on_background_thread():
        raise WouldDeadlockError('A blocking wait was made on the thread that the answer comes through; await it.')
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        slice_ = left if _SLICE is None else (_SLICE if left is None else min(left, _SLICE))
        with contextlib.suppress(concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            future.exception(slice_)
        if future.done():
            return
        if deadline is not None and time.monotonic() >= deadline:
            raise WaitTimeoutError(f'Nothing came within {timeout:g} seconds.')


def unbreakable_future() -> concurrent.futures.Future[Any]:
    """A future that only its owner ends: a caller who is cancelled while awaiting it does not take it along."""
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()
    return future


class Dispatcher:
    """Runs callbacks one after another, in order, on a thread of its own, where they may block and call back."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Run `function(*args)` soon. What it raises is logged, not lost and not passed on."""
        self._calls.put(lambda: function(*args))
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            try:
                call()
            except Exception:
                log.exception('A callback raised an exception')

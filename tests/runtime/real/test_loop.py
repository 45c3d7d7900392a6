"""Coroutines from synchronous code, whatever runs in the thread already."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import warnings
from typing import Any

import pytest

from comfy_script.runtime.real import loop

variable: contextvars.ContextVar[str] = contextvars.ContextVar('variable', default='')


async def work(value: Any) -> list[Any]:
    await asyncio.sleep(0)
    current = asyncio.current_task()
    return [value, variable.get(), threading.get_ident(), current is not None]


def test_outside_of_any_loop() -> None:
    variable.set('set')
    assert loop.run(work(1)) == [1, 'set', threading.get_ident(), True]


async def test_inside_of_a_running_loop_and_of_another() -> None:
    running, task = asyncio.get_running_loop(), asyncio.current_task()

    async def outer() -> list[Any]:
        inner = loop.run(work(2))
        await asyncio.sleep(0)
        return inner

    assert loop.run(outer())[0] == 2
    assert asyncio.get_running_loop() is running
    assert asyncio.current_task() is task
    await asyncio.sleep(0)


async def test_an_error_leaves_the_loop_as_it_was() -> None:
    async def fail() -> None:
        raise ValueError('no')

    running = asyncio.get_running_loop()
    with pytest.raises(ValueError, match='no'):
        loop.run(fail())
    assert asyncio.get_running_loop() is running
    assert loop.run(work(3))[0] == 3


def test_tasks_left_behind_are_cancelled() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            ended.append(True)

    async def leave() -> None:
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        assert not task.done()

    loop.run(leave())
    assert ended == [True]


def test_a_threads_loops_are_closed_with_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        thread = threading.Thread(target=lambda: loop.run(work(4)))
        thread.start()
        thread.join()
        del thread
        gc.collect()

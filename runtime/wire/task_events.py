"""What happens to tasks, as it happens: the events of one, and several as they end."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from .background import unbreakable_future, wait_future
from .results import Result, decode_image

__all__ = ['Completed', 'EventKind', 'FollowedTask', 'TaskEvent', 'TaskEvents', 'as_completed']

EventKind = Literal['queued', 'start', 'cached', 'node', 'progress', 'preview', 'output', 'end']


class HasListeners(Protocol):
    """Whoever tells of a task's events at once; the list is changed in place."""

    @property
    def listeners(self) -> list[Callable[[Any, Any], object]]: ...


class HasOutputs(Protocol):
    """What comes of a task: `done` has what all its nodes showed, or the error that it ended with."""

    done: Future[list[Result]]

    @property
    def outputs(self) -> Mapping[str, Any]: ...
    def result(self, node_id: str) -> Result: ...


class FollowedTask(Protocol):
    """What is asked of a `Task` here."""

    prompt_id: str
    was_waited_for: bool

    @property
    def outcome(self) -> HasOutputs: ...
    @property
    def callbacks(self) -> HasListeners: ...
    def exception(self) -> BaseException | None: ...


T = TypeVar('T', bound=FollowedTask)


class TaskEvent(NamedTuple):
    """Something that happened to a task.

    - `queued`: it is followed from here on; `start`: the server began with it.
    - `cached`: nodes that need not run, their ids in `value`; `node`: the server began with the node `node_id`.
    - `progress`: `value` is a TaskProgress; `preview`: a PIL image.
    - `output`: an output node has run, before the others: `value` is its Result.
    - `end`: the last one; `value` is the error that it ended with, or None.
    """

    kind: EventKind
    task: Any
    node_id: str | None = None
    value: Any = None


class _Mailbox:
    """Items from the background loop for whoever waits, on any thread or loop."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._waiting: list[Any] = []

    def put(self, item: Any) -> None:
        self._items.put(item)
        while self._waiting:
            future = self._waiting.pop()
            if not future.done():
                future.set_result(None)

    def _when_filled(self) -> Any:
        """A future that ends once there is something."""
        future = unbreakable_future()
        self._waiting.append(future)
        if not self._items.empty() and not future.done():
            self._waiting.clear()
            future.set_result(None)
        return future

    def get(self, timeout: float | None = None) -> Any:
        """The next item. Raises WaitTimeoutError."""
        while True:
            try:
                return self._items.get_nowait()
            except queue.Empty:
                wait_future(self._when_filled(), timeout)

    async def get_async(self) -> Any:
        while True:
            try:
                return self._items.get_nowait()
            except queue.Empty:
                await asyncio.wrap_future(self._when_filled())


class TaskEvents:
    """The events of a task from now on, with `for` or `async for`: outputs that came before, and its end, included."""

    def __init__(self, task: FollowedTask) -> None:
        self._task = task
        self._mailbox = _Mailbox()
        self._told: set[str] = set()
        listeners = task.callbacks.listeners
        listeners.append(self._on_event)
        self._put('queued')
        for node_id in task.outcome.outputs:
            self._on_event('output', node_id)
        task.outcome.done.add_done_callback(lambda _: self._end(listeners))

    def _put(self, kind: EventKind, node_id: str | None = None, value: Any = None) -> None:
        self._mailbox.put(TaskEvent(kind, self._task, node_id, value))

    def _on_event(self, kind: EventKind, detail: Any) -> None:
        """As the server tells it, on the background loop."""
        if kind == 'output':
            if detail not in self._told:
                self._told.add(detail)
                self._put(kind, detail, self._task.outcome.result(detail))
        elif kind == 'progress':
            self._put(kind, detail.node_id, detail)
        elif kind == 'preview':
            self._put(kind, *detail)
        elif kind == 'node':
            self._put(kind, detail)
        elif kind != 'end':
            self._put(kind, value=detail)

    def _end(self, listeners: list[Callable[..., object]]) -> None:
        if self._on_event in listeners:
            listeners.remove(self._on_event)
        self._put('end', value=self._task.exception())

    def __iter__(self) -> Iterator[TaskEvent]:
        while True:
            event = _read(self._mailbox.get())
            yield event
            if event.kind == 'end':
                return

    async def __aiter__(self) -> AsyncIterator[TaskEvent]:
        while True:
            event = _read(await self._mailbox.get_async())
            yield event
            if event.kind == 'end':
                return


def _read(event: TaskEvent) -> TaskEvent:
    """An image is decoded by whoever wants it."""
    return event._replace(value=decode_image(event.value)) if event.kind == 'preview' else event


class Completed(Generic[T]):
    """Tasks in the order in which they end, with `for` or `async for`. Raises WaitTimeoutError."""

    def __init__(self, tasks: Iterable[T], timeout: float | None = None) -> None:
        self._mailbox = _Mailbox()
        self._timeout = timeout
        self._left = 0
        for task in tasks:
            self._left += 1
            task.was_waited_for = True
            task.outcome.done.add_done_callback(lambda _, task=task: self._mailbox.put(task))

    def __iter__(self) -> Iterator[T]:
        while self._left:
            self._left -= 1
            yield self._mailbox.get(self._timeout)

    async def __aiter__(self) -> AsyncIterator[T]:
        while self._left:
            self._left -= 1
            yield await self._mailbox.get_async()


def as_completed(tasks: Iterable[T], timeout: float | None = None) -> Completed[T]:
    """Tasks in the order in which they end, in whatever way: `for task in as_completed(tasks): task.wait()`.

    `async for` does not block. Raises WaitTimeoutError where none ends for `timeout` seconds.
    """
    return Completed(tasks, timeout)

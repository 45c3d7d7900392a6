"""The queue of a server, as scripts see it: put, cancel, wait, watch."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..wire.background import log, run_async, run_sync, spawn, wait_done
from ..wire.errors import ComfyScriptError
from ..wire.live_tasks import Observer
from ..wire.tracker import Tracker
from .notebook import TaskDisplays
from .progress import ProgressBars

if TYPE_CHECKING:
    from ..wire.task import Task
    from .client import Client

__all__ = ['TaskQueue', 'queue']


class TaskQueue:
    """The queue of one server. The module's `queue` is that of the client that `load()` set."""

    def __init__(self, client: Client | None = None) -> None:
        self._client = client
        self._empty = _WhenEmpty(self)
        self._remaining_callbacks: list[Callable[[int], object]] = []
        self._bars = ProgressBars()
        self._displays = TaskDisplays()
        self._observed: Tracker | None = None

    def __repr__(self) -> str:
        return f'<TaskQueue of {self._client!r}>'

    @property
    def client(self) -> Client:
        """Whose queue it is. Raises NotLoadedError for `queue` before `load()`."""
        if self._client is None:
            from .client import default_client

            return default_client()
        return self._client

    @property
    def _tracker(self) -> Tracker:
        return self.client.tracker

    # -- what is in it

    @property
    def queue_remaining(self) -> int:
        """How many workflows the server has, running and waiting, anybody's; 0 before anything was queued."""
        client = self._client
        return client.tracker.queue_remaining if client is not None and client.has_tracker else 0

    @property
    def tasks(self) -> list[Task]:
        """Our own tasks that have not ended."""
        client = self._client
        return client.tracker.live_tasks() if client is not None and client.has_tracker else []

    # -- putting

    def put(self, workflow: Any, source: str | None = None) -> Task | None:
        """Queue a Workflow, an output, or several outputs. None where there is nothing to run.

        Raises PromptRefusedError, ServerError, ConnectError.
        """
        return _as_workflow(workflow, self.client).queue(source)

    async def _put(self, workflow: Any, source: str | None = None) -> Task | None:
        return await _as_workflow(workflow, self.client)._queue(source)

    def __iadd__(self, workflow: Any) -> TaskQueue:
        self.put(workflow)
        return self

    # -- cancelling

    def cancel_current(self) -> None:
        """Interrupt what the server is running."""
        run_sync(self._tracker.cancel_current())

    async def _cancel_current(self) -> None:
        await run_async(self._tracker.cancel_current())

    def cancel_remaining(self) -> None:
        """Remove everything that waits in the server's queue."""
        run_sync(self._tracker.cancel_remaining())

    async def _cancel_remaining(self) -> None:
        await run_async(self._tracker.cancel_remaining())

    def cancel_all(self) -> None:
        """Remove everything that waits, and interrupt what runs."""
        self.cancel_remaining()
        self.cancel_current()

    async def _cancel_all(self) -> None:
        await self._cancel_remaining()
        await self._cancel_current()

    # -- waiting

    def join(self, timeout: float | None = None) -> None:
        """Wait until all of our own tasks have ended, in whatever way. Raises WaitTimeoutError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for task in self.tasks:
            wait_done(task.outcome.done, None if deadline is None else max(0.0, deadline - time.monotonic()))

    async def _join(self) -> None:
        ends = [asyncio.wrap_future(task.outcome.done) for task in self.tasks]
        await asyncio.gather(*ends, return_exceptions=True)

    def when_empty(self, callback: Callable[..., Any] | None, source: str | None = None) -> None:
        """Call `callback` whenever the server's queue is empty, now if it is; None ends that.

        A callback with one parameter gets an entered Workflow, which is queued when it returns. It is called no more
        once it returns False; that, or an exception, leaves the Workflow unqueued.
        """
        self._empty.set(callback, source)

    def add_queue_remaining_callback(self, callback: Callable[[int], object]) -> None:
        """Have `callback(remaining)` called when the length of the server's queue changes."""
        self.remove_queue_remaining_callback(callback)
        self._remaining_callbacks.append(callback)
        self._listen()

    def remove_queue_remaining_callback(self, callback: Callable[[int], object]) -> None:
        """Undo `add_queue_remaining_callback`."""
        if callback in self._remaining_callbacks:
            self._remaining_callbacks.remove(callback)

    # -- showing

    def watch_display(
        self,
        all: bool | None = None,
        *,
        preview: bool | None = None,
        output: bool | None = None,
        task: bool | None = None,
        progress: bool | None = None,
    ) -> None:
        """What to show while tasks run; `all` sets what is not given.

        - `preview`: previews, `output`: the images of an output node when it has run, `task`: all images when a task
          has ended; in notebooks only.
        - `progress`: a progress bar per node. By default in notebooks and on terminals.
        """
        self._displays.set(
            preview=all if preview is None else preview,
            output=all if output is None else output,
            task=all if task is None else task,
        )
        self._bars.set(all if progress is None else progress)

    def start_watch(
        self, display_node: bool = True, display_task: bool = True, display_node_preview: bool = True
    ) -> None:
        """`watch_display`, under the name of the first implementation."""
        self.watch_display(preview=display_node_preview, output=display_node, task=display_task)

    # -- for the client

    def _attach(self, client: Client | None) -> None:
        """Become the queue of another client."""
        previous, self._client = self._client, client
        if previous is not None and previous.queue is self and previous is not client:
            previous.queue = TaskQueue(previous)
            if previous.has_tracker:
                previous.queue._observe(previous.tracker)
        if client is not None:
            if client.queue is not self:
                client.queue._stop_observing()
                client.queue = self
            if client.has_tracker:
                self._observe(client.tracker)
            else:
                self._stop_observing()

    def _observe(self, tracker: Tracker) -> None:
        self._stop_observing()
        self._observed = tracker
        self._observer = Observer(self._on_queue, self._on_event)
        tracker.observers.append(self._observer)

    def _stop_observing(self) -> None:
        if self._observed is not None and self._observer in self._observed.observers:
            self._observed.observers.remove(self._observer)
        self._observed = None

    @property
    def shows_tasks(self) -> bool:
        """Whether each task gets a place in the notebook cell that queues it."""
        return self._displays.wanted

    def _submitted(self, task: Task) -> None:
        """A task was queued, on the thread of the script."""
        self._displays.prepare(task)

    def _listen(self) -> None:
        """Have the websocket up, for news of the queue without a task of ours in it."""
        if self._client is not None and not self._client.offline:
            spawn(_open_quietly(self._tracker))

    def _on_queue(self, remaining: int) -> None:
        tracker = self._observed
        self._bars.set_remaining(remaining)
        for callback in list(self._remaining_callbacks):
            if tracker is not None:
                tracker.callbacks.call(callback, remaining)
        self._empty.update()

    def _on_event(self, event: str, task: Task, detail: Any) -> None:
        self._bars.on_event(event, task, detail)
        self._displays.on_event(event, task, detail)
        if event == 'end':
            self._empty.update()


class _WhenEmpty:
    """Calls a callback each time the queue has become empty."""

    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue
        self._callback: Callable[[], object] | None = None
        self._busy = False
        self._lock = threading.Lock()

    def set(self, callback: Callable[..., Any] | None, source: str | None) -> None:
        with self._lock:
            self._callback = None if callback is None else self._with_workflow(callback, source)
            self._busy = True
        if callback is not None:
            spawn(self._start())

    async def _start(self) -> None:
        await _open_quietly(self._queue._tracker)
        self.update()

    def update(self) -> None:
        """On the background loop: the queue's length or a task changed."""
        tracker = self._queue._observed
        if tracker is None or self._callback is None:
            return
        with self._lock:
            empty = tracker.queue_remaining == 0 and not tracker.live_tasks()
            due = empty and self._busy
            self._busy = not empty
        if due:
            tracker.callbacks.call(self._call)

    def _call(self) -> None:
        callback = self._callback
        if callback is None or self._queue.tasks:
            return
        if callback() is False and self._callback is callback:
            self._callback = None

    def _with_workflow(self, callback: Callable[..., Any], source: str | None) -> Callable[[], object]:
        if not inspect.signature(callback).parameters:
            return callback

        def call() -> object:
            from .workflow import Workflow

            workflow = Workflow(queue=False)
            with workflow:
                answer = callback(workflow)
            if answer is not False:
                workflow.queue(source)
            return answer

        return call


async def _open_quietly(tracker: Tracker) -> None:
    try:
        await tracker.connection.open()
    except ComfyScriptError as error:
        log.warning('%s', error)


def _as_workflow(workflow: Any, client: Client) -> Any:
    from .workflow import Workflow

    return workflow if isinstance(workflow, Workflow) else Workflow(outputs=workflow, client=client)


queue = TaskQueue()

"""The queue of a server, as scripts see it: put, cancel, wait, watch, and what to do when it is empty."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from ..wire.background import log, run_async, run_sync, spawn, wait_done
from ..wire.errors import ComfyScriptError
from ..wire.html import in_notebook
from ..wire.live_tasks import Observer
from ..wire.task import MaybeTask, Task
from ..wire.tracker import Tracker
from .displays import ProgressBars, TaskDisplays
from .endings import note_interrupt, was_interrupted
from .link import ServerLink
from .workflow import Workflow, WorkflowRunner

__all__ = [
    'QueueClient',
    'TaskQueue',
    'WhenEmpty',
]



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

    @property
    def is_set(self) -> bool:
        """Whether there is one to call."""
        return self._callback is not None

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


class QueueClient(WorkflowRunner, Protocol):
    """What a queue asks of the client that it is the queue of."""

    offline: bool
    link: ServerLink
    queue: TaskQueue


class TaskQueue:
    """The queue of one server. The module's `queue` is that of the client that `load()` set."""

    def __init__(
        self, client: QueueClient | None = None, *, find_client: Callable[[], QueueClient] | None = None
    ) -> None:
        self._client = client
        self._find_client = find_client
        self.events = QueueEvents()

    def __repr__(self) -> str:
        return f'<TaskQueue of {self._client!r}>'

    @property
    def client(self) -> Any:
        """The `Client` whose queue it is. Raises NotLoadedError for `queue` before `load()`."""
        if self._client is None and self._find_client is not None:
            return self._find_client()
        return self._client

    @property
    def _tracker(self) -> Tracker:
        return self.client.link.tracker

    @property
    def _existing_tracker(self) -> Tracker | None:
        return self._client.link.existing if self._client is not None else None

    # -- what is in it

    @property
    def queue_remaining(self) -> int:
        """How many workflows the server has, running and waiting, anybody's; 0 before anything was queued."""
        tracker = self._existing_tracker
        return tracker.queue_remaining if tracker is not None else 0

    @property
    def tasks(self) -> list[Task]:
        """Our own tasks that have not ended."""
        tracker = self._existing_tracker
        return tracker.live_tasks() if tracker is not None else []

    # -- putting

    def put(self, workflow: Any, source: str | None = None) -> MaybeTask:
        """Queue a Workflow, an output, or several outputs. None where there is nothing to run.

        Raises PromptRefusedError, ServerError, ConnectError.
        """
        return _as_workflow(workflow, self.client).queue(source)

    async def _put(self, workflow: Any, source: str | None = None) -> MaybeTask:
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
        once it returns False; that, or an exception, leaves the Workflow unqueued. A script does not end before the
        callback has been called and nothing is left that it queued; Ctrl+C ends it.
        """
        self.events.when_empty.set(callback, source)
        self.events.listen()
        if callback is not None:
            if not self.client.in_process:
                self.events.when_empty.keep_process()
            spawn(self._tell_when_empty())

    def add_queue_remaining_callback(self, callback: Callable[[int], object]) -> None:
        """Have `callback(remaining)` called when the length of the server's queue changes."""
        self.remove_queue_remaining_callback(callback)
        self.events.remaining_callbacks.append(callback)
        self.events.listen()
        # The websocket has news of the queue without a task of ours in it, too.
        if self._client is not None and not self._client.offline:
            spawn(_open_quietly(self._tracker))

    def remove_queue_remaining_callback(self, callback: Callable[[int], object]) -> None:
        """Undo `add_queue_remaining_callback`."""
        if callback in self.events.remaining_callbacks:
            self.events.remaining_callbacks.remove(callback)

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
        self.events.displays.set(
            preview=all if preview is None else preview,
            output=all if output is None else output,
            task=all if task is None else task,
        )
        self.events.bars.set(all if progress is None else progress)
        for live in self.tasks:
            self.events.bars.follow(live)

    def start_watch(
        self, display_node: bool = True, display_task: bool = True, display_node_preview: bool = True
    ) -> None:
        """`watch_display`, under the name of the first implementation."""
        self.watch_display(preview=display_node_preview, output=display_node, task=display_task)

    # -- for the client

    def _attach(self, client: QueueClient | None) -> None:
        """Become the queue of another client."""
        previous, self._client = self._client, client
        if previous is not None and previous.queue is self and previous is not client:
            previous.queue = TaskQueue(previous)
            if previous.link.existing is not None:
                previous.queue.events.observe(previous.link.existing)
        if client is not None:
            if client.queue is not self:
                client.queue.events.stop()
                client.queue = self
            if client.link.existing is not None:
                self.events.observe(client.link.existing)
            else:
                self.events.stop()

    async def _tell_when_empty(self) -> None:
        if await _open_quietly(self._tracker):
            self.events.when_empty.update()
        else:
            self.events.when_empty.set(None, None)


class QueueEvents:
    """What happens when the queue's length or a task changes: bars, images in notebooks, the callbacks of scripts."""

    def __init__(self) -> None:
        self.bars = ProgressBars(self._queue_remaining)
        self.displays = TaskDisplays()
        self.when_empty = WhenEmpty()
        self.remaining_callbacks: list[Callable[[int], object]] = []
        self._tracker: Tracker | None = None
        self._observer = Observer(self._on_queue, self._on_event)

    def observe(self, tracker: Tracker) -> None:
        """Hear of this tracker's queue, and of no other's."""
        self.stop()
        self._tracker = self.when_empty.tracker = tracker
        self.listen()

    def stop(self) -> None:
        """Hear of none."""
        if self._tracker is not None and self._observer in self._tracker.observers:
            self._tracker.observers.remove(self._observer)
        self._tracker = self.when_empty.tracker = None

    def listen(self) -> None:
        """Be told of all tasks, where a callback of the script's waits for that."""
        wanted = bool(self.remaining_callbacks) or self.when_empty.is_set
        if wanted and self._tracker is not None and self._observer not in self._tracker.observers:
            self._tracker.observers.append(self._observer)

    def follow(self, task: Task) -> bool:
        """A task is about to be queued, on the thread of the script. Whether it takes a place in a notebook's cell."""
        self.bars.follow(task)
        return self.displays.wanted

    def submitted(self, task: Task) -> None:
        """A task that takes a place was queued, on the thread of the script."""
        self.displays.follow(task)

    def _queue_remaining(self) -> int:
        return self._tracker.queue_remaining if self._tracker is not None else 0

    def _on_queue(self, remaining: int) -> None:
        for callback in list(self.remaining_callbacks):
            if self._tracker is not None:
                self._tracker.callbacks.call(callback, remaining)
        self.when_empty.update()

    def _on_event(self, event: str, task: Task, detail: Any) -> None:
        if event == 'end':
            self.when_empty.update()


async def _open_quietly(tracker: Tracker) -> bool:
    """Whether the websocket is up; the log tells why not."""
    try:
        await tracker.connection.open()
    except ComfyScriptError as error:
        log.warning('%s', error)
        return False
    return True


def _as_workflow(workflow: Any, client: QueueClient) -> Workflow:
    return workflow if isinstance(workflow, Workflow) else Workflow(outputs=workflow, client=client)

"""The queue of a server, as scripts see it: put, cancel, wait, watch, and what to do when it is empty."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any, Protocol

from ..wire.background import check_timeout, log, run_async, run_sync, spawn, wait_done
from ..wire.errors import ComfyScriptError
from ..wire.task import MaybeTask, Task
from ..wire.tracker import Tracker
from .link import ServerLink
from .queue_events import QueueEvents
from .workflow import Workflow, WorkflowRunner

__all__ = [
    'QueueClient',
    'TaskQueue',
]


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

    def put(
        self, workflow: Any, source: str | None = None, *, prompt_id: str | uuid.UUID | None = None
    ) -> MaybeTask:
        """Queue a Workflow, an output, or several outputs. None where there is nothing to run.

        `prompt_id`: a UUID that the server will know it by (as `task.prompt_id`); a new one by default.
        Raises PromptRefusedError, ServerError, ConnectError.
        """
        return _as_workflow(workflow, self.client).queue(source, prompt_id=prompt_id)

    async def _put(
        self, workflow: Any, source: str | None = None, *, prompt_id: str | uuid.UUID | None = None
    ) -> MaybeTask:
        return await _as_workflow(workflow, self.client)._queue(source, prompt_id=prompt_id)

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
        check_timeout(timeout)
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

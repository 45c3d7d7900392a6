"""The tasks that a server has of ours: each is entered once and ends exactly once, whatever happens.

Everything here runs on the background loop, but for reading what is live.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .background import log
from .connection import Connection
from .errors import (
    NodeError,
    PromptRefusedError,
    ServerLostError,
    TaskCancelledError,
    named_node,
    origin_of,
)
from .task import Task, TaskState

__all__ = ['LiveTask', 'LiveTasks', 'Observer']


class Observer(NamedTuple):
    """Somebody who wants to know how all tasks go (the progress bars, `when_empty`); called on the background loop."""

    on_queue: Callable[[int], None]
    on_event: Callable[[str, Task, Any], None]


class LiveTask:
    """A task that has not ended, and what the server told about it. `epoch`: the websocket that it was queued under."""

    def __init__(self, task: Task, epoch: int) -> None:
        self.task = task
        self.epoch = epoch
        self.accepted = False
        self.started = False
        self.succeeded = False
        self.over = False
        self.adopted = False
        self.error: BaseException | None = None
        self.told_end_at: float | None = None
        self.progress: dict[str, tuple[float, float]] = {}

    def note_output(self, data: Mapping[str, Any]) -> str:
        """Take an `executed` message, or an entry of the history like it. Returns the node's id."""
        node_id, output = str(data.get('node')), data.get('output')
        self.task.outcome.add(node_id, output)
        shown = data.get('display_node')
        if shown is not None and str(shown) != node_id and self.task.class_type_of(str(shown)) != '?':
            # A node that expanded into others shows what they show.
            self.task.outcome.add(str(shown), output, stand_in=True)
        return node_id

    def note_error(self, data: Mapping[str, Any]) -> None:
        """Take an `execution_error` message."""
        node_id = str(data.get('node_id'))
        lines = data.get('traceback') or ()
        self.error = NodeError(
            node_id=node_id,
            class_type=str(data.get('node_type') or self.task.class_type_of(node_id)),
            exception_type=str(data.get('exception_type') or 'Exception'),
            exception_message=str(data.get('exception_message') or ''),
            traceback=lines if isinstance(lines, str) else ''.join(map(str, lines)),
            origin=origin_of(self.task.origins, node_id),
        )
        self.told_end_at = time.monotonic()

    def note_interrupt(self, data: Mapping[str, Any]) -> None:
        """Take an `execution_interrupted` message."""
        node_id = str(data.get('node_id'))
        class_type = str(data.get('node_type') or self.task.class_type_of(node_id))
        node = named_node(class_type, node_id, origin_of(self.task.origins, node_id))
        self.error = TaskCancelledError(f'The workflow was interrupted in {node}.')
        self.told_end_at = time.monotonic()


class LiveTasks:
    """The tasks of one connection that have not ended, and whoever watches them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.observers: list[Observer] = []
        self.queue_remaining = 0
        self.running_id: str | None = None
        self.changed_at = 0.0
        self._entries: dict[str, LiveTask] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def __contains__(self, prompt_id: str) -> bool:
        return prompt_id in self._entries

    def all(self) -> list[LiveTask]:
        """What is live now: it may change meanwhile."""
        return list(self._entries.values())

    def find(self, prompt_id: str) -> LiveTask | None:
        return self._entries.get(prompt_id)

    def enter(self, task: Task) -> LiveTask:
        """A task that is about to be sent."""
        entry = self._entries[task.prompt_id] = LiveTask(task, self.connection.epoch)
        return entry

    def adopt(self, task: Task) -> LiveTask:
        """A task that another process has queued: most messages about it go there."""
        entry = self._entries[task.prompt_id] = LiveTask(task, -1)
        entry.accepted = entry.adopted = True
        return entry

    def forget(self, prompt_id: str) -> None:
        """A task that the server did not take."""
        self._entries.pop(prompt_id, None)

    def rename(self, entry: LiveTask, prompt_id: str) -> None:
        """The server gave it another id."""
        if self._entries.pop(entry.task.prompt_id, None) is not None:
            self._entries[prompt_id] = entry
        entry.task.prompt_id = prompt_id

    def set_running(self, entry: LiveTask) -> None:
        """The server runs it."""
        self.running_id = entry.task.prompt_id
        if entry.task.state is TaskState.QUEUED:
            entry.task.state = TaskState.RUNNING
            self.changed_at = time.monotonic()
            self.tell('start', entry.task, None)

    def is_told(self, entry: LiveTask) -> bool:
        """Whether the messages that came are all there is to know."""
        complete = entry.started and entry.epoch == self.connection.epoch and not self.connection.polling
        return entry.accepted and complete and bool(entry.succeeded or entry.error)

    def finish(self, entry: LiveTask) -> None:
        """End it in the way that was told."""
        prompt_id, task = entry.task.prompt_id, entry.task
        if isinstance(entry.error, TaskCancelledError):
            self.end(prompt_id, TaskState.CANCELLED, entry.error)
        elif entry.error is not None:
            self.end(prompt_id, TaskState.FAILED, entry.error)
        elif task.refused:
            error = PromptRefusedError('ComfyUI refused some outputs of the workflow, and ran the others', task.refused)
            self.end(prompt_id, TaskState.FAILED, error)
        else:
            self.end(prompt_id, TaskState.FINISHED, None)

    def end(self, prompt_id: str, state: TaskState, error: BaseException | None) -> None:
        """End it. An error that nobody waits for is logged."""
        entry = self._entries.pop(prompt_id, None)
        if entry is None:
            return
        if self.running_id == prompt_id:
            self.running_id = None
        self.changed_at = time.monotonic()
        if entry.task.end(state, error):
            self.tell('end', entry.task, error)
            if error is not None and not entry.task.was_waited_for and state is TaskState.FAILED:
                log.error('%s', error)

    def lose_all(self, why: str) -> None:
        """End all, because nothing more will be heard of them."""
        for prompt_id in list(self._entries):
            self.end(prompt_id, TaskState.FAILED, ServerLostError(why))

    def set_remaining(self, remaining: int) -> None:
        """The length of the server's queue, anybody's tasks in it."""
        self.queue_remaining = remaining
        for observer in list(self.observers):
            observer.on_queue(remaining)

    def tell(self, event: str, task: Task, detail: Any) -> None:
        """Tell the observers: `start`, `node`, `cached`, `output`, `progress`, `preview`, `end`."""
        task.callbacks.tell(event, detail)
        for observer in list(self.observers):
            observer.on_event(event, task, detail)

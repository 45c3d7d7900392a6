"""The tasks that have not ended, each of which ends exactly once, and what the server's messages mean for them."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .background import log
from .connection import Connection
from .errors import (
    ConnectError,
    NodeError,
    PromptRefusedError,
    ServerLostError,
    TaskCancelledError,
    named_node,
    origin_of,
)
from .task import Task, TaskProgress, TaskState

if TYPE_CHECKING:
    import aiohttp

__all__ = [
    'LiveTask',
    'LiveTasks',
    'Messages',
    'Observer',
]


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
        self.heard_at = 0.0
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
        for listener in list(task.callbacks.listeners):
            listener(event, detail)
        for observer in list(self.observers):
            observer.on_event(event, task, detail)


# Binary frames (ComfyUI protocol.py `BinaryEventTypes`).
PREVIEW_IMAGE = 1
PREVIEW_IMAGE_WITH_METADATA = 4


class AsksServer(Protocol):
    """Asks the server where messages may be missing (Recovery)."""

    def begin_anew(self) -> None: ...
    def on_end(self, entry: LiveTask) -> None: ...


class Messages:
    """Reads the messages of one connection: it is the connection's listener.

    `tell_lists_changed` is called where the server may have been restarted.
    """

    def __init__(
        self, connection: Connection, live: LiveTasks, recovery: AsksServer, tell_lists_changed: Callable[[], object]
    ) -> None:
        self._connection = connection
        self._live = live
        self._recovery = recovery
        self._tell_lists_changed = tell_lists_changed

    def on_up(self) -> None:
        """The websocket came up; after a gap the server is asked what happened meanwhile."""
        if self._connection.epoch > 1 and not self._connection.polling:
            self._tell_lists_changed()
        self._recovery.begin_anew()

    def on_lost(self, error: ConnectError) -> None:
        """The server stays away: its tasks end."""
        self._live.lose_all(f'The server went away: {error}')

    async def read(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        """Take the messages of a websocket until it is closed."""
        from aiohttp import WSMsgType

        async for message in websocket:
            try:
                if message.type is WSMsgType.TEXT:
                    told = json.loads(message.data)
                    self._on_text(str(told.get('type')), told.get('data') or {})
                elif message.type is WSMsgType.BINARY:
                    self._on_binary(message.data)
            except Exception:
                # A message of a node pack's own invention must not end the connection.
                log.exception('A message of %s was not understood', self._connection.options.address)

    def _on_text(self, kind: str, data: Mapping[str, Any]) -> None:
        self._live.heard_at = time.monotonic()
        if kind == 'status':
            self._on_status(data)
            return
        prompt_id = data.get('prompt_id') or (self._live.running_id if kind in ('executing', 'progress') else None)
        entry = self._live.find(str(prompt_id)) if prompt_id else None
        if entry is None:
            return
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, entry, data)

    def _on_binary(self, frame: bytes) -> None:
        """A preview, or an image sent by `SaveImageWebsocket` (ComfyUI server.py `send_image`)."""
        kind = struct.unpack_from('>I', frame)[0]
        if kind == PREVIEW_IMAGE_WITH_METADATA:
            length = struct.unpack_from('>I', frame, 4)[0]
            about = json.loads(frame[8 : 8 + length])
            entry = self._live.find(str(about.get('prompt_id')))
            node_id = str(about.get('node_id'))
            image = frame[8 + length :]
        elif kind == PREVIEW_IMAGE:
            entry = self._live.find(self._live.running_id or '')
            node_id = (entry.task.current_node if entry else None) or ''
            image = frame[8:]
        else:
            return
        if entry is not None:
            self._on_preview(entry, node_id, bytes(image))

    def _on_preview(self, entry: LiveTask, node_id: str, image: bytes) -> None:
        task = entry.task
        if task.images is not None:
            task.images.setdefault(node_id, []).append(image)
        task.callbacks.tell_preview(task, node_id, image)
        self._live.tell('preview', task, (node_id, image))

    def _on_status(self, data: Mapping[str, Any]) -> None:
        info = (data.get('status') or {}).get('exec_info') or {}
        remaining = info.get('queue_remaining')
        if isinstance(remaining, int):
            self._live.set_remaining(remaining)

    def _on_start(self, entry: LiveTask, data: Mapping[str, Any]) -> None:
        entry.started = True
        self._live.set_running(entry)

    def _on_executing(self, entry: LiveTask, data: Mapping[str, Any]) -> None:
        node_id = data.get('node')
        if node_id is None:
            self._recovery.on_end(entry)
            return
        self._live.set_running(entry)
        entry.task.current_node = str(node_id)
        self._live.tell('node', entry.task, str(node_id))

    def _on_cached(self, entry: LiveTask, data: Mapping[str, Any]) -> None:
        self._live.tell('cached', entry.task, tuple(map(str, data.get('nodes') or ())))

    def _on_executed(self, entry: LiveTask, data: Mapping[str, Any]) -> None:
        # ComfyUI says so, without an output, of whatever it has from before, too (execution.py, execute).
        if data.get('output') is not None:
            self._live.tell('output', entry.task, entry.note_output(data))

    def _on_progress(self, entry: LiveTask, data: Mapping[str, Any]) -> None:
        node = data.get('node') or entry.task.current_node
        if node is None:
            return
        if entry.task.images is not None:
            entry.task.image_counts[str(node)] = int(data.get('max', 1))
        self._step(entry, str(node), data.get('value', 0), data.get('max', 1))

    def _on_progress_state(self, entry: LiveTask, data: Mapping[str, Any]) -> None:
        for node_id, state in (data.get('nodes') or {}).items():
            # Every node passes through 0 of 1 and 1 of 1; only those with more steps report progress.
            if state.get('max', 1) > 1:
                self._step(entry, str(node_id), state.get('value', 0), state['max'])

    def _step(self, entry: LiveTask, node_id: str, value: float, maximum: float) -> None:
        if value <= 0 or entry.progress.get(node_id) == (value, maximum):
            return
        entry.progress[node_id] = (value, maximum)
        progress = TaskProgress(entry.task, node_id, value, maximum)
        entry.task.callbacks.tell_progress(progress)
        self._live.tell('progress', entry.task, progress)

    def _on_success(self, entry: LiveTask, data: Mapping[str, Any]) -> None:
        entry.succeeded = True
        entry.told_end_at = time.monotonic()
        if self._live.is_told(entry):
            # What the server still does (its history) changes nothing about it.
            self._live.finish(entry)

    def _on_error(self, entry: LiveTask, data: Mapping[str, Any]) -> None:
        entry.note_error(data)

    def _on_interrupted(self, entry: LiveTask, data: Mapping[str, Any]) -> None:
        entry.note_interrupt(data)


_HANDLERS: dict[str, Callable[[Messages, LiveTask, Mapping[str, Any]], None]] = {
    'execution_start': Messages._on_start,
    'execution_cached': Messages._on_cached,
    'executing': Messages._on_executing,
    'executed': Messages._on_executed,
    'progress': Messages._on_progress,
    'progress_state': Messages._on_progress_state,
    'execution_success': Messages._on_success,
    'execution_error': Messages._on_error,
    'execution_interrupted': Messages._on_interrupted,
}

"""What a websocket's messages mean for our tasks (ComfyUI execution.py `add_message`, server.py `send_sync`).

Everything here runs on the background loop.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

from .connection import Connection
from .errors import ConnectError
from .live_tasks import LiveTask, LiveTasks
from .recovery import Recovery
from .task import TaskProgress

__all__ = ['Messages']

# Binary frames (ComfyUI protocol.py `BinaryEventTypes`).
PREVIEW_IMAGE = 1
PREVIEW_IMAGE_WITH_METADATA = 4


class Messages:
    """Reads the messages of one connection: it is the connection's listener.

    `tell_lists_changed` is called where the server may have been restarted.
    """

    def __init__(
        self, connection: Connection, live: LiveTasks, recovery: Recovery, tell_lists_changed: Callable[[], object]
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

    def on_message(self, kind: str, data: Mapping[str, Any]) -> None:
        """A text message."""
        self._recovery.heard_at = time.monotonic()
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

    def on_binary(self, frame: bytes) -> None:
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

"""What a server's messages mean for the tasks that it has of ours: each ends exactly once, whatever happens.

The websocket tells how a task goes; where messages may be missing (a dropped connection, a queue that somebody cleared)
the server's queue and history are asked (ComfyUI execution.py `PromptQueue`: at any moment an id is in just one of the
queue, what runs, and the history; in this order).

Everything here runs on the background loop.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .background import Dispatcher, log
from .connection import Connection, ConnectionOptions, answered
from .errors import (
    ConnectError,
    NodeError,
    PromptRefusedError,
    ServerError,
    ServerLostError,
    TaskCancelledError,
    WouldDeadlockError,
    lacks_something,
    named_node,
    node_problems,
    origin_of,
    refusal,
)
from .results import ResultFile
from .task import Task, TaskProgress, TaskState

WATCH_INTERVAL = 1.0
# A websocket from which nothing came for so long may have gone deaf: the queue's length is asked for.
ASK_INTERVAL = 10.0
# And so often the whole queue, whatever its length.
RECONCILE_INTERVAL = 60.0
# The queue's length and a task's end are told in separate messages: quiet for so long, and they must agree.
QUIET = 1.0
POST_ATTEMPTS = 6
POST_SETTLE = 0.1
CANCEL_RETRIES = (0.3, 0.7, 1.5, 3.0, 6.0)
HISTORY_AT_ONCE = 16

# Binary frames (ComfyUI protocol.py `BinaryEventTypes`).
PREVIEW_IMAGE = 1
TEXT = 3
PREVIEW_IMAGE_WITH_METADATA = 4


class _Entry:
    """A task and what its connection told about it."""

    def __init__(self, task: Task, epoch: int) -> None:
        self.task = task
        self.epoch = epoch
        self.accepted = False
        self.started = False
        self.succeeded = False
        self.over = False
        self.error: BaseException | None = None
        self.told_end_at: float | None = None
        self.progress: dict[str, tuple[float, float]] = {}


class Observer(NamedTuple):
    """Somebody who wants to know how all tasks go (the progress bars, `when_empty`); called on the background loop."""

    on_queue: Callable[[int], None]
    on_event: Callable[[str, Task, Any], None]


class Tracker:
    """The tasks that one client has on its server."""

    def __init__(self, options: ConnectionOptions) -> None:
        self.process = os.getpid()
        self.connection = Connection(options, self)
        self.callbacks = Dispatcher('comfy_script callbacks')
        self.observers: list[Observer] = []
        self.queue_remaining = 0
        self.may_wait: Callable[[], str | None] | None = None
        self.lists_changed: Callable[[], object] | None = None
        self._entries: dict[str, _Entry] = {}
        self._running: str | None = None
        self._last_change = 0.0
        self._deaf = 0
        self._asked_at = 0.0
        self._heard_at = 0.0
        self._reconciled_at = 0.0
        self._watcher: asyncio.Task[None] | None = None
        self._reconciling = asyncio.Lock()
        self._wanted = False
        self._reconciler: asyncio.Task[None] | None = None
        self._has_jobs_route: bool | None = None

    # -- asked by tasks, on any thread

    def check_may_wait(self) -> None:
        """Raises WouldDeadlockError where a blocking wait would stop the server that it waits for."""
        reason = self.may_wait() if self.may_wait is not None else None
        if reason:
            raise WouldDeadlockError(reason)

    def live_tasks(self) -> list[Task]:
        """The tasks that have not ended."""
        return [entry.task for entry in self._out()]

    def _out(self) -> list[_Entry]:
        """What is out now: any thread may add to it meanwhile."""
        return list(self._entries.values())

    async def download(self, file: ResultFile) -> bytes:
        """The bytes of a file on the server. Raises ServerError, ConnectError."""
        params = {'filename': file.filename, 'subfolder': file.subfolder, 'type': file.type}
        return await self.connection.request('GET', 'view', params=params)

    # -- submitting

    async def submit(self, task: Task, body: bytes) -> Task:
        """Put a task into the server's queue. Raises PromptRefusedError, ServerError, ConnectError."""
        try:
            await self.connection.open()
            entry = self._entries[task.prompt_id] = _Entry(task, self.connection.epoch)
            status, answer = await self._post(task.prompt_id, body)
            if status != 200:
                raise self._refused(task, status, answer)
        except BaseException as error:
            self._entries.pop(task.prompt_id, None)
            task._end(TaskState.FAILED, error if isinstance(error, Exception) else ConnectError('Not sent'))
            raise
        self._accept(entry, answer)
        return task

    async def _post(self, prompt_id: str, body: bytes) -> tuple[int, bytes]:
        """The server's answer to a prompt, which is sent once.

        Where the connection breaks meanwhile, the prompt's id, which is ours, tells whether it arrived.
        """
        attempts = 0
        arrived: bool | None = False
        while True:
            try:
                if arrived is False:
                    headers = {'Content-Type': 'application/json'}
                    return await self.connection.exchange('POST', 'prompt', data=body, headers=headers)
                arrived = prompt_id in await self._queued_ids() or await self._history(prompt_id) is not None
                if arrived:
                    return 200, b'{}'
            except ConnectError:
                attempts += 1
                arrived = None
                if attempts == POST_ATTEMPTS:
                    raise
                # What arrived whole is in the queue by then.
                await asyncio.sleep(POST_SETTLE * attempts)
                await self.connection.open()

    def _refused(self, task: Task, status: int, answer: bytes) -> Exception:
        try:
            body = json.loads(answer)
        except ValueError:
            body = None
        if status == 400 and isinstance(body, dict) and 'error' in body:
            self._note_refusal(body)
            return refusal(body, task.origins)
        return answered('ComfyUI answered the workflow with', status, answer)

    def _note_refusal(self, body: Mapping[str, Any]) -> None:
        """A value or node that the server does not have, though we may have had it from the server."""
        if lacks_something(body):
            self._tell_lists_changed()

    def _tell_lists_changed(self) -> None:
        if self.lists_changed is not None:
            self.lists_changed()

    def _accept(self, entry: _Entry, answer: bytes) -> None:
        task = entry.task
        body = json.loads(answer or b'{}')
        entry.accepted = True
        task.number = body.get('number', 0)
        if body.get('node_errors'):
            self._note_refusal(body)
            task.refused = tuple(node_problems(body['node_errors'], task.origins))
            outputs = (error.get('dependent_outputs') or () for error in body['node_errors'].values())
            task.refused_outputs = frozenset(str(output) for several in outputs for output in several)
        told = body.get('prompt_id', task.prompt_id)
        if told != task.prompt_id:
            # A server from before 2025-09 makes the id itself; what it told about it meanwhile is asked for.
            if self._entries.pop(task.prompt_id, None) is not None:
                self._entries[told] = entry
            task.prompt_id = told
            entry.epoch = -1
        task._accepted()
        self._last_change = time.monotonic()
        self._watch()
        if entry.over or entry.succeeded:
            # A quick workflow is over before the server has answered that it took it.
            self._on_end(entry)

    # -- the connection's messages

    def on_up(self) -> None:
        """The websocket came up; after a gap the server is asked what happened meanwhile."""
        self._deaf = 0
        if self.connection.epoch > 1 and not self.connection.polling:
            self._tell_lists_changed()
        if self._entries:
            self._start_reconciling()

    def on_lost(self, error: ConnectError) -> None:
        """The server stays away: its tasks end."""
        self._lose_all(f'The server went away: {error}')

    def _lose_all(self, why: str) -> None:
        for prompt_id in list(self._entries):
            self._end(prompt_id, TaskState.FAILED, ServerLostError(why))

    def on_message(self, kind: str, data: Mapping[str, Any]) -> None:
        """A text message of the websocket (ComfyUI execution.py `add_message`, server.py `send_sync`)."""
        self._heard_at = time.monotonic()
        if kind == 'status':
            self._on_status(data)
            return
        prompt_id = data.get('prompt_id') or (self._running if kind in ('executing', 'progress') else None)
        entry = self._entries.get(str(prompt_id)) if prompt_id else None
        if entry is None:
            return
        handler = self._HANDLERS.get(kind)
        if handler is not None:
            handler(self, entry, data)

    def on_binary(self, frame: bytes) -> None:
        """A preview, or an image sent by `SaveImageWebsocket` (ComfyUI server.py `send_image`)."""
        kind = struct.unpack_from('>I', frame)[0]
        if kind == PREVIEW_IMAGE_WITH_METADATA:
            length = struct.unpack_from('>I', frame, 4)[0]
            about = json.loads(frame[8 : 8 + length])
            entry = self._entries.get(str(about.get('prompt_id')))
            node_id = str(about.get('node_id'))
            image = frame[8 + length :]
        elif kind == PREVIEW_IMAGE:
            entry = self._entries.get(self._running or '')
            node_id = (entry.task.current_node if entry else None) or ''
            image = frame[8:]
        else:
            return
        if entry is not None:
            self._on_preview(entry.task, node_id, bytes(image))

    def _on_preview(self, task: Task, node_id: str, image: bytes) -> None:
        if task.images is not None:
            task.images.setdefault(node_id, []).append(image)
        task._set_preview(node_id, image, self.callbacks)
        self._tell('preview', task, (node_id, image))

    def _on_status(self, data: Mapping[str, Any]) -> None:
        info = (data.get('status') or {}).get('exec_info') or {}
        remaining = info.get('queue_remaining')
        if isinstance(remaining, int):
            self._set_remaining(remaining)

    def _set_remaining(self, remaining: int) -> None:
        self.queue_remaining = remaining
        for observer in list(self.observers):
            observer.on_queue(remaining)

    def _on_start(self, entry: _Entry, data: Mapping[str, Any]) -> None:
        entry.started = True
        self._set_running(entry)

    def _set_running(self, entry: _Entry) -> None:
        self._running = entry.task.prompt_id
        if entry.task.state is TaskState.QUEUED:
            entry.task.state = TaskState.RUNNING
            self._last_change = time.monotonic()
            self._tell('start', entry.task, None)

    def _on_executing(self, entry: _Entry, data: Mapping[str, Any]) -> None:
        node_id = data.get('node')
        if node_id is None:
            self._on_end(entry)
            return
        self._set_running(entry)
        entry.task.current_node = str(node_id)
        self._tell('node', entry.task, str(node_id))

    def _on_cached(self, entry: _Entry, data: Mapping[str, Any]) -> None:
        self._tell('cached', entry.task, tuple(map(str, data.get('nodes') or ())))

    def _on_executed(self, entry: _Entry, data: Mapping[str, Any]) -> None:
        node_id = str(data.get('node'))
        entry.task._add_output(node_id, data.get('output'))
        shown = data.get('display_node')
        if shown is not None and str(shown) != node_id and entry.task.class_type_of(str(shown)) != '?':
            # A node that expanded into others shows what they show.
            entry.task._add_output(str(shown), data.get('output'), stand_in=True)
        self._tell('output', entry.task, node_id)

    def _on_progress(self, entry: _Entry, data: Mapping[str, Any]) -> None:
        node = data.get('node') or entry.task.current_node
        if node is None:
            return
        if entry.task.images is not None:
            entry.task.image_counts[str(node)] = int(data.get('max', 1))
        self._step(entry, str(node), data.get('value', 0), data.get('max', 1))

    def _on_progress_state(self, entry: _Entry, data: Mapping[str, Any]) -> None:
        for node_id, state in (data.get('nodes') or {}).items():
            # Every node passes through 0 of 1 and 1 of 1; only those with more steps report progress.
            if state.get('max', 1) > 1:
                self._step(entry, str(node_id), state.get('value', 0), state['max'])

    def _step(self, entry: _Entry, node_id: str, value: float, maximum: float) -> None:
        if value <= 0 or entry.progress.get(node_id) == (value, maximum):
            return
        entry.progress[node_id] = (value, maximum)
        progress = TaskProgress(entry.task, node_id, value, maximum)
        entry.task._set_progress(progress, self.callbacks)
        self._tell('progress', entry.task, progress)

    def _on_success(self, entry: _Entry, data: Mapping[str, Any]) -> None:
        entry.succeeded = True
        entry.told_end_at = time.monotonic()
        if self._is_told(entry):
            # What the server still does (its history) changes nothing about it.
            self._finish(entry)

    def _on_error(self, entry: _Entry, data: Mapping[str, Any]) -> None:
        entry.error = node_error(entry.task, data)
        entry.told_end_at = time.monotonic()

    def _on_interrupted(self, entry: _Entry, data: Mapping[str, Any]) -> None:
        entry.error = interrupted_error(entry.task, data)
        entry.told_end_at = time.monotonic()

    def _on_end(self, entry: _Entry) -> None:
        """The server is through with it. Its messages are the whole story, unless some may be missing."""
        if not entry.accepted:
            entry.over = True
            return
        if self._is_told(entry):
            self._finish(entry)
            return
        entry.told_end_at = entry.told_end_at or time.monotonic()
        self._start_reconciling()

    def _is_told(self, entry: _Entry) -> bool:
        """Whether the messages that came are all there is to know."""
        complete = entry.started and entry.epoch == self.connection.epoch and not self.connection.polling
        return entry.accepted and complete and bool(entry.succeeded or entry.error)

    def _finish(self, entry: _Entry) -> None:
        prompt_id, task = entry.task.prompt_id, entry.task
        if isinstance(entry.error, TaskCancelledError):
            self._end(prompt_id, TaskState.CANCELLED, entry.error)
        elif entry.error is not None:
            self._end(prompt_id, TaskState.FAILED, entry.error)
        elif task.refused:
            error = PromptRefusedError('ComfyUI refused some outputs of the workflow, and ran the others', task.refused)
            self._end(prompt_id, TaskState.FAILED, error)
        else:
            self._end(prompt_id, TaskState.FINISHED, None)

    def _end(self, prompt_id: str, state: TaskState, error: BaseException | None) -> None:
        entry = self._entries.pop(prompt_id, None)
        if entry is None:
            return
        if self._running == prompt_id:
            self._running = None
        self._last_change = time.monotonic()
        if entry.task._end(state, error):
            self._tell('end', entry.task, error)
            if error is not None and not entry.task.was_waited_for and state is TaskState.FAILED:
                log.error('%s', error)

    def _tell(self, event: str, task: Task, detail: Any) -> None:
        for observer in list(self.observers):
            observer.on_event(event, task, detail)

    _HANDLERS: dict[str, Callable[[Tracker, _Entry, Mapping[str, Any]], None]] = {
        'execution_start': _on_start,
        'execution_cached': _on_cached,
        'executing': _on_executing,
        'executed': _on_executed,
        'progress': _on_progress,
        'progress_state': _on_progress_state,
        'execution_success': _on_success,
        'execution_error': _on_error,
        'execution_interrupted': _on_interrupted,
    }

    # -- asking the server

    def _watch(self) -> None:
        if self._watcher is None or self._watcher.done():
            self._asked_at = self._reconciled_at = time.monotonic()
            self._watcher = asyncio.get_running_loop().create_task(self._keep_watch())

    async def _keep_watch(self) -> None:
        """While tasks are out: notice what no message tells."""
        while self._entries:
            await asyncio.sleep(WATCH_INTERVAL)
            if not self.connection.is_up:
                continue
            try:
                if self.connection.polling or self._looks_wrong() or await self._asked_and_wrong():
                    await self.reconcile()
            except (ConnectError, ServerError) as error:
                log.debug('Asking %s failed: %s', self.connection.options.url, error)
                if self.connection.polling:
                    await self._poll_failed(error)

    async def _poll_failed(self, error: Exception) -> None:
        """Without a websocket, the polling itself has to notice that the server is gone."""
        deadline = time.monotonic() + self.connection.options.lost_after
        while time.monotonic() < deadline:
            try:
                await self.connection.get_json('prompt', timeout=10)
                return
            except (ConnectError, ServerError) as still:
                error = still
                await asyncio.sleep(WATCH_INTERVAL)
        self.on_lost(ConnectError(str(error)))

    def _looks_wrong(self) -> bool:
        """Whether fewer tasks are in the server's queue than we have there, or an end was told and did not come."""
        now = time.monotonic()
        if any(entry.told_end_at is not None and now - entry.told_end_at > QUIET for entry in self._out()):
            return True
        accepted = sum(entry.accepted for entry in self._out())
        return now - self._last_change > QUIET and self.queue_remaining < accepted

    async def _asked_and_wrong(self) -> bool:
        """Ask for the queue's length now and then: one that we were not told means a websocket gone deaf."""
        now = time.monotonic()
        if now - max(self._asked_at, self._heard_at) < ASK_INTERVAL:
            return False
        if now - max(self._reconciled_at, self._heard_at) > RECONCILE_INTERVAL:
            return True
        self._asked_at = now
        answer = await self.connection.get_json('prompt', timeout=30)
        remaining = ((answer or {}).get('exec_info') or {}).get('queue_remaining')
        if not isinstance(remaining, int) or remaining == self.queue_remaining:
            self._deaf = 0
            return False
        self._deaf += 1
        if self._deaf < 2:
            self._asked_at = now - ASK_INTERVAL + WATCH_INTERVAL
            return False
        log.warning('The websocket of %s went deaf: making a new one', self.connection.options.url)
        self._set_remaining(remaining)
        self.connection.renew()
        return True

    def _start_reconciling(self) -> None:
        self._wanted = True
        if self._reconciler is None or self._reconciler.done():
            self._reconciler = asyncio.get_running_loop().create_task(self._reconcile_as_wanted())

    async def _reconcile_as_wanted(self) -> None:
        """What was asked for while the server was being asked may be newer than its answer: once more, then."""
        while self._wanted:
            self._wanted = False
            await self._reconcile_quietly()

    async def _reconcile_quietly(self) -> None:
        try:
            await self.reconcile()
        except (ConnectError, ServerError) as error:
            log.debug('Asking %s failed: %s', self.connection.options.url, error)

    async def reconcile(self) -> None:
        """Compare our tasks with the server's queue and history, and end those that are over."""
        async with self._reconciling:
            self._reconciled_at = time.monotonic()
            asked = [entry for entry in self._out() if entry.accepted]
            if not asked:
                return
            queued = await self._queued_ids()
            gone = [entry for entry in asked if entry.task.prompt_id not in queued]
            for start in range(0, len(gone), HISTORY_AT_ONCE):
                await asyncio.gather(*(self._settle(entry) for entry in gone[start : start + HISTORY_AT_ONCE]))
            for prompt_id, running in queued.items():
                entry = self._entries.get(prompt_id)
                if running and entry is not None:
                    self._set_running(entry)

    async def _queued_ids(self) -> dict[str, bool]:
        """The ids in the queue, and whether each runs."""
        answer = await self.connection.get_json('queue')
        queued = {str(item[1]): False for item in answer.get('queue_pending') or ()}
        return queued | {str(item[1]): True for item in answer.get('queue_running') or ()}

    async def _history(self, prompt_id: str) -> Mapping[str, Any] | None:
        return (await self.connection.get_json(f'history/{prompt_id}')).get(prompt_id)

    async def _settle(self, entry: _Entry) -> None:
        """A task that is not in the queue is in the history, or was removed, or the server began anew."""
        prompt_id = entry.task.prompt_id
        told = await self._history(prompt_id)
        if prompt_id not in self._entries:
            return
        if told is not None:
            self._read_history(entry, told)
            self._finish(entry)
        elif entry.epoch == self.connection.epoch:
            error = TaskCancelledError('The workflow was removed from the queue before it ran.')
            self._end(prompt_id, TaskState.CANCELLED, error)
        else:
            reason = 'it was restarted while the connection was down, or its queue was cleared'
            error = ServerLostError(
                f'The server at {self.connection.options.url} no longer has the workflow: {reason}.'
            )
            self._end(prompt_id, TaskState.FAILED, error)

    def _read_history(self, entry: _Entry, told: Mapping[str, Any]) -> None:
        """Take outputs and end from a history entry; its messages are the ones that the websocket had."""
        for node_id, output in (told.get('outputs') or {}).items():
            if node_id not in entry.task.outputs:
                self._on_executed(
                    entry, {**((told.get('meta') or {}).get(node_id) or {}), 'node': node_id, 'output': output}
                )
        status = told.get('status') or {}
        for kind, data in status.get('messages') or ():
            if kind in ('execution_error', 'execution_interrupted') and entry.error is None:
                self._HANDLERS[kind](self, entry, data)
        if status.get('status_str') == 'error' and entry.error is None:
            entry.error = NodeError(
                node_id='?',
                class_type='?',
                exception_type='Error',
                exception_message='the server tells no more',
                traceback='',
                origin=None,
            )

    # -- cancelling

    async def cancel(self, task: Task) -> bool:
        """Remove a task from the queue, or interrupt it. Returns whether it was live."""
        if task.prompt_id not in self._entries:
            return False
        await self._cancel_once(task.prompt_id)
        await self._reconcile_quietly()
        if task.prompt_id in self._entries:
            asyncio.get_running_loop().create_task(self._insist(task.prompt_id))
        return True

    async def _insist(self, prompt_id: str) -> None:
        """Ask again: an interrupt between taking a prompt and starting it is forgotten (`execute_async` resets it)."""
        for delay in CANCEL_RETRIES:
            await asyncio.sleep(delay)
            if prompt_id not in self._entries:
                return
            try:
                await self._cancel_once(prompt_id)
            except (ConnectError, ServerError) as error:
                log.debug('Cancelling %s failed: %s', prompt_id, error)

    async def _cancel_once(self, prompt_id: str) -> None:
        if self._has_jobs_route is not False:
            status, _ = await self.connection.exchange('POST', f'api/jobs/{prompt_id}/cancel')
            self._has_jobs_route = status not in (404, 405)
            if status == 200:
                return
        await self.connection.post_json('queue', {'delete': [prompt_id]})
        if (await self._queued_ids()).get(prompt_id):
            # Old servers ignore the id and interrupt whatever runs: this is what runs.
            await self.connection.post_json('interrupt', {'prompt_id': prompt_id})

    async def cancel_current(self) -> None:
        """Interrupt what runs on the server, whose ever it is."""
        running = next((entry.task for entry in self._out() if entry.task.state is TaskState.RUNNING), None)
        await self.connection.post_json('interrupt', {})
        if running is not None:
            asyncio.get_running_loop().create_task(self._insist(running.prompt_id))

    async def cancel_remaining(self) -> None:
        """Clear the server's queue, but for what runs."""
        await self.connection.post_json('queue', {'clear': True})
        await self._reconcile_quietly()

    async def close(self) -> None:
        """Close the connection; tasks that are still out end with ServerLostError."""
        self._let_go()
        for job in (self._watcher, self._reconciler):
            if job is not None:
                job.cancel()
        await self.connection.close()

    def _let_go(self) -> None:
        for entry in self._out():
            entry.task.was_waited_for = True
        self._lose_all('This client was closed while the workflow was on the server, which runs it all the same.')


def node_error(task: Task, data: Mapping[str, Any]) -> NodeError:
    """The error for an `execution_error` message."""
    node_id = str(data.get('node_id'))
    lines = data.get('traceback') or ()
    return NodeError(
        node_id=node_id,
        class_type=str(data.get('node_type') or task.class_type_of(node_id)),
        exception_type=str(data.get('exception_type') or 'Exception'),
        exception_message=str(data.get('exception_message') or ''),
        traceback=lines if isinstance(lines, str) else ''.join(map(str, lines)),
        origin=origin_of(task.origins, node_id),
    )


def interrupted_error(task: Task, data: Mapping[str, Any]) -> TaskCancelledError:
    """The error for an `execution_interrupted` message."""
    node_id = str(data.get('node_id'))
    class_type = str(data.get('node_type') or task.class_type_of(node_id))
    node = named_node(class_type, node_id, origin_of(task.origins, node_id))
    return TaskCancelledError(f'The workflow was interrupted in {node}.')

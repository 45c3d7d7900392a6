"""What no message tells of the live tasks: the server is asked for its queue and its history."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from .background import log
from .connection import Connection, understood
from .errors import ConnectError, NodeError, ServerError, ServerLostError, TaskCancelledError
from .live_tasks import LiveTask, LiveTasks
from .task import TaskState

__all__ = ['Recovery', 'history_of', 'queued_ids', 'queued_prompts']

WATCH_INTERVAL = 1.0
# A websocket from which nothing came for so long may have gone deaf: the queue's length is asked for.
ASK_INTERVAL = 10.0
# And so often the whole queue, whatever its length.
RECONCILE_INTERVAL = 60.0
# The queue's length and a task's end are told in separate messages: quiet for so long, and they must agree.
QUIET = 1.0
# The messages about a task of another process go there: so often it is asked for.
ADOPTED_INTERVAL = 3.0
HISTORY_AT_ONCE = 16


async def queued_ids(connection: Connection) -> dict[str, bool]:
    """The ids in the server's queue, and whether each runs. Raises ConnectError, ServerError."""
    answer = await connection.get_json('queue')
    with understood('The answer to GET /queue'):
        queued = {str(item[1]): False for item in answer.get('queue_pending') or ()}
        return queued | {str(item[1]): True for item in answer.get('queue_running') or ()}


async def queued_prompts(connection: Connection) -> dict[str, Mapping[str, Any]]:
    """The prompts in the server's queue by their ids. Raises ConnectError, ServerError."""
    answer = await connection.get_json('queue')
    with understood('The answer to GET /queue'):
        return {str(item[1]): item[2] for key in ('queue_pending', 'queue_running') for item in answer.get(key) or ()}


async def history_of(connection: Connection, prompt_id: str) -> Mapping[str, Any] | None:
    """The history's entry of a workflow, or None. Raises ConnectError, ServerError."""
    answer = await connection.get_json(f'history/{prompt_id}')
    with understood('The answer to GET /history'):
        told = answer.get(prompt_id)
        if told is not None and not isinstance(told, Mapping):
            raise TypeError(f'{type(told).__name__} in the place of an entry')
        return told


class Recovery:
    """Asks the server about the live tasks of one connection, and ends those that are over."""

    def __init__(self, connection: Connection, live: LiveTasks) -> None:
        self._connection = connection
        self._live = live
        self._deaf = 0
        self._asked_at = 0.0
        self._reconciled_at = 0.0
        self._watcher: asyncio.Task[None] | None = None
        self._reconciling = asyncio.Lock()
        self._wanted = False
        self._reconciler: asyncio.Task[None] | None = None

    def begin_anew(self) -> None:
        """A new websocket: what is live was queued before it."""
        self._deaf = 0
        if self._live:
            self._start_reconciling()

    def on_end(self, entry: LiveTask) -> None:
        """The server is through with a task. Its messages are the whole story, unless some may be missing."""
        if not entry.accepted:
            entry.over = True
            return
        if self._live.is_told(entry):
            self._live.finish(entry)
            return
        entry.told_end_at = entry.told_end_at or time.monotonic()
        self._start_reconciling()

    def stop(self) -> None:
        """Ask no more."""
        for job in (self._watcher, self._reconciler):
            if job is not None:
                job.cancel()

    # -- the watch

    def watch(self) -> None:
        """While tasks are live: notice what no message tells."""
        if self._watcher is None or self._watcher.done():
            self._asked_at = self._reconciled_at = time.monotonic()
            self._watcher = asyncio.get_running_loop().create_task(self._keep_watch())

    async def _keep_watch(self) -> None:
        while self._live:
            await asyncio.sleep(WATCH_INTERVAL)
            if not self._connection.is_up:
                continue
            try:
                if self._connection.polling or self._looks_wrong() or await self._asked_and_wrong():
                    await self.reconcile()
            except (ConnectError, ServerError) as error:
                log.debug('Asking %s failed: %s', self._connection.options.address, error)
                if self._connection.polling:
                    await self._poll_failed(error)

    async def _poll_failed(self, error: Exception) -> None:
        """Without a websocket, the polling itself has to notice that the server is gone."""
        deadline = time.monotonic() + self._connection.options.lost_after
        while time.monotonic() < deadline:
            try:
                await self._connection.get_json('prompt', timeout=10)
                return
            except (ConnectError, ServerError) as still:
                error = still
                await asyncio.sleep(WATCH_INTERVAL)
        self._live.lose_all(f'The server went away: {error}')

    def _looks_wrong(self) -> bool:
        """Whether fewer tasks are in the server's queue than we have there, or an end was told and did not come."""
        now = time.monotonic()
        entries = self._live.all()
        if any(entry.told_end_at is not None and now - entry.told_end_at > QUIET for entry in entries):
            return True
        if any(entry.adopted for entry in entries) and now - self._reconciled_at > ADOPTED_INTERVAL:
            return True
        accepted = sum(entry.accepted for entry in entries)
        return now - self._live.changed_at > QUIET and self._live.queue_remaining < accepted

    async def _asked_and_wrong(self) -> bool:
        """Ask for the queue's length now and then: one that we were not told means a websocket gone deaf."""
        now = time.monotonic()
        if now - max(self._asked_at, self._live.heard_at) < ASK_INTERVAL:
            return False
        if now - max(self._reconciled_at, self._live.heard_at) > RECONCILE_INTERVAL:
            return True
        self._asked_at = now
        answer = await self._connection.get_json('prompt', timeout=30)
        with understood('The answer to GET /prompt'):
            remaining = ((answer or {}).get('exec_info') or {}).get('queue_remaining')
        if not isinstance(remaining, int) or remaining == self._live.queue_remaining:
            self._deaf = 0
            return False
        self._deaf += 1
        if self._deaf < 2:
            self._asked_at = now - ASK_INTERVAL + WATCH_INTERVAL
            return False
        log.warning('The websocket of %s went deaf: making a new one', self._connection.options.address)
        self._live.set_remaining(remaining)
        self._connection.renew()
        return True

    # -- queue and history

    def _start_reconciling(self) -> None:
        self._wanted = True
        if self._reconciler is None or self._reconciler.done():
            self._reconciler = asyncio.get_running_loop().create_task(self._reconcile_as_wanted())

    async def _reconcile_as_wanted(self) -> None:
        """What was asked for while the server was being asked may be newer than its answer: once more, then."""
        while self._wanted:
            self._wanted = False
            await self.reconcile_quietly()

    async def reconcile_quietly(self) -> None:
        """`reconcile`, where a server that does not answer is no matter."""
        try:
            await self.reconcile()
        except (ConnectError, ServerError) as error:
            log.debug('Asking %s failed: %s', self._connection.options.address, error)

    async def reconcile(self) -> None:
        """Compare our tasks with the server's queue and history, and end those that are over."""
        async with self._reconciling:
            self._reconciled_at = time.monotonic()
            asked = [entry for entry in self._live.all() if entry.accepted]
            if not asked:
                return
            queued = await queued_ids(self._connection)
            gone = [entry for entry in asked if entry.task.prompt_id not in queued]
            for start in range(0, len(gone), HISTORY_AT_ONCE):
                await asyncio.gather(*(self._settle(entry) for entry in gone[start : start + HISTORY_AT_ONCE]))
            for prompt_id, running in queued.items():
                entry = self._live.find(prompt_id)
                if running and entry is not None:
                    self._live.set_running(entry)

    async def _settle(self, entry: LiveTask) -> None:
        """A task that is not in the queue is in the history, or was removed, or the server began anew."""
        prompt_id = entry.task.prompt_id
        told = await history_of(self._connection, prompt_id)
        if prompt_id not in self._live:
            return
        if told is not None:
            try:
                with understood('The history of the workflow'):
                    self._read_history(entry, told)
            except ServerError as error:
                self._live.end(prompt_id, TaskState.FAILED, error)
                return
            self._live.finish(entry)
        elif entry.epoch == self._connection.epoch:
            error = TaskCancelledError('The workflow was removed from the queue before it ran.')
            self._live.end(prompt_id, TaskState.CANCELLED, error)
        else:
            url = self._connection.options.address
            reason = 'it was restarted while the connection was down, or its queue was cleared'
            error = ServerLostError(f'The server at {url} no longer has the workflow: {reason}.')
            self._live.end(prompt_id, TaskState.FAILED, error)

    def _read_history(self, entry: LiveTask, told: Mapping[str, Any]) -> None:
        """Take outputs and end from a history entry; its messages are the ones that the websocket had."""
        meta = told.get('meta') or {}
        for node_id, output in (told.get('outputs') or {}).items():
            if node_id not in entry.task.outputs:
                entry.note_output({**(meta.get(node_id) or {}), 'node': node_id, 'output': output})
                self._live.tell('output', entry.task, node_id)
        status = told.get('status') or {}
        for kind, data in status.get('messages') or ():
            if entry.error is None and kind == 'execution_error':
                entry.note_error(data)
            elif entry.error is None and kind == 'execution_interrupted':
                entry.note_interrupt(data)
        if status.get('status_str') == 'error' and entry.error is None:
            entry.error = NodeError(
                node_id='?',
                class_type='?',
                exception_type='Error',
                exception_message='the server tells no more',
                traceback='',
                origin=None,
            )

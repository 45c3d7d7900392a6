"""Prompts on their way into a server's queue: each arrives once, whatever happens to the connection meanwhile.

Everything here runs on the background loop.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from .connection import Connection, answered
from .errors import ConnectError, lacks_something, node_problems, refusal
from .live_tasks import LiveTask, LiveTasks
from .recovery import Recovery, history_of, queued_ids
from .task import Task, TaskState

__all__ = ['Sender']

POST_ATTEMPTS = 6
POST_SETTLE = 0.1


class Sender:
    """Puts tasks into the queue of one server.

    `tell_lists_changed` is called where the server refuses a value or a node that it may have had before.
    """

    def __init__(
        self, connection: Connection, live: LiveTasks, recovery: Recovery, tell_lists_changed: Callable[[], object]
    ) -> None:
        self._connection = connection
        self._live = live
        self._recovery = recovery
        self._tell_lists_changed = tell_lists_changed

    async def submit(self, task: Task, body: bytes) -> None:
        """Put a task into the server's queue. Raises PromptRefusedError, ServerError, ConnectError."""
        try:
            await self._connection.open()
            entry = self._live.enter(task)
            status, answer = await self._post(task.prompt_id, body)
            if status != 200:
                raise self._refused(task, status, answer)
        except BaseException as error:
            self._live.forget(task.prompt_id)
            task.end(TaskState.FAILED, error if isinstance(error, Exception) else ConnectError('Not sent'))
            raise
        self._accept(entry, json.loads(answer or b'{}'))

    async def _post(self, prompt_id: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of the server's answer to a prompt.

        Where the connection breaks meanwhile, the prompt's id, which is ours, tells whether it arrived.
        """
        attempts = 0
        arrived: bool | None = False
        while True:
            try:
                if arrived is False:
                    headers = {'Content-Type': 'application/json'}
                    return await self._connection.exchange('POST', 'prompt', data=body, headers=headers)
                arrived = await self._has_arrived(prompt_id)
                if arrived:
                    return 200, b'{}'
            except ConnectError:
                attempts += 1
                arrived = None
                if attempts == POST_ATTEMPTS:
                    raise
                # What arrived whole is in the queue by then.
                await asyncio.sleep(POST_SETTLE * attempts)
                await self._connection.open()

    async def _has_arrived(self, prompt_id: str) -> bool:
        queued = prompt_id in await queued_ids(self._connection)
        return queued or await history_of(self._connection, prompt_id) is not None

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

    def _accept(self, entry: LiveTask, answer: Mapping[str, Any]) -> None:
        task = entry.task
        entry.accepted = True
        task.number = answer.get('number', 0)
        errors = answer.get('node_errors')
        if errors:
            self._note_refusal(answer)
            task.refused = tuple(node_problems(errors, task.origins))
            outputs = (error.get('dependent_outputs') or () for error in errors.values())
            task.outcome.refused_outputs = frozenset(str(output) for several in outputs for output in several)
        told = answer.get('prompt_id', task.prompt_id)
        if told != task.prompt_id:
            # A server from before 2025-09 makes the id itself; what it told about it meanwhile is asked for.
            self._live.rename(entry, told)
            entry.epoch = -1
        if task.on_accepted is not None:
            task.on_accepted(task)
        self._live.changed_at = time.monotonic()
        self._recovery.watch()
        if entry.over or entry.succeeded:
            # A quick workflow is over before the server has answered that it took it.
            self._recovery.on_end(entry)

"""One client's tasks on its server: prompts into its queue and out of it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .adopting import Adopter
from .background import Dispatcher, log
from .connection import MOST_OF_FILE, Connection, ConnectionOptions, answered, understood
from .errors import ConnectError, ServerError, TaskError, WouldDeadlockError, lacks_something, node_problems, refusal
from .live_tasks import LiveTask, LiveTasks, Messages, Observer
from .recovery import Recovery, history_of, queued_ids
from .results import ResultFile
from .task import Task, TaskState

__all__ = [
    'Canceller',
    'Sender',
    'Tracker',
]

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
        """Put a task into the server's queue. Raises PromptRefusedError, ServerError, ConnectError, TaskError."""
        if task.prompt_id in self._live:
            raise TaskError(f'The workflow {task.prompt_id} is in the queue already: a new one takes a new prompt_id')
        try:
            if not self._connection.is_up:
                await self._connection.open()
            entry = self._live.enter(task)
            status, answer = await self._post(task.prompt_id, body)
            if status != 200:
                raise self._refused(task, status, answer)
        except BaseException as error:
            self._live.forget(task.prompt_id)
            task.end(TaskState.FAILED, error if isinstance(error, Exception) else ConnectError('Not sent'))
            raise
        try:
            with understood('The answer to the workflow'):
                self._accept(entry, json.loads(answer or b'{}'))
        except ServerError as error:
            self._live.forget(task.prompt_id)
            task.end(TaskState.FAILED, error)
            raise

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
            try:
                with understood('The refusal of the workflow'):
                    self._note_refusal(body)
                    return refusal(body, task.origins)
            except ServerError as error:
                log.debug('%s', error)
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


CANCEL_RETRIES = (0.3, 0.7, 1.5, 3.0, 6.0)


class Canceller:
    """Cancels tasks on one server."""

    def __init__(self, connection: Connection, live: LiveTasks, recovery: Recovery) -> None:
        self._connection = connection
        self._live = live
        self._recovery = recovery
        self._has_jobs_route: bool | None = None

    async def cancel(self, prompt_id: str) -> bool:
        """Remove a task from the queue, or interrupt it. Returns whether it was live."""
        if prompt_id not in self._live:
            return False
        await self._cancel_once(prompt_id)
        await self._recovery.reconcile_quietly()
        if prompt_id in self._live:
            asyncio.get_running_loop().create_task(self._insist(prompt_id))
        return True

    async def cancel_anybodys(self, prompt_id: str) -> None:
        """Remove a workflow from the queue, or interrupt it, whoever queued it."""
        if not await self.cancel(prompt_id):
            await self._cancel_once(prompt_id)

    async def _insist(self, prompt_id: str) -> None:
        """Ask again: an interrupt between taking a prompt and starting it is forgotten (`execute_async` resets it)."""
        for delay in CANCEL_RETRIES:
            await asyncio.sleep(delay)
            if prompt_id not in self._live:
                return
            try:
                await self._cancel_once(prompt_id)
            except (ConnectError, ServerError) as error:
                log.debug('Cancelling %s failed: %s', prompt_id, error)

    async def _cancel_once(self, prompt_id: str) -> None:
        if self._has_jobs_route is not False:
            status, _ = await self._connection.exchange('POST', f'api/jobs/{prompt_id}/cancel')
            self._has_jobs_route = status not in (404, 405)
            if status == 200:
                return
        await self._connection.post_json('queue', {'delete': [prompt_id]})
        if (await queued_ids(self._connection)).get(prompt_id):
            # Old servers ignore the id and interrupt whatever runs: this is what runs.
            await self._connection.post_json('interrupt', {'prompt_id': prompt_id})

    async def cancel_current(self) -> None:
        """Interrupt what runs on the server, whose ever it is."""
        tasks = [entry.task for entry in self._live.all()]
        running = next((task for task in tasks if task.state is TaskState.RUNNING), None)
        await self._connection.post_json('interrupt', {})
        if running is not None:
            asyncio.get_running_loop().create_task(self._insist(running.prompt_id))

    async def cancel_remaining(self) -> None:
        """Clear the server's queue, but for what runs."""
        await self._connection.post_json('queue', {'clear': True})
        await self._recovery.reconcile_quietly()


class Tracker:
    """The connection to one server and the tasks on it.

    `may_wait` tells why the calling thread must not wait for the server, or None. `lists_changed` is called where the
    server's lists of nodes and choices may be other ones than before.
    """

    def __init__(self, options: ConnectionOptions) -> None:
        self.process = os.getpid()
        self.callbacks = Dispatcher('comfy_script callbacks')
        self.may_wait: Callable[[], str | None] | None = None
        self.lists_changed: Callable[[], object] | None = None
        self.connection = Connection(options)
        self._live = LiveTasks(self.connection)
        self._recovery = Recovery(self.connection, self._live)
        self._sender = Sender(self.connection, self._live, self._recovery, self._tell_lists_changed)
        self._adopter = Adopter(self.connection, self._live, self._recovery, partial(Task, self))
        self._canceller = Canceller(self.connection, self._live, self._recovery)
        self.connection.listener = Messages(self.connection, self._live, self._recovery, self._tell_lists_changed)

    def _tell_lists_changed(self) -> None:
        if self.lists_changed is not None:
            self.lists_changed()

    @property
    def observers(self) -> list[Observer]:
        """Who is told how all tasks go; to be changed in place."""
        return self._live.observers

    @property
    def queue_remaining(self) -> int:
        """How many workflows the server said that it has, running and waiting, anybody's."""
        return self._live.queue_remaining

    def check_may_wait(self) -> None:
        """Raises WouldDeadlockError where a blocking wait would stop the server that it waits for."""
        reason = self.may_wait() if self.may_wait is not None else None
        if reason:
            raise WouldDeadlockError(reason)

    def live_tasks(self) -> list[Task]:
        """The tasks that have not ended."""
        return [entry.task for entry in self._live.all()]

    async def download(self, file: ResultFile) -> bytes:
        """The bytes of a file on the server. Raises ServerError, ConnectError."""
        params = {'filename': file.filename, 'subfolder': file.subfolder, 'type': file.type}
        return await self.connection.request('GET', 'view', params=params, most=MOST_OF_FILE)

    async def submit(self, task: Task, body: bytes) -> None:
        """Put a task into the server's queue. Raises PromptRefusedError, ServerError, ConnectError."""
        await self._sender.submit(task, body)

    async def find(self, prompt_id: str) -> Task:
        """The task of a workflow that is or was on the server, whoever queued it. Raises TaskError, ConnectError."""
        return await self._adopter.find(prompt_id)

    async def cancel(self, task: Task) -> bool:
        """Remove a task from the queue, or interrupt it. Returns whether it was live."""
        return await self._canceller.cancel(task.prompt_id)

    async def cancel_anybodys(self, prompt_id: str) -> None:
        """Remove a workflow from the queue, or interrupt it, whoever queued it."""
        await self._canceller.cancel_anybodys(prompt_id)

    async def cancel_current(self) -> None:
        """Interrupt what runs on the server, whose ever it is."""
        await self._canceller.cancel_current()

    async def cancel_remaining(self) -> None:
        """Clear the server's queue, but for what runs."""
        await self._canceller.cancel_remaining()

    async def close(self) -> None:
        """Close the connection; tasks that are still live end with ServerLostError."""
        for task in self.live_tasks():
            task.was_waited_for = True
        self._live.lose_all('This client was closed while the workflow was on the server, which runs it all the same.')
        self._recovery.stop()
        await self.connection.close()

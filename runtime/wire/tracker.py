"""One client's tasks on its server: sent, followed by the server's messages, asked about where those may be missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from .adopting import Adopter
from .background import Dispatcher
from .cancelling import Canceller
from .connection import Connection, ConnectionOptions
from .errors import WouldDeadlockError
from .live_tasks import LiveTasks, Observer
from .recovery import Recovery
from .results import ResultFile
from .sending import Sender
from .task import Task
from .task_messages import Messages

__all__ = ['Tracker']


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
        return await self.connection.request('GET', 'view', params=params)

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

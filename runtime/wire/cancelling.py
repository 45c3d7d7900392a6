"""Workflows taken out of a server's queue, or interrupted. Everything here runs on the background loop."""

from __future__ import annotations

import asyncio

from .background import log
from .connection import Connection
from .errors import ConnectError, ServerError
from .live_tasks import LiveTasks
from .recovery import Recovery, queued_ids
from .task import TaskState

__all__ = ['Canceller']

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

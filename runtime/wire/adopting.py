"""Tasks that another process has queued: found again by their ids. Everything here runs on the background loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .connection import Connection
from .errors import TaskError
from .live_tasks import LiveTasks
from .recovery import Recovery, history_of, queued_prompts
from .task import Task

__all__ = ['Adopter']


class Adopter:
    """Finds tasks in the queue and the history of one server. `new_task` makes one of an id and a prompt."""

    def __init__(
        self,
        connection: Connection,
        live: LiveTasks,
        recovery: Recovery,
        new_task: Callable[[str, Mapping[str, str]], Task],
    ) -> None:
        self._connection = connection
        self._live = live
        self._recovery = recovery
        self._new_task = new_task

    async def find(self, prompt_id: str) -> Task:
        """See `Client.task`."""
        entry = self._live.find(prompt_id)
        if entry is not None:
            return entry.task
        await self._connection.open()
        prompt = (await queued_prompts(self._connection)).get(prompt_id)
        if prompt is None:
            # In this order: what has left the queue meanwhile is in the history.
            told = await history_of(self._connection, prompt_id)
            if told is None:
                raise TaskError(
                    f'{self._connection.options.address} has no workflow {prompt_id!r}, in its queue or its history: '
                    'it was removed, or the server was restarted; queue it again'
                )
            prompt = _prompt_of(told)
        entry = self._live.find(prompt_id)
        if entry is not None:
            return entry.task
        task = self._new_task(prompt_id, {key: str(node.get('class_type')) for key, node in prompt.items()})
        self._live.adopt(task)
        await self._recovery.reconcile_quietly()
        self._recovery.watch()
        return task


def _prompt_of(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The prompt in a history entry (execution.py `task_done`: number, id, prompt, ...); empty where there is none."""
    item = told.get('prompt')
    found = item[2] if isinstance(item, (list, tuple)) and len(item) > 2 else None
    return found if isinstance(found, Mapping) else {}

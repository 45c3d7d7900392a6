"""`Workflow`: what collects node calls, and what queues them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any, NoReturn, Protocol

from ..calls.node_call import NodeCall
from ..calls.outputs import NodeOutput
from ..calls.recording import Block, close_block, open_block
from ..calls.running import Built, Ready, WorkflowError, build, build_json, calls_of, ready_to_queue, to_json
from ..calls.sites import home_code
from ..wire.background import run_sync
from ..wire.errors import NotLoadedError
from ..wire.submission import Submission
from ..wire.task import MaybeTask, Task
from .endings import cancel_at_exit

__all__ = ['Workflow', 'WorkflowError', 'WorkflowRunner', 'set_default_runner']

class ChangingLists(Protocol):
    """The lists of a server, as far as a workflow asks of them."""

    async def renew_changed(self) -> None: ...


class WorkflowRunner(Protocol):
    """What runs a workflow: a `Client`."""

    @property
    def lists(self) -> ChangingLists: ...
    def submit(self, prompt: Submission, /, *, wait: bool = False) -> Task: ...
    async def _submit(self, prompt: Submission, /, *, wait: bool = False) -> Task: ...
    async def _make_room(self, everything: bool) -> None: ...


_default_runner: WorkflowRunner | None = None


def set_default_runner(runner: WorkflowRunner | None) -> None:
    """What workflows run on whose nodes have no server of their own."""
    global _default_runner
    _default_runner = runner


def _nothing_loaded() -> NoReturn:
    raise NotLoadedError('No ComfyUI is loaded: call load() first (from comfy_script.runtime import *).')


class Workflow:
    """Node calls that run together.

    - `queue`: put it into the queue at the end of the `with` block, without the outputs that are queued already
      (those that something waited for). Nothing is queued where the block ends in an exception.
    - `wait`: then wait for it, raising what went wrong.
    - `cancel_on_exit`: cancel what of it has not ended when the script ends, by Ctrl+C or an error, too.
    - `cancel_all`, `cancel_remaining`: first cancel everything in the queue, or all that is not running yet.
    - `outputs`: outputs to begin with, as for `wf += output`.
    - `client`: the server to use, where it is not that of the nodes.

    `task` is the task that it was last queued as. `async with` is the same without blocking. Blocks nest, and each
    thread and each asyncio task has its own: a call belongs to the innermost block around it.
    """

    def __init__(
        self,
        queue: bool = True,
        cancel_all: bool = False,
        cancel_remaining: bool = False,
        wait: bool = False,
        outputs: Any = None,
        *,
        cancel_on_exit: bool = False,
        client: WorkflowRunner | None = None,
    ) -> None:
        self._cancel_on_exit = cancel_on_exit
        self.task: MaybeTask = None
        self._queue_at_end = queue
        self._wait_at_end = wait
        self._cancel_all_first = cancel_all
        self._cancel_remaining_first = cancel_remaining
        self._client = client
        self._block = Block()
        self._outputs: list[NodeCall] = []
        self._depth = 0
        self._lock = threading.Lock()
        if outputs is not None:
            self.add(outputs)

    def __repr__(self) -> str:
        count = len(self._block.calls) + len(self._outputs)
        return f'<Workflow of {count} nodes{f", {self.task!r}" if self.task else ""}>'

    # -- what is in it

    def __reduce__(self) -> NoReturn:
        raise TypeError(f'{self!r} cannot be pickled: wait for it, its results can be')

    def add(self, outputs: NodeOutput | Iterable[Any]) -> None:
        """Adds outputs of nodes, whatever they need included. Raises TypeError for anything else."""
        self._outputs.extend(calls_of(outputs))

    def __iadd__(self, outputs: NodeOutput | Iterable[Any]) -> Workflow:
        self.add(outputs)
        return self

    def _built(self) -> Built:
        return build(self._outputs, self._block.calls)

    def api_format(self) -> dict[str, Any]:
        """The API prompt of everything in it."""
        return self._built().prompt

    def api_format_json(self) -> str:
        """`api_format()` as JSON text."""
        return build_json(self._outputs, self._block.calls)

    def workflow_format(self) -> dict[str, Any]:
        """The same as a web UI workflow, laid out to be read: what ComfyUI's menu opens and saves."""
        return self._built().workflow()

    def workflow_json(self) -> str:
        """`workflow_format()` as JSON text."""
        return to_json(self.workflow_format())

    # -- queueing

    def queue(
        self, source: str | None = None, *, wait: bool = False, prompt_id: str | uuid.UUID | None = None
    ) -> MaybeTask:
        """Puts it into the queue. None where no output is left to queue.

        `source`: the script's text for the saved images, where it is not the running script's.
        `wait`: until it has run, raising what `Task.wait` raises.
        `prompt_id`: a UUID that the server will know it by (as `task.prompt_id`); a new one by default.
        Raises PromptRefusedError, ServerError, ConnectError, OfflineError.
        """
        ready = ready_to_queue(self._outputs, self._block.calls, self._client)
        if ready is None:
            return None
        client: WorkflowRunner = ready.runner or _default_runner or _nothing_loaded()
        if self._cancel_all_first or self._cancel_remaining_first:
            run_sync(self._cancel_first(client))
        return client.submit(self._submission(ready, source, prompt_id), wait=wait)

    async def _queue(
        self, source: str | None = None, *, wait: bool = False, prompt_id: str | uuid.UUID | None = None
    ) -> MaybeTask:
        ready = ready_to_queue(self._outputs, self._block.calls, self._client)
        if ready is None:
            return None
        client: WorkflowRunner = ready.runner or _default_runner or _nothing_loaded()
        if self._cancel_all_first or self._cancel_remaining_first:
            await self._cancel_first(client)
        return await client._submit(self._submission(ready, source, prompt_id), wait=wait)

    def _submission(self, ready: Ready, source: str | None, prompt_id: str | uuid.UUID | None) -> Submission:
        def accepted(task: Task) -> None:
            self.task = task
            if self._cancel_on_exit:
                cancel_at_exit(task)
            ready.mark(task)

        return replace(ready.submission, source=source, on_accepted=accepted, prompt_id=prompt_id)

    async def _cancel_first(self, client: WorkflowRunner) -> None:
        await client._make_room(self._cancel_all_first)

    # -- blocks

    def __enter__(self) -> Workflow:
        with self._lock:
            if self._depth == 0 and self.task is not None:
                # Entered anew after it ran: it starts empty.
                self._block, self._outputs, self.task = Block(), [], None
            self._depth += 1
            self._block.home = self._block.home or home_code()
        open_block(self._block)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._leave() and kind is None and self._queue_at_end:
            self.queue(wait=self._wait_at_end)

    async def __aenter__(self) -> Workflow:
        client = self._client or _default_runner
        if client is not None:
            await client.lists.renew_changed()
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._leave() and kind is None and self._queue_at_end:
            await self._queue(wait=self._wait_at_end)

    def _leave(self) -> bool:
        """Whether this was the last block of it."""
        close_block(self._block)
        with self._lock:
            self._depth -= 1
            return self._depth == 0

"""A workflow in a server's queue: its state, progress, outputs and end."""

from __future__ import annotations

import asyncio
import enum
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .background import Dispatcher, run_async, run_sync, unbreakable_future, wait_future
from .errors import (
    ComfyScriptError,
    NodeProblem,
    Origins,
    PromptRefusedError,
    TaskError,
    WaitTimeoutError,
    named_node,
    origin_of,
)
from .results import Result, make_result

if TYPE_CHECKING:
    from PIL.Image import Image

    from .tracker import Tracker

__all__ = ['Task', 'TaskProgress', 'TaskState']

T = TypeVar('T')

IdOf = Callable[[object], 'str | None']


class TaskState(str, enum.Enum):
    """Where a task is. Every task ends in exactly one of the last three."""

    QUEUED = 'queued'
    RUNNING = 'running'
    FINISHED = 'finished'
    FAILED = 'failed'
    CANCELLED = 'cancelled'

    @property
    def is_end(self) -> bool:
        return self in (TaskState.FINISHED, TaskState.FAILED, TaskState.CANCELLED)


@dataclass(frozen=True)
class TaskProgress:
    """How far a node of a running task is: `value` of `max` steps."""

    task: Task
    node_id: str
    value: float
    max: float

    @property
    def class_type(self) -> str:
        """The node's class type."""
        return self.task.class_type_of(self.node_id)


ProgressCallback = Callable[[TaskProgress], object]
PreviewCallback = Callable[['Task', str, 'Image'], object]
DoneCallback = Callable[['Task'], object]


class Task:
    """A workflow that was put into a server's queue.

    `task.wait()` and `await task` give its results or raise what went wrong. Callbacks run one after another on a
    thread of their own, where they may call anything of this library.
    """

    def __init__(
        self,
        tracker: Tracker,
        prompt_id: str,
        class_types: Mapping[str, str],
        *,
        origins: Origins | None = None,
        id_of: IdOf | None = None,
        keep_images: bool = False,
        on_accepted: Callable[[Task], object] | None = None,
    ) -> None:
        self.prompt_id = prompt_id
        self.number: float = 0
        self.state = TaskState.QUEUED
        self.current_node: str | None = None
        self.refused: tuple[NodeProblem, ...] = ()
        self.refused_outputs: frozenset[str] = frozenset()
        self.was_waited_for = False
        self.origins: Origins = {} if origins is None else origins
        self.images: dict[str, list[bytes]] | None = {} if keep_images else None
        self.image_counts: dict[str, int] = {}
        self._tracker = tracker
        self._class_types = class_types
        self._id_of = id_of
        self._on_accepted = on_accepted
        self._outputs: dict[str, Mapping[str, Any] | None] = {}
        self._stand_ins: set[str] = set()
        self._done: Future[list[Result]] = unbreakable_future()
        self._waiting: dict[str, Future[Result]] = {}
        self._lock = threading.Lock()
        self._progress_callbacks: list[ProgressCallback] = []
        self._preview_callbacks: list[PreviewCallback] = []
        self._done_callbacks: list[DoneCallback] = []

    def __repr__(self) -> str:
        return f'<Task {self.number:g} {self.prompt_id} {self.state.value}>'

    def class_type_of(self, node_id: str) -> str:
        """The class type of one of its nodes; of a node made by expansion, that of the node that expanded."""
        return self._class_types.get(node_id) or self._class_types.get(node_id.split('.', 1)[0]) or '?'

    # -- waiting

    def wait(self, timeout: float | None = None) -> list[Result]:
        """Its results, one per output node that had any, in the order of the nodes.

        Raises NodeError, PromptRefusedError (an output was refused), TaskCancelledError, ServerLostError, or
        WaitTimeoutError after `timeout` seconds, with the task going on.
        """
        self._tracker.check_may_wait()
        self.was_waited_for = True
        return self._wait_for(self._done, timeout)

    def __await__(self) -> Generator[Any, None, list[Result]]:
        self.was_waited_for = True
        return asyncio.wrap_future(self._done).__await__()

    async def result(self, output: object) -> Result:
        """The result of one output, as soon as its node has run. `output` is a node call's value, or a node id.

        Raises what `wait` raises, or TaskError for an output that is not of this task.
        """
        return await asyncio.wrap_future(self._result_future(output))

    def wait_result(self, output: object, timeout: float | None = None) -> Result:
        """What `result` gives, waited for."""
        self._tracker.check_may_wait()
        return self._wait_for(self._result_future(output), timeout)

    def _wait_for(self, future: Future[T], timeout: float | None) -> T:
        try:
            return wait_future(future, timeout)
        except WaitTimeoutError:
            raise WaitTimeoutError(f'Nothing came within {timeout:g} seconds; the workflow {self._where()}.') from None

    def _where(self) -> str:
        """Where it is, for people."""
        node_id = self.current_node
        if self.state is TaskState.QUEUED:
            return f'waits in the queue, which has {self._tracker.queue_remaining}'
        if node_id is None:
            return 'has ended meanwhile' if self.state.is_end else 'goes on'
        return f'goes on, now in {named_node(self.class_type_of(node_id), node_id, origin_of(self.origins, node_id))}'

    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._done.done()

    def exception(self) -> BaseException | None:
        """What it ended with, None where it succeeded or still goes on."""
        return self._done.exception() if self._done.done() else None

    def cancelled(self) -> bool:
        """Whether it was interrupted, or removed from the queue."""
        return self.state is TaskState.CANCELLED

    def _result_future(self, output: object) -> Future[Result]:
        node_id = output if isinstance(output, str) else self._id_of(output) if self._id_of else None
        if node_id is None:
            raise TaskError(f'{output!r} is not an output of {self!r}')
        self.was_waited_for = True
        with self._lock:
            future = self._waiting.get(node_id)
            if future is not None:
                return future
            future = self._waiting[node_id] = unbreakable_future()
            if node_id in self._outputs:
                future.set_result(self._result_of(node_id))
            elif self._done.done():
                self._settle(node_id, future, self._done.exception())
        return future

    # -- cancelling

    def cancel(self) -> bool:
        """Take it out of the queue, or interrupt it where it runs; no effect on one that has ended.

        Returns whether there was something to cancel. A node that cannot be interrupted goes on to its end;
        `wait()` tells how the task ended.
        """
        return run_sync(self._cancel())

    async def _cancel(self) -> bool:
        return await run_async(self._tracker.cancel(self))

    # -- callbacks

    def add_progress_callback(self, callback: ProgressCallback) -> None:
        """Have `callback(TaskProgress)` called at each step of its nodes."""
        self._progress_callbacks.append(callback)

    def remove_progress_callback(self, callback: ProgressCallback) -> None:
        """Undo `add_progress_callback`."""
        self._progress_callbacks.remove(callback)

    def add_preview_callback(self, callback: PreviewCallback) -> None:
        """Have `callback(task, node_id, image)` called for each preview (the server needs `--preview-method auto`)."""
        self._preview_callbacks.append(callback)

    def remove_preview_callback(self, callback: PreviewCallback) -> None:
        """Undo `add_preview_callback`."""
        self._preview_callbacks.remove(callback)

    def add_done_callback(self, callback: DoneCallback) -> None:
        """Have `callback(task)` called once when it ends; soon, where it has ended."""
        with self._lock:
            if not self._done.done():
                self._done_callbacks.append(callback)
                return
        self._tracker.callbacks.call(callback, self)

    def remove_done_callback(self, callback: DoneCallback) -> int:
        """Undo `add_done_callback`; returns how many were removed."""
        with self._lock:
            kept = [other for other in self._done_callbacks if other != callback]
            removed = len(self._done_callbacks) - len(kept)
            self._done_callbacks = kept
        return removed

    # -- for the tracker, on the background loop

    @property
    def outputs(self) -> Mapping[str, Mapping[str, Any] | None]:
        """The raw outputs that arrived so far, by node id."""
        return dict(self._outputs)

    def _accepted(self) -> None:
        """The server took it."""
        if self._on_accepted is not None:
            self._on_accepted(self)

    def _add_output(self, node_id: str, output: Mapping[str, Any] | None, stand_in: bool = False) -> None:
        """`stand_in`: the output is that of a node which this one expanded into."""
        with self._lock:
            self._outputs[node_id] = output
            if stand_in:
                self._stand_ins.add(node_id)
            future = self._waiting.get(node_id)
            if future is not None and not future.done():
                future.set_result(self._result_of(node_id))

    def _result_of(self, node_id: str) -> Result:
        return make_result(self._outputs.get(node_id), self._tracker.download)

    def _set_progress(self, progress: TaskProgress, callbacks: Dispatcher) -> None:
        for callback in list(self._progress_callbacks):
            callbacks.call(callback, progress)

    def _set_preview(self, node_id: str, image: bytes, callbacks: Dispatcher) -> None:
        if self._preview_callbacks:
            callbacks.call(self._call_preview, node_id, image)

    def _call_preview(self, node_id: str, data: bytes) -> None:
        from .results import decode_image

        image = decode_image(data)
        for callback in list(self._preview_callbacks):
            callback(self, node_id, image)

    def _end(self, state: TaskState, error: BaseException | None) -> bool:
        """End it, once: the first end counts."""
        with self._lock:
            if self._done.done():
                return False
            self.state = state
            self.current_node = None
            if isinstance(error, TaskError):
                error.task = self
            for node_id, future in self._waiting.items():
                if not future.done():
                    self._settle(node_id, future, error)
            if error is None:
                self._done.set_result([self._result_of(node_id) for node_id in self._output_order()])
            else:
                self._done.set_exception(error)
            callbacks, self._done_callbacks = self._done_callbacks, []
        for callback in callbacks:
            self._tracker.callbacks.call(callback, self)
        return True

    def _settle(self, node_id: str, future: Future[Result], error: BaseException | None) -> None:
        """End the wait for an output that did not come: refused, lost with the task, or a node that shows nothing."""
        if isinstance(error, PromptRefusedError) and node_id not in self.refused_outputs:
            error = None
        if error is not None:
            future.set_exception(error)
        elif node_id in self._class_types or node_id in self._outputs:
            future.set_result(self._result_of(node_id))
        else:
            future.set_exception(TaskError(f'Node {node_id!r} is not in {self!r}'))

    def _output_order(self) -> list[str]:
        order = {node_id: index for index, node_id in enumerate(self._class_types)}
        shown = [node_id for node_id, output in self._outputs.items() if output and node_id not in self._stand_ins]
        return sorted(shown, key=lambda node_id: order.get(node_id.split('.', 1)[0], len(order)))


def end_error(error: BaseException) -> BaseException:
    """An error as tasks end with it: our own kind."""
    return error if isinstance(error, ComfyScriptError) else TaskError(str(error) or type(error).__name__)

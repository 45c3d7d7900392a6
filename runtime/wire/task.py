"""A workflow in a server's queue: its state, progress, outputs and end, and what is called when they come."""

from __future__ import annotations

import asyncio
import enum
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from .background import Dispatcher, run_async, run_sync, unbreakable_future, wait_future
from .errors import (
    ConnectError,
    NodeProblem,
    Origins,
    PromptRefusedError,
    TaskError,
    WaitTimeoutError,
    named_node,
    origin_of,
)
from .results import Download, Result, ResultFile, decode_image, make_result
from .task_events import TaskEvents

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ['MaybeTask', 'Task', 'TaskProgress', 'TaskServer', 'TaskState']

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


class TaskServer(Protocol):
    """What a task asks of the server that it runs on."""

    callbacks: Dispatcher

    @property
    def queue_remaining(self) -> int: ...
    def check_may_wait(self) -> None: ...
    async def cancel(self, task: Task) -> bool: ...
    async def download(self, file: ResultFile) -> bytes: ...


@dataclass(frozen=True, eq=False)
class _InContext:
    """A callback that is called in a context; equal to the callback, for whoever takes it back."""

    callback: DoneCallback
    context: Context

    def __call__(self, task: Task) -> object:
        return self.context.run(self.callback, task)

    def __eq__(self, other: object) -> bool:
        return other is self or other == self.callback

    def __hash__(self) -> int:
        return hash(self.callback)


class TaskCallbacks:
    """What is called when something happens to a task, on the dispatcher's thread."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.progress: list[ProgressCallback] = []
        self.preview: list[PreviewCallback] = []
        # Told of every event at once, on the background loop (LiveTasks.tell).
        self.listeners: list[Callable[[Any, Any], object]] = []
        self._dispatcher = dispatcher
        self._done: list[DoneCallback] = []
        self._has_ended = False
        self._lock = threading.Lock()

    def add_done(self, callback: DoneCallback, task: Task) -> None:
        """Have it called when the task ends; soon, where it has ended."""
        with self._lock:
            if not self._has_ended:
                self._done.append(callback)
                return
        self._dispatcher.call(callback, task)

    def remove_done(self, callback: DoneCallback) -> int:
        """How many were removed."""
        with self._lock:
            kept = [other for other in self._done if other != callback]
            removed = len(self._done) - len(kept)
            self._done = kept
        return removed

    def tell_progress(self, progress: TaskProgress) -> None:
        for callback in list(self.progress):
            self._dispatcher.call(callback, progress)

    def tell_preview(self, task: Task, node_id: str, image: bytes) -> None:
        """`image`: the bytes of an image file, which is decoded where somebody wants it."""
        if self.preview:
            self._dispatcher.call(self._call_preview, task, node_id, image)

    def _call_preview(self, task: Task, node_id: str, data: bytes) -> None:
        image = decode_image(data)
        for callback in list(self.preview):
            callback(task, node_id, image)

    def tell_end(self, task: Task) -> None:
        with self._lock:
            self._has_ended = True
            callbacks, self._done = self._done, []
        for callback in callbacks:
            self._dispatcher.call(callback, task)


RawOutput = Mapping[str, Any] | None


class TaskOutcome:
    """The outputs that came and the end of a task; either can be waited for on any thread.

    `class_types`: the class type of each node of the prompt, in the prompt's order.
    """

    def __init__(self, class_types: Mapping[str, str], download: Download) -> None:
        self.done: Future[list[Result]] = unbreakable_future()
        self.refused_outputs: frozenset[str] = frozenset()
        self._class_types = class_types
        self._download = download
        self._outputs: dict[str, RawOutput] = {}
        self._results: dict[str, Result] = {}
        self._stand_ins: set[str] = set()
        self._awaited: dict[str, Future[Result]] = {}
        self._lock = threading.RLock()

    @property
    def outputs(self) -> dict[str, RawOutput]:
        """The raw outputs that have come so far, by node id."""
        return dict(self._outputs)

    def add(self, node_id: str, output: RawOutput, *, stand_in: bool = False) -> None:
        """A node's output came. `stand_in`: it is the output of a node which this one expanded into."""
        with self._lock:
            self._outputs[node_id] = output
            self._results.pop(node_id, None)
            if stand_in:
                self._stand_ins.add(node_id)
            future = self._awaited.get(node_id)
            if future is not None and not future.done():
                future.set_result(self.result(node_id))

    def result(self, node_id: str) -> Result:
        """What has come of a node so far."""
        with self._lock:
            made = self._results.get(node_id)
            if made is None:
                made = self._results[node_id] = make_result(self._outputs.get(node_id), self._download)
            return made

    def awaited(self, node_id: str) -> Future[Result]:
        """The result of a node, when it comes. Raises TaskError in it for a node that is not in the prompt."""
        with self._lock:
            future = self._awaited.get(node_id)
            if future is not None:
                return future
            if node_id in self._outputs:
                future = self._awaited[node_id] = Future()
                future.set_result(self.result(node_id))
                return future
            future = self._awaited[node_id] = unbreakable_future()
            if self.done.done():
                self._settle(node_id, future, self.done.exception())
        return future

    def end(self, error: BaseException | None) -> None:
        """Ends every wait; once, on the background loop."""
        with self._lock:
            for node_id, future in self._awaited.items():
                if not future.done():
                    self._settle(node_id, future, error)
            if error is None:
                self.done.set_result([self.result(node_id) for node_id in self._shown()])
            else:
                self.done.set_exception(error)

    def _settle(self, node_id: str, future: Future[Result], error: BaseException | None) -> None:
        """End the wait for an output that did not come: refused, lost with the task, or a node that shows nothing."""
        if isinstance(error, PromptRefusedError) and node_id not in self.refused_outputs:
            error = None
        if error is not None:
            future.set_exception(error)
        elif node_id in self._class_types or node_id in self._outputs:
            future.set_result(self.result(node_id))
        else:
            future.set_exception(TaskError(f'Node {node_id!r} is not in the workflow'))

    def _shown(self) -> list[str]:
        """The nodes that showed something, in the prompt's order."""
        order = {node_id: index for index, node_id in enumerate(self._class_types)}
        shown = [node_id for node_id, output in self._outputs.items() if output and node_id not in self._stand_ins]
        return sorted(shown, key=lambda node_id: order.get(node_id.split('.', 1)[0], len(order)))


@dataclass(frozen=True)
class SentTask:
    """A task in a process that it did not run in, as it was when it was sent. `outputs`: raw, by node id."""

    prompt_id: str
    number: float
    state: TaskState
    outputs: Mapping[str, RawOutput]


class Task:
    """A workflow that was put into a server's queue.

    `task.wait()` and `await task` give its results or raise what went wrong. Callbacks run one after another on a
    thread of their own, where they may call anything of this library.
    """

    def __init__(
        self,
        server: TaskServer,
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
        self.was_waited_for = False
        self.origins: Origins = {} if origins is None else origins
        self.images: dict[str, list[bytes]] | None = {} if keep_images else None
        self.image_counts: dict[str, int] = {}
        self.callbacks = TaskCallbacks(server.callbacks)
        self.outcome = TaskOutcome(class_types, server.download)
        self._server = server
        self._class_types = class_types
        self.node_count = len(class_types)
        self._id_of = id_of
        self.on_accepted = on_accepted

    def __repr__(self) -> str:
        return f'<Task {self.number:g} {self.prompt_id} {self.state.value}>'

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process it is what is known of it now."""
        return SentTask, (self.prompt_id, self.number, self.state, dict(self.outputs))

    def class_type_of(self, node_id: str) -> str:
        """The class type of one of its nodes; of a node made by expansion, that of the node that expanded."""
        return self._class_types.get(node_id) or self._class_types.get(node_id.split('.', 1)[0]) or '?'

    # -- waiting

    def wait(self, timeout: float | None = None) -> list[Result]:
        """Its results, one per output node that had any, in the order of the nodes.

        Raises NodeError, PromptRefusedError (an output was refused), TaskCancelledError, ServerLostError, or
        WaitTimeoutError after `timeout` seconds, with the task going on.
        """
        self._server.check_may_wait()
        self.was_waited_for = True
        return self._wait_for(self.outcome.done, timeout)

    def __await__(self) -> Generator[Any, None, list[Result]]:
        self.was_waited_for = True
        return asyncio.wrap_future(self.outcome.done).__await__()

    async def result(self, output: object) -> Result:
        """The result of one output, as soon as its node has run. `output` is a node call's value, or a node id.

        Raises what `wait` raises, or TaskError for an output that is not of this task.
        """
        return await asyncio.wrap_future(self._result_future(output))

    def wait_result(self, output: object, timeout: float | None = None) -> Result:
        """What `result` gives, waited for."""
        future = self._result_future(output)
        if not future.done():
            self._server.check_may_wait()
        return self._wait_for(future, timeout)

    def _wait_for(self, future: Future[T], timeout: float | None) -> T:
        try:
            return wait_future(future, timeout)
        except WaitTimeoutError:
            where = _where(self, self._server)
            raise WaitTimeoutError(f'Nothing came within {timeout:g} seconds; the workflow {where}.') from None

    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.outcome.done.done()

    def exception(self) -> BaseException | None:
        """What it ended with, None where it succeeded or still goes on."""
        return self.outcome.done.exception() if self.outcome.done.done() else None

    def cancelled(self) -> bool:
        """Whether it was interrupted, or removed from the queue."""
        return self.state is TaskState.CANCELLED

    @property
    def is_lost(self) -> bool:
        """Whether it ended before it was through, and would have to be queued again: cancelled, or lost."""
        return self.cancelled() or isinstance(self.exception(), ConnectError)

    def _result_future(self, output: object) -> Future[Result]:
        node_id = output if isinstance(output, str) else self._id_of(output) if self._id_of else None
        if node_id is None:
            raise TaskError(f'{output!r} is not an output of {self!r}')
        self.was_waited_for = True
        return self.outcome.awaited(node_id)

    def events(self) -> TaskEvents:
        """What happens to it, as it happens, to its end: `for event in task.events()`, or `async for`.

        Each is a TaskEvent: `queued`, `start`, `cached`, `node`, `progress`, `preview`, `output`, `end`. Outputs come
        when their nodes have run, before the workflow ends. What it ended with is not raised: the last event has it.
        """
        self.was_waited_for = True
        return TaskEvents(self)

    # -- cancelling

    def cancel(self) -> bool:
        """Take it out of the queue, or interrupt it where it runs; no effect on one that has ended.

        Returns whether there was something to cancel. A node that cannot be interrupted goes on to its end;
        `wait()` tells how the task ended.
        """
        return run_sync(self._cancel())

    async def _cancel(self) -> bool:
        return await run_async(self._server.cancel(self))

    # -- callbacks

    def add_progress_callback(self, callback: ProgressCallback) -> None:
        """Have `callback(TaskProgress)` called at each step of its nodes."""
        self.callbacks.progress.append(callback)

    def remove_progress_callback(self, callback: ProgressCallback) -> None:
        """Undo `add_progress_callback`."""
        self.callbacks.progress.remove(callback)

    def add_preview_callback(self, callback: PreviewCallback) -> None:
        """Have `callback(task, node_id, image)` called for each preview (the server needs `--preview-method auto`)."""
        self.callbacks.preview.append(callback)

    def remove_preview_callback(self, callback: PreviewCallback) -> None:
        """Undo `add_preview_callback`."""
        self.callbacks.preview.remove(callback)

    def add_done_callback(self, callback: DoneCallback, *, context: Context | None = None) -> None:
        """Have `callback(task)` called once when it ends, in a `context`; soon, where it has ended."""
        self.callbacks.add_done(callback if context is None else _InContext(callback, context), self)

    def remove_done_callback(self, callback: DoneCallback) -> int:
        """Undo `add_done_callback`; returns how many were removed."""
        return self.callbacks.remove_done(callback)

    # -- for the server's messages, on the background loop

    @property
    def outputs(self) -> Mapping[str, RawOutput]:
        """The raw outputs that arrived so far, by node id."""
        return self.outcome.outputs

    def end(self, state: TaskState, error: BaseException | None) -> bool:
        """End it, once: the first end counts, and is the one that this is true for."""
        if self.done():
            return False
        self.state = state
        self.current_node = None
        if isinstance(error, TaskError):
            error.task = self
        self.outcome.end(error)
        self.callbacks.tell_end(self)
        return True


def _where(task: Task, server: TaskServer) -> str:
    """Where a task is, for people."""
    node_id = task.current_node
    if task.state is TaskState.QUEUED:
        return f'waits in the queue, which has {server.queue_remaining}'
    if node_id is None:
        return 'has ended meanwhile' if task.state.is_end else 'goes on'
    return f'goes on, now in {named_node(task.class_type_of(node_id), node_id, origin_of(task.origins, node_id))}'


MaybeTask: TypeAlias = Task | Any
"""A task, or None where nothing was left to queue.

For checkers what `re.match` is in typeshed: a script that queues a node need not ask whether there was one.
"""

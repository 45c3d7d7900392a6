"""What happens while tasks run: bars for their steps, their images in notebooks, the callbacks of scripts."""

from __future__ import annotations

import atexit
import inspect
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ...graph.printable import printable
from ..calls.running import is_unshown
from ..wire.background import Dispatcher, run_sync
from ..wire.html import images_html, in_notebook
from ..wire.live_tasks import Observer
from ..wire.results import ImageBatchResult
from ..wire.task import Task, TaskProgress
from ..wire.tracker import Tracker
from .endings import note_interrupt, was_interrupted
from .workflow import Workflow

__all__ = [
    'ProgressBars',
    'QueueEvents',
    'TaskDisplays',
    'WhenEmpty',
]

_FEWEST_NODES = 3


def on_terminal() -> bool:
    """Whether standard error is a terminal."""
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:
        return False


class ProgressBars:
    """Bars of all running tasks, drawn on a thread of their own: a slow terminal does not hold up the messages."""

    def __init__(self, queue_remaining: Callable[[], int]) -> None:
        self._enabled: bool | None = None
        self._queue_remaining = queue_remaining
        self._followed: weakref.WeakSet[Task] = weakref.WeakSet()
        self._bars: dict[tuple[str, str], Any] = {}
        self._nodes: dict[str, set[str]] = {}
        self._dispatcher = Dispatcher('comfy_script progress')

    def set(self, enabled: bool | None) -> None:
        """Show bars or not; None leaves it as it is (at first: in notebooks and on terminals)."""
        if enabled is not None:
            self._enabled = enabled

    @property
    def enabled(self) -> bool:
        """Whether bars are shown."""
        return self._enabled if self._enabled is not None else in_notebook() or on_terminal()

    def follow(self, task: Task) -> None:
        """Show bars of this task, if any are shown."""
        if self.enabled and task not in self._followed:
            self._followed.add(task)
            task.callbacks.listeners.append(partial(self.on_event, task))

    def on_event(self, task: Task, event: str, detail: Any) -> None:
        """Something happened to a task, on the background loop."""
        if event == 'progress' and self.enabled:
            self._dispatcher.call(self._step, detail)
        elif event in ('cached', 'node') and self.enabled:
            nodes = set(detail) if event == 'cached' else {detail}
            self._dispatcher.call(self._begin, task, nodes, event == 'node')
        elif event == 'end' and any(prompt_id == task.prompt_id for prompt_id, _ in list(self._bars)):
            self._dispatcher.call(self._close, task.prompt_id, detail is None)

    def _step(self, progress: TaskProgress) -> None:
        key = (progress.task.prompt_id, progress.node_id)
        bar = self._bars.get(key)
        if bar is None:
            if progress.task.done():
                return
            bar = self._bars[key] = new_bar(progress.class_type, progress.max)
        bar.total = progress.max
        bar.set_postfix_str(f'queue: {self._queue_remaining()}', refresh=False)
        bar.update(progress.value - bar.n)
        if progress.value >= progress.max:
            bar.close()
            del self._bars[key]

    def _begin(self, task: Task, node_ids: set[str], runs: bool) -> None:
        """Nodes that need not run, or the one that runs now: all that began before it have run."""
        key = (task.prompt_id, '')
        bar = self._bars.get(key)
        if bar is None:
            if task.done() or task.node_count < _FEWEST_NODES:
                return
            bar = self._bars[key] = new_bar(f'Workflow {task.number:g}', task.node_count, 'node')
        begun = self._nodes.setdefault(task.prompt_id, set())
        begun.update(node_id.split('.', 1)[0] for node_id in node_ids)
        bar.set_postfix_str(f'queue: {self._queue_remaining()}', refresh=False)
        bar.update(min(len(begun), task.node_count) - runs - bar.n)

    def _close(self, prompt_id: str, is_whole: bool) -> None:
        self._nodes.pop(prompt_id, None)
        for key in [key for key in self._bars if key[0] == prompt_id]:
            bar = self._bars.pop(key)
            if not key[1] and is_whole:
                bar.update(bar.total - bar.n)
            bar.close()


def new_bar(title: str, total: float, unit: str = 'step') -> Any:
    """A tqdm bar: a widget in a notebook that has widgets, else text."""
    with warnings.catch_warnings():
        # A notebook without ipywidgets: tqdm warns, and draws text.
        warnings.simplefilter('ignore')
        from tqdm.auto import tqdm
    return tqdm(desc=printable(title), total=total, leave=True, dynamic_ncols=True, unit=unit)


class TaskDisplays:
    """Shows previews and images of tasks in the notebook cell that queued them."""

    def __init__(self) -> None:
        self._preview = True
        self._output = True
        self._task = True
        self._handles: dict[str, Any] = {}
        self._dispatcher = Dispatcher('comfy_script display')

    def set(self, *, preview: bool | None = None, output: bool | None = None, task: bool | None = None) -> None:
        """Switch what is shown; None leaves as it is."""
        self._preview = self._preview if preview is None else preview
        self._output = self._output if output is None else output
        self._task = self._task if task is None else task

    @property
    def wanted(self) -> bool:
        """Whether a task that is queued now is to be shown."""
        asked = (self._preview or self._output or self._task) and not is_unshown()
        return asked and in_notebook()

    def follow(self, task: Task) -> None:
        """Take a place in the cell that is running, which previews and images of the task then fill."""
        task.callbacks.listeners.append(partial(self.on_event, task))
        from IPython.display import HTML, display  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

        self._handles[task.prompt_id] = display(HTML(''), display_id=True)
        if task.done():
            self._dispatcher.call(self._show_end, task)

    def on_event(self, task: Task, event: str, detail: Any) -> None:
        """Something happened to a task, on the background loop."""
        if task.prompt_id not in self._handles:
            return
        if event == 'preview' and self._preview and task.images is None:
            self._dispatcher.call(self._show_images, task, [detail[1]])
        elif event == 'output' and self._output:
            self._dispatcher.call(self._show_outputs, task)
        elif event == 'end':
            self._dispatcher.call(self._show_end, task)

    def _show_end(self, task: Task) -> None:
        if self._task:
            self._show_outputs(task)
        self._handles.pop(task.prompt_id, None)

    def _show_outputs(self, task: Task) -> None:
        batches = [
            result for result in map(task.outcome.result, list(task.outputs)) if isinstance(result, ImageBatchResult)
        ]
        if batches:
            self._show_images(task, run_sync(_contents(batches)))

    def _show_images(self, task: Task, images: Iterable[bytes]) -> None:
        handle = self._handles.get(task.prompt_id)
        if handle is None:
            return
        from IPython.display import HTML  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

        handle.update(HTML(images_html(list(images))))


async def _contents(batches: Iterable[ImageBatchResult]) -> list[bytes]:
    return [data for batch in batches for data in await batch._contents()]


POLL = 0.05


class WhenEmpty:
    """Calls a callback each time the queue has become empty."""

    def __init__(self) -> None:
        self.tracker: Tracker | None = None
        self._callback: Callable[[], object] | None = None
        self._busy = False
        self._called = 0
        self._keeps_process = False
        self._lock = threading.Lock()

    def set(self, callback: Callable[..., Any] | None, source: str | None) -> None:
        """Call this one from now on; None for none."""
        with self._lock:
            self._callback = None if callback is None else _with_workflow(callback, source)
            self._busy = True

    @property
    def is_set(self) -> bool:
        """Whether there is one to call."""
        return self._callback is not None

    def update(self) -> None:
        """On the background loop: the queue's length or a task changed."""
        tracker = self.tracker
        if tracker is None or self._callback is None:
            return
        with self._lock:
            empty = tracker.queue_remaining == 0 and not tracker.live_tasks()
            due = empty and self._busy
            self._busy = not empty
            self._called += due
        if due:
            tracker.callbacks.call(self._call)

    def _call(self) -> None:
        callback, tracker = self._callback, self.tracker
        try:
            if callback is None or (tracker is not None and tracker.live_tasks()):
                return
            if callback() is False and self._callback is callback:
                self._callback = None
        finally:
            with self._lock:
                # What it queued ends later, and makes the queue empty again.
                self._busy |= tracker is not None and bool(tracker.live_tasks())
                self._called -= 1

    @property
    def is_through(self) -> bool:
        """Whether nothing is left to call it for, unless somebody queues something."""
        with self._lock:
            waits = self._busy or self._called > 0
        return self._callback is None or self.tracker is None or not waits

    def keep_process(self) -> None:
        """Have the process end only when the callback is through; not a notebook's, or a Python prompt."""
        if self._keeps_process or in_notebook() or hasattr(sys, 'ps1'):
            return
        self._keeps_process = True
        # Before the threads end that look up the names of hosts, for the callback may need the server.
        getattr(threading, '_register_atexit', atexit.register)(self._wait_until_through)

    def _wait_until_through(self) -> None:
        try:
            while not self.is_through and not was_interrupted():
                time.sleep(POLL)
        except KeyboardInterrupt:
            note_interrupt()


def _with_workflow(callback: Callable[..., Any], source: str | None) -> Callable[[], object]:
    if not inspect.signature(callback).parameters:
        return callback

    def call() -> object:
        workflow = Workflow(queue=False)
        with workflow:
            answer = callback(workflow)
        if answer is not False:
            workflow.queue(source)
        return answer

    return call


class QueueEvents:
    """What happens when the queue's length or a task changes: bars, images in notebooks, the callbacks of scripts."""

    def __init__(self) -> None:
        self.bars = ProgressBars(self._queue_remaining)
        self.displays = TaskDisplays()
        self.when_empty = WhenEmpty()
        self.remaining_callbacks: list[Callable[[int], object]] = []
        self._tracker: Tracker | None = None
        self._observer = Observer(self._on_queue, self._on_event)

    def observe(self, tracker: Tracker) -> None:
        """Hear of this tracker's queue, and of no other's."""
        self.stop()
        self._tracker = self.when_empty.tracker = tracker
        self.listen()

    def stop(self) -> None:
        """Hear of none."""
        if self._tracker is not None and self._observer in self._tracker.observers:
            self._tracker.observers.remove(self._observer)
        self._tracker = self.when_empty.tracker = None

    def listen(self) -> None:
        """Be told of all tasks, where a callback of the script's waits for that."""
        wanted = bool(self.remaining_callbacks) or self.when_empty.is_set
        if wanted and self._tracker is not None and self._observer not in self._tracker.observers:
            self._tracker.observers.append(self._observer)

    def follow(self, task: Task) -> bool:
        """A task is about to be queued, on the thread of the script. Whether it takes a place in a notebook's cell."""
        self.bars.follow(task)
        return self.displays.wanted

    def submitted(self, task: Task) -> None:
        """A task that takes a place was queued, on the thread of the script."""
        self.displays.follow(task)

    def _queue_remaining(self) -> int:
        return self._tracker.queue_remaining if self._tracker is not None else 0

    def _on_queue(self, remaining: int) -> None:
        for callback in list(self.remaining_callbacks):
            if self._tracker is not None:
                self._tracker.callbacks.call(callback, remaining)
        self.when_empty.update()

    def _on_event(self, event: str, task: Task, detail: Any) -> None:
        if event == 'end':
            self.when_empty.update()

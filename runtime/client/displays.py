"""What a notebook shows while a task runs, in the cell that queued it: previews, and images as they come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..calls.running import is_unshown
from ..wire.background import Dispatcher, run_sync
from ..wire.html import images_html, in_notebook
from ..wire.results import ImageBatchResult
from ..wire.task import Task

__all__ = ['TaskDisplays']


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

    def prepare(self, task: Task) -> None:
        """Take a place in the cell that is running, which previews and images of the task then fill."""
        if not self.wanted:
            return
        from IPython.display import HTML, display  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

        self._handles[task.prompt_id] = display(HTML(''), display_id=True)
        if task.done():
            self._dispatcher.call(self._show_end, task)

    def on_event(self, event: str, task: Task, detail: Any) -> None:
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

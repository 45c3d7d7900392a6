"""Showing results: images in notebooks, previews while a task runs, text everywhere else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..calls.outputs import NodeOutput
from ..calls.running import is_unshown, unshown
from ..wire.background import Dispatcher, run_sync
from ..wire.html import images_html, in_notebook, show_html
from ..wire.results import ImageBatchResult

if TYPE_CHECKING:
    from ..wire.task import Task

__all__ = ['Images', 'TaskDisplays']


class Images:
    """Images side by side: of image batches, node outputs, PIL images, or anything that `upload` takes as an image.

    Lists of them count as their items.
    """

    def __init__(self, *images: Any) -> None:
        self._items = images

    async def _load(self) -> list[bytes]:
        """The image files, as a browser can show them."""
        return [data for item in self._items for data in await _files(item)]

    def to_html(
        self,
        rows: int | None = None,
        cols: int | None = None,
        height: int | None = None,
        width: int | None = None,
        *,
        titles: list[str] | None = None,
    ) -> str:
        """A grid of the images as HTML that needs nothing else."""
        return images_html(run_sync(self._load()), rows, cols, height, width, titles)

    def display(
        self,
        rows: int | None = None,
        cols: int | None = None,
        height: int | None = None,
        width: int | None = None,
        *,
        titles: list[str] | None = None,
        **_: Any,
    ) -> None:
        """Show the images in `rows` or `cols`, each `height` or `width` pixels large, with `titles` below."""
        show_html(images_html(run_sync(self._load()), rows, cols, height, width, titles), repr(self))

    async def _display(
        self,
        rows: int | None = None,
        cols: int | None = None,
        height: int | None = None,
        width: int | None = None,
        *,
        titles: list[str] | None = None,
        **_: Any,
    ) -> None:
        show_html(images_html(await self._load(), rows, cols, height, width, titles), repr(self))

    def _ipython_display_(self) -> None:
        self.display()

    def __repr__(self) -> str:
        return f'Images({", ".join(map(repr, self._items))})'


async def _files(item: Any) -> list[bytes]:
    """The files of an image, a batch, a node's output, or a list of them."""
    if isinstance(item, NodeOutput):
        item = await _images_of(item)
    if isinstance(item, ImageBatchResult):
        return await item._contents()
    if isinstance(item, (list, tuple)):
        return [data for inner in item for data in await _files(inner)]
    return [_png(item)]


async def _images_of(output: NodeOutput) -> Any:
    if not output.node.is_output:
        from ..util import _get_images

        return await _get_images(output)
    with unshown():
        return await output


def _png(image: Any) -> bytes:
    from .client import image_file

    return image_file(image, None)[1]


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
            self._show_images(task, run_sync(Images(*batches)._load()))

    def _show_images(self, task: Task, images: Iterable[bytes]) -> None:
        handle = self._handles.get(task.prompt_id)
        if handle is None:
            return
        from IPython.display import HTML  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

        handle.update(HTML(images_html(list(images))))

"""Images side by side in a notebook, wherever they come from."""

from __future__ import annotations

from typing import Any

from ..calls.outputs import NodeOutput
from ..calls.running import unshown
from ..wire.background import run_sync
from ..wire.html import images_html, show_html
from ..wire.results import ImageBatchResult
from .fetching import fetch_images
from .uploads import image_file

__all__ = ['Images']


class Images:
    """Images side by side: of image batches, node outputs, PIL images, or anything that `upload` takes as an image.

    Lists of them count as their items.
    """

    def __init__(self, *images: Any, titles: list[str] | None = None) -> None:
        self._items = images
        self._titles = titles

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
        return images_html(run_sync(self._load()), rows, cols, height, width, titles or self._titles)

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
        show_html(images_html(run_sync(self._load()), rows, cols, height, width, titles or self._titles), repr(self))

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
        show_html(images_html(await self._load(), rows, cols, height, width, titles or self._titles), repr(self))

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
        return await fetch_images(output)
    with unshown():
        return await output


def _png(image: Any) -> bytes:
    return image_file(image, None)[1]

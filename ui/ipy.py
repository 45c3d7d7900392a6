"""Widgets made with ipywidgets: images side by side, and what is in a file that ComfyUI wrote.

`widget()` gives what can be put beside other widgets; an object that ends a notebook's cell shows itself.
"""

from __future__ import annotations

import html
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..graph import ComfyScriptError, Schemas
from ..runtime.client.client import Client
from ..runtime.client.current import find_client
from ..runtime.client.notebook import Images
from ..runtime.wire.background import run_sync
from ..runtime.wire.html import grid_columns, image_kind

if TYPE_CHECKING:
    from ..transpiler import Metadata

__all__ = ['ImageViewer', 'MetadataViewer']


def _ipywidgets() -> Any:
    try:
        import ipywidgets  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError('The widgets of comfy_script.ui need ipywidgets: pip install ipywidgets') from error
    return ipywidgets


def _display(widget: Any) -> None:
    from IPython.display import display  # pyright: ignore[reportMissingImports, reportPrivateImportUsage]

    display(widget)


class ImageViewer:
    """Images with titles: `ImageViewer(batch, image, [more], titles=['one', …])`.

    An image is a result, a node's output (which is run), a PIL image, or whatever else `upload` takes; lists of them
    count as their items. Titles belong to the images one by one. Raises ImportError without ipywidgets.
    """

    def __init__(self, *images: Any, titles: Sequence[str] | None = None) -> None:
        self._widgets = _ipywidgets()
        self.images = list(images)
        self._images = Images(*images)
        self._titles = [str(title) for title in titles or ()]

    @property
    def titles(self) -> list[str]:
        """The titles, one per image."""
        return self._titles

    def widget(
        self,
        rows: int | None = None,
        cols: int | None = None,
        height: int | None = None,
        width: int | None = None,
    ) -> Any:
        """The images as a grid widget, in `rows` or `cols`, each `height` or `width` pixels large."""
        files = run_sync(self._images._load())
        layout = {'max_width': '100%', 'height': _pixels(height), 'width': _pixels(width)}
        cells = [self._cell(index, data, layout) for index, data in enumerate(files)]
        columns = grid_columns(len(cells), rows, cols)
        return self._widgets.GridBox(cells, layout={'grid_template_columns': columns, 'grid_gap': '4px'})

    def _cell(self, index: int, data: bytes, layout: Mapping[str, Any]) -> Any:
        parts = [self._widgets.Image(value=data, format=image_kind(data), layout=layout)]
        if index < len(self._titles):
            parts.append(self._widgets.Label(self._titles[index]))
        return self._widgets.VBox(parts, layout={'align_items': 'center'})

    def display(
        self,
        rows: int | None = None,
        cols: int | None = None,
        height: int | None = None,
        width: int | None = None,
    ) -> None:
        """Show `widget(…)`."""
        _display(self.widget(rows, cols, height, width))

    def _ipython_display_(self) -> None:
        self.display()

    def __repr__(self) -> str:
        return f'ImageViewer{repr(self._images).removeprefix("Images")}'


def _pixels(size: int | None) -> str | None:
    return None if size is None else f'{int(size)}px'


class MetadataViewer:
    """What is in a file that ComfyUI wrote, or in a workflow file: its script, prompt and workflow.

    The nodes are those of the server at `comfyui_api`, else of the one that is loaded, else what the file says of them.
    """

    def __init__(self, comfyui_api: str | None = None) -> None:
        self._widgets = _ipywidgets()
        self._server = comfyui_api
        self._upload = self._widgets.FileUpload(description='Open a file')
        self._upload.observe(self._on_upload, 'value')
        self._content = self._widgets.VBox()

    def widget(self) -> Any:
        """A button that opens a file, above what is in it."""
        return self._widgets.VBox([self._upload, self._content])

    def open(self, name: str, data: bytes) -> None:
        """Show what is in a file."""
        self._content.children = [self._found(name, data)]

    def _on_upload(self, change: Any) -> None:
        for file in change['new']:
            self.open(file['name'], bytes(file['content']))

    def _found(self, name: str, data: bytes) -> Any:
        try:
            parts = contents_of(name, data, self._schemas())
        except ComfyScriptError as error:
            return self._widgets.Label(f'{name}: {error}')
        if not parts:
            return self._widgets.Label(f'{name}: nothing of ComfyUI in it')
        return self._widgets.Tab([self._text(text) for text in parts.values()], titles=tuple(parts))

    def _text(self, text: str) -> Any:
        return self._widgets.HTML(f'<pre style="line-height:1.3;white-space:pre-wrap">{html.escape(text)}</pre>')

    def _schemas(self) -> Schemas | None:
        if self._server is not None:
            with Client(self._server) as client:
                return client.schemas
        client = find_client()
        return client.schemas if client is not None else None

    def _ipython_display_(self) -> None:
        _display(self.widget())


def contents_of(name: str, data: bytes, schemas: Schemas | None = None) -> dict[str, str]:
    """Title → text of all that there is in a file. Raises TranspileError for a broken one."""
    from ..transpiler import read_metadata

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f'file{Path(name).suffix}'
        path.write_bytes(data)
        found = read_metadata(path)
    parts: dict[str, str] = {}
    if found.prompt is not None or found.workflow is not None:
        parts['Script'] = _script_of(found, schemas)
    if found.script is not None:
        parts['Saved script'] = found.script
    if found.prompt is not None:
        parts['Prompt'] = _json(found.prompt)
    if found.workflow is not None:
        parts['Workflow'] = _json(found.workflow)
    return parts


def _script_of(found: Metadata, schemas: Schemas | None) -> str:
    from ..transpiler import transpile

    return transpile(found, schemas=schemas)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)

"""Images that nodes save or preview in real mode, shown in the notebook that calls them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...comfyui.loaded import folder_paths
from ..wire.html import images_html, show_html


def show_images(node_id: str, class_type: str, ui: Mapping[str, Any]) -> None:
    """Shows the images among a node's UI results below the cell. (An `OnUi` of `RealSession`.)"""
    files = list(_files(ui.get('images') or ()))
    if files:
        plain = f'{class_type}: {", ".join(file.name for file in files)}'
        show_html(images_html([file.read_bytes() for file in files]), plain)


def _files(images: Any) -> Iterator[Path]:
    """The files that are there, of what ComfyUI says to the web UI (`server.py: view_image`)."""
    for image in images if isinstance(images, (list, tuple)) else ():
        if isinstance(image, Mapping) and image.get('filename'):
            folder = folder_paths().get_directory_by_type(str(image.get('type') or 'output'))
            if folder is not None:
                file = Path(folder, str(image.get('subfolder') or ''), str(image['filename']))
                if file.is_file():
                    yield file

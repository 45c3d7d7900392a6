"""`LoadImageFromPath`: an image by a path inside ComfyUI's own folders."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from ..comfyui.loaded import folder_paths, nodes_module

EXTENSIONS = frozenset({'.png', '.jpg', '.jpeg', '.webp', '.gif', '.bmp', '.tif', '.tiff', '.avif', '.jxl'})
FOLDERS = ('input', 'output', 'temp')


class PathRefused(ValueError):
    """A path that is not an image inside ComfyUI's folders."""


def resolve_image(text: str, folders: Any) -> Path:
    """The file that a path such as `'batch/0.png [output]'` names.

    `folders` is ComfyUI's `folder_paths`. Absolute paths may be given where they are inside the folders; links are
    followed before it is decided. Raises PathRefused.
    """
    name, kind = split_annotation(text)
    if not name or '\0' in name:
        raise PathRefused('give the path of an image, such as "example.png" or "image.png [output]"')
    root = Path(folders.get_directory_by_type(kind)).resolve()
    try:
        found = (root / name.replace('\\', os.sep)).resolve()
    except (OSError, ValueError):
        raise PathRefused(f'{name!r} is not a path') from None
    if not found.is_relative_to(root):
        raise PathRefused(f'{name!r} is outside of the {kind} folder')
    if found.suffix.lower() not in EXTENSIONS:
        raise PathRefused(f'{name!r} is not an image file')
    if not found.is_file():
        raise PathRefused(f'there is no {name!r} in the {kind} folder')
    return found


def split_annotation(text: str) -> tuple[str, str]:
    """`'a.png [output]'` → `('a.png', 'output')`; without a suffix it is the input folder."""
    text = text.strip()
    for kind in FOLDERS:
        suffix = f'[{kind}]'
        if text.endswith(suffix):
            return text[: -len(suffix)].strip(), kind
    return text, 'input'


class LoadImageFromPath:
    """An image and its mask, by a path in the input, output or temp folder."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {'required': {'image': ('STRING', {'default': 'example.png'})}}

    CATEGORY = 'image'
    DESCRIPTION = 'Loads an image by its path in the input folder, or with "[output]" or "[temp]" after it in those.'
    RETURN_TYPES = ('IMAGE', 'MASK')
    FUNCTION = 'load_image'
    SEARCH_ALIASES = ('load image', 'open image', 'path')

    def load_image(self, image: str) -> Any:
        found = resolve_image(image, folder_paths())
        _, kind = split_annotation(image)
        root = Path(folder_paths().get_directory_by_type(kind)).resolve()
        # ComfyUI's own node does the reading: all of its formats, frames, rotations and masks.
        return nodes_module().LoadImage().load_image(f'{found.relative_to(root).as_posix()} [{kind}]')

    @classmethod
    def IS_CHANGED(cls, image: str | None = None) -> str:
        if image is None:
            return ''
        return hashlib.sha256(resolve_image(image, folder_paths()).read_bytes()).hexdigest()

    @classmethod
    def VALIDATE_INPUTS(cls, image: str | None = None) -> bool | str:
        if image is None:
            return True
        try:
            resolve_image(image, folder_paths())
        except PathRefused as error:
            return str(error)
        return True

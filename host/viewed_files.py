"""The files that the panel asks about: outputs of this server, and those that are dropped on the page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..comfyui.loaded import folder_paths
from ..panel.errors import RequestError


def suffix_of(filename: str) -> str:
    """The suffix of a dropped file: readers go by it. Nothing else of the name is used."""
    return ''.join(letter for letter in Path(filename).suffix if letter.isalnum() or letter == '.')[:16]


def output_path(query: Mapping[str, str]) -> Path:
    """The file that a `/view` address names. Raises RequestError 400, 403 or 404."""
    filename = query.get('filename', '')
    if not filename or filename[0] == '/' or '\0' in filename:
        raise RequestError('no filename was given')
    root = folder_paths().get_directory_by_type(query.get('type') or 'output')
    if root is None:
        raise RequestError('type must be output, input or temp')
    root = os.path.abspath(root)
    path = os.path.abspath(os.path.join(root, query.get('subfolder', ''), filename))
    if not _inside(path, root):
        raise RequestError('the file lies outside its folder', 403)
    if not os.path.isfile(path):
        raise RequestError(f'there is no file {filename!r}', 404)
    return Path(path)


def _inside(path: str, root: str) -> bool:
    try:
        return os.path.commonpath((path, root)) == root
    except ValueError:  # another drive
        return False

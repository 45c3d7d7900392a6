"""The embeddings of the ComfyUI in this process."""

from __future__ import annotations

from .loaded import folder_paths


def embeddings() -> tuple[str, ...]:
    """Their names, without their file suffix (ComfyUI `server.py: get_embeddings`)."""
    paths = folder_paths()
    names = () if paths is None else paths.get_filename_list('embeddings')
    return tuple(str(name).rpartition('.')[0] or str(name) for name in names)

"""What happens when ComfyUI loads the pack, and when all packs have loaded."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Pack(NamedTuple):
    node_classes: dict[str, type]
    display_names: dict[str, str]
    web_directory: str | None


def load(folder: Path) -> Pack:
    return Pack({}, {}, './js' if (folder / 'js').is_dir() else None)

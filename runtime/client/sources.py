"""The text of the script that is running, for the saved images."""

from __future__ import annotations

import linecache
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from ..calls.sites import script_frame
from ..wire.errors import Origins

__all__ = ['find_source']

MAX_SOURCE = 1_000_000
_PACKAGE = Path(__file__).parents[2]
_OWN = tuple(str(_PACKAGE / floor) + os.sep for floor in (
    'comfyui', 'graph', 'host', 'interpreter', 'nodes', 'panel', 'runtime', 'transpiler', 'ui',
))  # fmt: skip


_SHELLS = frozenset({'IPython', 'ipykernel', 'ipywidgets', 'nbclient', 'tornado', 'traitlets', 'zmq'})
"""Packages that run a notebook's cells and show what they give."""


def find_source(made_at: Origins | None = None) -> str | None:
    """The text of the script (or notebook cell) that is running: the nearest caller outside of this package.

    Where none is (a thread of a pool runs a method of ours, or a notebook shows an output), that of the script which
    made the nodes: `made_at` has their places.
    """
    frame = script_frame(sys._getframe(1), _is_no_script)
    if frame is not None:
        return _text(frame.f_code.co_filename, frame.f_globals)
    files = dict.fromkeys(file for file, _ in (made_at or {}).values())
    return next((text for text in map(_text, reversed(files)) if text), None)


def _text(filename: str, module: dict[str, Any] | None = None) -> str | None:
    text = ''.join(linecache.getlines(filename, module))
    return text if 0 < len(text) <= MAX_SOURCE else None


def _is_no_script(frame: FrameType) -> bool:
    name = frame.f_globals.get('__name__')
    return frame.f_code.co_filename.startswith(_OWN) or (
        isinstance(name, str) and name.partition('.')[0] in _SHELLS
    )

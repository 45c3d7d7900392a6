"""The text of the script that is running, for the saved images."""

from __future__ import annotations

import linecache
import os
import sys
from pathlib import Path
from types import FrameType

from ..calls.sites import script_frame

__all__ = ['find_source']

MAX_SOURCE = 1_000_000
_PACKAGE = Path(__file__).parents[2]
_OWN = tuple(str(_PACKAGE / floor) + os.sep for floor in (
    'comfyui', 'graph', 'host', 'interpreter', 'nodes', 'panel', 'runtime', 'transpiler', 'ui',
))  # fmt: skip


def find_source() -> str | None:
    """The text of the script (or notebook cell) that is running: the nearest caller outside of this package."""
    frame = script_frame(sys._getframe(1), _is_own)
    if frame is None:
        return None
    text = ''.join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    return text if 0 < len(text) <= MAX_SOURCE else None


def _is_own(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OWN)

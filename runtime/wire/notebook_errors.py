"""Errors in notebooks: shown where the cell made them, without the ways of this package."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from .errors import ComfyScriptError
from .places import notebook_shell

__all__ = ['hide_own_frames', 'without_own_frames']

_PACKAGE = __name__.partition('.')[0]


def hide_own_frames() -> None:
    """From now on notebooks show errors of ours without our own frames (IPython `InteractiveShell.showtraceback`)."""
    if notebook_shell() is not None:
        ComfyScriptError._render_traceback_ = _render  # type: ignore[attr-defined]


def _render(error: ComfyScriptError) -> list[str]:
    shell: Any = notebook_shell()
    kept = without_own_frames(error.__traceback__)
    return shell.InteractiveTB.structured_traceback(type(error), error, kept)


def without_own_frames(traceback: TracebackType | None) -> TracebackType | None:
    """The same, but for the frames of this package; all of it where no other is there."""
    frames = []
    step = traceback
    while step is not None:
        if str(step.tb_frame.f_globals.get('__name__')).partition('.')[0] != _PACKAGE:
            frames.append(step)
        step = step.tb_next
    kept: TracebackType | None = None
    for step in reversed(frames):
        kept = TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return kept or traceback

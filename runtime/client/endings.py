"""Whether this process ends because somebody pressed Ctrl+C."""

from __future__ import annotations

import sys

__all__ = ['note_interrupt', 'was_interrupted']

_noted = False


def note_interrupt() -> None:
    """A KeyboardInterrupt was caught that ends the process."""
    global _noted
    _noted = True


def was_interrupted() -> bool:
    """Whether one was caught, or ended the script (`sys.last_type` is what the interpreter printed last)."""
    return _noted or getattr(sys, 'last_type', None) is KeyboardInterrupt

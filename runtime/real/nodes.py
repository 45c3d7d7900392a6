"""The nodes of real mode, after its `load()`: `from comfy_script.runtime.real.nodes import *`."""

from __future__ import annotations

from typing import Any

from . import state


def __getattr__(name: str) -> Any:
    if name == '__all__':
        return state.public_names()
    if name.startswith('__'):
        raise AttributeError(name)
    return state.find(name)


def __dir__() -> list[str]:
    return state.public_names()

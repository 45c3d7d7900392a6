"""The nodes of real mode, after its `load()`: `from comfy_script.runtime.real.nodes import *`."""

from __future__ import annotations

from typing import Any

from . import state
from .util import OLD_NODES


def __getattr__(name: str) -> Any:
    if name == '__all__':
        names = state.public_names()
        return [*names, *(OLD_NODES.keys() - set(names))]
    if name.startswith('__'):
        raise AttributeError(name)
    try:
        return state.find(name)
    except AttributeError:
        if name in OLD_NODES:
            return OLD_NODES[name]
        raise


def __dir__() -> list[str]:
    return state.public_names()

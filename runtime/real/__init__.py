"""Real mode: nodes as functions that run when they are called, in this process.

    from comfy_script.runtime.real import *
    load()
    from comfy_script.runtime.real.nodes import *

    with Workflow():
        model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
        ...

What nodes return is what they return: tensors, dicts, models. See docs/real-mode.md.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    node: Any
    from ...comfyui.checkout import ComfyUIArgs
    from .cache import Cache
    from .errors import ExecutionBlockedWarning, HostError, LostValueError, NodeRefusedError
    from .load_real import load
    from .old_config import RealModeConfig
    from .prompts import run_prompt_real
    from .saving import set_script_writer
    from .session import RealSession
    from .value_list import Lazy, ValueList
    from .workflow import Workflow

__all__ = [
    'Cache',
    'ComfyUIArgs',
    'ExecutionBlockedWarning',
    'HostError',
    'Lazy',
    'LostValueError',
    'NodeRefusedError',
    'RealModeConfig',
    'RealSession',
    'ValueList',
    'Workflow',
    'load',
    'node',
    'run_prompt_real',
    'set_script_writer',
]

_HOMES = {
    '.cache': ('Cache',),
    '...comfyui.checkout': ('ComfyUIArgs',),
    '.errors': ('ExecutionBlockedWarning', 'HostError', 'LostValueError', 'NodeRefusedError'),
    '.load_real': ('load',),
    '.old_config': ('RealModeConfig',),
    '.prompts': ('run_prompt_real',),
    '.saving': ('set_script_writer',),
    '.session': ('RealSession',),
    '.value_list': ('Lazy', 'ValueList'),
    '.workflow': ('Workflow',),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


class _Node:
    """`node['KSampler (Efficient)']`: a node by its class type."""

    def __getitem__(self, class_type: str) -> Any:
        from . import state

        return state.find_raw(class_type)

    def get(self, class_type: str, default: Any = None) -> Any:
        """The node, or `default` where ComfyUI has no such class type."""
        return self[class_type] if class_type in self.nodes else default

    def __contains__(self, class_type: object) -> bool:
        return class_type in self.nodes

    @property
    def nodes(self) -> Any:
        """All nodes by class type. Raises NotLoadedError."""
        from . import state

        return state.by_class_type()


def __getattr__(name: str) -> Any:
    if name == 'node':
        value: Any = _Node()
    elif name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name], __name__), name)
    else:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    globals()[name] = value
    return value

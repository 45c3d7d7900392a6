"""Scripts that run on ComfyUI.

    from comfy_script.runtime import *
    load()
    from comfy_script.runtime.nodes import *

Everything is loaded when first used: importing this costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..graph import ComfyScriptError
    from . import util
    from .client import Client
    from .display import Images
    from .errors import (
        ConnectError,
        LaunchError,
        LoadError,
        NodeError,
        NotLoadedError,
        OfflineError,
        PromptRefusedError,
        ServerError,
        ServerLostError,
        TaskCancelledError,
        TaskError,
        WaitTimeoutError,
    )
    from .launch import ComfyUIArgs, start_comfyui
    from .loading import _load as _load
    from .loading import load
    from .lookup import node
    from .results import (
        AudioResult,
        EmptyResult,
        FileResult,
        ImageBatchResult,
        LatentResult,
        Model3DResult,
        Result,
        TextResult,
        VideoResult,
    )
    from .task import Task, TaskProgress, TaskState
    from .task_queue import TaskQueue, queue
    from .values import NodeOutput
    from .workflow import Workflow

__all__ = [
    'AudioResult',
    'Client',
    'ComfyScriptError',
    'ComfyUIArgs',
    'ConnectError',
    'EmptyResult',
    'FileResult',
    'ImageBatchResult',
    'Images',
    'LatentResult',
    'LaunchError',
    'LoadError',
    'Model3DResult',
    'NodeError',
    'NodeOutput',
    'NotLoadedError',
    'OfflineError',
    'PromptRefusedError',
    'Result',
    'ServerError',
    'ServerLostError',
    'Task',
    'TaskCancelledError',
    'TaskError',
    'TaskProgress',
    'TaskQueue',
    'TaskState',
    'TextResult',
    'VideoResult',
    'WaitTimeoutError',
    'Workflow',
    'load',
    'node',
    'queue',
    'start_comfyui',
    'util',
]

_HOMES = {
    'client': ('Client',),
    'display': ('Images',),
    'errors': (
        'ComfyScriptError', 'ConnectError', 'LaunchError', 'LoadError', 'NodeError', 'NotLoadedError', 'OfflineError',
        'PromptRefusedError', 'ServerError', 'ServerLostError', 'TaskCancelledError', 'TaskError', 'WaitTimeoutError',
    ),
    'launch': ('ComfyUIArgs', 'start_comfyui'),
    'loading': ('load', '_load'),
    'lookup': ('node',),
    'results': (
        'AudioResult', 'EmptyResult', 'FileResult', 'ImageBatchResult', 'LatentResult', 'Model3DResult', 'Result',
        'TextResult', 'VideoResult',
    ),
    'task': ('Task', 'TaskProgress', 'TaskState'),
    'task_queue': ('TaskQueue', 'queue'),
    'values': ('NodeOutput',),
    'workflow': ('Workflow',),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _HOME_OF.get(name)
    if module is not None:
        value = getattr(importlib.import_module(f'.{module}', __name__), name)
    elif name == 'util':
        value = importlib.import_module('.util', __name__)
    else:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

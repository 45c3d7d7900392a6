"""Scripts that run on ComfyUI.

    from comfy_script.runtime import *
    load()
    from comfy_script.runtime.nodes import *

Everything is loaded when first used: importing this costs next to nothing.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

_FOLDER = Path(__file__).parent
if (_FOLDER / 'util' / '__init__.py').is_file() or (_FOLDER.parent / 'astutil.py').is_file():
    raise ImportError(
        f'Two packages lie over each other in {_FOLDER.parent}: this one and comfy-script, which has the same import '
        'name. Run "pip uninstall comfy-script", then install ComfyScript again.'
    )
if not (_FOLDER.parent / '__init__.py').is_file():
    raise ImportError(
        f'ComfyScript in {_FOLDER.parent} is not complete: __init__.py is missing. Where comfy-script was uninstalled '
        'from the same place, it took the files that both had: install ComfyScript again.'
    )

if TYPE_CHECKING:
    from ..comfyui.checkout import ComfyUIArgs
    from ..graph import ComfyScriptError
    from . import util
    from .calls.outputs import NodeOutput
    from .client.client import Client
    from .client.current import node, queue
    from .client.load import _load as _load
    from .client.load import join_comfyui as join_comfyui
    from .client.load import load, start_comfyui

    comfyui_started: bool
    comfyui_base_url: str | None
    from .client.notebook import Images
    from .client.queue import TaskQueue
    from .client.workflow import Workflow
    from .run import run as run
    from .wire.errors import (
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
    from .wire.results import (
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
    from .wire.task import Task, TaskProgress, TaskState
    from .wire.task_events import TaskEvent, as_completed

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
    'TaskEvent',
    'TaskProgress',
    'TaskQueue',
    'TaskState',
    'TextResult',
    'VideoResult',
    'WaitTimeoutError',
    'Workflow',
    'as_completed',
    'load',
    'node',
    'queue',
    'run',
    'start_comfyui',
    'util',
]

_HOMES = {
    '.comfyui.checkout': ('ComfyUIArgs',),
    'client.client': ('Client',),
    'client.notebook': ('Images',),
    'wire.errors': (
        'ComfyScriptError', 'ConnectError', 'LaunchError', 'LoadError', 'NodeError', 'NotLoadedError', 'OfflineError',
        'PromptRefusedError', 'ServerError', 'ServerLostError', 'TaskCancelledError', 'TaskError', 'WaitTimeoutError',
    ),
    'client.load': ('load', '_load', 'join_comfyui', 'start_comfyui'),
    'client.current': ('node', 'queue'),
    'wire.results': (
        'AudioResult', 'EmptyResult', 'FileResult', 'ImageBatchResult', 'LatentResult', 'Model3DResult', 'Result',
        'TextResult', 'VideoResult',
    ),
    'wire.task': ('Task', 'TaskProgress', 'TaskState'),
    'wire.task_events': ('TaskEvent', 'as_completed'),
    'client.queue': ('TaskQueue',),
    'calls.outputs': ('NodeOutput',),
    'client.workflow': ('Workflow',),
}  # fmt: skip
# `run` is called as its function.
_MODULES = ('run', 'util')
_STATES = ('comfyui_base_url', 'comfyui_started')
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _HOME_OF.get(name)
    if module is not None:
        value = getattr(importlib.import_module(f'.{module}', __name__), name)
    elif name in _STATES:
        # Asked anew each time.
        return getattr(importlib.import_module('.client.load', __name__), name)()
    elif name in _MODULES:
        value = importlib.import_module(f'.{name}', __name__)
    else:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

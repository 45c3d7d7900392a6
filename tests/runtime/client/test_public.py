"""The public surface: what `from comfy_script.runtime import *` brings, and what it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import comfy_script.runtime as runtime
from comfy_script.graph import RESERVED

SURFACE = """
AudioResult Client ComfyScriptError ComfyUIArgs ConnectError EmptyResult FileResult ImageBatchResult Images LatentResult
LaunchError LoadError Model3DResult NodeError NodeOutput NotLoadedError OfflineError PromptRefusedError Result
ServerError ServerLostError Task TaskCancelledError TaskError TaskProgress TaskQueue TaskState TextResult VideoResult
WaitTimeoutError Workflow load node queue start_comfyui util
"""


def test_surface() -> None:
    assert sorted(runtime.__all__) == sorted(SURFACE.split())
    for name in runtime.__all__:
        assert getattr(runtime, name) is not None
    assert callable(runtime._load)


def test_the_names_that_scripts_use_are_no_nodes() -> None:
    assert {'load', 'Workflow', 'ComfyUIArgs', 'Client', 'Task', 'queue', 'node', 'util'} <= RESERVED


def test_errors_are_one_tree() -> None:
    from comfy_script.runtime.wire import errors

    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            assert issubclass(kind, runtime.ComfyScriptError)


def test_importing_is_cheap() -> None:
    code = (
        'import sys; import comfy_script.runtime; from comfy_script.runtime import *; '
        'print([m for m in ("aiohttp", "numpy", "PIL", "torch", "tqdm", "IPython") if m in sys.modules])'
    )
    root = Path(runtime.__file__).parents[1]
    loader = (
        'import importlib.util, sys; '
        f'spec = importlib.util.spec_from_file_location("comfy_script", {str(root / "__init__.py")!r}, '
        f'submodule_search_locations=[{str(root)!r}]); '
        'module = importlib.util.module_from_spec(spec); sys.modules["comfy_script"] = module; '
        'spec.loader.exec_module(module); '
    )
    done = subprocess.run([sys.executable, '-c', loader + code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'

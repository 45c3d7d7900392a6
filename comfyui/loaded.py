"""Modules that somebody else imported. `server` and `nodes` are common names, so nothing is imported by them here."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


def loaded(name: str) -> Any:
    """The module of this name, or None where nobody imported it."""
    return sys.modules.get(name)


def loaded_where(fits: Callable[[str], bool]) -> list[Any]:
    """The modules whose names fit: ComfyUI imports packs and `comfy_extras` under their paths as names."""
    return [module for name, module in list(sys.modules.items()) if fits(name)]


def server() -> Any:
    """ComfyUI's `PromptServer`, or None outside of its process."""
    return getattr(getattr(loaded('server'), 'PromptServer', None), 'instance', None)


def nodes_module() -> Any:
    """ComfyUI's `nodes`, or None outside of its process."""
    module = loaded('nodes')
    return module if hasattr(module, 'NODE_CLASS_MAPPINGS') else None


def folder_paths() -> Any:
    """ComfyUI's `folder_paths`, or None outside of its process."""
    return loaded('folder_paths')


def command_line() -> Any:
    """What ComfyUI was started with (`comfy.cli_args.args`), or None outside of its process."""
    return getattr(loaded('comfy.cli_args'), 'args', None)


def model_management() -> Any:
    """ComfyUI's `comfy.model_management`, or None outside of its process."""
    return loaded('comfy.model_management')


def user_folder() -> Path | None:
    """ComfyUI's folder for what belongs to its user, or None outside of its process."""
    paths = folder_paths()
    return None if paths is None else Path(paths.get_user_directory())


def is_comfyui_loaded() -> bool:
    """Whether a ComfyUI is imported in this process: inside its server, or after a `load()` of real mode."""
    return server() is not None and hasattr(loaded('execution'), 'PromptExecutor')


def import_file(name: str, file: Path) -> ModuleType:
    """Import a file as the module `name`. Raises ImportError, and what the file raises: the name is free again then."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f'{file} cannot be imported', name=name, path=str(file))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module

"""What the node needs of the ComfyUI around it."""

from __future__ import annotations

from typing import Any

from ...comfyui.interrupts import is_interrupt, is_out_of_memory
from ...comfyui.loaded import loaded, nodes_module, user_folder
from ...comfyui.loaded_schemas import loaded_schemas
from ...graph import CallError, Schemas
from ...interpreter import NodeFailed, ScriptError
from ...interpreter.nodes.settings import Settings, read_settings


def known_schemas() -> Schemas:
    """The schemas of this ComfyUI, read anew when packs were added; model lists are as old as a few seconds."""
    return loaded_schemas(nodes_module())(max_age=10)


def settings_of_owner() -> Settings:
    folder = user_folder()
    return Settings() if folder is None else read_settings(folder)


def is_nodes_failure(error: Exception) -> bool:
    """Whether a node failed in a way that a script may catch: not an interrupt, not out of memory."""
    if isinstance(error, (ScriptError, CallError)) and not isinstance(error, NodeFailed):
        return False
    return not is_interrupt(error) and not is_out_of_memory(error)


def switched_off() -> Any:
    """In place of a value: nodes that are linked to it do not run."""
    return getattr(loaded('comfy_execution.graph'), 'ExecutionBlocker', lambda message: message)(None)

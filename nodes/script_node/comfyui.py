"""What the node needs of the ComfyUI around it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from ...comfyui.process import loaded_schemas
from ...graph import Schemas
from ...interpreter import NodeFailed, ScriptError
from ...interpreter.nodes.settings import Settings, read_settings

log = logging.getLogger('comfy_script')


def known_schemas() -> Schemas:
    """The schemas of this ComfyUI, read anew when packs were added; model lists are as old as a few seconds."""
    return loaded_schemas(sys.modules['nodes'])(max_age=10)


def settings_of_owner() -> Settings:
    folder_paths = sys.modules.get('folder_paths')
    return read_settings(Path(folder_paths.get_user_directory())) if folder_paths is not None else Settings()


def interrupt_check() -> Any:
    management = sys.modules.get('comfy.model_management')
    return getattr(management, 'throw_exception_if_processing_interrupted', None)


def is_nodes_failure(error: Exception) -> bool:
    """Whether a node failed in a way that a script may catch: not an interrupt, not out of memory."""
    management: Any = sys.modules.get('comfy.model_management')
    if isinstance(error, (ScriptError, TypeError)) and not isinstance(error, NodeFailed):
        return not isinstance(error, ScriptError) and type(error).__name__ != 'CallError'
    interrupted = getattr(management, 'InterruptProcessingException', ())
    out_of_memory = getattr(management, 'OOM_EXCEPTION', ())
    is_oom = getattr(management, 'is_oom', None)
    if is_oom is not None and is_oom(error):
        return False
    return not isinstance(error, (interrupted, out_of_memory) if interrupted and out_of_memory else interrupted or ())


def send_text(text: str, node_id: str) -> None:
    """What a node does now, shown on it."""
    send = getattr(_server(), 'send_progress_text', None)
    if send is not None:
        _guarded(send, text, node_id)


def send_printed(text: str, node_id: str) -> None:
    """What a script printed, for the browser that queued it (`js/node/extension.js`)."""
    server = _server()
    if text and server is not None:
        _guarded(server.send_sync, 'comfyscript.printed', {'node': node_id, 'text': text}, server.client_id)


def _server() -> Any:
    return getattr(getattr(sys.modules.get('server'), 'PromptServer', None), 'instance', None)


def _guarded(send: Any, *args: Any) -> None:
    try:
        send(*args)
    except Exception as error:
        log.debug('a message to the browser: %s', error)

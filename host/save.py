"""The script saved with each output: the hook.

ComfyUI hands a saving node its metadata as the hidden input EXTRA_PNGINFO: a dict, one piece of metadata per key
(ComfyUI `nodes.py: SaveImage`, `comfy_api/latest/_ui.py`). `execution.get_input_data` resolves it for each node; there
each output node gets a copy with one key more, its own script. Whatever goes wrong, the node gets what it would have
got without us.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from ..comfyui.loaded import command_line, loaded
from . import plain, sidecar
from .plain import KEY, PLAIN_KEYS
from .preferences import SaveSettings
from .scripts import SECRETS, GetSchemas, GetSettings, ScriptWriter, redact

log = logging.getLogger('comfy_script')

WARM_UP = 2.0
"""Seconds after all packs have loaded, when the start is over and the transpiler can be loaded."""

# What the hook reads of a call of `execution.get_input_data`.
PARAMETERS = ('class_def', 'unique_id', 'dynprompt', 'extra_data')


def install(
    get_schemas: GetSchemas,
    get_settings: GetSettings = SaveSettings,
    add_on_prompt_handler: Callable[[Callable[[Any], Any]], Any] | None = None,
) -> bool:
    """Put the hook into ComfyUI. False, with one line in the log, where this ComfyUI has no place for it."""
    if _metadata_is_off():
        return False
    execution = loaded('execution')
    original: Any = getattr(execution, 'get_input_data', None)
    reason = _why_not(original)
    if reason is not None:
        log.warning('No script in saved images: %s. ComfyUI saves as without ComfyScript.', reason)
        return False
    hook = SaveHook(ScriptWriter(get_schemas, get_settings), get_settings)
    setattr(execution, 'get_input_data', with_scripts(original, hook))  # noqa: B010
    plain.install()
    sidecar.install(hook.take_script)
    if add_on_prompt_handler is not None:
        add_on_prompt_handler(hook.on_prompt)
    hook.writer.start(WARM_UP)
    return True


def _metadata_is_off() -> bool:
    return bool(getattr(command_line(), 'disable_metadata', False))


def _why_not(function: Any) -> str | None:
    if not callable(function):
        return 'execution.get_input_data is not there'
    if inspect.iscoroutinefunction(function):
        return 'execution.get_input_data is asynchronous'
    known = inspect.signature(function).parameters
    missing = [name for name in PARAMETERS if name not in known]
    return f'execution.get_input_data has no {", ".join(missing)}' if missing else None


def with_scripts(original: Callable[..., Any], hook: SaveHook) -> Callable[..., Any]:
    """`execution.get_input_data`, where each output node's EXTRA_PNGINFO has its script."""
    signature = inspect.signature(original)

    @wraps(original)
    def get_input_data(*args: Any, **kwargs: Any) -> Any:
        try:
            call = signature.bind(*args, **kwargs)
            given = call.arguments
            extra_data = hook.extra_data(
                given.get('class_def'), given.get('unique_id'), given.get('dynprompt'), given.get('extra_data')
            )
            if extra_data is not None:
                given['extra_data'] = extra_data
                args, kwargs = call.args, call.kwargs
        except Exception as error:
            hook.writer.warn(error)
        return original(*args, **kwargs)

    return get_input_data


class SaveHook:
    """Decides which node gets what."""

    def __init__(self, writer: ScriptWriter, get_settings: GetSettings = SaveSettings) -> None:
        self.writer = writer
        self._get_settings = get_settings
        self._savers: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
        self._for_sidecars: dict[str, str] = {}

    def on_prompt(self, data: Any) -> Any:
        """ComfyUI's hook for prompts that come in (`server.py: add_on_prompt_handler`); gives them on as they are."""
        try:
            self.writer.queued(data)
        except Exception as error:
            self.writer.warn(error)
        return data

    def extra_data(self, node_class: Any, node_id: Any, dynprompt: Any, extra_data: Any) -> dict[str, Any] | None:
        """The `extra_data` for this call, or None to leave it as it is."""
        # Without a dynprompt ComfyUI only validates.
        if dynprompt is None or not isinstance(extra_data, Mapping) or not self._is_saver(node_class):
            return None
        settings = self._get_settings()
        if not settings.enabled:
            return None
        extra_pnginfo = extra_data.get('extra_pnginfo')
        if extra_pnginfo is None and not is_core(node_class):
            # Packs read extra_pnginfo['workflow'] without asking, unless there is no extra_pnginfo at all.
            return None
        if extra_pnginfo is not None and not isinstance(extra_pnginfo, dict):
            return None
        secrets = _secrets(extra_data)
        pnginfo = dict(extra_pnginfo or {})
        if KEY not in pnginfo:  # real mode has written it, and knows what in it came from the user's own code
            script = self.writer.script(str(node_id), dynprompt, pnginfo.get('workflow'), secrets)
            if script is None:
                return None
            pnginfo[KEY] = script
            self._keep(str(node_id), script, settings)
        for key in PLAIN_KEYS & pnginfo.keys():
            if isinstance(pnginfo[key], str):
                pnginfo[key] = redact(pnginfo[key], settings.redact, secrets)
        return {**extra_data, 'extra_pnginfo': pnginfo}

    def _keep(self, node_id: str, script: str, settings: SaveSettings) -> None:
        if settings.log:
            log.info('Script of node %s:\n%s', node_id, script)
        if settings.sidecar:
            self._for_sidecars[node_id] = script

    def take_script(self, node_id: str) -> str | None:
        """The script for the files that this node has just saved, once."""
        return self._for_sidecars.pop(node_id, None)

    def _is_saver(self, node_class: Any) -> bool:
        found = self._savers.get(node_class)
        if found is None:
            found = self._savers[node_class] = is_saver(node_class)
        return found


def _secrets(extra_data: Mapping[str, Any]) -> list[str]:
    named = extra_data.get(SECRETS)
    return [secret for secret in named if isinstance(secret, str)] if isinstance(named, (list, tuple)) else []


def is_saver(node_class: Any) -> bool:
    """Whether a node class is an output and asks for EXTRA_PNGINFO."""
    if not getattr(node_class, 'OUTPUT_NODE', False):
        return False
    hidden = node_class.INPUT_TYPES().get('hidden') or {}
    return any(_hidden_name(value) == 'EXTRA_PNGINFO' for value in hidden.values())


def _hidden_name(value: Any) -> Any:
    return value[0] if isinstance(value, (tuple, list)) and value else getattr(value, 'value', value)


def is_core(node_class: Any) -> bool:
    """Whether a node class is ComfyUI's own (`nodes.py: load_custom_node` marks all others)."""
    return not str(getattr(node_class, 'RELATIVE_PYTHON_MODULE', None) or '').startswith('custom_nodes')

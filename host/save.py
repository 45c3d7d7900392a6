"""The script saved with each output: the hook.

ComfyUI hands a saving node its metadata as the hidden input EXTRA_PNGINFO: a dict, one piece of metadata per key
(ComfyUI `nodes.py: SaveImage`, `comfy_api/latest/_ui.py`). `execution.get_input_data` resolves it for each node; there
each of ComfyUI's own savers gets a copy with one key more, its own script. The savers of packs get what they would have
got without us: what they make of one key more is not known. A PNG file that they wrote gets the script afterwards.
Whatever goes wrong, the node gets what it would have got without us.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

from ..comfyui.loaded import command_line, loaded
from ..comfyui.savers import OUR_KEYS, SCRIPT_KEY, is_saver, takes_our_keys
from ..graph.redaction import redact
from . import after_saving, plain
from .after_saving import AfterSaving, SavedFiles
from .hooked_calls import HookedCall
from .preferences import SaveSettings
from .scripts import SECRETS, GetSchemas, GetSettings, NoScript, ScriptWriter, no_preferences
from .users import PromptUsers

MOST_REDACTED = 400_000
"""Characters of a text that is looked through for secrets: Python's parser reads it, which nothing can interrupt."""
MOST_LOOKED_THROUGH = 4_000_000
"""Characters of a text times the secrets that are looked for in it."""

log = logging.getLogger('comfy_script')

WARM_UP = 2.0
"""Seconds after all packs have loaded, when the start is over and the transpiler can be loaded."""

# What the hook reads of a call of `execution.get_input_data`.
PARAMETERS = ('class_def', 'unique_id', 'dynprompt', 'extra_data')


def install(
    get_schemas: GetSchemas,
    get_settings: GetSettings = no_preferences,
    add_on_prompt_handler: Callable[[Callable[[Any], Any]], Any] | None = None,
    users: PromptUsers | None = None,
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
    hook = SaveHook(ScriptWriter(get_schemas), get_settings, users)
    setattr(execution, 'get_input_data', with_scripts(original, hook))  # noqa: B010
    plain.install()
    after_saving.install(hook.files)
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
    call = HookedCall(original)

    @wraps(original)
    def get_input_data(*args: Any, **kwargs: Any) -> Any:
        try:
            if hook.is_saver(call.get('class_def', args, kwargs)):
                extra_data = hook.extra_data(*(call.get(name, args, kwargs) for name in PARAMETERS))
                if extra_data is not None:
                    args, kwargs = call.put('extra_data', extra_data, args, kwargs)
        except Exception as error:
            hook.writer.warn(error)
        return original(*args, **kwargs)

    get_input_data.comfy_script = True  # type: ignore[attr-defined]
    return get_input_data


class SaveHook:
    """Decides which node gets what."""

    def __init__(
        self, writer: ScriptWriter, get_settings: GetSettings = no_preferences, users: PromptUsers | None = None
    ) -> None:
        self.writer = writer
        self.files = SavedFiles()
        self._get_settings = get_settings
        self._users = users or PromptUsers()
        self._savers: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()

    def on_prompt(self, data: Any) -> Any:
        """ComfyUI's hook for prompts that come in (`server.py: add_on_prompt_handler`); gives them on as they are."""
        try:
            self._users.queued(data)
            self.writer.queued(data, self._get_settings(self._users.current()))
        except Exception as error:
            self.writer.warn(error)
        return data

    def extra_data(self, node_class: Any, node_id: Any, dynprompt: Any, extra_data: Any) -> dict[str, Any] | None:
        """The `extra_data` for this call, or None to leave it as it is."""
        # Without a dynprompt ComfyUI only validates.
        if dynprompt is None or not isinstance(extra_data, Mapping) or not self.is_saver(node_class):
            return None
        extra_pnginfo = extra_data.get('extra_pnginfo')
        if extra_pnginfo is not None and not isinstance(extra_pnginfo, dict):
            return None
        node_id = str(node_id)
        settings = self._get_settings(self._users.of(extra_data))
        node = dynprompt.get_node(node_id) if dynprompt.has_node(node_id) else {}
        if takes_our_keys(node_class, node.get('class_type')):
            pnginfo = self._with_our_keys(node_id, dynprompt, extra_data, settings)
        else:
            pnginfo = self._without_our_keys(node_id, dynprompt, extra_data, settings)
        return None if pnginfo is None else {**extra_data, 'extra_pnginfo': pnginfo}

    def _with_our_keys(
        self, node_id: str, dynprompt: Any, extra_data: Mapping[str, Any], settings: SaveSettings
    ) -> dict[str, Any] | None:
        if not settings.enabled:
            return None
        texts = self._texts(node_id, dynprompt, extra_data, settings)
        if settings.sidecar and SCRIPT_KEY in texts:
            self.files.expect(node_id, AfterSaving(sidecar=texts[SCRIPT_KEY]))
        given = extra_data.get('extra_pnginfo') or {}
        # A text of ours that is not among them must not be written as it came.
        kept = {key: value for key, value in given.items() if key not in OUR_KEYS or not isinstance(value, str)}
        return {**kept, **texts} if texts or kept != given else None

    def _without_our_keys(
        self, node_id: str, dynprompt: Any, extra_data: Mapping[str, Any], settings: SaveSettings
    ) -> dict[str, Any] | None:
        """What the node would get without us: our clients and real mode have put keys of ours in."""
        extra_pnginfo = extra_data.get('extra_pnginfo')
        # Without a workflow there is no metadata that the script could go with.
        if settings.enabled and extra_pnginfo is not None:
            texts = self._texts(node_id, dynprompt, extra_data, settings)
            if texts:
                self.files.expect(node_id, AfterSaving(texts, texts.get(SCRIPT_KEY) if settings.sidecar else None))
        if extra_pnginfo is None or not OUR_KEYS & extra_pnginfo.keys():
            return None
        return {key: value for key, value in extra_pnginfo.items() if key not in OUR_KEYS}

    def _texts(
        self, node_id: str, dynprompt: Any, extra_data: Mapping[str, Any], settings: SaveSettings
    ) -> dict[str, str]:
        """The texts under our keys, without secrets; a script that cannot be made is left out, with a warning."""
        extra_pnginfo = extra_data.get('extra_pnginfo') or {}
        texts = {key: extra_pnginfo[key] for key in OUR_KEYS if isinstance(extra_pnginfo.get(key), str)}
        # Real mode has written it, and knows what in it came from the user's own code.
        if SCRIPT_KEY not in extra_pnginfo:
            script = self._script(node_id, dynprompt, extra_pnginfo.get('workflow'), settings)
            if script is not None:
                texts[SCRIPT_KEY] = script
        secrets = _secrets(extra_data)
        texts = {key: found for key, text in texts.items() if (found := self._redacted(text, secrets, settings))}
        if settings.log and SCRIPT_KEY in texts:
            log.info('Script of node %s:\n%s', node_id, texts[SCRIPT_KEY])
        return texts

    def _script(self, node_id: str, dynprompt: Any, workflow: Any, settings: SaveSettings) -> str | None:
        try:
            return self.writer.script(node_id, dynprompt, workflow, settings)
        except Exception as error:
            self.writer.warn(error)
            return None

    def _redacted(self, text: str, secrets: list[str], settings: SaveSettings) -> str | None:
        """The text without secrets; None where it is too long to be looked through for so many."""
        count = len(secrets) + len(settings.redact)
        if len(text) * count > MOST_LOOKED_THROUGH or (count and len(text) > MOST_REDACTED):
            reason = f'its text has {len(text)} characters, too many to look for {count} secrets in them'
            self.writer.warn(NoScript(reason))
            return None
        return redact(text, secrets, settings.redact)

    def is_saver(self, node_class: Any) -> bool:
        """Whether a node class saves files with metadata; looked up once."""
        found = self._savers.get(node_class)
        if found is None:
            found = self._savers[node_class] = is_saver(node_class)
        return found


def _secrets(extra_data: Mapping[str, Any]) -> list[str]:
    named = extra_data.get(SECRETS)
    return [secret for secret in named if isinstance(secret, str)] if isinstance(named, (list, tuple)) else []

"""The script saved with each output.

ComfyUI hands a saving node its metadata as the hidden input EXTRA_PNGINFO: a dict, one text chunk per key
(ComfyUI `nodes.py: SaveImage`, `comfy_api/latest/_ui.py`). `execution.get_input_data` resolves it for each node; there
each output node gets a copy with one key more, its own script. Whatever goes wrong, the node gets what it would have
got without us.
"""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from ..graph import Prompt, Schemas

log = logging.getLogger('comfy_script')

KEY = 'ComfyScript'
# Text, so PNG chunks of these hold it as it is, not as JSON.
PLAIN_KEYS = frozenset({KEY, 'ComfyScriptSource'})

# What the hook reads of a call of `execution.get_input_data`.
PARAMETERS = ('class_def', 'unique_id', 'dynprompt', 'extra_data')

GetSchemas = Callable[[], 'Schemas']


def install(get_schemas: GetSchemas) -> bool:
    """Put the hook into ComfyUI. False, with one line in the log, where this ComfyUI has no place for it."""
    if _metadata_is_off():
        return False
    execution = sys.modules.get('execution')
    original = getattr(execution, 'get_input_data', None)
    reason = _why_not(original)
    if reason is not None:
        log.warning('No script in saved images: %s. ComfyUI saves as without ComfyScript.', reason)
        return False
    setattr(execution, 'get_input_data', with_scripts(original, ScriptWriter(get_schemas)))  # noqa: B010
    _write_plain_text()
    return True


def _metadata_is_off() -> bool:
    arguments = getattr(sys.modules.get('comfy.cli_args'), 'args', None)
    return bool(getattr(arguments, 'disable_metadata', False))


def _why_not(function: Any) -> str | None:
    if not callable(function):
        return 'execution.get_input_data is not there'
    if inspect.iscoroutinefunction(function):
        return 'execution.get_input_data is asynchronous'
    known = inspect.signature(function).parameters
    missing = [name for name in PARAMETERS if name not in known]
    return f'execution.get_input_data has no {", ".join(missing)}' if missing else None


def with_scripts(original: Callable[..., Any], writer: ScriptWriter) -> Callable[..., Any]:
    """`execution.get_input_data`, where each output node's EXTRA_PNGINFO has its script."""
    signature = inspect.signature(original)

    @wraps(original)
    def get_input_data(*args: Any, **kwargs: Any) -> Any:
        try:
            call = signature.bind(*args, **kwargs)
            given = call.arguments
            extra_data = writer.extra_data(
                given.get('class_def'), given.get('unique_id'), given.get('dynprompt'), given.get('extra_data')
            )
        except Exception as error:
            writer.warn(error)
            extra_data = None
        if extra_data is None:
            return original(*args, **kwargs)
        given['extra_data'] = extra_data
        return original(*call.args, **call.kwargs)

    return get_input_data


class ScriptWriter:
    """Writes the script of what one node needs."""

    def __init__(self, get_schemas: GetSchemas) -> None:
        self._get_schemas = get_schemas
        self._prompts: WeakKeyDictionary[Any, Prompt] = WeakKeyDictionary()
        self._warned: set[str] = set()

    def extra_data(self, node_class: Any, node_id: Any, dynprompt: Any, extra_data: Any) -> dict[str, Any] | None:
        """The `extra_data` for this call, or None to leave it as it is."""
        # Without a dynprompt ComfyUI only validates.
        if dynprompt is None or not isinstance(extra_data, Mapping) or not is_saver(node_class):
            return None
        extra_pnginfo = extra_data.get('extra_pnginfo')
        if extra_pnginfo is None and not is_core(node_class):
            # Packs read extra_pnginfo['workflow'] without asking, unless there is no extra_pnginfo at all.
            return None
        if extra_pnginfo is not None and not isinstance(extra_pnginfo, dict):
            return None
        script = self.script(str(node_id), dynprompt, (extra_pnginfo or {}).get('workflow'))
        if script is None:
            return None
        return {**extra_data, 'extra_pnginfo': {**(extra_pnginfo or {}), KEY: script}}

    def script(self, node_id: str, dynprompt: Any, workflow: Any) -> str | None:
        """The script of the nodes that this one needs; None for a node that is not in the prompt."""
        from ..transpiler import Style, write_script

        prompt = self._prompts.get(dynprompt)
        if prompt is None:
            prompt = self._prompts[dynprompt] = self._parse(dynprompt)
        # A node that another one expanded to is not in the prompt: the one that it stands for is.
        if node_id not in prompt.nodes:
            node_id = str(dynprompt.get_display_node_id(node_id))
        if node_id not in prompt.nodes:
            return None
        script = write_script(
            prompt.upstream([node_id]).to_json(),
            schemas=self._get_schemas(),
            workflow=workflow if isinstance(workflow, dict) else None,
            style=Style(args='positional'),
        )
        return script.text

    def _parse(self, dynprompt: Any) -> Prompt:
        from ..graph import Prompt

        return Prompt.parse(dynprompt.get_original_prompt())

    def warn(self, error: Exception) -> None:
        """One line for each kind of failure."""
        reason = f'{type(error).__name__}: {error}'
        if reason not in self._warned and len(self._warned) < 100:
            self._warned.add(reason)
            log.warning('No script in this image, it is saved as without ComfyScript. %s', reason)
            log.debug('No script', exc_info=error)


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


def _write_plain_text() -> None:
    """Nodes write every value as JSON (`add_text(key, json.dumps(value))`); ours is text, and stays readable."""
    from PIL.PngImagePlugin import PngInfo

    original: Any = PngInfo.add_text

    @wraps(original)
    def add_text(self: PngInfo, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        if key in PLAIN_KEYS:
            value = plain_text(value)
        return original(self, key, value, *args, **kwargs)

    setattr(PngInfo, 'add_text', add_text)  # noqa: B010


def plain_text(value: Any) -> Any:
    """The text that a JSON string holds; anything else as it is."""
    if isinstance(value, str) and value.startswith('"'):
        try:
            text = json.loads(value)
        except ValueError:
            return value
        return text if isinstance(text, str) else value
    return value

"""What a saved image is told about its making: prompt, workflow and script, from the provenance of its values.

The script is written by a floor that this one does not import: the root package has a `write_script` for it, and
anybody may register another one:

    set_script_writer(lambda prompt, node_id, schemas: transpile(prompt, schemas=schemas, end_nodes=[node_id]))

`prompt` is an API prompt, `node_id` the node in it that saves; the answer is the script's text. A writer that
raises costs the script, never the image.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ...comfyui.loaded import loaded
from ...comfyui.savers import SCRIPT_KEY
from ...graph import Prompt, Schemas
from .recorded_prompt import RecordedPrompt

ScriptWriter = Callable[[Mapping[str, Any], str, Schemas], str]

_writer: ScriptWriter | None = None


def set_script_writer(writer: ScriptWriter | None) -> None:
    """Registers what turns a prompt into a script; None for the package's own."""
    global _writer
    _writer = writer


def extra_pnginfo(written: RecordedPrompt, node_id: str, schemas: Schemas) -> dict[str, Any]:
    """`{'workflow': ..., SCRIPT_KEY: ...}` for a prompt, as far as both can be made."""
    found: dict[str, Any] = {}
    workflow = _attempt('workflow', lambda: _layout(written.parsed, schemas))
    if workflow is not None:
        found['workflow'] = workflow
    return found | own_script(written, node_id, schemas)


def own_script(written: RecordedPrompt, node_id: str, schemas: Schemas) -> dict[str, str]:
    """`{SCRIPT_KEY: ...}` for a prompt, or nothing where it cannot be made."""
    own = getattr(loaded(__name__.partition('.')[0]), 'write_script', None)
    script = None
    if (writer := _writer) is not None:
        script = _attempt('script', lambda: writer(written.prompt, node_id, schemas))
    elif own is not None:
        script = _attempt('script', lambda: own(written.parsed, node_id, schemas))
    return {} if script is None else {SCRIPT_KEY: with_notes(script, written.notes)}


def with_notes(script: str, notes: tuple[str, ...]) -> str:
    """A script under comments that say what in it did not come from nodes. One line each, whatever is in them."""
    lines = [f'# Not in this script: {_one_line(note)}' for note in notes]
    return '\n'.join([*lines, script])


def _one_line(text: str) -> str:
    return ' '.join(''.join(letter if letter.isprintable() else ' ' for letter in text).split())


def _layout(prompt: Prompt, schemas: Schemas) -> Any:
    from ...graph.layout import lay_out

    return lay_out(prompt, schemas)


def _attempt(what: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:
        logging.getLogger('comfy_script').warning('real mode: an image is saved without its %s: %r', what, error)
        return None

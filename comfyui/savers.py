"""The nodes that save files, and which of them can be handed one more piece of metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..graph import Schemas
from ..graph.prompt import may_be_link
from .loaded import loaded

SCRIPT_KEY = 'ComfyScript'
"""The key of `extra_pnginfo`, hence of the image's metadata, that holds the script of the nodes."""

SOURCE_KEY = 'ComfyScriptSource'
"""The key for the text of the Python script that made them."""

OUR_KEYS = frozenset({SCRIPT_KEY, SOURCE_KEY})

CORE_SAVERS = frozenset({
    'CLIPSave', 'CheckpointSave', 'ImageOnlyCheckpointSave', 'LossGraphNode', 'MaskPreview', 'ModelSave',
    'PreviewAudio', 'PreviewImage', 'SaveAnimatedPNG', 'SaveAnimatedWEBP', 'SaveAudio', 'SaveAudioAdvanced',
    'SaveAudioMP3', 'SaveAudioOpus', 'SaveGLB', 'SaveImage', 'SaveImageAdvanced', 'SaveLatent', 'SaveSVGNode',
    'SaveVideo', 'SaveWEBM', 'VAESave',
})  # fmt: skip
"""ComfyUI's own savers (0.3.75 to 0.33). Each writes every key of EXTRA_PNGINFO to a place of its own, in a container
that has room (`tests/host/test_formats.py`). Savers of packs do not: some put all keys into one string, some into EXIF
data that end at 64 KB."""


def is_saver(node_class: Any) -> bool:
    """Whether a node class is an output and asks for EXTRA_PNGINFO."""
    if not getattr(node_class, 'OUTPUT_NODE', False):
        return False
    hidden = node_class.INPUT_TYPES().get('hidden') or {}
    return any(_hidden_name(value) == 'EXTRA_PNGINFO' for value in hidden.values())


def takes_our_keys(node_class: Any, class_type: Any) -> bool:
    """Whether a node is one of ComfyUI's savers, and ComfyUI's own class still, or a node of ours."""
    if class_type in CORE_SAVERS:
        return is_core(node_class)
    # A script hands it on to the savers that it calls, and each of them is asked again.
    return getattr(node_class, '__module__', '').startswith(f'{__name__.partition(".")[0]}.nodes.')


def may_carry_source(prompt: Mapping[str, Any], schemas: Schemas | None) -> bool:
    """Whether the text of a script can be sent along with a prompt: no saver of a pack would be handed it.

    A server with our pack keeps it from those (`host/save.py`). `schemas` are the server's; without them, the nodes
    whose outputs nobody takes count as savers.
    """
    if schemas is not None and 'ComfyScript' in schemas:
        return True
    unknown = []
    for node_id, node in prompt.items():
        class_type = node.get('class_type')
        schema = schemas.find(class_type) if schemas is not None else None
        if schema is None:
            if class_type not in CORE_SAVERS:
                unknown.append(node_id)
        elif class_type in CORE_SAVERS and not schema.module.startswith('custom_nodes'):
            continue
        elif schema.output_node and any(item.type == 'EXTRA_PNGINFO' for item in schema.hidden):
            return False
    return not unknown or _used(prompt).issuperset(unknown)


def _used(prompt: Mapping[str, Any]) -> set[str]:
    """The nodes whose outputs are taken."""
    inputs = (value for node in prompt.values() for value in (node.get('inputs') or {}).values())
    return {value[0] for value in inputs if may_be_link(value)}


def are_watched() -> bool:
    """Whether the save hook (`host/save.py`) sees what savers are handed, and takes our keys from those of packs."""
    return hasattr(getattr(loaded('execution'), 'get_input_data', None), 'comfy_script')


def is_core(node_class: Any) -> bool:
    """Whether a node class is ComfyUI's own (`nodes.py: load_custom_node` marks all others)."""
    return not str(getattr(node_class, 'RELATIVE_PYTHON_MODULE', None) or '').startswith('custom_nodes')


def _hidden_name(value: Any) -> Any:
    return value[0] if isinstance(value, (tuple, list)) and value else getattr(value, 'value', value)

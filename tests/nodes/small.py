"""Prompts of the corpus, made small enough for tiny models on a processor, by rules that name no prompt.

Models are the lab's, files small ones; sizes, steps, counts and texts are cut down. What is connected how stays. An
output that needs a node, a model or a file that is not there is left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from comfy_script.graph import InputSchema, NodeSchema, Schemas, is_link

CHECKPOINT = 'tiny.safetensors'
OURS = ('tiny', 'small')
"""The lab's models, and the tests' pictures, sounds and films, have names that begin like this."""
PARTS = {'MODEL': 0, 'CLIP': 1, 'VAE': 2, 'CLIP_VISION': 3}
"""What a loader gives -> the output of the loader in its place."""
ENDINGS = ('.safetensors', '.sft', '.ckpt', '.pt', '.pth', '.bin', '.png', '.jpg', '.jpeg', '.webp', '.mp4', '.webm',
           '.mov', '.mp3', '.wav', '.flac', '.glb', '.obj')  # fmt: skip
LIMITS: Mapping[str, float] = {
    'width': 64,
    'height': 64,
    'tile_size': 64,
    'overlap': 16,
    'temporal_size': 16,
    'temporal_overlap': 4,
    'largest_size': 64,
    'longer_edge': 64,
    'longer_size': 64,
    'shorter_size': 64,
    'resolution': 64,
    'octree_resolution': 16,
    'num_chunks': 1000,
    'steps': 2,
    'batch_size': 2,
    'length': 5,
    'num_frames': 5,
    'frames_number': 5,
    'video_frames': 5,
    'max_faces': 500,
    'amount': 2,
    'left': 16,
    'right': 16,
    'top': 16,
    'bottom': 16,
    'megapixels': 0.01,
    'seconds': 1,
    'duration': 1,
    'max_length': 32,
}
# A node whose value goes to sizes: all its numbers.
PRIMITIVES = ('PrimitiveInt',)
LONGEST_TEXT = 300


class Small(NamedTuple):
    prompt: dict[str, Any]
    left_out: dict[str, str]
    """Output nodes that cannot run -> why."""


class NotHere(Exception):
    """A node cannot be on this server; its words are the reason."""


def smaller(prompt: Mapping[str, Any], schemas: Schemas, stand_in: str = '') -> Small:
    """A prompt for tiny models: the lab's own, or, with `stand_in`, that kind of the tests' pack (`stand_ins/`)."""
    parts = {key: _parts(node, schemas, bool(stand_in)) for key, node in prompt.items()}
    slots = {key: found for key, found in parts.items() if found is not None}
    kept, refused = {}, {}
    for key, node in prompt.items():
        try:
            kept[key] = _loader(stand_in, slots[key]) if key in slots else _node(node, slots, schemas)
        except NotHere as reason:
            refused[key] = str(reason)
    return without(kept, refused, prompt, schemas)


def without(
    prompt: Mapping[str, Any], refused: Mapping[str, str], whole: Mapping[str, Any], schemas: Schemas
) -> Small:
    """The outputs of a prompt that need none of the refused nodes, and what they need."""
    found, left_out = set(), {}
    for key in outputs(whole, schemas):
        needs = _upstream(whole, key)
        why = sorted({refused[other] for other in needs if other in refused})
        if why:
            left_out[key] = '; '.join(why)
        else:
            found |= needs
    return Small({key: node for key, node in prompt.items() if key in found}, left_out)


def outputs(prompt: Mapping[str, Any], schemas: Schemas) -> list[str]:
    """Nodes that end a prompt: those ComfyUI runs it for; one of an unknown class counts where nothing uses it."""
    used = {value[0] for node in prompt.values() for value in node['inputs'].values() if is_link(value)}
    found = []
    for key, node in prompt.items():
        schema = schemas.find(node['class_type'])
        if schema.output_node if schema is not None else key not in used:
            found.append(key)
    return found


def _upstream(prompt: Mapping[str, Any], key: str) -> set[str]:
    """A node and all that it needs."""
    found, left = set(), [key]
    while left:
        key = left.pop()
        if key not in found:
            found.add(key)
            left += [value[0] for value in prompt[key]['inputs'].values() if is_link(value)]
    return found


def _parts(node: Mapping[str, Any], schemas: Schemas, everything: bool) -> list[int] | None:
    """The outputs of the loader in a loader's place, for each of its own; None for what stays.

    A loader stays if it is none of these parts, or if the lab has a model for it (unless everything is replaced).
    """
    schema = schemas.find(node['class_type'])
    if schema is None or not schema.outputs or any(is_link(value) for value in node['inputs'].values()):
        return None
    files = [item for item in schema.expand(node['inputs']) if _is_file(node['inputs'].get(item.name))]
    slots = [PARTS.get(output.type) for output in schema.outputs]
    if not files or None in slots or (all(map(_our_choices, files)) and not everything):
        return None
    return [slot for slot in slots if slot is not None]


def _loader(stand_in: str, slots: list[int]) -> dict[str, Any]:
    if stand_in:
        return {'class_type': 'AnyModel', 'inputs': {'kind': stand_in}}
    if PARTS['CLIP_VISION'] in slots:
        raise NotHere("the lab's models have no CLIP_VISION")
    return {'class_type': 'CheckpointLoaderSimple', 'inputs': {'ckpt_name': CHECKPOINT}}


def _node(node: Mapping[str, Any], slots: Mapping[str, list[int]], schemas: Schemas) -> dict[str, Any]:
    schema = schemas.find(node['class_type'])
    if schema is None:
        raise NotHere(f'no node {node["class_type"]}')
    known = {item.name: item for item in schema.expand(node['inputs'])}
    values = {}
    for name, value in node['inputs'].items():
        if is_link(value) and value[0] in slots:
            values[name] = [value[0], slots[value[0]][value[1]]]
        else:
            values[name] = value if is_link(value) else _value(schema, known.get(name), name, value)
    return {'class_type': node['class_type'], 'inputs': values}


def _value(schema: NodeSchema, item: InputSchema | None, name: str, value: Any) -> Any:
    if item is not None and item.choices is not None and value not in item.choices:
        return _ours(schema, item, value)
    if _is_file(value) and item is not None and item.choices:
        return _ours(schema, item, value)
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    limit = 64 if schema.class_type in PRIMITIVES else LIMITS.get(name.rpartition('.')[2])
    if limit is None or value <= limit:
        return value
    return max(limit, item.minimum) if item is not None and item.minimum is not None else limit


def _ours(schema: NodeSchema, item: InputSchema, value: Any) -> Any:
    if not _is_file(value) and item.choices:
        raise NotHere(f'{schema.class_type}.{item.name} knows no {value!r}')
    for choice in _our_choices(item):
        return choice
    raise NotHere(f'no tiny file for {schema.class_type}.{item.name}')


def _our_choices(item: InputSchema) -> list[str]:
    return [choice for choice in item.choices or () if isinstance(choice, str) and choice.startswith(OURS)]


def _is_file(value: Any) -> bool:
    return isinstance(value, str) and value.lower().endswith(ENDINGS)


def reasons(left_out: Iterable[str]) -> list[str]:
    return sorted({part for why in left_out for part in why.split('; ')})

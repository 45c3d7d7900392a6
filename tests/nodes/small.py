"""Prompts of the corpus, made small enough for tiny models on a processor.

Models are the lab's, pictures small ones; sizes, steps, counts and texts are cut down. What is connected how stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHECKPOINT = 'tiny.safetensors'
PICTURE = 'small.png'

# Loaders of one part of a model -> the output of CheckpointLoaderSimple that has it.
PARTS = {
    'UNETLoader': 0,
    'CLIPLoader': 1,
    'DualCLIPLoader': 1,
    'TripleCLIPLoader': 1,
    'QuadrupleCLIPLoader': 1,
}
FILES = {
    ('CheckpointLoaderSimple', 'ckpt_name'): CHECKPOINT,
    ('VAELoader', 'vae_name'): 'tiny_vae.safetensors',
    ('LoraLoader', 'lora_name'): 'tiny_lora.safetensors',
    ('LoraLoaderModelOnly', 'lora_name'): 'tiny_lora.safetensors',
    ('UpscaleModelLoader', 'model_name'): 'tiny_4x.safetensors',
    ('LoadImage', 'image'): PICTURE,
    ('LoadImageMask', 'image'): PICTURE,
}
LIMITS: Mapping[str, float] = {
    'width': 64,
    'height': 64,
    'tile_size': 64,
    'overlap': 16,
    'largest_size': 64,
    'longer_edge': 64,
    'resolution': 64,
    'steps': 2,
    'batch_size': 2,
    'length': 5,
    'amount': 2,
    'left': 16,
    'right': 16,
    'top': 16,
    'bottom': 16,
    'megapixels': 0.01,
}
# A node whose value goes to sizes: all its numbers.
PRIMITIVES = ('PrimitiveInt',)
LONGEST_TEXT = 300
# There are no small ones of these: what depends on them is left out.
MISSING_MODELS = ('ControlNetLoader', 'ImageOnlyCheckpointLoader', 'CLIPVisionLoader')
SAVERS = ('SaveImage', 'PreviewImage', 'MaskPreview')


def is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def smaller(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """What makes images in a prompt, with the lab's models and pictures, small sizes and few steps."""
    prompt = _without_missing(prompt)
    parts = {key: PARTS[node['class_type']] for key, node in prompt.items() if node['class_type'] in PARTS}
    return {
        key: {
            'class_type': 'CheckpointLoaderSimple' if key in parts else node['class_type'],
            'inputs': {'ckpt_name': CHECKPOINT} if key in parts else _inputs(node, parts),
        }
        for key, node in prompt.items()
    }


def _without_missing(prompt: Mapping[str, Any]) -> dict[str, Any]:
    needs = {key: _upstream(prompt, key) for key, node in prompt.items() if node['class_type'] in SAVERS}
    there = [keys for keys in needs.values() if not any(prompt[key]['class_type'] in MISSING_MODELS for key in keys)]
    kept = set().union(*there)
    return {key: node for key, node in prompt.items() if key in kept}


def _upstream(prompt: Mapping[str, Any], key: str) -> set[str]:
    """A node and all that it needs."""
    found, left = set(), [key]
    while left:
        key = left.pop()
        if key not in found:
            found.add(key)
            left += [value[0] for value in prompt[key]['inputs'].values() if is_link(value)]
    return found


def _inputs(node: Mapping[str, Any], parts: Mapping[str, int]) -> dict[str, Any]:
    class_type = node['class_type']
    return {name: _value(class_type, name, value, parts) for name, value in node['inputs'].items()}


def _value(class_type: str, name: str, value: Any, parts: Mapping[str, int]) -> Any:
    if is_link(value):
        return [value[0], parts.get(value[0], value[1])]
    if (class_type, name) in FILES:
        return FILES[class_type, name]
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    limit = 64 if class_type in PRIMITIVES else LIMITS.get(name.rpartition('.')[2])
    return value if limit is None else min(value, limit)

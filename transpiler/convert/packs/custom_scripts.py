"""Custom-Scripts (pysssss): what shows a text, presets, and nodes that repeat others when a prompt is made."""

from __future__ import annotations

import copy
from typing import Any

from ..node_types import Pack, VirtualType
from .bricks import SHOWS

_REPEATER = 'Repeater|pysssss'
_MOST_REPEATS = 5000


def repeat(prompt: dict[str, dict[str, Any]]) -> None:
    """Repeaters give their source as often as they say: the same node again, or copies of it (`repeater.js`)."""
    repeaters = [id for id, node in prompt.items() if node.get('class_type') == _REPEATER]
    outputs: dict[str, list[str]] = {}
    for id in repeaters:
        inputs = prompt[id]['inputs']
        count, source = inputs.get('repeats'), inputs.get('source')
        if type(count) is not int or not 0 <= count <= _MOST_REPEATS or not isinstance(source, list):
            continue
        multi = inputs.get('output') == 'multi'
        if inputs.get('node_mode') == 'create':
            copies = _create(prompt, id, count, source, multi)
            if multi:
                outputs[id] = copies
        elif multi:
            outputs[id] = [id] * count
    if outputs:
        _spread(prompt, outputs)


def _create(prompt: dict[str, dict[str, Any]], id: str, count: int, source: list[Any], multi: bool) -> list[str]:
    """Copies of a repeater's source, and for several outputs of the repeater too."""
    copies = []
    node = prompt[id]
    for number in range(1, count):
        made = f'{id}_{number}'
        prompt[made] = copy.deepcopy(prompt[source[0]])
        if multi:
            node = copy.deepcopy(node)
            node['inputs']['source'] = [made, source[1]]
            prompt[f'{made}_repeater'] = node
            copies.append(f'{made}_repeater')
        node['inputs'][made] = [made, source[1]]
    return [*copies, id]


def _spread(prompt: dict[str, dict[str, Any]], outputs: dict[str, list[str]]) -> None:
    """Each link to a repeater takes the last of its outputs that is left."""
    for node in prompt.values():
        for value in node['inputs'].values():
            if isinstance(value, list) and value and value[0] in outputs and outputs[value[0]]:
                value[:] = [outputs[value[0]].pop(), 0]


CUSTOM_SCRIPTS = Pack(
    source='pythongosssss/ComfyUI-Custom-Scripts 1.2.5, web/js/*.js',
    types={
        'ShowText|pysssss': SHOWS,
        'StringFunction|pysssss': SHOWS,
        'LoraLoader|pysssss': SHOWS,
        'CheckpointLoader|pysssss': SHOWS,
    },
    virtual={'PresetText|pysssss': VirtualType('Preset Text 🐍')},
    finish=repeat,
    deciding=(_REPEATER,),
)

"""Every node class with other values than its defaults, laid out as a workflow: it opens as it was written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from comfy_script.graph import Schemas
from comfy_script.graph.schema import InputKind, InputSchema, NodeSchema

RESET = ('Select to add ', 'insert_')
"""Combos that put a choice into a text, and show what they are for again: their value does nothing."""

UNLIKE = {'VHS_SelectLatest', 'easy prompt', 'SystemRandomInt', 'PreviewBridge', 'PreviewBridgeLatent'}
"""In no prompt (the page alone runs it); such combos all over; a default beyond the web UI's numbers; pictures by the
numbers that the page gives them, in the place of any other text."""


TOGETHER = 40
"""Nodes of a workflow that a browser opens."""


def changed(item: InputSchema) -> Any:
    """Another value than the default, or None where the input takes none."""
    options = item.options
    default = options.get('default')
    if options.get('forceInput') or (options.get('defaultInput') and not item.required):
        return None
    if item.kind is InputKind.DYNAMIC_COMBO:
        return item.branches[-1].key if item.branches else None
    if item.kind is InputKind.COMBO:
        several = options.get('multi_select') or options.get('multiselect')
        return None if several else item.choices[-1] if item.choices else 'a choice'
    kind = str(options.get('widgetType') or item.type)
    number = default if isinstance(default, (int, float)) and math.isfinite(default) else 0
    made = {
        'INT': int(number) + _step(options),
        'FLOAT': number + 0.5,
        'VHSTIMESTAMP': number + 0.5,
        'BOOLEAN': not default,
        'STRING': 'another text',
        'COLOR': '#123456',
        'MTB_COLOR': '#123456',
    }
    return made.get(kind, 'x' if kind.startswith('EASY_') else None)


def _step(options: Mapping[str, Any]) -> int:
    """Other numbers the web UI would round."""
    step = options.get('step')
    return step if isinstance(step, int) and step > 0 else 1


def changed_values(schema: NodeSchema) -> dict[str, Any]:
    values: dict[str, Any] = {}
    while True:
        combos = [item for item in schema.expand(values) if item.kind is InputKind.DYNAMIC_COMBO]
        opened = {item.name: changed(item) for item in combos if item.name not in values and item.branches}
        if not opened:
            break
        values.update(opened)
    for item in schema.expand(values):
        value = changed(item)
        if value is not None and not item.name.startswith(RESET):
            values.setdefault(item.name, value)
    return values


def prompt_of_all(schemas: Schemas) -> dict[str, Any]:
    classes = [class_type for class_type in schemas if class_type not in UNLIKE]
    return {
        str(number): {'class_type': class_type, 'inputs': changed_values(schemas[class_type])}
        for number, class_type in enumerate(classes, 1)
    }


def as_written(found: dict[str, Any], prompt: Mapping[str, Any]) -> dict[str, Any]:
    """What a workflow gives, nodes for values put back into the inputs that they were before."""
    for node in found.values():
        for name, value in node['inputs'].items():
            source = found.get(value[0], {}) if isinstance(value, list) and value[0] not in prompt else {}
            if source.get('class_type', '').startswith('Primitive'):
                node['inputs'][name] = source['inputs']['value']
    return {key: node for key, node in found.items() if key in prompt}


def differing(node: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    theirs = other['inputs']
    return {name: theirs.get(name) for name, value in node['inputs'].items() if theirs.get(name) != value}


def lost(prompt: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Class → what has become of its values that are not what was written."""
    again = as_written(found, prompt)
    missing = {'inputs': {}}
    return {
        node['class_type']: unlike
        for key, node in prompt.items()
        if (unlike := differing(node, again.get(key, missing)))
    }

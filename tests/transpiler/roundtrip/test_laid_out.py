"""Values laid out by us open as they were written: prompt → workflow → the web UI's conversion → the same prompt."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.graph.layout import lay_out
from comfy_script.graph.schema import InputKind, InputSchema, NodeSchema
from comfy_script.transpiler.convert import convert_workflow, workflow_to_prompt

RESET = ('Select to add ', 'insert_')
"""Combos that put a choice into a text, and show what they are for again: their value does nothing."""

UNLIKE = {'VHS_SelectLatest', 'easy prompt', 'SystemRandomInt', 'PreviewBridge', 'PreviewBridgeLatent'}
"""In no prompt (the page alone runs it); such combos all over; a default beyond the web UI's numbers; pictures by the
numbers that the page gives them, in the place of any other text."""


@pytest.fixture(scope='module')
def pack_schemas(corpus: Path) -> Schemas:
    return Schemas.parse(json.loads(gzip.decompress((corpus / 'packs' / 'object_info.json.gz').read_bytes())))


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
        'INT': int(number) + 1,
        'FLOAT': number + 0.5,
        'VHSTIMESTAMP': number + 0.5,
        'BOOLEAN': not default,
        'STRING': 'another text',
        'COLOR': '#123456',
        'MTB_COLOR': '#123456',
    }
    return made.get(kind, 'x' if kind.startswith('EASY_') else None)


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


def opened(prompt: dict[str, Any], schemas: Schemas) -> dict[str, Any]:
    """What the web UI makes of the prompt's workflow, nodes for values put back into the inputs they are before."""
    found = workflow_to_prompt(json.loads(json.dumps(lay_out(prompt, schemas))), schemas)
    for node in found.values():
        for name, value in node['inputs'].items():
            source = found.get(value[0], {}) if isinstance(value, list) and value[0] not in prompt else {}
            if source.get('class_type', '').startswith('Primitive'):
                node['inputs'][name] = source['inputs']['value']
    return {key: node for key, node in found.items() if key in prompt}


def lost(schemas: Schemas) -> dict[str, Any]:
    classes = [class_type for class_type in schemas if class_type not in UNLIKE]
    prompt = {
        str(number): {'class_type': class_type, 'inputs': changed_values(schemas[class_type])}
        for number, class_type in enumerate(classes, 1)
    }
    again = opened(prompt, schemas)
    return {node['class_type']: found for key, node in prompt.items() if (found := differing(node, again[key]))}


def differing(node: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    theirs = other['inputs']
    return {name: theirs.get(name) for name, value in node['inputs'].items() if theirs.get(name) != value}


def test_every_class_of_comfyui(schemas: Schemas) -> None:
    assert lost(schemas) == {}


def test_every_class_of_the_packs(pack_schemas: Schemas) -> None:
    assert lost(pack_schemas) == {}


def test_the_workflows_with_packs(corpus: Path, pack_schemas: Schemas) -> None:
    """Widgets that only JavaScript makes: rows of LoRAs, codes, the options of a format."""
    cases = json.loads(gzip.decompress((corpus / 'packs' / 'cases.json.gz').read_bytes()))
    wrong = {}
    for name, case in cases.items():
        prompt = convert_workflow(case['workflow'], pack_schemas).prompt
        if any(not key.isdigit() for key in prompt):
            continue
        again = opened({key: {**node, '_meta': {}} for key, node in prompt.items()}, pack_schemas)
        wrong |= {(name, key): found for key, node in prompt.items() if (found := differing(node, again[key]))}
    # What the web UI would draw from is escaped: it was drawn when the script was run.
    assert set(wrong) == {('dynprompt', '2')}


SCRIPT_NODE = {
    'ComfyScript': {
        'input': {'required': {'script': ['STRING', {'multiline': True, 'any_inputs': True}]}},
        'output': ['*'],
        'output_name': ['*'],
    },
    'Load': {'input': {'required': {}}, 'output': ['IMAGE'], 'output_name': ['IMAGE']},
}


def test_what_a_script_node_is_given() -> None:
    given = {'script': 'def main(x: float): ...', 'image': ['1', 0], 'x': 0.9, 'seed': 7, 'on': True, 'text': 'a'}
    prompt = {'1': {'class_type': 'Load', 'inputs': {}}, '2': {'class_type': 'ComfyScript', 'inputs': given}}
    assert opened(prompt, Schemas.parse(SCRIPT_NODE))['2']['inputs'] == given

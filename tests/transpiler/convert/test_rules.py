"""Every rule of the web UI, one small workflow each: tests/data/workflows.

The expected prompts were made by the real web UI (`dev.py parity --rules` makes them afresh); the files marked
`"truth": "ours"` are packs' own node types, or files that the web UI gives up on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.tests.parity.compare import differences, same
from comfy_script.transpiler.convert import convert_workflow, workflow_to_prompt

DATA = Path(__file__).parents[2] / 'data'
RULES = sorted((DATA / 'workflows').glob('*.json'))


@pytest.fixture(scope='module')
def rule_schemas() -> Schemas:
    return Schemas.parse(json.loads((DATA / 'workflows_object_info.json').read_text(encoding='utf-8')))


def read(name: str) -> dict[str, Any]:
    return json.loads((DATA / 'workflows' / f'{name}.json').read_text(encoding='utf-8'))


@pytest.mark.parametrize('file', RULES, ids=lambda file: file.stem)
def test_prompt_is_the_web_uis(file: Path, rule_schemas: Schemas) -> None:
    rule = read(file.stem)
    prompt = workflow_to_prompt(rule['workflow'], rule_schemas)
    assert list(differences(prompt, rule['prompt'])) == [], rule['about']
    assert same(prompt, rule['prompt'])


@pytest.mark.parametrize('name', ['text_to_image', 'duplicate_ids_between', 'extended_types', 'nested_dynamic'])
def test_keys_are_in_the_web_uis_order(name: str, rule_schemas: Schemas) -> None:
    rule = read(name)
    prompt = workflow_to_prompt(rule['workflow'], rule_schemas)
    assert list(prompt) == list(rule['prompt'])
    for id, node in rule['prompt'].items():
        assert list(prompt[id]['inputs']) == list(node['inputs'])


def test_an_object_info_dict_will_do(rule_schemas: Schemas) -> None:
    rule = read('text_to_image')
    object_info = json.loads((DATA / 'workflows_object_info.json').read_text(encoding='utf-8'))
    assert workflow_to_prompt(rule['workflow'], object_info) == rule['prompt']


def test_the_file_is_left_as_it_was(rule_schemas: Schemas) -> None:
    for file in RULES:
        workflow = read(file.stem)['workflow']
        before = json.dumps(workflow)
        prompt = workflow_to_prompt(workflow, rule_schemas)
        for node in prompt.values():
            node['inputs'].clear()
        assert json.dumps(workflow) == before


def test_a_prompt_shares_no_value_with_the_next_one(rule_schemas: Schemas) -> None:
    workflow = read('widget_kinds')['workflow']
    first = workflow_to_prompt(workflow, rule_schemas)
    first['2']['inputs']['many']['__value__'].append('changed')
    assert workflow_to_prompt(workflow, rule_schemas) == read('widget_kinds')['prompt']


def test_unknown_types_are_named_in_a_warning(rule_schemas: Schemas) -> None:
    conversion = convert_workflow(read('unknown_types')['workflow'], rule_schemas)
    assert conversion.node_types['2'] == 'Unknown|pack'
    (warning,) = conversion.warnings
    assert 'Unknown|pack' in warning
    assert 'Other <pack>' in warning


def test_without_schemas_the_file_alone_still_gives_links(rule_schemas: Schemas) -> None:
    prompt = workflow_to_prompt(read('text_to_image')['workflow'])
    assert prompt['6']['inputs']['samples'] == ['5', 0]
    assert prompt['6']['_meta'] == {}

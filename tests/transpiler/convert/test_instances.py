"""What a conversion says of subgraphs, for those who write them as functions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comfy_script.graph import Schemas
from comfy_script.transpiler.convert import Conversion, convert_workflow

DATA = Path(__file__).parents[2] / 'data'


@pytest.fixture(scope='module')
def rule_schemas() -> Schemas:
    return Schemas.parse(json.loads((DATA / 'workflows_object_info.json').read_text(encoding='utf-8')))


def convert(name: str, schemas: Schemas) -> Conversion:
    rule = json.loads((DATA / 'workflows' / f'{name}.json').read_text(encoding='utf-8'))
    return convert_workflow(rule['workflow'], schemas)


def test_two_instances_of_one_definition(rule_schemas: Schemas) -> None:
    instances = convert('subgraph', rule_schemas).instances
    assert list(instances) == ['2', '3']
    first, second = instances.values()
    assert first.definition_id == second.definition_id
    assert first.name == 'Scale twice'
    assert first.parameters == (('image', (('2:21', 'image'),)), ('scale', (('2:21', 'scale'),)))
    assert first.outputs == (('IMAGE', ('2:22', 0)),)


def test_nested_instances_reach_the_inner_nodes(rule_schemas: Schemas) -> None:
    instances = convert('subgraph_nested', rule_schemas).instances
    assert list(instances) == ['2', '2:41']
    assert instances['2'].parameters == (('image', (('2:41:31', 'image'),)), ('factor', (('2:41:31', 'scale'),)))
    assert instances['2'].outputs == (('out', ('2:41:32', 0)),)
    assert instances['2:41'].parameters[1] == ('scale', (('2:41:31', 'scale'),))


def test_a_bypassed_instance_at_the_root_is_none(rule_schemas: Schemas) -> None:
    assert convert('subgraph_bypassed', rule_schemas).instances == {}


def test_an_input_handed_through_is_its_own_source(rule_schemas: Schemas) -> None:
    (instance,) = convert('subgraph_through', rule_schemas).instances.values()
    assert instance.outputs == (('IMAGE', ('1', 0)),)


def test_inputs_of_the_migration_of_old_files_are_parameters(rule_schemas: Schemas) -> None:
    instances = convert('proxy_widgets', rule_schemas).instances
    names = [name for name, _ in instances['2'].parameters]
    assert names == ['image', 'scale', 'value', 'method']


def test_values_of_instances_are_told_from_inner_ones(rule_schemas: Schemas) -> None:
    conversion = convert('subgraph', rule_schemas)
    assert ('2:21', 'scale') in conversion.promoted
    assert ('2:22', 'scale') not in conversion.promoted

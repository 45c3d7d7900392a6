"""Whatever a file contains: a prompt or a TranspileError, in time that grows with the file."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_script.graph import ComfyScriptError, Prompt, Schemas
from comfy_script.tests.fuzz.changes import places
from comfy_script.transpiler.convert import convert_workflow, workflow_to_prompt
from comfy_script.transpiler.errors import TranspileError

DATA = Path(__file__).parents[2] / 'data'
SCHEMAS = Schemas.parse(json.loads((DATA / 'workflows_object_info.json').read_text(encoding='utf-8')))
WORKFLOWS = [json.loads(file.read_text(encoding='utf-8'))['workflow'] for file in sorted(DATA.glob('workflows/*.json'))]

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-25, 25)
    | st.floats()
    | st.text()
    | st.sampled_from(['Reroute', 'PrimitiveNode', 'KSampler', '*', '-10', '-20', 'image', '__proto__', 'IMAGE']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def attempt(workflow: Any) -> None:
    try:
        conversion = convert_workflow(workflow, SCHEMAS)
    except TranspileError:
        return
    json.dumps(conversion.prompt, allow_nan=False)
    for node in conversion.prompt.values():
        for value in node['inputs'].values():
            assert not isinstance(value, list) or value[0] in conversion.prompt


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(WORKFLOWS), st.lists(st.tuples(st.floats(0, 0.999), JSON), min_size=1, max_size=4))
def test_mutated_workflows(workflow: dict[str, Any], changes: list[tuple[float, Any]]) -> None:
    mutated = copy.deepcopy(workflow)
    for where, value in changes:
        found = places(mutated)
        if found:
            container, key = found[int(where * len(found))]
            container[key] = copy.deepcopy(value)
    attempt(mutated)


def test_swapped_parts_of_workflows() -> None:
    """Parts of real files in the wrong places: the fields stay plausible, the relations do not."""
    source = random.Random(3)
    for _ in range(300):
        mutated = copy.deepcopy(source.choice(WORKFLOWS))
        other = places(copy.deepcopy(source.choice(WORKFLOWS)))
        for _ in range(source.randrange(1, 12)):
            container, key = source.choice(places(mutated))
            donor, name = source.choice(other)
            container[key] = copy.deepcopy(donor[name])
        attempt(mutated)


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_any_json(value: Any) -> None:
    attempt(value)
    attempt({'nodes': [value], 'links': [value], 'definitions': {'subgraphs': [value]}})


def node(id: Any, type_: str, link: int | None = None, out: list[int] | None = None, **extra: Any) -> dict[str, Any]:
    inputs = [{'name': 'image', 'type': 'IMAGE', 'link': link}]
    return {'id': id, 'type': type_, 'inputs': inputs, 'outputs': [{'type': 'IMAGE', 'links': out or []}], **extra}


def chain(count: int, type_: str, **extra: Any) -> dict[str, Any]:
    """A source, `count` nodes in a row, and a user of every tenth of them."""
    nodes = [node(0, 'LoadImage', None, [1])]
    links = []
    for index in range(1, count + 1):
        nodes.append(node(index, type_, index, [index + 1], **extra))
        links.append([index, index - 1, 0, index, 0, 'IMAGE'])
    for number, index in enumerate(range(10, count, 10)):
        id = count + 1 + number
        nodes.append(node(id, 'SaveImage', 10**6 + index))
        nodes[index]['outputs'][0]['links'].append(10**6 + index)
        links.append([10**6 + index, index, 0, id, 0, 'IMAGE'])
    return {'nodes': nodes, 'links': links, 'version': 0.4}


@pytest.mark.parametrize(('type_', 'mode'), [('Reroute', 0), ('ScaleImage', 4), ('Unknown', 0), ('Reroute', 4)])
def test_long_chains(type_: str, mode: int) -> None:
    prompt = workflow_to_prompt(chain(5000, type_, mode=mode), SCHEMAS)
    used = [entry for entry in prompt.values() if entry.get('class_type') == 'SaveImage']
    assert len(used) == 499
    if type_ != 'Unknown':
        assert {tuple(entry['inputs'].get('image', ())) for entry in used} == {('0', 0)}


def test_a_circle_of_bypassed_nodes() -> None:
    workflow = chain(50, 'ScaleImage', mode=4)
    workflow['links'][0][1] = 50
    prompt = workflow_to_prompt(workflow, SCHEMAS)
    assert all('image' not in entry['inputs'] for id, entry in prompt.items() if id != '0')


def definition(id: str, inner: list[str]) -> dict[str, Any]:
    nodes = [{'id': 100 + index, 'type': type_, 'inputs': [], 'outputs': []} for index, type_ in enumerate(inner)]
    return {'id': id, 'name': id, 'nodes': nodes, 'links': [], 'inputs': [], 'outputs': []}


def nested(definitions: list[dict[str, Any]]) -> dict[str, Any]:
    first = definitions[0]['id']
    root = [{'id': 1, 'type': first, 'inputs': [], 'outputs': []}]
    return {'nodes': root, 'links': [], 'version': 0.4, 'definitions': {'subgraphs': definitions}}


@pytest.mark.parametrize('inner', [['a'], ['b'], ['Small', 'a']])
def test_a_subgraph_that_contains_itself(inner: list[str]) -> None:
    with pytest.raises(TranspileError, match='contains itself'):
        workflow_to_prompt(nested([definition('a', inner), definition('b', ['a'])]), SCHEMAS)


def test_a_definition_in_a_circle_that_nobody_uses() -> None:
    workflow = nested([definition('x', ['Small']), definition('a', ['a'])])
    assert list(workflow_to_prompt(workflow, SCHEMAS)) == ['1:100']


def test_deep_nesting() -> None:
    levels = [definition(f's{level}', [f's{level + 1}']) for level in range(400)]
    prompt = workflow_to_prompt(nested([*levels, definition('s400', ['Small'])]), SCHEMAS)
    assert len(prompt) == 1
    deeper = [definition(f's{level}', [f's{level + 1}']) for level in range(1500)]
    with pytest.raises(TranspileError, match='deeper'):
        workflow_to_prompt(nested([*deeper, definition('s1500', ['Small'])]), SCHEMAS)


def test_subgraphs_that_unfold_without_end() -> None:
    levels = [definition(f's{level}', [f's{level + 1}'] * 8) for level in range(30)]
    with pytest.raises(TranspileError, match='unfold'):
        workflow_to_prompt(nested([*levels, definition('s30', ['Small'])]), SCHEMAS)


def test_values_that_nest_too_deep() -> None:
    value: Any = 1
    for _ in range(5000):
        value = [value]
    workflow = {'nodes': [{'id': 1, 'type': 'Small', 'widgets_values': [value]}], 'links': [], 'version': 0.4}
    with pytest.raises(TranspileError, match='nests deeper'):
        workflow_to_prompt(workflow, SCHEMAS)


def test_a_long_text() -> None:
    text = 'x' * 10_000_000
    workflow = {'nodes': [{'id': 1, 'type': 'Text', 'widgets_values': [text]}], 'links': [], 'version': 0.4}
    assert workflow_to_prompt(workflow, SCHEMAS)['1']['inputs']['value'] == text


@pytest.mark.parametrize('depth', [150, 700])
@pytest.mark.parametrize('where', ['id', 'type', 'mode', 'title'])
def test_values_nested_deeply_where_a_text_should_be(where: str, depth: int):
    """They are read or refused, with an error of ours."""
    value: Any = 'x'
    for _ in range(depth):
        value = [{'k': value}]
    node = {'id': 1, 'type': 'KSampler', 'inputs': [], 'outputs': [], 'widgets_values': [], where: value}
    with contextlib.suppress(ComfyScriptError):
        workflow_to_prompt({'nodes': [node], 'links': []})
    with contextlib.suppress(ComfyScriptError):
        Prompt.parse({'1': {'class_type': value, 'inputs': {}}})

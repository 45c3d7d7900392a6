"""Whatever a file contains: a script that is data, or a TranspileError."""

from __future__ import annotations

import ast
import copy
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfy_script.graph import Prompt, PromptError, Schemas
from comfy_script.tests.transpiler.running import DATA, check_is_data, check_round_trip
from comfy_script.tests.transpiler.schemas import OBJECT_INFO, SCHEMAS
from comfy_script.tests.transpiler.writer.test_functions import two_instances
from comfy_script.transpiler import Style, TranspileError, transpile, write_script

CODE = [
    "__import__('os').system('id')",
    "'''\nimport os\n'''",
    '"""',
    'a\nimport os',
    'x = 1  # \u2028import os',
    '`id`',
    '\u202eevil\u2066',
    'None',
    'def',
    'f(x)',
    '日本語',
    '',
    '_inputs',
    '__value__',
    '-10',
    '\ud800',
]

SLOW: Any = list(HealthCheck)
EXAMPLES = int(os.environ.get('COMFYSCRIPT_EXAMPLES', '40'))

TEXT = st.sampled_from(CODE) | st.text(max_size=8)
VALUES = (
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats() | TEXT | st.lists(st.integers() | TEXT, max_size=3)
)


@st.composite
def prompts(draw: st.DrawFn) -> dict[str, Any]:
    """Prompts of known and unknown node types, linked to nodes before them, with odd keys and values."""
    prompt: dict[str, Any] = {}
    slots: list[list[Any]] = []
    for number in range(draw(st.integers(1, 8))):
        class_type = draw(st.sampled_from([*OBJECT_INFO, 'Unknown', *CODE]))
        schema = SCHEMAS.find(class_type)
        inputs = {}
        for item in schema.inputs if schema else ():
            kinds = [VALUES, st.nothing()]
            links = [link for link in slots if link[2] in (item.type, '*') or item.type in ('*', 'COMFY_AUTOGROW_V3')]
            if links:
                kinds.append(st.sampled_from(links).map(lambda link: link[:2]))
            if draw(st.booleans()):
                inputs[item.name] = draw(st.one_of(kinds))
        for key in draw(
            st.lists(TEXT | st.sampled_from(['how.width', 'how.parts.a', 'images.image0', 'images.x']), max_size=2)
        ):
            inputs[key] = draw(VALUES)
        prompt[str(number)] = {'class_type': class_type, 'inputs': inputs, '_meta': {'title': draw(TEXT)}}
        types = [item.type for item in schema.outputs] if schema else ['*', '*']
        slots += [[str(number), slot, type_] for slot, type_ in enumerate(types)]
    return prompt


def is_wrapped(prompt: dict[str, Any]) -> dict[str, Any]:
    """Lists as the browser sends them."""
    for node in prompt.values():
        for name, value in node['inputs'].items():
            if isinstance(value, list) and not (len(value) == 2 and value[0] in prompt and type(value[1]) is int):
                node['inputs'][name] = {'__value__': value}
    return prompt


@given(prompts(), st.sampled_from(['auto', 'positional', 'keyword']))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
def test_random_prompts_come_back(prompt: dict[str, Any], args: Any) -> None:
    prompt = is_wrapped(prompt)
    script = write_script(prompt, schemas=SCHEMAS, style=Style(args=args))
    script.text.encode('utf-8')
    check_round_trip(prompt, script, SCHEMAS)


JUNK = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=5
)


def mutated(data: Any, draw: Callable[[Any], Any], times: int) -> Any:
    """A JSON value with some of its parts replaced, dropped or doubled."""
    data = copy.deepcopy(data)
    for _ in range(times):
        holder: Any = data
        while isinstance(holder, (dict, list)) and holder:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = draw(st.sampled_from(keys))
            inner = holder[key]
            if not isinstance(inner, (dict, list)) or not inner or draw(st.integers(0, 4)) == 0:
                change = draw(st.sampled_from(['replace', 'drop', 'double']))
                if change == 'drop':
                    del holder[key]
                elif change == 'double' and isinstance(holder, list):
                    holder.append(copy.deepcopy(inner))
                else:
                    holder[key] = draw(JUNK)
                break
            holder = inner
    return data


def workflows() -> list[Any]:
    files = sorted((DATA / 'workflows').rglob('*.json'))[:40]
    found = [json.loads(file.read_text(encoding='utf-8')) for file in files]
    return [two_instances(), *(item for item in found if isinstance(item, dict) and 'nodes' in item)]


WORKFLOWS = workflows()
THEIR_SCHEMAS = Schemas.parse(json.loads((DATA / 'workflows_object_info.json').read_text(encoding='utf-8')))


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
def test_mutated_workflows_give_a_script_or_a_clear_error(data: st.DataObject) -> None:
    workflow = mutated(data.draw(st.sampled_from(WORKFLOWS)), data.draw, data.draw(st.integers(1, 4)))
    style = Style(notes=True, runtime=False)
    try:
        text = transpile(workflow, schemas=data.draw(st.sampled_from([SCHEMAS, THEIR_SCHEMAS, None])), style=style)
    except TranspileError:
        return
    check_is_data(text)


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
def test_a_mutated_workflow_beside_a_prompt_changes_no_value(data: st.DataObject) -> None:
    from comfy_script.transpiler import convert_workflow

    workflow = two_instances()
    prompt = convert_workflow(workflow, SCHEMAS).prompt
    hint = mutated(workflow, data.draw, data.draw(st.integers(1, 6)))
    check_round_trip(prompt, write_script(prompt, schemas=SCHEMAS, workflow=hint), SCHEMAS)


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=SLOW)
def test_mutated_prompts_give_a_script_or_a_clear_error(data: st.DataObject) -> None:
    prompt = json.loads((DATA / 'default_prompt.json').read_text(encoding='utf-8'))
    changed = mutated(prompt, data.draw, data.draw(st.integers(1, 4)))
    try:
        script = write_script(changed, schemas=SCHEMAS)
    except TranspileError:
        return
    check_is_data(script.text)
    try:
        parsed = Prompt.parse(changed)
    except PromptError:
        raise AssertionError('a script of what is no prompt') from None
    if not script.warnings:
        check_round_trip(parsed.to_json(), script, SCHEMAS)


@pytest.mark.parametrize('text', CODE)
def test_texts_of_all_kinds_everywhere(text: str) -> None:
    prompt = {
        '1': {'class_type': 'Text', 'inputs': {'text': text}, '_meta': {'title': text}},
        '2': {'class_type': text or 'x', 'inputs': {text: ['1', 0], 'a': {text: text}}, '_meta': {'title': text}},
    }
    workflow = {
        'nodes': [
            {'id': 1, 'type': 'Text', 'title': text, 'pos': [0, 0]},
            {'id': 3, 'type': 'Note', 'widgets_values': [text]},
        ],
        'groups': [{'title': text, 'bounding': [-100, -100, 1000, 1000]}],
        'links': [],
    }
    script = write_script(prompt, schemas=SCHEMAS, workflow=workflow, style=Style(notes=True))
    check_round_trip(prompt, script, SCHEMAS)
    assert all(char.isprintable() or char == '\n' for char in script.text)
    assert len(ast.parse(script.text).body) == 2


def test_sources_that_are_none() -> None:
    for source in (
        '{',
        '[]',
        '{}x',
        '[' * 100_000,
        '{"a": 1}',
        {'a': 1},
        {'nodes': 1},
        '{"nodes": {"1": ' + '9' * 5000 + '}}',
    ):
        with pytest.raises(TranspileError):
            transpile(source, schemas=SCHEMAS)


def chain(count: int) -> dict[str, Any]:
    prompt: dict[str, Any] = {'0': {'class_type': 'LoadImage', 'inputs': {'image': 'x.png'}}}
    for number in range(1, count):
        prompt[str(number)] = {'class_type': 'ImageResize', 'inputs': {'image': [str(number - 1), 0], 'size': 1}}
    return prompt


def test_long_chains_in_any_order() -> None:
    prompt = chain(3_000)
    text = write_script(prompt, schemas=SCHEMAS).text
    assert text.count('\n') == 3_000
    assert write_script(dict(reversed(prompt.items())), schemas=SCHEMAS).text == text


def test_deep_paths_and_subgraphs_that_contain_themselves() -> None:
    workflow = two_instances()
    definition = workflow['definitions']['subgraphs'][0]
    definition['nodes'].append({'id': 103, 'type': definition['id'], 'inputs': [], 'outputs': []})
    try:
        check_is_data(transpile(workflow, schemas=SCHEMAS))
    except TranspileError:
        pass
    path = ':'.join(['10'] * 5_000)
    prompt = {path: {'class_type': 'LoadImage', 'inputs': {'image': 'x.png'}}}
    check_round_trip(prompt, write_script(prompt, schemas=SCHEMAS, workflow=workflow), SCHEMAS)


def test_more_outputs_than_the_workflow_draws() -> None:
    prompt = {
        '1': {'class_type': 'Unknown', 'inputs': {}},
        '2': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 2]}},
    }
    workflow = {'nodes': [{'id': 1, 'type': 'Unknown', 'outputs': [{'name': 'IMAGE', 'type': 'IMAGE'}]}], 'links': []}
    script = write_script(prompt, schemas=SCHEMAS, workflow=workflow)
    assert script.text.startswith("_, _, unknown = node['Unknown']()\n")
    check_round_trip(prompt, script, SCHEMAS)

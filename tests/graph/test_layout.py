"""Prompts laid out as web UI workflows: what the web UI, and a person, make of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas, difference
from comfy_script.graph.layout import LayoutGroup, LayoutHints, lay_out
from comfy_script.transpiler import workflow_to_prompt

DATA = Path(__file__).parents[1] / 'data'


@pytest.fixture(scope='module')
def small() -> Schemas:
    return Schemas.parse(json.loads((DATA / 'workflows_object_info.json').read_text(encoding='utf-8')))


@pytest.fixture
def default_prompt() -> dict[str, Any]:
    return json.loads((DATA / 'default_prompt.json').read_text(encoding='utf-8'))


def link(node: str, slot: int = 0) -> list[Any]:
    return [node, slot]


def rectangle(node: dict[str, Any]) -> tuple[float, float, float, float]:
    x, y = node['pos']
    width, height = node['size']
    return x, y - 30, x + width, y + height


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def overlapping(nodes: Iterable[dict[str, Any]]) -> list[tuple[int, int]]:
    boxes = [(node['id'], rectangle(node)) for node in nodes]
    return [(a, b) for i, (a, one) in enumerate(boxes) for b, other in boxes[i + 1 :] if overlap(one, other)]


def frame(group: dict[str, Any]) -> tuple[float, float, float, float]:
    x, y, width, height = group['bounding']
    return x, y, x + width, y + height


def inside(node: dict[str, Any], group: dict[str, Any]) -> bool:
    one, other = rectangle(node), frame(group)
    return other[0] <= one[0] and other[1] <= one[1] and one[2] <= other[2] and one[3] <= other[3]


def without_constants(prompt: dict[str, Any]) -> dict[str, Any]:
    """A prompt with its Primitive nodes' values where they are used."""
    values = {
        key: node['inputs']['value']
        for key, node in prompt.items()
        if str(node.get('class_type')).startswith('Primitive') and not isinstance(node['inputs'].get('value'), list)
    }
    return {
        key: {
            **node,
            'inputs': {
                name: values[value[0]] if isinstance(value, list) and value[0] in values else value
                for name, value in node['inputs'].items()
            },
        }
        for key, node in prompt.items()
        if key not in values
    }


def unescaped(prompt: dict[str, Any]) -> dict[str, Any]:
    """Texts as the web UI sends them: `\\{` is a brace, a choice of one (`/{/}`) what is in it."""
    text = json.dumps(prompt).replace('/{/}', '//').replace('/{*}', '/*').replace('\\\\{', '{')
    return json.loads(text)


def test_corpus_comes_back_as_the_same_prompt(corpus: Path, schemas: Schemas) -> None:
    differences = {}
    for file in sorted((corpus / 'prompts').glob('*.json')):
        prompt = json.loads(file.read_text(encoding='utf-8'))
        back = unescaped(workflow_to_prompt(lay_out(prompt, schemas), schemas))
        found = difference(without_constants(unescaped(prompt)), without_constants(back))
        if found:
            differences[file.stem] = found
    assert differences == {}


def test_ids_stay_where_they_are_integers(default_prompt: dict[str, Any], small: Schemas) -> None:
    workflow = lay_out(default_prompt, small)
    assert {str(node['id']) for node in workflow['nodes']} == set(default_prompt)
    assert workflow['last_node_id'] == max(map(int, default_prompt))


def test_ids_of_subgraphs_become_integers(small: Schemas) -> None:
    prompt = {'5:a:1': {'class_type': 'EmptyLatentImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1}}}
    assert [node['id'] for node in lay_out(prompt, small)['nodes']] == [1]


def test_seed_does_not_change_by_itself(default_prompt: dict[str, Any], small: Schemas) -> None:
    sampler = next(node for node in lay_out(default_prompt, small)['nodes'] if node['type'] == 'KSampler')
    assert sampler['widgets_values'][1] == 'fixed'


def test_links_agree_with_the_sockets_at_both_ends(default_prompt: dict[str, Any], small: Schemas) -> None:
    workflow = lay_out(default_prompt, small)
    nodes = {node['id']: node for node in workflow['nodes']}
    assert len(workflow['links']) == sum(
        isinstance(value, list) for node in default_prompt.values() for value in node['inputs'].values()
    )
    for number, origin, origin_slot, target, target_slot, type_ in workflow['links']:
        assert number in nodes[origin]['outputs'][origin_slot]['links']
        assert nodes[origin]['outputs'][origin_slot]['type'] == type_
        assert nodes[target]['inputs'][target_slot]['link'] == number


def test_data_flows_to_the_right_and_nothing_overlaps(default_prompt: dict[str, Any], small: Schemas) -> None:
    workflow = lay_out(default_prompt, small)
    at = {node['id']: rectangle(node) for node in workflow['nodes']}
    for _, origin, _, target, _, _ in workflow['links']:
        assert at[origin][2] < at[target][0]
    assert overlapping(workflow['nodes']) == []


def test_groups_frame_their_nodes_only(default_prompt: dict[str, Any], small: Schemas) -> None:
    sampling = [key for key, node in default_prompt.items() if node['class_type'] in ('KSampler', 'EmptyLatentImage')]
    texts = [key for key, node in default_prompt.items() if node['class_type'] == 'CLIPTextEncode']
    groups = (LayoutGroup('Sampling', tuple(sampling), (LayoutGroup('Texts', tuple(texts)),)),)
    workflow = lay_out(default_prompt, small, LayoutHints(groups=groups))
    titles = {group['title']: group for group in workflow['groups']}
    for title, keys in (('Sampling', {*sampling, *texts}), ('Texts', set(texts))):
        held = {str(node['id']) for node in workflow['nodes'] if inside(node, titles[title])}
        touched = {str(n['id']) for n in workflow['nodes'] if overlap(rectangle(n), frame(titles[title]))}
        assert held == touched == keys
    assert overlapping(workflow['nodes']) == []


def test_groups_that_need_each_other(small: Schemas) -> None:
    """Two functions called in turn: the frames need each other in a circle, the nodes do not."""
    prompt: dict[str, Any] = {'1': {'class_type': 'Blend', 'inputs': {}}}
    for number in range(2, 7):
        prompt[str(number)] = {'class_type': 'Blend', 'inputs': {'image1': link(str(number - 1))}}
    groups = (LayoutGroup('odd', ('1', '3', '5')), LayoutGroup('even', ('2', '4', '6')))
    workflow = lay_out(prompt, small, LayoutHints(groups=groups))
    assert overlapping(workflow['nodes']) == []
    assert not overlap(frame(workflow['groups'][0]), frame(workflow['groups'][1]))


def test_titles_are_shown(default_prompt: dict[str, Any], small: Schemas) -> None:
    key = next(key for key, node in default_prompt.items() if node['class_type'] == 'CLIPTextEncode')
    workflow = lay_out(default_prompt, small, LayoutHints(titles={key: 'A dog'}))
    titles = {str(node['id']): node.get('title') for node in workflow['nodes']}
    assert titles[key] == 'A dog'
    other = next(k for k, node in default_prompt.items() if node['class_type'] == 'KSampler')
    assert titles[other] in (None, default_prompt[other].get('_meta', {}).get('title'))


def test_value_for_a_socket_gets_a_node(small: Schemas) -> None:
    socket = Schemas.parse(
        {'Double': {'input': {'required': {'value': ['INT,FLOAT', {}]}}, 'output': ['INT'], 'output_name': ['INT']}}
    )
    workflow = lay_out({'7': {'class_type': 'Double', 'inputs': {'value': 21}}}, socket)
    constant = next(node for node in workflow['nodes'] if node['type'] == 'PrimitiveInt')
    assert constant['widgets_values'][0] == 21
    assert workflow['links'][0][1:4] == [constant['id'], 0, 7]


def test_unknown_nodes_keep_their_links_and_values(small: Schemas) -> None:
    prompt = {
        '1': {'class_type': 'Gone', 'inputs': {'strength': 0.5}},
        '2': {'class_type': 'Gone', 'inputs': {'image': link('1', 2)}},
    }
    first, second = lay_out(prompt, small)['nodes']
    assert first['widgets_values'] == [0.5]
    assert len(first['outputs']) == 3
    assert second['inputs'][0]['name'] == 'image'
    assert second['inputs'][0]['link'] == 1


@pytest.mark.parametrize(
    'text, shown', [('{"a": 1}', '\\{"a": 1}'), ('see https://x', 'see https:/{/}x'), ('a /* b */', 'a /{*} b */')]
)
def test_texts_are_no_choices_and_comments_for_the_web_ui(text: str, shown: str) -> None:
    info = {'Text': {'input': {'required': {'text': ['STRING', {'dynamicPrompts': True}]}}, 'output': []}}
    workflow = lay_out({'1': {'class_type': 'Text', 'inputs': {'text': text}}}, Schemas.parse(info))
    assert workflow['nodes'][0]['widgets_values'] == [shown]


def test_long_chains(small: Schemas) -> None:
    prompt: dict[str, Any] = {'1': {'class_type': 'Blend', 'inputs': {}}}
    for number in range(2, 5001):
        prompt[str(number)] = {'class_type': 'Blend', 'inputs': {'image1': link(str(number - 1))}}
    assert len(lay_out(prompt, small)['links']) == 4999


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of Python a call runs: a measure of its work that no other process disturbs."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == 'line'
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def big_prompt(count: int, shape: str) -> tuple[dict[str, Any], tuple[LayoutGroup, ...]]:
    prompt: dict[str, Any] = {'0': {'class_type': 'Blend', 'inputs': {}}}
    for number in range(1, count):
        needed = {'chain': number - 1, 'star': 0, 'pairs': number - number % 2}.get(shape, number - 1)
        inputs = {'image1': link(str(needed))} if needed != number else {}
        prompt[str(number)] = {'class_type': 'Blend', 'inputs': inputs}
    if shape == 'groups':
        return prompt, tuple(LayoutGroup('g', tuple(map(str, range(k, k + 4)))) for k in range(0, count, 4))
    if shape == 'entangled':
        return prompt, tuple(LayoutGroup('g', tuple(map(str, range(k, count, 10)))) for k in range(10))
    return prompt, ()


@pytest.mark.parametrize('shape', ['chain', 'star', 'pairs', 'groups', 'entangled'])
def test_the_work_grows_with_the_nodes(small: Schemas, shape: str) -> None:
    each = []
    for count in (100, 1000):
        prompt, groups = big_prompt(count, shape)
        each.append(lines_run(lambda: lay_out(prompt, small, LayoutHints({}, groups))) / count)  # noqa: B023
    assert each[1] < each[0] * 1.1


# In the browser.


def numbered(prompt: dict[str, Any]) -> dict[str, Any]:
    return {key: {'class_type': node.get('class_type'), 'inputs': node['inputs']} for key, node in prompt.items()}


@pytest.mark.browser
def test_web_ui_makes_the_same_prompt(server: Any, default_prompt: dict[str, Any]) -> None:
    """The workflow opened in the real web UI of the real server queues what the script queued."""
    from comfy_script.tests.lab.browser import find_browser
    from comfy_script.tests.parity.web_ui import open_web_ui

    browser = find_browser()
    if browser is None:
        pytest.skip('no Chromium')
    object_info = server.get('/object_info')
    schemas = Schemas.parse(object_info)
    prompts = {'default': default_prompt, **made_prompts(schemas)}
    with open_web_ui(server.url, browser) as web_ui:
        for name, prompt in prompts.items():
            workflow = lay_out(prompt, schemas)
            found = difference(prompt, web_ui.prompt_of(workflow)[0])
            assert found is None, (name, found)


def made_prompts(schemas: Schemas) -> dict[str, dict[str, Any]]:
    """Prompts of the runtime's own making, of core nodes with widgets of every kind."""
    from comfy_script.runtime.calls.functions import NodeNamespace
    from comfy_script.runtime.calls.recording import PromptBuilder

    prompts = {}
    builder = PromptBuilder()
    nodes = NodeNamespace(schemas, builder.emit)
    image, mask = nodes.LoadImage('example.png')
    scaled = nodes.ImageScaleBy(image, 'lanczos', 0.375)
    nodes.SaveImage(nodes.ImageCompositeMasked(scaled, image, 8, 16, True, mask), 'a/b')
    nodes.PreviewImage(nodes.ImageBatch(scaled, image))
    prompts['images'] = builder.build().prompt
    builder = PromptBuilder()
    nodes = NodeNamespace(schemas, builder.emit)
    model, clip, vae = nodes.CheckpointLoaderSimple('not/there.safetensors')
    model, clip = nodes.LoraLoader(model, clip, 'x.safetensors', 0.5, -1)
    text = nodes.CLIPTextEncode('a {b|c} (d\\), "e" { https://x /* y */', clip)
    latent = nodes.EmptyLatentImage(64, 64, 2)
    for seed in range(3):
        latent = nodes.KSamplerAdvanced(
            model, 'enable', seed, 3, 1.5, 'euler', 'normal', text, text, latent, 0, 10000, 'disable'
        )
    nodes.SaveImage(nodes.VAEDecodeTiled(latent, vae))
    prompts['sampling'] = builder.build().prompt
    return prompts

"""Subgraphs as functions, groups as headings."""

from __future__ import annotations

import copy
from typing import Any

from comfy_script.graph import difference
from comfy_script.tests.transpiler.running import check_lines, check_round_trip, run
from comfy_script.tests.transpiler.schemas import SCHEMAS
from comfy_script.transpiler import Script, Style, convert_workflow, transpile_script, write_script

HOST = '2d9a6bf0-0000-4000-8000-000000000001'
OUTER = '2d9a6bf0-0000-4000-8000-000000000002'


class Graph:
    """Builds the nodes and links of a workflow file, or of a subgraph in it."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.links: list[dict[str, Any]] = []

    def node(self, id: int, type: str, widgets: Any = (), inputs: Any = (), outputs: Any = (), **more: Any) -> None:
        """`inputs`: (name, type) or (name, type, origin id, origin slot); widgets' sockets by a type in lower case."""
        slots = []
        for index, (name, kind, *origin) in enumerate(inputs):
            slot: dict[str, Any] = {'name': name, 'type': kind.upper(), 'link': None}
            if kind.islower():
                slot['widget'] = {'name': name}
            if origin:
                slot['link'] = self.link(origin[0], origin[1], id, index, kind.upper())
            slots.append(slot)
        outs = [{'name': name, 'type': name, 'links': []} for name in outputs]
        known = {'id': id, 'type': type, 'pos': [id * 100, 0], 'size': [50, 50], 'mode': 0}
        self.nodes.append({**known, 'inputs': slots, 'outputs': outs, 'widgets_values': list(widgets), **more})

    def link(self, origin: int, origin_slot: int, target: int, target_slot: int, type: str) -> int:
        number = len(self.links) + 1
        self.links.append(
            {
                'id': number,
                'origin_id': origin,
                'origin_slot': origin_slot,
                'target_id': target,
                'target_slot': target_slot,
                'type': type,
            }
        )
        return number

    def file(self, *definitions: dict[str, Any], groups: Any = ()) -> dict[str, Any]:
        links = [
            [link[key] for key in ('id', 'origin_id', 'origin_slot', 'target_id', 'target_slot', 'type')]
            for link in self.links
        ]
        listed = {'subgraphs': list(definitions)}
        return {
            'version': 0.4,
            'last_node_id': 99,
            'last_link_id': 99,
            'nodes': self.nodes,
            'links': links,
            'groups': list(groups),
            'definitions': listed,
        }

    def definition(self, id: str, name: str, inputs: Any, outputs: Any, groups: Any = ()) -> dict[str, Any]:
        """`inputs`: (name, type), linked from node -10; `outputs`: (name, type, origin id, origin slot)."""
        ins = [
            {'id': f'i{slot}', 'name': key, 'type': kind, 'linkIds': self._from(slot)}
            for slot, (key, kind) in enumerate(inputs)
        ]
        outs = [
            {'id': f'o{slot}', 'name': key, 'type': kind, 'linkIds': [self.link(origin, at, -20, slot, kind)]}
            for slot, (key, kind, origin, at) in enumerate(outputs)
        ]
        return {
            'id': id,
            'name': name,
            'version': 1,
            'state': {'lastNodeId': 99, 'lastLinkId': 99},
            'revision': 0,
            'nodes': self.nodes,
            'links': self.links,
            'inputs': ins,
            'outputs': outs,
            'groups': list(groups),
            'inputNode': {'id': -10, 'bounding': [0, 0, 1, 1]},
            'outputNode': {'id': -20, 'bounding': [0, 0, 1, 1]},
            'widgets': [],
        }

    def _from(self, slot: int) -> list[int]:
        return [link['id'] for link in self.links if link['origin_id'] == -10 and link['origin_slot'] == slot]


def sampler() -> dict[str, Any]:
    """A subgraph: an image resized twice, by a size that is promoted."""
    inner = Graph()
    inner.node(
        101, 'ImageResize', [7], [('image', 'IMAGE', -10, 0), ('size', 'int', -10, 1)], ['IMAGE'], title='First pass'
    )
    inner.node(102, 'ImageResize+', [9], [('image', 'IMAGE', 101, 0)], ['IMAGE'])
    return inner.definition(
        HOST,
        'Resize twice',
        [('image', 'IMAGE'), ('size', 'INT')],
        [('IMAGE', 'IMAGE', 102, 0), ('first', 'IMAGE', 101, 0)],
    )


def two_instances() -> dict[str, Any]:
    outer = Graph()
    outer.node(1, 'LoadImage', ['x.png'], [], ['IMAGE', 'MASK'])
    for id, origin, size in ((10, 1, 64), (20, 10, 128)):
        outer.node(id, HOST, [size], [('image', 'IMAGE', origin, 0), ('size', 'int')], ['IMAGE', 'first'])
    outer.node(30, 'SaveImage', ['out'], [('images', 'IMAGE', 20, 0)])
    outer.node(31, 'SaveImage', ['first'], [('images', 'IMAGE', 20, 1)])
    return outer.file(sampler())


def check(workflow: dict[str, Any], style: Style | None = None) -> Script:
    prompt = convert_workflow(workflow, SCHEMAS).prompt
    script = transpile_script(workflow, schemas=SCHEMAS, style=style)
    check_round_trip(prompt, script, SCHEMAS)
    check_lines(prompt, script, SCHEMAS)
    return script


def test_instances_of_one_subgraph_call_one_function() -> None:
    script = check(two_instances())
    assert (
        script.text
        == """\
def resize_twice(image, size=64):
    first_pass = ImageResize(image, size)
    image2 = ImageResize_2bbc(first_pass, 9)
    return image2, first_pass


image, _ = LoadImage('x.png')
image, _ = resize_twice(image)
image, first = resize_twice(image, size=128)
SaveImage(image, 'out')
SaveImage(first, 'first')
""".replace('ImageResize_2bbc', SCHEMAS.names.name_of('ImageResize+'))
    )
    assert script.lines['10:101'] == script.lines['20:101'] == (2, 2)
    assert script.lines['20'] == (9, 9)


def test_without_functions_everything_stands_in_place() -> None:
    script = check(two_instances(), Style(functions=False))
    assert 'def ' not in script.text


def test_instances_that_differ_inside_are_two_functions() -> None:
    workflow = two_instances()
    prompt = convert_workflow(workflow, SCHEMAS).prompt
    prompt['20:102']['inputs']['size'] = 10
    script = write_script(prompt, schemas=SCHEMAS, workflow=workflow)
    check_round_trip(prompt, script, SCHEMAS)
    assert 'def resize_twice(' in script.text
    assert 'def resize_twice2(' in script.text


def test_an_instance_without_an_input_passes_none() -> None:
    workflow = two_instances()
    prompt = convert_workflow(workflow, SCHEMAS).prompt
    del prompt['20:101']['inputs']['image']
    script = write_script(prompt, schemas=SCHEMAS, workflow=workflow)
    check_round_trip(prompt, script, SCHEMAS)
    assert script.text.count('def ') == 1
    assert 'resize_twice(None, size=128)' in script.text or 'resize_twice(image=None, size=128)' in script.text


def test_a_workflow_of_something_else_changes_no_value() -> None:
    workflow = two_instances()
    prompt = convert_workflow(workflow, SCHEMAS).prompt
    other = {f'{key}0' if ':' not in key else key: node for key, node in prompt.items()}
    for node in other.values():
        for name, value in node['inputs'].items():
            if isinstance(value, list) and ':' not in value[0]:
                node['inputs'][name] = [f'{value[0]}0', value[1]]
    for hint in (workflow, {}, {'nodes': 3}, {'nodes': [None, {'id': [], 'type': {}}]}, 'text', []):
        script = write_script(other, schemas=SCHEMAS, workflow=hint)  # type: ignore[arg-type]
        check_round_trip(other, script, SCHEMAS)


def test_subgraphs_in_subgraphs_are_functions_that_call_functions() -> None:
    inner = sampler()
    middle = Graph()
    middle.node(205, HOST, [5], [('image', 'IMAGE', -10, 0), ('size', 'int', -10, 1)], ['IMAGE', 'first'])
    middle.node(206, 'Optional', [1, 1, 1], [('image', 'IMAGE', 205, 0), ('mask', 'MASK', -10, 2)], ['IMAGE'])
    definition = middle.definition(
        OUTER, 'Outer', [('picture', 'IMAGE'), ('size', 'INT'), ('mask', 'MASK')], [('IMAGE', 'IMAGE', 206, 0)]
    )
    outer = Graph()
    outer.node(1, 'LoadImage', ['x.png'], [], ['IMAGE', 'MASK'])
    for id, size in ((10, 1), (11, 2)):
        outer.node(
            id,
            OUTER,
            [size],
            [('picture', 'IMAGE', 1, 0), ('size', 'int'), ('mask', 'MASK', 1, 1)],
            ['IMAGE'],
        )
        outer.node(id + 10, 'SaveImage', ['out'], [('images', 'IMAGE', id, 0)])
    script = check(outer.file(inner, definition))
    assert script.text.count('def ') == 2
    assert '= resize_twice(picture, size=size)' in script.text
    assert 'outer(image, mask)' in script.text


def test_what_stands_between_two_nodes_of_an_instance_is_written_in_between() -> None:
    """An instance that needs what is made from its own output cannot be one call."""
    inner = Graph()
    inner.node(101, 'ImageResize', [1], [('image', 'IMAGE', -10, 0)], ['IMAGE'])
    inner.node(102, 'ImageResize', [2], [('image', 'IMAGE', -10, 1)], ['IMAGE'])
    both = inner.definition(
        HOST, 'Both', [('a', 'IMAGE'), ('b', 'IMAGE')], [('A', 'IMAGE', 101, 0), ('B', 'IMAGE', 102, 0)]
    )
    outer = Graph()
    outer.node(1, 'LoadImage', ['x.png'], [], ['IMAGE', 'MASK'])
    outer.node(10, HOST, [], [('a', 'IMAGE', 1, 0), ('b', 'IMAGE', 11, 0)], ['A', 'B'])
    outer.node(11, 'ImageResize+', [3], [('image', 'IMAGE', 10, 0)], ['IMAGE'])
    outer.node(12, 'SaveImage', ['x'], [('images', 'IMAGE', 10, 1)])
    workflow = outer.file(both)
    prompt = convert_workflow(workflow, SCHEMAS).prompt
    script = write_script(prompt, schemas=SCHEMAS, workflow=workflow)
    assert difference(prompt, run(script.text, SCHEMAS)) is None
    assert 'def ' not in script.text


def test_slices_of_instances() -> None:
    workflow = two_instances()
    prompt = convert_workflow(workflow, SCHEMAS).prompt
    script = write_script(prompt, schemas=SCHEMAS, workflow=workflow, end_nodes=['31'])
    part = {key: prompt[key] for key in ('1', '10:101', '10:102', '20:101', '31')}
    assert difference(part, run(script.text, SCHEMAS)) is None


def test_groups_are_headings_in_reading_order() -> None:
    graph = Graph()
    graph.node(5, 'LoadImage', ['x.png'], [], ['IMAGE', 'MASK'])
    graph.node(1, 'ImageResize', [1], [('image', 'IMAGE', 5, 0)], ['IMAGE'])
    graph.node(2, 'SaveImage', ['a'], [('images', 'IMAGE', 1, 0)])
    graph.node(6, 'SaveImage', ['b'], [('images', 'IMAGE', 5, 0)])
    groups = [
        {'title': 'Save\nand more # type: ignore', 'bounding': [180, -50, 110, 200]},
        {'title': 'Load', 'bounding': [480, -50, 200, 200]},
    ]
    script = check(graph.file(groups=groups))
    assert (
        script.text
        == """\
# Load
image, _ = LoadImage('x.png')
SaveImage(image, 'b')

image2 = ImageResize(image, 1)

# Save and more ＃ type: ignore
SaveImage(image2, 'a')
"""
    )
    assert '#' not in check(graph.file(groups=groups), Style(groups=False)).text


def test_notes_are_comments_where_asked_for() -> None:
    graph = Graph()
    graph.node(1, 'LoadImage', ['x.png'], [], ['IMAGE', 'MASK'])
    graph.node(2, 'Note', ['Take care.\n"""\nimport os\r# coding: utf-7' + ' word' * 40])
    text = check(graph.file(), Style(notes=True)).text
    assert text.startswith('# Take care.\n# """\n# import os\n# ')
    assert 'coding:' not in text
    assert all(line.startswith('#') and len(line) <= 120 for line in text.split('\n')[:-2])
    assert 'Take care' not in check(graph.file()).text


def test_a_parameter_is_named_after_what_a_person_sees() -> None:
    workflow = two_instances()
    (definition,) = workflow['definitions']['subgraphs']
    definition['inputs'][1]['label'] = 'Edge length'
    assert 'def resize_twice(image, edge_length=64):' in check(workflow).text


def test_a_name_that_says_nothing_gives_way_to_the_title_inside() -> None:
    workflow = two_instances()
    (definition,) = workflow['definitions']['subgraphs']
    definition['inputs'][1]['name'] = 'value_1'
    definition['nodes'][0]['title'] = 'Edge'
    for node in workflow['nodes'][1:3]:
        node['inputs'][1]['name'] = 'value_1'
        node['inputs'][1]['widget']['name'] = 'value_1'
    assert 'def resize_twice(image, edge=64):' in check(workflow).text


def test_subgraphs_that_differ_in_their_defaults_alone_are_one_function() -> None:
    workflow = two_instances()
    other = copy.deepcopy(sampler())
    other |= {'id': OUTER, 'name': 'Resize twice (large)'}
    other['nodes'][0]['widgets_values'] = [512]
    workflow['definitions']['subgraphs'].append(other)
    workflow['nodes'][2]['type'] = OUTER
    workflow['nodes'].pop()
    workflow['links'].pop()
    script = check(workflow)
    assert script.text.count('def ') == 1
    assert 'resize_twice(image)\n' in script.text
    assert 'resize_twice(image, size=128)\n' in script.text

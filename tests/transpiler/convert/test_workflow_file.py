"""Reading web UI files of every form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from comfy_script.transpiler.errors import TranspileError
from comfy_script.transpiler.workflow_file import WorkflowFile, link_key, node_key
from comfy_script.transpiler.writer.workflow_hints import Hints

DATA = Path(__file__).parents[2] / 'data'


def graph(**extra: Any) -> dict[str, Any]:
    return {'nodes': [], 'links': [], 'version': 0.4, **extra}


def test_a_whole_file() -> None:
    workflow = WorkflowFile.parse(json.loads((DATA / 'default_workflow.json').read_text(encoding='utf-8')))
    node = next(node for node in workflow.nodes if node.type == 'KSampler')
    assert [slot.name for slot in node.inputs][:4] == ['model', 'positive', 'negative', 'latent_image']
    link = workflow.link_by_id[node.inputs[0].link or 0]
    assert workflow.node_by_id[link.origin].type == 'CheckpointLoaderSimple'


@pytest.mark.parametrize('data', [None, [], 'text', 3, {}, {'nodes': {}}, {'1': {'class_type': 'A', 'inputs': {}}}])
def test_what_is_no_workflow(data: Any) -> None:
    with pytest.raises(TranspileError):
        WorkflowFile.parse(data)


def test_positions_of_every_form() -> None:
    forms = [[1, 2], {'0': 1, '1': 2}, {'x': 1, 'y': 2}, {'1': 2, '0': 1}]
    nodes = [{'id': index, 'type': 'A', 'pos': form, 'size': form} for index, form in enumerate(forms)]
    workflow = WorkflowFile.parse(graph(nodes=nodes))
    assert {node.pos for node in workflow.nodes} == {(1.0, 2.0)}
    assert {node.size for node in workflow.nodes} == {(1.0, 2.0)}


def test_links_of_both_forms() -> None:
    arrays = WorkflowFile.parse(graph(links=[[3, 1, 0, 2, 4, 'IMAGE'], [4, 1, 0, 2, 4], None, [5], ['x', 1, 1, 1, 1]]))
    one = {'id': 3, 'origin_id': 1, 'origin_slot': 0, 'target_id': 2, 'target_slot': 4, 'type': 'IMAGE'}
    objects = WorkflowFile.parse(graph(links=[one]))
    assert arrays.links[0] == objects.links[0]
    assert [link.id for link in arrays.links] == [3, 4]


def test_groups_hold_nodes_by_their_middle() -> None:
    boxes = [{'title': 'G', 'bounding': [0, 0, 100, 100]}, {'title': 'H', 'pos': [200, 0], 'size': [50, 50]}]
    nodes = [{'id': 1, 'type': 'A', 'pos': [80, 80], 'size': [20, 20]}, {'id': 2, 'type': 'A', 'pos': [210, 10]}]
    workflow = WorkflowFile.parse(graph(nodes=nodes, groups=boxes))
    assert Hints(workflow).groups_of('') == {'1': 0, '2': 1}


def test_notes() -> None:
    nodes = [
        {'id': 1, 'type': 'Note', 'widgets_values': ['hello']},
        {'id': 2, 'type': 'MarkdownNote', 'widgets_values': None, 'properties': {'text': 'old'}},
        {'id': 3, 'type': 'A'},
    ]
    assert [note.text for note in WorkflowFile.parse(graph(nodes=nodes)).notes] == ['hello', 'old']


def test_nested_definitions_are_found() -> None:
    inner = {'id': 'in', 'nodes': []}
    outer = {'id': 'out', 'nodes': [], 'definitions': {'subgraphs': [inner, {'id': 'out'}]}}
    assert list(WorkflowFile.parse(graph(definitions={'subgraphs': [outer]})).subgraphs) == ['out', 'in']


def test_ids_as_the_web_ui_writes_them() -> None:
    assert [node_key(value) for value in (1, 1.0, '01', -3)] == ['1', '1', '01', '-3']
    assert [link_key(value) for value in (1, 1.0, '5', None, True, 'x', 1.5)] == [1, 1, 5, None, None, None, None]


def test_garbage_in_every_field_is_taken_as_absent() -> None:
    odd: list[Any] = [None, True, -1, 1.5, 'x', [], {}, [[]], {'a': {}}, [None], float('nan'), 10**30]
    for value in odd:
        fields = ('id', 'type', 'title', 'pos', 'size', 'mode', 'inputs', 'outputs', 'widgets_values', 'properties')
        for name in fields:
            WorkflowFile.parse(graph(nodes=[{'id': 1, 'type': 'A', name: value}, value]))
        for name in ('links', 'groups', 'definitions', 'extra', 'state', 'last_node_id'):
            WorkflowFile.parse({**graph(nodes=[{'id': 1, 'type': 'A'}]), name: value})

"""Nodes of the open graph have the values, titles and links that the page tells of them."""

from __future__ import annotations

from typing import Any

from comfy_script.tests.transpiler.schemas import node, socket
from comfy_script.transpiler.convert import convert_workflow

SEEDED = node({'seed': ['INT', {'default': 0, 'control_after_generate': True}], 'steps': ['INT', {'default': 20}]})
INFOS = {
    'Seeded': SEEDED,
    'Source': node(outputs='IMAGE'),
    'Sink': node({'image': socket('IMAGE')}),
}


def told(values: dict[str, Any], title: str = 'Title', **more: Any) -> dict[str, Any]:
    return {'title': title, 'values': values, **more}


def item(id: int, type_: str, live: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {'id': id, 'type': type_, 'mode': 0, 'inputs': [], 'outputs': [], 'comfyscript_live': live, **more}


def prompt_of(nodes: list[dict[str, Any]], links: list[list[Any]] | None = None) -> dict[str, Any]:
    return convert_workflow({'nodes': nodes, 'links': links or [], 'version': 0.4}, INFOS).prompt


def test_values_by_name_count_not_those_by_place() -> None:
    values = {'seed': 7, 'steps': 9, 'lora_1': {'on': True}, 'listed': [1, 2]}
    found = prompt_of([item(1, 'Seeded', told(values), widgets_values=[1, 'fixed', 2, 'more'])])
    assert found['1']['inputs'] == {**values, 'listed': {'__value__': [1, 2]}}
    assert found['1']['_meta'] == {'title': 'Title'}


def test_a_value_that_the_page_does_not_send_is_not_in_the_prompt() -> None:
    found = prompt_of([item(1, 'Seeded', told({'seed': 7}), widgets_values=[1, 'fixed', 2])])
    assert found['1']['inputs'] == {'seed': 7}


def test_a_class_that_only_the_page_knows_is_in_the_prompt() -> None:
    """A group node that the page could not open is queued as it is; a node of a missing pack has no class."""
    group = 'workflow>Group'
    found = prompt_of([item(1, group, told({'text': 'a'}, **{'class': group})), item(2, 'Missing', told({}))])
    assert found['1'] == {'inputs': {'text': 'a'}, 'class_type': group, '_meta': {'title': 'Title'}}
    assert 'class_type' not in found['2']


def test_nothing_is_said_of_values_in_the_file_that_no_rule_places() -> None:
    workflow = {'nodes': [item(1, 'Seeded', told({'seed': 7}), widgets_values=[1, 'fixed', 2, 'odd'])], 'links': []}
    assert not convert_workflow(workflow, INFOS).warnings


def wired(outputs: list[Any] | None) -> dict[str, Any]:
    """A source, a node of a type that only the page knows, and a sink behind it."""
    live = told({}, virtual=True) | ({} if outputs is None else {'outputs': outputs})
    image = {'name': 'image', 'type': 'IMAGE'}
    return prompt_of(
        [
            item(1, 'Source', told({}), outputs=[image | {'links': []}]),
            item(2, 'Wire of a pack', live, outputs=[image | {'links': [4]}]),
            item(3, 'Sink', told({}), inputs=[image | {'link': 4}]),
        ],
        [[4, 2, 0, 3, 0, 'IMAGE']],
    )


def test_links_lead_where_the_page_says_a_node_of_its_own_has_its_value_from() -> None:
    found = wired([['1', 0]])
    assert found.keys() == {'1', '3'}
    assert found['3']['inputs'] == {'image': ['1', 0]}


def test_an_output_from_nowhere_is_no_link() -> None:
    for outputs in ([None], [], [['9', 0]], [['1']], [[1, 2, 3]], ['1']):
        assert wired(outputs)['3']['inputs'] == {}


def test_what_a_file_has_in_that_place_is_left_alone_where_it_is_of_another_shape() -> None:
    for live in (None, 3, {}, {'values': [1]}, {'title': 1, 'values': None}):
        found = prompt_of([item(1, 'Seeded', live, widgets_values=[1, 'fixed', 2])])  # type: ignore[arg-type]
        assert found['1']['inputs'] == {'seed': 1, 'steps': 2}

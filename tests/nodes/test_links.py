"""What the ComfyScript node finds out about its inputs before it runs, without a ComfyUI."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.interpreter import ScriptDenied
from comfy_script.nodes.script_node.links import check_values_came

KEPT = {'comfyscript': {'inputs': [{'name': 'steps', 'type': 'INT'}], 'values': [31]}}


def sent(values: list[Any], properties: dict[str, Any]) -> dict[str, Any]:
    """The workflow that comes along with a prompt: the node twice, once in a subgraph."""
    node = {'id': 5, 'type': 'ComfyScript', 'widgets_values': values, 'properties': properties}
    definitions = {'subgraphs': [{'id': 'sub', 'nodes': [node]}]}
    return {'workflow': {'nodes': [node, {'id': 3, 'type': 'sub'}], 'definitions': definitions}}


@pytest.mark.parametrize('node_id', ['5', '3:5'])
def test_a_page_without_our_files_does_not_run_a_node_with_defaults(node_id):
    with pytest.raises(ScriptDenied, match='Reload the page'):
        check_values_came(sent(['text'], KEPT), node_id)
    check_values_came(sent(['text', 31], KEPT), node_id)
    check_values_came(sent(['text'], {}), node_id)


@pytest.mark.parametrize(
    'extra', [None, {}, {'workflow': None}, {'workflow': {'nodes': 5}}, {'workflow': {'nodes': [None, {'id': '5'}]}}]
)
def test_whatever_else_comes_along_is_no_reason(extra):
    check_values_came(extra, '5')
    check_values_came(extra, '3:5')

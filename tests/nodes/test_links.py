"""What the ComfyScript node finds out about its inputs before it runs, without a ComfyUI."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from comfy_script.interpreter import ScriptDenied
from comfy_script.nodes.script_node.links import check_values_came, validate_sources
from comfy_script.runtime.real import host

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


class Host:
    """A ComfyUI that lets nothing pass."""

    node_classes = {'Loop': SimpleNamespace(RETURN_TYPES=('*',))}

    async def validate(self, prompt: Any, node_id: str, seen: set[str]) -> list[dict[str, str]]:
        return [{'message': 'Required input is missing', 'details': node_id}]


def test_what_a_node_expanded_to_is_validated_as_little_as_by_comfyui(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, 'Host', Host)
    queued, made = {'1': {'class_type': 'Loop', 'inputs': {}}}, {'9.0.1': {'class_type': 'Loop', 'inputs': {}}}
    dynprompt = SimpleNamespace(
        get_original_prompt=lambda: queued,
        get_node=(queued | made).__getitem__,
        has_node=lambda key: key in queued | made,
        all_node_ids=lambda: {*queued, *made},
    )
    signature: Any = SimpleNamespace(inputs=())
    validate_sources(dynprompt, {'a': ('9.0.1', 0)}, signature)
    with pytest.raises(ScriptDenied, match='Required input is missing: 1'):
        validate_sources(dynprompt, {'a': ('1', 0)}, signature)
    with pytest.raises(ScriptDenied, match='not there'):
        validate_sources(dynprompt, {'a': ('7', 0)}, signature)

"""A script as the prompt that the open graph would queue once the script is applied: with the graph's own ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..graph import Link, Prompt, Schemas
from .edits import Comparison, compare
from .reading import read_script
from .requests import ApplyRequest
from .shown import shown


def prompt_of_graph(request: ApplyRequest, schemas: Schemas) -> dict[str, Any]:
    """`{prompt, lines, nodes}`: a node that the graph has keeps its id, so that results appear where they belong.

    `nodes`: node of the script → id in the prompt. Raises ScriptRefused.
    """
    wanted = read_script(request.script, schemas)
    graph = shown(request.workflow, schemas, request.style, request.text)
    comparison = compare(graph.prompt, graph.as_graph, wanted, graph.origins, request.nodes)
    ids = _ids(comparison, wanted.prompt, graph.prompt, request.workflow)
    return {
        'prompt': _renamed(wanted.prompt, ids).to_json(),
        'lines': {ids[key]: line for key, line in wanted.lines.items()},
        'nodes': ids,
    }


def _ids(comparison: Comparison, wanted: Prompt, graph: Prompt, workflow: Mapping[str, Any]) -> dict[str, str]:
    """Added nodes get the numbers after the graph's last, in subgraphs behind the id of theirs (`5:12`)."""
    nodes = [node for node in workflow.get('nodes') or () if isinstance(node, dict)]
    said = [workflow.get('last_node_id'), *(node.get('id') for node in nodes)]
    used = [int(number) for key in graph.nodes for number in re.findall(r'\d+', key)]
    last = max([0, *used, *(number for number in said if isinstance(number, int))])
    ids = dict(comparison.kept)
    parents = {edit.key: edit.place.parent for edit in comparison.edits if edit.op == 'add'}
    for number, key in enumerate([key for key in wanted.order() if key not in ids], last + 1):
        parent = parents.get(key)
        ids[key] = f'{parent}:{number}' if parent else str(number)
    return ids


def _renamed(prompt: Prompt, ids: Mapping[str, str]) -> Prompt:
    def value_of(value: Any) -> Any:
        return Link(ids[value.node], value.slot) if type(value) is Link and value.node in ids else value

    nodes = {}
    for key, node in prompt.nodes.items():
        inputs = {name: value_of(value) for name, value in node.inputs.items()}
        nodes[ids[key]] = replace(node, inputs=inputs)
    return Prompt(nodes)

"""What the web UI workflow tells beside the prompt: titles, groups, notes, subgraphs. Never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...graph import Schemas
from ..convert import Conversion, SubgraphInstance, convert_workflow
from ..workflow_file import SubgraphDefinition, WorkflowFile, WorkflowGraph, WorkflowGroup, WorkflowNode

MOST_CHECKS = 4_000_000
"""Nodes times groups beyond which nobody looks which group holds which node."""


@dataclass(frozen=True)
class Hints:
    """`graphs`: by path of the instance (`''` for the file's own level) the nodes and groups drawn there."""

    workflow: WorkflowFile | None = None
    instances: Mapping[str, SubgraphInstance] = field(default_factory=dict)
    node_types: Mapping[str, str] = field(default_factory=dict)

    def graph(self, path: str) -> WorkflowGraph | None:
        if self.workflow is None or not path:
            return self.workflow
        instance = self.instances.get(path)
        return self.workflow.subgraphs.get(instance.definition_id) if instance else None

    def node(self, path: str, local_id: str) -> WorkflowNode | None:
        graph = self.graph(path)
        return graph.node_by_id.get(local_id) if graph else None

    def input_label(self, path: str, name: str) -> str:
        """What the web UI shows for an input of a subgraph, where that is not its name."""
        graph = self.graph(path)
        slots = graph.inputs if isinstance(graph, SubgraphDefinition) else ()
        return next((slot.label for slot in slots if slot.name == name and slot.label), '')

    @cached_property
    def _places(self) -> dict[str, dict[str, int]]:
        return {}

    def groups_of(self, path: str) -> Mapping[str, int]:
        """Local node id → index of the smallest group that holds it, for one level of the file."""
        graph = self.graph(path)
        if graph is None or not graph.groups:
            return {}
        instance = self.instances.get(path)
        key = instance.definition_id if instance else ''
        if key not in self._places:
            self._places[key] = _places(graph)
        return self._places[key]


def _places(graph: WorkflowGraph) -> dict[str, int]:
    if len(graph.nodes) * len(graph.groups) > MOST_CHECKS:
        return {}
    smallest_first = sorted(enumerate(graph.groups), key=lambda pair: _area(pair[1]))
    frames = [(index, left, top, left + width, top + height) for index, (_, left, top, width, height) in smallest_first]
    found: dict[str, int] = {}
    for node in graph.nodes:
        x, y = node.centre
        for index, left, top, right, bottom in frames:
            if left <= x < right and top <= y < bottom:
                found.setdefault(node.id, index)
                break
    return found


def _area(group: WorkflowGroup) -> float:
    return group.width * group.height


def reading_order(groups: Iterable[WorkflowGroup]) -> list[int]:
    """Places in reading order: columns from left to right, each from top to bottom."""
    indexed = sorted(enumerate(groups), key=lambda pair: pair[1].x)
    columns: list[list[tuple[int, WorkflowGroup]]] = []
    for pair in indexed:
        if columns and pair[1].x < columns[-1][0][1].x + min(columns[-1][0][1].width / 2, 400):
            columns[-1].append(pair)
        else:
            columns.append([pair])
    ordered = []
    for column in columns:
        column.sort(key=lambda pair: (pair[1].y, pair[1].x))
        ordered.extend(index for index, _ in column)
    places = [0] * len(ordered)
    for place, index in enumerate(ordered):
        places[index] = place
    return places


def read_hints(workflow: Any, schemas: Schemas, conversion: Conversion | None, warnings: list[str]) -> Hints:
    """The hints of a workflow, as far as it can be read. A workflow that cannot be read gives a warning and none."""
    if workflow is None:
        return Hints()
    try:
        parsed = workflow if isinstance(workflow, WorkflowFile) else WorkflowFile.parse(workflow)
        if conversion is None and parsed.subgraphs:
            conversion = convert_workflow(workflow, schemas)
    except Exception as error:  # a hint is worth less than the script
        warnings.append(f'the workflow that came with the prompt was not used: {error}')
        return Hints()
    if conversion is None:
        types = {node.id: node.type for node in parsed.nodes}
        return Hints(parsed, {}, types)
    return Hints(parsed, conversion.instances, conversion.node_types)

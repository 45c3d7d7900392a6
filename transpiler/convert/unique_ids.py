"""Node ids made unique across a file and its subgraphs (`subgraphDeduplication.ts`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import TranspileError
from ..workflow_file import SubgraphDefinition, WorkflowFile, WorkflowLink, WorkflowNode

_MOST_IDS = 100_000_000


class NodeIds:
    """The ids that nodes of one file have. `last` is the highest one given."""

    def __init__(self, last: int):
        self.last = last

    def new(self) -> str:
        self.last += 1
        return str(self.last)

    def note(self, id: str) -> None:
        """New ids begin behind this one."""
        if is_number(id):
            self.last = max(self.last, int(id))

    def made_unique(self, workflow: WorkflowFile) -> tuple[list[SubgraphDefinition], Sequence[WorkflowNode]]:
        """The file's definitions and own nodes: nodes in definitions get new ids where an id is in use.

        Raises TranspileError where no id is left (`deduplicateSubgraphNodeIds`).
        """
        definitions = list(workflow.subgraphs.values())
        if not definitions:
            return [], workflow.nodes
        used = {node.id for node in workflow.nodes if is_number(node.id)}
        renamed: dict[str, dict[str, str]] = {}
        nodes_of = {definition.id: self._renamed(definition, used, renamed) for definition in definitions}
        if not renamed:
            return definitions, workflow.nodes
        changed = []
        for definition in definitions:
            ids = renamed.get(definition.id, {})
            nodes = tuple(_with_renamed_proxies(node, renamed) for node in nodes_of[definition.id])
            changed.append(replace(definition, nodes=nodes, links=_renamed_links(definition, ids)))
        return changed, [_with_renamed_proxies(node, renamed) for node in workflow.nodes]

    def _renamed(
        self, definition: SubgraphDefinition, used: set[str], renamed: dict[str, dict[str, str]]
    ) -> list[WorkflowNode]:
        nodes = []
        for node in definition.nodes:
            if node.id in used:
                new = self._unused(used)
                renamed.setdefault(definition.id, {})[node.id] = new
                node = node._replace(id=new)
            else:
                self.note(node.id)
            used.add(node.id)
            nodes.append(node)
        return nodes

    def _unused(self, used: set[str]) -> str:
        while True:
            new = self.new()
            if self.last > _MOST_IDS:
                raise TranspileError(f'node ids beyond {_MOST_IDS}: there is none left for a node whose id is taken')
            if new not in used:
                return new


def is_number(id: str) -> bool:
    return id.isascii() and id.isdigit() and len(id) < 16 and (id == '0' or id[0] != '0')


def _renamed_links(definition: SubgraphDefinition, ids: Mapping[str, str]) -> tuple[WorkflowLink, ...]:
    if not ids:
        return definition.links
    return tuple(
        link._replace(origin=ids.get(link.origin, link.origin), target=ids.get(link.target, link.target))
        if link.origin in ids or link.target in ids
        else link
        for link in definition.links
    )


def _with_renamed_proxies(node: WorkflowNode, renamed: Mapping[str, Mapping[str, str]]) -> WorkflowNode:
    ids = renamed.get(node.type)
    entries = node.properties.get('proxyWidgets') if ids else None
    if not ids or not isinstance(entries, (list, tuple)):
        return node
    changed = [
        [ids[str(entry[0])], *entry[1:]]
        if isinstance(entry, (list, tuple)) and entry and str(entry[0]) in ids
        else entry
        for entry in entries
    ]
    return node._replace(properties={**node.properties, 'proxyWidgets': changed})

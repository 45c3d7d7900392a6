"""Workflows that come again and again with little changed in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .workflow_file import WorkflowFile, WorkflowLink, WorkflowNode, parse_links, parse_node, with_missing_links


class WorkflowReader:
    """`WorkflowFile.parse`, but what is the same object as in the workflow before is not parsed again."""

    def __init__(self) -> None:
        self._nodes: dict[int, tuple[Any, WorkflowNode]] = {}
        """By the id of the object that was parsed; that is held too, so that the id stays its own."""
        self._links: tuple[Any, dict[int, WorkflowLink]] = (None, {})

    def parse(self, data: Mapping[str, Any]) -> WorkflowFile:
        """Raises TranspileError."""
        items = data.get('nodes')
        if not isinstance(items, list):
            return WorkflowFile.parse(data)
        rest = WorkflowFile.parse({**data, 'nodes': [], 'links': []})
        before, self._nodes = self._nodes, {}
        nodes: list[WorkflowNode] = []
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                continue
            known = before.get(id(item))
            if known is None or known[0] is not item or known[1].number != index:
                known = (item, parse_node(item, index))
            self._nodes[id(item)] = known
            nodes.append(known[1])
        links = with_missing_links(nodes, self._parse_links(data.get('links')).copy())
        return replace(rest, nodes=tuple(nodes), links=tuple(links.values()))

    def _parse_links(self, items: Any) -> dict[int, WorkflowLink]:
        if items is None or self._links[0] is not items:
            self._links = (items, parse_links(items))
        return self._links[1]

"""Loading a workflow as the web UI does: ids made unique, definitions from the innermost out, then the file's nodes.

Sources: `LGraph.configure`, `LGraphNode.configure`, `litegraphService.ts: ComfyNode.configure`,
`subgraphDeduplication.ts`, `linkDeduplication.ts`, `app.ts: loadGraphData`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..workflow_file import SubgraphDefinition, WorkflowFile, WorkflowGraph, WorkflowNode
from .build import add_node_input, build_node, copy_node
from .class_table import ClassTable
from .groups import GroupType, GroupUnpacker, read_group
from .hosts import apply_promoted_values, bind_host, rebind_hosts
from .javascript import UNDEFINED
from .link_repairs import (
    drop_duplicate_links,
    drop_widgetless_inputs,
    fix_target_slots,
    repair_boundary_links,
)
from .match_types import settle_types
from .model import Boundary, LiveGraph, LiveLink, LiveNode, LiveOutput, reachable
from .open_nodes import take_open_nodes
from .packs import PACKS
from .primitives import create_primitive_widget
from .proxy_widgets import flush_proxy_widgets
from .registry import SPECIAL_TYPES, VIRTUAL_TYPES
from .saved_values import live_input, take_slots, take_values, unplaced_values, value_list
from .unique_ids import NodeIds
from .unknown import add_unknown_widgets

_SAMPLERS = ('KSampler', 'KSamplerAdvanced')


class Loader:
    """One loading of one workflow."""

    def __init__(self, workflow: WorkflowFile, classes: ClassTable):
        self.workflow = workflow
        self.classes = classes
        self.warnings: list[str] = []
        self.ids = NodeIds(workflow.last_node_id)
        self.definitions: dict[str, LiveGraph] = {}
        self.unknown: dict[str, list[str]] = {}
        self.groups: dict[str, GroupType] = {}
        self._with_extra_inputs: list[LiveNode] = []
        self._graphs: list[LiveGraph] = []
        self._sources: list[tuple[LiveGraph, WorkflowGraph]] = []

    def close(self) -> None:
        """Takes the live graphs apart, so that they are freed at once and not by the collector of cycles."""
        for graph in self._graphs:
            for node in graph.nodes:
                node.inner = None
            graph.nodes, graph.by_id, graph.hosts = [], {}, []

    def load(self) -> LiveGraph:
        definitions, root_nodes = self.ids.made_unique(self.workflow)
        root = self._load_graphs(definitions, root_nodes)
        self._finish(root)
        if self.unknown:
            listed = ', '.join(f'{type_} (node {", ".join(ids[:5])})' for type_, ids in list(self.unknown.items())[:50])
            self.warnings.append(f'node types the server does not know: {listed}')
        return root

    def _load_graphs(self, definitions: Sequence[SubgraphDefinition], root_nodes: Sequence[WorkflowNode]) -> LiveGraph:
        for definition in definitions:
            self.definitions[definition.id] = _new_definition(definition)
        for definition in _innermost_first(definitions):
            graph = self.definitions[definition.id]
            self._configure(graph, definition, definition.nodes)
            self._sources.append((graph, definition))
            _reset_boundaries(graph, definition)
        root = LiveGraph()
        self._graphs = [*self.definitions.values(), root]
        root.last_link = self.workflow.last_link_id
        self._read_groups()
        self._configure(root, self.workflow, root_nodes)
        self._sources.append((root, self.workflow))
        return root

    def _finish(self, root: LiveGraph) -> None:
        """What the web UI does when all graphs are there (`onAfterGraphConfigured`, `loadGraphData`)."""
        graphs = list(reachable(root))
        for graph in graphs:
            fix_target_slots(graph)
        for node in self._with_extra_inputs:
            drop_widgetless_inputs(node)
        for graph in graphs:
            for node in graph.nodes:
                if node.type == 'PrimitiveNode' and node.virtual:
                    create_primitive_widget(node)
        for graph in graphs:
            for node in graph.nodes:
                _settle_values(node)
        if self.groups:
            unpacked = GroupUnpacker(root, self.groups, self._unpacked, self.ids.new).unpack_all()
            graphs += unpacked
            self._graphs += unpacked
        settle_types(graphs)
        take_open_nodes(self._graphs)
        for graph, source in self._sources:
            for pack in PACKS:
                if pack.links is not None:
                    pack.links(graph, source)
        self.warnings += unplaced_values(self._graphs)

    def _read_groups(self) -> None:
        """Group nodes of old files become node types while the file is loaded."""
        for name, data in self.workflow.group_nodes.items():
            group = read_group(name, data, self.classes.find)
            if group is not None:
                self.groups[group.node_class.type] = group
                self.groups[f'workflow/{name}'] = group

    def _unpacked(self, graph: LiveGraph, info: WorkflowNode) -> LiveNode:
        """A node out of a group, with its values but without links."""
        node = self._create(graph, info)
        node.info = info
        self._configure_node(node)
        return node

    def _configure(self, graph: LiveGraph, source: WorkflowGraph, infos: Sequence[WorkflowNode]) -> None:
        for link in source.links:
            graph.links[link.id] = LiveLink(*link)
        graph.last_link = max([graph.last_link, *graph.links])
        added = [self._add(graph, info) for info in infos]
        for node in added:
            self._configure_node(node)
        drop_duplicate_links(graph)
        for node in added:
            if node.inner is not None and 'proxyWidgets' in node.properties:
                flush_proxy_widgets(node)

    def _add(self, graph: LiveGraph, info: WorkflowNode) -> LiveNode:
        node = self._create(graph, info)
        node.info = info
        node.id = info.id
        if node.id in graph.by_id or node.id == '-1':
            node.id = self.ids.new()
        else:
            self.ids.note(node.id)
        graph.nodes.append(node)
        graph.by_id[node.id] = node
        return node

    def _create(self, graph: LiveGraph, info: WorkflowNode) -> LiveNode:
        inner = self.definitions.get(info.type)
        if inner is not None:
            node = LiveNode(info.type, graph)
            node.inner = inner
            node.virtual = True
            node.title = inner.name
            inner.hosts.append(node)
            return node
        node_class = self.classes.find(info.type)
        if node_class is not None:
            node = self.classes.prototypes.new(node_class, graph)
            special = SPECIAL_TYPES.get(info.type)
            node.virtual = special is not None and special.virtual
            return node
        group = self.groups.get(info.type) if info.open is None else None
        if group is not None:
            node = copy_node(build_node(group.node_class), graph)
            node.type = info.type
            return node
        node = LiveNode(info.type, graph)
        virtual = VIRTUAL_TYPES.get(info.type)
        if virtual is not None:
            node.virtual = True
            node.title = virtual.title or None
        else:
            self.unknown.setdefault(info.type, []).append(info.id)
        return node

    def _configure_node(self, node: LiveNode) -> None:
        info = node.info
        assert info is not None
        if info.id != '-1':
            node.id = info.id
        node.mode = info.mode
        node.title = info.title or node.title
        node.properties = dict(info.properties)
        if node.inner is not None:
            bind_host(node, info)
            apply_promoted_values(node, value_list(info.widgets_values))
            return
        if node.node_class is None:
            node.inputs = [live_input(slot) for slot in info.inputs]
            node.outputs = [LiveOutput(slot.name, slot.type, list(slot.links)) for slot in info.outputs]
            if not node.virtual:
                add_unknown_widgets(node, info)
            return
        special = SPECIAL_TYPES.get(node.type)
        if special is not None and special.saved_inputs is not None:
            for spec in special.saved_inputs(node.properties):
                add_node_input(node, spec)
        if take_slots(node, info):
            self._with_extra_inputs.append(node)
        if special is not None and special.restored is not None:
            info = special.restored(info)
        if info.widgets_values:
            (special.take if special is not None and special.take is not None else take_values)(node, info)
            if special is not None and special.shows:
                node.unplaced = []


def _new_definition(definition: SubgraphDefinition) -> LiveGraph:
    graph = LiveGraph(definition.id, definition.name)
    graph.inputs = [Boundary(slot.name, slot.type, list(slot.links)) for slot in definition.inputs]
    graph.outputs = [Boundary(slot.name, slot.type, list(slot.links)) for slot in definition.outputs]
    return graph


def _reset_boundaries(graph: LiveGraph, definition: SubgraphDefinition) -> None:
    """Reads a definition's own inputs and outputs once more, now that its links are repaired."""
    for boundary, slot in zip(graph.inputs, definition.inputs):
        boundary.links = list(slot.links)
    for boundary, slot in zip(graph.outputs, definition.outputs):
        boundary.links = list(slot.links)
    repair_boundary_links(graph)
    rebind_hosts(graph)


def _innermost_first(definitions: Sequence[SubgraphDefinition]) -> Sequence[SubgraphDefinition]:
    """Definitions in an order in which each comes after those it uses (`topologicalSortSubgraphs`)."""
    by_id = {definition.id: definition for definition in definitions}
    users: dict[str, dict[str, None]] = {id: {} for id in by_id}
    open_uses = dict.fromkeys(by_id, 0)
    for definition in definitions:
        for node in definition.nodes:
            if node.type in by_id:
                users[node.type][definition.id] = None
                open_uses[definition.id] += 1
    ready = [id for id, count in open_uses.items() if count == 0]
    # The web UI counts a use per node but releases one per definition: where one definition holds another twice,
    # its sort does not finish and it keeps the file's order.
    for id in ready:
        for user in users[id]:
            open_uses[user] -= 1
            if open_uses[user] == 0:
                ready.append(user)
    if len(ready) != len(by_id):
        return definitions
    return [by_id[id] for id in ready]


def _settle_values(node: LiveNode) -> None:
    """The web UI's own repairs after loading (`loadGraphData`): an empty combo takes its first choice."""
    empty = [widget for widget in node.all_widgets() if widget.state.value is None or widget.state.value is UNDEFINED]
    for widget in empty:
        values = widget.options.get('values') if widget.options and widget.type == 'combo' else None
        if values:
            widget.set(node, values[0])
    if node.type in _SAMPLERS:
        widget = node.widget('sampler_name')
        value = widget.get(node) if widget is not None else None
        if widget is not None and isinstance(value, str) and value.startswith('sample_'):
            widget.set(node, value[7:])

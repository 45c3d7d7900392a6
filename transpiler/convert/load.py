"""Loading a workflow as the web UI does: ids made unique, definitions from the innermost out, then the file's nodes.

Sources: `LGraph.configure`, `LGraphNode.configure`, `litegraphService.ts: ComfyNode.configure`,
`subgraphDeduplication.ts`, `linkDeduplication.ts`, `app.ts: loadGraphData`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...graph import Schemas
from ..errors import TranspileError
from ..workflow_file import InputSlot, SubgraphDefinition, WorkflowFile, WorkflowGraph, WorkflowNode
from .build import DynamicCombo, Prototypes, add_node_input, build_node, copy_node, input_linked
from .groups import GroupType, GroupUnpacker, read_group
from .hosts import apply_promoted_values, bind_host, flush_proxy_widgets, rebind_hosts
from .javascript import UNDEFINED
from .live_links import remove_inputs
from .match_types import settle_types
from .model import Boundary, LiveGraph, LiveInput, LiveLink, LiveNode, LiveOutput, reachable
from .primitives import create_primitive_widget
from .special import SPECIAL_TYPES, VIRTUAL_TYPES, extend
from .specs import NodeClass, read_class
from .titles import title_of
from .unknown import add_unknown_widgets

_MOST_IDS = 100_000_000
_SAMPLERS = ('KSampler', 'KSamplerAdvanced')


class ClassTable:
    """The node types of a server as the web UI registers them, each read when first met."""

    def __init__(self, schemas: Schemas):
        self._schemas = schemas
        self._read: dict[str, NodeClass | None] = {}
        self.prototypes = Prototypes()

    def find(self, class_type: str) -> NodeClass | None:
        if class_type not in self._read:
            self._read[class_type] = self._load(class_type)
        return self._read[class_type]

    def _load(self, class_type: str) -> NodeClass | None:
        schema = self._schemas.find(class_type)
        if schema is None:
            return None
        return read_class(class_type, schema.info, title_of(class_type, schema.info), extend)


class Loader:
    """One loading of one workflow."""

    def __init__(self, workflow: WorkflowFile, classes: ClassTable):
        self.workflow = workflow
        self.classes = classes
        self.warnings: list[str] = []
        self.last_id = workflow.last_node_id
        self.definitions: dict[str, LiveGraph] = {}
        self.unknown: dict[str, list[str]] = {}
        self.groups: dict[str, GroupType] = {}
        self._with_extra_inputs: list[LiveNode] = []
        self._graphs: list[LiveGraph] = []

    def close(self) -> None:
        """Takes the live graphs apart, so that they are freed at once and not by the collector of cycles."""
        for graph in self._graphs:
            for node in graph.nodes:
                node.inner = None
            graph.nodes, graph.by_id, graph.hosts = [], {}, []

    def load(self) -> LiveGraph:
        definitions, root_nodes = self._with_unique_ids()
        for definition in definitions:
            self.definitions[definition.id] = _new_definition(definition)
        for definition in _innermost_first(definitions):
            graph = self.definitions[definition.id]
            self._configure(graph, definition, definition.nodes)
            self._reset_boundaries(graph, definition)
        root = LiveGraph()
        self._graphs = [*self.definitions.values(), root]
        root.last_link = self.workflow.last_link_id
        self._read_groups(definitions)
        self._configure(root, self.workflow, root_nodes)
        graphs = list(reachable(root))
        for graph in graphs:
            _fix_target_slots(graph)
        for node in self._with_extra_inputs:
            _drop_widgetless_inputs(node)
        for graph in graphs:
            for node in graph.nodes:
                if node.type == 'PrimitiveNode' and node.virtual:
                    create_primitive_widget(node)
        for graph in graphs:
            for node in graph.nodes:
                _settle_values(node)
        if self.groups:
            unpacked = GroupUnpacker(root, self.groups, self._unpacked, self._new_id).unpack_all()
            graphs += unpacked
            self._graphs += unpacked
        settle_types(graphs)
        if self.unknown:
            listed = ', '.join(f'{type_} (node {", ".join(ids[:5])})' for type_, ids in list(self.unknown.items())[:50])
            self.warnings.append(f'node types the server does not know: {listed}')
        return root

    def _read_groups(self, definitions: Sequence[SubgraphDefinition]) -> None:
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

    def _new_id(self) -> str:
        self.last_id += 1
        return str(self.last_id)

    # Ids.

    def _with_unique_ids(self) -> tuple[list[SubgraphDefinition], Sequence[WorkflowNode]]:
        """Gives nodes in definitions new ids where an id is in use (`deduplicateSubgraphNodeIds`)."""
        definitions = list(self.workflow.subgraphs.values())
        if not definitions:
            return [], self.workflow.nodes
        used = {node.id for node in self.workflow.nodes if _is_number(node.id)}
        renamed: dict[str, dict[str, str]] = {}
        nodes_of = {definition.id: self._renamed(definition, used, renamed) for definition in definitions}
        if not renamed:
            return definitions, self.workflow.nodes
        changed = []
        for definition in definitions:
            ids = renamed.get(definition.id, {})
            links = definition.links
            if ids:
                links = tuple(
                    link._replace(origin=ids.get(link.origin, link.origin), target=ids.get(link.target, link.target))
                    if link.origin in ids or link.target in ids
                    else link
                    for link in links
                )
            nodes = tuple(_with_renamed_proxies(node, renamed) for node in nodes_of[definition.id])
            changed.append(replace(definition, nodes=nodes, links=links))
        return changed, [_with_renamed_proxies(node, renamed) for node in self.workflow.nodes]

    def _renamed(
        self, definition: SubgraphDefinition, used: set[str], renamed: dict[str, dict[str, str]]
    ) -> list[WorkflowNode]:
        nodes = []
        for node in definition.nodes:
            if node.id in used:
                new = self._next_id(used)
                renamed.setdefault(definition.id, {})[node.id] = new
                node = node._replace(id=new)
            elif _is_number(node.id):
                self.last_id = max(self.last_id, int(node.id))
            used.add(node.id)
            nodes.append(node)
        return nodes

    def _next_id(self, used: set[str]) -> str:
        while True:
            self.last_id += 1
            if self.last_id > _MOST_IDS:
                raise TranspileError(f'node ids beyond {_MOST_IDS}: there is none left for a node whose id is taken')
            if str(self.last_id) not in used:
                return str(self.last_id)

    # One graph.

    def _configure(self, graph: LiveGraph, source: WorkflowGraph, infos: Sequence[WorkflowNode]) -> None:
        for link in source.links:
            graph.links[link.id] = LiveLink(*link)
        graph.last_link = max([graph.last_link, *graph.links])
        added = [self._add(graph, info) for info in infos]
        for node in added:
            self._configure_node(node)
        _drop_duplicate_links(graph)
        for node in added:
            if node.inner is not None and 'proxyWidgets' in node.properties:
                flush_proxy_widgets(node)

    def _add(self, graph: LiveGraph, info: WorkflowNode) -> LiveNode:
        node = self._create(graph, info)
        node.info = info
        node.id = info.id
        if node.id in graph.by_id or node.id == '-1':
            self.last_id += 1
            node.id = str(self.last_id)
        elif _is_number(node.id) and int(node.id) > self.last_id:
            self.last_id = int(node.id)
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
            return self.classes.prototypes.new(node_class, graph)
        group = self.groups.get(info.type)
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
            apply_promoted_values(node, _value_list(info.widgets_values))
            return
        if node.node_class is None:
            node.inputs = [_input(slot) for slot in info.inputs]
            node.outputs = [LiveOutput(slot.name, slot.type, list(slot.links)) for slot in info.outputs]
            if not node.virtual:
                add_unknown_widgets(node, info)
            return
        special = SPECIAL_TYPES.get(node.type)
        if special is not None and special.saved_inputs is not None:
            for spec in special.saved_inputs(node.properties):
                add_node_input(node, spec)
        if _take_slots(node, info):
            self._with_extra_inputs.append(node)
        if info.widgets_values:
            _take_values(node, info)

    def _reset_boundaries(self, graph: LiveGraph, definition: SubgraphDefinition) -> None:
        """Reads a definition's own inputs and outputs once more, now that its links are repaired."""
        for boundary, slot in zip(graph.inputs, definition.inputs):
            boundary.links = list(slot.links)
        for boundary, slot in zip(graph.outputs, definition.outputs):
            boundary.links = list(slot.links)
        _repair_boundary_links(graph)
        rebind_hosts(graph)


def _is_number(id: str) -> bool:
    return id.isascii() and id.isdigit() and len(id) < 16 and (id == '0' or id[0] != '0')


def _new_definition(definition: SubgraphDefinition) -> LiveGraph:
    graph = LiveGraph(definition.id, definition.name)
    graph.inputs = [Boundary(slot.name, slot.type, list(slot.links)) for slot in definition.inputs]
    graph.outputs = [Boundary(slot.name, slot.type, list(slot.links)) for slot in definition.outputs]
    return graph


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


def _input(slot: InputSlot) -> LiveInput:
    return LiveInput(slot.name, slot.type, slot.link, slot.widget)


def _take_slots(node: LiveNode, info: WorkflowNode) -> bool:
    """Links come from the file by name; names, types and widgets from the description.

    Inputs that the description lacks are kept; True where one of them stands for a widget.
    """
    by_name = {slot.name: slot for slot in info.inputs}
    for slot in node.inputs:
        saved = by_name.pop(slot.name, None)
        if saved is not None:
            slot.link = saved.link
    extra = False
    if by_name:
        known = {slot.name for slot in node.inputs}
        added = [_input(slot) for slot in info.inputs if slot.name not in known]
        node.inputs.extend(added)
        extra = any(slot.widget is not None for slot in added)
        for widget in node.widgets:
            if isinstance(widget, DynamicCombo):
                widget.is_new = False
    for index, saved in enumerate(info.outputs):
        if index < len(node.outputs):
            node.outputs[index].links = list(saved.links)
        else:
            node.outputs.append(LiveOutput(saved.name, saved.type, list(saved.links)))
    if node.autogrow:
        _announce_links(node)
    return extra


def _announce_links(node: LiveNode) -> None:
    """Lets each linked input grow its group; inputs added on the way are met too."""
    index = 0
    while index < len(node.inputs):
        number = node.inputs[index].link
        if number is not None and number in node.graph.links:
            input_linked(node, index)
        index += 1


def _take_values(node: LiveNode, info: WorkflowNode) -> None:
    saved = info.widgets_values
    if isinstance(saved, dict):
        _take_named_values(node, saved)
        return
    if saved is None:
        return
    values = _without_forced(node, _value_list(saved))
    taken = 0
    place = 0
    # The list grows while it is walked: a value can bring further widgets.
    widgets, count = node.widgets, len(values)
    while taken < count and place < len(widgets):
        widget = widgets[place]
        place += 1
        if widget.in_file:
            widget.set(node, values[taken])
            taken += 1


def _take_named_values(node: LiveNode, values: Mapping[str, Any]) -> None:
    """Values that a pack saved by name."""
    place = 0
    while place < len(node.widgets):
        widget = node.widgets[place]
        place += 1
        if widget.in_file and widget.name in values:
            widget.set(node, values[widget.name])


def _without_forced(node: LiveNode, values: Sequence[Any]) -> Sequence[Any]:
    """Drops the places of inputs that old files still counted as widgets (`migrateWidgetsValues`)."""
    if node.node_class is None or not node.node_class.has_forced:
        return values
    names = {widget.name for widget in node.widgets}
    dropped: list[bool] = []
    for spec in node.node_class.declared:
        if spec.name in names or spec.forced:
            dropped.append(spec.forced)
            if spec.options.get('control_after_generate'):
                dropped.append(False)
    if len(dropped) != len(values) or True not in dropped:
        return values
    return [value for value, drop in zip(values, dropped) if not drop]


def _value_list(values: Any) -> Sequence[Any]:
    return values if isinstance(values, (list, tuple)) else ()


def _drop_duplicate_links(graph: LiveGraph) -> None:
    """Of several links between the same two slots one stays: the one the input names."""
    slots = [(link.origin, link.origin_slot, link.target, link.target_slot) for link in graph.links.values()]
    if len(set(slots)) == len(slots):
        return
    groups: dict[tuple[str, int, str, int], list[int]] = {}
    for ends, id in zip(slots, graph.links):
        groups.setdefault(ends, []).append(id)
    for (origin_id, origin_slot, target_id, _), ids in groups.items():
        if len(ids) == 1:
            continue
        target = graph.by_id.get(target_id)
        inputs = target.inputs if target is not None else []
        known = set(ids)
        keep = next((slot.link for slot in inputs if slot.link in known), ids[0])
        origin = graph.by_id.get(origin_id)
        if origin is not None and 0 <= origin_slot < len(origin.outputs):
            output = origin.outputs[origin_slot]
            output.links = [id for id in output.links if id == keep or id not in known]
        for id in known:
            if id != keep:
                graph.links.pop(id, None)
        for slot in inputs:
            if slot.link in known:
                slot.link = keep


def _repair_boundary_links(graph: LiveGraph) -> None:
    missing = [
        (boundary.links, position, is_input, index)
        for is_input, boundaries in ((True, graph.inputs), (False, graph.outputs))
        for index, boundary in enumerate(boundaries)
        for position, id in enumerate(boundary.links)
        if id not in graph.links
    ]
    if not missing:
        return
    first: dict[tuple[bool, int], int] = {}
    for link in graph.links.values():
        if link.origin == '-10':
            first.setdefault((True, link.origin_slot), link.id)
        if link.target == '-20':
            first.setdefault((False, link.target_slot), link.id)
    for links, position, is_input, index in missing:
        links[position] = first.get((is_input, index), links[position])


def _fix_target_slots(graph: LiveGraph) -> None:
    """`fixLinkInputSlots`: inputs know their links; where links say their inputs are may be out of date."""
    for node in graph.nodes:
        for index, slot in enumerate(node.inputs):
            link = graph.links.get(slot.link) if slot.link else None
            if link is not None:
                link.target_slot = index


def _drop_widgetless_inputs(node: LiveNode) -> None:
    """Takes away inputs that stand for a widget the node no longer has (`widgetInputs.ts: onGraphConfigured`).

    The web UI walks the list while it takes from it, so the input behind one that goes is never looked at.
    """
    names = {widget.name for widget in node.widgets}
    gone: list[int] = []
    index = 0
    while index < len(node.inputs):
        widget = node.inputs[index].widget
        if widget is not None and widget not in names:
            gone.append(index)
            index += 1
        index += 1
    if gone:
        remove_inputs(node, gone)


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

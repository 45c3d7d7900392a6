"""Group nodes, the subgraphs of old files: unpacked into nodes, which then become a subgraph, as the web UI does.

Its ways are kept, odd ones too: which value of the instance reaches which inner widget depends on how the group's
combined description comes out. Source: `extensions/core/groupNode.ts`, `LGraph.convertToSubgraph`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...graph.types import NUMBER_TYPES
from ..workflow_file import INPUT_NODE, OUTPUT_NODE, WorkflowNode, parse_node, type_name
from .build import input_linked
from .javascript import compatible, truthy
from .live_links import disconnect_input
from .model import Boundary, LiveGraph, LiveInput, LiveLink, LiveNode, LiveOutput
from .registry import VIRTUAL_TYPES, WIDGET_TYPES
from .specs import NodeClass, Spec, read_spec

_PREFIXES = ('workflow>', 'workflow/')
_WIDGET_TYPES = frozenset(WIDGET_TYPES) | {'COMFY_DYNAMICCOMBO_V3'}


@dataclass
class _Inner:
    """One node of a group, and what became of its widgets and inputs in the group's own description."""

    data: Mapping[str, Any]
    info: WorkflowNode
    index: int
    widgets: dict[str, str | None] = field(default_factory=dict)
    inputs: dict[str, int] = field(default_factory=dict)

    @property
    def type(self) -> str:
        return self.info.type

    @property
    def prefix(self) -> str:
        return f'{self.info.title or self.info.type} '


@dataclass
class GroupType:
    """A group's definition as a node type, with the way back to its inner nodes."""

    name: str
    node_class: NodeClass
    inner: list[_Inner]
    links: list[tuple[int, int, int, int, str]]
    outputs: list[tuple[int, int]]
    """Per output of the group: inner node and slot."""


def group_name(type_: str) -> str | None:
    for prefix in _PREFIXES:
        if type_.startswith(prefix):
            return type_[len(prefix) :]
    return None


def read_group(name: str, data: Any, find_class: Callable[[str], NodeClass | None]) -> GroupType | None:
    """The type made of a definition in `extra.groupNodes`; None where one of its nodes is unknown or it is broken."""
    nodes = data.get('nodes') if isinstance(data, Mapping) else None
    if not isinstance(nodes, (list, tuple)) or not all(isinstance(node, Mapping) for node in nodes):
        return None
    inner = [_Inner(node, parse_node(node, index), index) for index, node in enumerate(nodes)]
    if any(find_class(node.type) is None and node.type not in VIRTUAL_TYPES for node in inner):
        return None
    return _GroupReader(name, data, inner, find_class).read()


class _GroupReader:
    def __init__(
        self,
        name: str,
        data: Mapping[str, Any],
        inner: list[_Inner],
        find_class: Callable[[str], NodeClass | None],
    ):
        self.name = name
        self.inner = inner
        self.find_class = find_class
        self.config = data.get('config') if isinstance(data.get('config'), Mapping) else {}
        self.links = _read_links(data.get('links'), len(inner))
        self.to: dict[tuple[int, int], tuple[int, int]] = {}
        self.starts: set[tuple[int, int]] = set()
        for origin, origin_slot, target, target_slot, _ in self.links:
            self.to[target, target_slot] = (origin, origin_slot)
            self.starts.add((origin, origin_slot))
        self.external = _read_external(data.get('external'))
        self.specs: dict[str, Spec] = {}
        self.seen: dict[str, int] = {}
        self.count = 0
        self.outputs: list[tuple[str, str]] = []
        self.output_sources: list[tuple[int, int]] = []

    def read(self) -> GroupType:
        later = [self._read_node(node) for node in self.inner]
        for step in later:
            if step is not None:
                step()
        specs = list(self.specs.values())
        node_class = NodeClass(f'workflow>{self.name}', self.name, specs, self.outputs, [], specs)
        return GroupType(self.name, node_class, self.inner, self.links, self.output_sources)

    def _read_node(self, node: _Inner) -> Callable[[], None] | None:
        described = self._describe(node)
        if described is None:
            return None
        specs, outputs = described
        later = self._read_inputs(node, specs)
        for slot, (name, type_) in enumerate(outputs):
            hidden = (node.index, slot) in self.starts and not truthy(self.external.get((node.index, slot)))
            visible = self._setting(node, 'output', str(slot)).get('visible')
            if visible is None:
                visible = not hidden
            if truthy(visible):
                self.outputs.append((name, type_))
                self.output_sources.append((node.index, slot))
        return later

    def _describe(self, node: _Inner) -> tuple[list[Spec], list[tuple[str, str]]] | None:
        known = self.find_class(node.type)
        if known is not None:
            return known.declared, known.outputs
        out = [link for link in self.links if link[0] == node.index and link[1] == 0]
        if node.type == 'PrimitiveNode' and out:
            return self._describe_primitive(node, out)
        if node.type == 'Reroute':
            fed = (node.index, 0) in self.to
            if fed and out and not truthy(self.external.get((node.index, 0))):
                return None
            type_ = out[0][4] if out else str(self.external.get((node.index, 0)) or '*')
            return [read_spec(type_, type_, {'forceInput': True}, False)], [(type_, type_)]
        return None

    def _describe_primitive(
        self, node: _Inner, out: Sequence[tuple[int, int, int, int, str]]
    ) -> tuple[list[Spec], list[tuple[str, str]]]:
        target = self.inner[out[0][2]]
        slots = target.info.inputs
        slot = slots[out[0][3]] if out[0][3] < len(slots) else None
        known = self.find_class(target.type)
        raw = known.config(slot.widget or slot.name) if known is not None and slot is not None else None
        type_, options = raw if raw is not None else (out[0][4], {})
        options = {**options, 'control_after_generate': True} if type_ in NUMBER_TYPES else options
        return [read_spec('value', type_, options, False)], [(out[0][4], out[0][4])]

    def _read_inputs(self, node: _Inner, specs: Sequence[Spec]) -> Callable[[], None]:
        """Widgets first, then sockets; inputs that were widgets once come after everything else."""
        converted: dict[int, Spec] = {}
        sockets: list[Spec] = []
        for spec in specs:
            if _is_widget(spec):
                place = next(
                    (i for i, slot in enumerate(node.info.inputs) if slot.name == spec.name == slot.widget), None
                )
                if place is not None:
                    converted[place] = spec
                    node.widgets[spec.name] = None
                else:
                    node.widgets[spec.name] = self._add(node, spec)
            else:
                sockets.append(spec)
        for index, spec in enumerate(sockets):
            if (node.index, index) not in self.to:
                visible = self._setting(node, 'input', spec.name).get('visible') is not False
                name = self._name(node, spec)
                if visible:
                    self._put(name, spec)
                    node.inputs[spec.name] = self.count
                    self.count += 1

        def finish() -> None:
            for offset, key in enumerate(sorted(converted, key=str)):
                if (node.index, len(sockets) + offset) not in self.to:
                    spec = converted[key]
                    node.widgets[spec.name] = self._add(node, spec)
                    node.inputs[spec.name] = self.count
                    self.count += 1

        return finish

    def _add(self, node: _Inner, spec: Spec) -> str:
        name = self._name(node, spec)
        self._put(name, spec)
        return name

    def _put(self, name: str, spec: Spec) -> None:
        options = dict(spec.options)
        if spec.name in ('seed', 'noise_seed'):
            options['control_after_generate'] = f'{name} control_after_generate'
        self.specs[name] = Spec(name, spec.type, False, options, spec.choices)

    def _name(self, node: _Inner, spec: Spec) -> str:
        given = self._setting(node, 'input', spec.name).get('name')
        label = next((slot.label for slot in node.info.inputs if slot.name == spec.name), None)
        name = given if isinstance(given, str) else (label or spec.name)
        key = name
        if (node.type == 'PrimitiveNode' and node.info.title) or name in self.seen:
            key = name = f'{node.prefix}{spec.name}'
            if name in self.seen:
                name = f'{node.prefix}{self.seen[name]} {spec.name}'
        self.seen[key] = self.seen.get(key, 1) + 1
        return name

    def _setting(self, node: _Inner, side: str, key: str) -> Mapping[str, Any]:
        found: Any = self.config
        for part in (str(node.index), side, key):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}


def _is_widget(spec: Spec) -> bool:
    """Lists of choices in the old form do not count as widgets here."""
    in_new_form = spec.type != 'COMBO' or 'options' in spec.options
    return in_new_form and spec.type in _WIDGET_TYPES


def _read_links(data: Any, count: int) -> list[tuple[int, int, int, int, str]]:
    found = []
    for item in data if isinstance(data, (list, tuple)) else ():
        if isinstance(item, (list, tuple)) and len(item) >= 4:
            ends = item[:4]
            whole = all(isinstance(end, int) and not isinstance(end, bool) and end >= 0 for end in ends)
            if whole and ends[0] < count and ends[2] < count:
                found.append((*ends, type_name(item[5]) if len(item) > 5 else '*'))
    return found


def _read_external(data: Any) -> dict[tuple[int, int], Any]:
    found = {}
    for item in data if isinstance(data, (list, tuple)) else ():
        if isinstance(item, (list, tuple)) and len(item) >= 3 and all(isinstance(part, int) for part in item[:2]):
            found[item[0], item[1]] = item[2]
    return found


def _is_open(node: LiveNode) -> bool:
    """Whether it is a node of the open graph: there, the page has unpacked what it could."""
    return node.info is not None and node.info.open is not None


class GroupUnpacker:
    """Turns the group nodes of a loaded root into instances of subgraphs."""

    def __init__(
        self,
        root: LiveGraph,
        types: Mapping[str, GroupType],
        create: Callable[[LiveGraph, WorkflowNode], LiveNode],
        next_id: Callable[[], str],
    ):
        self.root = root
        self.types = types
        self.create = create
        self.next_id = next_id

    def unpack_all(self) -> list[LiveGraph]:
        made = []
        while True:
            node = next((node for node in self.root.nodes if node.type in self.types and not _is_open(node)), None)
            if node is None:
                return made
            made.append(self._unpack(node, self.types[node.type]))

    def _unpack(self, group: LiveNode, type_: GroupType) -> LiveGraph:
        nodes = [self._make(inner, group) for inner in type_.inner]
        for origin, origin_slot, target, target_slot, _ in type_.links:
            self._connect(nodes[origin], origin_slot, nodes[target], target_slot)
        self._reconnect_inputs(group, type_, nodes)
        self._reconnect_outputs(group, type_, nodes)
        self._remove(group)
        return self._to_subgraph(nodes)

    def _make(self, inner: _Inner, group: LiveNode) -> LiveNode:
        node = self.create(self.root, inner.info)
        node.id = self.next_id()
        for slot in node.inputs:
            slot.link = None
        for output in node.outputs:
            output.links = []
        self.root.nodes.append(node)
        self.root.by_id[node.id] = node
        for name, outer_name in inner.widgets.items():
            place = next((i for i, widget in enumerate(group.widgets) if widget.name == outer_name), None)
            if place is None:
                continue
            if inner.type == 'PrimitiveNode':
                for offset, own in enumerate(node.widgets):
                    if place + offset < len(group.widgets):
                        own.set(node, group.widgets[place + offset].get(group))
                continue
            own = node.widget(name)
            if own is not None:
                own.set(node, group.widgets[place].get(group))
        return node

    def _connect(self, origin: LiveNode, origin_slot: int, target: LiveNode, target_slot: int) -> None:
        if not 0 <= origin_slot < len(origin.outputs) or not 0 <= target_slot < len(target.inputs):
            return
        output, slot = origin.outputs[origin_slot], target.inputs[target_slot]
        if origin is target or not compatible(output.type, slot.type):
            return
        if slot.link is not None:
            disconnect_input(target, target_slot)
        link = LiveLink(self.root.new_link(), origin.id, origin_slot, target.id, target_slot, output.type)
        self.root.links[link.id] = link
        output.links.append(link.id)
        slot.link = link.id
        input_linked(target, target_slot)

    def _reconnect_inputs(self, group: LiveNode, type_: GroupType, nodes: Sequence[LiveNode]) -> None:
        for inner, node in zip(type_.inner, nodes):
            for name, place in inner.inputs.items():
                number = group.inputs[place].link if place < len(group.inputs) else None
                link = self.root.links.get(number) if number is not None else None
                origin = self.root.by_id.get(link.origin) if link is not None else None
                index = next((i for i, slot in enumerate(node.inputs) if slot.name == name), None)
                if link is not None and origin is not None and index is not None:
                    self._connect(origin, link.origin_slot, node, index)

    def _reconnect_outputs(self, group: LiveNode, type_: GroupType, nodes: Sequence[LiveNode]) -> None:
        for (index, slot), output in zip(type_.outputs, group.outputs):
            for number in list(output.links):
                link = self.root.links.get(number)
                target = self.root.by_id.get(link.target) if link is not None else None
                if link is not None and target is not None:
                    self._connect(nodes[index], slot, target, link.target_slot)

    def _remove(self, node: LiveNode) -> None:
        for index in range(len(node.inputs)):
            disconnect_input(node, index)
        for output in node.outputs:
            for number in list(output.links):
                link = self.root.links.get(number)
                target = self.root.by_id.get(link.target) if link is not None else None
                for slot in target.inputs if target is not None else ():
                    if slot.link == number:
                        slot.link = None
                self.root.links.pop(number, None)
        self.root.nodes.remove(node)
        if self.root.by_id.get(node.id) is node:
            del self.root.by_id[node.id]

    def _to_subgraph(self, nodes: Sequence[LiveNode]) -> LiveGraph:
        """Moves the nodes inside a definition of their own and puts its one instance in their place."""
        root = self.root
        inside = {node.id for node in nodes}
        graph = LiveGraph(f'group:{nodes[0].id}' if nodes else 'group:', 'New Subgraph')
        host = LiveNode(graph.definition or '', root)
        host.inner, host.virtual, host.title = graph, True, graph.name
        graph.hosts.append(host)
        sources: dict[tuple[str, int], int] = {}
        results: dict[tuple[str, int], int] = {}
        moved: list[LiveLink] = []
        for node in nodes:
            for slot in node.inputs:
                link = root.links.get(slot.link) if slot.link is not None else None
                if link is None:
                    slot.link = None
                    continue
                if link.origin not in inside:
                    self._boundary_input(graph, host, sources, link, slot)
                moved.append(link)
        for node in nodes:
            for output in node.outputs:
                for number in list(output.links):
                    link = root.links.get(number)
                    if link is not None and link.target not in inside and link.target in root.by_id:
                        self._boundary_output(graph, host, results, link, output)
                        output.links.remove(number)
        for link in moved:
            root.links.pop(link.id, None)
            graph.links[link.id] = link
        for node in nodes:
            root.nodes.remove(node)
            root.by_id.pop(node.id, None)
            node.graph = graph
            graph.nodes.append(node)
            graph.by_id[node.id] = node
        host.id = self.next_id()
        for link in root.links.values():
            link.origin = host.id if link.origin == '' else link.origin
            link.target = host.id if link.target == '' else link.target
        root.nodes.append(host)
        root.by_id[host.id] = host
        return graph

    def _boundary_input(
        self, graph: LiveGraph, host: LiveNode, sources: dict[tuple[str, int], int], link: LiveLink, slot: LiveInput
    ) -> None:
        root = self.root
        key = (link.origin, link.origin_slot)
        origin = root.by_id.get(link.origin)
        output = (
            origin.outputs[link.origin_slot]
            if origin is not None and 0 <= link.origin_slot < len(origin.outputs)
            else None
        )
        if output is not None and link.id in output.links:
            output.links.remove(link.id)
        if key not in sources:
            sources[key] = len(graph.inputs)
            boundary = Boundary(_unique(slot.name, graph.inputs), slot.type, [])
            graph.inputs.append(boundary)
            own = LiveInput(boundary.name, boundary.type)
            own.boundary = boundary
            host.inputs.append(own)
            if output is not None:
                outer = LiveLink(root.new_link(), link.origin, link.origin_slot, '', sources[key], link.type)
                root.links[outer.id] = outer
                output.links.append(outer.id)
                own.link = outer.id
        graph.inputs[sources[key]].links.append(link.id)
        link.origin, link.origin_slot = INPUT_NODE, sources[key]

    def _boundary_output(
        self, graph: LiveGraph, host: LiveNode, results: dict[tuple[str, int], int], link: LiveLink, output: LiveOutput
    ) -> None:
        root = self.root
        key = (link.origin, link.origin_slot)
        if key not in results:
            results[key] = len(graph.outputs)
            inner = LiveLink(root.new_link(), link.origin, link.origin_slot, OUTPUT_NODE, results[key], link.type)
            graph.links[inner.id] = inner
            graph.outputs.append(Boundary(_unique(output.name, graph.outputs), output.type, [inner.id]))
            host.outputs.append(LiveOutput(output.name, output.type))
        host.outputs[results[key]].links.append(link.id)
        link.origin, link.origin_slot = '', results[key]


def _unique(name: str, taken: Sequence[Boundary]) -> str:
    names = {boundary.name for boundary in taken}
    unique, number = name, 1
    while unique in names:
        unique, number = f'{name}_{number}', number + 1
    return unique

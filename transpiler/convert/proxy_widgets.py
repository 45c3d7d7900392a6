"""`properties.proxyWidgets` of old files: what an instance of a subgraph showed of its inside, made into inputs.

Source: `proxyWidgetMigration.ts`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..workflow_file import INPUT_NODE
from .hosts import concrete, input_target, parse_list, promotion_source, set_widget
from .javascript import UNDEFINED
from .live_links import connect_boundary, disconnect_input, slot_with_link
from .model import Boundary, LiveGraph, LiveInput, LiveLink, LiveNode, Widget

_PREFIX = re.compile(r'\s*([0-9]+)\s*:\s*(.+)', re.DOTALL)
_PREVIEW_TYPES = frozenset({'preview', 'video', 'audioUI'})


@dataclass
class _Entry:
    """One line of `proxyWidgets`: an inner node's widget, shown on the instance, and the value saved for it."""

    node_id: str
    name: str
    origin: str
    value: Any
    via: str | None = None


def flush_proxy_widgets(host: LiveNode) -> None:
    """Turns an instance's `proxyWidgets` into inputs of its definition (`flushProxyWidgetMigration`)."""
    entries = _read_entries(host)
    primitives: dict[str, list[_Entry]] = {}
    linked = _linked_inputs(host)
    counts = Counter(entry.node_id for entry in entries)
    plans = [(entry, _plan(host, entry, linked, counts)) for entry in entries]
    for entry, plan in plans:
        if plan == 'primitive':
            primitives.setdefault(entry.node_id, []).append(entry)
        elif plan == 'create':
            if not _create_input(host, entry):
                _keep_aside(host, entry)
        elif plan == 'aside' or (plan is not None and not _give_value(host, plan[1], entry.value)):
            _keep_aside(host, entry)
    for cohort in primitives.values():
        if not _bypass_primitive(host, cohort):
            for entry in cohort:
                _keep_aside(host, entry)


def _read_entries(host: LiveNode) -> list[_Entry]:
    raw = parse_list(host.properties.get('proxyWidgets'))
    for item in raw:
        if (
            not isinstance(item, (list, tuple))
            or len(item) not in (2, 3)
            or not all(isinstance(part, str) for part in item)
        ):
            return []
    values = host.info.widgets_values if host.info is not None else None
    values = values if isinstance(values, (list, tuple)) else ()
    entries = []
    for index, item in enumerate(raw):
        value = values[index] if index < len(values) and values[index] is not None else UNDEFINED
        node_id, name = item[0], item[1]
        via = item[2] if len(item) == 3 else None
        if concrete(host, node_id, name) is None:
            name, deepest = _without_prefixes(name)
            via = deepest or via
        entries.append(_Entry(node_id, name, item[0], value, via))
    return entries


def _without_prefixes(name: str) -> tuple[str, str | None]:
    deepest = None
    while match := _PREFIX.fullmatch(name):
        deepest, name = match.groups()
    return name, deepest


_Plan = str | tuple[str, str] | None


def _plan(host: LiveNode, entry: _Entry, linked: Mapping[tuple[str, str], str], counts: Mapping[str, int]) -> _Plan:
    if (entry.node_id, entry.name) in linked:
        return ('linked', linked[entry.node_id, entry.name])
    graph = host.inner
    node = graph.by_id.get(entry.node_id) if graph is not None else None
    if graph is None or node is None:
        return 'aside'
    if node.type == 'PrimitiveNode':
        marker = node.properties.get('proxyBypassedToSubgraphInput')
        if isinstance(marker, str) and any(slot.name == marker for slot in host.inputs):
            return ('linked', marker)
        targets = any(id in graph.links for id in (node.outputs[0].links if node.outputs else ()))
        return 'primitive' if targets or counts[entry.node_id] >= 2 else 'aside'
    widget = _source_widget(node, entry)
    if widget is None:
        return 'aside'
    if entry.name.startswith('$$') or _is_preview(widget):
        return None
    return 'create'


def _linked_inputs(host: LiveNode) -> dict[tuple[str, str], str]:
    """The instance's inputs by the inner widget (node id, name) they stand for."""
    found: dict[tuple[str, str], str] = {}
    for slot in host.inputs:
        source = promotion_source(host.inner, slot.boundary) if host.inner and slot.boundary else None
        if source is not None:
            found.setdefault(source, slot.name)
    return found


def _source_widget(node: LiveNode, entry: _Entry) -> Widget | None:
    if node.inner is not None:
        for slot in node.inputs:
            target = input_target(node, slot.name)
            if entry.via is not None:
                found = target == (entry.via, entry.name)
            else:
                found = slot.name == entry.name or (target is not None and target[1] == entry.name)
            if found:
                if slot.promoted is not None:
                    return slot.promoted
                break
    return node.widget(entry.name)


def _is_preview(widget: Widget) -> bool:
    return not (widget.in_file and widget.in_prompt) and widget.type in _PREVIEW_TYPES


def _give_value(host: LiveNode, input_name: str, value: Any) -> bool:
    matches = [slot for slot in host.inputs if slot.name == input_name]
    if len(matches) != 1 or matches[0].promoted is None:
        return False
    if value is not UNDEFINED:
        matches[0].promoted.state.value = value
    return True


def _keep_aside(host: LiveNode, entry: _Entry) -> None:
    """An entry that names the instance's own input still gives its value (`appendQuarantine`)."""
    if entry.origin != '-1' or entry.value is UNDEFINED:
        return
    for slot in host.inputs:
        if slot.name == entry.name:
            if slot.promoted is not None:
                slot.promoted.state.value = entry.value
            return


def _add_boundary(graph: LiveGraph, name: str, type_: str) -> Boundary:
    taken = {boundary.name for boundary in graph.inputs}
    unique, number = name, 1
    while unique in taken:
        unique, number = f'{name}_{number}', number + 1
    boundary = Boundary(unique, type_, [])
    graph.inputs.append(boundary)
    for host in graph.hosts:
        slot = LiveInput(unique, type_)
        slot.boundary = boundary
        host.inputs.append(slot)
    return boundary


def _drop_boundary(graph: LiveGraph, boundary: Boundary) -> None:
    index = graph.inputs.index(boundary)
    for number in list(boundary.links):
        link = graph.links.pop(number, None)
        node = graph.by_id.get(link.target) if link is not None else None
        slot = slot_with_link(node, number) if node is not None else None
        if slot is not None:
            slot.link = None
    del graph.inputs[index]
    for host in graph.hosts:
        host.inputs = [slot for slot in host.inputs if slot.boundary is not boundary]
    for link in graph.links.values():
        if link.origin == INPUT_NODE and link.origin_slot > index:
            link.origin_slot -= 1


def _connect(graph: LiveGraph, boundary: Boundary, node: LiveNode, slot: LiveInput) -> bool:
    widget = node.widget_of(slot)
    if connect_boundary(graph, boundary, node, slot) is None:
        return False
    if widget is not None:
        for host in graph.hosts:
            for own in host.inputs:
                if own.boundary is boundary:
                    set_widget(host, own, node, widget)
    return True


def _create_input(host: LiveNode, entry: _Entry) -> bool:
    graph = host.inner
    node = graph.by_id.get(entry.node_id) if graph is not None else None
    widget = _source_widget(node, entry) if node is not None else None
    slot = node.slot_of(widget) if node is not None and widget is not None else None
    if graph is None or node is None or slot is None:
        return False
    boundary = _add_boundary(graph, entry.name, slot.type)
    if not _connect(graph, boundary, node, slot):
        _drop_boundary(graph, boundary)
        return False
    _give_value(host, boundary.name, entry.value)
    return True


def _bypass_primitive(host: LiveNode, cohort: Sequence[_Entry]) -> bool:
    """Puts an input of the subgraph in the place of a PrimitiveNode inside (`repairPrimitive`)."""
    graph = host.inner
    first = cohort[0]
    primitive = graph.by_id.get(first.node_id) if graph is not None else None
    if graph is None or primitive is None or not primitive.outputs:
        return False
    if any(entry.name != first.name for entry in cohort):
        return False
    output = primitive.outputs[0]
    links = [graph.links.get(id) for id in output.links]
    targets: list[tuple[LiveNode, int]] = []
    for link in links:
        node = graph.by_id.get(link.target) if link is not None else None
        if link is None or node is None or not 0 <= link.target_slot < len(node.inputs):
            return False
        theirs = node.inputs[link.target_slot].type
        if theirs != output.type and '*' not in (theirs, output.type):
            return False
        targets.append((node, link.target_slot))
    if not targets:
        return False
    # An untitled one is called Primitive, and the web UI takes that for a title of the user's.
    title = primitive.title if primitive.title != 'PrimitiveNode' else None
    boundary = _add_boundary(graph, title or first.name, output.type)
    for node, index in targets:
        disconnect_input(node, index)
    for node, index in targets:
        if not _connect(graph, boundary, node, node.inputs[index]):
            _drop_boundary(graph, boundary)
            _reconnect(graph, primitive, targets)
            return False
    value = next((entry.value for entry in cohort if entry.value is not UNDEFINED), UNDEFINED)
    if value is UNDEFINED:
        widget = primitive.widget(first.name)
        value = widget.get(primitive) if widget is not None else UNDEFINED
    _give_value(host, boundary.name, value)
    primitive.properties['proxyBypassedToSubgraphInput'] = boundary.name
    return True


def _reconnect(graph: LiveGraph, primitive: LiveNode, targets: Sequence[tuple[LiveNode, int]]) -> None:
    for node, index in targets:
        if index < len(node.inputs) and node.inputs[index].link is None:
            link = LiveLink(graph.new_link(), primitive.id, 0, node.id, index, node.inputs[index].type)
            graph.links[link.id] = link
            node.inputs[index].link = link.id
            primitive.outputs[0].links.append(link.id)

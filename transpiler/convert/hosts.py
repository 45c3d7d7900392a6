"""Instances of subgraphs: their sockets, and the widgets that they show for the inside.

Sources: `SubgraphNode.ts`, `core/graph/subgraph/*.ts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ..workflow_file import WorkflowNode
from .javascript import UNDEFINED
from .live_links import slot_with_link
from .model import Boundary, LiveGraph, LiveInput, LiveNode, LiveOutput, PromotedWidget, State, Widget

_CHAIN = 100
_QUARANTINE = 'proxyWidgetErrorQuarantine'


def bind_host(host: LiveNode, info: WorkflowNode) -> None:
    """Gives an instance the definition's sockets, the file's links (by name), and a widget per promoted input."""
    graph = host.inner
    assert graph is not None
    saved = {slot.name: slot for slot in info.inputs}
    host.inputs = []
    for boundary in graph.inputs:
        slot = LiveInput(boundary.name, boundary.type)
        if boundary.name in saved:
            slot.link = saved[boundary.name].link
        slot.boundary = boundary
        host.inputs.append(slot)
    host.outputs = [LiveOutput(boundary.name, boundary.type) for boundary in graph.outputs]
    for index, output in enumerate(info.outputs):
        if index < len(host.outputs):
            host.outputs[index].links = list(output.links)
        else:
            host.outputs.append(LiveOutput(output.name, output.type, list(output.links)))
    for slot in host.inputs:
        _promote_first(host, slot)


def apply_promoted_values(host: LiveNode, values: Sequence[Any]) -> None:
    """`widgets_values` of an instance: one per promoted input, in order."""
    kept = dict(_quarantined(host))
    index = 0
    for slot in host.inputs:
        if slot.promoted is None:
            continue
        value = kept.get(slot.name, UNDEFINED)
        if value is UNDEFINED and index < len(values):
            value = values[index]
        if value is not UNDEFINED:
            slot.promoted.state.value = value
        index += 1


def rebind_hosts(graph: LiveGraph) -> None:
    """Promotes for instances that were made before their definition was loaded: by the first link alone.

    That is the web UI's order where one definition holds another twice; values saved for such an instance are lost.
    """
    for host in graph.hosts:
        for slot in host.inputs:
            boundary = slot.boundary
            link = graph.links.get(boundary.links[0]) if boundary is not None and boundary.links else None
            node = graph.by_id.get(link.target) if link is not None else None
            if link is None or node is None or not 0 <= link.target_slot < len(node.inputs):
                continue
            widget = node.widget_of(node.inputs[link.target_slot])
            if widget is not None:
                set_widget(host, slot, node, widget)


def _promote_first(host: LiveNode, slot: LiveInput) -> None:
    """The first link of the input that leads to a widget decides what the instance shows (`_resolveInputWidget`)."""
    graph, boundary = host.inner, slot.boundary
    assert graph is not None and boundary is not None
    for node, target in _ends(graph, boundary):
        widget = node.widget_of(target)
        if widget is None and node.inner is not None:
            found = input_target(node, target.name)
            shown = concrete(node, *found) if found is not None else None
            if shown is not None:
                node, widget = shown
        if widget is not None:
            set_widget(host, slot, node, widget)
            return


def set_widget(host: LiveNode, slot: LiveInput, node: LiveNode, widget: Widget) -> None:
    assert slot.boundary is not None
    host.host_states = host.host_states if host.host_states is not None else {}
    name = slot.boundary.name
    state = host.host_states.get(name)
    if state is None or state.type != widget.type:
        state = host.host_states[name] = State(widget.type, widget.get(node))
    promoted = PromotedWidget(name, widget.type, options=widget.options)
    promoted.state = state
    slot.promoted = promoted
    slot.widget = name


def _ends(graph: LiveGraph, boundary: Boundary) -> Iterator[tuple[LiveNode, LiveInput]]:
    """The nodes and inputs inside that a subgraph's input feeds."""
    for number in boundary.links:
        link = graph.links.get(number)
        node = graph.by_id.get(link.target) if link is not None else None
        slot = slot_with_link(node, number, link.target_slot) if node is not None and link is not None else None
        if node is not None and slot is not None:
            yield node, slot


def input_target(host: LiveNode, name: str) -> tuple[str, str] | None:
    """Which inner node's widget an instance's input stands for, as (node id, widget name)."""
    graph = host.inner
    boundary = next((item for item in graph.inputs if item.name == name), None) if graph is not None else None
    return promotion_source(graph, boundary) if graph is not None and boundary is not None else None


def promotion_source(graph: LiveGraph, boundary: Boundary) -> tuple[str, str] | None:
    """The first widget inside that a subgraph's input feeds, as (node id, widget name)."""
    for node, slot in _ends(graph, boundary):
        if node.inner is not None:
            return node.id, slot.name
        widget = node.widget_of(slot)
        if widget is not None:
            return node.id, widget.name
    return None


def concrete(host: LiveNode, node_id: str, name: str) -> tuple[LiveNode, Widget] | None:
    """Follows promoted widgets down to the one that holds a value (`resolveConcretePromotedWidget`)."""
    for _ in range(_CHAIN):
        node = host.inner.by_id.get(node_id) if host.inner is not None else None
        if node is None:
            return None
        if node.inner is None:
            widget = node.widget(name)
            return (node, widget) if widget is not None else None
        target = input_target(node, name)
        if target is None:
            return None
        host, (node_id, name) = node, target
    return None


def _quarantined(host: LiveNode) -> Iterator[tuple[str, Any]]:
    """Values the web UI kept aside for inputs it could not repair; an earlier entry wins."""
    entries = parse_list(host.properties.get(_QUARANTINE))
    for entry in reversed(entries):
        original = entry.get('originalEntry') if isinstance(entry, dict) else None
        if (
            isinstance(original, list)
            and len(original) >= 2
            and original[0] == '-1'
            and isinstance(original[1], str)
            and entry.get('hostValue') is not None
        ):
            yield original[1], entry['hostValue']


def parse_list(value: Any) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    return list(value) if isinstance(value, (list, tuple)) else []

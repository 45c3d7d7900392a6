"""Making and cutting links in a live graph (`LGraphNode.disconnectInput`, `SubgraphInput.connect`)."""

from __future__ import annotations

from ..workflow import INPUT_NODE
from .model import Boundary, Graph, Input, Link, Node, Widget

_RANGE_OPTIONS = ('min', 'max', 'step', 'step2', 'precision')


def target_of(graph: Graph, link: Link) -> Node | None:
    return graph.by_id.get(link.target)


def slot_with_link(node: Node, link: int) -> Input | None:
    for slot in node.inputs:
        if slot.link == link:
            return slot
    return None


def remove_input(node: Node, index: int) -> None:
    """Takes an input away, and its link with it."""
    disconnect_input(node, index)
    del node.inputs[index]
    for slot in node.inputs[index:]:
        link = node.graph.links.get(slot.link) if slot.link is not None else None
        if link is not None:
            link.target_slot -= 1


def disconnect_input(node: Node, index: int) -> None:
    if not 0 <= index < len(node.inputs):
        return
    slot = node.inputs[index]
    if slot.link is None:
        return
    number, slot.link = slot.link, None
    graph = node.graph
    link = graph.links.get(number)
    if link is None:
        return
    if link.origin == INPUT_NODE and graph.definition is not None:
        _leave_boundary(graph, link)
        return
    origin = graph.by_id.get(link.origin)
    if origin is None or not 0 <= link.origin_slot < len(origin.outputs):
        return
    links = origin.outputs[link.origin_slot].links
    if number in links:
        links.remove(number)
        graph.links.pop(number, None)


def _leave_boundary(graph: Graph, link: Link) -> None:
    graph.links.pop(link.id, None)
    if 0 <= link.origin_slot < len(graph.inputs):
        boundary = graph.inputs[link.origin_slot]
        if link.id in boundary.links:
            boundary.links.remove(link.id)
        if not boundary.links:
            boundary.shown = None


def connect_boundary(graph: Graph, boundary: Boundary, node: Node, slot: Input) -> Link | None:
    """Links a subgraph's input to a node inside, or gives None where the widgets behind it do not agree."""
    index = node.inputs.index(slot)
    if slot.link is not None:
        old = graph.links.get(slot.link)
        slot.link = None
        if old is not None:
            _leave_boundary(graph, old)
    widget = node.widget_of(slot)
    if widget is not None:
        if boundary.shown is not None and not _same_range(boundary.shown, widget):
            return None
        boundary.shown = widget
    link = Link(graph.new_link(), INPUT_NODE, graph.inputs.index(boundary), node.id, index, slot.type)
    graph.links[link.id] = link
    boundary.links.append(link.id)
    slot.link = link.id
    return link


def _same_range(first: Widget, second: Widget) -> bool:
    if first.type != second.type:
        return False
    one, two = first.options or {}, second.options or {}
    return all(one.get(key) == two.get(key) for key in _RANGE_OPTIONS)

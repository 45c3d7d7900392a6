"""Making and cutting links in a live graph (`LGraphNode.disconnectInput`, `SubgraphInput.connect`)."""

from __future__ import annotations

from collections.abc import Sequence

from ..workflow_file import INPUT_NODE
from .model import Boundary, LiveGraph, LiveInput, LiveLink, LiveNode, LiveOutput, Widget

_WIDE = 64
_RANGE_OPTIONS = ('min', 'max', 'step', 'step2', 'precision')


def slot_with_link(node: LiveNode, link: int, hint: int = -1) -> LiveInput | None:
    """The first input that has this link. `hint`: where it is if no other has it, to save the search in wide nodes."""
    if len(node.inputs) > _WIDE and 0 <= hint < len(node.inputs) and node.inputs[hint].link == link:
        return node.inputs[hint]
    for slot in node.inputs:
        if slot.link == link:
            return slot
    return None


def remove_inputs(node: LiveNode, indexes: Sequence[int]) -> None:
    """Takes inputs away, and their links with them."""
    graph = node.graph
    cut: dict[int, tuple[LiveOutput, set[int]]] = {}
    for index in indexes:
        slot = node.inputs[index]
        link = graph.links.get(slot.link) if slot.link is not None else None
        origin = graph.by_id.get(link.origin) if link is not None else None
        if link is None or origin is None or not 0 <= link.origin_slot < len(origin.outputs):
            disconnect_input(node, index)
            continue
        output = origin.outputs[link.origin_slot]
        cut.setdefault(id(output), (output, set()))[1].add(link.id)
        slot.link = None
    for output, numbers in cut.values():
        for number in output.links:
            if number in numbers:
                graph.links.pop(number, None)
        output.links = [number for number in output.links if number not in numbers]
    gone = set(indexes)
    node.inputs = [slot for index, slot in enumerate(node.inputs) if index not in gone]
    for index in range(min(indexes, default=0), len(node.inputs)):
        number = node.inputs[index].link
        link = node.graph.links.get(number) if number is not None else None
        if link is not None:
            link.target_slot = index


def disconnect_input(node: LiveNode, index: int) -> None:
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


def _leave_boundary(graph: LiveGraph, link: LiveLink) -> None:
    graph.links.pop(link.id, None)
    if 0 <= link.origin_slot < len(graph.inputs):
        boundary = graph.inputs[link.origin_slot]
        if link.id in boundary.links:
            boundary.links.remove(link.id)
        if not boundary.links:
            boundary.shown = None


def connect_boundary(graph: LiveGraph, boundary: Boundary, node: LiveNode, slot: LiveInput) -> LiveLink | None:
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
    link = LiveLink(graph.new_link(), INPUT_NODE, graph.inputs.index(boundary), node.id, index, slot.type)
    graph.links[link.id] = link
    boundary.links.append(link.id)
    slot.link = link.id
    return link


def _same_range(first: Widget, second: Widget) -> bool:
    if first.type != second.type:
        return False
    one, two = first.options or {}, second.options or {}
    return all(one.get(key) == two.get(key) for key in _RANGE_OPTIONS)

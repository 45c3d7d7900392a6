"""What the web UI repairs of a file's links while it loads them (`linkDeduplication.ts`, `LGraph.configure`)."""

from __future__ import annotations

from ..workflow_file import INPUT_NODE, OUTPUT_NODE
from .live_links import remove_inputs
from .model import LiveGraph, LiveNode


def drop_duplicate_links(graph: LiveGraph) -> None:
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


def repair_boundary_links(graph: LiveGraph) -> None:
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
        if link.origin == INPUT_NODE:
            first.setdefault((True, link.origin_slot), link.id)
        if link.target == OUTPUT_NODE:
            first.setdefault((False, link.target_slot), link.id)
    for links, position, is_input, index in missing:
        links[position] = first.get((is_input, index), links[position])


def fix_target_slots(graph: LiveGraph) -> None:
    """`fixLinkInputSlots`: inputs know their links; where links say their inputs are may be out of date."""
    for node in graph.nodes:
        for index, slot in enumerate(node.inputs):
            link = graph.links.get(slot.link) if slot.link else None
            if link is not None:
                link.target_slot = index


def drop_widgetless_inputs(node: LiveNode) -> None:
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

"""Nodes of the open graph: the page knows what they hold, so nothing is worked out from what a file would have."""

from __future__ import annotations

from collections.abc import Sequence

from ..workflow_file import InputSlot
from .model import LiveGraph, LiveInput, LiveNode, Widget
from .saved_values import live_input


def take_open_nodes(graphs: Sequence[LiveGraph]) -> None:
    """Values, titles and the kind of each node as the page tells them (`OpenNode`)."""
    for graph in graphs:
        for node in graph.nodes:
            if node.info is not None and node.info.open is not None and node.inner is None:
                _take(node)


def _take(node: LiveNode) -> None:
    assert node.info is not None and node.info.open is not None
    told = node.info.open
    node.virtual = told.virtual
    node.title = told.title
    node.unplaced = []
    known = {slot.name: slot for slot in reversed(node.inputs)}
    node.inputs[:] = [_slot(saved, known.get(saved.name)) for saved in node.info.inputs]
    old = {widget.name: widget for widget in reversed(node.widgets)}
    for name, widget in old.items():
        if name in told.values:
            widget.state.value = told.values[name]
    widgets = []
    for name, value in told.values.items():
        before = old.get(name)
        widget = Widget(name, before.type if before is not None else '', value)
        widget.on_change = before.on_change if before is not None else None
        widget.options = before.options if before is not None else None
        widget.dynamic_prompts = before is not None and before.dynamic_prompts
        widgets.append(widget)
    node.widgets[:] = widgets


def _slot(saved: InputSlot, known: LiveInput | None) -> LiveInput:
    if known is None:
        return live_input(saved)
    known.link = saved.link
    return known


def known_output(node: LiveNode, slot: int) -> tuple[str, int] | None:
    """Where the page says that a virtual node's output has its value from."""
    outputs = node.info.open.outputs if node.info is not None and node.info.open is not None else None
    found = outputs[slot] if outputs is not None and 0 <= slot < len(outputs) else None
    if isinstance(found, list) and len(found) == 2 and isinstance(found[0], str) and isinstance(found[1], int):
        return found[0], found[1]
    return None

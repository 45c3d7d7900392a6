"""What a new node takes from its entry in the file: links by name, values by place or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..workflow_file import InputSlot, WorkflowNode
from .build import DynamicCombo, input_linked
from .model import LiveGraph, LiveInput, LiveNode, LiveOutput


def live_input(slot: InputSlot) -> LiveInput:
    return LiveInput(slot.name, slot.type, slot.link, slot.widget)


def take_slots(node: LiveNode, info: WorkflowNode) -> bool:
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
        added = [live_input(slot) for slot in info.inputs if slot.name not in known]
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


def take_values(node: LiveNode, info: WorkflowNode) -> None:
    """Values go to the widgets in order, or by name where the file has names; what is left is noted."""
    saved = info.widgets_values
    if isinstance(saved, Mapping):
        _take_by_name(node, saved, 0)
        return
    if saved is None:
        return
    values = value_list(saved)
    names = list(info.named_values or ())
    if len(names) != len(values):
        _take_in_order(node, _without_forced(node, values), None)
        return
    place, taken = _take_in_order(node, values, names)
    if taken < len(values):
        # A list that was saved with names shows where its widgets are others than ours.
        _take_by_name(node, dict(zip(names[taken:], values[taken:])), place)


def _take_in_order(node: LiveNode, values: Sequence[Any], names: Sequence[str] | None) -> tuple[int, int]:
    """How many widgets and values were taken: up to the first that has another name in the file."""
    taken = 0
    place = 0
    # The list grows while it is walked: a value can bring further widgets.
    widgets, count = node.widgets, len(values)
    while taken < count and place < len(widgets):
        widget = widgets[place]
        if widget.in_file:
            if names is not None and widget.in_prompt and widget.name != names[taken]:
                return place, taken
            widget.set(node, values[taken])
            taken += 1
        place += 1
    if names is None:
        node.unplaced = [(None, value) for value in values[taken:]]
    return place, taken


def _take_by_name(node: LiveNode, values: Mapping[str, Any], place: int) -> None:
    """Values that a pack saved by name, for the widgets from a place on."""
    left = dict(values)
    while place < len(node.widgets):
        widget = node.widgets[place]
        place += 1
        if widget.in_file and widget.name in left:
            widget.set(node, left.pop(widget.name))
    node.unplaced = list(left.items())


_EMPTY = (None, '', [], {})
_LONGEST_SHOWN = 60
_MOST_WARNINGS = 50


def unplaced_values(graphs: Sequence[LiveGraph]) -> list[str]:
    """A line for each node whose file holds values that no widget of ours takes."""
    found = []
    for graph in graphs:
        for node in graph.nodes:
            left_out = left_out_of(node)
            if left_out is not None:
                title = '' if node.title in (None, node.type) else f' {node.title!r}'
                found.append(f'node {node.id} ({node.type}){title}: {left_out}')
    if len(found) > _MOST_WARNINGS:
        found[_MOST_WARNINGS:] = [f'{len(found) - _MOST_WARNINGS} more nodes have saved values that are left out']
    return found


def left_out_of(node: LiveNode) -> str | None:
    """The same of one node, without its name."""
    values = [_shown(name, value) for name, value in node.unplaced if value not in _EMPTY]
    return f'saved values that are left out: {", ".join(values)}' if values else None


def _shown(name: str | None, value: Any) -> str:
    text = repr(value)
    text = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + '…'
    return text if name is None else f'{name}={text}'


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


def value_list(values: Any) -> Sequence[Any]:
    return values if isinstance(values, (list, tuple)) else ()

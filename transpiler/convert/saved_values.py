"""What a new node takes from its entry in the file: links by name, values by place or by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..workflow_file import InputSlot, WorkflowNode
from .build import DynamicCombo, input_linked
from .model import LiveInput, LiveNode, LiveOutput


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
    saved = info.widgets_values
    if isinstance(saved, dict):
        _take_named_values(node, saved)
        return
    if saved is None:
        return
    values = _without_forced(node, value_list(saved))
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


def value_list(values: Any) -> Sequence[Any]:
    return values if isinstance(values, (list, tuple)) else ()

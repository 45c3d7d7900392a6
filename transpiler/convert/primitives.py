"""PrimitiveNode: it shows the widget of what it is linked to, and writes its value there when the prompt is made.

Sources: `extensions/core/widgetInputs.ts`, `widgetValuePropagation.ts`, `utils/nodeDefUtil.ts`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ...graph.types import NUMBER_TYPES
from .javascript import UNDEFINED, as_number, is_number
from .model import LiveGraph, LiveInput, LiveLink, LiveNode, Widget
from .registry import WIDGET_TYPES
from .specs import RawSpec, read_spec

_UNCOMPARED = frozenset(
    {'default', 'forceInput', 'defaultInput', 'control_after_generate', 'multiline', 'tooltip', 'dynamicPrompts'}
)


def create_primitive_widget(node: LiveNode) -> None:
    """Gives a linked PrimitiveNode its widget, with the value the file saved (`onAfterGraphConfigured`)."""
    links = node.outputs[0].links if node.outputs else []
    link = node.graph.links.get(links[0]) if links else None
    target = node.graph.by_id.get(link.target) if link is not None else None
    if link is None or target is None or not 0 <= link.target_slot < len(target.inputs):
        return
    slot = target.inputs[link.target_slot]
    config = _config(target, slot)
    if config is None:
        return
    type_, options = config
    is_combo = isinstance(type_, (list, tuple)) or type_ == 'COMBO'
    key = 'COMBO' if is_combo else str(type_)
    spec = read_spec('value', type_, options, False)
    before = len(node.widgets)
    if key in WIDGET_TYPES:
        widget = WIDGET_TYPES[key](node, spec)
    else:
        widget = node.add_widget(Widget('value', key.lower(), None))
    theirs = target.widget(slot.widget or slot.name)
    if theirs is not None:
        value = theirs.get(target)
        widget.set(node, value)
    if len(node.widgets) == before + 1 and widget.type in ('number', 'combo'):
        node.add_widget(Widget('control_after_generate', 'combo', 'fixed', in_prompt=False))
        if widget.type == 'combo':
            node.add_widget(Widget('control_filter_list', 'string', '', in_prompt=False))
    saved = node.info.widgets_values if node.info is not None else None
    if isinstance(saved, (list, tuple)):
        for own, value in zip(list(node.widgets), saved):
            own.set(node, value)
    if key in NUMBER_TYPES:
        _merge_ranges(node, widget, (key, options))


def _config(node: LiveNode, slot: LiveInput) -> RawSpec | None:
    """The description of the widget behind an input. A plain socket of a widget's type is one without options."""
    if slot.widget is None:
        return (slot.type, {}) if slot.type in WIDGET_TYPES else None
    if slot.config is not None:
        return slot.config
    if node.node_class is None:
        return None
    known = node.node_class.config(slot.widget)
    if known is None and slot.type in WIDGET_TYPES and node.widget(slot.widget) is not None:
        # A widget that a pack made: VHS_VideoCombine's depend on the format.
        return slot.type, {}
    return known


def _merge_ranges(node: LiveNode, widget: Widget, first: RawSpec) -> None:
    """Linked to several numbers, it keeps to the range they share (`_mergeWidgetConfig`)."""
    merged: Mapping[str, Any] = first[1]
    for _link, target, slot in targets_of(node):
        config = _config(target, slot)
        if slot.widget is None or config is None or config[0] != first[0]:
            continue
        joined = _merge(merged, config[1])
        if joined is None:
            continue
        merged = joined
        _apply_range(widget, first[0], merged)
        value = widget.get(node)
        low, high = merged['min'], merged['max']
        if as_number(value) < low:
            value = low
        if as_number(value) > high:
            value = high
        widget.enter(node, value)


def _apply_range(widget: Widget, type_: str, options: Mapping[str, Any]) -> None:
    made = LiveNode('', LiveGraph())
    WIDGET_TYPES[type_](made, read_spec('value', type_, options, False))
    widget.options = made.widgets[0].options


def _merge(one: Mapping[str, Any], two: Mapping[str, Any]) -> Mapping[str, Any] | None:
    def side(options: Mapping[str, Any], key: str, default: float) -> float:
        value: Any = options.get(key)
        return value if is_number(value) else default

    low = max(side(one, 'min', -math.inf), side(two, 'min', -math.inf))
    high = min(side(one, 'max', math.inf), side(two, 'max', math.inf))
    if side(one, 'min', -math.inf) > side(two, 'max', math.inf):
        return None
    if side(one, 'max', math.inf) < side(two, 'min', -math.inf):
        return None
    for key in {*one, *two} - _UNCOMPARED - {'min', 'max', 'step'}:
        if one.get(key) != two.get(key):
            return None
    step = _common_multiple(side(one, 'step', 1), side(two, 'step', 1))
    return {**one, **two, 'min': low, 'max': high, 'step': step}


def _common_multiple(one: float, two: float) -> float:
    if one == two or not one or not two:
        return one or two
    scale = 10**9
    first, second = round(one * scale), round(two * scale)
    return abs(first * second) // math.gcd(first, second) / scale if first and second else one


def targets_of(node: LiveNode) -> Iterator[tuple[LiveLink, LiveNode, LiveInput]]:
    """What the node's first output is linked to."""
    for number in node.outputs[0].links if node.outputs else ():
        link = node.graph.links.get(number)
        target = node.graph.by_id.get(link.target) if link is not None else None
        if link is not None and target is not None and 0 <= link.target_slot < len(target.inputs):
            yield link, target, target.inputs[link.target_slot]


def write_primitive_value(node: LiveNode) -> None:
    """Writes its value into the widgets it is linked to (`applyToGraph`)."""
    if not node.widgets:
        return
    value = node.widgets[0].get(node)
    if value is UNDEFINED:
        return
    for _, target, slot in targets_of(node):
        widget = target.widget(slot.widget) if slot.widget is not None else None
        if widget is not None:
            widget.enter(target, value)

"""Making a node as the web UI does when it is put on the canvas: sockets, widgets, and the inputs that come and go.

Dynamic inputs by the rules of `core/graph/widgets/dynamicWidgets.ts`: a dynamic combo replaces the inputs of its
branch each time its value is set; an autogrow group gets a further slot when its last one is linked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .javascript import UNDEFINED, is_number
from .live_links import remove_inputs
from .model import LiveGraph, LiveInput, LiveNode, LiveOutput, State, Widget
from .registry import SPECIAL_TYPES, WIDGET_TYPES
from .specs import NodeClass, Spec, read_section

_AUTOGROW = 'COMFY_AUTOGROW_V3'
_DYNAMIC_COMBO = 'COMFY_DYNAMICCOMBO_V3'
_MATCH_TYPE = 'COMFY_MATCHTYPE_V3'
_ORDINAL = re.compile(r'[0-9]+$')
_MOST_SLOTS = 10_000


@dataclass(frozen=True)
class AutogrowGroup:
    """What an autogrow input is made of."""

    specs: tuple[Spec, ...]
    minimum: int
    maximum: int
    names: tuple[str, ...] | None
    prefix: str

    def slot_name(self, group: str, ordinal: int, spec: Spec) -> str:
        if self.names is not None:
            local = self.names[ordinal] if 0 <= ordinal < len(self.names) else 'undefined'
        else:
            local = f'{self.prefix if len(self.specs) == 1 else spec.name}{ordinal}'
        return f'{group}.{local}'

    def ordinal(self, group: str, name: str) -> int | None:
        local = name[len(group) + 1 :]
        if self.names is not None:
            return self.names.index(local) if local in self.names else None
        digits = _ORDINAL.search(local)
        return int(digits.group()[-9:]) if digits else None


class DynamicCombo(Widget):
    """A combo whose choice decides which further inputs the node has."""

    __slots__ = ('branches', 'is_new')

    branches: Mapping[str, tuple[Spec, ...]]
    is_new: bool
    """Whether its inputs are those it was made with, so that choosing the same branch changes nothing."""

    def set(self, node: LiveNode, value: Any) -> None:
        unchanged = self.is_new and self.state.value == value
        self.is_new = False
        self.state.value = value
        if not unchanged:
            _open_branch(node, self, value)

    def copy(self) -> DynamicCombo:
        other = super().copy()
        assert isinstance(other, DynamicCombo)
        other.branches = self.branches
        other.is_new = self.is_new
        return other


class Prototypes:
    """Nodes as they are when new, made once per type and copied from then on."""

    def __init__(self) -> None:
        self._made: dict[str, LiveNode] = {}

    def new(self, node_class: NodeClass, graph: LiveGraph) -> LiveNode:
        made = self._made.get(node_class.type)
        if made is None:
            made = self._made[node_class.type] = build_node(node_class)
        return copy_node(made, graph)


def build_node(node_class: NodeClass) -> LiveNode:
    node = LiveNode(node_class.type, LiveGraph())
    node.node_class = node_class
    node.title = node_class.title
    for spec in node_class.inputs:
        _add_socket(node, spec)
    for spec in node_class.inputs:
        _add_widget_input(node, spec)
    node.outputs = [LiveOutput(name, type_) for name, type_ in node_class.outputs]
    node_class.shares_values = len({id(widget.state) for widget in node.widgets}) < len(node.widgets)
    special = SPECIAL_TYPES.get(node_class.type)
    if special is not None and special.created is not None:
        special.created(node)
    return node


def copy_node(made: LiveNode, graph: LiveGraph) -> LiveNode:
    """A new node like this one, without links."""
    node = LiveNode(made.type, graph)
    node.node_class = made.node_class
    node.title = made.title
    node.inputs = [LiveInput(slot.name, slot.type, None, slot.widget, slot.config) for slot in made.inputs]
    node.outputs = [LiveOutput(slot.name, slot.type) for slot in made.outputs]
    node.widgets = [widget.copy() for widget in made.widgets]
    if made.node_class is not None and made.node_class.shares_values:
        _share_states(made, node)
    node.autogrow = dict(made.autogrow) if made.autogrow is not None else None
    node.matches = {key: dict(group) for key, group in made.matches.items()} if made.matches is not None else None
    return node


def _share_states(made: LiveNode, node: LiveNode) -> None:
    """Widgets that share their value in the original share it in the copy."""
    states: dict[int, State] = {}
    for old, new in zip(made.widgets, node.widgets):
        new.state = states.setdefault(id(old.state), new.state)


def add_node_input(node: LiveNode, spec: Spec) -> None:
    _add_socket(node, spec)
    _add_widget_input(node, spec, dynamic=True)


def _is_widget(spec: Spec) -> bool:
    return not spec.forced and (spec.widget_type in WIDGET_TYPES or spec.widget_type == _DYNAMIC_COMBO)


def _add_socket(node: LiveNode, spec: Spec) -> None:
    if _is_widget(spec):
        return
    if spec.type == _AUTOGROW:
        _add_autogrow(node, spec)
    elif spec.type == _MATCH_TYPE:
        _add_match_type(node, spec)
    else:
        node.inputs.append(LiveInput(spec.name, spec.type))


def _add_widget_input(node: LiveNode, spec: Spec, dynamic: bool = False) -> None:
    if not _is_widget(spec):
        return
    if spec.widget_type == _DYNAMIC_COMBO:
        _add_dynamic_combo(node, spec)
    else:
        WIDGET_TYPES[spec.widget_type](node, spec)
    node.inputs.append(LiveInput(spec.name, spec.type, None, spec.name, spec.raw if dynamic else None))


def _add_match_type(node: LiveNode, spec: Spec) -> None:
    template = spec.options.get('template')
    if not isinstance(template, Mapping) or not isinstance(template.get('allowed_types'), str):
        return
    allowed = template['allowed_types']
    add_node_input(node, Spec(spec.name, allowed, spec.optional, spec.options))
    node.matches = node.matches if node.matches is not None else {}
    node.matches.setdefault(str(template.get('template_id')), {})[spec.name] = allowed


def _add_dynamic_combo(node: LiveNode, spec: Spec) -> None:
    branches = spec.branches
    keys = tuple(branches)
    widget = DynamicCombo(spec.name, 'combo', keys[0] if keys else UNDEFINED, options={'values': keys})
    widget.branches = branches
    node.add_widget(widget)
    _open_branch(node, widget, widget.state.value)
    widget.is_new = True


def _open_branch(node: LiveNode, widget: DynamicCombo, value: Any) -> None:
    """Replaces the inputs and widgets behind a dynamic combo by those of the branch it chooses (`updateWidgets`)."""
    prefix = f'{widget.name}.'
    removed = [slot for slot in node.inputs if slot.name.startswith(prefix)]
    if removed:
        node.inputs = [slot for slot in node.inputs if not slot.name.startswith(prefix)]
    node.widgets[:] = [other for other in node.widgets if not other.name.startswith(prefix)]
    branch = widget.branches.get(value) if isinstance(value, str) and value else None
    if branch is None or widget not in node.widgets:
        return
    first_widget, first_input = len(node.widgets), len(node.inputs)
    for spec in branch:
        add_node_input(node, spec)
    place = node.widgets.index(widget) + 1
    added_widgets = node.widgets[first_widget:]
    del node.widgets[first_widget:]
    node.widgets[place:place] = added_widgets
    own = _index_of(node, widget.name)
    if own is None:
        return
    added = node.inputs[first_input:]
    del node.inputs[first_input:]
    node.inputs[own + 1 : own + 1] = added
    _retarget(node, own + 1)
    for slot in removed:
        _take_over_link(node, slot)


def _take_over_link(node: LiveNode, old: LiveInput) -> None:
    index = _index_of(node, old.name)
    if index is None:
        node.inputs.append(old)
        remove_inputs(node, [len(node.inputs) - 1])
        return
    node.inputs[index].link = old.link
    link = node.graph.links.get(old.link) if old.link is not None else None
    if link is not None:
        link.target_slot = index
        input_linked(node, index)


def _index_of(node: LiveNode, name: str) -> int | None:
    for index, slot in enumerate(node.inputs):
        if slot.name == name:
            return index
    return None


def _retarget(node: LiveNode, start: int) -> None:
    """Tells links where their inputs have moved to."""
    links = node.graph.links
    if not links:
        return
    for index in range(start, len(node.inputs)):
        number = node.inputs[index].link
        link = links.get(number) if number is not None else None
        if link is not None:
            link.target_slot = index


def _add_autogrow(node: LiveNode, spec: Spec) -> None:
    template = spec.options.get('template')
    if not isinstance(template, Mapping):
        return
    inputs = template.get('input')
    inputs = inputs if isinstance(inputs, Mapping) else {}
    specs = (*read_section(inputs.get('required'), False), *read_section(inputs.get('optional'), True))
    if not specs:
        return
    names = template.get('names')
    names = tuple(str(name) for name in names) if isinstance(names, (list, tuple)) else None
    minimum, maximum = template.get('min'), template.get('max')
    prefix = template.get('prefix')
    group = AutogrowGroup(
        specs=specs,
        minimum=int(minimum) if is_number(minimum) else 1,
        maximum=len(names) if names is not None else (int(maximum) if is_number(maximum) else 100),
        names=names,
        prefix=prefix if isinstance(prefix, str) else '',
    )
    node.autogrow = node.autogrow if node.autogrow is not None else {}
    node.autogrow[spec.name] = group
    for ordinal in range(max(1, min(group.minimum + 1, _MOST_SLOTS))):
        _grow(node, spec.name, ordinal)


def _grow(node: LiveNode, name: str, ordinal: int) -> None:
    """Adds one slot to a group (`addAutogrowGroup`)."""
    group: AutogrowGroup = (node.autogrow or {})[name]
    if ordinal >= min(group.maximum, _MOST_SLOTS):
        return
    added = []
    for spec in group.specs:
        optional = ordinal >= group.minimum or spec.optional
        before = len(node.inputs)
        add_node_input(node, spec.renamed(group.slot_name(name, ordinal, spec), optional))
        if len(node.inputs) > before:
            added.append(node.inputs.pop())
    for slot in added:
        same = [other for other in node.inputs if other.name == slot.name]
        if same:
            node.inputs = [other for other in node.inputs if other.name != slot.name]
            slot.link = next((other.link for other in same if other.link is not None), None)
    before = group.slot_name(name, ordinal - 1, group.specs[-1])
    place = len(node.inputs)
    for index in range(len(node.inputs) - 1, -1, -1):
        if node.inputs[index].name.startswith(before):
            place = index + 1
            break
    node.inputs[place:place] = added
    _retarget(node, place)


def input_linked(node: LiveNode, index: int) -> None:
    """What happens when a link arrives at an input while the file is loaded (`onConnectionsChange`)."""
    if not node.autogrow or index >= len(node.inputs):
        return
    name = node.inputs[index].name
    group_name = name.rpartition('.')[0] if '.' in name else name[:-1]
    group = node.autogrow.get(group_name)
    if group is None:
        return
    ordinal = group.ordinal(group_name, name)
    if ordinal is not None:
        _grow(node, group_name, ordinal + 1)

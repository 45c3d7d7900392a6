"""What a node shows: its sockets, its widgets with their values, and the size that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..prompt import Link, PromptNode
from ..schema import InputSchema, NodeSchema
from ..schemas import Schemas
from ..types import DATA_TYPES
from .constants import CONSTANT_SCHEMAS
from .widget_places import Places, Values, Widgets, is_fixed, places_of

_SLOT_HEIGHT, _WIDGET_HEIGHT, _TEXT_HEIGHT = 20, 24, 110
_PREVIEW_HEIGHT = 220
_WIDTH, _WIDE = 270, 400


class Socket(NamedTuple):
    name: str
    type: str
    widget: bool
    optional: bool


class Shape(NamedTuple):
    """What all nodes of a class with the same inputs show alike. `texts`: inputs of several lines."""

    slots: list[Socket]
    outputs: list[tuple[str, str]]
    widgets: Widgets
    texts: int
    picture: bool
    known: frozenset[str]
    """The names of the schema's inputs."""

    def box(self, inputs: Values, script_inputs: list[dict[str, Any]] | None = None) -> NodeBox:
        values = self.widgets.values(inputs)
        sockets = len(self.slots) - len(self.widgets.items)
        rows = len(values) - len(self.widgets.more)
        size = _size(max(sockets, len(self.outputs)), rows, self.texts, self.picture)
        return NodeBox(self.slots, self.outputs, self.widgets, values, size, script_inputs)


class NodeBox(NamedTuple):
    """A node's sockets and widgets with their values, and the size it needs."""

    slots: list[Socket]
    outputs: list[tuple[str, str]]
    widgets: Widgets
    values: list[Any] | dict[str, Any]
    size: tuple[int, int]
    script_inputs: list[dict[str, Any]] | None = None
    """For a node whose script says what its inputs are: those that this prompt gives it."""


def boxes_of(nodes: Mapping[str, PromptNode], schemas: Schemas | None) -> dict[str, NodeBox]:
    """What each node shows. Most classes look the same in all nodes: they are looked at once."""
    shapes: dict[str, Shape] = {}
    found: dict[str, NodeBox] = {}
    for key, node in nodes.items():
        shape = shapes.get(node.class_type or '')
        if shape is None or not node.inputs.keys() <= shape.known:
            schema = schemas.find(node.class_type) if schemas is not None else None
            schema = schema or CONSTANT_SCHEMAS.get(node.class_type or '')
            if schema is None:
                found[key] = _box_of_unknown(node)
                continue
            shape = _shape_of(node, schema)
            if is_fixed(schema) and not shape.widgets.more and len(shape.slots) == len(schema.inputs):
                shapes[schema.class_type] = shape
            if schema.any_inputs:
                own = [_script_input(slot) for slot in shape.slots if slot.name not in shape.known]
                found[key] = shape.box(node.inputs, own)
                continue
        found[key] = shape.box(node.inputs)
    return found


def _shape_of(node: PromptNode, schema: NodeSchema) -> Shape:
    slots: list[Socket] = []
    items: list[tuple[Places, InputSchema]] = []
    texts = 0
    known = set()
    for item in schema.expand(node.inputs):
        known.add(item.name)
        places = places_of(item, schema)
        slots.append(Socket(item.name, item.type, places is not None, not item.required))
        if places is not None:
            items.append((places, item))
            texts += bool(item.options.get('multiline'))
    more = []
    for name, value in node.inputs.items():
        if name in known:
            continue
        type_ = DATA_TYPES.get(type(value))
        if isinstance(value, Link):
            slots.append(Socket(name, '*', False, True))
        elif schema.any_inputs and type_ is not None:
            item = InputSchema(name, name, name, type_, required=True)
            places = places_of(item, schema)
            slots.append(Socket(name, type_, True, False))
            if places is not None:
                items.append((places, item))
        else:
            more.append(name)
    # Sockets come before widgets, as the web UI shows them.
    slots.sort(key=lambda slot: slot.widget)
    outputs = [(item.name, item.type) for item in schema.outputs]
    return Shape(slots, outputs, Widgets.of(schema, items, more), texts, _shows_picture(schema), frozenset(known))


def _script_input(slot: Socket) -> dict[str, Any]:
    return {'name': slot.name, 'type': slot.type, 'required': not slot.optional, 'line': 1, 'options': {}}


def _shows_picture(schema: NodeSchema) -> bool:
    """Whether the web UI draws an image into the node: what it saved, or what it loads."""
    if schema.output_node:
        return any(item.type in ('IMAGE', 'VIDEO') for item in schema.inputs)
    return any(item.options.get('image_upload') or item.options.get('video_upload') for item in schema.inputs)


def _box_of_unknown(node: PromptNode) -> NodeBox:
    slots = [Socket(name, '*', False, False) for name, _ in node.links()]
    widgets = Widgets.of(None, (), [name for name, value in node.inputs.items() if not isinstance(value, Link)])
    values = widgets.values(node.inputs)
    return NodeBox(slots, [], widgets, values, _size(len(slots), len(values), 0))


def _size(sockets: int, rows: int, texts: int, picture: bool = False) -> tuple[int, int]:
    height = 14 + sockets * _SLOT_HEIGHT + rows * _WIDGET_HEIGHT + texts * _TEXT_HEIGHT + picture * _PREVIEW_HEIGHT
    return (_WIDE if texts else _WIDTH), max(height, 46)

"""What a node shows: its sockets, its widgets with their values, and the size that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..prompt import Link, PromptNode
from ..schema import InputSchema, NodeSchema
from ..schemas import Schemas
from ..types import DATA_TYPES
from .constants import CONSTANT_SCHEMAS
from .pack_widgets import saves_by_name
from .widget_places import Places, Values, is_forced, places_of

_SLOT_HEIGHT, _WIDGET_HEIGHT, _TEXT_HEIGHT = 20, 24, 110
_PREVIEW_HEIGHT = 220
_WIDTH, _WIDE = 270, 400


class Socket(NamedTuple):
    name: str
    type: str
    widget: bool
    optional: bool


class Widgets(NamedTuple):
    """What makes a node's `widgets_values` of its inputs."""

    schema: NodeSchema | None
    items: Sequence[tuple[Places, InputSchema]]
    more: Sequence[str]
    """Widgets that only the web UI knows (`SaveGLB.image`, the options of CustomCombo) come last."""

    def values(self, inputs: Values) -> list[Any] | dict[str, Any]:
        if self.schema is not None and saves_by_name(self.schema):
            own = {item.name: places(item, inputs, self.schema)[0] for places, item in self.items}
            return {**own, **{name: inputs[name] for name in self.more}}
        found: list[Any] = []
        if self.schema is not None:
            for places, item in self.items:
                found.extend(places(item, inputs, self.schema))
        found.extend([inputs[name] for name in self.more])
        if self.schema is not None and self._looks_old(self.schema, len(found)):
            found.append(None)
        return found

    def _looks_old(self, schema: NodeSchema, count: int) -> bool:
        """Whether the web UI would take the list for an old file's, where sockets by force had a place too.

        It goes by the number of values alone (`migrateWidgetsValues`); one more that no widget takes keeps it away.
        """
        shown = {item.name for _, item in self.items}
        forced = [item for item in schema.inputs if is_forced(item)]
        counted = [item for item in schema.inputs if item.name in shown or is_forced(item)]
        controls = sum(bool(item.options.get('control_after_generate')) for item in counted)
        return bool(forced) and len(counted) + controls == count


class NodeBox(NamedTuple):
    """A node's sockets and widgets with their values, and the size it needs."""

    slots: list[Socket]
    outputs: list[tuple[str, str]]
    widgets: Widgets
    values: list[Any] | dict[str, Any]
    size: tuple[int, int]
    script_inputs: list[dict[str, Any]] | None = None
    """For a node whose script says what its inputs are: those that this prompt gives it."""


def box_of(node: PromptNode, schemas: Schemas | None) -> NodeBox:
    schema = schemas.find(node.class_type) if schemas is not None else None
    schema = schema or CONSTANT_SCHEMAS.get(node.class_type or '')
    if schema is None:
        return _plan_unknown(node)
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
    widgets = Widgets(schema, items, more)
    values = widgets.values(node.inputs)
    sockets = len(slots) - len(items)
    size = _size(max(sockets, len(outputs)), len(values) - len(more), texts, _shows_picture(schema))
    script_inputs = [_script_input(slot) for slot in slots if slot.name not in known] if schema.any_inputs else None
    return NodeBox(slots, outputs, widgets, values, size, script_inputs)


def _script_input(slot: Socket) -> dict[str, Any]:
    return {'name': slot.name, 'type': slot.type, 'required': not slot.optional, 'line': 1, 'options': {}}


def _shows_picture(schema: NodeSchema) -> bool:
    """Whether the web UI draws an image into the node: what it saved, or what it loads."""
    if schema.output_node:
        return any(item.type in ('IMAGE', 'VIDEO') for item in schema.inputs)
    return any(item.options.get('image_upload') or item.options.get('video_upload') for item in schema.inputs)


def _plan_unknown(node: PromptNode) -> NodeBox:
    slots = [Socket(name, '*', False, False) for name, _ in node.links()]
    widgets = Widgets(None, (), [name for name, value in node.inputs.items() if not isinstance(value, Link)])
    values = widgets.values(node.inputs)
    return NodeBox(slots, [], widgets, values, _size(len(slots), len(values), 0))


def _size(sockets: int, rows: int, texts: int, picture: bool = False) -> tuple[int, int]:
    height = 14 + sockets * _SLOT_HEIGHT + rows * _WIDGET_HEIGHT + texts * _TEXT_HEIGHT + picture * _PREVIEW_HEIGHT
    return (_WIDE if texts else _WIDTH), max(height, 46)

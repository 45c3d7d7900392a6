"""A node's widgets: the places that its inputs take in `widgets_values`.

Which widgets a node has, and in which order they lie there, is the web UI's business (ComfyUI_frontend
`scripts/widgets.ts`, `vueNodes/widgets/composables`, `core/graph/widgets/dynamicWidgets.ts`); `_PLACES` has an entry
for each input type that takes places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..prompt import Link
from ..schema import MISSING, InputKind, InputSchema, NodeSchema
from .pack_widgets import WIDGETS, is_taken_away, saves_by_name

Values = Mapping[str, Any]
Places = Callable[[InputSchema, Values, NodeSchema], list[Any]]


class Widgets(NamedTuple):
    """What makes a node's `widgets_values` of its inputs."""

    schema: NodeSchema | None
    items: Sequence[tuple[Places, InputSchema]]
    more: Sequence[str]
    """Widgets that only the web UI knows (`SaveGLB.image`, the options of CustomCombo) come last."""
    old_count: int | None
    """How many values make the web UI take the list for an old file's."""

    by_name: bool

    @staticmethod
    def of(schema: NodeSchema | None, items: Sequence[tuple[Places, InputSchema]], more: Sequence[str]) -> Widgets:
        if schema is None:
            return Widgets(None, items, more, None, False)
        old_count = _old_count(schema, {item.name for _, item in items})
        return Widgets(schema, items, more, old_count, saves_by_name(schema))

    def values(self, inputs: Values) -> list[Any] | dict[str, Any]:
        if self.schema is not None and self.by_name:
            own = {item.name: places(item, inputs, self.schema)[0] for places, item in self.items}
            return {**own, **{name: inputs[name] for name in self.more}}
        found: list[Any] = []
        if self.schema is not None:
            for places, item in self.items:
                found.extend(places(item, inputs, self.schema))
        found.extend([inputs[name] for name in self.more])
        if len(found) == self.old_count:
            found.append(None)
        return found


def _old_count(schema: NodeSchema, shown: set[str]) -> int | None:
    """The number of values in an old file, where sockets by force had a place too; None where there are none such.

    The web UI goes by that number alone (`migrateWidgetsValues`); one more that no widget takes keeps it away.
    """
    forced = {item.name for item in schema.inputs if is_forced(item)}
    if not forced:
        return None
    counted = [item for item in schema.inputs if item.name in shown or item.name in forced]
    return len(counted) + sum(bool(item.options.get('control_after_generate')) for item in counted)


def places_of(item: InputSchema, schema: NodeSchema) -> Places | None:
    """What puts an input's values into `widgets_values`; None for a socket."""
    options = item.options
    if is_forced(item) or is_taken_away(item, schema):
        return None
    if item.kind is InputKind.DYNAMIC_COMBO:
        return _one
    if item.kind in (InputKind.AUTOGROW, InputKind.DYNAMIC_SLOT):
        return None
    kind = str(options.get('widgetType') or item.type)
    return _one if kind in WIDGETS else _PLACES.get(kind)


def is_fixed(schema: NodeSchema) -> bool:
    """Whether all nodes of the class have the same inputs, whatever their values."""
    return not schema.any_inputs and all(item.kind in _FIXED for item in schema.inputs)


_FIXED = (InputKind.PLAIN, InputKind.COMBO)


def is_forced(item: InputSchema) -> bool:
    """Whether the input is a socket although its type is a widget's."""
    return bool(item.options.get('forceInput') or (item.options.get('defaultInput') and not item.required))


def _value(item: InputSchema, values: Values) -> Any:
    value = values.get(item.name, MISSING)
    if value is MISSING or isinstance(value, Link):
        value = item.default
        if value is MISSING:
            value = _EMPTY.get(item.type)
    return value


_EMPTY: Mapping[str, Any] = {'INT': 0, 'FLOAT': 0.0, 'STRING': '', 'BOOLEAN': False, 'COLOR': '#000000'}
_SEEDS = ('seed', 'noise_seed')


def _one(item: InputSchema, values: Values, schema: NodeSchema) -> list[Any]:
    return [_value(item, values)]


def _text(item: InputSchema, values: Values, schema: NodeSchema) -> list[Any]:
    value = _value(item, values)
    if item.options.get('dynamicPrompts') is True and isinstance(value, str):
        # The web UI would pick one of `{a|b}` and drop comments when it queues; this text is what was picked. A choice
        # of one is no choice, so `//` can be written `/{/}`.
        value = value.replace('{', '\\{').replace('//', '/{/}').replace('/*', '/{*}')
    return [value]


def _number(item: InputSchema, values: Values, schema: NodeSchema) -> list[Any]:
    control = item.options.get('control_after_generate')
    if control is None:
        control = item.type == 'INT' and item.name in _SEEDS
    return [_value(item, values), 'fixed'] if control else [_value(item, values)]


def _combo(item: InputSchema, values: Values, schema: NodeSchema) -> list[Any]:
    places = [_value(item, values)]
    options = item.options
    multiple = bool(options.get('multi_select'))
    remote = options.get('remote')
    if isinstance(remote, Mapping) and not multiple:
        places.append(False)
        if remote.get('refresh_button'):
            places.append('refresh')
    if options.get('control_after_generate'):
        places.extend(['fixed'] if multiple else ['fixed', ''])
    return places


def _box(item: InputSchema, values: Values, schema: NodeSchema) -> list[Any]:
    box = _value(item, values)
    sides = box if isinstance(box, Mapping) else {'x': 0, 'y': 0, 'width': 512, 'height': 512}
    return [dict(sides), *(sides.get(side) for side in ('x', 'y', 'width', 'height'))]


def _none(item: InputSchema, values: Values, schema: NodeSchema) -> list[Any]:
    return []


def _view_3d(item: InputSchema, values: Values, schema: NodeSchema) -> list[Any]:
    """The 3D view; where a model can be chosen, three buttons stand before it, but for the advanced one."""
    with_buttons = schema.input('model_file') and schema.class_type != 'Load3DAdvanced'
    buttons = ['upload3dmodel', 'uploadExtraResources', 'clear'] if with_buttons else []
    return [*buttons, _value(item, values)]


def _record(item: InputSchema, values: Values, schema: NodeSchema) -> list[Any]:
    return [_value(item, values), '']


_PLACES: dict[str, Places] = {
    'INT': _number,
    'FLOAT': _number,
    'BOOLEAN': _one,
    'STRING': _text,
    'COMBO': _combo,
    'MARKDOWN': _one,
    'COLOR': _one,
    'TEXTAREA': _one,
    'CHART': _one,
    'GALLERIA': _one,
    'IMAGECOMPARE': _none,
    'BOUNDING_BOX': _box,
    'BOUNDING_BOXES': _one,
    'COLORS': _one,
    'PAINTER': _one,
    'COMPOSITOR': _one,
    'CURVE': _one,
    'RANGE': _one,
    'VIDEO_EDIT': _one,
    'AUDIO_UI': _none,
    'AUDIO_RECORD': _record,
    'WEBCAM': _one,
    'LOAD_3D': _view_3d,
    'LOAD_3D_ADVANCED': _one,
    'PREVIEW_3D': _one,
}

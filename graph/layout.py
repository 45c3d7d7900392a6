"""An API prompt as a web UI workflow that a person can read: columns by data flow, groups, widgets filled in.

Which widgets a node has, and in which order they lie in `widgets_values`, is the web UI's business
(ComfyUI_frontend `scripts/widgets.ts`, `vueNodes/widgets/composables`, `core/graph/widgets/dynamicWidgets.ts`);
`_PLACES` has an entry for each input type that takes places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .collector import collector_paused
from .prompt import Link, Prompt, PromptNode, decode_value
from .schema import MISSING, InputKind, InputSchema, NodeSchema, Schemas
from .types import DATA_TYPES

__all__ = ['LayoutGroup', 'LayoutHints', 'Template', 'lay_out']

_GAP_X, _GAP_Y = 80, 50
_GROUP_MARGIN, _GROUP_TITLE = 30, 70
_TITLE_HEIGHT, _SLOT_HEIGHT, _WIDGET_HEIGHT, _TEXT_HEIGHT = 30, 20, 24, 110
_PREVIEW_HEIGHT = 220
_WIDTH, _WIDE = 270, 400
_FRAME_COLOUR = '#3f789e'
_MOST_PER_COLUMN = 40


@dataclass(frozen=True)
class LayoutGroup:
    """A titled frame around nodes (ids of the prompt) and around further groups."""

    title: str
    nodes: tuple[str, ...] = ()
    groups: tuple[LayoutGroup, ...] = ()


@dataclass(frozen=True)
class LayoutHints:
    """What the source of a prompt knows about it: titles by node id, and groups."""

    titles: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[LayoutGroup, ...] = ()


@collector_paused()
def lay_out(
    prompt: Prompt | Mapping[str, Any], schemas: Schemas | None = None, hints: LayoutHints | None = None
) -> dict[str, Any]:
    """The workflow file of a prompt. Ids stay where they are integers, else nodes are numbered from 1.

    Raises PromptError for links that run in a circle.
    """
    source = prompt if isinstance(prompt, Prompt) else Prompt.parse(prompt)
    hints = hints or LayoutHints()
    parsed, groups = _with_constants(source, schemas, hints.groups)
    plans = {key: _plan(node, schemas) for key, node in parsed.nodes.items()}
    return _drawn(source, parsed, plans, groups, hints.titles)[0]


class Template:
    """A laid-out workflow that takes other values: prompts that differ in nothing else look alike."""

    def __init__(self, workflow: dict[str, Any], nodes: Sequence[tuple[str, dict[str, Any], _Widgets]]) -> None:
        self._workflow = workflow
        self._nodes = nodes

    @staticmethod
    def of(
        prompt: Mapping[str, Any], schemas: Schemas | None = None, hints: LayoutHints | None = None
    ) -> Template | None:
        """None where the look depends on values too: dynamic inputs, and values for sockets. Raises PromptError."""
        source = Prompt.parse(prompt)
        hints = hints or LayoutHints()
        for node in source.nodes.values():
            schema = schemas.find(node.class_type) if schemas is not None else None
            if schema is not None and not _looks_fixed(node, schema):
                return None
        plans = {key: _plan(node, schemas) for key, node in source.nodes.items()}
        workflow, order = _drawn(source, source, plans, hints.groups, hints.titles)
        return Template(workflow, [(key, node, plans[key].widgets) for key, node in zip(order, workflow['nodes'])])

    def filled(self, prompt: Mapping[str, Any]) -> dict[str, Any]:
        """The workflow of a prompt with the same nodes, links and names. It shares its parts: not to be changed."""
        nodes = []
        for key, node, widgets in self._nodes:
            inputs = {name: decode_value(value) for name, value in prompt[key]['inputs'].items()}
            nodes.append({**node, 'widgets_values': widgets.values(inputs)})
        return {**self._workflow, 'nodes': nodes}


_LINKED = Link('', 0)


def _looks_fixed(node: PromptNode, schema: NodeSchema) -> bool:
    return all(
        item.kind in (InputKind.PLAIN, InputKind.COMBO)
        and (_places_of(item) is not None or type(node.inputs.get(item.name, _LINKED)) is Link)
        for item in schema.inputs
    )


def _drawn(
    source: Prompt, parsed: Prompt, plans: Mapping[str, _Plan], groups: Sequence[LayoutGroup], titles: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """The workflow, and the ids of its nodes in its order."""
    order = parsed.order()
    numbers = _numbers(source.nodes, parsed.nodes)
    links, incoming, outgoing = _links(parsed, plans, numbers)
    places, frames = _places(parsed, order, plans, groups)
    nodes = []
    for position, key in enumerate(order):
        node = _node_json(parsed.nodes[key], plans[key], incoming[key], outgoing[key], titles.get(key))
        nodes.append({'id': numbers[key], **node, 'pos': list(places[key]), 'order': position})
    workflow = {
        'last_node_id': max(numbers.values(), default=0),
        'last_link_id': len(links),
        'nodes': nodes,
        'links': links,
        'groups': frames,
        'config': {},
        'extra': {},
        'version': 0.4,
    }
    return workflow, order


def _numbers(ids: Iterable[str], with_constants: Iterable[str]) -> dict[str, int]:
    keys = list(ids)
    plain = all(key.isascii() and key.isdigit() and len(key) < 10 and str(int(key)) == key for key in keys)
    numbers = {key: int(key) for key in keys} if plain else {key: number for number, key in enumerate(keys, 1)}
    following = max(numbers.values(), default=0) + 1
    for key in with_constants:
        if key not in numbers:
            numbers[key] = following
            following += 1
    return numbers


# -- constants for sockets

_CONSTANTS = {
    bool: ('PrimitiveBoolean', {}),
    int: ('PrimitiveInt', {'control_after_generate': True}),
    float: ('PrimitiveFloat', {}),
    str: ('PrimitiveStringMultiline', {'multiline': True}),
}
_CONSTANT_SCHEMAS = {
    class_type: NodeSchema.parse(
        class_type, {'input': {'required': {'value': [type_, options]}}, 'output': [type_], 'output_name': [type_]}
    )
    for python, (class_type, options) in _CONSTANTS.items()
    for type_ in [DATA_TYPES[python]]
}
"""ComfyUI's own nodes for a value (comfy_extras/nodes_primitive.py)."""


def _with_constants(
    prompt: Prompt, schemas: Schemas | None, groups: tuple[LayoutGroup, ...]
) -> tuple[Prompt, tuple[LayoutGroup, ...]]:
    """A prompt can hold a value where the web UI has only a socket: a node for the value is put before it."""
    nodes: dict[str, PromptNode] = {}
    beside: dict[str, list[str]] = {}
    for key, node in prompt.nodes.items():
        schema = schemas.find(node.class_type) if schemas is not None else None
        changed: dict[str, Any] = {}
        for item in schema.expand(node.inputs) if schema is not None else ():
            value = node.inputs.get(item.name)
            found = _constant_for(item, value) if type(value) in _CONSTANTS and _places_of(item) is None else None
            if found is not None:
                constant = f'{key} {item.name}'
                nodes[constant] = PromptNode(found, {'value': value}, item.local_name)
                changed[item.name] = Link(constant, 0)
                beside.setdefault(key, []).append(constant)
        nodes[key] = PromptNode(node.class_type, {**node.inputs, **changed}, node.title) if changed else node
    return (Prompt(nodes), tuple(_grown(group, beside) for group in groups)) if beside else (prompt, groups)


def _constant_for(item: InputSchema, value: Any) -> str | None:
    """The class type of the node for a value that this socket takes."""
    takes = item.type.split(',')
    class_type = _CONSTANTS[type(value)][0]
    if DATA_TYPES[type(value)] in takes or '*' in takes:
        return class_type
    return _CONSTANTS[float][0] if type(value) is int and 'FLOAT' in takes else None


def _grown(group: LayoutGroup, beside: Mapping[str, list[str]]) -> LayoutGroup:
    nodes = [other for key in group.nodes for other in (*beside.get(key, ()), key)]
    return LayoutGroup(group.title, tuple(nodes), tuple(_grown(child, beside) for child in group.groups))


# -- what a node shows


Values = Mapping[str, Any]
Places = Callable[[InputSchema, Values, NodeSchema], list[Any]]


class _Slot(NamedTuple):
    name: str
    type: str
    widget: bool
    optional: bool


class _Widgets(NamedTuple):
    """What makes a node's `widgets_values` of its inputs."""

    schema: NodeSchema | None
    items: Sequence[tuple[Places, InputSchema]]
    more: Sequence[str]
    """Widgets that only the web UI knows (`SaveGLB.image`, the options of CustomCombo) come last."""

    def values(self, inputs: Values) -> list[Any]:
        found: list[Any] = []
        if self.schema is not None:
            for places, item in self.items:
                found.extend(places(item, inputs, self.schema))
        found.extend([inputs[name] for name in self.more])
        return found


class _Plan(NamedTuple):
    """A node's sockets and widgets with their values, and the size it needs."""

    slots: list[_Slot]
    outputs: list[tuple[str, str]]
    widgets: _Widgets
    values: list[Any]
    size: tuple[int, int]


def _plan(node: PromptNode, schemas: Schemas | None) -> _Plan:
    schema = schemas.find(node.class_type) if schemas is not None else None
    schema = schema or _CONSTANT_SCHEMAS.get(node.class_type or '')
    if schema is None:
        return _plan_unknown(node)
    slots: list[_Slot] = []
    items: list[tuple[Places, InputSchema]] = []
    texts = 0
    known = set()
    for item in schema.expand(node.inputs):
        known.add(item.name)
        places = _places_of(item)
        slots.append(_Slot(item.name, item.type, places is not None, not item.required))
        if places is not None:
            items.append((places, item))
            texts += bool(item.options.get('multiline'))
    more = []
    for name, value in node.inputs.items():
        if name in known:
            continue
        if isinstance(value, Link):
            slots.append(_Slot(name, '*', False, True))
        else:
            more.append(name)
    # Sockets come before widgets, as the web UI shows them.
    slots.sort(key=lambda slot: slot.widget)
    outputs = [(item.name, item.type) for item in schema.outputs]
    widgets = _Widgets(schema, items, more)
    values = widgets.values(node.inputs)
    sockets = len(slots) - len(items)
    size = _size(max(sockets, len(outputs)), len(values) - len(more), texts, _shows_picture(schema))
    return _Plan(slots, outputs, widgets, values, size)


def _shows_picture(schema: NodeSchema) -> bool:
    """Whether the web UI draws an image into the node: what it saved, or what it loads."""
    if schema.output_node:
        return any(item.type in ('IMAGE', 'VIDEO') for item in schema.inputs)
    return any(item.options.get('image_upload') or item.options.get('video_upload') for item in schema.inputs)


def _plan_unknown(node: PromptNode) -> _Plan:
    slots = [_Slot(name, '*', False, False) for name, _ in node.links()]
    widgets = _Widgets(None, (), [name for name, value in node.inputs.items() if not isinstance(value, Link)])
    values = widgets.values(node.inputs)
    return _Plan(slots, [], widgets, values, _size(len(slots), len(values), 0))


def _size(sockets: int, rows: int, texts: int, picture: bool = False) -> tuple[int, int]:
    height = 14 + sockets * _SLOT_HEIGHT + rows * _WIDGET_HEIGHT + texts * _TEXT_HEIGHT + picture * _PREVIEW_HEIGHT
    return (_WIDE if texts else _WIDTH), max(height, 46)


def _places_of(item: InputSchema) -> Places | None:
    """What puts an input's values into `widgets_values`; None for a socket."""
    options = item.options
    if options.get('forceInput') or (options.get('defaultInput') and not item.required):
        return None
    if item.kind is InputKind.DYNAMIC_COMBO:
        return _one
    if item.kind in (InputKind.AUTOGROW, InputKind.DYNAMIC_SLOT):
        return None
    return _PLACES.get(str(options.get('widgetType') or item.type))


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
    """The 3D view; where a model can be chosen, three buttons stand before it."""
    buttons = ['upload3dmodel', 'uploadExtraResources', 'clear'] if schema.input('model_file') else []
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


# -- links and nodes


def _links(
    prompt: Prompt, plans: Mapping[str, _Plan], numbers: Mapping[str, int]
) -> tuple[list[list[Any]], dict[str, dict[str, int]], dict[str, dict[int, list[int]]]]:
    """All links, the link of each linked input, and the links of each output."""
    links: list[list[Any]] = []
    incoming: dict[str, dict[str, int]] = {key: {} for key in prompt.nodes}
    outgoing: dict[str, dict[int, list[int]]] = {key: {} for key in prompt.nodes}
    for key, node in prompt.nodes.items():
        slots = {slot.name: (index, slot.type) for index, slot in enumerate(plans[key].slots)}
        for name, link in node.links():
            if link.node not in plans or name not in slots:
                continue
            index, type_ = slots[name]
            outputs = plans[link.node].outputs
            if 0 <= link.slot < len(outputs):
                type_ = outputs[link.slot][1]
            number = len(links) + 1
            links.append([number, numbers[link.node], link.slot, numbers[key], index, type_])
            incoming[key][name] = number
            outgoing[link.node].setdefault(link.slot, []).append(number)
    return links, incoming, outgoing


def _node_json(
    node: PromptNode,
    plan: _Plan,
    incoming: Mapping[str, int],
    outgoing: Mapping[int, list[int]],
    title: str | None,
) -> dict[str, Any]:
    inputs = []
    for slot in plan.slots:
        entry: dict[str, Any] = {'name': slot.name, 'type': slot.type, 'link': incoming.get(slot.name)}
        if slot.widget:
            entry['widget'] = {'name': slot.name}
        elif slot.optional:
            entry['shape'] = 7
        inputs.append(entry)
    outputs = list(plan.outputs)
    # A node that nothing is known of has the outputs that are used.
    outputs.extend((f'output {slot}', '*') for slot in range(len(outputs), max(outgoing, default=-1) + 1))
    data: dict[str, Any] = {
        'type': node.class_type or '',
        'size': list(plan.size),
        'flags': {},
        'mode': 0,
        'inputs': inputs,
        'outputs': [
            {'name': name, 'type': type_, 'links': outgoing.get(slot) or None}
            for slot, (name, type_) in enumerate(outputs)
        ],
        'properties': {'Node name for S&R': node.class_type or ''},
        'widgets_values': plan.values,
    }
    shown = title or node.title
    if shown:
        data['title'] = shown
    return data


# -- where things go


class _Block:
    """A node, or a group with what is in it, as one box: its size, and where its nodes lie in it."""

    __slots__ = ('frames', 'height', 'members', 'width')

    def __init__(self, width: float, height: float):
        self.width = width
        self.height = height
        self.members: list[tuple[str, float, float]] = []
        self.frames: list[tuple[str, float, float, float, float]] = []


def _places(
    prompt: Prompt, order: Sequence[str], plans: Mapping[str, _Plan], groups: Sequence[LayoutGroup]
) -> tuple[dict[str, tuple[int, int]], list[dict[str, Any]]]:
    needs = {key: [link.node for _, link in node.links() if link.node in plans] for key, node in prompt.nodes.items()}
    rank = {key: index for index, key in enumerate(order)}
    taken: set[str] = set()
    blocks = [_group_block(group, needs, rank, plans, taken) for group in groups]
    whole = _arrange(blocks, [key for key in order if key not in taken], needs, rank, plans)
    places = {key: (round(x), round(y) + _TITLE_HEIGHT) for key, x, y in whole.members}
    frames = [
        {
            'id': number,
            'title': title,
            'bounding': [round(x), round(y), round(width), round(height)],
            'color': _FRAME_COLOUR,
            'font_size': 24,
            'flags': {},
        }
        for number, (title, x, y, width, height) in enumerate(whole.frames, 1)
    ]
    return places, frames


def _group_block(
    group: LayoutGroup,
    needs: Mapping[str, list[str]],
    rank: Mapping[str, int],
    plans: Mapping[str, _Plan],
    taken: set[str],
) -> _Block:
    inner = [_group_block(child, needs, rank, plans, taken) for child in group.groups]
    own = [key for key in group.nodes if key in rank and key not in taken]
    taken.update(own)
    block = _arrange(inner, own, needs, rank, plans)
    width, height = block.width + 2 * _GROUP_MARGIN, block.height + _GROUP_TITLE + _GROUP_MARGIN
    framed = _Block(width, height)
    framed.members = [(key, x + _GROUP_MARGIN, y + _GROUP_TITLE) for key, x, y in block.members]
    framed.frames = [(group.title, 0, 0, width, height)]
    framed.frames += [(title, x + _GROUP_MARGIN, y + _GROUP_TITLE, w, h) for title, x, y, w, h in block.frames]
    return framed


def _arrange(
    groups: Sequence[_Block],
    keys: Iterable[str],
    needs: Mapping[str, list[str]],
    rank: Mapping[str, int],
    plans: Mapping[str, _Plan],
) -> _Block:
    """Blocks and nodes in columns, each right of what it needs."""
    blocks = [block for block in groups if block.members]
    for key in keys:
        width, height = plans[key].size
        block = _Block(width, height + _TITLE_HEIGHT)
        block.members = [(key, 0, 0)]
        blocks.append(block)
    blocks.sort(key=lambda block: min(rank[key] for key, _, _ in block.members))
    home = {key: index for index, block in enumerate(blocks) for key, _, _ in block.members}
    edges = [
        sorted({home[other] for key, _, _ in block.members for other in needs[key] if other in home} - {index})
        for index, block in enumerate(blocks)
    ]
    columns = _columns(edges)
    return _stacked(blocks, columns, edges)


def _columns(edges: Sequence[Sequence[int]]) -> list[int]:
    """The column of each block: right of all it needs, and one that needs nothing just left of its first user."""
    count = len(edges)
    users: list[list[int]] = [[] for _ in range(count)]
    open_ = [len(needed) for needed in edges]
    for index, needed in enumerate(edges):
        for other in needed:
            users[other].append(index)
    column = [0] * count
    placed = [False] * count
    ready = [index for index in range(count) if open_[index] == 0]
    rest = iter(range(count))
    done = 0
    while done < count:
        if not ready:
            # Groups can need each other in a circle: the first in the script's order goes first.
            ready.append(next(index for index in rest if not placed[index]))
        following: list[int] = []
        for index in ready:
            if placed[index]:
                continue
            placed[index] = True
            done += 1
            column[index] = max((column[other] + 1 for other in edges[index] if placed[other]), default=0)
            for user in users[index]:
                open_[user] -= 1
                if open_[user] == 0:
                    following.append(user)
        ready = following
    for index in range(count):
        if not edges[index] and users[index]:
            column[index] = max(0, min(column[user] for user in users[index]) - 1)
    return column


def _stacked(blocks: Sequence[_Block], columns: Sequence[int], edges: Sequence[Sequence[int]]) -> _Block:
    by_column: dict[int, list[int]] = {}
    for index, column in enumerate(columns):
        by_column.setdefault(column, []).append(index)
    middle = [0.0] * len(blocks)
    whole = _Block(0, 0)
    x = 0.0
    for column in sorted(by_column):
        members = by_column[column]
        # Next to what they need, else in the script's order.
        wish = {
            index: sum(middle[other] for other in edges[index]) / len(edges[index]) if edges[index] else -1.0
            for index in members
        }
        members.sort(key=lambda index: wish[index])
        for start in range(0, len(members), _MOST_PER_COLUMN):
            part = members[start : start + _MOST_PER_COLUMN]
            y = 0.0
            for index in part:
                block = blocks[index]
                whole.members += [(key, x + dx, y + dy) for key, dx, dy in block.members]
                whole.frames += [(title, x + dx, y + dy, w, h) for title, dx, dy, w, h in block.frames]
                middle[index] = y + block.height / 2
                y += block.height + _GAP_Y
            whole.height = max(whole.height, y - _GAP_Y)
            x += max(blocks[index].width for index in part) + _GAP_X
    whole.width = max(0.0, x - _GAP_X)
    return whole

"""A web UI workflow file as frozen data, whatever version of the web UI wrote it.

All forms that ComfyUI's own files have had are read: links as arrays (0.4) or objects (1.0), node ids as numbers or
strings, `pos` and `size` as lists or objects with number keys, missing `links`, `slot_index` and `order`, missing or
null lists. A field that cannot be read is taken as absent; only a file that is no workflow at all raises
`TranspileError`. (The web UI's own reading: `LGraph.configure`, `LGraphNode.configure`.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from .errors import TranspileError

INPUT_NODE = '-10'
"""Inside a subgraph: the id that links from the subgraph's own inputs start at."""

OUTPUT_NODE = '-20'
"""Inside a subgraph: the id that links to the subgraph's own outputs end at."""

ALWAYS = 0
NEVER = 2
BYPASS = 4

NOTE_TYPES = frozenset({'Note', 'MarkdownNote'})


class InputSlot(NamedTuple):
    name: str
    type: str
    link: int | None = None
    label: str | None = None
    widget: str | None = None
    """The name of the widget that this socket stands for."""


class OutputSlot(NamedTuple):
    name: str
    type: str
    links: tuple[int, ...] = ()
    label: str | None = None


class WorkflowLink(NamedTuple):
    id: int
    origin: str
    origin_slot: int
    target: str
    target_slot: int
    type: str


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class OpenNode(NamedTuple):
    """What a node of the open graph holds, as the page tells it (`js/panel/live.mjs`)."""

    title: str | None
    values: Mapping[str, Any]
    """The widgets' values by name, as a prompt would have them."""
    virtual: bool = False
    outputs: Sequence[Any] | None = None
    """Where each output of a virtual node has its value from: `[node id, slot]` or nothing."""
    class_type: str | None = None
    """What the page queues it as, whether the server has such a class or not."""

    @staticmethod
    def parse(data: Any) -> OpenNode | None:
        if not isinstance(data, dict) or not isinstance(data.get('values'), dict):
            return None
        outputs = data.get('outputs')
        return OpenNode(
            _optional_text(data.get('title')),
            data['values'],
            data.get('virtual') is True,
            outputs if isinstance(outputs, list) else None,
            _optional_text(data.get('class')),
        )


class WorkflowNode(NamedTuple):
    """One node as the file has it. `pos` and `size` are (x, y) and (width, height) in canvas units."""

    id: str
    type: str
    title: str | None = None
    pos: tuple[float, float] = (0.0, 0.0)
    size: tuple[float, float] = (0.0, 0.0)
    mode: int = ALWAYS
    inputs: tuple[InputSlot, ...] = ()
    outputs: tuple[OutputSlot, ...] = ()
    widgets_values: Sequence[Any] | Mapping[str, Any] | None = None
    named_values: Mapping[str, Any] | None = None
    """`widgets_values_named`, which newer files carry beside the positional values."""
    properties: Mapping[str, Any] = _NOTHING
    number: int = 0
    """The node's place in the file's list."""
    color: str | None = None
    open: OpenNode | None = None
    """For a node of the open graph: what it holds now, whatever the values above are."""

    @property
    def centre(self) -> tuple[float, float]:
        """A group that it lies in moves the node along, in the web UI."""
        return self.pos[0] + self.size[0] / 2, self.pos[1] + self.size[1] / 2

    @property
    def is_note(self) -> bool:
        return self.type in NOTE_TYPES

    @property
    def text(self) -> str:
        """The text of a note."""
        values = self.widgets_values
        first = values[0] if isinstance(values, (list, tuple)) and values else self.properties.get('text')
        return first if isinstance(first, str) else ''


class WorkflowGroup(NamedTuple):
    """A coloured frame on the canvas."""

    title: str
    x: float
    y: float
    width: float
    height: float


class BoundarySlot(NamedTuple):
    """One input or output of a subgraph definition."""

    name: str
    type: str
    label: str | None = None
    links: tuple[int, ...] = ()
    id: str | None = None


@dataclass(frozen=True)
class WorkflowGraph:
    """Nodes, links and groups: the file's own level or the inside of a subgraph."""

    nodes: tuple[WorkflowNode, ...]
    links: tuple[WorkflowLink, ...]
    groups: tuple[WorkflowGroup, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What packs and old versions keep beside the nodes, as the file has it."""

    @property
    def notes(self) -> Iterator[WorkflowNode]:
        return (node for node in self.nodes if node.is_note)

    @cached_property
    def node_by_id(self) -> Mapping[str, WorkflowNode]:
        """The first node of each id."""
        found: dict[str, WorkflowNode] = {}
        for node in self.nodes:
            found.setdefault(node.id, node)
        return found

    @cached_property
    def link_by_id(self) -> Mapping[int, WorkflowLink]:
        return {link.id: link for link in self.links}


@dataclass(frozen=True)
class SubgraphDefinition(WorkflowGraph):
    id: str = ''
    name: str = ''
    inputs: tuple[BoundarySlot, ...] = ()
    outputs: tuple[BoundarySlot, ...] = ()
    last_node_id: int = 0


@dataclass(frozen=True)
class WorkflowFile(WorkflowGraph):
    """A whole file. `subgraphs` are its definitions by id, in the file's order."""

    subgraphs: Mapping[str, SubgraphDefinition] = field(default_factory=dict)
    last_node_id: int = 0
    last_link_id: int = 0
    group_nodes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """`extra.groupNodes`: the definitions of group nodes, the subgraphs of old files, as the file has them."""

    @staticmethod
    def parse(data: Any) -> WorkflowFile:
        """Reads a workflow file's JSON. Raises TranspileError where it is not one."""
        if not isinstance(data, dict):
            raise TranspileError(f'a workflow is a JSON object, this is {type(data).__name__}')
        if not isinstance(data.get('nodes'), (list, tuple)):
            raise TranspileError("not a web UI workflow: it has no list 'nodes'")
        extra = _mapping(data.get('extra'))
        state = _mapping(data.get('state'))
        nodes, links = _parse_graph(data)
        return WorkflowFile(
            nodes=nodes,
            links=links,
            groups=_parse_groups(data.get('groups')),
            extra=extra,
            subgraphs=_parse_definitions(data),
            last_node_id=_last(data.get('last_node_id'), state.get('lastNodeId')),
            last_link_id=_last(data.get('last_link_id'), state.get('lastLinkId')),
            group_nodes=_mapping(extra.get('groupNodes')),
        )


def node_key(value: Any) -> str:
    """A node id as the web UI writes it: `String(value)`."""
    if type(value) is int:
        return str(value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return {True: 'true', False: 'false', None: 'undefined'}[value]
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return ','.join('' if item is None else _in_list(item) for item in value)
    return '[object Object]' if isinstance(value, Mapping) else str(value)


def _in_list(value: Any) -> str:
    """An item of a list that stands where an id should. What nests deeper is no id of anything."""
    return '[object Object]' if isinstance(value, (list, tuple, Mapping)) else node_key(value)


def link_key(value: Any) -> int | None:
    """A link id, or None where there is no link. Old files have some as text."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    if isinstance(value, str):
        return _int(value)
    return None


def _int(value: Any, default: int | None = None) -> int | None:
    if type(value) is int:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    if isinstance(value, str) and len(value) <= 18:
        digits = value[1:] if value.startswith('-') else value
        if digits.isascii() and digits.isdigit():
            return int(value)
    return default


def _last(*values: Any) -> int:
    return max((number for number in map(_int, values) if number is not None), default=0)


_NUMBERS = (int, float)


def _number(value: Any) -> float:
    if type(value) is float and -1e15 < value < 1e15:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15:
        return float(value)
    return 0.0


def _text(value: Any, default: str = '') -> str:
    if type(value) is str:
        return value
    if value is None or isinstance(value, (Mapping, list, tuple)):
        return default
    return node_key(value)


def _optional_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NOTHING


def _items(value: Any) -> Sequence[Any]:
    """A list, also where it was saved as an object with number keys."""
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, dict):
        numbered = [(_int(key), item) for key, item in value.items()]
        return [item for key, item in sorted((pair for pair in numbered if pair[0] is not None), key=_first)]
    return ()


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _point(value: Any) -> tuple[float, float]:
    if type(value) is list and len(value) == 2:
        x, y = value
        if type(x) in _NUMBERS and type(y) in _NUMBERS and -1e15 < x < 1e15 and -1e15 < y < 1e15:
            return x, y
        return _number(x), _number(y)
    items = _items(value)
    if len(items) >= 2:
        return _number(items[0]), _number(items[1])
    if isinstance(value, dict) and 'x' in value:
        return _number(value.get('x')), _number(value.get('y'))
    return 0.0, 0.0


def type_name(value: Any) -> str:
    """A slot type as one text. Combo outputs of old files are lists of choices; 0 and '' are the wildcard."""
    if isinstance(value, str):
        return value or '*'
    if isinstance(value, (list, tuple)):
        return 'COMBO'
    if value is None or value == 0:
        return '*'
    return node_key(value)


def _parse_graph(data: Mapping[str, Any]) -> tuple[tuple[WorkflowNode, ...], tuple[WorkflowLink, ...]]:
    items = enumerate(_items(data.get('nodes')))
    nodes = tuple([parse_node(item, index) for index, item in items if isinstance(item, dict)])
    links = parse_links(data.get('links'))
    return nodes, tuple(with_missing_links(nodes, links).values())


def parse_node(data: Mapping[str, Any], index: int) -> WorkflowNode:
    """One entry of a list of nodes."""
    get = data.get
    inputs, outputs = get('inputs'), get('outputs')
    values = get('widgets_values')
    named = get('widgets_values_named')
    mode = get('mode')
    return WorkflowNode(
        node_key(get('id')),
        _text(get('type'), 'undefined'),
        _optional_text(get('title')),
        _point(get('pos')),
        _point(get('size')),
        mode if type(mode) is int else ALWAYS,
        tuple([_parse_input(item) for item in _items(inputs) if isinstance(item, dict)]) if inputs else (),
        tuple([_parse_output(item) for item in _items(outputs) if isinstance(item, dict)]) if outputs else (),
        values if isinstance(values, (list, tuple, dict)) else None,
        named if isinstance(named, dict) else None,
        _mapping(get('properties')),
        index,
        _optional_text(get('color')),
        OpenNode.parse(get('comfyscript_live')),
    )


def _parse_input(data: Mapping[str, Any]) -> InputSlot:
    get = data.get
    name, type_, link, label, widget = get('name'), get('type'), get('link'), get('label'), get('widget')
    return InputSlot(
        name if type(name) is str else _text(name),
        type_ if type(type_) is str and type_ else type_name(type_),
        link if link is None or type(link) is int else link_key(link),
        None if label is None else _optional_text(label),
        _optional_text(widget.get('name')) if isinstance(widget, dict) else None,
    )


def _parse_output(data: Mapping[str, Any]) -> OutputSlot:
    get = data.get
    name, type_, links, label = get('name'), get('type'), get('links'), get('label')
    ids: tuple[int, ...] = ()
    if isinstance(links, list):
        ids = tuple([key for item in links if (key := link_key(item)) is not None])
    return OutputSlot(
        name if type(name) is str else _text(name),
        type_ if type(type_) is str and type_ else type_name(type_),
        ids,
        None if label is None else _optional_text(label),
    )


_LINK_KEYS = ('id', 'origin_id', 'origin_slot', 'target_id', 'target_slot', 'type')
_link_fields = itemgetter(*_LINK_KEYS)


def parse_links(data: Any) -> dict[int, WorkflowLink]:
    """A list of links, by their ids."""
    links: dict[int, WorkflowLink] = {}
    for item in _items(data):
        if isinstance(item, dict):
            try:
                key, origin, origin_slot, target, target_slot, type_ = _link_fields(item)
            except KeyError:
                key, origin, origin_slot, target, target_slot, type_ = map(item.get, _LINK_KEYS)
        elif isinstance(item, (list, tuple)) and len(item) >= 5:
            key, origin, origin_slot, target, target_slot, type_ = (*item, None)[:6]
        else:
            continue
        key = link_key(key)
        if key is None or origin is None or target is None:
            continue
        links[key] = WorkflowLink(
            key,
            node_key(origin),
            origin_slot if type(origin_slot) is int else _int(origin_slot, 0) or 0,
            node_key(target),
            target_slot if type(target_slot) is int else _int(target_slot, 0) or 0,
            type_ if type(type_) is str and type_ else type_name(type_),
        )
    return links


def with_missing_links(nodes: Sequence[WorkflowNode], links: dict[int, WorkflowLink]) -> dict[int, WorkflowLink]:
    """Adds the links that the list lacks but both ends name. (The web UI cannot run such a file at all.)"""
    wanted = [
        (slot.link, node.id, index, slot.type)
        for node in nodes
        for index, slot in enumerate(node.inputs)
        if slot.link is not None and slot.link not in links
    ]
    if not wanted:
        return links
    origins = {
        link: (node.id, index) for node in nodes for index, slot in enumerate(node.outputs) for link in slot.links
    }
    for link, target, target_slot, slot_type in wanted:
        if link in origins:
            origin, origin_slot = origins[link]
            links[link] = WorkflowLink(link, origin, origin_slot, target, target_slot, slot_type)
    return links


def _parse_groups(data: Any) -> tuple[WorkflowGroup, ...]:
    groups = []
    for item in _items(data):
        if not isinstance(item, dict):
            continue
        box = _items(item.get('bounding'))
        if len(box) < 4:
            box = (*_point(item.get('pos')), *_point(item.get('size')))
        groups.append(WorkflowGroup(_text(item.get('title')), *(_number(side) for side in box[:4])))
    return tuple(groups)


def _parse_definitions(data: Mapping[str, Any]) -> dict[str, SubgraphDefinition]:
    """All subgraph definitions, also those that a definition holds itself, outer ones first."""
    found: dict[str, SubgraphDefinition] = {}
    pending = [data]
    while pending:
        inner = []
        for holder in pending:
            for item in _items(_mapping(holder.get('definitions')).get('subgraphs')):
                if isinstance(item, dict) and isinstance(item.get('id'), str) and item['id'] not in found:
                    found[item['id']] = _parse_definition(item)
                    inner.append(item)
        pending = inner
    return found


def _parse_definition(data: Mapping[str, Any]) -> SubgraphDefinition:
    nodes, links = _parse_graph(data)
    return SubgraphDefinition(
        nodes=nodes,
        links=links,
        groups=_parse_groups(data.get('groups')),
        extra=_mapping(data.get('extra')),
        id=data['id'],
        name=_text(data.get('name')),
        inputs=_parse_boundary(data.get('inputs')),
        outputs=_parse_boundary(data.get('outputs')),
        last_node_id=_last(_mapping(data.get('state')).get('lastNodeId')),
    )


def _parse_boundary(data: Any) -> tuple[BoundarySlot, ...]:
    return tuple(
        BoundarySlot(
            name=_text(item.get('name')),
            type=type_name(item.get('type')),
            label=_optional_text(item.get('label')),
            links=tuple(key for link in _items(item.get('linkIds')) if (key := link_key(link)) is not None),
            id=_optional_text(item.get('id')),
        )
        for item in _items(data)
        if isinstance(item, dict)
    )

"""Use Everywhere: what is linked to its nodes goes to every open input that fits, when a prompt is made.

The web UI writes the links that it will add to `extra.ue_links`; where a file has none, they are found by the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...workflow_file import BYPASS, INPUT_NODE, OUTPUT_NODE, WorkflowGraph, link_key, node_key
from ..model import LiveGraph, LiveInput, LiveLink, LiveNode
from ..node_types import Pack

_NAMES = ('Anything Everywhere', 'Seed Everywhere', 'Prompts Everywhere')
_SEED_REGEX = 'seed'
_MOST_STEPS = 1000
_LONGEST_REGEX = 200
_QUANTIFIED = re.compile(r'[*+{]')
_DANGEROUS = re.compile(r'\)[*+?{]|\\[1-9]|\(\?P?[=!<]')

Accepts = Callable[[str], bool]


class _Broadcast(NamedTuple):
    """One value that is sent: its type and source, and which inputs take it (`UseEverywhere`)."""

    controller: LiveNode
    type: str
    origin: str
    slot: int
    priority: float
    only: frozenset[str] | None
    title: Accepts | None
    input: Accepts | None
    name: Accepts | None
    to_any: bool
    to_combo: bool


def add_links(graph: LiveGraph, source: WorkflowGraph) -> None:
    """Adds the links that are there when the web UI makes a prompt (`use_everywhere_graph_analysis.js`)."""
    saved = source.extra.get('ue_links')
    if isinstance(saved, (list, tuple)) and saved:
        for item in saved:
            if isinstance(item, Mapping):
                _add_saved(graph, item)
        return
    if any(_broadcasts(node) for node in graph.nodes):
        _add_found(graph, source)


def _add_saved(graph: LiveGraph, item: Mapping[str, Any]) -> None:
    target_id, index = node_key(item.get('downstream')), link_key(item.get('downstream_slot'))
    origin_id, origin_slot = node_key(item.get('upstream')), link_key(item.get('upstream_slot'))
    if index is None or origin_slot is None:
        return
    if target_id == OUTPUT_NODE:
        _link_output(graph, origin_id, origin_slot, index)
        return
    target = graph.by_id.get(target_id)
    slot = _slot_at(target, index) if target is not None else None
    if target is not None and slot is not None and (origin_id == INPUT_NODE or origin_id in graph.by_id):
        _link(graph, origin_id, origin_slot, target, slot)


def _slot_at(node: LiveNode, index: int) -> LiveInput | None:
    """The input at a place of the file's list: ours can have another order."""
    saved = node.info.inputs if node.info is not None else ()
    if 0 <= index < len(saved):
        return next((slot for slot in node.inputs if slot.name == saved[index].name), None)
    return node.inputs[index] if 0 <= index < len(node.inputs) else None


def _link(graph: LiveGraph, origin: str, origin_slot: int, target: LiveNode, slot: LiveInput) -> None:
    if _is_connected(graph, slot):
        return
    link = LiveLink(graph.new_link(), origin, origin_slot, target.id, target.inputs.index(slot), slot.type)
    graph.links[link.id] = link
    slot.link = link.id
    node = graph.by_id.get(origin)
    if node is not None and 0 <= origin_slot < len(node.outputs):
        node.outputs[origin_slot].links.append(link.id)


def _link_output(graph: LiveGraph, origin: str, origin_slot: int, index: int) -> None:
    if 0 <= index < len(graph.outputs) and origin in graph.by_id:
        boundary = graph.outputs[index]
        link = LiveLink(graph.new_link(), origin, origin_slot, OUTPUT_NODE, index, boundary.type)
        graph.links[link.id] = link
        boundary.links.append(link.id)


def _properties(node: LiveNode) -> Mapping[str, Any]:
    own = node.properties.get('ue_properties')
    return own if isinstance(own, Mapping) else {}


def _broadcasts(node: LiveNode) -> bool:
    return node.type.startswith(_NAMES) or node.properties.get('ue_convert') is True


def _settings(node: LiveNode) -> dict[str, Any]:
    """A node's restrictions; those of files before version 7 lie among its properties and values."""
    own = dict(_properties(node))
    values = node.info.widgets_values if node.info is not None else None
    if 'version' not in own and node.type.startswith(_NAMES):
        own.setdefault('group_restricted', node.properties.get('group_restricted'))
        own.setdefault('color_restricted', node.properties.get('color_restricted'))
        own['seed_inputs'] = node.type == 'Seed Everywhere'
        if isinstance(values, (list, tuple)) and node.type == 'Anything Everywhere?':
            for key, value in zip(('title_regex', 'input_regex', 'group_regex'), values):
                own.setdefault(key, value)
    return own


def _add_found(graph: LiveGraph, source: WorkflowGraph) -> None:
    sent = [item for node in graph.nodes if node.mode == 0 and _broadcasts(node) for item in _sent(graph, source, node)]
    for node in list(graph.nodes):
        if node.mode != 0 or node.type.startswith(_NAMES) or node.properties.get('rejects_ue_links'):
            continue
        for slot in list(node.inputs):
            if not _is_connected(graph, slot) and _connectable(node, slot):
                best = _best(sent, node, slot)
                if best is not None:
                    _link(graph, best.origin, best.slot, node, slot)


def _connectable(node: LiveNode, slot: LiveInput) -> bool:
    own = _properties(node)
    if slot.widget is not None:
        listed = own.get('widget_ue_connectable') or node.properties.get('widget_ue_connectable')
        return isinstance(listed, Mapping) and bool(listed.get(slot.name))
    listed = own.get('input_ue_unconnectable')
    return not (isinstance(listed, Mapping) and listed.get(slot.name))


def _best(sent: Sequence[_Broadcast], node: LiveNode, slot: LiveInput) -> _Broadcast | None:
    """The match of the highest priority, if there is one alone."""
    label = _label(node, slot.name)
    found = [item for item in sent if _matches(item, node, slot, label)]
    if not found:
        return None
    highest = max(item.priority for item in found)
    best = [item for item in found if item.priority == highest]
    return best[0] if len(best) == 1 else None


def _matches(item: _Broadcast, node: LiveNode, slot: LiveInput, label: str) -> bool:
    if item.origin == node.id or (item.only is not None and node.id not in item.only):
        return False
    if item.type != slot.type and not (
        (item.type == 'STRING' and slot.type == 'COMBO' and item.to_combo) or (slot.type == '*' and item.to_any)
    ):
        return False
    if item.name is not None and not item.name(label):
        return False
    title = node.title or node.type
    return (item.title is None or item.title(title)) and (item.input is None or item.input(label))


def _label(node: LiveNode, name: str) -> str:
    saved = node.info.inputs if node.info is not None else ()
    return next((slot.label for slot in saved if slot.name == name and slot.label), name)


def _sent(graph: LiveGraph, source: WorkflowGraph, node: LiveNode) -> Iterator[_Broadcast]:
    own = _settings(node)
    sources = list(_sources(graph, node, own))
    seen: set[str] = set()
    repeated = {type_ for _, type_, _, _ in sources if type_ in seen or seen.add(type_)}
    input_regex = own.get('input_regex') or (_SEED_REGEX if own.get('seed_inputs') else None)
    for name, type_, origin, slot in sources:
        by_name = type_ in repeated or bool(own.get('apply_to_unrepeated'))
        by_title = by_name and own.get('repeated_type_rule') == 3
        yield _Broadcast(
            controller=node,
            type=type_,
            origin=origin,
            slot=slot,
            priority=_priority(node, own, bool(repeated)),
            only=_restricted(graph, source, node, own),
            title=_exactly(name) if by_title else _regex(own.get('title_regex'), own.get('title_regex_invert')),
            input=_regex(input_regex, own.get('input_regex_invert')),
            name=_name_rule(own.get('repeated_type_rule'), name) if by_name and not by_title else None,
            to_any=_positive(own.get('send_to_any')),
            to_combo=_positive(own.get('string_to_combo')),
        )


def _sources(graph: LiveGraph, node: LiveNode, own: Mapping[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    """(name, type, node, slot) of what a node sends on."""
    if own.get('seed_inputs'):
        yield 'seed', 'INT', node.id, 0
        return
    if not node.type.startswith(_NAMES):
        silent = own.get('output_not_broadcasting')
        for index, output in enumerate(node.outputs):
            if not (isinstance(silent, Mapping) and silent.get(output.name)):
                yield output.name, output.type, node.id, index
        return
    as_named = node.type == 'Prompts Everywhere' and 'version' not in own
    for slot in node.inputs:
        link = graph.links.get(slot.link) if slot.link is not None else None
        link = _past_bypassed(graph, link) if link is not None else None
        if link is not None and _is_live(graph, link.origin):
            yield (
                slot.name if as_named else _label(node, slot.name),
                _type_of(graph, link),
                link.origin,
                link.origin_slot,
            )


def _type_of(graph: LiveGraph, link: LiveLink) -> str:
    origin = graph.by_id.get(link.origin)
    if link.type in ('*', '') and origin is not None and 0 <= link.origin_slot < len(origin.outputs):
        return origin.outputs[link.origin_slot].type
    return link.type


def _is_live(graph: LiveGraph, id: str) -> bool:
    node = graph.by_id.get(id)
    return id == INPUT_NODE or (node is not None and node.mode == 0)


def _is_connected(graph: LiveGraph, slot: LiveInput) -> bool:
    link = graph.links.get(slot.link) if slot.link is not None else None
    return link is not None and _past_bypassed(graph, link) is not None


def _past_bypassed(graph: LiveGraph, link: LiveLink) -> LiveLink | None:
    """The link before all bypassed nodes (`handle_bypass`)."""
    for _ in range(_MOST_STEPS):
        parent = graph.by_id.get(link.origin)
        if link.origin == INPUT_NODE or (parent is not None and parent.mode != BYPASS):
            return link
        if parent is None:
            return None
        inputs = parent.inputs
        at = inputs[link.origin_slot] if 0 <= link.origin_slot < len(inputs) else None
        if at is None or at.type != link.type:
            at = next((slot for slot in inputs if slot.type == link.type), None)
        following = graph.links.get(at.link) if at is not None and at.link is not None else None
        if following is None:
            return None
        link = following
    return None


def _positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and value > 0


def _priority(node: LiveNode, own: Mapping[str, Any], repeats: bool) -> float:
    stated = own.get('priority')
    if isinstance(stated, (int, float)) and stated:
        return stated
    keys = ('title_regex', 'input_regex', 'prompt_regex', 'negative_regex', 'group_regex')
    priority = 20 if node.type in ('Seed Everywhere', 'Prompts Everywhere') else 10
    if repeats or any(own.get(key) and own[key] != '.*' for key in keys):
        priority += 20
    return priority + 3 * _positive(own.get('group_restricted')) + 6 * _positive(own.get('color_restricted'))


def _restricted(
    graph: LiveGraph, source: WorkflowGraph, node: LiveNode, own: Mapping[str, Any]
) -> frozenset[str] | None:
    """The nodes that a group or a colour leaves, or None for all."""
    everyone = frozenset(item.id for item in graph.nodes)
    allowed: frozenset[str] | None = None
    grouped = own.get('group_restricted')
    if grouped in (1, 2):
        mine = frozenset(id for group in _groups(graph, source) if node.id in group for id in group)
        allowed = mine if grouped == 1 else everyone - mine
    coloured = own.get('color_restricted')
    if coloured in (1, 2):
        colour = node.info.color if node.info is not None else None
        same = frozenset(item.id for item in graph.nodes if item.info is not None and item.info.color == colour)
        allowed = (allowed if allowed is not None else everyone) & (same if coloured == 1 else everyone - same)
    wanted = _regex(own.get('group_regex'), own.get('group_regex_invert'))
    if wanted is not None:
        titled = zip(source.groups, _groups(graph, source))
        within = frozenset(id for group, ids in titled if wanted(group.title) for id in ids)
        allowed = within if allowed is None else allowed & within
    return allowed


def _groups(graph: LiveGraph, source: WorkflowGraph) -> list[frozenset[str]]:
    found = []
    for group in source.groups:
        right, bottom = group.x + group.width, group.y + group.height
        found.append(
            frozenset(
                node.id
                for node in graph.nodes
                if node.info is not None
                and group.x <= node.info.centre[0] <= right
                and group.y <= node.info.centre[1] <= bottom
            )
        )
    return found


def _name_rule(rule: Any, name: str) -> Accepts | None:
    """How a type that is sent twice is told apart: by the input's name, its start, its end, or as a regex."""

    def start(label: str) -> bool:
        return label.startswith(name[: len(label)]) if len(label) < len(name) else name == label[: len(name)]

    if rule == 1:
        return start
    if rule == 2:
        return lambda label: label.endswith(name) or name.endswith(label)
    if rule == 4:
        return _regex(name, False)
    return _exactly(name)


def _exactly(name: str) -> Accepts:
    return lambda text: text == name


def _regex(pattern: Any, inverted: Any) -> Accepts | None:
    """What a regex of the file accepts; None where it restricts nothing, or could take forever."""
    if not isinstance(pattern, str) or pattern in ('', '.*'):
        return None
    if len(pattern) > _LONGEST_REGEX or len(_QUANTIFIED.findall(pattern)) > 3 or _DANGEROUS.search(pattern):
        return lambda text: False
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError):
        return None
    return lambda text: (compiled.search(text[:_LONGEST_REGEX]) is not None) != bool(inverted)


USE_EVERYWHERE = Pack(
    source='chrisgoringe/cg-use-everywhere 7.8, js/use_everywhere_classes.js, use_everywhere_graph_analysis.js',
    links=add_links,
    deciding=_NAMES,
)

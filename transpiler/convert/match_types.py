"""What the web UI does to types right after loading: reroutes and match-type inputs take on what they are linked to,
and links that fit no more are cut.

Sources: `extensions/core/rerouteNode.ts`, `core/graph/widgets/dynamicWidgets.ts: withComfyMatchType`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from ..workflow_file import INPUT_NODE, OUTPUT_NODE
from .javascript import compatible
from .live_links import disconnect_input
from .model import LiveGraph, LiveInput, LiveNode

_ROUNDS = 20


def settle_types(graphs: Sequence[LiveGraph]) -> None:
    for graph in graphs:
        reroutes = [node for node in graph.nodes if _is_reroute(node)]
        if reroutes:
            _settle_reroutes(graph, reroutes)
    for graph in graphs:
        _settle_matches(graph)


def _is_reroute(node: LiveNode) -> bool:
    return node.type == 'Reroute' and node.virtual


def _settle_reroutes(graph: LiveGraph, reroutes: Sequence[LiveNode]) -> None:
    """Each tree of reroutes has the type of what feeds it; targets of another type lose their link."""
    known: dict[int, tuple[bool, str | None]] = {}
    for node in reroutes:
        readable, type_ = _fed_type(graph, node, known)
        if not readable or not node.outputs:
            continue
        node.outputs[0].type = type_ or '*'
        if type_ is None:
            continue
        for number in list(node.outputs[0].links):
            link = graph.links.get(number)
            target = graph.by_id.get(link.target) if link is not None else None
            if link is None or target is None or _is_reroute(target):
                continue
            if 0 <= link.target_slot < len(target.inputs):
                theirs = target.inputs[link.target_slot].type
                if not compatible(type_, theirs):
                    disconnect_input(target, link.target_slot)


def _fed_type(graph: LiveGraph, node: LiveNode, known: dict[int, tuple[bool, str | None]]) -> tuple[bool, str | None]:
    """(whether its feed could be read, the type that feeds it) for a reroute; None where nothing does."""
    chain: list[LiveNode] = []
    met: set[int] = set()
    found: tuple[bool, str | None] = (True, None)
    current = node
    while True:
        if id(current) in known:
            found = known[id(current)]
            break
        if id(current) in met:
            break
        met.add(id(current))
        chain.append(current)
        number = current.inputs[0].link if current.inputs else None
        if number is None:
            break
        link = graph.links.get(number)
        origin = graph.by_id.get(link.origin) if link is not None else None
        if link is None or origin is None:
            found = (False, None)
            break
        if not _is_reroute(origin):
            outputs = origin.outputs
            found = (True, outputs[link.origin_slot].type if 0 <= link.origin_slot < len(outputs) else None)
            break
        current = origin
    for item in chain:
        known[id(item)] = found
    return found


def _settle_matches(graph: LiveGraph) -> None:
    pending = deque((node, slot) for node in graph.nodes if node.matches for slot in list(node.inputs))
    rounds: dict[int, int] = {}
    while pending:
        node, slot = pending.popleft()
        group_key = next((key for key, group in (node.matches or {}).items() if slot.name in group), None)
        if group_key is None:
            continue
        rounds[id(node)] = rounds.get(id(node), 0) + 1
        if rounds[id(node)] <= _ROUNDS * max(1, len(node.inputs)):
            pending.extend(_match(graph, node, group_key))


def _match(graph: LiveGraph, node: LiveNode, group_key: str) -> list[tuple[LiveNode, LiveInput]]:
    """Narrows one group of inputs, and the outputs that follow it. Gives the inputs behind changed outputs."""
    allowed = (node.matches or {})[group_key]
    slots = [slot for slot in node.inputs if slot.name in allowed]
    connected = [_connected_type(graph, slot) for slot in slots]
    for index, slot in enumerate(slots):
        common = _common_type([*connected[:index], *connected[index + 1 :], allowed[slot.name]])
        if common is None:
            return []
        slot.type = common
    output_type = _common_type(connected)
    if output_type is None:
        return []
    groups = node.node_class.output_groups if node.node_class is not None else []
    changed: list[tuple[LiveNode, LiveInput]] = []
    for index, output in enumerate(node.outputs):
        if index >= len(groups) or groups[index] != group_key or output.type == output_type:
            continue
        output.type = output_type
        for number in list(output.links):
            link = graph.links.get(number)
            if link is None or link.target == OUTPUT_NODE:
                continue
            target = graph.by_id.get(link.target)
            if target is None or not 0 <= link.target_slot < len(target.inputs):
                continue
            slot = target.inputs[link.target_slot]
            if not compatible(output_type, slot.type):
                disconnect_input(target, link.target_slot)
            changed.append((target, slot))
    return changed


def _connected_type(graph: LiveGraph, slot: LiveInput) -> str:
    link = graph.links.get(slot.link) if slot.link else None
    if link is None:
        return '*'
    if link.origin == INPUT_NODE:
        return graph.inputs[link.origin_slot].type if 0 <= link.origin_slot < len(graph.inputs) else '*'
    origin = graph.by_id.get(link.origin)
    if origin is None or not 0 <= link.origin_slot < len(origin.outputs):
        return '*'
    return origin.outputs[link.origin_slot].type


def _common_type(types: Iterable[str]) -> str | None:
    """`commonType`: what all of them allow, or None."""
    listed = [type_.split(',') for type_ in types if type_ != '*']
    if not listed:
        return '*'
    shared = [item for item in dict.fromkeys(listed[0]) if all(item in other for other in listed[1:])]
    return ','.join(shared) if shared else None

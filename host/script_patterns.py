"""Scripts of prompts that differ from one before in numbers alone, such as the seed: the same text with other numbers.

Writing a script of 50 nodes takes a millisecond that the nodes of a quick workflow then wait for; this takes a tenth.
A pattern is the script of the same prompt with numbers in it that stand nowhere else. It is taken only if it gives, for
the prompt that it is made for, what the transpiler writes.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..graph import Schemas

Nodes = Mapping[str, Any]
Slot = tuple[str, str]
"""A node's input."""

MOST_PATTERNS = 32
MOST_SLOTS = 8
_INTEGER = 70_000_000_000_000_000_000
_FLOAT = 71_234_567.012_345_67
_LEFT_OUT = ('extra', 'last_node_id', 'last_link_id', 'revision', 'state', 'nodes')
"""What of a workflow says nothing of its script, or is compared by itself."""


@dataclass
class _Pattern:
    nodes: dict[str, tuple[Any, dict[str, Any]]]
    workflow: Any
    about: tuple[Any, ...]
    parts: list[str]
    slots: list[Slot] = field(default_factory=list)
    """Between the parts."""
    is_usable: bool = True

    def changes(self, nodes: Nodes) -> dict[Slot, Any] | None:
        """The numbers that are others; None where anything else is."""
        if nodes.keys() != self.nodes.keys():
            return None
        found: dict[Slot, Any] = {}
        for key, (class_type, inputs) in self.nodes.items():
            given = nodes[key].get('inputs') or {}
            if nodes[key].get('class_type') != class_type or given.keys() != inputs.keys():
                return None
            for name, value in given.items():
                # 7 and 7.0, 1 and True are not written alike.
                if type(value) is not type(inputs[name]) or (value != inputs[name] and not _is_number(value)):
                    return None
                if value != inputs[name]:
                    found[key, name] = value
        return found

    def text(self, nodes: Nodes) -> str | None:
        """The script with a prompt's numbers; None where one is longer than what the line was laid out for."""
        found = [self.parts[0]]
        for (key, name), part in zip(self.slots, self.parts[1:]):
            value = nodes[key]['inputs'][name]
            written = _written(value)
            if len(written) > len(_written(_FLOAT if type(value) is float else _INTEGER)):
                return None
            found += [written, part]
        return ''.join(found)


class ScriptPatterns:
    """The patterns of the latest prompts, by the node that saves."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Pattern] = OrderedDict()

    def write(
        self, node_id: str, nodes: Nodes, workflow: Any, style: str, schemas: Schemas, write: Callable[[Nodes], str]
    ) -> str:
        """The script: by a pattern where there is one, else what `write` gives."""
        pattern = self._known.get(node_id)
        about = (style, id(schemas))
        if pattern is None or pattern.about != about or not _same_workflow(pattern.workflow, workflow):
            changes = None
        else:
            changes = pattern.changes(nodes)
        if pattern is None or changes is None:
            text = write(nodes)
            self._remember(node_id, nodes, workflow, about, text)
            return text
        if not pattern.is_usable or any(_is_default(slot, nodes, schemas) for slot in {*changes, *pattern.slots}):
            return write(nodes)
        if changes.keys() <= set(pattern.slots):
            return pattern.text(nodes) or write(nodes)
        text = write(nodes)
        _learn(pattern, [*pattern.slots, *(slot for slot in changes if slot not in pattern.slots)], nodes, text, write)
        return text

    def _remember(self, node_id: str, nodes: Nodes, workflow: Any, about: tuple[Any, ...], text: str) -> None:
        copied = {key: (node.get('class_type'), dict(node.get('inputs') or {})) for key, node in nodes.items()}
        self._known[node_id] = _Pattern(copied, workflow, about, [text])
        self._known.move_to_end(node_id)
        while len(self._known) > MOST_PATTERNS:
            self._known.popitem(last=False)


def _learn(pattern: _Pattern, slots: list[Slot], nodes: Nodes, text: str, write: Callable[[Nodes], str]) -> None:
    marks: dict[str, Slot] = {}
    marked = {key: {**node, 'inputs': dict(node.get('inputs') or {})} for key, node in nodes.items()}
    for number, (key, name) in enumerate(slots):
        inputs = marked[key]['inputs']
        inputs[name] = _FLOAT + 1000 * number if type(inputs[name]) is float else _INTEGER + number
        marks[_written(inputs[name])] = key, name
    pattern.is_usable = False
    if len(slots) > MOST_SLOTS:
        return
    written = write(marked)
    places = sorted((written.find(mark), mark) for mark in marks)
    if any(written.count(mark) != 1 or not _stands_alone(written, at) for at, mark in places):
        return
    pattern.parts, pattern.slots, end = [], [], 0
    for at, mark in places:
        pattern.parts.append(written[end:at])
        pattern.slots.append(marks[mark])
        end = at + len(mark)
    pattern.parts.append(written[end:])
    pattern.is_usable = pattern.text(nodes) == text


def _stands_alone(text: str, place: int) -> bool:
    """Whether it stands in a call of one line, which a shorter number leaves in one line, and in no function."""
    line = text[text.rfind('\n', 0, place) + 1 : text.find('\n', place)]
    return line[:1].strip() != '' and line.count('(') == line.count(')') and '\ndef ' not in f'\n{text}'


def _is_number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _is_default(slot: Slot, nodes: Nodes, schemas: Schemas) -> bool:
    """Whether a call may leave the value out."""
    node, name = nodes[slot[0]], slot[1]
    schema = schemas.find(node.get('class_type'))
    item = schema.input(name) if schema else None
    return item is None or item.default == node['inputs'][name]


def _written(value: Any) -> str:
    from ..transpiler.writer.literals import number

    return number(value) if type(value) is float else str(value)


def _same_workflow(one: Any, two: Any) -> bool:
    """Whether two workflows differ in widgets' values at most, and in what says nothing of a script."""
    if not isinstance(one, dict) or not isinstance(two, dict):
        return one == two
    if any(one.get(key) != two.get(key) for key in {*one, *two} if key not in _LEFT_OUT):
        return False
    ours, theirs = one.get('nodes'), two.get('nodes')
    if not isinstance(ours, list) or not isinstance(theirs, list) or len(ours) != len(theirs):
        return False
    groups = [(data.get('extra') or {}).get('groupNodes') for data in (one, two)]
    return groups[0] == groups[1] and all(map(_same_node, ours, theirs))


def _same_node(one: Any, two: Any) -> bool:
    if one == two:
        return True
    if not isinstance(one, dict) or not isinstance(two, dict) or one.keys() != two.keys():
        return False
    return all(one[key] == two[key] for key in one if not key.startswith('widgets_values'))

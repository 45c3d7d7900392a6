"""API prompts: `{node id: {class_type, inputs, _meta}}`, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from .errors import PromptError


class Link(NamedTuple):
    """An output of another node: `["4", 0]` in the prompt (ComfyUI `comfy_execution/graph_utils.py: is_link`)."""

    node: str
    slot: int


@dataclass(frozen=True)
class PromptNode:
    """A node of a prompt. `class_type` is None where the browser did not know the node's type."""

    class_type: str | None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    title: str | None = None

    def links(self) -> list[tuple[str, Link]]:
        return [(name, value) for name, value in self.inputs.items() if type(value) is Link]


def is_link(value: Any) -> bool:
    """Whether a JSON value of a prompt stands for another node's output."""
    return may_be_link(value) and isinstance(value[1], (int, float)) and value[1] == value[1] // 1


def may_be_link(value: Any) -> bool:
    """At least what ComfyUI follows (`is_link` is narrower): nothing that it would run may go unchecked."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def decode_value(value: Any) -> Any:
    """A JSON value of a prompt → Link or plain value; wrapped lists are unwrapped."""
    kind = type(value)
    if kind is str or kind is int:
        return value
    if isinstance(value, list):
        return Link(value[0], int(value[1])) if is_link(value) else value
    if isinstance(value, dict) and len(value) == 1 and isinstance(value.get('__value__'), list):
        return value['__value__']
    return value


def decode_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A node's inputs as a prompt has them → by name, each decoded."""
    return {name: decode_value(value) for name, value in inputs.items()}


def encode_value(value: Any) -> Any:
    """A Link or plain value → JSON; lists are wrapped as the browser does, so that none is taken for a link."""
    if type(value) is Link:
        return [value.node, value.slot]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return {'__value__': list(value)}
    return value


@dataclass(frozen=True)
class Prompt:
    """A whole prompt; node ids are strings, in the order of the source."""

    nodes: Mapping[str, PromptNode]

    @staticmethod
    def parse(data: Any) -> Prompt:
        """From API JSON. Raises PromptError naming the node that cannot be read."""
        if not isinstance(data, Mapping):
            raise PromptError(f'a prompt is an object of node id → node, not {type(data).__name__}')
        return Prompt({str(key): _parse_node(str(key), node) for key, node in data.items()})

    def to_json(self) -> dict[str, Any]:
        """API JSON, as the browser writes it."""
        return {key: _node_json(node) for key, node in self.nodes.items()}

    def order(self) -> list[str]:
        """Node ids, every node after those it needs, else in the prompt's order. Raises PromptError for a circle."""
        return list(self._order)

    @cached_property
    def _order(self) -> list[str]:
        return _order(self.nodes, self.nodes)

    def upstream(self, ids: Iterable[str]) -> Prompt:
        """Just the nodes that these need, these included, in the prompt's order."""
        needed: set[str] = set()
        pending = [key for key in ids if key in self.nodes]
        while pending:
            key = pending.pop()
            if key in needed:
                continue
            needed.add(key)
            pending.extend(link.node for _, link in self.nodes[key].links() if link.node in self.nodes)
        return Prompt({key: node for key, node in self.nodes.items() if key in needed})


_OBJECT = (dict, Mapping)
"""What `Mapping` alone says too, but slower for the dicts that nearly all are."""


def _parse_node(key: str, data: Any) -> PromptNode:
    if not isinstance(data, _OBJECT):
        raise PromptError(f'node {key!r} of the prompt is {type(data).__name__}, not an object')
    class_type = data.get('class_type')
    if class_type is not None and not isinstance(class_type, str):
        raise PromptError(f'node {key!r} of the prompt: class_type is {type(class_type).__name__}, not a string')
    inputs = data.get('inputs') or {}
    if not isinstance(inputs, _OBJECT):
        raise PromptError(f'node {key!r} of the prompt: inputs is {type(inputs).__name__}, not an object')
    meta = data.get('_meta')
    title = meta.get('title') if isinstance(meta, _OBJECT) else None
    values = {str(name): decode_value(value) for name, value in inputs.items()}
    return PromptNode(class_type, values, title if isinstance(title, str) else None)


def _node_json(node: PromptNode) -> dict[str, Any]:
    data: dict[str, Any] = {'inputs': {name: encode_value(value) for name, value in node.inputs.items()}}
    if node.class_type is not None:
        data['class_type'] = node.class_type
    if node.title is not None:
        data['_meta'] = {'title': node.title}
    return data


def _order(nodes: Mapping[str, PromptNode], roots: Iterable[str]) -> list[str]:
    """Depth first without recursion: prompts can be chains of 100 000 nodes."""
    done: dict[str, None] = {}
    open_: set[str] = set()
    for root in roots:
        stack = [root]
        while stack:
            key = stack[-1]
            if key in done:
                stack.pop()
                continue
            if key not in open_:
                open_.add(key)
                needs = [value.node for value in nodes[key].inputs.values() if type(value) is Link]
                circle = next((need for need in reversed(needs) if need in open_), None)
                if circle is not None:
                    raise PromptError(f'the links of node {circle!r} run in a circle')
                missing = [need for need in reversed(needs) if need not in done and need in nodes]
                if missing:
                    stack.extend(missing)
                    continue
            stack.pop()
            open_.discard(key)
            done[key] = None
    return list(done)

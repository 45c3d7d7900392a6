"""Which nodes of two prompts are the same, up to their ids: by colours, hashes of what a node is and is linked to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from .prompt import Link, Prompt


class NodeColours:
    """Node id → hash, by what a prompt's nodes hold and what they are linked to; each made when first asked for.

    Nodes of the same colour are the same as far as it goes. All but `own` raise PromptError for a circle.
    """

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    @cached_property
    def own(self) -> dict[str, str]:
        """By class type and values."""
        return {
            key: _hash(node.class_type, sorted((name, _canonical(value)) for name, value in node.inputs.items()))
            for key, node in self._prompt.nodes.items()
        }

    @cached_property
    def above(self) -> dict[str, str]:
        """By themselves and everything above them."""
        colours = dict(self.own)
        for key in self._order:
            links = sorted((name, colours.get(link.node, '?'), link.slot) for name, link in self._links[key])
            colours[key] = _hash(self.own[key], links)
        return colours

    @cached_property
    def below(self) -> dict[str, str]:
        """By themselves and everything below them."""
        return self._with_users(self.own)

    @cached_property
    def both(self) -> dict[str, str]:
        """By what is above and what is below them: what else their sources are used for makes no difference."""
        return {key: self.above[key] + self.below[key] for key in self._prompt.nodes}

    @cached_property
    def whole(self) -> dict[str, str]:
        """By everything above them, then also by who uses it, so that shared and repeated nodes differ."""
        colours = self._with_users(self.above)
        for key in self._order:
            links = sorted((name, colours.get(link.node, '?')) for name, link in self._links[key])
            colours[key] = _hash(colours[key], links)
        return colours

    def _with_users(self, own: Mapping[str, str]) -> dict[str, str]:
        colours = dict(own)
        users: dict[str, list[tuple[str, str, int]]] = {}
        for key in reversed(self._order):
            colours[key] = _hash(colours[key], sorted(users.get(key, ())))
            for name, link in self._links[key]:
                users.setdefault(link.node, []).append((colours[key], name, link.slot))
        return colours

    @cached_property
    def _order(self) -> list[str]:
        return self._prompt.order()

    @cached_property
    def _links(self) -> dict[str, list[tuple[str, Link]]]:
        return {key: node.links() for key, node in self._prompt.nodes.items()}


def same_prompt(left: Any, right: Any) -> bool:
    """Whether two prompts are equal up to node ids (titles do not count)."""
    return difference(left, right) is None


def difference(left: Any, right: Any) -> str | None:
    """The first difference of two prompts up to node ids in words, or None. Takes `Prompt` or API JSON."""
    one = left if isinstance(left, Prompt) else Prompt.parse(left)
    two = right if isinstance(right, Prompt) else Prompt.parse(right)
    if len(one.nodes) != len(two.nodes):
        return f'{len(one.nodes)} nodes here, {len(two.nodes)} there'
    left_colours, right_colours = NodeColours(one), NodeColours(two)
    for name in ('own', 'above', 'whole'):
        ours, theirs = getattr(left_colours, name), getattr(right_colours, name)
        unmatched = _unmatched(ours, theirs)
        if unmatched:
            key = unmatched[0]
            other = _unmatched(theirs, ours)
            there = f'; there instead: {_describe(two, other[0])}' if other else ''
            return f'no counterpart for node {key!r}: {_describe(one, key)}{there}'
    return None


def _describe(prompt: Prompt, key: str) -> str:
    node = prompt.nodes[key]
    return f'{node.class_type}({", ".join(f"{k}={v!r:.80}" for k, v in node.inputs.items())})'


def _unmatched(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    left: dict[str, int] = {}
    for colour in theirs.values():
        left[colour] = left.get(colour, 0) + 1
    found = []
    for key, colour in ours.items():
        if left.get(colour, 0):
            left[colour] -= 1
        else:
            found.append(key)
    return found


def _canonical(value: Any) -> str:
    if type(value) is Link:
        return 'link'
    return json.dumps(_number(value), sort_keys=True, default=str)


def _number(value: Any) -> Any:
    """`8` and `8.0` are one number in JSON that a browser wrote."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_number(item) for item in value]
    if isinstance(value, dict):
        return {key: _number(item) for key, item in value.items()}
    return value


def _hash(*parts: Any) -> str:
    return hashlib.sha1(repr(parts).encode('utf-8', 'backslashreplace')).hexdigest()

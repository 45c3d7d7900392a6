"""Which node of a script is which node of another script, or of the graph."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..graph import Link, NodeColours, Prompt
from .reading import ReadScript


@dataclass
class NodePairs:
    """A growing one-to-one match of two prompts: new id ↔ old id."""

    old: Prompt
    new: Prompt
    to_old: dict[str, str] = field(default_factory=dict)
    to_new: dict[str, str] = field(default_factory=dict)

    def add(self, old: str, new: str) -> bool:
        if old in self.to_new or new in self.to_old:
            return False
        if self.old.nodes[old].class_type != self.new.nodes[new].class_type:
            return False
        self.to_old[new] = old
        self.to_new[old] = new
        return True

    def open_old(self) -> list[str]:
        return [key for key in self.old.nodes if key not in self.to_new]

    def open_new(self) -> list[str]:
        return [key for key in self.new.nodes if key not in self.to_old]


def match(old: ReadScript, new: ReadScript, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """New node id → old node id, at most one each, equal class types only; `known` pairs come first.

    First the nodes that are the same in all that is above and below them, so that two scripts of one graph are the
    same whatever their lines say. Then unchanged lines keep their nodes; then lines that were rewritten in place; then
    nodes with equal inputs all the way up; then neighbours of what is matched; the rest by likeness.
    """
    pairs = NodePairs(old.prompt, new.prompt)
    for two, one in (known or {}).items():
        pairs.add(one, two)
    equal, rewritten = _line_pairs(old.text, new.text)
    olds, news = NodeColours(old.prompt), NodeColours(new.prompt)
    _match_same(pairs, olds.whole, news.whole, old.lines, new.lines, equal)
    if len(pairs.to_old) == len(new.prompt.nodes):
        return pairs.to_old
    _match_same(pairs, olds.both, news.both, old.lines, new.lines, equal)
    _match_lines(pairs, old.lines, new.lines, equal)
    _match_lines(pairs, old.lines, new.lines, rewritten)
    _match_equal(pairs, olds.above, news.above)
    _match_neighbours(pairs)
    _match_alike(pairs)
    return pairs.to_old


def find_origins(graph: Prompt, written: ReadScript) -> dict[str, str]:
    """Node of a written script → node of the graph it was written of."""
    # The written script's lines say nothing of the graph's ids: equal prompts match by what they hold.
    return match(ReadScript('', graph), written)


def _line_pairs(old: str, new: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Pairs of 1-based lines: (equal, rewritten in place)."""
    ours, theirs = old.splitlines(), new.splitlines()
    # Edits are mostly in one place, and difflib is slow on long texts that say the same again and again.
    head = _common(ours, theirs)
    tail = _common(ours[head:][::-1], theirs[head:][::-1])
    shift = len(theirs) - len(ours)
    equal = [(line, line) for line in range(1, head + 1)]
    equal += [(line, line + shift) for line in range(len(ours) - tail + 1, len(ours) + 1)]
    rewritten: list[tuple[int, int]] = []
    middle, other = ours[head : len(ours) - tail], theirs[head : len(theirs) - tail]
    matcher = difflib.SequenceMatcher(None, middle, other, autojunk=len(middle) > 1000)
    for tag, first, last, start, stop in matcher.get_opcodes():
        pairs = zip(range(head + first + 1, head + last + 1), range(head + start + 1, head + stop + 1))
        if tag == 'equal':
            equal += pairs
        elif tag == 'replace' and last - first == stop - start:
            rewritten += pairs
    return equal, rewritten


def _common(ours: list[str], theirs: list[str]) -> int:
    """How many lines are the same from the beginning."""
    return next((at for at, (one, two) in enumerate(zip(ours, theirs)) if one != two), min(len(ours), len(theirs)))


def _by_line(lines: Mapping[str, int], prompt: Prompt) -> dict[int, list[str]]:
    """The nodes that each line made, in the order it made them."""
    found: dict[int, list[str]] = {}
    for key in prompt.nodes:
        line = lines.get(key)
        if line is not None:
            found.setdefault(line, []).append(key)
    return found


def _match_lines(
    pairs: NodePairs, old_lines: Mapping[str, int], new_lines: Mapping[str, int], lines: Iterable[tuple[int, int]]
) -> None:
    made_old, made_new = _by_line(old_lines, pairs.old), _by_line(new_lines, pairs.new)
    for old_line, new_line in lines:
        olds = [key for key in made_old.get(old_line, ()) if key not in pairs.to_new]
        news = [key for key in made_new.get(new_line, ()) if key not in pairs.to_old]
        if _class_types(pairs.old, olds) == _class_types(pairs.new, news):
            for one, two in zip(olds, news):
                pairs.add(one, two)


def _class_types(prompt: Prompt, keys: Iterable[str]) -> list[str | None]:
    return [prompt.nodes[key].class_type for key in keys]


def _match_same(
    pairs: NodePairs,
    old_colours: Mapping[str, str],
    new_colours: Mapping[str, str],
    old_lines: Mapping[str, int],
    new_lines: Mapping[str, int],
    lines: Iterable[tuple[int, int]],
) -> None:
    """The nodes that are the same in all that is above and below them, where there are as many on both sides."""
    olds, news = _by_colour(old_colours), _by_colour(new_colours)
    same = {colour for colour, keys in olds.items() if len(keys) == len(news.get(colour, ()))}
    for colour in same:
        if len(olds[colour]) == 1:
            pairs.add(olds[colour][0], news[colour][0])
    twins = _Twins(pairs, old_colours, new_colours, same)
    made_old, made_new = _by_line(old_lines, pairs.old), _by_line(new_lines, pairs.new)
    for old_line, new_line in lines:
        twins.pair_all(made_old.get(old_line, ()), made_new.get(new_line, ()))
    for colour in same:
        twins.pair_all(olds[colour], news[colour])


def _by_colour(colours: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, colour in colours.items():
        found.setdefault(colour, []).append(key)
    return found


class _Twins:
    """Pairs nodes of which there are several the same, their neighbours with them: no link leads from one to the
    other's twin."""

    def __init__(
        self, pairs: NodePairs, old_colours: Mapping[str, str], new_colours: Mapping[str, str], same: set[str]
    ) -> None:
        self.pairs = pairs
        self.old_colours = old_colours
        self.new_colours = new_colours
        self.same = same
        self.old_users, self.new_users = _users(pairs.old), _users(pairs.new)

    def pair_all(self, olds: Iterable[str], news: Iterable[str]) -> None:
        """In order, each old node with the first new one that is its like and still alone."""
        waiting = {colour: deque(keys) for colour, keys in self._alone(news).items()}
        for old in olds:
            likes = waiting.get(self.old_colours[old])
            while likes and old not in self.pairs.to_new:
                self._pair(old, likes.popleft())

    def _alone(self, news: Iterable[str]) -> dict[str, list[str]]:
        found = {key: self.new_colours[key] for key in news if key not in self.pairs.to_old}
        return _by_colour({key: colour for key, colour in found.items() if colour in self.same})

    def _pair(self, old: str, new: str) -> None:
        pending = [(old, new)]
        while pending:
            one, two = pending.pop()
            if self.old_colours.get(one) == self.new_colours.get(two) and self.pairs.add(one, two):
                pending += _same_sources(self.pairs, one, two)
                users = self.new_users.get(two, {})
                for use, keys in self.old_users.get(one, {}).items():
                    pending += self._likes(keys, users.get(use, ()))

    def _likes(self, olds: Iterable[str], news: Iterable[str]) -> Iterator[tuple[str, str]]:
        waiting = {colour: deque(keys) for colour, keys in self._alone(news).items()}
        for key in olds:
            found = waiting.get(self.old_colours[key])
            if key not in self.pairs.to_new and found:
                yield key, found.popleft()


def _match_equal(pairs: NodePairs, olds: Mapping[str, str], news: Mapping[str, str]) -> None:
    """Nodes with the same values and equal nodes above them, in order."""
    alone = {key: colour for key, colour in olds.items() if key not in pairs.to_new}
    waiting = {colour: deque(keys) for colour, keys in _by_colour(alone).items()}
    for key, colour in news.items():
        if key not in pairs.to_old and waiting.get(colour):
            pairs.add(waiting[colour].popleft(), key)


def _match_neighbours(pairs: NodePairs) -> None:
    """Grows the match along links: what fed the same input, what used the same output in the same way."""
    pending = list(pairs.to_new.items())
    old_users, new_users = _users(pairs.old), _users(pairs.new)
    while pending:
        old, new = pending.pop()
        found = [*_same_sources(pairs, old, new), *_same_users(pairs, old_users.get(old, {}), new_users.get(new, {}))]
        pending += [pair for pair in found if pairs.add(*pair)]


def _same_sources(pairs: NodePairs, old: str, new: str) -> Iterator[tuple[str, str]]:
    theirs = dict(pairs.new.nodes[new].links())
    for name, link in pairs.old.nodes[old].links():
        other = theirs.get(name)
        if other is not None and link.node in pairs.old.nodes and other.node in pairs.new.nodes:
            yield link.node, other.node


def _same_users(
    pairs: NodePairs, olds: Mapping[tuple[Any, ...], list[str]], news: Mapping[tuple[Any, ...], list[str]]
) -> Iterator[tuple[str, str]]:
    for use, keys in olds.items():
        ones = [key for key in keys if key not in pairs.to_new]
        twos = [key for key in news.get(use, ()) if key not in pairs.to_old]
        if len(ones) == len(twos) == 1:
            yield ones[0], twos[0]


def _users(prompt: Prompt) -> dict[str, dict[tuple[Any, ...], list[str]]]:
    """Node → (slot, class type of the user, its input) → users."""
    users: dict[str, dict[tuple[Any, ...], list[str]]] = {}
    for key, node in prompt.nodes.items():
        for name, link in node.links():
            users.setdefault(link.node, {}).setdefault((link.slot, node.class_type, name), []).append(key)
    return users


def _match_alike(pairs: NodePairs) -> None:
    """What is left, by how many inputs agree; in the order of the script where nothing else decides."""
    olds = pairs.open_old()
    by_type: dict[str | None, list[str]] = {}
    for key in olds:
        by_type.setdefault(pairs.old.nodes[key].class_type, []).append(key)
    scored = [
        (-_likeness(pairs, old, new), position, new_position, old, new)
        for new_position, new in enumerate(pairs.open_new())
        # A graph of a thousand equal nodes must not cost a million comparisons.
        for position, old in enumerate(by_type.get(pairs.new.nodes[new].class_type, [])[:64])
    ]
    for _, _, _, old, new in sorted(scored):
        pairs.add(old, new)


def _likeness(pairs: NodePairs, old: str, new: str) -> int:
    ours, theirs = pairs.old.nodes[old].inputs, pairs.new.nodes[new].inputs
    return sum(same_value(value, theirs[name], pairs.to_old) for name, value in ours.items() if name in theirs)


def same_value(old: Any, new: Any, to_old: Mapping[str, str]) -> bool:
    """Whether two inputs hold the same; `to_old` tells which node of the new prompt is which of the old one."""
    if type(old) is Link or type(new) is Link:
        return type(old) is type(new) and to_old.get(new.node) == old.node and new.slot == old.slot
    # JSON knows one kind of number, and True is not 1.
    return old == new and isinstance(old, bool) == isinstance(new, bool)

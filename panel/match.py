"""Which node of a script is which node of the graph, and what has to change in the graph to become the script.

Pure functions of prompts. The panel's Apply carries the edits out in the page.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..graph import Link, Prompt, PromptNode, encode_value


class Reading(NamedTuple):
    """A script's text, the prompt it builds, and the line that made each node."""

    text: str
    prompt: Prompt
    lines: Mapping[str, int]


@dataclass(frozen=True)
class Edit:
    """One change of the graph. `node` is a graph id (`12`, in a subgraph `5:12`) or the key of an added node (`+1`).

    `op`: `add` (class_type, title, parent), `remove`, `set` (input, value), `connect` (input, source), `disconnect`
    (input). `line`: where the script asks for it, None for a removal.
    """

    op: str
    node: str
    input: str | None = None
    value: Any = None
    source: tuple[str, int] | None = None
    class_type: str | None = None
    title: str | None = None
    parent: str = ''
    line: int | None = None

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {'op': self.op, 'node': self.node, 'line': self.line}
        if self.input is not None:
            data['input'] = self.input
        if self.op == 'set':
            data['value'] = self.value
        if self.source is not None:
            data['from'] = list(self.source)
        if self.op == 'add':
            data |= {'type': self.class_type, 'title': self.title, 'parent': self.parent}
        return data


@dataclass
class _Pairs:
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


def match(old: Reading, new: Reading) -> dict[str, str]:
    """New node id → old node id, at most one each, equal class types only.

    Unchanged lines keep their nodes; then lines that were rewritten in place; then equal nodes with equal inputs all
    the way up; then neighbours of what is matched; the rest by likeness.
    """
    pairs = _Pairs(old.prompt, new.prompt)
    equal, rewritten = _line_pairs(old.text, new.text)
    _match_lines(pairs, old.lines, new.lines, equal)
    _match_lines(pairs, old.lines, new.lines, rewritten)
    _match_equal(pairs)
    _match_neighbours(pairs)
    _match_alike(pairs)
    return pairs.to_old


class Comparison(NamedTuple):
    """What makes the graph the script, and which of its nodes stay."""

    edits: list[Edit]
    lines: dict[str, int]
    """Graph id → line of the script."""
    nodes: dict[str, str]
    """Node of the script → graph id."""


def find_origins(graph: Prompt, written: Reading) -> dict[str, str]:
    """Node of a written script → node of the graph it was written of."""
    # The written script's lines say nothing of the graph's ids: equal prompts match by what they hold.
    return match(Reading('', graph, {}), written)


def compare(
    graph: Prompt,
    written: Reading,
    wanted: Reading,
    titles: Mapping[str, str] | None = None,
    origins: Mapping[str, str] | None = None,
) -> Comparison:
    """What turns the graph into the wanted script.

    `graph` is the graph's own prompt and `written` the script that was made of it, read back. Only what differs
    between the two scripts becomes an edit, so an unedited script changes nothing, whatever its way through
    Python costs. `titles` are for added nodes; `origins` as of `find_origins`, where they are known already.
    """
    origin = find_origins(graph, written) if origins is None else origins
    to_written = match(written, wanted)
    to_graph = {new: origin[old] for new, old in to_written.items() if old in origin}
    found = list(_edits(graph, written.prompt, wanted, to_written, to_graph, origin, titles or {}))
    lines = {old: wanted.lines[new] for new, old in to_graph.items() if new in wanted.lines}
    return Comparison(found, lines, to_graph)


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
    pairs: _Pairs, old_lines: Mapping[str, int], new_lines: Mapping[str, int], lines: Iterable[tuple[int, int]]
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


def _match_equal(pairs: _Pairs) -> None:
    """Nodes with the same values and equal nodes above them, in order."""
    waiting: dict[str, list[str]] = {}
    for key, colour in _colours(pairs.old).items():
        if key not in pairs.to_new:
            waiting.setdefault(colour, []).append(key)
    for key, colour in _colours(pairs.new).items():
        if key in pairs.to_old:
            continue
        candidates = waiting.get(colour)
        if candidates:
            pairs.add(candidates.pop(0), key)


def _colours(prompt: Prompt) -> dict[str, str]:
    colours: dict[str, str] = {}
    for key in prompt.order():
        node = prompt.nodes[key]
        values = sorted((name, _text(value, colours)) for name, value in node.inputs.items())
        colours[key] = hashlib.sha1(repr((node.class_type, values)).encode('utf-8', 'backslashreplace')).hexdigest()
    return {key: colours[key] for key in prompt.nodes}


def _text(value: Any, colours: Mapping[str, str]) -> str:
    if type(value) is Link:
        return f'{colours.get(value.node)}.{value.slot}'
    return json.dumps(value, sort_keys=True, default=str)


def _match_neighbours(pairs: _Pairs) -> None:
    """Grows the match along links: what fed the same input, what used the same output in the same way."""
    pending = list(pairs.to_new.items())
    old_users, new_users = _users(pairs.old), _users(pairs.new)
    while pending:
        old, new = pending.pop()
        found = [*_same_sources(pairs, old, new), *_same_users(pairs, old_users.get(old, {}), new_users.get(new, {}))]
        pending += [pair for pair in found if pairs.add(*pair)]


def _same_sources(pairs: _Pairs, old: str, new: str) -> Iterator[tuple[str, str]]:
    theirs = dict(pairs.new.nodes[new].links())
    for name, link in pairs.old.nodes[old].links():
        other = theirs.get(name)
        if other is not None and link.node in pairs.old.nodes and other.node in pairs.new.nodes:
            yield link.node, other.node


def _same_users(
    pairs: _Pairs, olds: Mapping[tuple[Any, ...], list[str]], news: Mapping[tuple[Any, ...], list[str]]
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


def _match_alike(pairs: _Pairs) -> None:
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


def _likeness(pairs: _Pairs, old: str, new: str) -> int:
    ours, theirs = pairs.old.nodes[old].inputs, pairs.new.nodes[new].inputs
    return sum(same_value(value, theirs[name], pairs.to_old) for name, value in ours.items() if name in theirs)


def same_value(old: Any, new: Any, to_old: Mapping[str, str]) -> bool:
    """Whether two inputs hold the same; `to_old` tells which node of the new prompt is which of the old one."""
    if type(old) is Link or type(new) is Link:
        return type(old) is type(new) and to_old.get(new.node) == old.node and new.slot == old.slot
    # JSON knows one kind of number, and True is not 1.
    return old == new and isinstance(old, bool) == isinstance(new, bool)


def _edits(
    graph: Prompt,
    written: Prompt,
    wanted: Reading,
    to_written: Mapping[str, str],
    to_graph: Mapping[str, str],
    origin: Mapping[str, str],
    titles: Mapping[str, str],
) -> Iterator[Edit]:
    added = {key: f'+{number}' for number, key in enumerate(_added(wanted.prompt, to_written), 1)}
    kept = set(to_written.values())
    yield from _removals([origin[key] for key in written.nodes if key not in kept and key in origin], graph)
    names = {**to_graph, **added}
    parents = _parents(wanted.prompt, names, added)
    for key, name in added.items():
        yield Edit(
            'add',
            name,
            class_type=wanted.prompt.nodes[key].class_type,
            title=titles.get(key),
            parent=parents[key],
            line=wanted.lines.get(key),
        )
    for key, node in wanted.prompt.nodes.items():
        old = to_written.get(key)
        before = written.nodes[old] if old is not None else PromptNode(None)
        if key in names:
            yield from _input_edits(before, node, names, names[key], to_written, wanted.lines.get(key))


def _added(prompt: Prompt, known: Mapping[str, str]) -> Iterator[str]:
    return (key for key in prompt.order() if key not in known)


def _removals(keys: list[str], graph: Prompt) -> Iterator[Edit]:
    """A subgraph instance that goes as a whole goes as one node."""
    gone = set(keys)
    done: set[str] = set()
    for key in keys:
        whole = key
        parts = key.split(':')
        for depth in range(1, len(parts)):
            prefix = ':'.join(parts[:depth])
            if all(other in gone for other in graph.nodes if other.startswith(prefix + ':')):
                whole = prefix
                break
        if whole not in done:
            done.add(whole)
            yield Edit('remove', whole)


def _input_edits(
    before: PromptNode,
    after: PromptNode,
    names: Mapping[str, str],
    name: str,
    to_written: Mapping[str, str],
    line: int | None,
) -> Iterator[Edit]:
    for key, value in after.inputs.items():
        if key in before.inputs and same_value(before.inputs[key], value, to_written):
            continue
        if type(value) is Link:
            source = names.get(value.node)
            if source is not None:
                yield Edit('connect', name, key, source=(source, value.slot), line=line)
            continue
        if type(before.inputs.get(key)) is Link:
            yield Edit('disconnect', name, key, line=line)
        yield Edit('set', name, key, value=encode_value(value), line=line)
    for key, value in before.inputs.items():
        if key not in after.inputs and type(value) is Link:
            yield Edit('disconnect', name, key, line=line)


def _parents(prompt: Prompt, names: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """The subgraph instance an added node belongs in: that of all its neighbours, else the root ('').

    Neighbours that are themselves new are asked in turn, first those that use the node, then those that feed it.
    """
    parents: dict[str, str | None] = dict.fromkeys(added)
    users: dict[str, list[str]] = {}
    for key, node in prompt.nodes.items():
        for _, link in node.links():
            users.setdefault(link.node, []).append(key)
    order = list(added)
    for key in [*reversed(order), *order]:
        if parents[key] is not None:
            continue
        sources = [link.node for _, link in prompt.nodes[key].links()]
        for neighbours in (users.get(key, []), sources):
            places = {_place(other, names, parents) for other in neighbours} - {None}
            if len(places) == 1:
                parents[key] = places.pop()
                break
            if places:
                parents[key] = ''
                break
    return {key: parent or '' for key, parent in parents.items()}


def _place(key: str, names: Mapping[str, str], parents: Mapping[str, str | None]) -> str | None:
    if key in parents:
        return parents[key]
    name = names.get(key)
    return None if name is None else name.rpartition(':')[0]

"""What has to change in the graph to become a script. The panel's Apply carries the edits out in the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..graph import Link, Prompt, encode_value
from .added_places import IN_MAIN_GRAPH, AddedPlace, find_places
from .match import find_origins, match, same_value
from .reading import ReadScript


@dataclass(frozen=True)
class Edit:
    """One change of the graph. `node` is a graph id (`12`, in a subgraph `5:12`) or the key of an added node (`+1`).

    `op`: `add` (class_type, title, place), `remove`, `set` (input, value), `connect` (input, source), `disconnect`
    (input), `mode` (value: ComfyUI's number). `line`: where the script asks for it, `key`: the script's node that asks;
    None for a removal.
    """

    op: str
    node: str
    input: str | None = None
    value: Any = None
    source: tuple[str, int] | None = None
    class_type: str | None = None
    title: str | None = None
    place: AddedPlace = IN_MAIN_GRAPH
    line: int | None = None
    key: str | None = None

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {'op': self.op, 'node': self.node, 'line': self.line}
        if self.input is not None:
            data['input'] = self.input
        if self.op in ('set', 'mode'):
            data['value'] = self.value
        if self.source is not None:
            data['from'] = list(self.source)
        if self.op == 'add':
            data |= {'type': self.class_type, 'title': self.title, **self.place._asdict()}
        return data


class Comparison(NamedTuple):
    """What makes the graph the script, and which of its nodes stay."""

    edits: list[Edit]
    lines: dict[str, int]
    """Graph id → line of the script."""
    kept: dict[str, str]
    """Node of the script → graph id."""
    names: dict[str, str]
    """The same, with the names of added nodes (`+1`)."""

    def without_drawn(self, wanted: ReadScript) -> Comparison:
        """The same but for values that are another each time the script is read."""
        if not wanted.drawn:
            return self
        edits = [edit for edit in self.edits if edit.op != 'set' or (edit.key, edit.input) not in wanted.drawn]
        return self._replace(edits=edits)


def compare(
    graph: Prompt,
    written: ReadScript,
    wanted: ReadScript,
    origins: Mapping[str, str] | None = None,
    known: Mapping[str, str] | None = None,
) -> Comparison:
    """What turns the graph into the wanted script.

    `graph` is the graph's own prompt and `written` the script that was made of it, read back. Only what differs
    between the two scripts becomes an edit, so an unedited script changes nothing, whatever its way through
    Python costs. `origins` as of `find_origins`, where they are known already; `known`: node of the wanted script →
    graph id, as far as somebody knows better than `match`.
    """
    origin = find_origins(graph, written) if origins is None else origins
    back = {key: node for node, key in origin.items()}
    fixed = {new: back[key] for new, key in (known or {}).items() if key in back and new in wanted.prompt.nodes}
    to_written = match(written, wanted, fixed)
    to_graph = {new: origin[old] for new, old in to_written.items() if old in origin}
    difference = _Difference(graph, written.prompt, wanted, to_written, to_graph)
    lines = {old: wanted.lines[new] for new, old in to_graph.items() if new in wanted.lines}
    return Comparison(list(difference.edits(origin)), lines, to_graph, difference.names)


class _Difference:
    """What differs between the script written of a graph and the wanted one, in the graph's names."""

    def __init__(
        self,
        graph: Prompt,
        written: Prompt,
        wanted: ReadScript,
        to_written: Mapping[str, str],
        to_graph: Mapping[str, str],
    ) -> None:
        self.graph = graph
        self.written = written
        self.wanted = wanted
        self.to_written = to_written
        order = wanted.prompt.order()
        self.added = {key: f'+{at}' for at, key in enumerate((key for key in order if key not in to_written), 1)}
        self.names = {**to_graph, **self.added}

    def edits(self, origin: Mapping[str, str]) -> Iterator[Edit]:
        kept = set(self.to_written.values())
        gone = [origin[key] for key in self.written.nodes if key not in kept and key in origin]
        yield from _removals(gone, self.graph)
        places = find_places(self.wanted, self.names, self.added)
        for key, name in self.added.items():
            yield Edit(
                'add',
                name,
                class_type=self.wanted.prompt.nodes[key].class_type,
                title=self.wanted.titles.get(key),
                place=places[key],
                line=self.wanted.lines.get(key),
                key=key,
            )
        for key in self.wanted.prompt.nodes:
            if key in self.names:
                yield from self._inputs(key)

    def _inputs(self, key: str) -> Iterator[Edit]:
        old = self.to_written.get(key)
        before = self.written.nodes[old].inputs if old is not None else {}
        after = self.wanted.prompt.nodes[key].inputs
        name, line = self.names[key], self.wanted.lines.get(key)
        for at, value in after.items():
            if at in before and same_value(before[at], value, self.to_written):
                continue
            if type(value) is Link:
                source = self.names.get(value.node)
                if source is not None:
                    yield Edit('connect', name, at, source=(source, value.slot), line=line, key=key)
                continue
            if type(before.get(at)) is Link:
                yield Edit('disconnect', name, at, line=line, key=key)
            yield Edit('set', name, at, value=encode_value(value), line=line, key=key)
        for at, value in before.items():
            if at not in after and type(value) is Link:
                yield Edit('disconnect', name, at, line=line, key=key)


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

"""A person's text with the values that the graph has now: written where they come from, as far as that can be found.

Each attempt is read again: a text is taken only if nothing but the wanted values is different.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..graph import Prompt, Schemas
from .put_values import PlacedValue, direct_places, literal_text, written_in
from .reading import ReadScript, ScriptRefused, read_script
from .script_calls import ScriptCalls
from .value_changes import ValueChange, value_changes

MOST_TRIALS = 16
"""Texts that are read in search of the literal that a value comes from."""


class FittedText(NamedTuple):
    """`left`: the changes that the text could not take."""

    read: ReadScript
    left: tuple[ValueChange, ...]


def fit_values(read: ReadScript, changes: Sequence[ValueChange], schemas: Schemas) -> FittedText:
    """Values go into the literals that the calls give; others into the one literal that makes just that difference,
    such as an item of the list that a loop runs over."""
    fitting = _Fitting(read, schemas)
    fitting.try_direct(changes)
    for group in fitting.groups():
        fitting.search(group)
    return FittedText(fitting.read, tuple(fitting.left))


class _Fitting:
    def __init__(self, read: ReadScript, schemas: Schemas) -> None:
        self.read = read
        self.schemas = schemas
        self.left: list[ValueChange] = []
        self.trials = 0

    def try_direct(self, changes: Sequence[ValueChange]) -> None:
        """All at once; where that changes more, those of each literal by themselves."""
        self.left = list(changes)
        calls = ScriptCalls(self.read, self.schemas)
        places = direct_places(calls, changes)
        if not places or self._take_as_is(calls, places) or self._take(places):
            return
        by_place = {place.span: [other for other in places if other.span == place.span] for place in places}
        for span in sorted(by_place, reverse=True):
            # From the end, so that the places before stay where they are.
            self._take(by_place[span])

    def groups(self) -> list[list[ValueChange]]:
        """What is left, by the value that is there and the one that is wanted: one literal can give it to several."""
        found: dict[str, list[ValueChange]] = {}
        for change in self.left:
            before = self.read.prompt.nodes[change.node].inputs.get(change.input)
            found.setdefault(json.dumps([before, change.value], default=str), []).append(change)
        return list(found.values())

    def search(self, group: Sequence[ValueChange]) -> None:
        """Tries the literals that hold the old value, one after the other."""
        before = self.read.prompt.nodes[group[0].node].inputs.get(group[0].input)
        calls = ScriptCalls(self.read, self.schemas)
        for literal in calls.literals():
            if not _holds(literal, before) or self.trials >= MOST_TRIALS:
                continue
            span = calls.span(literal)
            written = literal_text(group[0].value, calls.text(span))
            if written is not None and self._take([PlacedValue(span, written, change) for change in group], some=True):
                return

    def _take_as_is(self, calls: ScriptCalls, places: Sequence[PlacedValue]) -> bool:
        """Literals in calls that are made once need no reading: nothing else can come of them."""
        nodes = dict(self.read.prompt.nodes)
        for span, written, change in places:
            given = calls.argument(change.node, change.input)
            lines = (written + calls.text(span)).count('\n')
            if not calls.is_made_once(change.node) or given is None or calls.span(given) != span or lines:
                return False
            inputs = {**nodes[change.node].inputs, change.input: change.value}
            nodes[change.node] = replace(nodes[change.node], inputs=inputs)
        text = written_in(self.read.text, places)
        if text is None:
            return False
        self.read = replace(self.read, text=text, prompt=Prompt(nodes))
        self.left = [change for change in self.left if all(change is not place.change for place in places)]
        return True

    def _take(self, places: Sequence[PlacedValue], some: bool = False) -> bool:
        """Whether the text with these values differs in nothing else; it is the text from then on."""
        self.trials += 1
        text = written_in(self.read.text, places)
        if text is None:
            return False
        try:
            read = read_script(text, self.schemas)
        except ScriptRefused:
            return False
        found = value_changes(self.read.prompt, read.prompt)
        wanted = _by_place(place.change for place in places)
        if not found or not _by_place(found).items() <= wanted.items() or (len(found) < len(wanted) and not some):
            return False
        done = _by_place(found)
        self.left = [change for change in self.left if (change.node, change.input) not in done]
        self.read = read
        return True


def _by_place(changes: Iterable[ValueChange]) -> dict[tuple[str, str], str]:
    return {(change.node, change.input): json.dumps(change.value, sort_keys=True, default=str) for change in changes}


def _holds(literal: ast.expr, value: Any) -> bool:
    try:
        found = ast.literal_eval(literal)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return False
    return found == value and isinstance(found, bool) == isinstance(value, bool)

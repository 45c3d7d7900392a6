"""The groups and notes of a scope's graph as headings and comments."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ..workflow_file import WorkflowGroup
from .literals import comment
from .scope_tree import ScriptScope
from .style import Style
from .workflow_hints import Hints

LONGEST_NOTE = 5_000


class ScopeComments:
    """What the workflow says beside the nodes of one scope."""

    def __init__(self, hints: Hints, scope: ScriptScope, style: Style):
        self.hints = hints
        self.scope = scope
        self.style = style

    def groups(self) -> Sequence[WorkflowGroup]:
        graph = self.hints.graph(self.scope.path)
        return graph.groups if graph else ()

    def sections(self) -> tuple[dict[str, int], list[str]]:
        """Step → group, and the groups' headings."""
        if not self.style.groups:
            return {}, []
        places = self.hints.groups_of(self.scope.path)
        found = {}
        for step in (*self.scope.nodes, *self.scope.children) if places else ():
            path, _, local = step.rpartition(':')
            if path == self.scope.path and local in places:
                found[step] = places[local]
        return found, [comment(group.title)[:100] for group in self.groups()]

    def notes(self, indent: str) -> dict[int | None, list[str]]:
        """Notes as comments, by the group that they lie in."""
        graph = self.hints.graph(self.scope.path)
        if not self.style.notes or graph is None:
            return {}
        places = self.hints.groups_of(self.scope.path) if self.style.groups else {}
        found: dict[int | None, list[str]] = {}
        for note in graph.notes:
            lines = [line for text in note.text[:LONGEST_NOTE].splitlines() for line in wrapped(text)]
            if lines:
                found.setdefault(places.get(note.id), []).extend(f'{indent}# {line}'.rstrip() for line in lines)
        return found


def wrapped(text: str) -> list[str]:
    """A text as the lines of a comment."""
    return [
        comment(line) for line in textwrap.wrap(comment(text), 100, break_long_words=False, break_on_hyphens=False)
    ] or ['']

"""The steps of one scope: what each is given, what it gives, and who uses that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .arguments import Output
from .order import by_section, depth_first
from .prompt_source import PromptSource
from .scope_tree import ScopeTree, ScriptScope


class ScopeSteps:
    """The nodes of a scope and the calls of functions in it. `alive` are the nodes that the script is to have."""

    def __init__(self, source: PromptSource, tree: ScopeTree, scope: ScriptScope, alive: set[str]):
        self.source = source
        self.tree = tree
        self.scope = scope
        self.alive = alive
        self.returned = frozenset(scope.returned)
        self.returning = {output.node for output in scope.returned}
        self._sole_users: dict[Output, str] = {}

    def ordered(self, sections: Mapping[str, int], places: Sequence[int]) -> Sequence[str]:
        """Dependencies first. `sections`: step → group; `places`: each group's place in reading order."""
        scope = self.scope
        if not (sections or scope.children) and len(scope.nodes) == len(self.source.nodes):
            return self.source.order
        needs = {step: self._needs(step) for step in self._steps()}
        ordered = depth_first(list(needs), needs)
        return by_section(ordered, needs, sections, places) if sections else ordered

    def _steps(self) -> list[str]:
        """Nodes and calls in the order of the prompt."""
        scope = self.scope
        if not scope.children:
            return list(scope.nodes)
        steps: dict[str, None] = {}
        inside = {key: self.tree.step(key, scope) for key in self._all_nodes()}
        for step in inside.values():
            if step is not None:
                steps[step] = None
        return list(steps)

    def _all_nodes(self) -> list[str]:
        found, pending = [], [self.scope]
        while pending:
            scope = pending.pop()
            found.extend(scope.nodes)
            pending.extend(scope.children.values())
        return sorted(found, key=self.source.index.__getitem__)

    def _needs(self, step: str) -> list[str]:
        found = []
        for value in self.given(step):
            inside = self.tree.step(value.node, self.scope) if type(value) is Output else None
            if inside is not None and inside != step:
                found.append(inside)
        return found

    def given(self, step: str) -> Iterable[Any]:
        """The values that a step is given."""
        child = self.scope.children.get(step)
        if child is not None:
            return [given.value for given in child.inputs.values()]
        return self.source.nodes[step].inputs.values()

    def outputs(self, step: str) -> list[tuple[Output, str, str]] | None:
        """All outputs of a step in order, with name and type; None where nobody knows them."""
        child = self.scope.children.get(step)
        if child is not None:
            assert child.instance is not None
            names = {Output(*behind): name for name, behind in child.instance.outputs if behind is not None}
            return [(output, names.get(output, ''), self.source.type_of(output)) for output in child.returned]
        outputs = self.source.nodes[step].outputs
        if outputs is None:
            return None
        found = []
        for slot, item in enumerate(outputs):
            output = Output(step, slot)
            found.append((output, '' if item.name == item.type else item.name, self.source.type_of(output)))
        return found

    def is_used(self, output: Output, step: str) -> bool:
        if output in self.returned:
            return True
        users = self.source.users.get(output, ())
        if step not in self.scope.children:
            return not self.alive.isdisjoint(users)
        return any(user in self.alive and self.tree.step(user, self.scope) != step for user in users)

    def sole_user(self, output: Output) -> str:
        """The one step that uses an output in the whole prompt, written or not; `''` where there are more."""
        found = self._sole_users.get(output)
        if found is None:
            found = self._sole_users[output] = self._find_sole_user(output)
        return found

    def _find_sole_user(self, output: Output) -> str:
        if output in self.returned:
            return ''
        users = self.source.users.get(output, ())
        step = self.tree.step
        if len(users) == 1:
            return step(users[0], self.scope) or ''
        found = {step(user, self.scope) for user in users} - {step(output.node, self.scope)}
        return (found.pop() or '') if len(found) == 1 else ''

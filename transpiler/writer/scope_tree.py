"""Which nodes of a prompt stand in which function: one scope for the script, one for each instance of a subgraph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..convert import SubgraphInstance
from .arguments import Output

DEEPEST = 20
"""How deep functions call functions; subgraphs nested deeper are written into the one that holds them."""


@dataclass(slots=True)
class FunctionInput:
    """A parameter of the function of a scope, with what it is in this instance.

    `targets` are the prompt's (node, key) that it feeds. `users` are the steps that use it.
    """

    name: str
    value: Any
    place: tuple[int, int]
    targets: list[tuple[str, str]] = field(default_factory=list)
    users: set[str] = field(default_factory=set)
    absent: bool = False


@dataclass
class ScriptScope:
    """The script's own level (`path` is `''`), or one instance of a subgraph."""

    path: str
    instance: SubgraphInstance | None = None
    parent: ScriptScope | None = None
    depth: int = 0
    nodes: list[str] = field(default_factory=list)
    children: dict[str, ScriptScope] = field(default_factory=dict)
    inputs: dict[Any, FunctionInput] = field(default_factory=dict)
    """By what makes it a parameter: `('slot', index)` of the subgraph's inputs, or an `Output` from outside."""
    bound: dict[tuple[str, Any], Any] = field(default_factory=dict)
    """(step, key) → the key in `inputs` that stands there."""
    returned: list[Output] = field(default_factory=list)


class ScopeTree:
    """All scopes of a prompt. `inputs` are the nodes' inputs with `Output`s for links."""

    def __init__(self, inputs: Mapping[str, Mapping[str, Any]], instances: Mapping[str, SubgraphInstance]):
        self.inputs = inputs
        self.root = ScriptScope('')
        self.of: dict[str, ScriptScope] = {}
        self._place(instances)
        self._dissolve_circles()

    def step(self, node: str, scope: ScriptScope) -> str | None:
        """The step of a scope that a node is or lies in, None where it is outside."""
        at = self.of[node]
        if at is scope:
            return node
        while at.depth > scope.depth + 1 and at.parent is not None:
            at = at.parent
        return at.path if at.depth == scope.depth + 1 and at.parent is scope else None

    def innermost_first(self) -> list[ScriptScope]:
        found = [self.root]
        for scope in found:
            found.extend(scope.children.values())
        return sorted(found, key=lambda scope: -scope.depth)

    def _place(self, instances: Mapping[str, SubgraphInstance]) -> None:
        scopes: dict[str, ScriptScope] = {'': self.root}
        for node in self.inputs:
            path = node.rpartition(':')[0]
            scope = self.of[node] = scopes.get(path) or self._scope_of(path, instances, scopes)
            scope.nodes.append(node)

    def _scope_of(
        self, path: str, instances: Mapping[str, SubgraphInstance], scopes: dict[str, ScriptScope]
    ) -> ScriptScope:
        """The scope at a path, or at the nearest path around it that is an instance."""
        parts = path.split(':')[:DEEPEST]
        scope = self.root
        for end in range(1, len(parts) + 1):
            part = ':'.join(parts[:end])
            if part in scopes:
                scope = scopes[part]
                continue
            instance = instances.get(part)
            if instance is None or part in self.inputs:
                break
            inner = ScriptScope(part, instance, scope, scope.depth + 1)
            scope.children[part] = inner
            scopes[part] = inner
            scope = inner
        return scope

    def _dissolve_circles(self) -> None:
        """Writes instances that need something made from their own outputs into the scope around them."""
        while circling := self._circling():
            for scope in circling:
                self._dissolve(scope)

    def _dissolve(self, scope: ScriptScope) -> None:
        parent = scope.parent
        assert parent is not None
        del parent.children[scope.path]
        for node in scope.nodes:
            self.of[node] = parent
        parent.nodes.extend(scope.nodes)
        pending = list(scope.children.values())
        for child in pending:
            child.parent = parent
            parent.children[child.path] = child
        while pending:
            child = pending.pop()
            child.depth -= 1
            pending.extend(child.children.values())

    def _circling(self) -> list[ScriptScope]:
        if not self.root.children:
            return []
        edges: dict[str, tuple[ScriptScope, set[tuple[str, str]]]] = {}
        for node, inputs in self.inputs.items():
            for value in inputs.values():
                if type(value) is Output:
                    self._add_edge(value.node, node, edges)
        found = []
        for scope, pairs in edges.values():
            found.extend(scope.children[step] for step in _in_circles(pairs) if step in scope.children)
        return found

    def _add_edge(self, source: str, target: str, edges: dict[str, tuple[ScriptScope, set[tuple[str, str]]]]) -> None:
        """Adds a link to the innermost scope that holds both ends, as a link of that scope's steps.

        Without children a scope has nothing that could be dissolved.
        """
        one, two = self.of[source], self.of[target]
        first, second = source, target
        while one is not two:
            if one.depth >= two.depth:
                assert one.parent is not None
                first, one = one.path, one.parent
            else:
                assert two.parent is not None
                second, two = two.path, two.parent
        if first != second and one.children:
            edges.setdefault(one.path, (one, set()))[1].add((first, second))


def _in_circles(edges: Iterable[tuple[str, str]]) -> set[str]:
    """The steps that lie on circles, or on ways from one circle to another."""
    forward = list(edges)
    left = _after_circles(forward)
    return left & _after_circles([(target, source) for source, target in forward]) if left else left


def _after_circles(edges: Iterable[tuple[str, str]]) -> set[str]:
    """The steps that never become ready when each waits for its sources."""
    waiting: dict[str, int] = {}
    users: dict[str, list[str]] = {}
    for source, target in edges:
        waiting[target] = waiting.get(target, 0) + 1
        waiting.setdefault(source, 0)
        users.setdefault(source, []).append(target)
    ready = [step for step, count in waiting.items() if not count]
    while ready:
        for user in users.get(ready.pop(), ()):
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    return {step for step, count in waiting.items() if count}

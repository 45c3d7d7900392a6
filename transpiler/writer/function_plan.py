"""What the function of each scope takes and returns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...graph import InputKind
from .arguments import Output
from .naming import variable
from .prompt_source import PromptSource
from .scope_tree import FunctionInput, ScopeTree, ScriptScope


def plan_functions(source: PromptSource, tree: ScopeTree, scopes: Sequence[ScriptScope], alive: set[str]) -> None:
    """Fills in `inputs`, `bound` and `returned` of all scopes (given innermost first)."""
    _Plan(source, tree, scopes, alive).run()


_SAYS_NOTHING = re.compile(r'value(_\d+)?')
"""Names of inputs that are as the widget of a primitive is called."""


class _Plan:
    def __init__(self, source: PromptSource, tree: ScopeTree, scopes: Sequence[ScriptScope], alive: set[str]):
        self.source = source
        self.tree = tree
        self.scopes = scopes
        self.alive = alive
        self.shared = self._shared_targets()

    def run(self) -> None:
        for scope in self.scopes:
            if scope.instance is not None:
                self._plan_inputs(scope)
        self._plan_outputs()

    def _shared_targets(self) -> Mapping[str, set[tuple[str, str]]]:
        """By definition with several instances: the (node inside, key) that any instance has."""
        counts: dict[str, int] = {}
        for scope in self.scopes:
            if scope.instance is not None:
                counts[scope.instance.definition_id] = counts.get(scope.instance.definition_id, 0) + 1
        found: dict[str, set[tuple[str, str]]] = {}
        for scope in self.scopes:
            if scope.instance is None or counts[scope.instance.definition_id] < 2:
                continue
            targets = found.setdefault(scope.instance.definition_id, set())
            for _, fed in scope.instance.parameters:
                for node, key in fed:
                    if node in self.alive and key in self.source.nodes[node].inputs:
                        targets.add((_inside(node, scope), key))
        return found

    def _plan_inputs(self, scope: ScriptScope) -> None:
        instance = scope.instance
        assert instance is not None
        slot_of = {target: slot for slot, (_, fed) in enumerate(instance.parameters) for target in fed}
        slots: dict[int, list[tuple[str, Any, FunctionInput]]] = {}
        for step, key, found in self._candidates(scope, slot_of):
            slot = next((slot_of[target] for target in found.targets if target in slot_of), None)
            outside = type(found.value) is Output and self.tree.step(found.value.node, scope) is None
            literal = type(found.value) is not Output and (found.value is not None or found.absent)
            if slot is not None and (outside or literal):
                slots.setdefault(slot, []).append((step, key, found))
            elif outside:
                self._bind(scope, found.value, step, key, found)
        for slot, uses in sorted(slots.items()):
            self._bind_slot(scope, slot, instance.parameters[slot][0], uses)

    def _candidates(
        self, scope: ScriptScope, slot_of: Mapping[tuple[str, str], int]
    ) -> list[tuple[str, Any, FunctionInput]]:
        """Everything inside that could be a parameter: (step, key, what it is)."""
        instance = scope.instance
        assert instance is not None
        found = [
            (node, key, FunctionInput(key.rpartition('.')[2], value, (1, 0), [(node, key)]))
            for node in scope.nodes
            for key, value in self.source.nodes[node].inputs.items()
            if (node, key) in slot_of or (type(value) is Output and self.tree.of[value.node] is not scope)
        ]
        shared = self.shared.get(instance.definition_id, ())
        for node, key in slot_of if shared else ():
            direct = node in self.alive and self.tree.of[node] is scope
            if direct and key not in self.source.nodes[node].inputs and (_inside(node, scope), key) in shared:
                found.append((node, key, FunctionInput(key, None, (1, 0), [(node, key)], absent=True)))
        found.extend(
            (path, key, FunctionInput(given.name, given.value, (1, 0), list(given.targets), absent=given.absent))
            for path, child in scope.children.items()
            for key, given in child.inputs.items()
        )
        return found

    def _bind(self, scope: ScriptScope, key: Any, step: str, step_key: Any, found: FunctionInput) -> None:
        known = scope.inputs.get(key)
        if known is None:
            scope.inputs[key] = found
            found.place = (1, len(scope.inputs))
        else:
            known.targets.extend(found.targets)
            found = known
        found.users.add(step)
        scope.bound[step, step_key] = key

    def _bind_slot(
        self, scope: ScriptScope, slot: int, name: str, uses: Sequence[tuple[str, Any, FunctionInput]]
    ) -> None:
        """One parameter for all that an input of the subgraph feeds, provided that it is the same everywhere."""
        given = [use for use in uses if not use[2].absent] or uses
        if len({_identity(found.value) for _, _, found in given}) > 1:
            for step, key, found in given:
                if type(found.value) is Output:
                    self._bind(scope, found.value, step, key, found)
            return
        for step, key, found in given:
            self._bind(scope, ('slot', slot), step, key, found)
        bound = scope.inputs['slot', slot]
        bound.name = self._shown_name(scope, name, bound)
        bound.place = (0, slot)

    def _shown_name(self, scope: ScriptScope, name: str, given: FunctionInput) -> str:
        """What a person sees of the input: its label, else the title of what it feeds where its name says nothing."""
        label = self.source.hints.input_label(scope.path, name)
        if variable(label) or not _SAYS_NOTHING.fullmatch(name):
            return label if variable(label) else name
        titles = [self.source.title_name(node) for node, _ in given.targets if node in self.source.nodes]
        return next(filter(None, titles), name)

    def _plan_outputs(self) -> None:
        returned: dict[str, set[tuple[str, int]]] = {}
        own: dict[str, dict[Output, None]] = {scope.path: {} for scope in self.scopes}
        for output, users in self.source.users.items():
            if output.node not in self.alive or not self.tree.of[output.node].depth:
                continue
            users = [user for user in users if user in self.alive]
            scope = self.tree.of[output.node]
            while scope.parent is not None and any(self.tree.step(user, scope) is None for user in users):
                assert scope.instance is not None
                own[scope.path][output] = None
                inside = (_inside(output.node, scope), output.slot)
                returned.setdefault(scope.instance.definition_id, set()).add(inside)
                scope = scope.parent
        for scope in self.scopes:
            if scope.instance is None:
                continue
            wanted = dict(own[scope.path])
            for inner, slot in returned.get(scope.instance.definition_id, ()):
                node = f'{scope.path}:{inner}'
                # The same node of another instance may be of another type there, with fewer outputs.
                if (
                    node in self.alive
                    and self.tree.step(node, scope) is not None
                    and self.source.may_have_output(node, slot)
                ):
                    wanted.setdefault(Output(node, slot))
            scope.returned = sorted(wanted, key=_by_definition(scope))


def _by_definition(scope: ScriptScope) -> Any:
    """Sorts outputs as the subgraph has them; those it does not list come last."""
    assert scope.instance is not None
    places = {behind: place for place, (_, behind) in enumerate(scope.instance.outputs) if behind is not None}
    return lambda output: (places.get((output.node, output.slot), 1 << 30), _inside(output.node, scope), output.slot)


def _inside(node: str, scope: ScriptScope) -> str:
    """The id of a node as seen from inside a scope."""
    return node[len(scope.path) + 1 :]


def _identity(value: Any) -> Any:
    """Tells `1` from `True` and `1.0`."""
    return value if type(value) is Output else (type(value).__name__, repr(value))


def branch_values(source: PromptSource, scope: ScriptScope) -> str:
    """The values of parameters that choose a branch of a dynamic combo: functions that differ in them are two."""
    found = []
    for given in scope.inputs.values():
        if type(given.value) is Output:
            continue
        for node, name in given.targets:
            schema = source.nodes[node].schema
            item = schema.input(name) if schema else None
            if '.' in name or (item is not None and item.kind is InputKind.DYNAMIC_COMBO):
                found.append((given.place, repr(given.value)))
                break
    return repr(found)

"""Names for what the steps of one scope give: one each, or a name over again where nobody needs its value any more."""

from __future__ import annotations

from typing import Any

from .arguments import Output
from .naming import PLAIN_TYPES, Names, from_output, from_type, variable
from .prompt_source import MOST_UNPACKED
from .scope_steps import ScopeSteps
from .style import Style

MOST_TRIED = 20
"""Values that a step could take the name of that are looked at."""


class ScopeNames:
    """The parameters of a scope's function, and the variables in it."""

    def __init__(self, steps: ScopeSteps, names: Names, style: Style):
        self.steps = steps
        self.source = steps.source
        self.scope = steps.scope
        self.names = names
        self.style = style
        self.parameters: dict[Any, str] = {}
        """By the key in the scope's `inputs`."""
        self.values: dict[Output, str] = {}
        """How an output is written, once its step is."""
        self._bases: dict[str, str] = {}
        for key, given in sorted(self.scope.inputs.items(), key=lambda pair: pair[1].place):
            type_ = self.source.type_of(given.value) if type(given.value) is Output else ''
            base = variable(given.name) or from_type(type_)
            self.parameters[key] = self.names.new(base)
            self._bases[self.parameters[key]] = base

    def targets(self, step: str) -> list[str]:
        """What stands left of the `=`, after naming the outputs that are used."""
        if step not in self.source.used_slots and step not in self.steps.returning and step not in self.scope.children:
            return []
        outputs = self.steps.outputs(step)
        if outputs is None:
            return self._unknown_targets(step)
        if not outputs:
            return []
        if len(outputs) == 1:
            return self._only_target(step, *outputs[0])
        used = [self.steps.is_used(output, step) for output, _, _ in outputs]
        if not any(used):
            return []
        several = sum(used)
        title = self._title(step) if self.style.titles and several == 1 else ''
        names = []
        free: dict[str, list[str]] | None = None
        for (output, name, type_), is_used in zip(outputs, used):
            if not is_used:
                names.append('_')
                continue
            if free is None:
                free = self._free(step, {kind for (_, _, kind), wanted in zip(outputs, used) if wanted} - PLAIN_TYPES)
            names.append(self._name(output, name, type_, title, free))
        unused = len(used) - max(index for index, is_used in enumerate(used) if is_used) - 1
        if unused > 2:
            names[-unused:] = ['*_']
        return names

    def _only_target(self, step: str, output: Output, name: str, type_: str) -> list[str]:
        if not self.steps.is_used(output, step):
            return []
        title = self._title(step) if self.style.titles else ''
        free = {} if type_ in PLAIN_TYPES else self._free(step, {type_})
        return [self._name(output, name, type_, title, free)]

    def _title(self, step: str) -> str:
        return '' if step in self.scope.children else self.source.title_name(step)

    def _unknown_targets(self, step: str) -> list[str]:
        """Targets of a node without a schema: as many as are used, or a single one that is indexed."""
        # What is returned here for the sake of another instance of the subgraph is used there alone.
        returned = {output.slot for output in self.scope.returned if output.node == step}
        used = self.source.used_slots.get(step, ())
        slots = sorted({slot for slot in used if self.steps.is_used(Output(step, slot), step)} | returned)
        if not slots:
            return []
        base = self._title(step) or variable(self.source.nodes[step].raw.class_type or '')[:40] or 'value'
        if slots[-1] >= MOST_UNPACKED or self.source.nodes[step].asked_outputs:
            name = self.names.new(base)
            self.values.update({Output(step, slot): f'{name}[{slot}]' for slot in slots})
            return [name]
        names = []
        for slot in range(slots[-1] + 1):
            if slot in slots:
                name = self.names.new(base)
                self.values[Output(step, slot)] = name
                self._bases[name] = base
                names.append(name)
            else:
                names.append('_')
        if len(names) > 1 and not self.source.schemas:
            names.append('*_')
        return names

    def _name(self, output: Output, raw: str, type_: str, title: str, free: dict[str, list[str]]) -> str:
        base = title or from_output(raw, type_)
        name = None if title else self._taken_over(type_, base, free)
        if name is None:
            name = self.names.new(base)
            self._bases[name] = base
        self.values[output] = name
        return name

    def _taken_over(self, type_: str, base: str, free: dict[str, list[str]]) -> str | None:
        """The name of a value of the same type that nobody needs after this step."""
        names = free.get(type_, ())
        for name in names[:MOST_TRIED]:
            if base in (from_type(type_), self._bases.get(name)):
                free[type_].remove(name)
                return name
        return None

    def _free(self, step: str, types: set[str]) -> dict[str, list[str]]:
        """By type, the names of the variables and parameters of these types that this step alone uses."""
        free: dict[str, list[str]] = {}
        if not types:
            return free
        child = self.scope.children.get(step)
        pairs = child.inputs.items() if child is not None else self.source.nodes[step].inputs.items()
        for key, given in pairs:
            value = given.value if child is not None else given
            if type(value) is not Output:
                continue
            type_ = self.source.type_of(value)
            name = self._name_if_free(step, key, value) if type_ in types else None
            if name is not None and name not in free.get(type_, ())[:MOST_TRIED]:
                free.setdefault(type_, []).append(name)
        return free

    def _name_if_free(self, step: str, key: Any, value: Output) -> str | None:
        """The name of what stands at an input, if nothing but this step uses it."""
        bound = self.scope.bound.get((step, key))
        if bound is not None:
            return self.parameters[bound] if self.scope.inputs[bound].users == {step} else None
        return self.values.get(value) if self.steps.sole_user(value) == step else None

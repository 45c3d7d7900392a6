"""The statements of one scope: its steps in order, with names."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...graph import EXTRA_INPUTS, EXTRA_OUTPUTS
from ..errors import TranspileError
from .arguments import (
    MISSING_INPUT,
    Arguments,
    GroupValue,
    Output,
    Parameter,
    arguments_of_unknown,
    checked_arguments_of,
)
from .literals import Unwritable, comment, literal, quoted
from .naming import PLAIN_TYPES, Names, from_output, from_type, variable
from .order import by_section, depth_first, sections_in
from .prompt_source import MOST_UNPACKED, PromptSource, SourceNode
from .scope_tree import ScopeTree, ScriptScope
from .style import WIDTH, Style
from .workflow_hints import reading_order
from .wrapping import Expression, Items, columns, lay_out

LONGEST_NOTE = 5_000

MOST_TRIED = 20
"""Values that a step could take the name of that are looked at."""


class Functions(Protocol):
    """What a scope needs to know of the functions that it calls."""

    def call_of(self, scope: ScriptScope) -> tuple[str, Sequence[tuple[Any, str]]]:
        """The name of a scope's function, and its parameters: (key in `ScriptScope.inputs`, name)."""
        ...


@dataclass
class Rows:
    """Lines of text, and where each step stands: (first, last) counted from 0."""

    lines: list[str] = field(default_factory=list)
    steps: dict[str, tuple[int, int]] = field(default_factory=dict)
    count: int = 0

    def add(self, text: str, step: str | None = None) -> None:
        height = text.count('\n') + 1
        self.lines.append(text)
        if step is not None:
            self.steps[step] = (self.count, self.count + height - 1)
        self.count += height

    def text(self) -> str:
        return '\n'.join(self.lines) + '\n' if self.lines else ''


class Body:
    """Writes one scope. `alive` are the nodes that the script is to have."""

    def __init__(
        self,
        source: PromptSource,
        tree: ScopeTree,
        scope: ScriptScope,
        alive: set[str],
        functions: Functions,
        names: Names,
        style: Style,
    ):
        self.source = source
        self.tree = tree
        self.scope = scope
        self.alive = alive
        self.functions = functions
        self.style = style
        self.names = names
        self.rows = Rows()
        self.parameters: dict[Any, str] = {}
        self._values: dict[Output, str] = {}
        self._bases: dict[str, str] = {}
        self._sole_users: dict[Output, str] = {}
        self._returned = frozenset(scope.returned)
        self._returning = {output.node for output in scope.returned}
        for key, given in sorted(scope.inputs.items(), key=lambda pair: pair[1].place):
            type_ = source.type_of(given.value) if type(given.value) is Output else ''
            base = variable(given.name) or from_type(type_)
            self.parameters[key] = self.names.new(base)
            self._bases[self.parameters[key]] = base

    def write(self, indent: str) -> None:
        """Writes all statements to `rows`."""
        rows = self.rows
        sections, titles = self._sections()
        ordered = self._ordered(sections)
        notes = self._notes(indent)
        for line in notes.pop(None, ()):
            rows.add(line)
        for section, steps in sections_in(ordered, sections):
            if rows.lines and sections:
                rows.add('')
            if section is not None and titles[section]:
                rows.add(f'{indent}# {titles[section]}')
            for line in notes.pop(section, ()) if section is not None else ():
                rows.add(line)
            for step in steps:
                rows.add(self._statement(step, indent), step)
        if self._returned:
            rows.add(self._return(indent))

    # Steps

    def _ordered(self, sections: Mapping[str, int]) -> Sequence[str]:
        scope = self.scope
        if not (sections or scope.children) and len(scope.nodes) == len(self.source.nodes):
            return self.source.order
        needs = {step: self._needs(step) for step in self._steps()}
        ordered = depth_first(list(needs), needs)
        return by_section(ordered, needs, sections, reading_order(self._groups())) if sections else ordered

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
        for value in self._given(step):
            inside = self.tree.step(value.node, self.scope) if type(value) is Output else None
            if inside is not None and inside != step:
                found.append(inside)
        return found

    def _given(self, step: str) -> Iterable[Any]:
        """The values that a step is given."""
        child = self.scope.children.get(step)
        if child is not None:
            return [given.value for given in child.inputs.values()]
        return self.source.nodes[step].inputs.values()

    def _outputs(self, step: str) -> list[tuple[Output, str, str]] | None:
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

    def _is_used(self, output: Output, step: str) -> bool:
        if output in self._returned:
            return True
        users = self.source.users.get(output, ())
        if step not in self.scope.children:
            return not self.alive.isdisjoint(users)
        return any(user in self.alive and self.tree.step(user, self.scope) != step for user in users)

    def _sole_user(self, output: Output) -> str:
        """The one step that uses an output in the whole prompt, written or not; `''` where there are more."""
        found = self._sole_users.get(output)
        if found is None:
            found = self._sole_users[output] = self._find_sole_user(output)
        return found

    def _find_sole_user(self, output: Output) -> str:
        if output in self._returned:
            return ''
        users = self.source.users.get(output, ())
        step = self.tree.step
        if len(users) == 1:
            return step(users[0], self.scope) or ''
        found = {step(user, self.scope) for user in users} - {step(output.node, self.scope)}
        return (found.pop() or '') if len(found) == 1 else ''

    # Statements

    def _statement(self, step: str, indent: str) -> str:
        try:
            callee, items = self._call(step)
        except Unwritable as error:
            node = self.source.nodes[step].raw
            raise TranspileError(str(error), node=step, title=node.title, type=node.class_type) from error
        call = Items(f'{callee}(', items, ')')
        targets = self._targets(step)
        before = f'{", ".join(targets)} = ' if targets else ''
        if len(targets) > 1 and columns(f'{indent}{before}{callee}(') > WIDTH - 2:
            lines = [f'{indent}(', *(f'{indent}    {target},' for target in targets), '']
            return '\n'.join(lines) + lay_out(indent, ') = ', call)
        return lay_out(indent, before, call)

    def _return(self, indent: str) -> str:
        names = [self._values[output] for output in self.scope.returned]
        line = f'{indent}return {", ".join(names)}'
        if columns(line) <= WIDTH or len(names) < 2:
            return line
        return '\n'.join([f'{indent}return (', *(f'{indent}    {name},' for name in names), f'{indent})'])

    def _call(self, step: str) -> tuple[str, list[tuple[str, Expression]]]:
        child = self.scope.children.get(step)
        if child is not None:
            return self._function_call(step, child)
        node = self.source.nodes[step]
        inputs = self._with_parameters(step, node)
        arguments = arguments_of_unknown(inputs) if node.schema is None else checked_arguments_of(node.schema, inputs)
        items = self._items(arguments)
        if node.asked_outputs:
            items.append((f'{EXTRA_OUTPUTS}=', str(node.asked_outputs)))
        return node.callee, items

    def _with_parameters(self, step: str, node: SourceNode) -> Mapping[str, Any]:
        """The node's inputs, with parameters where the function has them."""
        if not self.scope.inputs:
            return node.inputs
        inputs = {}
        absent = self._absent.get(step, ())
        for key in (*node.inputs, *absent):
            bound = self.scope.bound.get((step, key))
            if bound is None:
                inputs[key] = node.inputs[key]
            else:
                given = self.scope.inputs[bound]
                inputs[key] = Parameter(self.parameters[bound], given.value, given.absent)
        return inputs

    @property
    def _absent(self) -> Mapping[str, list[str]]:
        """By step the keys that only other instances of the subgraph have."""
        found = self.__dict__.get('_absent_keys')
        if found is None:
            found = self.__dict__['_absent_keys'] = {}
            for given in self.scope.inputs.values():
                if given.absent:
                    for node, key in given.targets:
                        if node in self.source.nodes and self.tree.of[node] is self.scope:
                            found.setdefault(node, []).append(key)
        return found

    def _items(self, arguments: Arguments) -> list[tuple[str, Expression]]:
        positional = min(self.style.positional, arguments.leading)
        items = [
            ('' if index < positional else f'{name}=', self._expression(value))
            for index, (name, value) in enumerate(arguments.named)
        ]
        if arguments.extra:
            pairs = [(f'{quoted(key)}: ', self._expression(value)) for key, value in arguments.extra.items()]
            items.append((f'{EXTRA_INPUTS}=', Items('{', pairs, '}')))
        return items

    def _function_call(self, step: str, child: ScriptScope) -> tuple[str, list[tuple[str, Expression]]]:
        name, parameters = self.functions.call_of(child)
        items = []
        positional = 0
        for index, (key, parameter) in enumerate(parameters):
            given = child.inputs[key]
            bound = self.scope.bound.get((step, key))
            value = self.parameters[bound] if bound is not None else self._expression(given.value)
            linked = type(given.value) is Output or self.style.args == 'positional'
            if linked and index == positional < self.style.positional:
                positional += 1
                items.append(('', value))
            else:
                items.append((f'{parameter}=', value))
        return name, items

    def _expression(self, value: Any) -> Expression:
        kind = type(value)
        if kind is Output:
            return self._values[value]
        if kind is Parameter:
            return value.name
        if value is MISSING_INPUT:
            return 'None'
        if kind is GroupValue:
            if isinstance(value.items, dict):
                pairs = [(f'{quoted(key)}: ', self._expression(item)) for key, item in value.items.items()]
                return Items('{', pairs, '}')
            return Items('[', [('', self._expression(item)) for item in value.items], ']')
        return literal(value)

    # Names

    def _targets(self, step: str) -> list[str]:
        """What stands left of the `=`, after naming the outputs that are used."""
        if step not in self.source.used_slots and step not in self._returning and step not in self.scope.children:
            return []
        outputs = self._outputs(step)
        if outputs is None:
            return self._unknown_targets(step)
        if not outputs:
            return []
        used = [self._is_used(output, step) for output, _, _ in outputs]
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

    def _title(self, step: str) -> str:
        return '' if step in self.scope.children else self.source.title_name(step)

    def _unknown_targets(self, step: str) -> list[str]:
        """Targets of a node without a schema: as many as are used, or a single one that is indexed."""
        slots = sorted(slot for slot in self.source.used_slots.get(step, ()) if self._is_used(Output(step, slot), step))
        if not slots:
            return []
        base = self._title(step) or variable(self.source.nodes[step].raw.class_type or '')[:40] or 'value'
        if slots[-1] >= MOST_UNPACKED or self.source.nodes[step].asked_outputs:
            name = self.names.new(base)
            self._values.update({Output(step, slot): f'{name}[{slot}]' for slot in slots})
            return [name]
        names = []
        for slot in range(slots[-1] + 1):
            if slot in slots:
                name = self.names.new(base)
                self._values[Output(step, slot)] = name
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
        self._values[output] = name
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
        return self._values.get(value) if self._sole_user(value) == step else None

    # Groups and notes

    def _groups(self) -> Sequence[Any]:
        graph = self.source.hints.graph(self.scope.path)
        return graph.groups if graph else ()

    def _sections(self) -> tuple[dict[str, int], list[str]]:
        """Step → group, and the groups' headings."""
        if not self.style.groups:
            return {}, []
        places = self.source.hints.groups_of(self.scope.path)
        found = {}
        for step in (*self.scope.nodes, *self.scope.children) if places else ():
            path, _, local = step.rpartition(':')
            if path == self.scope.path and local in places:
                found[step] = places[local]
        return found, [comment(group.title)[:100] for group in self._groups()]

    def _notes(self, indent: str) -> dict[int | None, list[str]]:
        """Notes as comments, by the group that they lie in."""
        graph = self.source.hints.graph(self.scope.path)
        if not self.style.notes or graph is None:
            return {}
        places = self.source.hints.groups_of(self.scope.path) if self.style.groups else {}
        found: dict[int | None, list[str]] = {}
        for note in graph.notes:
            lines = [line for text in note.text[:LONGEST_NOTE].splitlines() for line in _wrapped(text)]
            if lines:
                found.setdefault(places.get(note.id), []).extend(f'{indent}# {line}'.rstrip() for line in lines)
        return found


def _wrapped(text: str) -> list[str]:
    return [
        comment(line) for line in textwrap.wrap(comment(text), 100, break_long_words=False, break_on_hyphens=False)
    ] or ['']

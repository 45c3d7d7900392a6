"""The statements of one scope: its steps in order, with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

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
from .literals import Unwritable, literal, quoted
from .naming import Names
from .order import sections_in
from .prompt_source import SourceNode
from .scope_comments import ScopeComments
from .scope_names import ScopeNames
from .scope_steps import ScopeSteps
from .scope_tree import ScriptScope
from .style import WIDTH, Style
from .workflow_hints import reading_order
from .wrapping import Expression, Items, columns, flat, lay_out

_SEEDS = frozenset({'seed', 'noise_seed'})


class FunctionCall(NamedTuple):
    """`parameters`: (key in `ScriptScope.inputs`, name) in order; `defaults`: by name, as they are written."""

    name: str
    parameters: Sequence[tuple[Any, str]]
    defaults: Mapping[str, str]


class Functions(Protocol):
    """What a scope needs to know of the functions that it calls."""

    def call_of(self, scope: ScriptScope) -> FunctionCall:
        """How the function of a scope is called."""
        ...


@dataclass
class Rows:
    """Lines of text, and where each step stands: (first, last) counted from 0."""

    lines: list[str] = field(default_factory=list)
    steps: dict[str, tuple[int, int]] = field(default_factory=dict)
    count: int = 0
    places: dict[str, int] = field(default_factory=dict)
    """Of each step's text among `lines`."""

    def add(self, text: str, step: str | None = None) -> None:
        height = text.count('\n') + 1
        if step is not None:
            self.places[step] = len(self.lines)
            self.steps[step] = (self.count, self.count + height - 1)
        self.lines.append(text)
        self.count += height

    def put(self, text: str, step: str) -> None:
        """Another text for a step."""
        self.lines[self.places[step]] = text
        start, last = self.steps[step]
        more = text.count('\n') - (last - start)
        self.steps[step] = (start, last + more)
        self.count += more
        if more:
            later = {key: span for key, span in self.steps.items() if span[0] > start}
            self.steps.update({key: (first + more, end + more) for key, (first, end) in later.items()})

    def text(self) -> str:
        return '\n'.join(self.lines) + '\n' if self.lines else ''


class Body:
    """Writes the statements of one scope. `names` are those of the scope around it."""

    def __init__(self, steps: ScopeSteps, functions: Functions, names: Names, style: Style):
        self.steps = steps
        self.source = steps.source
        self.scope = steps.scope
        self.functions = functions
        self.style = style
        self.names = ScopeNames(steps, names, style)
        self.comments = ScopeComments(self.source.hints, self.scope, style)
        self.rows = Rows()
        self._indent = ''
        self._targets: dict[str, list[str]] = {}
        self._absent = self._absent_keys()

    def write(self, indent: str) -> None:
        """Writes all statements to `rows`."""
        rows = self.rows
        self._indent = indent
        sections, titles = self.comments.sections()
        ordered = self.steps.ordered(sections, reading_order(self.comments.groups()) if sections else ())
        notes = self.comments.notes(indent)
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
        if self.steps.returned:
            rows.add(self._return(indent))

    def write_again(self, step: str) -> None:
        """A step whose node has other values now."""
        self.rows.put(self._statement(step, self._indent), step)

    def _statement(self, step: str, indent: str) -> str:
        try:
            callee, items = self._call(step)
        except Unwritable as error:
            found = self.source.nodes.get(step)
            if found is None:  # a function of the script: its value is that of a node in it
                raise TranspileError(str(error), node=step) from error
            raise TranspileError(str(error), node=step, title=found.raw.title, type=found.raw.class_type) from error
        call = Items(f'{callee}(', items, ')')
        # What a value is called is said once.
        targets = self._targets[step] if step in self._targets else self.names.targets(step)
        self._targets[step] = targets
        before = f'{", ".join(targets)} = ' if targets else ''
        if len(targets) > 1 and columns(f'{indent}{before}{callee}(') > WIDTH - 2:
            lines = [f'{indent}(', *(f'{indent}    {target},' for target in targets), '']
            return '\n'.join(lines) + lay_out(indent, ') = ', call, self.style.soft_wrap)
        return lay_out(indent, before, call, self.style.soft_wrap)

    def _return(self, indent: str) -> str:
        names = [self.names.values[output] for output in self.scope.returned]
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
                inputs[key] = Parameter(self.names.parameters[bound], given.value, given.absent)
        return inputs

    def _absent_keys(self) -> Mapping[str, list[str]]:
        """By step the keys that only other instances of the subgraph have."""
        found: dict[str, list[str]] = {}
        for given in self.scope.inputs.values():
            if given.absent:
                for node, key in given.targets:
                    if node in self.source.nodes and self.steps.tree.of[node] is self.scope:
                        found.setdefault(node, []).append(key)
        return found

    def _items(self, arguments: Arguments) -> list[tuple[str, Expression]]:
        positional = self._positional(arguments)
        items = [
            ('' if index < positional else f'{name}=', self._expression(value))
            for index, (name, value) in enumerate(arguments.named)
        ]
        if arguments.extra:
            pairs = [(f'{quoted(key)}: ', self._expression(value)) for key, value in arguments.extra.items()]
            items.append((f'{EXTRA_INPUTS}=', Items('{', pairs, '}')))
        return items

    def _positional(self, arguments: Arguments) -> int:
        """How many arguments are given by position. A seed is what people look for: it is named, and what follows."""
        count = min(self.style.positional, arguments.leading)
        if self.style.args == 'positional':
            return count
        for index in range(count):
            if arguments.named[index][0] in _SEEDS:
                return index
        return count

    def _function_call(self, step: str, child: ScriptScope) -> tuple[str, list[tuple[str, Expression]]]:
        name, parameters, defaults = self.functions.call_of(child)
        items = []
        positional = 0
        for index, (key, parameter) in enumerate(parameters):
            given = child.inputs[key]
            bound = self.scope.bound.get((step, key))
            plain = bound is None and type(given.value) is not Output and parameter in defaults
            if plain and flat(literal(given.value)) == defaults[parameter]:
                continue
            value = self.names.parameters[bound] if bound is not None else self._expression(given.value)
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
            return self.names.values[value]
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

"""Prompt (+ hints) → script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...graph import Prompt, PromptError, PromptNode, Schemas, as_schemas
from ...graph.collector import collector_paused
from ..convert import Conversion
from ..errors import TranspileError
from ..workflow_file import WorkflowFile
from .arguments import Output
from .body import Body, FunctionCall, Rows
from .function_plan import branch_values, plan_functions
from .literals import Unwritable, literal, quoted
from .naming import Names, variable
from .prompt_source import PromptSource
from .scope_comments import wrapped
from .scope_steps import ScopeSteps
from .scope_tree import ScopeTree, ScriptScope
from .style import Style
from .workflow_hints import read_hints
from .wrapping import Expression, Items, flat, lay_out

SHORT_DEFAULT = 40
"""A parameter has its value as default where the literal is at most this long."""


@dataclass(frozen=True)
class Script:
    """A script, and where in it each node of the prompt is: id → (first line, last line), counted from 1.

    For nodes inside a function these are lines of the function; the id of a subgraph's instance leads to its call.
    """

    text: str
    lines: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@collector_paused()
def write_script(
    prompt: Mapping[str, Any] | Prompt,
    *,
    schemas: Schemas | Mapping[str, Any] | None = None,
    workflow: Mapping[str, Any] | WorkflowFile | None = None,
    conversion: Conversion | None = None,
    end_nodes: Iterable[Any] | None = None,
    style: Style | None = None,
) -> Script:
    """The script of an API prompt.

    `workflow` is the web UI's file of the same graph, if there is one: a hint for names, titles, groups, notes and
    subgraphs, whatever state it is in; `conversion` what it was converted to, where it was. `end_nodes` limits the
    script to what these nodes (ids) need. Raises TranspileError.
    """
    known = as_schemas(schemas)
    try:
        parsed = prompt if isinstance(prompt, Prompt) else Prompt.parse(prompt)
    except PromptError as error:
        raise TranspileError(str(error)) from error
    return PromptWriter(parsed, known, workflow, conversion, end_nodes, style or Style()).script


class PromptWriter:
    """Writes a script as `write_script` does, and again where nodes have other values than before."""

    def __init__(
        self,
        prompt: Prompt,
        schemas: Schemas,
        workflow: Mapping[str, Any] | WorkflowFile | None,
        conversion: Conversion | None,
        end_nodes: Iterable[Any] | None,
        style: Style,
    ) -> None:
        """Raises TranspileError."""
        warnings: list[str] = []
        hints = read_hints(workflow, schemas, conversion, warnings)
        ends = None if end_nodes is None else [str(key) for key in end_nodes]
        try:
            source = PromptSource(prompt, schemas, hints, warnings)
        except TranspileError:
            if ends is None:
                raise
            # What is wrong may be in a part that these nodes do not need.
            source = PromptSource(prompt.upstream(ends), schemas, hints, warnings)
        self._remarks = conversion.warnings if style.notes and conversion is not None else ()
        self._writer = _Writer(source, set(source.nodes) if ends is None else source.upstream(ends), style)
        self.script = _with_remarks(self._writer.write(), self._remarks)

    def rewrite(self, nodes: Mapping[str, PromptNode]) -> Script | None:
        """The script where these nodes have other plain values; None where one of them stands in a function.

        Raises TranspileError; to be asked nothing from then on.
        """
        script = self._writer.rewrite(nodes)
        if script is not None:
            self.script = _with_remarks(script, self._remarks)
        return script and self.script

    def with_inputs(self, nodes: Mapping[str, PromptNode]) -> Script | None:
        """The script once, with the names that it has, where these nodes have other values or links; None where one
        of them stands in a function, or is linked to what has no name.

        Raises TranspileError; to be asked nothing from then on.
        """
        before = self._writer.nodes(nodes)
        script = self._writer.rewrite(nodes)
        if script is not None:
            self._writer.rewrite(before)
        return script


def _with_remarks(script: Script, remarks: Iterable[str]) -> Script:
    """With what the conversion had to leave out, as comments at the end."""
    lines = [f'# {line}'.rstrip() for remark in remarks for line in wrapped(remark)]
    return replace(script, text='\n'.join([script.text.rstrip('\n'), '', *lines, ''])) if lines else script


@dataclass
class _Function:
    """A written function: its text begins with the signature, `height` lines of it."""

    name: str
    parameters: list[str]
    defaults: dict[str, str]
    text: str
    height: int


class _Writer:
    def __init__(self, source: PromptSource, alive: set[str], style: Style):
        self.source = source
        self.alive = alive
        self.style = style
        inputs = {key: node.inputs for key, node in source.nodes.items()}
        self.tree = ScopeTree(inputs, source.hints.instances if style.functions else {})
        self.callees = {node.callee for node in source.nodes.values()}
        self.names = Names(self.callees)
        self.functions: dict[Any, _Function] = {}
        self.calls: dict[str, FunctionCall] = {}
        """By scope."""
        self._written: list[tuple[_Function, Rows]] = []
        self._root: Body | None = None

    def call_of(self, scope: ScriptScope) -> FunctionCall:
        return self.calls[scope.path]

    def write(self) -> Script:
        scopes = self._living_scopes()
        plan_functions(self.source, self.tree, scopes, self.alive)
        self._written = [(self._add_function(scope, body := self._body(scope)), body.rows) for scope in scopes[:-1]]
        self._root = root = self._body(self.tree.root)
        root.write('    ' if self.style.runtime else '')
        return self._assemble(root.rows, self._written)

    def nodes(self, keys: Iterable[str]) -> dict[str, PromptNode]:
        """As they are written."""
        return {key: self.source.nodes[key].raw for key in keys if key in self.source.nodes}

    def rewrite(self, nodes: Mapping[str, PromptNode]) -> Script | None:
        """After `write`: the same with other inputs, where nothing but these nodes' own statements has them."""
        root = self._root
        if root is None or not all(key in root.rows.steps and key in self.source.nodes for key in nodes):
            return None
        named = root.names.values
        if not all(link in named for node in nodes.values() for link in self.source.links_of(node)):
            return None
        for key, node in nodes.items():
            self.source.set_inputs(key, node)
            root.write_again(key)
        return self._assemble(root.rows, self._written)

    def _living_scopes(self) -> list[ScriptScope]:
        """Scopes with anything in them, innermost first, the root last."""
        scopes = self.tree.innermost_first()
        for scope in scopes:
            scope.nodes = [key for key in scope.nodes if key in self.alive]
            scope.children = {path: child for path, child in scope.children.items() if child.nodes or child.children}
        return [scope for scope in scopes if scope is self.tree.root or scope.nodes or scope.children]

    def _body(self, scope: ScriptScope) -> Body:
        steps = ScopeSteps(self.source, self.tree, scope, self.alive)
        return Body(steps, self, Names(outer=self.names), self.style)

    def _add_function(self, scope: ScriptScope, body: Body) -> _Function:
        """Writes a scope as a function, unless it reads the same as one that is written already."""
        assert scope.instance is not None
        body.write('    ')
        keys = {name: key for key, name in body.names.parameters.items()}
        text = body.rows.text()
        # Not by definition: copies that differ in their defaults alone are one function.
        identity = (text, frozenset(keys), branch_values(self.source, scope))
        function = self.functions.get(identity)
        if function is None:
            name = self.names.new(variable(scope.instance.name)[:60].rstrip('_') or 'subgraph')
            parameters, defaults, signature = _signature(name, scope, body)
            height = signature.count('\n') + 1
            function = self.functions[identity] = _Function(name, parameters, defaults, f'{signature}\n{text}', height)
        given = [(keys[name], name) for name in function.parameters]
        self.calls[scope.path] = FunctionCall(function.name, given, function.defaults)
        return function

    def _assemble(self, root: Rows, written: Sequence[tuple[_Function, Rows]]) -> Script:
        parts: list[str] = []
        height = 0

        def add(text: str) -> int:
            """Adds text and says at which line it starts."""
            nonlocal height
            parts.append(text)
            start = height + 1
            height += text.count('\n')
            return start

        if self.style.runtime:
            add(_head(self.style))
        starts = {}
        for function in self.functions.values():
            if parts:
                add('\n\n')
            starts[function.name] = add(function.text)
        if self.functions:
            add('\n\n')
        elif parts:
            add('\n')
        if self.style.runtime:
            add('with Workflow():\n')
        start = add(root.text() or ('    pass\n' if self.style.runtime else ''))
        lines = {step: (start + first, start + last) for step, (first, last) in root.steps.items()}
        for function, rows in written:
            start = starts[function.name] + function.height
            lines.update({step: (start + first, start + last) for step, (first, last) in rows.steps.items()})
        return Script(''.join(parts), lines, tuple(self.source.warnings))


def _signature(name: str, scope: ScriptScope, body: Body) -> tuple[list[str], dict[str, str], str]:
    """Parameters in order, those with a default last, these defaults, and the `def` line."""
    plain: list[tuple[str, Expression]] = []
    plain_names: list[str] = []
    with_default: list[tuple[str, str]] = []
    for key, given in sorted(scope.inputs.items(), key=lambda pair: pair[1].place):
        parameter = body.names.parameters[key]
        default = None if type(given.value) is Output else _default(given.value)
        if default is None or len(default) > SHORT_DEFAULT:
            plain_names.append(parameter)
            plain.append(('', parameter))
        else:
            with_default.append((f'{parameter}=', default))
    parameters = [*plain_names, *(before[:-1] for before, _ in with_default)]
    defaults = {before[:-1]: default for before, default in with_default}
    return parameters, defaults, lay_out('', '', Items(f'def {name}(', [*plain, *with_default], '):'))


def _default(value: Any) -> str | None:
    """None for a value that cannot be written: the call gives it, and says which node that is of."""
    try:
        return flat(literal(value))
    except Unwritable:
        return None


def _head(style: Style) -> str:
    server = quoted(style.server) if style.server else ''
    return f'from comfy_script.runtime import *\n\nload({server})\nfrom comfy_script.runtime.nodes import *\n'

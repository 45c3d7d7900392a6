"""A script as a prompt: it runs in the interpreter with nodes that are only written down."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ...graph import Schemas, as_schemas
from ..lang.bounds import Bounds
from ..lang.errors import NodeFailed, Span
from ..lang.machine import Machine
from ..lang.objects import ScriptObject, as_index
from ..lang.source import span_of
from .node_calls import ScriptNodes
from .run import compile_script, run_script

if TYPE_CHECKING:
    from ...graph.layout import LayoutHints
    from ...runtime.calls.running import Built

PROMPT_BOUNDS = replace(Bounds(), seconds=10.0, steps=5_000_000, nodes=10_000, memory=256 << 20)
"""Reading a script for the panel stops earlier than running it in a node."""


class Caller(NamedTuple):
    """One of the script's functions around a node call, and the line that called it."""

    function: str
    line: int
    column: int = 0


@dataclass(frozen=True)
class ScriptPrompt:
    """What a script does when nothing is executed."""

    prompt: dict[str, Any]
    lines: dict[str, int]
    """Node id → line of the call, from 1."""
    names: dict[str, tuple[str, ...]]
    """Node id → the variables that its outputs were assigned to, where they were."""
    callers: dict[str, tuple[Caller, ...]]
    """Node id → the functions of the script it was called in, outermost first: the groups of a laid out graph."""
    printed: tuple[tuple[int, str], ...]
    """What `print` showed: line of the script, text."""
    built: Built = field(repr=False)


def script_to_prompt(text: str, schemas: Schemas | Mapping[str, Any], bounds: Bounds = PROMPT_BOUNDS) -> ScriptPrompt:
    """The prompt of a script, and where in the script each node was called. Runs no node.

    `def main(…)` is called with the defaults of its parameters. Raises ScriptError with the line, also where the
    script would need to know what a node gives.
    """
    from ...runtime.calls.functions import NodeNamespace
    from ...runtime.calls.outputs import NodeOutput, Outputs, UnknownOutputs
    from ...runtime.calls.recording import PromptBuilder
    from ...runtime.calls.running import BuildError

    compiled = compile_script(text, bounds)
    targets = _assigned_calls(compiled.tree)
    machine: list[Machine] = []
    places: dict[int, tuple[Span | None, tuple[Caller, ...]]] = {}

    def locate() -> tuple[str, int]:
        at = machine[0].at
        return '<script>', at.line if at else 1

    def call(m: Machine, function: Any, args: list, kwargs: dict[str, Any]) -> Any:
        span = m.at
        callers = tuple(
            _caller(frame.function.name, frame.called_at or frame.function.span)
            for frame in m.calls
            if frame.function is not None
        )
        count = len(builder.nodes)
        try:
            results = function(*args, **kwargs)
        except BuildError as error:
            raise NodeFailed(str(error), span) from None
        for node in builder.nodes[count:]:
            places[id(node)] = (span, callers)
        return results

    def results(value: Any) -> Any:
        if isinstance(value, Outputs):
            return tuple(value)
        return UnknownResults(value) if isinstance(value, UnknownOutputs) else value

    def prepare(m: Machine) -> None:
        m.unknown_type = NodeOutput
        machine.append(m)

    builder = PromptBuilder(locate=locate)
    nodes = ScriptNodes(NodeNamespace(as_schemas(schemas), builder.emit), call, results)
    run_script(compiled, bounds=bounds, find_node=nodes.find, prepare=prepare)
    built = builder.build()
    found = {key: places.get(id(node), (None, ())) for key, node in built.nodes.items()}
    lines = {key: span.line for key, (span, _) in found.items() if span is not None}
    names = {key: targets[span] for key, (span, _) in found.items() if span in targets}
    callers = {key: callers for key, (_, callers) in found.items() if callers}

    def hints() -> LayoutHints:
        from ...runtime.calls.call_hints import interpreted_hints

        return interpreted_hints(built.nodes, names, callers, lines, _loops(compiled.tree))

    return ScriptPrompt(
        prompt=built.prompt,
        lines=lines,
        names=names,
        callers=callers,
        printed=tuple(zip(machine[0].printed_lines, machine[0].printed)),
        built=replace(built, hints=hints),
    )


def _caller(function: str, called_at: Span) -> Caller:
    return Caller(function, called_at.line, called_at.column)


def _loops(tree: ast.Module) -> list[tuple[int, int]]:
    """First and last line of every loop."""
    kinds = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    return [(node.lineno, node.end_lineno or node.lineno) for node in ast.walk(tree) if isinstance(node, kinds)]


def _assigned_calls(tree: ast.Module) -> dict[Span | None, tuple[str, ...]]:
    """Place of each call whose results go straight into variables → their names."""
    found: dict[Span | None, tuple[str, ...]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and len(node.targets) == 1:
            target = node.targets[0]
            items = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
            plain = [item.value if isinstance(item, ast.Starred) else item for item in items]
            if all(isinstance(item, ast.Name) for item in plain):
                found[span_of(node.value)] = tuple(item.id for item in plain if isinstance(item, ast.Name))
    return found


class UnknownResults(ScriptObject):
    """What a node that nobody described gives: one value, or as many as are asked for."""

    __slots__ = ('value',)
    kind = 'unknown outputs'

    def __init__(self, value: Any):
        self.value = value

    def item(self, m: Machine, key: Any) -> Any:
        return self.value[as_index(key)]

    def for_nodes(self) -> Any:
        return self.value

    def unpacked(self, count: int) -> list:
        return list(self.value.unpack(count))


__all__ = ['PROMPT_BOUNDS', 'Caller', 'ScriptPrompt', 'script_to_prompt']

"""Titles and groups of a workflow that a script made: its variables' names, and a group per call of its functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ...graph import Schemas, to_variable_name
from ...graph.layout import LayoutGroup, LayoutHints, Template
from ...graph.layout import lay_out as lay_out_prompt
from .node_call import NodeCall
from .sites import Site, Step, in_loop, target_names


def lay_out(
    prompt: Mapping[str, Any], nodes: Mapping[str, NodeCall], hints: LayoutHints | None = None
) -> dict[str, Any]:
    """The web UI workflow of a prompt whose nodes are these calls."""
    return lay_out_prompt(prompt, _schemas_of(nodes), hints or LayoutHints(titles_of(nodes), groups_of(nodes)))


def _template(prompt: Mapping[str, Any], nodes: Mapping[str, NodeCall]) -> Template | None:
    return Template.of(prompt, _schemas_of(nodes), LayoutHints(titles_of(nodes), groups_of(nodes)))


def _schemas_of(nodes: Mapping[str, NodeCall]) -> Schemas:
    known = {node.class_type: node.schema for node in nodes.values() if node.schema.info}
    return Schemas(known, known.__getitem__)


_MOST_SHAPES = 64
_MOST_NODES = 300


class _Shape(NamedTuple):
    """A way that a workflow can look, or None where values are part of it; and what the ids in its key are of."""

    template: Template | None
    kept: tuple[Any, ...]


_shapes: dict[tuple[Any, ...], _Shape] = {}


def lay_out_again(prompt: Mapping[str, Any], nodes: Mapping[str, NodeCall]) -> dict[str, Any]:
    """What `lay_out` gives, not to be changed; quick for a workflow made at the same lines as one before."""
    if len(nodes) > _MOST_NODES:
        return lay_out(prompt, nodes)
    key = tuple([_mark(node, prompt[number]['inputs']) for number, node in nodes.items()])
    shape = _shapes.get(key)
    if shape is None:
        if len(_shapes) >= _MOST_SHAPES:
            _shapes.clear()
        kept = tuple((node.schema, node._place) for node in nodes.values())
        shape = _shapes[key] = _Shape(_template(prompt, nodes), kept)
    return lay_out(prompt, nodes) if shape.template is None else shape.template.filled(prompt)


def _mark(node: NodeCall, inputs: Mapping[str, Any]) -> tuple[Any, ...]:
    """All of a node that its look depends on, but for values."""
    code, offset, *callers = node._place or (None, 0)
    linked = [(name, *value) if type(value) is list else name for name, value in inputs.items()]
    around = [(id(step[0]), step[1]) for step in callers[0]] if callers else ()
    return id(node.schema), id(code), offset, *around, *linked


class CallingFunction(Protocol):
    """A function of the script around a node call, and the place that called it."""

    @property
    def function(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def interpreted_hints(
    nodes: Mapping[str, NodeCall],
    names: Mapping[str, Sequence[str]],
    callers: Mapping[str, Sequence[CallingFunction]],
    lines: Mapping[str, int],
    loops: Sequence[tuple[int, int]] = (),
) -> LayoutHints:
    """The hints of a script that the interpreter read.

    By node id: the variables of its results, the functions it was called in (outermost first) and its line.
    `loops`: first and last line of each loop of the script.
    """
    in_loops = {line for line in lines.values() if any(first <= line <= last for first, last in loops)}
    titles = {
        key: _title(names[key][0])
        for key, node in nodes.items()
        if len(names.get(key, ())) == 1 and len(node.schema.outputs) == 1 and _tells(names[key][0], node)
    }
    root = _Open(None, None, '')
    stack = [root]
    for key, node in nodes.items():
        around = callers.get(key, ())
        for depth, caller in enumerate(around, 1):
            mark = (caller.function, caller.line, caller.column)
            if (
                len(stack) <= depth
                or stack[depth].code != mark
                or (lines.get(key) not in in_loops and _starts_again(stack[depth], nodes, node, key, lines))
            ):
                del stack[depth:]
                opened = _Open(mark, None, caller.function)
                stack[-1].inner.append(opened)
                stack.append(opened)
        del stack[len(around) + 1 :]
        stack[-1].nodes.append(key)
    return LayoutHints(titles, _without_wrapping(root))


def _starts_again(
    call: _Open, nodes: Mapping[str, NodeCall], node: NodeCall, key: str, lines: Mapping[str, int]
) -> bool:
    """Whether a node is the first one of the function once more: then it is another call of it."""
    first = call.nodes[0] if call.nodes else None
    return first is not None and nodes[first].class_type == node.class_type and lines.get(first) == lines.get(key)


def titles_of(nodes: Mapping[str, NodeCall]) -> dict[str, str]:
    """A title for each node whose result has a variable of its own that says more than its type."""
    titles = {}
    for key, node in nodes.items():
        site = node.site
        if site is None or len(node.schema.outputs) != 1:
            continue
        names = target_names(site)
        if len(names) == 1 and names[0] is not None and _tells(names[0], node):
            titles[key] = _title(names[0])
    return titles


def _tells(name: str, node: NodeCall) -> bool:
    output = node.schema.outputs[0]
    bare = re.sub(r'_?\d+$', '', name).strip('_')
    return len(bare) > 1 and bare not in (to_variable_name(output.type), to_variable_name(output.name))


def _title(name: str) -> str:
    words = name.strip('_').replace('_', ' ')
    return words[:1].upper() + words[1:]


class _Open:
    """A function call that nodes are being made in."""

    def __init__(self, code: Any, caller: Step | None, title: str):
        self.code = code
        self.caller = caller
        self.title = title
        self.last = -1
        self.nodes: list[str] = []
        self.inner: list[_Open] = []

    def group(self) -> LayoutGroup:
        return LayoutGroup(self.title, tuple(self.nodes), tuple(child.group() for child in self.inner))


def groups_of(nodes: Mapping[str, NodeCall]) -> tuple[LayoutGroup, ...]:
    """The calls of the script's own functions, nested as they were."""
    root = _Open(None, None, '')
    stack = [root]
    for key, node in nodes.items():
        site = node.site
        if site is None:
            root.nodes.append(key)
            continue
        _enter(stack, _frames(site))
        stack[-1].nodes.append(key)
    return _without_wrapping(root)


def _frames(site: Site) -> list[Step]:
    """The user's functions around a call, outermost first, without the one that holds the whole script."""
    steps = [Step(site.code, site.offset), *site.callers]
    return list(reversed(steps[:-1]))


def _enter(stack: list[_Open], steps: list[Step]) -> None:
    """Opens and closes calls until the innermost open one is that of the last step."""
    depth = 0
    for index, step in enumerate(steps):
        caller = steps[index - 1] if index else None
        if len(stack) <= depth + 1 or not _goes_on(stack[depth + 1], step, caller, index == len(steps) - 1):
            del stack[depth + 1 :]
            opened = _Open(step.code, caller, step.code.co_name)
            if step.code.co_name.startswith('<'):
                # A comprehension or lambda is no function of its own to a reader.
                opened = stack[depth]
                if index == len(steps) - 1:
                    return
                continue
            stack[depth].inner.append(opened)
            stack.append(opened)
        stack[depth + 1].last = step.offset
        depth += 1
    del stack[depth + 1 :]


def _goes_on(call: _Open, step: Step, caller: Step | None, innermost: bool) -> bool:
    """Whether a node is made in the same call as the one before it: the function runs on, or round its own loop."""
    if call.code is not step.code or (call.caller or Step(step.code, -1))[1:] != (caller or Step(step.code, -1))[1:]:
        return False
    back = step.offset < call.last or (innermost and step.offset == call.last)
    return not back or in_loop(step)


def _without_wrapping(root: _Open) -> tuple[LayoutGroup, ...]:
    """Groups that say something: not one around everything, and none around a single node."""
    while not root.nodes and len(root.inner) == 1:
        root = root.inner[0]
    return tuple(child.group() for child in root.inner if len(child.nodes) + len(child.inner) > 1)

"""One call of a node as it is recorded, what it gives, and calls numbered and written as a prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from ...graph import NodeSchema
from ...graph.collector import collector_paused
from ..wire.places import shown_place
from .pictures import FileToSend
from .sites import Site

if TYPE_CHECKING:
    from ..wire.submission import Submission
    from ..wire.task import Task

__all__ = [
    'CallReference',
    'NodeCall',
    'OutputSocket',
    'Runner',
]



class Runner(Protocol):
    """The server of a node call, which puts prompts into its queue: a client. `settings`: all that makes it one."""

    @property
    def settings(self) -> Mapping[str, object]: ...

    def submit(self, prompt: Submission, /) -> Task:
        """Queue a prompt, with what goes along."""
        ...

    async def _submit(self, prompt: Submission, /) -> Task: ...


class Dismissible(Protocol):
    """What belongs to a call until it is used."""

    def dismiss(self) -> None: ...


class NodeCall:
    """One call of a node: what it was given, and where in the script it was made.

    `task` is the task that it last went into as an output, with the id that it has there; `block` the number of the
    block that it was recorded in.
    """

    # Names and values apart: the names are one tuple for all calls of a node, and the collector walks less.
    __slots__ = ('__weakref__', '_names', '_place', '_values', 'block', 'runner', 'schema', 'task', 'task_id', 'unrun')

    def __init__(
        self,
        schema: NodeSchema,
        names: tuple[str, ...],
        values: tuple[Any, ...],
        place: Any = None,
        runner: Runner | None = None,
    ) -> None:
        self.schema = schema
        self.runner = runner
        self._names = names
        self._values = values
        self.task: Task | None = None
        self.task_id: str | None = None
        self.block: int | None = None
        self.unrun: Dismissible | None = None
        self._place = place

    @property
    def class_type(self) -> str:
        return self.schema.class_type

    @property
    def inputs(self) -> dict[str, Any]:
        """By the prompt's raw names: `OutputSocket`s where they are links, else JSON."""
        return dict(zip(self._names, self._values, strict=False))

    @property
    def site(self) -> Site | None:
        """The place of the call in the script's code."""
        place = self._place
        return Site(*place) if isinstance(place, tuple) and not isinstance(place[0], str) else None

    @property
    def origin(self) -> tuple[str, int] | None:
        """File and line of the call."""
        site = self.site
        return site.origin if site is not None else self._place

    @property
    def is_queued(self) -> bool:
        """Whether it is in a server's queue as an output, or was; not where its task was cancelled or lost."""
        return self.task is not None and not self.task.is_lost

    @property
    def is_output(self) -> bool:
        """Whether a workflow runs because of it: an output node, or one that nothing is known of."""
        return self.schema.output_node or not self.schema.info

    def __repr__(self) -> str:
        origin = self.origin
        return f'<{self.class_type} call{f" at {shown_place(*origin)}" if origin else ""}>'


class CallReference:
    """Whatever a node call gave: it stands for the call."""

    __slots__ = ()
    node: NodeCall


class OutputSocket(CallReference):
    """One output of a node call: what an input of another node is linked to."""

    __slots__ = ('__weakref__', 'node', 'slot')

    def __init__(self, node: NodeCall, slot: int) -> None:
        self.node = node
        self.slot = slot


PLAIN = frozenset({str, int, float, bool, type(None)})
MANY = 100
"""Calls for which it is worth to hold the collector back."""

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


class Numbering:
    """A prompt in the making. Ids count from 1, as in the web UI."""

    def __init__(self) -> None:
        self.ids: dict[int, str] = {}

    def put(self, node: NodeCall) -> bool:
        """Whether all that it needs is there, so that it could be put."""
        raise NotImplementedError

    def put_all(self, calls: Sequence[NodeCall]) -> None:
        """Puts calls, with all that they need."""
        with collector_paused() if len(calls) > MANY else nullcontext():
            for node in calls:
                if id(node) not in self.ids and not self.put(node):
                    self._put_with_needs(node)

    def _number(self, node: NodeCall) -> str:
        number = self.ids[id(node)] = str(len(self.ids) + 1)
        return number

    def _put_with_needs(self, node: NodeCall) -> None:
        """A stack, not recursion: chains may be 100 000 deep."""
        stack = [(node, self._needs(node))]
        while stack:
            current, needs = stack[-1]
            if needs:
                needed = needs.pop()
                if id(needed) not in self.ids:
                    stack.append((needed, self._needs(needed)))
            else:
                stack.pop()
                self.put(current)

    def _needs(self, node: NodeCall) -> list[NodeCall]:
        """The calls that a call needs and that are not there yet, the first one last."""
        values = [value for value in node._values if type(value) not in PLAIN and isinstance(value, OutputSocket)]
        return [value.node for value in reversed(values) if id(value.node) not in self.ids]


class PromptOf(Numbering):
    """The prompt as a dict, with the calls by their ids."""

    def __init__(self) -> None:
        super().__init__()
        self.prompt: dict[str, Any] = {}
        self.nodes: dict[str, NodeCall] = {}
        self.files: dict[str, bytes] = {}

    def put(self, node: NodeCall) -> bool:
        ids = self.ids
        inputs = dict(zip(node._names, node._values, strict=False))
        for name, value in inputs.items():
            if type(value) in PLAIN:
                continue
            if isinstance(value, OutputSocket):
                number = ids.get(id(value.node))
                if number is None:
                    return False
                inputs[name] = [number, value.slot]
            elif isinstance(value, FileToSend):
                self.files[value] = value.data
        number = self._number(node)
        self.nodes[number] = node
        self.prompt[number] = {'class_type': node.schema.class_type, 'inputs': inputs}
        return True


class JsonOf(Numbering):
    """The prompt as JSON text, a line per node, without the dicts in between: what `to_json` makes of them.

    At 100 000 nodes those take more memory than a processor's caches hold, and most of the time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._forms: dict[tuple[str, tuple[str, ...]], str] = {}

    @property
    def text(self) -> str:
        return lines_as_object(self._lines)

    def put(self, node: NodeCall) -> bool:
        ids = self.ids
        parts: list[Any] = ['']
        for value in node._values:
            kind = type(value)
            if kind is str:
                parts.append(_encode(value))
            elif kind is int:
                parts.append(value)
            elif kind not in PLAIN and isinstance(value, OutputSocket):
                number = ids.get(id(value.node))
                if number is None:
                    return False
                parts.append(f'["{number}", {value.slot}]')
            else:
                parts.append(_encode(value))
        parts[0] = self._number(node)
        key = (node.schema.class_type, node._names)
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = _form(*key)
        self._lines.append(form % (*parts,))
        return True


def _form(class_type: str, names: tuple[str, ...]) -> str:
    """A node's line, with places for its id and its inputs."""
    inputs = ', '.join(_encode(name).replace('%', '%%') + ': %s' for name in names)
    return f'  "%s": {{"class_type": {_encode(class_type).replace("%", "%%")}, "inputs": {{{inputs}}}}}'


def to_json(data: Mapping[str, Any]) -> str:
    """A prompt or workflow as JSON text with a line per entry: quick to write, and lines tell what differs."""
    return lines_as_object([f'  {_encode(str(key))}: {_encode(value)}' for key, value in data.items()])


def lines_as_object(lines: list[str]) -> str:
    return '{\n' + ',\n'.join(lines) + '\n}' if lines else '{}'

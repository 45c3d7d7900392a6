"""Virtual mode's core: node calls are recorded, and recorded calls become an API prompt. No network, no recursion."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ...graph import ComfyScriptError, NodeSchema
from .functions import Emit, NodeFunction, NodeNamespace
from .numbering import PLAIN, JsonOf, PromptOf
from .outputs import Handle, NodeCall, NodeOutput, Outputs, UnknownOutputs, Value, value_type
from .sites import Locate, call_site

if TYPE_CHECKING:
    from ...graph.layout import LayoutHints
    from ..client.client import Client

__all__ = [
    'Built',
    'Emit',
    'NodeFunction',
    'NodeNamespace',
    'PromptBuilder',
    'Recorder',
    'build',
    'build_json',
    'calls_of',
    'client_nodes',
]


class BuildError(ComfyScriptError, TypeError):
    """A recorded call that cannot go into a prompt."""


class Recorder:
    """Makes the record and the outputs of node calls: `emit` of a virtual `NodeNamespace`.

    `record` takes each call (a workflow's list, or nothing); `locate` finds where in the script it was made.
    """

    def __init__(
        self,
        record: Callable[[NodeCall], object] | None = None,
        runner: Client | None = None,
        locate: Locate = call_site,
    ) -> None:
        self._record = record
        self._runner = runner
        self._locate = locate
        self._types: dict[int, tuple[NodeSchema, tuple[type[Value], ...]]] = {}

    def __call__(self, schema: NodeSchema, inputs: dict[str, Any]) -> Any:
        return self.in_order(schema, tuple(inputs), tuple(inputs.values()))

    def in_order(self, schema: NodeSchema, names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
        """The same for inputs as two tuples."""
        node = NodeCall(schema, names, values, self._locate(), self._runner)
        for value in values:
            if type(value) not in PLAIN and not isinstance(value, Value):
                node._values = tuple([_literal(node, *item) for item in zip(names, values, strict=False)])
                break
        if self._record is not None:
            self._record(node)
        known = self._types.get(id(schema))
        if known is None:
            known = self._types[id(schema)] = (schema, tuple(value_type(item.type) for item in schema.outputs))
        types = known[1]
        if schema.any_inputs:
            return UnknownOutputs(node, 0)
        if len(types) == 1:
            return types[0](node, 0)
        if types:
            return Outputs(node, [kind(node, slot) for slot, kind in enumerate(types)])
        return Handle(node) if schema.info else UnknownOutputs(node, 0)


class PromptBuilder:
    """Collects the node calls of one workflow; `emit` records them, `build()` makes the prompt."""

    def __init__(self, runner: Client | None = None, locate: Locate = call_site) -> None:
        self.nodes: list[NodeCall] = []
        self.emit = Recorder(self.nodes.append, runner, locate)

    def build(self, outputs: Iterable[Any] = ()) -> Built:
        """The prompt of everything recorded, and of `outputs`, whatever else they need included."""
        return build(outputs, self.nodes)


@dataclass(frozen=True)
class Built:
    """A prompt with the way back from its ids to the calls that made it."""

    prompt: dict[str, Any]
    nodes: Mapping[str, NodeCall]
    ids: Mapping[int, str] = field(repr=False)
    hints: Callable[[], LayoutHints] | None = field(default=None, repr=False)
    """Titles and groups for `workflow()`, where they do not come from the code that called."""

    def id_of(self, output: object) -> str | None:
        """The id of a call, or of the call that an output is of."""
        node = output if isinstance(output, NodeCall) else getattr(output, 'node', None)
        return self.ids.get(id(node))

    def outputs(self) -> list[NodeCall]:
        """The calls that make the workflow run."""
        return [node for node in self.nodes.values() if node.is_output]

    def workflow(self) -> dict[str, Any]:
        """The same as a web UI workflow, laid out to be read."""
        from .call_hints import lay_out

        return lay_out(self.prompt, self.nodes, self.hints() if self.hints is not None else None)

    def workflow_to_send(self) -> dict[str, Any]:
        """`workflow()`, quicker where one like it was sent before. It shares its parts: not to be changed."""
        from .call_hints import lay_out_again

        return self.workflow() if self.hints is not None else lay_out_again(self.prompt, self.nodes)

    def origins(self) -> Mapping[str, tuple[str, int]]:
        """File and line of each call, by node id."""
        return _Origins(self.nodes)


class _Origins(Mapping[str, 'tuple[str, int]']):
    """Read out of the calls when asked for: most workflows end without an error."""

    def __init__(self, nodes: Mapping[str, NodeCall]) -> None:
        self._nodes = nodes

    def __getitem__(self, key: str) -> tuple[str, int]:
        origin = self._nodes[key].origin
        if origin is None:
            raise KeyError(key)
        return origin

    def __iter__(self) -> Iterator[str]:
        return (key for key, node in self._nodes.items() if node.origin is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def calls_of(outputs: Any) -> list[NodeCall]:
    """The node calls behind an output, a call, or any nesting of lists of them. Raises BuildError for anything else."""
    found: list[NodeCall] = []
    pending = [outputs]
    while pending:
        item = pending.pop()
        if isinstance(item, NodeCall):
            found.append(item)
        elif isinstance(item, NodeOutput):
            found.append(item.node)
        elif isinstance(item, Mapping):
            pending.extend(reversed(list(item.values())))
        elif isinstance(item, Iterable) and not isinstance(item, (str, bytes)):
            pending.extend(reversed(list(item)))
        else:
            raise BuildError(f'{item!r} is not the output of a node')
    return found


def build(outputs: Any = (), recorded: Sequence[NodeCall] = ()) -> Built:
    """The prompt of recorded calls and of `outputs`, with all that they need. Ids count from 1, as in the web UI."""
    calls = calls_of(outputs)
    found = PromptOf()
    found.put_all((*recorded, *calls))
    return Built(found.prompt, found.nodes, found.ids)


def build_json(outputs: Any = (), recorded: Sequence[NodeCall] = ()) -> str:
    """The same prompt as JSON text, a line per node."""
    found = JsonOf()
    found.put_all((*recorded, *calls_of(outputs)))
    return found.text


_MISUSES: Mapping[type, str] = {
    Handle: 'is of a node without outputs',
    Outputs: 'has several outputs: pass one of them',
    Value: 'is inside a list or dict: nodes can be linked to inputs only',
}


def _literal(node: NodeCall, name: str, value: Any) -> Any:
    """A value as the prompt has it: lists wrapped as the browser does (`{"__value__": …}`), links as they are."""
    if isinstance(value, Value):
        return value
    value = _plain(node, name, value, 0)
    return {'__value__': value} if isinstance(value, list) else value


def _plain(node: NodeCall, name: str, value: Any, depth: int) -> Any:
    if isinstance(value, Enum):
        return value.value
    if type(value) in PLAIN:
        return value
    if depth > 100:
        raise BuildError(_refusal(node, name, value, 'is nested too deeply'))
    if isinstance(value, NodeOutput):
        raise BuildError(_refusal(node, name, value, _MISUSES[type(value) if type(value) in _MISUSES else Value]))
    if isinstance(value, (list, tuple)):
        return [_plain(node, name, item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(node, name, item, depth + 1) for key, item in value.items()}
    if isinstance(value, (str, int, float)):
        return value
    if hasattr(value, '__fspath__'):
        return _path(node, name, value)
    if hasattr(value, 'item') and getattr(value, 'ndim', None) == 0:  # numpy and torch scalars
        return value.item()
    if hasattr(value, 'tolist'):
        return value.tolist()
    raise BuildError(_refusal(node, name, value, f'({type(value).__name__}) is nothing that a prompt can hold'))


def _refusal(node: NodeCall, name: str, value: Any, why: str) -> str:
    origin = node.origin
    where = f' ({origin[0]}:{origin[1]})' if origin else ''
    return f'{node.class_type}{where}, input {name!r}: {value!r:.200} {why}'


def _path(node: NodeCall, name: str, value: Any) -> str:
    """A path of this system for one that may be another: as the server lists it, else with slashes, which all take."""
    text = value.as_posix() if isinstance(value, PurePath) else os.fspath(value)
    item = node.schema.input(name)
    choices = (item.choices if item is not None else None) or ()
    if text in choices:
        return text
    return next((choice for choice in choices if str(choice).replace('\\', '/') == text), text)


def client_nodes(client: Client) -> NodeNamespace:
    """The node functions of a client: their calls go into the current `Workflow`."""
    from ..client.workflow import locate_call, record_call

    return NodeNamespace(
        client.schemas,
        Recorder(record_call, client, locate_call),
        embeddings=lambda: client.embeddings,
        renew=client.renew,
    )

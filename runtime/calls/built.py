"""A prompt that was made of recorded calls, with the way back from its ids to the calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...graph import ComfyScriptError
from .node_call import CallReference, NodeCall
from .numbering import JsonOf, PromptOf
from .unrun import has_been_used

if TYPE_CHECKING:
    from ...graph.layout import LayoutHints

__all__ = ['BuildError', 'Built', 'build', 'build_json', 'calls_of']


class BuildError(ComfyScriptError, TypeError):
    """A recorded call that cannot go into a prompt."""


@dataclass(frozen=True)
class Built:
    """A prompt, and the call that each of its ids is of."""

    prompt: dict[str, Any]
    nodes: Mapping[str, NodeCall]
    ids: Mapping[int, str] = field(repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Name in ComfyUI's `input` folder → content of what the server must have before it gets the prompt."""
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
        elif isinstance(item, CallReference):
            found.append(item.node)
        elif isinstance(item, Mapping):
            pending.extend(reversed(list(item.values())))
        elif isinstance(item, Iterable) and not isinstance(item, (str, bytes)):
            pending.extend(reversed(list(item)))
        else:
            raise BuildError(f'{item!r} is not the output of a node')
    for node in found:
        has_been_used(node)
    return found


def build(outputs: Any = (), recorded: Sequence[NodeCall] = ()) -> Built:
    """The prompt of recorded calls and of `outputs`, with all that they need. Ids count from 1, as in the web UI."""
    calls = calls_of(outputs)
    found = PromptOf()
    found.put_all((*recorded, *calls))
    return Built(found.prompt, found.nodes, found.ids, found.files)


def build_json(outputs: Any = (), recorded: Sequence[NodeCall] = ()) -> str:
    """The same prompt as JSON text, a line per node."""
    found = JsonOf()
    found.put_all((*recorded, *calls_of(outputs)))
    return found.text

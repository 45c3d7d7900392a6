"""One call of a node as it is recorded, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ...graph import NodeSchema
from ..wire.places import shown_place
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

    def submit(self, prompt: Submission, /, *, timeout: float | None = None) -> Task:
        """Queue a prompt, with what goes along. Raises WaitTimeoutError where that takes longer."""
        ...

    async def _submit(self, prompt: Submission, /) -> Task: ...


class Dismissible(Protocol):
    """What belongs to a call until it is used."""

    def dismiss(self) -> None: ...


class NodeCall:
    """One call of a node: what it was given, and where in the script it was made.

    `is_output`: whether a workflow runs because of it: an output node, or one that nothing is known of.
    `task` is the task that it last went into as an output, with the id that it has there; `block` the number of the
    block that it was recorded in.
    """

    # Names and values apart: the names are one tuple for all calls of a node, and the collector walks less.
    __slots__ = (
        '__weakref__',
        '_names',
        '_place',
        '_values',
        'block',
        'is_output',
        'runner',
        'schema',
        'task',
        'task_id',
        'unrun',
    )

    def __init__(
        self,
        schema: NodeSchema,
        names: tuple[str, ...],
        values: tuple[Any, ...],
        place: Any = None,
        runner: Runner | None = None,
    ) -> None:
        self.schema = schema
        self.is_output = schema.output_node or not schema.info
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

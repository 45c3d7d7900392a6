"""Recorded calls become a prompt, which their server queues; the way back from its ids to the calls."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...graph import ComfyScriptError
from ..wire.submission import Submission
from ..wire.task import Task
from .node_call import CallReference, JsonOf, NodeCall, PromptOf, Runner

if TYPE_CHECKING:
    from ...graph.layout import LayoutHints

__all__ = [
    'BuildError',
    'Built',
    'Unrun',
    'WorkflowError',
    'build',
    'build_json',
    'calls_of',
    'has_been_used',
    'is_unshown',
    'mark_queued',
    'run',
    'run_async',
    'runnable',
    'runner_of',
    'submission_of',
    'unshown',
]



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


log = logging.getLogger('comfy_script')


class Unrun:
    """Lives as long as the call that it belongs to, and warns when both are thrown away. `dismiss` once it is used."""

    __slots__ = ('_text',)

    def __init__(self, node: NodeCall) -> None:
        self._text: str | None = repr(node)

    def dismiss(self) -> None:
        self._text = None

    def __del__(self) -> None:
        if self._text is not None and not sys.is_finalizing():
            log.warning(
                '%s never ran: it was made outside of a `with Workflow()` block, and nothing waited for it. '
                'Use .wait(), or a block; a thread is in no block before it enters it: `with wf:`.',
                self._text,
            )


def has_been_used(node: NodeCall) -> None:
    """The call goes into a prompt."""
    if node.unrun is not None:
        node.unrun.dismiss()
        node.unrun = None


log = logging.getLogger('comfy_script')


class WorkflowError(ComfyScriptError):
    """A workflow that cannot be run as it is: nodes of two servers, for example."""


def run(outputs: Any) -> Task:
    """Queue outputs with all that they need, until the server has taken them. Raises WorkflowError, and as it does."""
    built = runnable(build(outputs))
    task = _required_runner(built).submit(submission_of(built))
    mark_queued(built, task, calls_of(outputs))
    return task


async def run_async(outputs: Any) -> Task:
    """`run`, to be awaited."""
    built = runnable(build(outputs))
    task = await _required_runner(built)._submit(submission_of(built))
    mark_queued(built, task, calls_of(outputs))
    return task


def runnable(built: Built) -> Built:
    """The same. Raises WorkflowError where the server would find nothing to run."""
    if not built.outputs():
        node = list(built.nodes.values())[-1]
        raise WorkflowError(
            f'{node!r} is no output node, and ComfyUI runs workflows for those only: give the value to one '
            '(SaveImage, PreviewImage, PreviewAny, ...), or get it with util.get_images, get_str, get_int, get_float'
        )
    return built


def runner_of(built: Built) -> Runner | None:
    """The server whose nodes these are, or None where they are of none. Raises WorkflowError where they are of two."""
    runners = list({id(node.runner): node.runner for node in built.nodes.values() if node.runner is not None}.values())
    for other in runners[1:]:
        _check_same(runners[0], other)
    return runners[0] if runners else None


def _check_same(runner: Runner, other: Runner) -> None:
    """Raises WorkflowError where two are not the same server with the same settings."""
    mine, others = runner.settings, other.settings
    differing = [name for name in mine if mine[name] != others.get(name)]
    if 'url' in differing:
        raise WorkflowError(f'one workflow cannot have nodes of several servers: {runner!r}, {other!r}')
    if differing:
        raise WorkflowError(
            f'one workflow cannot have nodes of several clients with different settings: two of {runner!r} differ in '
            f'{", ".join(differing)}. Make one Client, and all nodes of the workflow with its `nodes`'
        )


def _required_runner(built: Built) -> Runner:
    runner = runner_of(built)
    if runner is None:
        raise WorkflowError(f'{next(iter(built.nodes.values()))!r} was made without a server that could run it')
    return runner


def submission_of(built: Built) -> Submission:
    """The prompt with what goes along: the graph that is saved with the images, and the way back to the calls."""

    def workflow() -> dict[str, Any] | None:
        try:
            return built.workflow_to_send()
        except Exception:
            log.exception('The workflow could not be laid out: images will be saved without it.')
            return None

    return Submission(built.prompt, workflow, origins=built.origins(), id_of=built.id_of, files=built.files)


def mark_queued(built: Built, task: Task, explicit: Collection[NodeCall]) -> None:
    """Outputs remember the task that has their result: output nodes, and those that were named."""
    named = {id(node) for node in explicit}
    for key, node in built.nodes.items():
        has_been_used(node)
        if not node.is_queued and (node.is_output or id(node) in named):
            node.task, node.task_id = task, key


_unshown: ContextVar[bool] = ContextVar('comfy_script_unshown', default=False)


def is_unshown() -> bool:
    """Whether `unshown` holds here."""
    return _unshown.get()


@contextlib.contextmanager
def unshown() -> Iterator[None]:
    """What is queued meanwhile is not shown by itself in a notebook: the caller shows the result."""
    before = _unshown.set(True)
    try:
        yield
    finally:
        _unshown.reset(before)

"""Recorded calls become a prompt, which their server queues; the way back from its ids to the calls."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ...graph import ComfyScriptError
from ...graph.collector import collector_paused
from ..wire.submission import Submission
from ..wire.task import Task
from .node_call import PLAIN, CallReference, NodeCall, OutputSocket, Runner
from .pictures import FileToSend

if TYPE_CHECKING:
    from ...graph.layout import LayoutHints

__all__ = [
    'BuildError',
    'Built',
    'Ready',
    'Unrun',
    'WorkflowError',
    'build',
    'build_json',
    'calls_of',
    'is_unshown',
    'ready_to_queue',
    'run',
    'run_async',
    'runnable',
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
        _has_been_used(node)
    return found


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


def _has_been_used(node: NodeCall) -> None:
    """The call goes into a prompt."""
    if node.unrun is not None:
        node.unrun.dismiss()
        node.unrun = None


class WorkflowError(ComfyScriptError):
    """A workflow that cannot be run as it is: nodes of two servers, for example."""


class Ready(NamedTuple):
    """A prompt as its server takes it.

    `runner` is None where its nodes are of no server. `mark` has to be called with the task once the server has it.
    """

    submission: Submission
    runner: Any
    mark: Callable[[Task], None]


def ready_to_queue(
    outputs: Sequence[NodeCall],
    recorded: Sequence[NodeCall],
    runner: object = None,
) -> Ready | None:
    """What of these calls is in no queue as an output, with all that it needs; None where nothing is left.

    `runner`: the server to use, where it is not that of the nodes. Raises WorkflowError.
    """
    explicit = [node for node in outputs if not _is_queued(node)]
    nodes = [node for node in recorded if not (node.is_output and _is_queued(node))]
    if explicit or any(node.is_output for node in nodes):
        built = runnable(build(explicit, nodes))
        return Ready(submission_of(built), runner or _runner_of(built), _marking(built, outputs))
    if nodes and len(nodes) == len(recorded) and all(node.task_id is None for node in nodes):
        log.warning('The workflow has no output node (such as SaveImage or PreviewImage), so nothing was queued.')
    return None


def run(outputs: Any, timeout: float | None = None) -> Task:
    """Queue outputs with all that they need, until the server has taken them. Raises WorkflowError, and as it does."""
    built, submission = _named(outputs)
    return _required_runner(built).submit(submission, timeout=timeout)


async def run_async(outputs: Any) -> Task:
    """`run`, to be awaited."""
    built, submission = _named(outputs)
    return await _required_runner(built)._submit(submission)


def _named(outputs: Any) -> tuple[Built, Submission]:
    """The prompt of outputs that were named."""
    built = runnable(build(outputs))
    return built, replace(submission_of(built), on_accepted=_marking(built, calls_of(outputs)))


def runnable(built: Built) -> Built:
    """The same. Raises WorkflowError where the server would find nothing to run."""
    if not built.outputs():
        node = list(built.nodes.values())[-1]
        raise WorkflowError(
            f'{node!r} is no output node, and ComfyUI runs workflows for those only: give the value to one '
            '(SaveImage, PreviewImage, PreviewAny, ...), or get it with util.get_images, get_str, get_int, get_float'
        )
    return built


def _runner_of(built: Built) -> Runner | None:
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
    runner = _runner_of(built)
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


def _is_queued(node: NodeCall) -> bool:
    """Whether it is in a server's queue as an output, or was; not where its task was cancelled or lost."""
    return node.task is not None and not node.task.is_lost


def _marking(built: Built, explicit: Iterable[NodeCall]) -> Callable[[Task], None]:
    """What tells outputs the task that has their result: output nodes, and those that were named (`explicit`)."""
    named = {id(node) for node in explicit}

    def mark(task: Task) -> None:
        for key, node in built.nodes.items():
            _has_been_used(node)
            if (node.is_output or id(node) in named) and not _is_queued(node):
                node.task, node.task_id = task, key

    return mark


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

"""Outputs of node calls are run: with all that they need they become a prompt, which their server queues."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from typing import Any

from ...graph import ComfyScriptError
from ..wire.submission import Submission
from ..wire.task import Task
from .built import Built, build, calls_of
from .node_call import NodeCall, Runner
from .unrun import has_been_used

__all__ = [
    'WorkflowError',
    'is_unshown',
    'mark_queued',
    'run',
    'run_async',
    'runnable',
    'runner_of',
    'submission_of',
    'unshown',
]

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

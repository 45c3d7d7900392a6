"""Everything the runtime raises: one tree under `ComfyScriptError`, each error naming what, where and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from ...graph import ComfyScriptError, close_names
from .places import shown_place

__all__ = [
    'ComfyScriptError',
    'ConnectError',
    'LaunchError',
    'LoadError',
    'NodeError',
    'NodeProblem',
    'NotLoadedError',
    'OfflineError',
    'Origin',
    'PromptRefusedError',
    'ServerError',
    'ServerLostError',
    'TaskCancelledError',
    'TaskError',
    'WaitTimeoutError',
    'WouldDeadlockError',
]

# How ComfyUI from before 2026 names the node that is not installed.
_NODE_ID = re.compile(r"Node ID '#([^']+)'")
_MISSING_NODE = re.compile(r'because node (.+) does not exist')

SHOWN_PROBLEMS = 20
SHOWN_TRACEBACK_LINES = 40


class Origin(NamedTuple):
    """The line of a user's script that made a node."""

    file: str
    line: int

    def __str__(self) -> str:
        return shown_place(self.file, self.line)


Origins = Mapping[str, 'tuple[str, int]']


def origin_of(origins: Origins | None, node_id: str | None) -> Origin | None:
    """The script line of a node; a node made by expansion (`5.0.0.1`) has the line of the node that expanded."""
    if origins is None or node_id is None:
        return None
    found = origins.get(node_id) or origins.get(node_id.split('.', 1)[0])
    return Origin(*found) if found else None


def named_node(class_type: str, node_id: str, origin: Origin | None) -> str:
    """A node as errors name it."""
    where = f', {origin}' if origin else ''
    return f'{class_type} (node {node_id}{where})'


class NotLoadedError(ComfyScriptError):
    """Something needs a server (or its node list) and `load()` was not called."""


class LoadError(ComfyScriptError):
    """`load()` found no ComfyUI to use; the message lists what was tried."""


class LaunchError(LoadError):
    """A ComfyUI that we started ended, or did not answer; carries the end of its log."""

    def __init__(self, message: str, log: str = '') -> None:
        super().__init__(message if not log else f'{message}\nThe end of its log:\n{log}')
        self.log = log


class OfflineError(ComfyScriptError):
    """A workflow was to run, but the node list came from a file: there is no server."""


class ConnectError(ComfyScriptError, ConnectionError):
    """The server could not be reached."""


class ServerLostError(ConnectError):
    """The server went away, or was restarted, while it had a task of ours."""


class ServerError(ComfyScriptError):
    """The server answered a request with an error status."""

    def __init__(self, message: str, status: int = 0, body: str = '') -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class WaitTimeoutError(ComfyScriptError, TimeoutError):
    """A wait with a time limit ran out. What was waited for goes on."""


class WouldDeadlockError(ComfyScriptError):
    """A blocking call was made on a thread that the answer needs."""


class EndedTask(Protocol):
    """What an error tells of the task that ended with it, which is a `Task`."""

    prompt_id: str
    number: float

    @property
    def outputs(self) -> Mapping[str, Mapping[str, Any] | None]: ...


class TaskError(ComfyScriptError):
    """A task ended without its results. `task` is the task, where there is one."""

    task: EndedTask | None = None


class TaskCancelledError(TaskError):
    """A task was interrupted, or removed from the queue."""


class NodeProblem(NamedTuple):
    """One thing that the server has against one node of a prompt."""

    node_id: str
    class_type: str
    input: str | None
    message: str
    origin: Origin | None

    def __str__(self) -> str:
        what = f', input {self.input!r}' if self.input else ''
        return f'{named_node(self.class_type, self.node_id, self.origin)}{what}: {self.message}'


class PromptRefusedError(TaskError):
    """The server refused a prompt, or some of its outputs. `problems` has one entry per node and input."""

    def __init__(self, message: str, problems: Iterable[NodeProblem] = ()) -> None:
        self.problems = tuple(problems)
        lines = [f'  {problem}' for problem in self.problems[:SHOWN_PROBLEMS]]
        if len(self.problems) > SHOWN_PROBLEMS:
            lines.append(f'  ... and {len(self.problems) - SHOWN_PROBLEMS} more')
        super().__init__('\n'.join([message, *lines]))


class NodeError(TaskError):
    """A node raised an exception on the server."""

    def __init__(
        self,
        *,
        node_id: str,
        class_type: str,
        exception_type: str,
        exception_message: str,
        traceback: str,
        origin: Origin | None,
    ) -> None:
        self.node_id = node_id
        self.class_type = class_type
        self.exception_type = exception_type
        self.exception_message = exception_message
        self.traceback = traceback
        self.origin = origin
        node = named_node(class_type, node_id, origin)
        message = f'{node} failed: {exception_type}: {exception_message.strip()}'
        tail = '\n'.join(traceback.rstrip().splitlines()[-SHOWN_TRACEBACK_LINES:])
        super().__init__(f"{message}\nThe server's traceback:\n{tail}" if tail else message)


def refusal(body: Any, origins: Origins | None) -> PromptRefusedError:
    """The error for the server's 400 answer to a prompt (ComfyUI server.py `post_prompt`)."""
    body = body if isinstance(body, Mapping) else {'error': body}
    problems = node_problems(body.get('node_errors'), origins)
    error = body.get('error')
    if isinstance(error, Mapping):
        reason = str(error.get('message') or error.get('type') or 'no reason given')
        details = str(error.get('details') or '')
        info = error.get('extra_info')
        problems = problems or _problem_of_whole(error, info, origins)
    else:
        reason, details = str(error or 'no reason given'), ''
    if problems or not details or details == reason:
        return PromptRefusedError(f'ComfyUI refused the workflow: {reason}', problems)
    return PromptRefusedError(f'ComfyUI refused the workflow: {reason}: {details}', problems)


def _problem_of_whole(error: Mapping[str, Any], info: Any, origins: Origins | None) -> list[NodeProblem]:
    """A node that is not installed is reported beside the nodes' own errors (execution.py `validate_prompt`)."""
    info = info if isinstance(info, Mapping) else {}
    named = _NODE_ID.search(str(error.get('details') or ''))
    if 'node_id' not in info and named is None:
        return []
    node_id = str(info['node_id'] if 'node_id' in info else named[1] if named else '?')
    message = str(error.get('message') or error.get('type') or '')
    missing = _MISSING_NODE.search(message)
    class_type = str(info.get('class_type') or (missing[1] if missing else '?'))
    return [NodeProblem(node_id, class_type, None, message, origin_of(origins, node_id))]


def node_problems(node_errors: Any, origins: Origins | None) -> list[NodeProblem]:
    """The server's `node_errors` as data, in the order of the answer."""
    problems: list[NodeProblem] = []
    if not isinstance(node_errors, Mapping):
        return problems
    for node_id, entry in node_errors.items():
        if not isinstance(entry, Mapping):
            continue
        origin = origin_of(origins, str(node_id))
        for error in entry.get('errors') or ():
            input_name = (error.get('extra_info') or {}).get('input_name')
            problems.append(
                NodeProblem(str(node_id), str(entry.get('class_type', '?')), input_name, _reason(error), origin)
            )
    return problems


_LACKS = frozenset({'value_not_in_list', 'missing_node_type', 'invalid_prompt'})


def lacks_something(body: Mapping[str, Any]) -> bool:
    """Whether a refusal says that the server does not have a value or a node (execution.py `validate_prompt`)."""
    errors: list[Any] = [body.get('error')]
    entries = body.get('node_errors')
    for entry in entries.values() if isinstance(entries, Mapping) else ():
        errors.extend((entry.get('errors') or ()) if isinstance(entry, Mapping) else ())
    return any(isinstance(error, Mapping) and error.get('type') in _LACKS for error in errors)


def _reason(error: Mapping[str, Any]) -> str:
    message = str(error.get('message') or error.get('type') or 'invalid')
    info = error.get('extra_info') or {}
    if error.get('type') == 'value_not_in_list' and 'received_value' in info:
        return f'{message}: {info["received_value"]!r} is not one that the server offers{_offered(info)}'
    details = str(error.get('details') or '')
    return f'{message}: {details}' if details and details != info.get('input_name') else message


def _offered(info: Mapping[str, Any]) -> str:
    """The near misses of a combo value among what the server's list has."""
    config = info.get('input_config')
    choices: Any = ()
    if isinstance(config, (list, tuple)) and config:
        choices = config[0]
        if not isinstance(choices, (list, tuple)):
            options = config[1] if len(config) > 1 and isinstance(config[1], Mapping) else {}
            choices = options.get('options') or ()
    names = [str(choice) for choice in choices]
    if not names:
        return ' (its list is empty)' if isinstance(config, (list, tuple)) else ''
    near = close_names(str(info['received_value']), names, cutoff=0.4)
    if near:
        return f' (did you mean {", ".join(map(repr, near))}?)'
    shown = ', '.join(map(repr, names[:8]))
    return f' (it offers {shown}{", ..." if len(names) > 8 else ""})'

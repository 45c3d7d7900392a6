"""The root of the error tree, and the errors of this floor. The whole tree, with the room of each:

    ComfyScriptError
    ├── SchemaError, PromptError            graph: descriptions of nodes and prompts that cannot be read
    ├── CallError (TypeError)               graph: a call that does not fit its node
    ├── TranspileError                      transpiler: a file, or a node in it, that has no script
    ├── BuildError (TypeError)              runtime/calls: a value used as what it is not
    ├── WorkflowError                       runtime/calls: a workflow in a state that does not allow it
    ├── UtilError                           runtime/util: a value that is no image
    │   └── NoNumberError (ValueError)      … or no number
    ├── PictureError                        runtime/calls: a picture that is none
    ├── NotLoadedError                      runtime/wire: `load()` was not called
    ├── LoadError                           runtime/wire: there is no ComfyUI to be had
    │   └── LaunchError                     … that could be started
    ├── OfflineError                        runtime/wire: a client made from a file was asked to run something
    ├── ConnectError (ConnectionError)      runtime/wire: the server was not reached
    │   └── ServerLostError                 … any more
    ├── ServerError                         runtime/wire: the server answered with an error
    ├── WaitTimeoutError (TimeoutError)     runtime/wire
    ├── WouldDeadlockError                  runtime/wire: a wait that could never end
    ├── TaskError                           runtime/wire: a prompt did not succeed
    │   ├── TaskCancelledError
    │   ├── PromptRefusedError              … because the server refused it
    │   └── NodeError                       … because a node raised
    ├── HostError, NodeRefusedError, LostValueError     runtime/real
    ├── ClusterError                        runtime/cluster: something about a pool of workers
    │   ├── RayMissingError (ImportError)
    │   ├── WorkerStartError, DuplicateKeyError
    │   └── WorkerLostError, RowError       … of one row
    ├── ScriptError                         interpreter: an error with its place in the script
    │   ├── ScriptSyntaxError, ScriptLimit
    │   ├── ScriptDenied
    │   │   └── OnlyInNodeDenied            … where no node runs; in a node it may
    │   └── ScriptFailed, NodeFailed
    ├── RequestError, ScriptRefused         panel: what the panel asked for cannot be done
    └── AgentError                          agents: what an agent asked for cannot be done
        └── McpMissingError (ImportError)   … because the extra is not installed

`except ComfyScriptError` catches them all; `tests/dev/test_error_tree.py` keeps this drawing true.
"""

from __future__ import annotations

import pickle
from typing import Any

from .printable import printable


class ComfyScriptError(Exception):
    """Root of everything this package raises on purpose. It goes to other processes with all that it tells."""

    def __str__(self) -> str:
        # What servers, files and scripts said is in it.
        return printable(super().__str__())

    def __reduce__(self) -> tuple[Any, ...]:
        args = tuple(_sendable(value) for value in self.args)
        return _received, (type(self), args, {name: _sendable(value) for name, value in vars(self).items()})


def _received(kind: type[ComfyScriptError], args: tuple[Any, ...], fields: dict[str, Any]) -> ComfyScriptError:
    """An error as it was where it was raised: what its class makes of arguments is not made again."""
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(fields)
    return error


def _sendable(value: Any) -> Any:
    """A value, or its text where no other process can have it: the reason is to arrive whatever hangs on it."""
    try:
        pickle.loads(pickle.dumps(value))
        return value
    except Exception:
        text = f'{type(value).__name__}: {value}' if isinstance(value, BaseException) else repr(value)
        return ComfyScriptError(text) if isinstance(value, BaseException) else text


class SchemaError(ComfyScriptError):
    """A node's description (`/object_info` entry or class) that cannot be read."""


class PromptError(ComfyScriptError):
    """An API prompt that cannot be read: not an object, or its links run in a circle."""


class CallError(ComfyScriptError, TypeError):
    """A node call whose arguments do not fit the node's inputs."""

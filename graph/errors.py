"""The root of the error tree, and the errors of this floor. The whole tree, with the room of each:

    ComfyScriptError
    ├── SchemaError, PromptError            graph: descriptions of nodes and prompts that cannot be read
    ├── CallError (TypeError)               graph: a call that does not fit its node
    ├── TranspileError                      transpiler: a file, or a node in it, that has no script
    ├── BuildError (TypeError)              runtime/calls: a value used as what it is not
    ├── WorkflowError                       runtime/calls: a workflow in a state that does not allow it
    ├── UtilError                           runtime/util: a value that is no image
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


class ComfyScriptError(Exception):
    """Root of everything this package raises on purpose."""


class SchemaError(ComfyScriptError):
    """A node's description (`/object_info` entry or class) that cannot be read."""


class PromptError(ComfyScriptError):
    """An API prompt that cannot be read: not an object, or its links run in a circle."""


class CallError(ComfyScriptError, TypeError):
    """A node call whose arguments do not fit the node's inputs."""

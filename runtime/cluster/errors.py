"""What work over a cluster raises, or reports of a row."""

from __future__ import annotations

from ...graph import ComfyScriptError


class ClusterError(ComfyScriptError):
    """Something about a pool of workers."""


class RayMissingError(ClusterError, ImportError):
    """Ray is not installed in this Python."""


class WorkerStartError(ClusterError):
    """A worker did not start, three times in a row; the message has its reason."""


class DuplicateKeyError(ClusterError):
    """Two rows have the same key: one of their outputs would replace the other's."""


class WorkerLostError(ClusterError):
    """A row whose worker died each time it was tried (killed, out of memory, a broken GPU)."""


class RowError(ClusterError):
    """What the work of one row raised, as it was on the worker.

    `kind` is the exception's class, `line` the line of the function or script, `traceback` the worker's.
    """

    def __init__(self, message: str, kind: str = '', line: int | None = None, traceback: str = '') -> None:
        super().__init__(message)
        self.kind = kind
        self.line = line
        self.traceback = traceback

"""What real mode raises by itself. Errors of nodes come out as the nodes raised them."""

from __future__ import annotations

from collections.abc import Sequence

from ...graph import ComfyScriptError


class HostError(ComfyScriptError):
    """ComfyUI could not be found, started or understood in this process."""


class NodeRefusedError(ComfyScriptError):
    """ComfyUI's own validation refused a node call. `problems` has one line per input."""

    def __init__(self, class_type: str, problems: Sequence[str]) -> None:
        self.class_type = class_type
        self.problems = tuple(problems)
        super().__init__('\n  '.join([f'{class_type}: ComfyUI refused the call', *self.problems]))


class LostValueError(ComfyScriptError):
    """A node needs an output again that nothing holds any more, or that the script made itself."""


class ExecutionBlockedWarning(UserWarning):
    """A node's `ExecutionBlocker` with a message kept another node from running."""

"""What a route refuses, and why."""

from __future__ import annotations

from ..graph import ComfyScriptError


class RequestError(ComfyScriptError):
    """The request cannot be answered; `status` is the HTTP status to answer with."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status

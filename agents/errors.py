"""What an agent asked for cannot be done, and what to do instead."""

from __future__ import annotations

from ..graph import ComfyScriptError

__all__ = ['AgentError', 'McpMissingError']


class AgentError(ComfyScriptError):
    """A tool cannot do what it was asked for."""


class McpMissingError(AgentError, ImportError):
    """The SDK of the Model Context Protocol is not installed here."""

"""The root of the error tree, and the errors of this floor."""

from __future__ import annotations


class ComfyScriptError(Exception):
    """Root of everything this package raises on purpose."""


class SchemaError(ComfyScriptError):
    """A node's description (`/object_info` entry or class) that cannot be read."""


class PromptError(ComfyScriptError):
    """An API prompt that cannot be read: not an object, or its links run in a circle."""


class CallError(ComfyScriptError, TypeError):
    """A node call whose arguments do not fit the node's inputs."""

"""The `ComfyScript` node, by its parts: inputs, run, values that cross, caching across executions."""

from .node import ComfyScript

__all__ = ['ComfyScript']

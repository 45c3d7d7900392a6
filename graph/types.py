"""ComfyUI's data types that are Python's own: the one table. Values of every other type only nodes can read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PYTHON_TYPES: Mapping[str, type] = MappingProxyType({'INT': int, 'FLOAT': float, 'STRING': str, 'BOOLEAN': bool})
"""Data type → the Python type that ComfyUI casts its values to (`execution.py: validate_inputs`)."""

DATA_TYPES: Mapping[type, str] = MappingProxyType({python: data for data, python in PYTHON_TYPES.items()})
"""Python type → data type."""

NUMBER_TYPES = ('INT', 'FLOAT')

WIDGET_TYPES: Mapping[str, type] = MappingProxyType({**PYTHON_TYPES, 'COMBO': str, 'COLOR': str})
"""Types of inputs that are entered in the web UI → the Python type of what is entered."""

"""What a name stands for, and what a value has after a dot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph import near_misses
from .costs import Function
from .errors import NodeFailed, ScriptDenied
from .kinds import loaded_torch
from .machine import CATCHABLE, Machine
from .objects import Attributes, Method, Property, ScriptObject, type_name
from .script_functions import Frame


def global_or_builtin(m: Machine, name: str) -> Any:
    try:
        return m.globals[name]
    except KeyError:
        pass
    try:
        return m.names[name]
    except KeyError:
        pass
    node = m.find_node(name) if m.find_node else None
    if node is None:
        node_names: Any = getattr(getattr(m.find_node, '__self__', None), 'known_names', list)
        known = [*m.globals, *m.names, *node_names()]
        raise NameError(f"name '{name}' is not defined{near_misses(name, known)}")
    m.names[name] = node
    return node


def get_attribute(m: Machine, value: Any, name: str) -> Any:
    table = m.attributes.get(type(value))
    if table is None:
        if isinstance(value, ScriptObject):
            return value.attribute(m, name)
        table = _foreign_table(m, value)
    entry = table.get(name) if table else None
    if entry is None:
        raise _no_attribute(m, value, name, table)
    return entry.read(m, value) if isinstance(entry, Property) else Method(name, entry.implementation, value)


def method_of(m: Machine, value: Any, name: str) -> Callable[..., Any] | None:
    """The implementation of a plain value's method, where it has one: the short way of calling it."""
    table = m.attributes.get(type(value))
    entry = table.get(name) if table is not None else None
    return entry.implementation if type(entry) is Function else None


def _foreign_table(m: Machine, value: Any) -> Attributes | None:
    if type(value) in CATCHABLE or isinstance(value, NodeFailed):
        return m.attributes.get(Exception)
    torch = loaded_torch()
    if torch is not None and isinstance(value, torch.Tensor):
        return m.attributes.get(torch.Tensor)
    return None


def _no_attribute(m: Machine, value: Any, name: str, table: Attributes | None) -> Exception:
    m.known(value)
    if table is None:
        return ScriptDenied(f'a {type_name(value)} has no attributes in scripts: it can only be given to nodes')
    if hasattr(type(value), name):
        return ScriptDenied(f'{type_name(value)}.{name} is not available in scripts{near_misses(name, table)}')
    return AttributeError(f"'{type_name(value)}' object has no attribute '{name}'{near_misses(name, table)}")


def find_module(frame: Frame, name: str) -> Any:
    modules = frame.m.modules
    if name not in modules:
        known = ', '.join(sorted(item for item in modules if '.' not in item))
        raise ScriptDenied(
            f'the module {name} is not available in scripts; there are: {known}. '
            'The owner of the server can allow more in comfyscript.toml.'
        )
    module = modules[name]
    return module(frame.m) if callable(module) else module

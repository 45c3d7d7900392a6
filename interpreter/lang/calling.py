"""Calls: of what a script may call and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import ScriptDenied
from .kinds import SCALARS, SIZED
from .lookup import get_attribute
from .machine import Machine
from .objects import ScriptCallable, ScriptObject, type_name


def call_value(m: Machine, function: Any, args: list, kwargs: dict[str, Any]) -> Any:
    m.meter.tick()
    if isinstance(function, ScriptCallable):
        return function.invoke(m, args, kwargs)
    raise not_callable(m, function)


def defer(m: Machine, function: Any, args: list, kwargs: dict[str, Any]) -> Any:
    """A call of a node that waits until a lazy input asks for what it gives."""
    m.meter.tick()
    if isinstance(function, ScriptCallable):
        return function.defer(m, args, kwargs)
    raise not_callable(m, function)


def not_callable(m: Machine, function: Any) -> Exception:
    if type(function) in SCALARS or type(function) in SIZED or isinstance(function, ScriptObject):
        return TypeError(f"'{type_name(function)}' object is not callable")
    return ScriptDenied(f'a {type_name(function)} cannot be called in scripts: only functions and nodes can')


def call_method(m: Machine, value: Any, name: str, args: list, kwargs: dict[str, Any]) -> Any:
    return call_value(m, get_attribute(m, value, name), args, kwargs)


def as_native(m: Machine, function: Any) -> Callable[..., Any]:
    """A script's function for use inside a built-in: each call is a step."""
    if not isinstance(function, ScriptCallable):
        raise not_callable(m, function)
    return lambda *args: call_value(m, function, list(args), {})

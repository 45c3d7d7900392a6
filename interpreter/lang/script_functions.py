"""Functions of the script, the variables of one that runs, and how a call binds its arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph import near_misses
from .errors import ScriptLimit, Span
from .machine import Machine
from .objects import ScriptCallable


class Frame:
    """The variables of one running function (or comprehension, or the script itself)."""

    __slots__ = ('called_at', 'function', 'm', 'parent', 'value', 'variables')

    def __init__(self, m: Machine, parent: Frame | None, variables: dict[str, Any]):
        self.m = m
        self.parent = parent
        self.variables = variables
        self.value: Any = None
        self.function: ScriptFunction | None = None
        self.called_at: Span | None = None


class Parameters:
    """What a function takes, compiled; defaults are values of one definition and lie in the function."""

    __slots__ = ('keyword_only', 'keywords', 'names', 'positional_only', 'rest')

    def __init__(self, names: tuple, positional_only: int, keyword_only: tuple, rest: str | None, keywords: str | None):
        self.names = names
        self.positional_only = positional_only
        self.keyword_only = keyword_only
        self.rest = rest
        self.keywords = keywords


class ScriptFunction(ScriptCallable):
    """A `def` or `lambda` of the script."""

    __slots__ = ('body', 'closure', 'defaults', 'keyword_defaults', 'name', 'parameters', 'span')
    kind = 'function'

    def __init__(
        self,
        name: str,
        parameters: Parameters,
        defaults: dict[str, Any],
        body: Callable[[Frame], Any],
        closure: Frame,
        span: Span,
    ):
        self.name = name
        self.parameters = parameters
        self.defaults = defaults
        self.body = body
        self.closure = closure
        self.span = span

    def invoke(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        return run_function(m, self, args, kwargs)


def run_function(m: Machine, function: ScriptFunction, args: list, kwargs: dict[str, Any]) -> Any:
    if len(m.calls) >= m.bounds.recursion:
        raise ScriptLimit(f'functions call each other more than {m.bounds.recursion} deep')
    parameters = function.parameters
    if (
        not kwargs
        and len(args) == len(parameters.names)
        and parameters.rest is None
        and not (parameters.keyword_only or parameters.keywords)
    ):
        variables = dict(zip(parameters.names, args, strict=True))
    else:
        variables = _bind(function, args, kwargs)
    frame = Frame(m, function.closure, variables)
    frame.function = function
    frame.called_at = m.at
    m.calls.append(frame)
    try:
        function.body(frame)
    finally:
        m.calls.pop()
    return frame.value


def _bind(function: ScriptFunction, args: list, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments to variables, by Python's rules and with its messages. Raises TypeError."""
    parameters = function.parameters
    names = parameters.names
    variables = dict(zip(names, args, strict=False))
    if len(args) > len(names):
        if parameters.rest is None:
            raise TypeError(f'{function.name}() takes {len(names)} positional arguments but {len(args)} were given')
        variables[parameters.rest] = tuple(args[len(names) :])
        function.closure.m.charge(8 * len(args))
    elif parameters.rest is not None:
        variables[parameters.rest] = ()
    extra: dict[str, Any] = {}
    by_keyword = frozenset(names[parameters.positional_only :]) | frozenset(parameters.keyword_only)
    for name, value in kwargs.items():
        if name in by_keyword:
            if name in variables:
                raise TypeError(f"{function.name}() got multiple values for argument '{name}'")
            variables[name] = value
        elif parameters.keywords is not None:
            extra[name] = value
        else:
            near = near_misses(name, by_keyword)
            raise TypeError(f"{function.name}() got an unexpected keyword argument '{name}'{near}")
    for name in (*names, *parameters.keyword_only):
        if name not in variables:
            if name not in function.defaults:
                raise TypeError(f"{function.name}() missing required argument: '{name}'")
            variables[name] = function.defaults[name]
    if parameters.keywords is not None:
        variables[parameters.keywords] = extra
        function.closure.m.charge(64 + 64 * len(extra))
    return variables

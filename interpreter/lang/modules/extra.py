"""Modules that the owner of a server allows on top (comfyscript.toml). What they can do, scripts then can do."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from ..calling import as_native
from ..costs import OWNERS
from ..errors import ScriptDenied
from ..machine import Machine
from ..objects import Builtin, ScriptCallable, ScriptObject


class OwnersModule(ScriptObject):
    """A real module: its public functions and values. What its functions give has no methods unless it is plain."""

    __slots__ = ('_module',)
    kind = 'module'

    def __init__(self, module: ModuleType):
        self._module = module

    def attribute(self, m: Machine, name: str) -> Any:
        if name.startswith('_') or not hasattr(self._module, name):
            raise ScriptDenied(f'{self._module.__name__}.{name} is not there')
        value = getattr(self._module, name)
        if isinstance(value, ModuleType):
            if not value.__name__.startswith(self._module.__name__ + '.'):
                raise ScriptDenied(f'{self._module.__name__}.{name} is another module: allow it by its own name')
            return OwnersModule(value)
        return Builtin(name, _native(value), OWNERS) if callable(value) else value

    def display(self) -> str:
        return f'<module {self._module.__name__}>'


def _native(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        m.meter.check()
        named = {key: _unwrapped(m, arg) for key, arg in kwargs.items()}
        return function(*(_unwrapped(m, arg) for arg in args), **named)

    return call


def _unwrapped(m: Machine, value: Any) -> Any:
    return as_native(m, value) if isinstance(value, ScriptCallable) else value


def extra_modules(names: Iterable[str]) -> dict[str, Callable[[Machine], ScriptObject]]:
    """Makers for `run_script(modules=…)`: each imports its module when a script first does."""

    def maker(name: str) -> Callable[[Machine], ScriptObject]:
        def make(m: Machine) -> ScriptObject:
            try:
                return OwnersModule(importlib.import_module(name))
            except ImportError as error:
                raise ScriptDenied(f'the module {name} is allowed but cannot be imported: {error}') from None

        return make

    return {name: maker(name) for name in names}


__all__ = ['OwnersModule', 'extra_modules']

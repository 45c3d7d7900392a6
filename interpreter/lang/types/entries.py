"""How a table of a type's methods is made: from Python's own, called only with arguments of Python's plain types."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ..costs import counted
from ..kinds import SCALARS, SIZED, TEXTS, TIMES
from ..machine import Machine
from ..objects import Attributes, Property, type_name


def plain(m: Machine, values: Any) -> Any:
    """Arguments that Python's own code may get: their methods are Python's as well. Raises TypeError."""
    for value in values:
        kind = type(value)
        if kind in SCALARS:
            continue
        if kind is tuple:
            m.meter.ticks(1 + (len(value) >> 4))
            plain(m, value)
        elif kind not in TIMES:
            raise TypeError(f'an argument of type {type_name(value)} does not fit here')
    return values


def native(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a plain type whose result is not much larger than its owner."""

    def call(m: Machine, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        plain(m, args)
        if kwargs:
            plain(m, kwargs.values())
        if type(owner) in TEXTS:
            m.meter.passed_over(len(owner))
        return charged(m, function(owner, *args, **kwargs))

    return call


def charged(m: Machine, found: Any) -> Any:
    """What Python's own code made, accounted for."""
    kind = type(found)
    if kind in TEXTS:
        m.meter.text_size(len(found))
        m.charge(sys.getsizeof(found))
    elif kind in SIZED:
        m.meter.item_count(len(found))
        m.charge(sys.getsizeof(found) + sum(map(sys.getsizeof, found)))
    return found


def natives(owner: type, names: str) -> Attributes:
    return counted({name: native(getattr(owner, name)) for name in names.split() if hasattr(owner, name)})


def read(function: Callable[[Any], Any]) -> Property:
    return Property(lambda m, owner: function(owner))


def reads(names: str) -> Attributes:
    return {name: read(lambda x, name=name: getattr(x, name)) for name in names.split()}

"""What the interpreter adds to Python's own values: functions, types, modules, iterators. It never leaves a script."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .costs import Cost, Function
from .errors import ScriptDenied
from .kinds import NUMBERS, SIZED, TIMES, is_tensor
from .machine import Machine


class ScriptObject:
    """Base of the interpreter's own values. They never leave it: no node gets one."""

    __slots__ = ()
    kind = 'object'
    size = 400
    """About how many bytes it takes, without the values it holds."""

    def attribute(self, m: Machine, name: str) -> Any:
        raise AttributeError(f"'{self.kind}' object has no attribute '{name}'")

    def item(self, m: Machine, key: Any) -> Any:
        raise TypeError(f"'{self.kind}' object is not subscriptable")

    def elements(self, m: Machine) -> list | None:
        """What iterating over it gives; None where it cannot be iterated."""
        return None

    def unpacked(self, count: int) -> list | None:
        """As many values as an assignment has targets, where that is for the assignment to say."""
        return None

    def for_nodes(self) -> Any:
        """What a node gets for it; itself where no node can take it."""
        return self

    def display(self) -> str:
        return f'<{self.kind}>'


class ScriptCallable(ScriptObject):
    """What a call expression may call; nothing else can be."""

    __slots__ = ()
    kind = 'builtin_function_or_method'
    name = '?'

    def invoke(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError

    def defer(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        """A call that may wait: only those of nodes can."""
        return self.invoke(m, args, kwargs)

    def display(self) -> str:
        return f'<function {self.name}>'


class Builtin(ScriptCallable):
    """A function of the interpreter: `implementation(machine, *args, **kwargs)`."""

    __slots__ = ('attributes', 'cost', 'implementation', 'name')

    def __init__(
        self, name: str, implementation: Callable[..., Any], cost: Cost, attributes: dict[str, Any] | None = None
    ):
        self.name = name
        self.implementation = implementation
        self.cost = cost
        self.attributes = attributes

    def invoke(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        return self.implementation(m, *args, **kwargs)

    def attribute(self, m: Machine, name: str) -> Any:
        if self.attributes and name in self.attributes:
            return self.attributes[name]
        raise ScriptDenied(f'{self.name}.{name} is not available in scripts')

    def display(self) -> str:
        return f'<built-in function {self.name}>'


class Method(ScriptCallable):
    """A method of a value, looked up but not called yet."""

    __slots__ = ('implementation', 'name', 'owner')

    def __init__(self, name: str, implementation: Callable[..., Any], owner: Any):
        self.name = name
        self.implementation = implementation
        self.owner = owner

    def invoke(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        return self.implementation(m, self.owner, *args, **kwargs)

    def display(self) -> str:
        return f'<built-in method {self.name}>'


class TypeRef(Builtin):
    """The name of a type: it makes values and answers `isinstance`, and has nothing of a class besides."""

    __slots__ = ('natives',)
    kind = 'type'

    def __init__(
        self,
        name: str,
        natives: tuple[type, ...],
        implementation: Callable[..., Any],
        cost: Cost,
        attributes: dict[str, Any] | None = None,
    ):
        super().__init__(name, implementation, cost, attributes)
        self.natives = natives

    def display(self) -> str:
        return f"<class '{self.name}'>"


class Property:
    """An entry of an attribute table that is read rather than called."""

    __slots__ = ('read',)

    def __init__(self, read: Callable[[Machine, Any], Any]):
        self.read = read


Attributes = Mapping[str, 'Property | Function']
"""What a type offers after a dot."""


class ModuleRef(ScriptObject):
    """A curated module: exactly the names in `members`."""

    __slots__ = ('members', 'name')
    kind = 'module'

    def __init__(self, name: str, members: dict[str, Any]):
        self.name = name
        self.members = members

    def attribute(self, m: Machine, name: str) -> Any:
        try:
            return self.members[name]
        except KeyError:
            raise ScriptDenied(
                f'{self.name}.{name} is not available in scripts; {self.name} has: {", ".join(sorted(self.members))}'
            ) from None

    def display(self) -> str:
        return f'<module {self.name}>'


class Stream(ScriptObject):
    """Any iterator of a script. Each element is a step, so that even a loop inside a built-in is counted.

    `weight` is what each element takes in memory. No iterator runs inside itself: Python's own may crash there.
    """

    __slots__ = ('_m', '_next', '_running', 'sources', 'weight')
    kind = 'iterator'

    def __init__(self, m: Machine, iterator: Iterator[Any], *sources: Any, weight: int = 0):
        self._m = m
        self._next = iterator.__next__
        self._running = False
        self.sources = sources
        self.weight = weight
        m.charge(500)

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        if self._running:
            raise ValueError('generator already executing')
        m = self._m
        m.tick()
        if self.weight:
            m.charge(self.weight)
        self._running = True
        try:
            return self._next()
        finally:
            self._running = False


class NoOp(ScriptCallable):
    """What a script written for a notebook calls and a node has no use for: `load()`, `Workflow()`."""

    __slots__ = ('name',)
    kind = 'runtime function'

    def __init__(self, name: str):
        self.name = name

    def invoke(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        return self

    def attribute(self, m: Machine, name: str) -> Any:
        raise ScriptDenied(f'{self.name}.{name} is not available in scripts: nodes run where they are called')


def type_name(value: Any) -> str:
    if isinstance(value, ScriptObject):
        return value.kind
    return type(value).__name__


def as_index(value: Any) -> int:
    """An int for a place where Python calls `__index__`. Raises TypeError."""
    if type(value) is int or type(value) is bool:
        return value
    if is_tensor(value) and value.numel() == 1 and not value.is_floating_point():
        return int(value)
    raise TypeError(f"'{type_name(value)}' object cannot be interpreted as an integer")


def is_opaque(value: Any) -> bool:
    kind = type(value)
    known = kind in NUMBERS or kind in SIZED or kind in TIMES or kind in (type(None), range, slice, type(...))
    return not known and not isinstance(value, (ScriptObject, BaseException))


def charged_value(m: Machine, value: Any) -> Any:
    m.charge(sys.getsizeof(value))
    return value

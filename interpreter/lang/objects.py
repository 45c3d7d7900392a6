"""The kinds of values a script can hold, and what the interpreter adds to Python's own.

Every decision of the interpreter is made on the exact type of a value. A type that is not named here is opaque:
it can be passed to nodes, stored and compared by identity, and nothing else.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .errors import ScriptDenied, Span

if TYPE_CHECKING:
    from .machine import Machine

NoneType = type(None)
EllipsisType = type(...)
DictKeys = type({}.keys())
DictValues = type({}.values())
DictItems = type({}.items())

NUMBERS = frozenset({int, float, bool, complex})
SCALARS = frozenset({int, float, bool, complex, str, bytes, NoneType, EllipsisType})
"""Values without parts: Python's own comparison and hash are safe on them."""

TEXTS = frozenset({str, bytes})
SEQUENCES = frozenset({list, tuple})
SETS = frozenset({set, frozenset, DictKeys})
SIZED = frozenset({list, tuple, dict, set, frozenset, DictKeys, DictValues, DictItems, str, bytes})
"""Values whose elements are all there already, so that their number bounds what a walk costs."""

TIMES = frozenset({datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone})


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

    __slots__ = ('attributes', 'implementation', 'name')

    def __init__(self, name: str, implementation: Callable[..., Any], attributes: dict[str, Any] | None = None):
        self.name = name
        self.implementation = implementation
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
        attributes: dict[str, Any] | None = None,
    ):
        super().__init__(name, implementation, attributes)
        self.natives = natives

    def display(self) -> str:
        return f"<class '{self.name}'>"


class Property:
    """An entry of an attribute table that is read rather than called."""

    __slots__ = ('read',)

    def __init__(self, read: Callable[[Machine, Any], Any]):
        self.read = read


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
        return m.run_function(self, args, kwargs)


def type_name(value: Any) -> str:
    if isinstance(value, ScriptObject):
        return value.kind
    return type(value).__name__

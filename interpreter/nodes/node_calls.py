"""Nodes as a script sees them: functions to call, and the lists of choices that their inputs have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ...graph import EXTRA_INPUTS, GLOBAL_ENUMS, CallError, near_misses
from ..lang.errors import ScriptDenied, ScriptLimit
from ..lang.kinds import DictItems, DictKeys, DictValues
from ..lang.machine import Machine
from ..lang.objects import ScriptCallable, ScriptObject, type_name

if TYPE_CHECKING:
    from ...runtime.calls.functions import NodeFunction, NodeNamespace

Results = Callable[[Any], Any]
MAX_DEPTH = 50
CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
VIEWS = frozenset({DictKeys, DictValues, DictItems})


def own_values(values: Iterable[Any], most: int, tick: Callable[[], object] = int) -> Iterator[Any]:
    """What of these is the interpreter's own, however deep inside: it must not leave. Raises ScriptLimit.

    Every place counts, not every container: what nodes and caches make of a value walks all its places.
    """
    stack = [(value, 0) for value in values]
    count = 0
    while stack:
        value, depth = stack.pop()
        count += 1
        if count & 15 == 0:
            tick()
        kind = type(value)
        if issubclass(kind, (ScriptObject, slice, BaseException)) or kind in VIEWS:
            yield value
        elif kind in CONTAINERS and value:
            if depth > MAX_DEPTH:
                raise ScriptLimit(f'a value nested more than {MAX_DEPTH} deep cannot leave the script')
            if count + len(stack) + len(value) > most:
                raise ScriptLimit(f'a value with more than {most} elements, counted wherever they are, cannot leave')
            parts = [*value.keys(), *value.values()] if kind is dict else value
            stack += [(part, depth + 1) for part in parts]


class NodeRef(ScriptCallable):
    """A node. Calling it is the host's `NodeFunction`; its attributes are its inputs' choices."""

    __slots__ = ('_call', '_defer', '_function', '_results')
    kind = 'node'

    def __init__(
        self,
        function: NodeFunction,
        call: Callable[..., Any],
        results: Results | None = None,
        defer: Callable[..., Any] | None = None,
    ):
        self._function = function
        self._call = call
        self._results = results
        self._defer = defer

    @property
    def name(self) -> str:  # type: ignore[override]
        return self._function.class_type

    def invoke(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        results = self._pass(self._call, m, args, kwargs)
        new = m.freeze(results)
        if new:
            m.charge(new, exact=True)
        return results if self._results is None else self._results(results)

    def defer(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        return self.invoke(m, args, kwargs) if self._defer is None else self._pass(self._defer, m, args, kwargs)

    def _pass(self, call: Callable[..., Any], m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        made = m.state['nodes'] = m.state.get('nodes', 0) + 1
        if made > m.bounds.nodes:
            raise ScriptLimit(f'the script calls more than {m.bounds.nodes} nodes')
        if self._function.schema.hidden:
            self._check_names(kwargs)
        args = [_for_nodes(value) for value in args]
        kwargs = {name: _for_nodes(value) for name, value in kwargs.items()}
        self._check(m, [*args, *kwargs.values()])
        try:
            return call(m, self._function, args, kwargs)
        except CallError as error:
            raise TypeError(str(error)) from None

    def _check_names(self, kwargs: dict[str, Any]) -> None:
        """Hidden inputs are ComfyUI's to give: with them a script would write what an image says of its workflow."""
        schema = self._function.schema
        extra = kwargs.get(EXTRA_INPUTS)
        names = {*kwargs, *(extra if type(extra) is dict else ())}
        for item in schema.hidden:
            # A node may have an input of the same name (easy promptLine), which a prompt can have.
            if names & {item.name, item.python_name} and schema.input(item.name) is None:
                raise ScriptDenied(f'{self.name}: its hidden input {item.name!r} cannot be given')

    def _check(self, m: Machine, given: list) -> None:
        """Only values cross to nodes: no functions, iterators or modules of the interpreter. Freezes what does."""
        for value in own_values(given, m.bounds.items, m.tick):
            hint = ': use list(…)' if type_name(value) == 'iterator' or type(value) in VIEWS else ''
            raise TypeError(f'{self.name} cannot take a {type_name(value)}{hint}')
        for value in given:
            m.freeze(value)

    def attribute(self, m: Machine, name: str) -> Any:
        schema = self._function.schema
        item = schema.input_of(name) or schema.input(name)
        if item is None or item.choices is None:
            known = [other.python_name for other in schema.inputs if other.choices is not None]
            raise ScriptDenied(f'{self.name} has no list of choices {name!r}{near_misses(name, known)}')
        from ...runtime.calls.enums import member_names

        return Choices(f'{self.name}.{name}', member_names(item.choices))

    def display(self) -> str:
        return f'<node {self.name}>'


def _for_nodes(value: Any) -> Any:
    """A value as a node gets it, and what a growing group or a list of them holds."""
    if issubclass(type(value), ScriptObject):
        return value.for_nodes()
    if type(value) is list and any(issubclass(type(item), ScriptObject) for item in value):
        return [item.for_nodes() if issubclass(type(item), ScriptObject) else item for item in value]
    if type(value) is dict and any(issubclass(type(item), ScriptObject) for item in value.values()):
        return {key: item.for_nodes() if issubclass(type(item), ScriptObject) else item for key, item in value.items()}
    return value


class Choices(ScriptObject):
    """The choices of an input: `KSampler.sampler_name.euler`, `Checkpoints.v1_5`. A member is its value."""

    __slots__ = ('members', 'name')
    kind = 'choices'

    def __init__(self, name: str, members: dict[str, Any]):
        self.name = name
        self.members = members

    def attribute(self, m: Machine, name: str) -> Any:
        try:
            return self.members[name]
        except KeyError:
            raise AttributeError(f'{self.name} has no {name!r}{near_misses(name, self.members)}') from None

    def item(self, m: Machine, key: Any) -> Any:
        if type(key) is not str:
            raise TypeError(f'{self.name} is indexed by name')
        return self.members[key]

    def elements(self, m: Machine) -> list:
        return list(self.members.values())

    def display(self) -> str:
        return f'<choices {self.name}>'


class NodeIndex(ScriptObject):
    """`node['raw class type']`."""

    __slots__ = ('_ref',)
    kind = 'node index'

    def __init__(self, ref: Callable[[str], NodeRef]):
        self._ref = ref

    def item(self, m: Machine, key: Any) -> Any:
        if type(key) is not str:
            raise TypeError(f'node[…] takes a class type, not {type_name(key)}')
        return self._ref(key)


class ScriptNodes:
    """The nodes of a namespace as names for the interpreter: `find` is its `find_node`."""

    def __init__(
        self,
        namespace: NodeNamespace,
        call: Callable[..., Any] | None = None,
        results: Results | None = None,
        defer: Callable[..., Any] | None = None,
    ):
        self._namespace = namespace
        self._call = call or _call_plainly
        self._results = results
        self._defer = defer

    def ref(self, class_type: str) -> NodeRef:
        return NodeRef(self._namespace[class_type], self._call, self._results, self._defer)

    def known_names(self) -> list[str]:
        """For suggestions where a name is not defined."""
        return [*self._namespace.schemas.names.names(), *GLOBAL_ENUMS]

    def find(self, name: str) -> ScriptObject | None:
        if name in GLOBAL_ENUMS:
            return Choices(name, self._namespace._enums.members(name))
        if name in ('node', 'nodes'):
            return NodeIndex(self.ref)
        class_type = self._namespace.schemas.names.class_type_of(name)
        return None if class_type is None else self.ref(class_type)


def _call_plainly(m: Machine, function: NodeFunction, args: list, kwargs: dict[str, Any]) -> Any:
    with m.meter.outside():
        return function(*args, **kwargs)

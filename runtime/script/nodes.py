"""Nodes as a script sees them: functions to call, and the lists of choices that their inputs have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...graph import GLOBAL_ENUMS, CallError, near_misses
from .errors import ScriptDenied, ScriptLimit
from .machine import Machine
from .values import ScriptCallable, ScriptObject, type_name

if TYPE_CHECKING:
    from ..factory import NodeFunction, NodeNamespace

Results = Callable[[Any], Any]


class NodeRef(ScriptCallable):
    """A node. Calling it is the host's `NodeFunction`; its attributes are its inputs' choices."""

    __slots__ = ('_call', '_function', '_results')
    kind = 'node'

    def __init__(self, function: NodeFunction, call: Callable[..., Any], results: Results | None = None):
        self._function = function
        self._call = call
        self._results = results

    @property
    def name(self) -> str:  # type: ignore[override]
        return self._function.class_type

    def invoke(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        made = m.state['nodes'] = m.state.get('nodes', 0) + 1
        if made > m.bounds.nodes:
            raise ScriptLimit(f'the script calls more than {m.bounds.nodes} nodes')
        args = [value.for_nodes() if isinstance(value, ScriptObject) else value for value in args]
        kwargs = {
            name: value.for_nodes() if isinstance(value, ScriptObject) else value for name, value in kwargs.items()
        }
        for value in (*args, *kwargs.values()):
            self._check(m, value)
        try:
            results = self._call(m, self._function, args, kwargs)
        except CallError as error:
            raise TypeError(str(error)) from None
        m.freeze(results)
        return results if self._results is None else self._results(results)

    def _check(self, m: Machine, value: Any, depth: int = 0) -> None:
        """Only values cross to nodes: no functions, iterators or modules of the interpreter."""
        if isinstance(value, (ScriptObject, slice, BaseException)):
            hint = ': use list(…)' if type_name(value) == 'iterator' else ''
            raise TypeError(f'{self.name} cannot take a {type_name(value)}{hint}')
        if type(value) in (list, tuple, dict):
            if depth > 20:
                raise ScriptLimit(f'{self.name}: a value nested more than 20 deep')
            for item in value.values() if type(value) is dict else value:
                self._check(m, item, depth + 1)
            if depth == 0:
                m.freeze(value)
        elif m.is_tensor(value):
            m.freeze(value)

    def attribute(self, m: Machine, name: str) -> Any:
        schema = self._function.schema
        item = schema.input_of(name) or schema.input(name)
        if item is None or item.choices is None:
            known = [other.python_name for other in schema.inputs if other.choices is not None]
            raise ScriptDenied(f'{self.name} has no list of choices {name!r}{near_misses(name, known)}')
        from ..enums import member_names

        return Choices(f'{self.name}.{name}', member_names(item.choices))

    def display(self) -> str:
        return f'<node {self.name}>'


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
    ):
        self._namespace = namespace
        self._call = call or _call_plainly
        self._results = results

    def ref(self, class_type: str) -> NodeRef:
        return NodeRef(self._namespace[class_type], self._call, self._results)

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

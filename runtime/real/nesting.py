"""V3 nodes take dynamic inputs nested: `values.a` and `values.b` of a prompt arrive as `values={'a': …, 'b': …}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...comfyui.loaded import loaded
from .value_kinds import Kind

_MOST_KEPT = 256

_Followed = tuple[tuple[str, Kind], ...]
_Build = Callable[[dict[str, Any]], dict[str, Any]]


class _Form:
    """What ComfyUI makes out of a call's inputs: the names that the node has with them, and how they are nested."""

    __slots__ = ('names', 'nest', 'plain')

    def __init__(self, names: frozenset[str], nest: _Build) -> None:
        self.names = names
        self.nest = nest
        self.plain: dict[tuple[type, ...], _Followed] = {}
        """Types of inputs that go to the node as they are, and which of them are followed (see `Plan.plain`)."""


class Nesting:
    """Nests the inputs of one node class by ComfyUI's own functions.

    How is kept by what it depends on: the names that are given, and what the dynamic combos choose
    (`comfy_api/latest/_io.py: get_finalized_class_inputs`).
    """

    def __init__(self, node_class: Any, combos: Sequence[str], io: Any) -> None:
        self._node_class = node_class
        self._combos = combos
        self._finalize: Callable[..., Any] = io.get_finalized_class_inputs
        self._build: Callable[..., dict[str, Any]] = io.build_nested_inputs
        self._forms: dict[tuple[Any, ...], _Form] = {}

    def names(self, inputs: Mapping[str, Any]) -> frozenset[str]:
        """The inputs that the node has, where it is given these."""
        return self._form(inputs).names

    def nested(self, inputs: dict[str, Any]) -> dict[str, Any]:
        return self._form(inputs).nest(inputs)

    def followed(self, inputs: Mapping[str, Any]) -> _Followed | None:
        """Which inputs are followed, where `remember` was told of a call of this form with these types."""
        return self._form(inputs).plain.get((*map(type, inputs.values()),))

    def remember(self, inputs: Mapping[str, Any], followed: _Followed) -> None:
        plain = self._form(inputs).plain
        if len(plain) < _MOST_KEPT:
            plain[(*map(type, inputs.values()),)] = followed

    def _form(self, inputs: Mapping[str, Any]) -> _Form:
        key: tuple[Any, ...] = (*inputs,)
        if self._combos:
            chosen = [inputs.get(name) for name in self._combos]
            if not all(type(choice) in (str, int, bool, type(None)) for choice in chosen):
                return self._read(inputs)
            key = (*key, *chosen, *map(type, chosen))
        form = self._forms.get(key)
        if form is None:
            if len(self._forms) >= _MOST_KEPT:
                self._forms.clear()
            form = self._forms[key] = self._read(inputs)
        return form

    def _read(self, inputs: Mapping[str, Any]) -> _Form:
        known, _, data = self._finalize(self._node_class.INPUT_TYPES(), inputs)
        names = frozenset([*known['required'], *known['optional']])
        return _Form(names, _as_ever([*inputs], lambda values: self._build(values, data)))


class GrowingCalls:
    """Calls by position of a node class some of whose inputs grow, and whose others are plain: the raw inputs of a call
    like one before, which differs from it in values alone."""

    __slots__ = ('_grows', '_known')

    def __init__(self, grows: Sequence[bool]) -> None:
        self._grows = tuple(grows)
        self._known: dict[tuple[Any, ...], tuple[tuple[str, ...], _Followed]] = {}

    def find(self, args: Sequence[Any]) -> tuple[dict[str, Any], _Followed] | None:
        """The inputs, and which of them are followed; None for a call unlike those that `remember` was told of."""
        laid = self._laid(args)
        known = None if laid is None else self._known.get(laid[0])
        return None if laid is None or known is None else (dict(zip(known[0], laid[1])), known[1])

    def remember(self, args: Sequence[Any], inputs: Mapping[str, Any], followed: _Followed) -> None:
        """A call that was bound, where binding gave its values names and did nothing else: `None` and switches are
        more than their type."""
        laid = self._laid(args)
        if laid is None or len(self._known) >= _MOST_KEPT:
            return
        key, values = laid
        if [*map(id, values)] == [*map(id, inputs.values())] and not {bool, type(None)} & {*map(type, values)}:
            self._known[key] = ((*inputs,), followed)

    def _laid(self, args: Sequence[Any]) -> tuple[tuple[Any, ...], list[Any]] | None:
        """What a call has in common with others like it, and its values in a row."""
        values: list[Any] = []
        sizes: list[int] = []
        for grows, value in zip(self._grows, args):
            if not grows:
                values.append(value)
            elif type(value) is list:
                sizes.append(len(value))
                values += value
            else:
                return None
        return (len(args), *sizes, *map(type, values)), values


class _Mark(str):
    """Stands for the value of an input, to see where it goes."""


def _as_ever(names: Sequence[str], build: _Build) -> _Build:
    """`build`, or what does the same for these names without looking at each: where values go to does not depend on
    them, as far as two attempts tell."""
    shape = build({name: _Mark(name) for name in names})
    places: list[tuple[str, str, tuple[tuple[str, str], ...] | None]] = []
    for key, value in shape.items():
        inner = value if type(value) is dict else {}
        if type(value) is _Mark:
            places.append((key, value, None))
        elif inner and all(type(mark) is _Mark for mark in inner.values()):
            places.append((key, '', tuple(inner.items())))
        else:
            return build

    def nest(values: dict[str, Any]) -> dict[str, Any]:
        return {
            key: values[name] if inner is None else {place: values[mark] for place, mark in inner}
            for key, name, inner in places
        }

    absent: dict[str, Any] = dict.fromkeys(names)
    return nest if nest(absent) == build(absent.copy()) else build


def nesting_of(node_class: Any, combos: Sequence[str]) -> Nesting | None:
    """For a V3 class with dynamic inputs; `combos` are the names of its dynamic combos. None for an older ComfyUI."""
    io = loaded('comfy_api.latest._io')
    if not hasattr(io, 'get_finalized_class_inputs') or not hasattr(io, 'build_nested_inputs'):
        return None
    return Nesting(node_class, combos, io)

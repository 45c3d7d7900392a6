"""V3 nodes take dynamic inputs nested: `values.a` and `values.b` of a prompt arrive as `values={'a': …, 'b': …}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ...comfyui.loaded import loaded

_MOST_KEPT = 256


class _Form(NamedTuple):
    """What ComfyUI makes out of a call's inputs: the names that the node has with them, and how they are nested."""

    names: frozenset[str]
    data: Mapping[str, Any]


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
        return self._build(inputs, self._form(inputs).data)

    def _form(self, inputs: Mapping[str, Any]) -> _Form:
        chosen = [inputs.get(name) for name in self._combos]
        if not all(type(choice) in (str, int, bool, type(None)) for choice in chosen):
            return self._read(inputs)
        key = (*inputs, *chosen, *map(type, chosen))
        form = self._forms.get(key)
        if form is None:
            if len(self._forms) >= _MOST_KEPT:
                self._forms.clear()
            form = self._forms[key] = self._read(inputs)
        return form

    def _read(self, inputs: Mapping[str, Any]) -> _Form:
        known, _, data = self._finalize(self._node_class.INPUT_TYPES(), inputs)
        return _Form(frozenset([*known['required'], *known['optional']]), data)


def nesting_of(node_class: Any, combos: Sequence[str]) -> Nesting | None:
    """For a V3 class with dynamic inputs; `combos` are the names of its dynamic combos. None for an older ComfyUI."""
    io = loaded('comfy_api.latest._io')
    if not hasattr(io, 'get_finalized_class_inputs') or not hasattr(io, 'build_nested_inputs'):
        return None
    return Nesting(node_class, combos, io)

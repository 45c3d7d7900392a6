"""Node functions and enums in other processes: they go by name, and are those of the ComfyUI that is loaded there.

Where none is loaded yet, the name stands for them until they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..wire.errors import NotLoadedError

__all__ = ['offer_nodes', 'received_enum', 'received_function']

FindNodes = Callable[[], 'Mapping[str, Any] | None']
"""The nodes that a mode has loaded in this process, by class type, or None."""

_offered: dict[str, FindNodes] = {}


def offer_nodes(mode: str, find: FindNodes) -> None:
    """Names that arrive in this process may mean these nodes. `mode`: the ways to run nodes, `virtual` and `real`."""
    _offered[mode] = find


def _nodes_here(mode: str) -> Mapping[str, Any] | None:
    """The nodes of the mode that a name came from, else of the other one."""
    for name in sorted(_offered, key=lambda name: name != mode):
        nodes = _offered[name]()
        if nodes is not None:
            return nodes
    return None


class Received:
    """A name that has come from another process: the node function or enum of that name, as soon as it is used."""

    def __init__(self, find: Callable[[str, str], Any], name: str, mode: str) -> None:
        self._find = find
        self._name = name
        self._mode = mode

    def __reduce__(self) -> tuple[Any, ...]:
        return self._find, (self._name, self._mode)

    def _found(self) -> Any:
        found = self._find(self._name, self._mode)
        if isinstance(found, Received):
            raise NotLoadedError(
                f'{self._name} came from another process, and no ComfyUI is loaded in this one: call load() here first.'
            )
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._found()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)
        return getattr(self._found(), name)

    def __getitem__(self, name: str) -> Any:
        return self._found()[name]

    def __iter__(self) -> Any:
        return iter(self._found())

    def __repr__(self) -> str:
        return f'<{self._name} of another process>'


def received_function(class_type: str, mode: str) -> Any:
    """The function of a node, in the process that it has come to."""
    nodes = _nodes_here(mode)
    return Received(received_function, class_type, mode) if nodes is None else nodes[class_type]


def received_enum(name: str, mode: str) -> Any:
    """A global enum, in the process that it has come to."""
    find = getattr(_nodes_here(mode), 'find', None)
    return Received(received_enum, name, mode) if find is None else find(name)

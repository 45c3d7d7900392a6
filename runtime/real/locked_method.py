"""V3 nodes run on a locked copy of their class: the copy, kept from call to call."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from ...comfyui.loaded import loaded


class LockedMethod:
    """The method that runs a V3 node class without hidden inputs.

    ComfyUI makes two classes for each call, one with the attributes of the node's class and one of that which cannot
    be changed (`execution.py: _async_map_node_over_list`, `comfy_api/internal/__init__.py: make_locked_method_func`).
    Here they are made again only when an attribute of the node's class has become another object.
    """

    __slots__ = ('_attributes', '_bound', '_node_class')

    def __init__(self, node_class: Any) -> None:
        self._node_class = node_class
        self._attributes: list[int] = []
        self._bound: Callable[..., Any] = self.current

    def current(self) -> Callable[..., Any]:
        # The copy keeps the attributes it was made of alive, so that no other object gets the identity of one.
        if [*map(id, self._node_class.__dict__.values())] != self._attributes:
            self._copy()
        return self._bound

    def _copy(self) -> None:
        node_class = self._node_class
        node_class.VALIDATE_CLASS()
        node_class.GET_SCHEMA()
        method = getattr(node_class, node_class.FUNCTION).__func__
        locked = loaded('comfy_api.internal').lock_class(node_class.PREPARE_CLASS_CLONE(None))
        self._attributes = [*map(id, node_class.__dict__.values())]
        self._bound = MethodType(method, locked)


def can_be_kept(node_class: Any) -> bool:
    """Whether this ComfyUI makes copies of a V3 class as we know it."""
    makes = ('PREPARE_CLASS_CLONE', 'VALIDATE_CLASS', 'GET_SCHEMA')
    return hasattr(loaded('comfy_api.internal'), 'lock_class') and all(hasattr(node_class, name) for name in makes)


def outputs_of(returned: Any) -> Any:
    """The outputs of a `NodeOutput` that is nothing but those; anything else as it is."""
    if returned.ui is None and returned.expand is None and returned.block_execution is None:
        result = returned.result
        return result if type(result) is tuple else returned
    return returned

"""V3 nodes run on a locked copy of their class: the copy, kept from call to call."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any

from ...comfyui.loaded import loaded


class LockedMethod:
    """The method that runs a V3 node class whose hidden inputs are no more than its id.

    ComfyUI makes two classes for each call, one with the attributes of the node's class and one of that which cannot
    be changed (`execution.py: _async_map_node_over_list`, `comfy_api/internal/__init__.py: make_locked_method_func`).
    Here they are made again only when an attribute of the node's class has become another object.

    A node that is told its id finds it at the class, so each call that runs has a copy of its own. A copy serves the
    next call only where nobody has kept it: not the node, not a thread of its, not the traceback of an error.
    """

    __slots__ = ('_attributes', '_bound', '_free', '_hidden', '_method', '_node_class', '_references', '_tells_id')

    def __init__(self, node_class: Any, tells_id: bool) -> None:
        self._node_class = node_class
        self._tells_id = tells_id
        self._attributes: list[int] = []
        self._bound: Callable[..., Any] = self.current
        self._method: Callable[..., Any] = self.current
        self._free: list[Any] = []
        self._hidden: Any = None
        self._references = math.nan

    def current(self, node_id: str) -> Callable[..., Any]:
        # The copy keeps the attributes it was made of alive, so that no other object gets the identity of one.
        if [*map(id, self._node_class.__dict__.values())] != self._attributes:
            self._prepare()
        return partial(self._call, node_id) if self._tells_id else self._bound

    def _prepare(self) -> None:
        node_class = self._node_class
        node_class.VALIDATE_CLASS()
        node_class.GET_SCHEMA()
        self._method = getattr(node_class, node_class.FUNCTION).__func__
        locked = self._copy()
        self._hidden = locked.hidden
        self._references = _references(locked)
        self._free = [locked]
        self._attributes = [*map(id, node_class.__dict__.values())]
        if not self._tells_id:
            self._bound = MethodType(self._method, locked)

    def _copy(self) -> Any:
        return loaded('comfy_api.internal').lock_class(self._node_class.PREPARE_CLASS_CLONE(None))

    def _call(self, node_id: str, /, **inputs: Any) -> Any:
        try:
            locked = self._free.pop()
        except IndexError:
            locked = self._copy()
        method, free = self._method, self._free
        hidden = object.__new__(type(self._hidden))
        hidden.__dict__.update(self._hidden.__dict__, unique_id=node_id)
        type.__setattr__(locked, 'hidden', hidden)
        try:
            return method(locked, **inputs)
        finally:
            if _references(locked) == self._references:
                free.append(locked)


def can_be_kept(node_class: Any, tells_id: bool) -> bool:
    """Whether this ComfyUI makes copies of a V3 class as we know it."""
    makes = ('PREPARE_CLASS_CLONE', 'VALIDATE_CLASS', 'GET_SCHEMA')
    if not hasattr(loaded('comfy_api.internal'), 'lock_class') or not all(hasattr(node_class, name) for name in makes):
        return False
    return not tells_id or 'unique_id' in getattr(node_class.PREPARE_CLASS_CLONE(None).hidden, '__dict__', ())


def _references(locked: Any) -> float:
    """How many refer to a class; where Python does not count, never the same, so that it is not taken for unused."""
    count = getattr(sys, 'getrefcount', None)
    return math.nan if count is None else count(locked)


def outputs_of(returned: Any) -> Any:
    """The outputs of a `NodeOutput` that is nothing but those; anything else as it is."""
    if returned.ui is None and returned.expand is None and returned.block_execution is None:
        result = returned.result
        return result if type(result) is tuple else returned
    return returned

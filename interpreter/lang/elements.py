"""What iterating over a value gives, each element counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from .bounds import ELEMENT_SIZE, TENSOR_SIZE
from .errors import ScriptLimit
from .kinds import SIZED, DictKeys, DictValues, is_tensor
from .machine import Machine
from .objects import ScriptObject, Stream, type_name

MAX_ROWS = 100_000

ROWS_AT_ONCE = 1000


def iterate(m: Machine, value: Any) -> Iterator[Any]:
    """An iterator for a loop that counts its rounds itself."""
    kind = type(value)
    if kind in SIZED or kind is range:
        return iter(value)
    if kind is Stream:
        return value
    if isinstance(value, ScriptObject):
        elements = value.elements(m)
        if elements is not None:
            return iter(elements)
    elif is_tensor(value):
        if value.dim() == 0:
            raise TypeError('iteration over a 0-d tensor')
        if value.shape[0] > MAX_ROWS:
            raise ScriptLimit(f'a loop over more than {MAX_ROWS} rows of a tensor: use tolist(), or its operators')
        m.charge(TENSOR_SIZE * value.shape[0])
        return _rows(value)
    m.known(value)
    raise TypeError(f"'{type_name(value)}' object is not iterable")


def metered(m: Machine, value: Any) -> Iterable[Any]:
    """An iterable that may be given to code which does not count: it counts by itself."""
    if type(value) in SIZED:
        m.meter.ticks(len(value) >> 4)
        return value
    iterator = iterate(m, value)
    return iterator if type(iterator) is Stream else Stream(m, iterator, value)


def collect(m: Machine, value: Any) -> list:
    """All elements as a new list, within the bound on elements."""
    kind = type(value)
    if kind in SIZED or kind is range:
        m.meter.item_count(len(value))
        m.meter.ticks(len(value) >> 4)
        found = list(value)
        new = 0 if kind in (list, tuple, set, frozenset, DictKeys, DictValues) else ELEMENT_SIZE
    else:
        limit = m.bounds.items
        found = list(itertools.islice(metered(m, value), limit + 1))
        m.meter.item_count(len(found))
        new = ELEMENT_SIZE
    m.charge(56 + (8 + new) * len(found))
    return found


def length(m: Machine, value: Any) -> int:
    kind = type(value)
    if kind in SIZED or kind is range:
        return len(value)
    if isinstance(value, ScriptObject):
        elements = value.elements(m)
        if elements is not None:
            return len(elements)
    elif is_tensor(value):
        return len(value)
    raise TypeError(f"object of type '{type_name(value)}' has no len()")


def _rows(tensor: Any) -> Iterator[Any]:
    """A tensor's rows, some at a time: torch is not interrupted while it makes them all."""
    for start in range(0, tensor.shape[0], ROWS_AT_ONCE):
        yield from tensor[start : start + ROWS_AT_ONCE].unbind(0)

"""Truth, equality, order and hashes of values, by Python's rules and each step counted."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable
from typing import Any

from .elements import metered
from .errors import ScriptLimit
from .kinds import (
    SCALARS,
    SEQUENCES,
    SETS,
    SIZED,
    TEXTS,
    TIMES,
    DictItems,
    DictKeys,
    DictValues,
    is_tensor,
    loaded_torch,
)
from .machine import Machine
from .objects import ScriptObject, type_name

MAX_HASH_DEPTH = 50

MAX_ALIKE = 256
"""Keys of one hash."""

MAX_HASHES = 50_000
NOTED_SIZE = 250
"""Bytes of a key that is remembered for its hash."""

SAFE_HASH = 2**61 - 1
"""Integers nearer to zero hash to themselves, so no two of them alike."""


def truth(m: Machine, value: Any) -> bool:
    kind = type(value)
    if kind is bool:
        return value
    if kind in SCALARS or kind in SIZED or kind is range or kind in TIMES:
        return bool(value)
    if isinstance(value, ScriptObject):
        return True
    if is_tensor(value):
        return bool(value)
    m.known(value)
    return True


def equals(m: Machine, left: Any, right: Any) -> bool:
    """`==` of two values as a bool, element by element, each of them a step."""
    kind, other = type(left), type(right)
    if kind in SCALARS and other in SCALARS:
        if kind is other and kind in TEXTS and len(left) == len(right):
            m.meter.passed_over(len(left))
        return left == right
    if kind is other and kind in SEQUENCES:
        return _sequences_equal(m, left, right)
    if kind is other and kind is dict:
        return _dicts_equal(m, left, right)
    if kind in SETS and other in SETS:
        m.meter.ticks(len(left) >> 3)
        return left == right
    if kind is other and (kind is range or kind is slice or kind in TIMES):
        return left == right
    if kind in TIMES and other in TIMES:
        return left == right
    if left is right:
        return True
    m.known(left)
    m.known(right)
    if is_tensor(left) or is_tensor(right):
        raise RuntimeError('Boolean value of Tensor with more than one value is ambiguous: compare their elements')
    torch = loaded_torch()
    if torch is not None and kind is other and kind in (torch.dtype, torch.device):
        return left == right
    return False


def _sequences_equal(m: Machine, left: Any, right: Any) -> bool:
    if len(left) != len(right):
        return False
    for a, b in zip(left, right, strict=False):
        m.meter.tick()
        if a is not b and not equals(m, a, b):
            return False
    return True


def _dicts_equal(m: Machine, left: dict, right: dict) -> bool:
    if len(left) != len(right):
        return False
    for key, value in left.items():
        m.meter.tick()
        if key not in right:
            return False
        other = right[key]
        if value is not other and not equals(m, value, other):
            return False
    return True


def less(m: Machine, left: Any, right: Any) -> bool:
    return in_order(m, operator.lt, '<', left, right)


def in_order(m: Machine, operate: Callable[[Any, Any], bool], symbol: str, left: Any, right: Any) -> bool:
    """`left < right` and its kin, for values of Python's own ordered types. Raises TypeError."""
    kind, other = type(left), type(right)
    if kind in SCALARS and other in SCALARS:
        if kind is other and kind in TEXTS:
            m.meter.passed_over(min(len(left), len(right)))
        return operate(left, right)
    if kind is other and kind in SEQUENCES:
        for a, b in zip(left, right, strict=False):
            m.meter.tick()
            if a is not b and not equals(m, a, b):
                return in_order(m, operate, symbol, a, b)
        return operate(len(left), len(right))
    if kind in SETS and other in SETS:
        m.meter.ticks(len(left) >> 3)
        return operate(left, right)
    if kind in TIMES and other in TIMES:
        return operate(left, right)
    raise TypeError(f"'{symbol}' not supported between instances of '{type_name(left)}' and '{type_name(right)}'")


def hashable(m: Machine, value: Any, depth: int = 0) -> Any:
    """The value, if it may be a dict key or a set's element. Raises TypeError."""
    kind = type(value)
    if kind in SCALARS:
        if (kind is int and not -SAFE_HASH < value < SAFE_HASH) or kind is complex:
            _count_alike(m, value)
        return value
    if kind is tuple or kind is frozenset:
        if depth > MAX_HASH_DEPTH:
            raise ScriptLimit(f'a dict key of tuples more than {MAX_HASH_DEPTH} deep')
        for item in value:
            m.meter.tick()
            hashable(m, item, depth + 1)
        if not depth:
            _count_alike(m, value)
        return value
    if kind is range or kind in TIMES:
        _count_alike(m, value)
        return value
    if isinstance(value, ScriptObject):
        return value
    raise TypeError(f"unhashable type: '{type_name(value)}'")


def _count_alike(m: Machine, value: Any) -> None:
    """Bounds how many keys have one hash: Python's dicts and sets compare a new one with each of them.

    Hashes of texts are salted. Those of numbers and tuples are not, so that a script could choose a million keys of
    one hash, and hold the server for hours in one step.
    """
    alike = m.hashes.setdefault(hash(value), [])
    if value in alike:
        return
    alike.append(value)
    m.charge(NOTED_SIZE)
    if len(alike) > MAX_ALIKE:
        raise ScriptLimit(f'more than {MAX_ALIKE} dict keys or elements of sets with the same hash')
    if len(m.hashes) > MAX_HASHES:
        m.hashes = {key: values for key, values in m.hashes.items() if len(values) > 4}
        if len(m.hashes) > MAX_HASHES // 2:
            raise ScriptLimit('too many dict keys or elements of sets with the same hashes')


def sort_keys(m: Machine, keys: list) -> list:
    """The keys themselves where Python may compare them, else each in a shell that compares by our rules."""
    if all(map(_is_soon_compared, keys)):
        return keys
    return [_Ordered(m, key) for key in keys]


def position_of(m: Machine, values: Iterable[Any], wanted: Any, start: int = 0, stop: int | None = None) -> int:
    """Where `wanted` first is among the values, or -1."""
    for index, value in enumerate(itertools.islice(values, start, stop), start):
        if index & 15 == 0:
            m.meter.tick()
        if value is wanted or equals(m, value, wanted):
            return index
    return -1


def contains(m: Machine, container: Any, wanted: Any) -> bool:
    kind = type(container)
    if kind in (dict, set, frozenset, DictKeys):
        return hashable(m, wanted) in container
    if kind is str or kind is bytes:
        if type(wanted) not in SCALARS:
            raise TypeError(f"'in <string>' requires string as left operand, not {type_name(wanted)}")
        m.meter.passed_over(len(container))
        return wanted in container
    if kind in (list, tuple, DictValues, DictItems):
        return position_of(m, container, wanted) >= 0
    if kind is range:
        if type(wanted) in (int, bool):
            return wanted in container
        return position_of(m, metered(m, container), wanted) >= 0
    return position_of(m, metered(m, container), wanted) >= 0


def _is_soon_compared(key: Any) -> bool:
    kind = type(key)
    if kind is int:
        return -(1 << 128) < key < 1 << 128
    return len(key) < 256 if kind in TEXTS else kind in SCALARS


class _Ordered:
    __slots__ = ('m', 'value')

    def __init__(self, m: Machine, value: Any):
        self.m = m
        self.value = value

    def __lt__(self, other: _Ordered) -> bool:
        self.m.meter.tick()
        return less(self.m, self.value, other.value)

    def __gt__(self, other: _Ordered) -> bool:
        return other < self

"""How much memory the values of a script take, as far as its variables reach."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

from .bounds import TENSOR_SIZE
from .kinds import SCALARS, SIZED, is_tensor
from .machine import Machine
from .objects import Method, ScriptObject, Stream
from .script_functions import Frame, ScriptFunction
from .shared import storage_of

SMALL = frozenset({int, float, bool, type(None)})

SMALL_SIZE = 28

LARGEST_SMALL = 36
"""Bytes of an integer of up to 90 bits."""

SEEN_SIZE = 80
"""What looking at one more value takes while all are counted."""


def live_size(m: Machine) -> int:
    """About how many bytes the script's variables hold, each object counted once; or some that are too many."""
    m.shared.forget_unshared()
    seen: set[int] = set()
    total = 0
    stack: list[Any] = [m.globals, m.hashes, m.state]
    stack += m.calls
    while stack:
        value = stack.pop()
        kind = type(value)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if len(seen) & 1023 == 0:
            m.meter.check()
            if total + SEEN_SIZE * len(seen) > m.bounds.memory // 2:
                break
        if kind in SCALARS or kind in SIZED:
            total += sys.getsizeof(value, 64)
        elif is_tensor(value):
            total += TENSOR_SIZE
            storage = storage_of(value)
            if storage is not None and storage not in seen:
                seen.add(storage)
                # Exact, where objects may take twice what is said of them.
                total += value.untyped_storage().nbytes() >> 1
        else:
            total += value.size if isinstance(value, ScriptObject) else ScriptObject.size
        parts = _parts(value)
        if parts:
            if len(parts) > 100_000:
                m.meter.check()
            # Numbers are not looked at one by one: to remember each would take more memory than they do.
            if SMALL.issuperset(map(type, parts)) and max(map(sys.getsizeof, parts)) <= LARGEST_SMALL:
                total += SMALL_SIZE * len(parts)
            else:
                stack += parts
    return total + SEEN_SIZE * len(seen)


def _parts(value: Any) -> Collection[Any]:
    kind = type(value)
    if kind is dict:
        return [*value.keys(), *value.values()]
    if kind in (list, tuple, set, frozenset):
        return value
    if isinstance(value, BaseException):
        return value.args
    if kind is Stream:
        return value.sources
    if kind is Frame:
        return [value.variables, value.value, value.parent]
    if kind is ScriptFunction:
        return [value.closure, value.defaults]
    if kind is Method:
        return [value.owner]
    return getattr(value, 'held', ()) if isinstance(value, ScriptObject) else ()

"""JSON values as JavaScript has them: the web UI's numbers are doubles, and its `undefined` leaves no trace in JSON."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeGuard

from ..errors import TranspileError

_EXACT = 2**53
_DEPTH = 200


class Undefined(enum.Enum):
    """JavaScript's `undefined`: a value that `JSON.stringify` leaves out."""

    UNDEFINED = enum.auto()


UNDEFINED = Undefined.UNDEFINED


def to_json(value: Any, depth: int = 0) -> Any:
    """The value after a round trip through the browser's JSON, as a copy of its own.

    Whole floats become ints, integers beyond 2**53 lose their last digits, NaN and infinities become null.
    Raises TranspileError where it nests deeper than 200 levels.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -_EXACT <= value <= _EXACT else _rounded(value)
    if kind is float:
        return _number(value)
    if depth > _DEPTH:
        raise TranspileError(f'a value nests deeper than {_DEPTH} levels')
    if isinstance(value, (list, tuple)):
        return [None if item is UNDEFINED else to_json(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_json(item, depth + 1) for key, item in value.items() if item is not UNDEFINED}
    return str(value)


def _number(value: float) -> int | float | None:
    if not math.isfinite(value):
        return None
    if value.is_integer() and abs(value) < 1e21:
        return _rounded(int(value)) if abs(value) > _EXACT else int(value)
    return value


def _rounded(value: int) -> int | float | None:
    try:
        nearest = float(value)
    except OverflowError:
        return None
    return int(Decimal(repr(nearest))) if abs(nearest) < 1e21 else nearest


def prompt_value(value: Any, widget_type: str = '') -> Any:
    """How a widget's value stands in a prompt: lists are wrapped so that they are no links (`executionUtil.ts`)."""
    value = to_json(value)
    if isinstance(value, list):
        if widget_type == 'curve':
            return {'__type__': 'CURVE', '__value__': value}
        return {'__value__': value}
    return value


def is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_number(value: Any) -> float:
    """What JavaScript's arithmetic takes a value for: null is 0, texts are read, the rest is NaN."""
    if is_number(value):
        return value
    if value is None or isinstance(value, bool):
        return int(bool(value))
    if isinstance(value, str):
        try:
            return float(value) if value.strip() and '_' not in value else (math.nan if value.strip() else 0)
        except ValueError:
            return math.nan
    return math.nan


def round_half_up(value: float) -> int | float:
    """JavaScript's `Math.round`."""
    return math.floor(value + 0.5) if math.isfinite(value) and abs(value) < _EXACT else value


def to_fixed(value: float, digits: int) -> float:
    """`Number(value.toFixed(digits))`."""
    if not math.isfinite(value) or abs(value) >= 1e21:
        return value
    quantum = Decimal(1).scaleb(-min(max(digits, 0), 100))
    exact = Decimal(value)
    try:
        fixed = abs(exact).quantize(quantum, rounding=ROUND_HALF_UP)
    except ArithmeticError:
        return value
    return float(fixed if value >= 0 else -fixed)


def truthy(value: Any) -> bool:
    """Whether JavaScript's `if` takes it: empty lists and objects count as true there."""
    if value is None or value is UNDEFINED or value is False:
        return False
    if isinstance(value, (int, float)):
        return value != 0 and value == value
    return value != ''


def compatible(first: str, second: str) -> bool:
    """Whether slots of these types may be connected (`LiteGraph.isValidConnection`)."""
    if first == second or first in _WILD or second in _WILD:
        return True
    first, second = first.lower(), second.lower()
    if ',' not in first and ',' not in second:
        return first == second
    theirs = set(second.split(','))
    ours = first.split(',')
    if any(part in _WILD for part in ours) or any(part in _WILD for part in theirs):
        return True
    return any(part in theirs for part in ours)


_WILD = frozenset({'*', '', '0'})

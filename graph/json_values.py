"""What a value is after it went through JSON: what a server's process has in memory is made what its clients get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PLAIN = frozenset({str, int, float, bool, type(None)})


def as_json(value: Any) -> Any:
    """`json.loads(json.dumps(value))`, for values that JSON cannot hold, too: those stay as they are.

    Members of `class Kind(str, Enum)` become their text, which `str()` of them is not; tuples become lists; keys
    become texts. What is plain already is given back itself: lists of models are long.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, (list, tuple)):
        if _PLAIN.issuperset(map(type, value)):
            return value if kind is list else list(value)
        return [as_json(item) for item in value]
    if isinstance(value, Mapping):
        return {_as_key(key): as_json(item) for key, item in value.items()}
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return value


def _as_key(key: Any) -> Any:
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool):
        return {None: 'null', True: 'true', False: 'false'}[key]
    if isinstance(key, int):
        return int.__repr__(key)
    return float.__repr__(key) if isinstance(key, float) else key

"""The kinds of values that scripts compute with: Python's own, by their exact type.

Every decision of the interpreter is made on the exact type of a value. A type that is not named here is opaque:
it can be passed to nodes, stored and compared by identity, and nothing else.
"""

from __future__ import annotations

import datetime
import sys
from typing import Any

NoneType = type(None)

EllipsisType = type(...)

DictKeys = type({}.keys())

DictValues = type({}.values())

DictItems = type({}.items())

NUMBERS = frozenset({int, float, bool, complex})

WHOLE = frozenset({int, bool})

SCALARS = frozenset({int, float, bool, complex, str, bytes, NoneType, EllipsisType})
"""Values without parts: Python's own comparison and hash are safe on them."""

TEXTS = frozenset({str, bytes})

SEQUENCES = frozenset({list, tuple})

SETS = frozenset({set, frozenset, DictKeys})

SIZED = frozenset({list, tuple, dict, set, frozenset, DictKeys, DictValues, DictItems, str, bytes})
"""Values whose elements are all there already, so that their number bounds what a walk costs."""

TIMES = frozenset({datetime.date, datetime.time, datetime.datetime, datetime.timedelta, datetime.timezone})


def loaded_torch() -> Any:
    """PyTorch, where somebody has loaded it; else None: a script never loads it."""
    return sys.modules.get('torch')


def is_tensor(value: Any) -> bool:
    torch = sys.modules.get('torch')
    return torch is not None and issubclass(type(value), torch.Tensor)

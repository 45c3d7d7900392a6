"""JSON values and bytes, changed at random."""

# ruff: noqa: E501
from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

ODD: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, 2**64, 1e308, float('nan'), float('inf'), '', 'x', '*', '\ud800', '\0', '__proto__',
    "'''\nimport os\n'''", '\u2028', [], {}, [[]], [None], {'': None}, {'__value__': []}, ['1', 0], ['1', -1], 'a' * 5000,
    [0] * 2000, '1:2:3', -10, -20, 'Reroute', 'PrimitiveNode', 'IMAGE', 'COMBO',
]  # fmt: skip


MOST_PLACES = 30_000


def copied(value: Any) -> Any:
    return json.loads(json.dumps(value))


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a JSON value."""
    found: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        item = pending.pop()
        keys = item.keys() if isinstance(item, dict) else range(len(item)) if isinstance(item, list) else ()
        for key in keys:
            found.append((item, key))
            pending.append(item[key])
    return found


def deep(source: random.Random) -> Any:
    value: Any = copied(source.choice(ODD))
    for _ in range(source.choice([3, 30, 150])):
        value = [value] if source.random() < 0.5 else {'a': value}
    return value


def changed(value: Any, source: random.Random, donors: Sequence[Any] = (), most: int = 8) -> Any:
    """A copy with some parts replaced, taken away, given twice, or taken from elsewhere."""
    made = copied(value)
    for _ in range(source.randint(1, most)):
        found = places(made)
        if not found:
            return copied(source.choice(ODD))
        if len(found) > MOST_PLACES:  # it grows by copies of itself
            return made
        container, key = source.choice(found)
        kind = source.randrange(7)
        if kind == 0:
            del container[key]
        elif kind == 1 and isinstance(container, list):
            container.insert(key, copied(container[key]))
        elif kind == 2:
            container[key] = deep(source)
        elif kind == 3 and isinstance(container, dict):
            container[str(source.choice(ODD))[:20]] = container.pop(key)
        elif kind <= 5 and donors:
            donor, name = source.choice(places(source.choice(donors)) or [([0], 0)])
            container[key] = copied(donor[name])
        else:
            container[key] = copied(source.choice(ODD))
    return made


NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


def changed_bytes(data: bytes, source: random.Random, donors: Sequence[bytes] = (), most: int = 6) -> bytes:
    """The same with bytes and sizes changed, pieces taken out, given many times, or from elsewhere."""
    made = bytearray(data)
    for _ in range(source.randint(1, most)):
        at = source.randrange(len(made) + 1)
        end = min(at + source.choice([1, 2, 4, 8, 30, 300]), len(made))
        kind = source.randrange(8)
        if kind == 0 and at < len(made):
            made[at] ^= 1 << source.randrange(8)
        elif kind == 1:
            size = source.choice([1, 2, 4, 8])
            number = source.choice(NUMBERS) % (1 << 8 * size)
            made[at : at + size] = number.to_bytes(size, source.choice(['little', 'big']))
        elif kind == 2:
            del made[at:end]
        elif kind == 3:
            made[at:at] = made[at:end] * source.choice([1, 2, 50, 3000])
        elif kind == 4 and donors:
            donor = source.choice(donors)
            start = source.randrange(len(donor))
            made[at:end] = donor[start : start + source.choice([4, 12, 100, 1000])]
        elif kind == 5:
            del made[at:]
        elif kind == 6:
            made[at:at] = bytes(source.choice([1, 100, 70_000]))
        else:
            made[at:end] = source.randbytes(end - at)
        del made[4_000_000:]
    return bytes(made)

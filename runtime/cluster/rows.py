"""Rows and their keys, and keys as names of folders."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ClusterError, DuplicateKeyError

Key = str | Callable[[Any], Any] | None

_PLAIN = re.compile(r'[0-9a-z]([0-9a-z_.-]{0,62}[0-9a-z_-])?')
_HASHED = re.compile(r'.*-[0-9a-f]{16}')
_RESERVED = re.compile(r'(con|prn|aux|nul|com\d|lpt\d)(\..*)?')


@dataclass(frozen=True)
class Row:
    """One row of work: its place among the rows, its key, its route and what the work is given."""

    number: int
    key: str
    route: Any
    given: Any


def read_rows(rows: Iterable[Any], key: Key, route: Key) -> Iterator[Row]:
    """Rows as they are read, one after another. Raises ClusterError for one without its key, DuplicateKeyError."""
    seen: dict[str, int] = {}
    for number, given in enumerate(rows):
        name = str(number) if key is None else _key_text(_value(given, key, number, 'key'), number)
        if name in seen:
            raise DuplicateKeyError(
                f'Rows {seen[name]} and {number} have the same key {name!r}: their outputs would replace each other. '
                'Give a key that differs, or key=None for the number of the row.'
            )
        seen[name] = number
        yield Row(number, name, None if route is None else _value(given, route, number, 'route'), given)


def _value(given: Any, key: str | Callable[[Any], Any], number: int, what: str) -> Any:
    if callable(key):
        return key(given)
    if not isinstance(given, Mapping):
        raise ClusterError(f'Row {number} is no dict, so it has no {what} {key!r}: give {what} a function, or None.')
    if key not in given:
        has = ', '.join(map(repr, given)) or 'nothing'
        raise ClusterError(f'Row {number} has no {key!r}, its {what}: it has {has}.')
    return given[key]


def _key_text(value: Any, number: int) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ClusterError(f'The key of row {number} is {value!r}: keys are texts or whole numbers.')
    return str(value)


def folder_name(key: str) -> str:
    """A key as the name of a folder: no two keys share one, on any system, whatever is in them."""
    if _PLAIN.fullmatch(key) and not _HASHED.fullmatch(key) and not _RESERVED.fullmatch(key):
        return key
    readable = re.sub(r'[^0-9a-z_]+', '-', key.lower()).strip('-')[:40] or 'key'
    return f'{readable}-{hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]}'

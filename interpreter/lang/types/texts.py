"""What `str` and `bytes` offer after a dot.

Methods whose result can be much larger than what they were given are written out, with their bound; the others are
Python's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bounds import ELEMENT_SIZE
from ..costs import counted
from ..elements import collect
from ..errors import ScriptLimit
from ..kinds import TEXTS
from ..machine import Machine
from ..objects import Attributes, as_index, type_name
from ..templates import str_format
from .entries import charged, native, natives, plain

ENCODINGS = frozenset({'utf8', 'ascii', 'latin1', 'utf16', 'utf32', 'utf16le', 'utf16be', 'iso88591', 'cp1252'})

MAX_COMPARED = 100_000_000
"""Characters that one search may compare, where Python's own looks at each place anew."""

MAX_LOOKED_UP = 4_000_000
"""Characters of one text that Python looks up one by one, each in 0.1 µs."""

MAX_REPAIRED = 1_000_000
"""Characters of a text, or bytes, each of which may be handed to an error handler, in 0.5 µs."""


def _backwards(function: Callable[..., Any]) -> Callable[..., Any]:
    """A search from the end: unlike the one from the start, it takes time by the product of both lengths."""
    search = native(function)

    def call(m: Machine, owner: str, sought: Any, /, *place: Any) -> Any:
        _check_product(owner, sought)
        return search(m, owner, sought, *place)

    return call


def _check_product(owner: Any, sought: Any) -> None:
    if type(sought) in TEXTS and len(sought) > 10 and len(sought) * len(owner) > MAX_COMPARED:
        raise ScriptLimit(f'{len(owner)} characters are too many to look through them for these {len(sought)}')


def _stripped(function: Callable[..., Any]) -> Callable[..., Any]:
    strip = native(function)

    def call(m: Machine, owner: Any, characters: Any = None, /) -> Any:
        _check_product(owner, characters)
        return strip(m, owner, characters)

    return call


def _edge(function: Callable[..., bool]) -> Callable[..., bool]:
    test = native(function)

    def call(m: Machine, owner: Any, sought: Any, /, *place: Any) -> bool:
        if type(sought) is tuple:
            for item in sought:
                m.meter.ticks(1 + (len(item) >> 12 if type(item) in TEXTS else 0))
        return test(m, owner, sought, *place)

    return call


def _padded(function: Callable[..., str]) -> Callable[..., str]:
    def call(m: Machine, owner: str, width: Any, /, *fill: Any) -> str:
        width = as_index(width)
        plain(m, fill)
        m.meter.text_size(width)
        m.charge(49 + max(width, len(owner)))
        return function(owner, width, *fill)

    return call


def _expandtabs(m: Machine, owner: str, /, tabsize: Any = 8) -> str:
    m.meter.text_size(len(owner) + owner.count('\t') * max(as_index(tabsize), 0))
    return native(str.expandtabs)(m, owner, tabsize)


def _replace(m: Machine, owner: str, old: Any, new: Any, count: Any = -1, /) -> str:
    plain(m, (old, new))
    if type(old) is str and type(new) is str and len(new) > len(old):
        found = owner.count(old)
        times = as_index(count)
        m.meter.text_size(len(owner) + (min(found, times) if times >= 0 else found) * (len(new) - len(old)))
    return native(str.replace)(m, owner, old, new, as_index(count))


def _join(m: Machine, owner: str, values: Any, /) -> str:
    parts = collect(m, values)
    for index, part in enumerate(parts):
        if type(part) is not str:
            raise TypeError(f'sequence item {index}: expected str instance, {type_name(part)} found')
    size = sum(map(len, parts)) + len(owner) * max(len(parts) - 1, 0)
    m.meter.text_size(size)
    return charged(m, owner.join(parts))


def _few(what: str, value: Any, most: int) -> None:
    if len(value) > most:
        raise ScriptLimit(f'{what} of {len(value)} characters is longer than the {most} allowed')


def _cased(function: Callable[..., str]) -> Callable[..., str]:
    change = native(function)

    def call(m: Machine, owner: str, /) -> str:
        if not owner.isascii():
            _few('upper and lower case: a string that is not ASCII', owner, MAX_LOOKED_UP)
        return change(m, owner)

    return call


def _splitter(function: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def call(m: Machine, owner: str, /, sep: Any = None, maxsplit: Any = -1) -> list[str]:
        plain(m, (sep,))
        limit = m.bounds.items
        count = as_index(maxsplit)
        if function is str.rsplit:
            _check_product(owner, sep)
        m.meter.passed_over(len(owner))
        return charged(m, function(owner, sep, limit if count < 0 else min(count, limit)))

    return call


def _splitlines(m: Machine, owner: str, /, keepends: Any = False) -> list[str]:
    if len(owner) > m.bounds.items:
        raise ScriptLimit(f'a string of more than {m.bounds.items} characters cannot be split into lines')
    return native(str.splitlines)(m, owner, keepends)


def _translate(m: Machine, owner: str, table: Any, /) -> str:
    if not owner:
        return owner  # as in Python, the table is not looked at
    if type(table) in (list, tuple, str, bytes):
        m.charge(2 * ELEMENT_SIZE * len(table))
        table = dict(enumerate(table))
    if type(table) is not dict:
        raise TypeError('str.translate takes a dict, as made by str.maketrans')
    _few('translate(): a string', owner, MAX_LOOKED_UP)
    plain(m, table.values())
    longest = max((len(value) for value in table.values() if type(value) is str), default=1)
    m.meter.text_size(len(owner) * max(longest, 1))
    return native(lambda text: text.translate(table))(m, owner)


def _check_encoding(owner: Any, encoding: Any, errors: Any) -> None:
    if type(encoding) is not str or encoding.lower().replace('-', '').replace('_', '') not in ENCODINGS:
        raise LookupError(f'the encoding {encoding!r} is not available in scripts: use "utf-8"')
    if errors not in ('strict', 'ignore', 'replace', 'backslashreplace', 'xmlcharrefreplace', 'surrogateescape'):
        raise LookupError(f'the error handler {errors!r} is not available in scripts')
    if errors != 'strict':
        _few(f'{errors}: a text', owner, MAX_REPAIRED)


def _encode(m: Machine, owner: str, /, encoding: Any = 'utf-8', errors: Any = 'strict') -> bytes:
    _check_encoding(owner, encoding, errors)
    return native(str.encode)(m, owner, encoding, errors)


def _decode(m: Machine, owner: bytes, /, encoding: Any = 'utf-8', errors: Any = 'strict') -> str:
    _check_encoding(owner, encoding, errors)
    return native(bytes.decode)(m, owner, encoding, errors)


STR: Attributes = {
    **natives(
        str,
        'count find index isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric '
        'isprintable isspace istitle isupper partition removeprefix removesuffix',
    ),
    **counted(
        {name: _cased(getattr(str, name)) for name in ('capitalize', 'casefold', 'lower', 'swapcase', 'title', 'upper')}
    ),
    **counted({name: _backwards(getattr(str, name)) for name in ('rfind', 'rindex', 'rpartition')}),
    **counted({name: _stripped(getattr(str, name)) for name in ('strip', 'lstrip', 'rstrip')}),
    **counted({name: _edge(getattr(str, name)) for name in ('startswith', 'endswith')}),
    **counted({name: _padded(getattr(str, name)) for name in ('center', 'ljust', 'rjust', 'zfill')}),
    **counted({name: _splitter(getattr(str, name)) for name in ('split', 'rsplit')}),
    **counted(
        {
            'encode': _encode,
            'expandtabs': _expandtabs,
            'format': str_format,
            'join': _join,
            'replace': _replace,
            'splitlines': _splitlines,
            'translate': _translate,
        }
    ),
}

BYTES: Attributes = {
    **natives(bytes, 'count find hex index'),
    **counted({name: _edge(getattr(bytes, name)) for name in ('startswith', 'endswith')}),
    **counted({'decode': _decode, 'strip': _stripped(bytes.strip)}),
}

"""What each type offers after a dot. A name that is not in its type's table does not exist in scripts.

Methods whose result can be much larger than what they were given are written out, with their bound; the others are
Python's own, called only with arguments of Python's plain types.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from typing import Any

from .errors import ScriptLimit
from .formatting import check_spec, format_value, str_format
from .machine import ELEMENT_SIZE, Attributes, Machine
from .objects import (
    SCALARS,
    SETS,
    SIZED,
    TEXTS,
    TIMES,
    DictItems,
    DictKeys,
    DictValues,
    Property,
    type_name,
)
from .operators import extend

ENCODINGS = frozenset({'utf8', 'ascii', 'latin1', 'utf16', 'utf32', 'utf16le', 'utf16be', 'iso88591', 'cp1252'})


def plain(m: Machine, values: Any) -> Any:
    """Arguments that Python's own code may get: their methods are Python's as well. Raises TypeError."""
    for value in values:
        kind = type(value)
        if kind in SCALARS:
            continue
        if kind is tuple:
            m.meter.ticks(1 + (len(value) >> 4))
            plain(m, value)
        elif kind not in TIMES:
            raise TypeError(f'an argument of type {type_name(value)} does not fit here')
    return values


def native(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method of a plain type whose result is not much larger than its owner."""

    def call(m: Machine, owner: Any, /, *args: Any, **kwargs: Any) -> Any:
        plain(m, args)
        if kwargs:
            plain(m, kwargs.values())
        if type(owner) in TEXTS:
            m.meter.passed_over(len(owner))
        return charged(m, function(owner, *args, **kwargs))

    return call


def charged(m: Machine, found: Any) -> Any:
    """What Python's own code made, accounted for."""
    kind = type(found)
    if kind in TEXTS:
        m.meter.text_size(len(found))
        m.charge(sys.getsizeof(found))
    elif kind in SIZED:
        m.meter.item_count(len(found))
        m.charge(sys.getsizeof(found) + sum(map(sys.getsizeof, found)))
    return found


def natives(owner: type, names: str) -> Attributes:
    return {name: native(getattr(owner, name)) for name in names.split() if hasattr(owner, name)}


def read(function: Callable[[Any], Any]) -> Property:
    return Property(lambda m, owner: function(owner))


# str

MAX_COMPARED = 100_000_000
"""Characters that one search may compare, where Python's own looks at each place anew."""


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
        width = m.index(width)
        plain(m, fill)
        m.meter.text_size(width)
        m.charge(49 + max(width, len(owner)))
        return function(owner, width, *fill)

    return call


def _expandtabs(m: Machine, owner: str, /, tabsize: Any = 8) -> str:
    m.meter.text_size(len(owner) + owner.count('\t') * max(m.index(tabsize), 0))
    return native(str.expandtabs)(m, owner, tabsize)


def _replace(m: Machine, owner: str, old: Any, new: Any, count: Any = -1, /) -> str:
    plain(m, (old, new))
    if type(old) is str and type(new) is str and len(new) > len(old):
        found = owner.count(old)
        times = m.index(count)
        m.meter.text_size(len(owner) + (min(found, times) if times >= 0 else found) * (len(new) - len(old)))
    return native(str.replace)(m, owner, old, new, m.index(count))


def _join(m: Machine, owner: str, values: Any, /) -> str:
    parts = m.collect(values)
    for index, part in enumerate(parts):
        if type(part) is not str:
            raise TypeError(f'sequence item {index}: expected str instance, {type_name(part)} found')
    size = sum(map(len, parts)) + len(owner) * max(len(parts) - 1, 0)
    m.meter.text_size(size)
    return charged(m, owner.join(parts))


def _splitter(function: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def call(m: Machine, owner: str, /, sep: Any = None, maxsplit: Any = -1) -> list[str]:
        plain(m, (sep,))
        limit = m.bounds.items
        count = m.index(maxsplit)
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
    plain(m, table.values())
    longest = max((len(value) for value in table.values() if type(value) is str), default=1)
    m.meter.text_size(len(owner) * max(longest, 1))
    return native(lambda text: text.translate(table))(m, owner)


def _check_encoding(encoding: Any, errors: Any) -> None:
    if type(encoding) is not str or encoding.lower().replace('-', '').replace('_', '') not in ENCODINGS:
        raise LookupError(f'the encoding {encoding!r} is not available in scripts: use "utf-8"')
    if errors not in ('strict', 'ignore', 'replace', 'backslashreplace', 'xmlcharrefreplace', 'surrogateescape'):
        raise LookupError(f'the error handler {errors!r} is not available in scripts')


def _encode(m: Machine, owner: str, /, encoding: Any = 'utf-8', errors: Any = 'strict') -> bytes:
    _check_encoding(encoding, errors)
    return native(str.encode)(m, owner, encoding, errors)


def _decode(m: Machine, owner: bytes, /, encoding: Any = 'utf-8', errors: Any = 'strict') -> str:
    _check_encoding(encoding, errors)
    return native(bytes.decode)(m, owner, encoding, errors)


STR: Attributes = {
    **natives(
        str,
        'capitalize casefold count find index isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric '
        'isprintable isspace istitle isupper lower partition removeprefix removesuffix swapcase title upper',
    ),
    **{name: _backwards(getattr(str, name)) for name in ('rfind', 'rindex', 'rpartition')},
    **{name: _stripped(getattr(str, name)) for name in ('strip', 'lstrip', 'rstrip')},
    **{name: _edge(getattr(str, name)) for name in ('startswith', 'endswith')},
    'center': _padded(str.center),
    'ljust': _padded(str.ljust),
    'rjust': _padded(str.rjust),
    'zfill': _padded(str.zfill),
    'expandtabs': _expandtabs,
    'replace': _replace,
    'join': _join,
    'split': _splitter(str.split),
    'rsplit': _splitter(str.rsplit),
    'splitlines': _splitlines,
    'translate': _translate,
    'encode': _encode,
    'format': str_format,
}

BYTES: Attributes = {
    **natives(bytes, 'count find hex index'),
    'strip': _stripped(bytes.strip),
    **{name: _edge(getattr(bytes, name)) for name in ('startswith', 'endswith')},
    'decode': _decode,
}


# Numbers


def _to_bytes(m: Machine, owner: int, /, length: Any = 1, byteorder: Any = 'big', *, signed: Any = False) -> bytes:
    if m.index(length) > 4096:
        raise ScriptLimit('more than 4096 bytes of one integer')
    return int.to_bytes(owner, length, byteorder, signed=bool(signed))


_NUMBER: Attributes = {'real': read(lambda x: x.real), 'imag': read(lambda x: x.imag), 'conjugate': native(lambda x: x)}
INT: Attributes = {
    **_NUMBER,
    **natives(int, 'bit_length bit_count as_integer_ratio is_integer'),
    'numerator': read(lambda x: x.numerator),
    'denominator': read(lambda x: x.denominator),
    'to_bytes': _to_bytes,
}
FLOAT: Attributes = {**_NUMBER, **natives(float, 'as_integer_ratio hex is_integer')}
COMPLEX: Attributes = {**_NUMBER, 'conjugate': native(complex.conjugate)}


# list, tuple, range


def _append(m: Machine, owner: list, value: Any, /) -> None:
    m.changeable(owner)
    m.meter.item_count(len(owner) + 1)
    m.charge(8)
    owner.append(value)


def _extend(m: Machine, owner: list, values: Any, /) -> None:
    extend(m, owner, values)


def _insert(m: Machine, owner: list, index: Any, value: Any, /) -> None:
    m.changeable(owner)
    m.meter.item_count(len(owner) + 1)
    m.meter.ticks(len(owner) >> 8)
    m.charge(8)
    owner.insert(m.index(index), value)


def _list_pop(m: Machine, owner: list, index: Any = -1, /) -> Any:
    m.changeable(owner)
    m.meter.ticks(len(owner) >> 8)
    return owner.pop(m.index(index))


def _list_remove(m: Machine, owner: list, value: Any, /) -> None:
    m.changeable(owner)
    index = m.index_of(owner, value)
    if index < 0:
        raise ValueError('list.remove(x): x not in list')
    del owner[index]


def _clear(m: Machine, owner: Any, /) -> None:
    m.changeable(owner)
    owner.clear()


def _reverse(m: Machine, owner: list, /) -> None:
    m.changeable(owner)
    owner.reverse()


def _position(m: Machine, owner: Any, value: Any, start: Any = 0, stop: Any = None, /) -> int:
    start, stop, _ = slice(m.index(start), None if stop is None else m.index(stop)).indices(len(owner))
    index = m.index_of(owner, value, start, stop)
    if index < 0:
        raise ValueError(f'{type_name(owner)}.index(x): x not in {type_name(owner)}')
    return index


def _count(m: Machine, owner: Any, value: Any, /) -> int:
    m.meter.ticks(len(owner) >> 4)
    return sum(1 for item in owner if item is value or m.equals(item, value))


def _copy(m: Machine, owner: Any, /) -> Any:
    m.meter.ticks(len(owner) >> 4)
    m.charge(sys.getsizeof(owner))
    return owner.copy()


def sorted_list(m: Machine, values: list, key: Any, reverse: Any) -> list:
    """A sorted copy, by script functions or Python's own order."""
    keys = values if key is None else [m.call(key, [value], {}) for value in values]
    m.meter.ticks(len(values) >> 2)
    shells = m.sort_keys(keys)
    order = sorted(range(len(values)), key=shells.__getitem__, reverse=m.truth(reverse))
    return [values[index] for index in order]


def _sort(m: Machine, owner: list, /, *, key: Any = None, reverse: Any = False) -> None:
    m.changeable(owner)
    before = list(owner)
    m.charge(16 * len(before))
    found = sorted_list(m, before, key, reverse)
    if len(owner) != len(before):
        raise ValueError('list modified during sort')
    owner[:] = found


LIST: Attributes = {
    'append': _append,
    'extend': _extend,
    'insert': _insert,
    'pop': _list_pop,
    'remove': _list_remove,
    'clear': _clear,
    'reverse': _reverse,
    'index': _position,
    'count': _count,
    'copy': _copy,
    'sort': _sort,
}
TUPLE: Attributes = {'index': _position, 'count': _count}


def _range_index(m: Machine, owner: range, value: Any, /) -> int:
    if type(value) not in (int, bool):
        raise ValueError('range.index(x): x not in range')
    return owner.index(value)


RANGE: Attributes = {
    'start': read(lambda x: x.start),
    'stop': read(lambda x: x.stop),
    'step': read(lambda x: x.step),
    'index': _range_index,
    'count': lambda m, owner, value: int(m.contains(owner, value)),
}


# dict


def _get(m: Machine, owner: dict, key: Any, default: Any = None, /) -> Any:
    return owner.get(m.hashable(key), default)


_NOTHING = object()


def _dict_pop(m: Machine, owner: dict, key: Any, default: Any = _NOTHING, /) -> Any:
    m.changeable(owner)
    m.hashable(key)
    return owner.pop(key) if default is _NOTHING else owner.pop(key, default)


def _popitem(m: Machine, owner: dict, /) -> tuple:
    m.changeable(owner)
    return owner.popitem()


def _setdefault(m: Machine, owner: dict, key: Any, default: Any = None, /) -> Any:
    m.changeable(owner)
    m.meter.item_count(len(owner) + 1)
    m.charge(64)
    return owner.setdefault(m.hashable(key), default)


def pairs(m: Machine, values: Any) -> dict:
    """A new dict from a dict or an iterable of pairs."""
    if type(values) is dict:
        return values
    found = {}
    for index, item in enumerate(m.metered(values)):
        m.meter.tick()
        pair = m.collect(item)
        if len(pair) != 2:
            raise ValueError(f'dictionary update sequence element #{index} has length {len(pair)}; 2 is required')
        found[m.hashable(pair[0])] = pair[1]
        m.meter.item_count(len(found))
    m.charge(64 + 64 * len(found))
    return found


def _update(m: Machine, owner: dict, values: Any = (), /, **named: Any) -> None:
    m.changeable(owner)
    other = pairs(m, values)
    m.meter.item_count(len(owner) + len(other) + len(named))
    m.meter.ticks((len(other) + len(named)) >> 4)
    m.charge(64 * (len(other) + len(named)))
    owner.update(other, **named)


def _view(function: Callable[[dict], Any]) -> Callable[..., Any]:
    return lambda m, owner: function(owner)


DICT: Attributes = {
    'get': _get,
    'keys': _view(dict.keys),
    'values': _view(dict.values),
    'items': _view(dict.items),
    'pop': _dict_pop,
    'popitem': _popitem,
    'setdefault': _setdefault,
    'update': _update,
    'clear': _clear,
    'copy': _copy,
}


# set, frozenset


def as_set(m: Machine, values: Any) -> Any:
    """The elements of any iterable as a set."""
    if type(values) in SETS:
        return values
    found = set()
    for item in m.metered(values):
        found.add(m.hashable(item))
        m.meter.item_count(len(found))
    m.charge(200 + 32 * len(found))
    return found


def _set_operation(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(m: Machine, owner: Any, /, *others: Any) -> Any:
        sets = [as_set(m, other) for other in others]
        size = len(owner) + sum(map(len, sets))
        m.meter.item_count(size)
        m.meter.ticks(size >> 4)
        m.charge(200 + 64 * size)
        return function(owner, *sets)

    return call


def _set_change(function: Callable[..., Any]) -> Callable[..., Any]:
    operate = _set_operation(function)

    def call(m: Machine, owner: set, /, *others: Any) -> None:
        m.changeable(owner)
        operate(m, owner, *others)

    return call


def _add(m: Machine, owner: set, value: Any, /) -> None:
    m.changeable(owner)
    m.meter.item_count(len(owner) + 1)
    m.charge(32)
    owner.add(m.hashable(value))


def _discard(m: Machine, owner: set, value: Any, /) -> None:
    m.changeable(owner)
    owner.discard(m.hashable(value))


def _set_remove(m: Machine, owner: set, value: Any, /) -> None:
    m.changeable(owner)
    owner.remove(m.hashable(value))


def _set_pop(m: Machine, owner: set, /) -> Any:
    m.changeable(owner)
    return owner.pop()


_SET_NAMES = ('union', 'intersection', 'difference', 'issubset', 'issuperset', 'isdisjoint')
FROZENSET: Attributes = {
    **{name: _set_operation(getattr(frozenset, name)) for name in _SET_NAMES},
    'symmetric_difference': _set_operation(frozenset.symmetric_difference),
    'copy': lambda m, owner: owner,
}
SET: Attributes = {
    **{name: _set_operation(getattr(set, name)) for name in (*_SET_NAMES, 'symmetric_difference')},
    'add': _add,
    'discard': _discard,
    'remove': _set_remove,
    'pop': _set_pop,
    'clear': _clear,
    'copy': _copy,
    'update': _set_change(set.update),
    'intersection_update': _set_change(set.intersection_update),
    'difference_update': _set_change(set.difference_update),
    'symmetric_difference_update': _set_change(set.symmetric_difference_update),
}


# Times


def _strftime(m: Machine, owner: Any, template: Any, /) -> str:
    plain(m, (template,))
    check_spec(template if type(template) is str else '')
    return format_value(m, owner, template) if template else ''


def _reads(names: str) -> Attributes:
    return {name: read(lambda x, name=name: getattr(x, name)) for name in names.split()}


_DATE: Attributes = {
    **_reads('year month day'),
    **natives(datetime.date, 'isoformat weekday isoweekday toordinal replace'),
    'strftime': _strftime,
}
_TIME = _reads('hour minute second microsecond')
_ATTRIBUTES_OF_TIMES: dict[type, Attributes] = {
    datetime.date: _DATE,
    datetime.time: {**_TIME, **natives(datetime.time, 'isoformat replace'), 'strftime': _strftime},
    datetime.datetime: {
        **_DATE,
        **_TIME,
        **natives(datetime.datetime, 'isoformat date time timestamp replace weekday isoweekday'),
    },
    datetime.timedelta: {**_reads('days seconds microseconds'), **natives(datetime.timedelta, 'total_seconds')},
    datetime.timezone: {},
}


ATTRIBUTES: dict[type, Attributes] = {
    str: STR,
    bytes: BYTES,
    int: INT,
    bool: INT,
    float: FLOAT,
    complex: COMPLEX,
    list: LIST,
    tuple: TUPLE,
    range: RANGE,
    dict: DICT,
    set: SET,
    frozenset: FROZENSET,
    DictKeys: {},
    DictValues: {},
    DictItems: {},
    type(None): {},
    type(...): {},
    slice: _reads('start stop step'),
    Exception: {'args': read(lambda x: x.args)},
    **_ATTRIBUTES_OF_TIMES,
}

__all__ = ['ATTRIBUTES', 'as_set', 'native', 'natives', 'pairs', 'plain', 'read', 'sorted_list']

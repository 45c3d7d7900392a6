"""What lists, tuples, ranges, dicts and sets offer after a dot."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable
from typing import Any

from ..calling import call_value
from ..comparison import contains, equals, hashable, position_of, sort_keys, truth
from ..costs import constant, counted
from ..elements import collect, metered
from ..kinds import SETS
from ..machine import Machine
from ..objects import Attributes, as_index, type_name
from .entries import read

SORTED_AT_ONCE = 1 << 18


def _append(m: Machine, owner: list, value: Any, /) -> None:
    m.changeable(owner)
    m.meter.item_count(len(owner) + 1)
    m.charge(8)
    owner.append(value)


def extend(m: Machine, left: list, right: Any) -> list:
    m.changeable(left)
    items = collect(m, right)
    m.meter.item_count(len(left) + len(items))
    left += items
    return left


def _insert(m: Machine, owner: list, index: Any, value: Any, /) -> None:
    m.changeable(owner)
    m.meter.item_count(len(owner) + 1)
    m.meter.ticks(len(owner) >> 8)
    m.charge(8)
    owner.insert(as_index(index), value)


def _list_pop(m: Machine, owner: list, index: Any = -1, /) -> Any:
    m.changeable(owner)
    m.meter.ticks(len(owner) >> 8)
    return owner.pop(as_index(index))


def _list_remove(m: Machine, owner: list, value: Any, /) -> None:
    m.changeable(owner)
    index = position_of(m, owner, value)
    if index < 0:
        raise ValueError('list.remove(x): x not in list')
    del owner[index]


def _clear(m: Machine, owner: Any, /) -> None:
    m.changeable(owner)
    m.meter.ticks(len(owner) >> 8)
    owner.clear()


def _reverse(m: Machine, owner: list, /) -> None:
    m.changeable(owner)
    m.meter.ticks(len(owner) >> 8)
    owner.reverse()


def _position(m: Machine, owner: Any, value: Any, start: Any = 0, stop: Any = None, /) -> int:
    start, stop, _ = slice(as_index(start), None if stop is None else as_index(stop)).indices(len(owner))
    index = position_of(m, owner, value, start, stop)
    if index < 0:
        raise ValueError(f'{type_name(owner)}.index(x): x not in {type_name(owner)}')
    return index


def _count(m: Machine, owner: Any, value: Any, /) -> int:
    m.meter.ticks(len(owner) >> 4)
    return sum(1 for item in owner if item is value or equals(m, item, value))


def _copy(m: Machine, owner: Any, /) -> Any:
    m.meter.ticks(len(owner) >> 4)
    m.charge(sys.getsizeof(owner))
    return owner.copy()


def sorted_list(m: Machine, values: list, key: Any, reverse: Any) -> list:
    """A sorted copy, by script functions or Python's own order."""
    keys = values if key is None else [call_value(m, key, [value], {}) for value in values]
    m.meter.ticks(len(values) >> 2)
    shells = sort_keys(m, keys)
    backwards = truth(m, reverse)

    def in_order(places: Iterable[int]) -> list[int]:
        m.meter.check()
        return sorted(places, key=shells.__getitem__, reverse=backwards)

    # In runs, two of which Python soon merges: all at once would take a second that nobody can interrupt.
    count = len(values)
    runs = [in_order(range(start, min(start + SORTED_AT_ONCE, count))) for start in range(0, count, SORTED_AT_ONCE)]
    while len(runs) > 1:
        runs = [in_order(itertools.chain(*runs[place : place + 2])) for place in range(0, len(runs), 2)]
    return [values[place] for run in runs for place in run]


def _sort(m: Machine, owner: list, /, *, key: Any = None, reverse: Any = False) -> None:
    m.changeable(owner)
    before = list(owner)
    m.charge(16 * len(before))
    found = sorted_list(m, before, key, reverse)
    if len(owner) != len(before):
        raise ValueError('list modified during sort')
    owner[:] = found


LIST: Attributes = {
    **constant({'append': _append}),
    **counted(
        {
            'clear': _clear,
            'copy': _copy,
            'count': _count,
            'extend': extend,
            'index': _position,
            'insert': _insert,
            'pop': _list_pop,
            'remove': _list_remove,
            'reverse': _reverse,
            'sort': _sort,
        }
    ),
}
TUPLE: Attributes = counted({'index': _position, 'count': _count})


def _range_index(m: Machine, owner: range, value: Any, /) -> int:
    if type(value) not in (int, bool):
        raise ValueError('range.index(x): x not in range')
    return owner.index(value)


RANGE: Attributes = {
    'start': read(lambda x: x.start),
    'stop': read(lambda x: x.stop),
    'step': read(lambda x: x.step),
    **constant({'index': _range_index}),
    **counted({'count': lambda m, owner, value, /: int(contains(m, owner, value))}),
}


def _get(m: Machine, owner: dict, key: Any, default: Any = None, /) -> Any:
    return owner.get(hashable(m, key), default)


_NOTHING = object()


def _dict_pop(m: Machine, owner: dict, key: Any, default: Any = _NOTHING, /) -> Any:
    m.changeable(owner)
    hashable(m, key)
    return owner.pop(key) if default is _NOTHING else owner.pop(key, default)


def _popitem(m: Machine, owner: dict, /) -> tuple:
    m.changeable(owner)
    return owner.popitem()


def _setdefault(m: Machine, owner: dict, key: Any, default: Any = None, /) -> Any:
    m.changeable(owner)
    m.meter.item_count(len(owner) + 1)
    m.charge(64)
    return owner.setdefault(hashable(m, key), default)


def pairs(m: Machine, values: Any) -> dict:
    """A new dict from a dict or an iterable of pairs."""
    if type(values) is dict:
        return values
    found = {}
    for index, item in enumerate(metered(m, values)):
        m.meter.tick()
        pair = collect(m, item)
        if len(pair) != 2:
            raise ValueError(f'dictionary update sequence element #{index} has length {len(pair)}; 2 is required')
        found[hashable(m, pair[0])] = pair[1]
        m.meter.item_count(len(found))
    m.charge(64 + 64 * len(found))
    return found


def update(m: Machine, owner: dict, values: Any = (), /, **named: Any) -> None:
    m.changeable(owner)
    other = pairs(m, values)
    m.meter.item_count(len(owner) + len(other) + len(named))
    m.meter.ticks((len(other) + len(named)) >> 4)
    m.charge(64 * (len(other) + len(named)))
    owner.update(other, **named)


def _view(function: Callable[[dict], Any]) -> Callable[..., Any]:
    return lambda m, owner: function(owner)


DICT: Attributes = {
    **constant({'keys': _view(dict.keys), 'values': _view(dict.values), 'items': _view(dict.items)}),
    **counted(
        {
            'clear': _clear,
            'copy': _copy,
            'get': _get,
            'pop': _dict_pop,
            'popitem': _popitem,
            'setdefault': _setdefault,
            'update': update,
        }
    ),
}


def as_set(m: Machine, values: Any) -> Any:
    """The elements of any iterable as a set."""
    if type(values) in SETS:
        return values
    found = set()
    for item in metered(m, values):
        found.add(hashable(m, item))
        m.meter.item_count(len(found))
    m.charge(sys.getsizeof(found) + 32 * len(found))
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
    owner.add(hashable(m, value))


def _discard(m: Machine, owner: set, value: Any, /) -> None:
    m.changeable(owner)
    owner.discard(hashable(m, value))


def _set_remove(m: Machine, owner: set, value: Any, /) -> None:
    m.changeable(owner)
    owner.remove(hashable(m, value))


def _set_pop(m: Machine, owner: set, /) -> Any:
    m.changeable(owner)
    return owner.pop()


_CHANGES = ('update', 'intersection_update', 'difference_update', 'symmetric_difference_update')
_SET_NAMES = ('union', 'intersection', 'difference', 'issubset', 'issuperset', 'isdisjoint')

_OF_BOTH = counted({name: _set_operation(getattr(frozenset, name)) for name in (*_SET_NAMES, 'symmetric_difference')})
FROZENSET: Attributes = {**_OF_BOTH, **constant({'copy': lambda m, owner, /: owner})}
SET: Attributes = {
    **counted({name: _set_operation(getattr(set, name)) for name in (*_SET_NAMES, 'symmetric_difference')}),
    **counted({name: _set_change(getattr(set, name)) for name in _CHANGES}),
    **counted(
        {'add': _add, 'clear': _clear, 'copy': _copy, 'discard': _discard, 'pop': _set_pop, 'remove': _set_remove}
    ),
}

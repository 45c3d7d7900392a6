"""`itertools`, `functools` and `operator`, over streams that count their elements."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from .. import operators, subscripts
from ..calling import as_native, call_value
from ..comparison import equals, truth
from ..costs import COUNTED
from ..elements import collect, iterate, metered
from ..errors import ScriptLimit
from ..machine import Machine
from ..objects import Builtin, ModuleRef, ScriptCallable, Stream, as_index

_NONE: Any = object()


def _accumulate(m: Machine, values: Any, function: Any = None, *, initial: Any = None) -> Stream:
    step = as_native(m, function) if function is not None else (lambda a, b: operators.add(m, a, b))
    return Stream(m, itertools.accumulate(metered(m, values), step, initial=initial), values)


def _chain(m: Machine, *values: Any) -> Stream:
    return Stream(m, itertools.chain.from_iterable(metered(m, item) for item in values), *values)


def _chain_from(m: Machine, values: Any, /) -> Stream:
    return Stream(m, itertools.chain.from_iterable(metered(m, value) for value in metered(m, values)), values)


def _combinatoric(function: Callable[..., Iterator[Any]]) -> Callable[..., Stream]:
    def call(m: Machine, values: Any, r: Any = None) -> Stream:
        pool = collect(m, values)
        count = None if r is None else as_index(r)
        if (count or 0) > 1000 or len(pool) > 100_000:
            raise ScriptLimit('too many elements to combine')
        m.charge(32 * (len(pool) + (count or 0)))
        made = function(pool) if count is None else function(pool, count)
        return Stream(m, made, pool, weight=56 + 8 * (len(pool) if count is None else max(count, 0)))

    return call


def _product(m: Machine, *values: Any, repeat: Any = 1) -> Stream:
    pools = [collect(m, value) for value in values]
    times = as_index(repeat)
    if times * max(len(pools), 1) > 1000:
        raise ScriptLimit('a product of more than 1000 factors')
    weight = 56 + 8 * max(times, 0) * len(pools)
    return Stream(m, itertools.product(*pools, repeat=times), *pools, weight=weight)


def _count(m: Machine, start: Any = 0, step: Any = 1) -> Stream:
    return Stream(m, _counting(m, start, step))


def _counting(m: Machine, value: Any, step: Any) -> Iterator[Any]:
    while True:
        yield value
        value = operators.add(m, value, step)


def _cycle(m: Machine, values: Any, /) -> Stream:
    pool = collect(m, values)
    return Stream(m, itertools.cycle(pool), pool)


def _repeat(m: Machine, value: Any, times: Any = None) -> Stream:
    made = itertools.repeat(value) if times is None else itertools.repeat(value, as_index(times))
    return Stream(m, made, value)


def _tested(function: Callable[..., Iterator[Any]]) -> Callable[..., Stream]:
    def call(m: Machine, test: Any, values: Any, /) -> Stream:
        if test is None:
            return Stream(m, function(lambda value: truth(m, value), metered(m, values)), values)
        called = as_native(m, test)
        return Stream(m, function(lambda value: truth(m, called(value)), metered(m, values)), values)

    return call


def _islice(m: Machine, values: Any, *limits: Any) -> Stream:
    # A Stream even for a list: skipping far into it must be counted too.
    source = Stream(m, iterate(m, values), values)
    return Stream(m, itertools.islice(source, *(None if x is None else as_index(x) for x in limits)), source)


def _starmap(m: Machine, function: Any, values: Any, /) -> Stream:
    called = as_native(m, function)
    return Stream(m, (called(*collect(m, value)) for value in metered(m, values)), values)


def _zip_longest(m: Machine, *values: Any, fillvalue: Any = None) -> Stream:
    made = itertools.zip_longest(*(metered(m, item) for item in values), fillvalue=fillvalue)
    return Stream(m, made, *values, weight=56 + 8 * len(values))


def _pairwise(m: Machine, values: Any, /) -> Stream:
    return Stream(m, itertools.pairwise(metered(m, values)), values, weight=72)


def _compress(m: Machine, values: Any, selectors: Any) -> Stream:
    chosen = (value for value, keep in zip(metered(m, values), metered(m, selectors), strict=False) if truth(m, keep))
    return Stream(m, chosen, values, selectors)


def _groupby(m: Machine, values: Any, key: Any = None) -> Stream:
    """As lists rather than lazy groups: `for key, group in groupby(…)` reads the same."""
    return Stream(m, _groups(m, values, key), values)


def _groups(m: Machine, values: Any, key: Any) -> Iterator[Any]:
    rank = _NONE
    group: list = []
    for value in metered(m, values):
        found = value if key is None else call_value(m, key, [value], {})
        if rank is not _NONE and equals(m, rank, found):
            group.append(value)
            m.meter.item_count(len(group))
            continue
        if rank is not _NONE:
            yield rank, Stream(m, iter(group), group)
        rank, group = found, [value]
    if rank is not _NONE:
        yield rank, Stream(m, iter(group), group)


def _tee(m: Machine, values: Any, n: Any = 2, /) -> tuple:
    if as_index(n) > 100:
        raise ScriptLimit('tee() into more than 100')
    return tuple(Stream(m, copy, values) for copy in itertools.tee(metered(m, values), as_index(n)))


def _itertools() -> dict[str, Any]:
    functions = {
        'accumulate': _accumulate,
        'combinations': _combinatoric(itertools.combinations),
        'combinations_with_replacement': _combinatoric(itertools.combinations_with_replacement),
        'compress': _compress,
        'count': _count,
        'cycle': _cycle,
        'dropwhile': _tested(itertools.dropwhile),
        'filterfalse': _tested(itertools.filterfalse),
        'groupby': _groupby,
        'islice': _islice,
        'pairwise': _pairwise,
        'permutations': _combinatoric(itertools.permutations),
        'product': _product,
        'repeat': _repeat,
        'starmap': _starmap,
        'takewhile': _tested(itertools.takewhile),
        'tee': _tee,
        'zip_longest': _zip_longest,
    }
    found: dict[str, Any] = {name: Builtin(name, function, COUNTED) for name, function in functions.items()}
    found['chain'] = Builtin(
        'chain', _chain, COUNTED, {'from_iterable': Builtin('from_iterable', _chain_from, COUNTED)}
    )
    return found


class Partial(ScriptCallable):
    """`functools.partial`."""

    __slots__ = ('args', 'function', 'kwargs')
    name = 'partial'

    def __init__(self, function: Any, args: list, kwargs: dict[str, Any]):
        self.function = function
        self.args = args
        self.kwargs = kwargs

    @property
    def held(self) -> list:
        return [self.function, self.args, self.kwargs]

    def invoke(self, m: Machine, args: list, kwargs: dict[str, Any]) -> Any:
        # Counted as deep: a partial of a partial of a partial recurses in the interpreter.
        if len(m.calls) >= m.bounds.recursion:
            raise ScriptLimit(f'functions call each other more than {m.bounds.recursion} deep')
        count = len(self.args) + len(args) + len(self.kwargs) + len(kwargs)
        m.meter.item_count(count)
        m.charge(56 + 64 * count)
        return call_value(m, self.function, [*self.args, *args], {**self.kwargs, **kwargs})


def _partial(m: Machine, function: Any, *args: Any, **kwargs: Any) -> Partial:
    as_native(m, function)
    m.charge(400 + 8 * len(args) + 64 * len(kwargs))
    return Partial(function, list(args), kwargs)


def _reduce(m: Machine, function: Any, values: Any, initial: Any = _NONE, /) -> Any:
    called = as_native(m, function)
    found = initial
    for value in metered(m, values):
        found = value if found is _NONE else called(found, value)
    if found is _NONE:
        raise TypeError('reduce() of empty iterable with no initial value')
    return found


def _operator() -> dict[str, Any]:
    names: dict[str, Any] = {
        'add': ast.Add,
        'sub': ast.Sub,
        'mul': ast.Mult,
        'truediv': ast.Div,
        'floordiv': ast.FloorDiv,
        'mod': ast.Mod,
        'pow': ast.Pow,
        'and_': ast.BitAnd,
        'or_': ast.BitOr,
        'xor': ast.BitXor,
    }
    found: dict[str, Any] = {name: Builtin(name, operators.BINARY[kind], COUNTED) for name, kind in names.items()}
    compared: dict[str, Any] = {
        'eq': ast.Eq,
        'ne': ast.NotEq,
        'lt': ast.Lt,
        'le': ast.LtE,
        'gt': ast.Gt,
        'ge': ast.GtE,
    }
    found.update({name: Builtin(name, operators.COMPARE[kind], COUNTED) for name, kind in compared.items()})
    found['neg'] = Builtin('neg', operators.UNARY[ast.USub], COUNTED)
    found['not_'] = Builtin('not_', lambda m, value, /: not truth(m, value), COUNTED)
    found['itemgetter'] = Builtin('itemgetter', _itemgetter, COUNTED)
    return found


def _itemgetter(m: Machine, *keys: Any) -> Builtin:
    if not keys:
        raise TypeError('itemgetter expected at least 1 argument, got 0')

    def get(m: Machine, value: Any, /) -> Any:
        found = [subscripts.get_item(m, value, key) for key in keys]
        return found[0] if len(found) == 1 else tuple(found)

    return Builtin('itemgetter', get, COUNTED)


def make(m: Machine, name: str) -> ModuleRef:
    if name == 'itertools':
        return ModuleRef(name, _itertools())
    if name == 'functools':
        return ModuleRef(
            name, {'partial': Builtin('partial', _partial, COUNTED), 'reduce': Builtin('reduce', _reduce, COUNTED)}
        )
    return ModuleRef(name, _operator())

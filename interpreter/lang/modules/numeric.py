"""`math`, `colorsys` and a little of `statistics`."""

from __future__ import annotations

import colorsys
import math
import statistics
from collections.abc import Callable
from typing import Any

from ..costs import COUNTED
from ..elements import collect, metered
from ..errors import ScriptLimit
from ..kinds import NUMBERS, is_tensor
from ..machine import Machine
from ..objects import Builtin, ModuleRef, as_index, type_name
from ..operators import multiply
from ..types.entries import plain

MAX_NUMBERS = 100_000


def numbers_only(m: Machine, values: Any) -> list:
    """Plain numbers; a tensor of one element counts as one. Raises TypeError."""
    found = []
    for value in values:
        if type(value) in NUMBERS:
            found.append(value)
        elif is_tensor(value) and value.numel() == 1:
            found.append(value.item())
        else:
            raise TypeError(f'must be real number, not {type_name(value)}')
    return found


def _number_function(name: str, function: Callable[..., Any]) -> Builtin:
    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        plain(m, kwargs.values())
        found = function(*numbers_only(m, args), **kwargs)
        return m.whole(found) if type(found) is int else found

    return Builtin(name, call, COUNTED)


def _list_function(name: str, function: Callable[..., Any]) -> Builtin:
    """A function of one iterable of numbers (or several)."""

    def call(m: Machine, *args: Any, **kwargs: Any) -> Any:
        lists = [numbers_only(m, collect(m, arg)) for arg in args]
        if any(len(numbers) > MAX_NUMBERS for numbers in lists):
            raise ScriptLimit(f'{name}() of more than {MAX_NUMBERS} numbers')
        m.meter.ticks(sum(map(len, lists)))
        plain(m, kwargs.values())
        try:
            found = function(*lists, **kwargs)
        except statistics.StatisticsError as error:
            raise ValueError(str(error)) from None
        return m.whole(found) if type(found) is int else found

    return Builtin(name, call, COUNTED)


def _factorial(m: Machine, value: Any, /) -> int:
    number = as_index(value)
    if number > 2:
        m.meter.bit_count(int(math.lgamma(min(number, 10**6) + 1) / math.log(2)))
    return m.whole(math.factorial(number))


def _choices(function: Callable[..., int], symmetric: bool) -> Callable[..., int]:
    def call(m: Machine, n: Any, k: Any = None, /) -> int:
        n = as_index(n)
        if k is None:
            return _factorial(m, n)
        k = as_index(k)
        picked = min(k, n - k) if symmetric else k
        if 0 < k <= n and picked * max(n.bit_length(), 1) > 8 * m.bounds.integer_bits:
            raise ScriptLimit(f'the number of ways to choose {k} of {n} is too large')
        return m.whole(function(n, k))

    return call


def _many(function: Callable[..., int]) -> Callable[..., int]:
    def call(m: Machine, *values: Any) -> int:
        found = 0 if function is math.gcd else 1
        for value in values:
            number = as_index(value)
            # Both take time by the product of the lengths.
            m.meter.ticks(1 + ((number.bit_length() * found.bit_length()) >> 20))
            found = m.whole(function(found, number))
        return found

    return call


def _prod(m: Machine, values: Any, /, *, start: Any = 1) -> Any:
    found = start
    for value in metered(m, values):
        found = multiply(m, found, value)
    return found


_MATH = (
    'acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh degrees erf erfc exp exp2 expm1 fabs floor '
    'fmod frexp gamma hypot isclose isfinite isinf isnan isqrt ldexp lgamma log log10 log1p log2 modf nextafter pow '
    'radians remainder sin sinh sqrt tan tanh trunc ulp'
)


def _math() -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(math, name) for name in ('e', 'inf', 'nan', 'pi', 'tau')}
    for name in _MATH.split():
        if hasattr(math, name):
            found[name] = _number_function(name, getattr(math, name))
    found['factorial'] = Builtin('factorial', _factorial, COUNTED)
    found['comb'] = Builtin('comb', _choices(math.comb, symmetric=True), COUNTED)
    found['perm'] = Builtin('perm', _choices(math.perm, symmetric=False), COUNTED)
    found['gcd'] = Builtin('gcd', _many(math.gcd), COUNTED)
    found['lcm'] = Builtin('lcm', _many(math.lcm), COUNTED)
    found['prod'] = Builtin('prod', _prod, COUNTED)
    found['fsum'] = _list_function('fsum', math.fsum)
    found['dist'] = _list_function('dist', math.dist)
    return found


def _colorsys() -> dict[str, Any]:
    names = 'hls_to_rgb hsv_to_rgb rgb_to_hls rgb_to_hsv rgb_to_yiq yiq_to_rgb'
    return {name: _number_function(name, getattr(colorsys, name)) for name in names.split()}


def _statistics() -> dict[str, Any]:
    names = 'fmean mean median median_high median_low pstdev pvariance stdev variance'
    return {name: _list_function(name, getattr(statistics, name)) for name in names.split()}


def make(m: Machine, name: str) -> ModuleRef:
    members = {'math': _math, 'colorsys': _colorsys, 'statistics': _statistics}[name]()
    return ModuleRef(name, members)

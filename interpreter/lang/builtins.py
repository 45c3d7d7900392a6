"""The names every script has."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from typing import Any

from .calling import as_native, call_method, call_value
from .comparison import hashable, truth
from .costs import CONSTANT, COUNTED, Function, constant, counted
from .elements import collect, iterate, length, metered
from .errors import NodeFailed, ScriptDenied, ScriptLimit
from .kinds import NUMBERS, is_tensor
from .machine import CATCHABLE, Machine
from .objects import Builtin, NoOp, ScriptCallable, Stream, TypeRef, as_index, type_name
from .operators import COMPARE, add, power
from .showing import format_value, show_ascii, show_repr, show_str
from .types.entries import plain
from .types.lists_dicts_sets import as_set, pairs, sorted_list

MISSING: Any = object()
MAX_DIGITS = 5000


# Making values


def _int(m: Machine, value: Any = 0, /, base: Any = MISSING) -> int:
    if is_tensor(value):
        return int(value)
    plain(m, (value,))
    if type(value) in (str, bytes) and len(value) > MAX_DIGITS:
        raise ScriptLimit(f'an integer of more than {MAX_DIGITS} digits')
    return m.whole(int(value) if base is MISSING else int(value, as_index(base)))


def _float(m: Machine, value: Any = 0.0, /) -> float:
    if is_tensor(value):
        return float(value)
    plain(m, (value,))
    return float(value)


def _complex(m: Machine, real: Any = 0, imag: Any = MISSING, /) -> complex:
    plain(m, (real,) if imag is MISSING else (real, imag))
    return complex(real) if imag is MISSING else complex(real, imag)


def _str(m: Machine, value: Any = '', /) -> str:
    return show_str(m, value)


def _bytes(m: Machine, value: Any = b'', /, encoding: Any = None) -> bytes:
    if type(value) is int:
        m.meter.text_size(value)
        m.charge(value)
        return bytes(value)
    if type(value) is bytes:
        return value
    if type(value) is str:
        if encoding is None:
            raise TypeError('string argument without an encoding')
        return call_method(m, value, 'encode', [encoding], {})
    return bytes(plain(m, collect(m, value)))


def _list(m: Machine, values: Any = (), /) -> list:
    return collect(m, values)


def _tuple(m: Machine, values: Any = (), /) -> tuple:
    return values if type(values) is tuple else tuple(collect(m, values))


def _dict(m: Machine, values: Any = (), /, **named: Any) -> dict:
    found = dict(pairs(m, values), **named)
    m.charge(64 + 64 * len(found))
    return found


def _set(m: Machine, values: Any = (), /) -> set:
    return charged_set(m, set(as_set(m, values)))


def _frozenset(m: Machine, values: Any = (), /) -> frozenset:
    return values if type(values) is frozenset else charged_set(m, frozenset(as_set(m, values)))


def charged_set(m: Machine, found: Any) -> Any:
    m.meter.ticks(len(found) >> 4)
    m.charge(sys.getsizeof(found))
    return found


def _bool(m: Machine, value: Any = False, /) -> bool:
    return truth(m, value)


def _range(m: Machine, *args: Any) -> range:
    return range(*(as_index(value) for value in args))


def _slice(m: Machine, *args: Any) -> slice:
    return slice(*(None if value is None else as_index(value) for value in args))


def _fromkeys(m: Machine, keys: Any, value: Any = None, /) -> dict:
    found = {hashable(m, key): value for key in collect(m, keys)}
    m.charge(sys.getsizeof(found))
    return found


def _maketrans(m: Machine, *args: Any) -> dict:
    if len(args) == 1 and type(args[0]) is dict:
        plain(m, args[0].values())
    else:
        plain(m, args)
        m.meter.item_count(sum(len(text) for text in args if type(text) is str))
    found = str.maketrans(*args)
    m.charge(sys.getsizeof(found) + 64 * len(found))
    return found


def _from_bytes(m: Machine, value: Any, /, byteorder: Any = 'big', *, signed: Any = False) -> int:
    if type(value) is not bytes or len(value) > 4096:
        raise TypeError('int.from_bytes takes at most 4096 bytes here')
    return m.whole(int.from_bytes(value, byteorder, signed=bool(signed)))


# Looking at values


def _isinstance(m: Machine, value: Any, kinds: Any, /) -> bool:
    for kind in kinds if type(kinds) is tuple else (kinds,):
        m.meter.tick()
        if type(kind) is tuple:
            if _isinstance(m, value, kind):
                return True
        elif not isinstance(kind, TypeRef):
            raise TypeError('isinstance() arg 2 must be a type or a tuple of types')
        elif isinstance(value, kind.natives):
            return True
    return False


def _type(m: Machine, value: Any, /, *more: Any) -> TypeRef:
    if more:
        raise ScriptDenied('classes cannot be made in scripts')
    for name in TYPE_NAMES:
        kind = NAMES[name]
        if type(value) in kind.natives:
            return kind
    raise ScriptDenied(f'the type of a {type_name(value)} is not available in scripts; isinstance() may do')


def _callable(m: Machine, value: Any, /) -> bool:
    return isinstance(value, ScriptCallable)


def _len(m: Machine, value: Any, /) -> int:
    return length(m, value)


# Iterating


def _map(m: Machine, function: Any, *values: Any) -> Stream:
    if not values:
        raise TypeError('map() must have at least two arguments.')
    return Stream(
        m, map(as_native(m, function), *(metered(m, item) for item in values)), *values, weight=8 * len(values)
    )


def _filter(m: Machine, function: Any, values: Any, /) -> Stream:
    if function is None:
        return Stream(m, (value for value in metered(m, values) if truth(m, value)), values)
    called = as_native(m, function)
    return Stream(m, (value for value in metered(m, values) if truth(m, called(value))), values)


def _zip(m: Machine, *values: Any, strict: Any = False) -> Stream:
    return Stream(
        m, zip(*(metered(m, item) for item in values), strict=truth(m, strict)), *values, weight=48 + 8 * len(values)
    )


def _enumerate(m: Machine, values: Any, /, start: Any = 0) -> Stream:
    return Stream(m, enumerate(metered(m, values), as_index(start)), values, weight=64)


def _reversed(m: Machine, values: Any, /) -> Stream:
    if type(values) in (list, tuple, str, range, dict, bytes):
        return Stream(m, reversed(values), values)
    raise TypeError(f"'{type_name(values)}' object is not reversible")


def _iter(m: Machine, values: Any, /) -> Stream:
    iterator = iterate(m, values)
    return iterator if type(iterator) is Stream else Stream(m, iterator, values)


def _next(m: Machine, iterator: Any, default: Any = MISSING, /) -> Any:
    if type(iterator) is not Stream:
        raise TypeError(f"'{type_name(iterator)}' object is not an iterator")
    return next(iterator) if default is MISSING else next(iterator, default)


def _sum(m: Machine, values: Any, /, start: Any = 0) -> Any:
    if type(start) is str:
        raise TypeError("sum() can't sum strings [use ''.join(seq) instead]")
    found = start
    for value in metered(m, values):
        found = add(m, found, value)
    return found


def _all(m: Machine, values: Any, /) -> bool:
    return all(truth(m, value) for value in metered(m, values))


def _any(m: Machine, values: Any, /) -> bool:
    return any(truth(m, value) for value in metered(m, values))


def _extreme(name: str, takes_over: Callable[[Machine, Any, Any], bool]) -> Callable[..., Any]:
    def call(m: Machine, /, *values: Any, key: Any = None, default: Any = MISSING) -> Any:
        if not values:
            raise TypeError(f'{name} expected at least 1 argument, got 0')
        if len(values) > 1 and default is not MISSING:
            raise TypeError(f'Cannot specify a default for {name}() with multiple positional arguments')
        found = best = MISSING
        for value in metered(m, values[0]) if len(values) == 1 else values:
            m.meter.tick()
            rank = value if key is None else call_value(m, key, [value], {})
            if best is MISSING or takes_over(m, rank, best):
                found, best = value, rank
        if found is MISSING:
            if default is MISSING:
                raise ValueError(f'{name}() iterable argument is empty')
            return default
        return found

    return call


def _sorted(m: Machine, values: Any, /, *, key: Any = None, reverse: Any = False) -> list:
    return sorted_list(m, collect(m, values), key, reverse)


# Numbers and texts


def _abs(m: Machine, value: Any, /) -> Any:
    if type(value) in NUMBERS:
        return abs(value)
    if is_tensor(value):
        return call_method(m, value, 'abs', [], {})
    raise TypeError(f"bad operand type for abs(): '{type_name(value)}'")


def _round(m: Machine, value: Any, ndigits: Any = None, /) -> Any:
    if is_tensor(value):
        return call_method(m, value, 'round', [], {} if ndigits is None else {'decimals': as_index(ndigits)})
    if type(value) not in NUMBERS or type(value) is complex:
        raise TypeError(f"type {type_name(value)} doesn't define __round__ method")
    if ndigits is None:
        return m.whole(round(value))
    digits = as_index(ndigits)
    if abs(digits) > MAX_DIGITS:
        raise ScriptLimit(f'round() to {digits} digits')
    return round(value, digits)


def _pow(m: Machine, base: Any, exponent: Any, modulus: Any = None, /) -> Any:
    if modulus is None:
        return power(m, base, exponent)
    numbers = [as_index(value) for value in (base, exponent, modulus)]
    if any(number.bit_length() > 2048 for number in numbers):
        raise ScriptLimit('pow() with a modulus takes integers of at most 2048 bits')
    return pow(*numbers)


def _divmod(m: Machine, left: Any, right: Any, /) -> tuple:
    plain(m, (left, right))
    return divmod(left, right)


def _base(function: Callable[[int], str]) -> Callable[..., str]:
    return lambda m, value, /: function(as_index(value))


def _chr(m: Machine, value: Any, /) -> str:
    return chr(as_index(value))


def _ord(m: Machine, value: Any, /) -> int:
    plain(m, (value,))
    return ord(value)


def _format(m: Machine, value: Any, spec: Any = '', /) -> str:
    if type(spec) is not str:
        raise TypeError(f'format() argument 2 must be str, not {type_name(spec)}')
    return format_value(m, value, spec)


def _print(m: Machine, /, *values: Any, sep: Any = ' ', end: Any = '\n', flush: Any = False) -> None:
    for name, value in (('sep', sep), ('end', end)):
        if value is not None and type(value) is not str:
            raise TypeError(f'{name} must be None or a string, not {type_name(value)}')
    sep, end = ' ' if sep is None else sep, '\n' if end is None else end
    parts: list[str] = []
    size = len(end)
    for value in values:
        parts.append(show_str(m, value))
        size += len(parts[-1]) + len(sep)
        m.meter.text_size(size)
    m.write(sep.join(parts) + end)


FUNCTIONS: dict[str, Function] = {
    **constant(
        {
            'bin': _base(bin),
            'callable': _callable,
            'chr': _chr,
            'hex': _base(hex),
            'isinstance': _isinstance,
            'iter': _iter,
            'len': _len,
            'oct': _base(oct),
            'ord': _ord,
            'range': _range,
            'slice': _slice,
        }
    ),
    **counted(
        {
            'abs': _abs,
            'all': _all,
            'any': _any,
            'ascii': lambda m, value, /: show_ascii(m, value),
            'divmod': _divmod,
            'enumerate': _enumerate,
            'filter': _filter,
            'format': _format,
            'map': _map,
            'max': _extreme('max', lambda m, rank, best: truth(m, COMPARE[ast.Gt](m, rank, best))),
            'min': _extreme('min', lambda m, rank, best: truth(m, COMPARE[ast.Lt](m, rank, best))),
            'next': _next,
            'pow': _pow,
            'print': _print,
            'repr': lambda m, value, /: show_repr(m, value),
            'reversed': _reversed,
            'round': _round,
            'sorted': _sorted,
            'sum': _sum,
            'type': _type,
            'zip': _zip,
        }
    ),
}


_TYPES: dict[str, tuple[type, Callable[..., Any], dict[str, Any]]] = {
    'bool': (bool, _bool, {}),
    'bytes': (bytes, _bytes, {}),
    'complex': (complex, _complex, {}),
    'dict': (dict, _dict, {'fromkeys': Builtin('dict.fromkeys', _fromkeys, COUNTED)}),
    'float': (float, _float, {}),
    'frozenset': (frozenset, _frozenset, {}),
    'int': (int, _int, {'from_bytes': Builtin('int.from_bytes', _from_bytes, CONSTANT)}),
    'list': (list, _list, {}),
    'set': (set, _set, {}),
    'str': (str, _str, {'maketrans': Builtin('str.maketrans', _maketrans, COUNTED)}),
    'tuple': (tuple, _tuple, {}),
}
TYPE_NAMES = tuple(_TYPES)


def exception_ref(kind: type[BaseException]) -> TypeRef:
    def make(m: Machine, *args: Any) -> BaseException:
        m.charge(200)
        if kind not in CATCHABLE or kind in (UnicodeDecodeError, UnicodeEncodeError):
            plain(m, args)  # These look into what they are given.
        return kind(*args)

    return TypeRef(kind.__name__, (kind,), make, COUNTED)


def _unavailable(name: str, instead: str) -> Builtin:
    def refuse(m: Machine, *args: Any, **kwargs: Any) -> Any:
        raise ScriptDenied(f'{name}() is not available in scripts: {instead}')

    return Builtin(name, refuse, CONSTANT)


_INSTEAD = {
    'compile': 'a script cannot make code',
    'delattr': 'use dicts',
    'dir': 'the documentation lists what there is',
    'eval': 'a script cannot make code; int(), float() and json.loads() read values from text',
    'exec': 'a script cannot make code; define functions',
    'getattr': 'write the attribute with a dot',
    'globals': 'keep values in a dict of your own',
    'hasattr': 'write the attribute with a dot',
    'help': 'the documentation lists what there is',
    'input': 'take values as parameters of `def main(…)`: each is a widget or a socket of the node',
    'locals': 'keep values in a dict of your own',
    'open': 'load files with nodes, such as LoadImage, and save them with SaveImage',
    'setattr': 'use dicts',
    'super': 'there are no classes in scripts',
    'vars': 'keep values in a dict of your own',
}
"""Builtins of Python that a script may have expected, and what to do; any other name is simply not defined."""


def _all_names() -> dict[str, Any]:
    names: dict[str, Any] = {name: Builtin(name, *function) for name, function in FUNCTIONS.items()}
    for name, (kind, function, attributes) in _TYPES.items():
        names[name] = TypeRef(name, (kind,), function, COUNTED, attributes)
    names.update({kind.__name__: exception_ref(kind) for kind in CATCHABLE})
    names['RuntimeError'] = _runtime_error()
    names['Exception'] = TypeRef('Exception', (Exception,), names['Exception'].implementation, COUNTED)
    names.update({name: NoOp(name) for name in ('load', 'Workflow')})
    names.update({name: _unavailable(name, instead) for name, instead in _INSTEAD.items()})
    return names


def _runtime_error() -> TypeRef:
    return TypeRef('RuntimeError', (RuntimeError, NodeFailed), exception_ref(RuntimeError).implementation, COUNTED)


NAMES = _all_names()

"""Operators by the exact types of their operands, each bounded before it computes."""

from __future__ import annotations

import ast
import datetime
import operator
import sys
from collections.abc import Callable
from typing import Any

from .errors import ScriptDenied, ScriptLimit
from .formatting import percent_format
from .machine import Machine
from .objects import NUMBERS, SEQUENCES, SETS, SIZED, TEXTS, TIMES, ScriptObject, type_name

WHOLE = frozenset({int, bool})


def _unsupported(m: Machine, symbol: str, left: Any, right: Any) -> Exception:
    for value in (left, right):
        m.known(value)
        if _is_opaque(value):
            return ScriptDenied(f'a {type_name(value)} has no {symbol} in scripts: it can only be given to nodes')
    return TypeError(f"unsupported operand type(s) for {symbol}: '{type_name(left)}' and '{type_name(right)}'")


def _is_opaque(value: Any) -> bool:
    kind = type(value)
    known = kind in NUMBERS or kind in SIZED or kind in TIMES or kind in (type(None), range, slice, type(...))
    return not known and not isinstance(value, (ScriptObject, BaseException))


def _result(m: Machine, value: Any) -> Any:
    return m.whole(value) if type(value) is int else value


def _charged(m: Machine, value: Any) -> Any:
    m.charge(sys.getsizeof(value))
    return value


def _torch(m: Machine, operate: Callable[[Any, Any], Any], symbol: str, left: Any, right: Any) -> Any:
    """An operator with a tensor on one side, or None where there is none."""
    if m.is_tensor(left) or m.is_tensor(right):
        for value in (left, right):
            if not (m.is_tensor(value) or type(value) in NUMBERS):
                raise _unsupported(m, symbol, left, right)
        from .modules.tensors import bounded_call

        return bounded_call(m, operate, (left, right), {})
    raise _unsupported(m, symbol, left, right)


def _times(m: Machine, operate: Callable[[Any, Any], Any], symbol: str, left: Any, right: Any) -> Any:
    found = operate(left, right)
    if isinstance(found, (datetime.timedelta, datetime.date, int, float)):
        return found
    raise _unsupported(m, symbol, left, right)


def add(m: Machine, left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind in NUMBERS and other in NUMBERS:
        return _result(m, left + right)
    if kind is other:
        if kind in TEXTS:
            m.meter.text_size(len(left) + len(right))
            return _charged(m, left + right)
        if kind in SEQUENCES:
            m.meter.item_count(len(left) + len(right))
            m.charge(56 + 8 * (len(left) + len(right)))
            return left + right
    if kind in TIMES and other in TIMES:
        return _times(m, operator.add, '+', left, right)
    if kind is str or kind is list or kind is tuple:
        what = {str: 'str', list: 'list', tuple: 'tuple'}[kind]
        if not m.is_tensor(right):
            raise TypeError(f'can only concatenate {what} (not "{type_name(right)}") to {what}')
    return _torch(m, operator.add, '+', left, right)


def subtract(m: Machine, left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind in NUMBERS and other in NUMBERS:
        return _result(m, left - right)
    if kind in SETS and other in SETS:
        m.meter.ticks(len(left) >> 4)
        return _charged(m, left - right)
    if kind in TIMES and other in TIMES:
        return _times(m, operator.sub, '-', left, right)
    return _torch(m, operator.sub, '-', left, right)


def multiply(m: Machine, left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind in NUMBERS and other in NUMBERS:
        if kind is int and other is int:
            bits = left.bit_length() + right.bit_length()
            if bits > 64:
                m.meter.bit_count(bits - 1)
        return left * right
    if other in TEXTS or other in SEQUENCES:
        left, right, kind, other = right, left, other, kind
    if kind in TEXTS and other in WHOLE:
        size = len(left) * max(right, 0)
        m.meter.text_size(size)
        return _charged(m, left * right)
    if kind in SEQUENCES and other in WHOLE:
        count = len(left) * max(right, 0)
        m.meter.item_count(count)
        m.charge(56 + 8 * count)
        return left * right
    if (kind in TEXTS or kind in SEQUENCES) and not m.is_tensor(right):
        raise TypeError(f"can't multiply sequence by non-int of type '{type_name(right)}'")
    if (kind is datetime.timedelta and other in NUMBERS) or (other is datetime.timedelta and kind in NUMBERS):
        return left * right
    return _torch(m, operator.mul, '*', left, right)


def _numeric(symbol: str, operate: Callable[[Any, Any], Any], timedelta: bool = False) -> Callable[..., Any]:
    def run(m: Machine, left: Any, right: Any) -> Any:
        kind, other = type(left), type(right)
        if kind in NUMBERS and other in NUMBERS:
            return _result(m, operate(left, right))
        if timedelta and kind is datetime.timedelta and (other is datetime.timedelta or other in NUMBERS):
            return operate(left, right)
        return _torch(m, operate, symbol, left, right)

    return run


def modulo(m: Machine, left: Any, right: Any) -> Any:
    kind = type(left)
    if kind in NUMBERS and type(right) in NUMBERS:
        return left % right
    if kind is str:
        return percent_format(m, left, right)
    if kind is datetime.timedelta and type(right) is datetime.timedelta:
        return left % right
    return _torch(m, operator.mod, '%', left, right)


def power(m: Machine, left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind in WHOLE and other in WHOLE:
        if right > 1 and abs(left) > 1:
            m.meter.bit_count((int(left).bit_length() - 1) * right + 1)
        return _result(m, left**right)
    if kind in NUMBERS and other in NUMBERS:
        return left**right
    return _torch(m, operator.pow, '** or pow()', left, right)


def shift_left(m: Machine, left: Any, right: Any) -> Any:
    if type(left) in WHOLE and type(right) in WHOLE:
        if left and right > 0:
            m.meter.bit_count(int(left).bit_length() + right)
        elif right > m.bounds.integer_bits:
            raise ScriptLimit(f'a shift by {right} is too far')
        return left << right
    raise _unsupported(m, '<<', left, right)


def shift_right(m: Machine, left: Any, right: Any) -> Any:
    if type(left) in WHOLE and type(right) in WHOLE:
        return left >> right
    raise _unsupported(m, '>>', left, right)


def _bits(symbol: str, operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def run(m: Machine, left: Any, right: Any) -> Any:
        kind, other = type(left), type(right)
        if kind in WHOLE and other in WHOLE:
            return operate(left, right)
        if kind in SETS and other in SETS:
            m.meter.item_count(len(left) + len(right))
            m.meter.ticks((len(left) + len(right)) >> 4)
            return _charged(m, operate(left, right))
        if symbol == '|' and kind is dict and other is dict:
            m.meter.item_count(len(left) + len(right))
            m.meter.ticks((len(left) + len(right)) >> 4)
            return _charged(m, operate(left, right))
        return _torch(m, operate, symbol, left, right)

    return run


def matrix_multiply(m: Machine, left: Any, right: Any) -> Any:
    return _torch(m, operator.matmul, '@', left, right)


BINARY: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: add,
    ast.Sub: subtract,
    ast.Mult: multiply,
    ast.Div: _numeric('/', operator.truediv, timedelta=True),
    ast.FloorDiv: _numeric('//', operator.floordiv, timedelta=True),
    ast.Mod: modulo,
    ast.Pow: power,
    ast.LShift: shift_left,
    ast.RShift: shift_right,
    ast.BitAnd: _bits('&', operator.and_),
    ast.BitOr: _bits('|', operator.or_),
    ast.BitXor: _bits('^', operator.xor),
    ast.MatMult: matrix_multiply,
}


# `x += y` changes lists, dicts and sets in place, as in Python. A tensor is never changed in place: images belong to
# ComfyUI's caches too.


def extend(m: Machine, left: list, right: Any) -> list:
    m.changeable(left)
    items = m.collect(right)
    m.meter.item_count(len(left) + len(items))
    left += items
    return left


def _add_in_place(m: Machine, left: Any, right: Any) -> Any:
    return extend(m, left, right) if type(left) is list else add(m, left, right)


def _multiply_in_place(m: Machine, left: Any, right: Any) -> Any:
    if type(left) is list and type(right) in WHOLE:
        m.changeable(left)
        left[:] = multiply(m, left, right)
        return left
    return multiply(m, left, right)


def _set_in_place(node: type[ast.operator], operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    plain = BINARY[node]

    def run(m: Machine, left: Any, right: Any) -> Any:
        if (type(left) is set and type(right) in SETS) or (node is ast.BitOr and type(left) is type(right) is dict):
            m.changeable(left)
            m.meter.item_count(len(left) + len(right))
            m.meter.ticks((len(left) + len(right)) >> 4)
            m.charge(64 * len(right))
            return operate(left, right)
        if node is ast.BitOr and type(left) is dict:
            from .attributes import DICT

            DICT['update'](m, left, right)  # type: ignore[operator]
            return left
        return plain(m, left, right)

    return run


IN_PLACE: dict[type[ast.operator], Callable[..., Any]] = {
    ast.Add: _add_in_place,
    ast.Mult: _multiply_in_place,
    ast.Sub: _set_in_place(ast.Sub, operator.isub),
    ast.BitAnd: _set_in_place(ast.BitAnd, operator.iand),
    ast.BitOr: _set_in_place(ast.BitOr, operator.ior),
    ast.BitXor: _set_in_place(ast.BitXor, operator.ixor),
}


def _unary(symbol: str, operate: Callable[[Any], Any]) -> Callable[[Machine, Any], Any]:
    def run(m: Machine, value: Any) -> Any:
        kind = type(value)
        if kind in NUMBERS:
            if symbol == '~' and kind not in WHOLE:
                raise TypeError(f"bad operand type for unary ~: '{kind.__name__}'")
            return operate(int(value) if kind is bool else value)
        if kind is datetime.timedelta and symbol != '~':
            return operate(value)
        if m.is_tensor(value):
            from .modules.tensors import bounded_call

            return bounded_call(m, operate, (value,), {})
        raise TypeError(f"bad operand type for unary {symbol}: '{type_name(value)}'")

    return run


UNARY: dict[type[ast.unaryop], Callable[[Machine, Any], Any]] = {
    ast.UAdd: _unary('+', operator.pos),
    ast.USub: _unary('-', operator.neg),
    ast.Invert: _unary('~', operator.invert),
}


# Comparison


def equal(m: Machine, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return left == right
    if m.is_tensor(left) or m.is_tensor(right):
        return _tensor_equality(m, operator.eq, left, right, False)
    return m.equals(left, right)


def not_equal(m: Machine, left: Any, right: Any) -> Any:
    if m.is_tensor(left) or m.is_tensor(right):
        return _tensor_equality(m, operator.ne, left, right, True)
    return not m.equals(left, right)


def _tensor_equality(m: Machine, operate: Callable[[Any, Any], Any], left: Any, right: Any, otherwise: bool) -> Any:
    if all(m.is_tensor(value) or type(value) in NUMBERS for value in (left, right)):
        return _torch(m, operate, '==', left, right)
    return otherwise


def _order(symbol: str, operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def run(m: Machine, left: Any, right: Any) -> Any:
        if type(left) in NUMBERS and type(right) in NUMBERS:
            return operate(left, right)
        if m.is_tensor(left) or m.is_tensor(right):
            return _torch(m, operate, symbol, left, right)
        return m.in_order(operate, symbol, left, right)

    return run


COMPARE: dict[type[ast.cmpop], Callable[..., Any]] = {
    ast.Eq: equal,
    ast.NotEq: not_equal,
    ast.Lt: _order('<', operator.lt),
    ast.LtE: _order('<=', operator.le),
    ast.Gt: _order('>', operator.gt),
    ast.GtE: _order('>=', operator.ge),
    ast.Is: lambda m, left, right: left is right,
    ast.IsNot: lambda m, left, right: left is not right,
    ast.In: lambda m, left, right: m.contains(right, left),
    ast.NotIn: lambda m, left, right: not m.contains(right, left),
}


# Subscripts


def get_item(m: Machine, container: Any, key: Any) -> Any:
    kind = type(container)
    if kind is dict:
        return container[m.hashable(key)]
    if kind in SEQUENCES or kind is str or kind is bytes or kind is range:
        if type(key) is slice:
            return _charged(m, container[key])
        if type(key) is not int and type(key) is not bool and not m.is_tensor(key):
            raise TypeError(f'{kind.__name__} indices must be integers or slices, not {type_name(key)}')
        return container[m.index(key)]
    if isinstance(container, ScriptObject):
        return container.item(m, key)
    elif m.is_tensor(container):
        from .modules.tensors import get_tensor_item

        return get_tensor_item(m, container, key)
    elif _is_opaque(container):
        m.known(container)
        raise ScriptDenied(f'a {type_name(container)} cannot be indexed in scripts: it can only be given to nodes')
    raise TypeError(f"'{type_name(container)}' object is not subscriptable")


def set_item(m: Machine, container: Any, key: Any, value: Any) -> None:
    kind = type(container)
    if kind is dict:
        m.changeable(container)
        container[m.hashable(key)] = value
        m.meter.item_count(len(container))
        m.charge(64)
    elif kind is list:
        m.changeable(container)
        if type(key) is slice:
            items = m.collect(value)
            m.meter.item_count(len(container) + len(items))
            container[key] = items
        elif type(key) is int or type(key) is bool:
            container[key] = value
        else:
            raise TypeError(f'list indices must be integers or slices, not {type_name(key)}')
    elif m.is_tensor(container):
        from .modules.tensors import set_tensor_item

        set_tensor_item(m, container, key, value)
    else:
        raise TypeError(f"'{type_name(container)}' object does not support item assignment")


def delete_item(m: Machine, container: Any, key: Any) -> None:
    kind = type(container)
    if kind is dict:
        m.changeable(container)
        del container[m.hashable(key)]
    elif kind is list:
        m.changeable(container)
        if type(key) not in (int, bool, slice):
            raise TypeError(f'list indices must be integers or slices, not {type_name(key)}')
        del container[key]
    else:
        raise TypeError(f"'{type_name(container)}' object doesn't support item deletion")


__all__ = ['BINARY', 'COMPARE', 'IN_PLACE', 'UNARY', 'delete_item', 'extend', 'get_item', 'set_item']

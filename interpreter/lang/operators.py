"""Operators by the exact types of their operands, each bounded before it computes."""

from __future__ import annotations

import ast
import datetime
import operator
from collections.abc import Callable
from typing import Any

from .comparison import contains, equals, in_order
from .errors import ScriptDenied, ScriptLimit
from .kinds import NUMBERS, SEQUENCES, SETS, TEXTS, TIMES, WHOLE, is_tensor
from .machine import Machine
from .objects import charged_value, is_opaque, type_name
from .templates import percent_format
from .tensors.calls import bounded_call
from .types.lists_dicts_sets import extend, update


def _unsupported(m: Machine, symbol: str, left: Any, right: Any) -> Exception:
    for value in (left, right):
        m.known(value)
        if is_opaque(value):
            return ScriptDenied(f'a {type_name(value)} has no {symbol} in scripts: it can only be given to nodes')
    return TypeError(f"unsupported operand type(s) for {symbol}: '{type_name(left)}' and '{type_name(right)}'")


def _result(m: Machine, value: Any) -> Any:
    return m.whole(value) if type(value) is int else value


def torch_operator(m: Machine, operate: Callable[[Any, Any], Any], symbol: str, left: Any, right: Any) -> Any:
    """An operator with a tensor on one side, or None where there is none."""
    if is_tensor(left) or is_tensor(right):
        for value in (left, right):
            if not (is_tensor(value) or type(value) in NUMBERS):
                raise _unsupported(m, symbol, left, right)
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
            return charged_value(m, left + right)
        if kind in SEQUENCES:
            m.meter.item_count(len(left) + len(right))
            m.charge(56 + 8 * (len(left) + len(right)))
            return left + right
    if kind in TIMES and other in TIMES:
        return _times(m, operator.add, '+', left, right)
    if kind is str or kind is list or kind is tuple:
        what = {str: 'str', list: 'list', tuple: 'tuple'}[kind]
        if not is_tensor(right):
            raise TypeError(f'can only concatenate {what} (not "{type_name(right)}") to {what}')
    return torch_operator(m, operator.add, '+', left, right)


def subtract(m: Machine, left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind in NUMBERS and other in NUMBERS:
        return _result(m, left - right)
    if kind in SETS and other in SETS:
        m.meter.ticks(len(left) >> 4)
        return charged_value(m, left - right)
    if kind in TIMES and other in TIMES:
        return _times(m, operator.sub, '-', left, right)
    return torch_operator(m, operator.sub, '-', left, right)


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
        return charged_value(m, left * right)
    if kind in SEQUENCES and other in WHOLE:
        count = len(left) * max(right, 0)
        m.meter.item_count(count)
        m.charge(56 + 8 * count)
        return left * right
    if (kind in TEXTS or kind in SEQUENCES) and not is_tensor(right):
        raise TypeError(f"can't multiply sequence by non-int of type '{type_name(right)}'")
    if (kind is datetime.timedelta and other in NUMBERS) or (other is datetime.timedelta and kind in NUMBERS):
        return left * right
    return torch_operator(m, operator.mul, '*', left, right)


def _numeric(symbol: str, operate: Callable[[Any, Any], Any], timedelta: bool = False) -> Callable[..., Any]:
    def run(m: Machine, left: Any, right: Any) -> Any:
        kind, other = type(left), type(right)
        if kind in NUMBERS and other in NUMBERS:
            return _result(m, operate(left, right))
        if timedelta and kind is datetime.timedelta and (other is datetime.timedelta or other in NUMBERS):
            return operate(left, right)
        return torch_operator(m, operate, symbol, left, right)

    return run


def modulo(m: Machine, left: Any, right: Any) -> Any:
    kind = type(left)
    if kind in NUMBERS and type(right) in NUMBERS:
        return left % right
    if kind is str:
        return percent_format(m, left, right)
    if kind is datetime.timedelta and type(right) is datetime.timedelta:
        return left % right
    return torch_operator(m, operator.mod, '%', left, right)


def power(m: Machine, left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind in WHOLE and other in WHOLE:
        if right > 1 and abs(left) > 1:
            m.meter.bit_count((int(left).bit_length() - 1) * right + 1)
        return _result(m, left**right)
    if kind in NUMBERS and other in NUMBERS:
        return left**right
    return torch_operator(m, operator.pow, '** or pow()', left, right)


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
            return charged_value(m, operate(left, right))
        if symbol == '|' and kind is dict and other is dict:
            m.meter.item_count(len(left) + len(right))
            m.meter.ticks((len(left) + len(right)) >> 4)
            return charged_value(m, operate(left, right))
        return torch_operator(m, operate, symbol, left, right)

    return run


def matrix_multiply(m: Machine, left: Any, right: Any) -> Any:
    return torch_operator(m, operator.matmul, '@', left, right)


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
            update(m, left, right)
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
        if is_tensor(value):
            return bounded_call(m, operate, (value,), {})
        raise TypeError(f"bad operand type for unary {symbol}: '{type_name(value)}'")

    return run


UNARY: dict[type[ast.unaryop], Callable[[Machine, Any], Any]] = {
    ast.UAdd: _unary('+', operator.pos),
    ast.USub: _unary('-', operator.neg),
    ast.Invert: _unary('~', operator.invert),
}


def equal(m: Machine, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return left == right
    if is_tensor(left) or is_tensor(right):
        return _tensor_equality(m, operator.eq, left, right, False)
    return equals(m, left, right)


def not_equal(m: Machine, left: Any, right: Any) -> Any:
    if is_tensor(left) or is_tensor(right):
        return _tensor_equality(m, operator.ne, left, right, True)
    return not equals(m, left, right)


def _tensor_equality(m: Machine, operate: Callable[[Any, Any], Any], left: Any, right: Any, otherwise: bool) -> Any:
    if all(is_tensor(value) or type(value) in NUMBERS for value in (left, right)):
        return torch_operator(m, operate, '==', left, right)
    return otherwise


def _order(symbol: str, operate: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def run(m: Machine, left: Any, right: Any) -> Any:
        if type(left) in NUMBERS and type(right) in NUMBERS:
            return operate(left, right)
        if is_tensor(left) or is_tensor(right):
            return torch_operator(m, operate, symbol, left, right)
        return in_order(m, operate, symbol, left, right)

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
    ast.In: lambda m, left, right: contains(m, right, left),
    ast.NotIn: lambda m, left, right: not contains(m, right, left),
}

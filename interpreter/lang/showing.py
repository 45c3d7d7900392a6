"""Values as text: `str`, `repr` and format specifications, without a value's own methods.

A value of a type that is not Python's own is shown by its type's name, so that no foreign code runs.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from .errors import ScriptError, ScriptLimit
from .kinds import NUMBERS, SCALARS, TIMES, DictItems, DictKeys, DictValues, is_tensor
from .machine import Machine
from .objects import ScriptObject, type_name

MAX_WIDTH = 10_000

MAX_DEPTH = 200

MAX_BRIEF = 5_000

MAX_SHOWN = 1_000
"""Elements of a tensor that is shown whole."""

_NUMBER = re.compile(r'\d+')


def show_str(m: Machine, value: Any) -> str:
    kind = type(value)
    if kind is str:
        return value
    if isinstance(value, Exception) and not isinstance(value, ScriptObject) and m.catchable(value):
        return _show_error(m, value)
    if kind in TIMES:
        return str(value)
    return show_repr(m, value)


def show_briefly(m: Machine, error: BaseException) -> str:
    """An exception's text for people: what is longer than that is cut off or left out."""
    values = error.args
    if len(values) == 1 and type(values[0]) is str and not isinstance(error, KeyError):
        return values[0] if len(values[0]) <= MAX_BRIEF else values[0][:MAX_BRIEF] + '…'
    parts: list[str] = []
    try:
        for value in values[:1] if len(values) == 1 else (values,) if values else ():
            _show(m, value, parts, [max(m.bounds.text - MAX_BRIEF, 0)], [])
    except (ScriptLimit, RecursionError):
        return '(too long to be shown)'
    return ''.join(parts)


def _show_error(m: Machine, error: Exception) -> str:
    if len(error.args) == 1 and not isinstance(error, KeyError):
        return show_str(m, error.args[0])
    if not error.args:
        return ''
    return show_repr(m, error.args[0] if len(error.args) == 1 else error.args)


def show_repr(m: Machine, value: Any) -> str:
    parts: list[str] = []
    _show(m, value, parts, [0], [])
    return joined(m, parts)


def joined(m: Machine, parts: list[str]) -> str:
    text = ''.join(parts)
    m.charge(sys.getsizeof(text))
    return text


def show_ascii(m: Machine, value: Any) -> str:
    text = show_repr(m, value).encode('ascii', 'backslashreplace').decode('ascii')
    m.meter.text_size(len(text))
    m.charge(len(text))
    return text


_BRACKETS = {list: '[]', tuple: '()', set: '{}', DictKeys: '[]', DictValues: '[]', DictItems: '[]', frozenset: '{}'}


def _show(m: Machine, value: Any, parts: list[str], size: list[int], inside: list[int]) -> None:
    """Appends the text of a value; `size` counts characters, `inside` holds the containers around it."""
    m.meter.tick()
    kind = type(value)
    if kind in SCALARS or kind in TIMES or kind is range:
        put(m, parts, size, repr(value))
    elif kind is dict or kind in _BRACKETS:
        if len(inside) > MAX_DEPTH:
            raise ScriptLimit(f'a value nested more than {MAX_DEPTH} deep cannot be shown')
        if id(value) in inside:
            put(m, parts, size, '{...}' if kind is dict else f'{_BRACKETS[kind][0]}...{_BRACKETS[kind][1]}')
            return
        inside.append(id(value))
        _show_container(m, value, parts, size, inside)
        inside.pop()
    elif kind is slice:
        put(m, parts, size, f'slice({value.start}, {value.stop}, {value.step})')
    elif isinstance(value, ScriptObject):
        put(m, parts, size, value.display())
    elif is_tensor(value):
        m.meter.check()
        put(m, parts, size, _show_tensor(value))
    elif isinstance(value, _One):
        put(m, parts, size, '(')
        _show(m, value.value, parts, size, inside)
        put(m, parts, size, ')')
    elif isinstance(value, Exception) and m.catchable(value):
        put(m, parts, size, kind.__name__)
        _show(m, value.args if len(value.args) != 1 else _One(value.args[0]), parts, size, inside)
    else:
        put(m, parts, size, opaque_text(value))


def _show_tensor(value: Any) -> str:
    # PyTorch leaves out the middle of long dimensions only: of many short ones it writes millions of numbers.
    if type(value).__name__ == 'Tensor' and (value.numel() <= MAX_SHOWN or value.dim() <= 4):
        return repr(value)
    return f'<{type(value).__name__} of shape {tuple(value.shape)}>'


class _One:
    """The arguments of an exception that has one."""

    def __init__(self, value: Any):
        self.value = value


def opaque_text(value: Any) -> str:
    kind = type(value)
    if kind.__module__ == 'torch' and kind.__name__ in ('dtype', 'device'):
        return str(value)
    return f'<{kind.__name__}>'


def put(m: Machine, parts: list[str], size: list[int], text: str) -> None:
    size[0] += len(text)
    m.meter.text_size(size[0])
    parts.append(text)


def _show_container(m: Machine, value: Any, parts: list[str], size: list[int], inside: list[int]) -> None:
    kind = type(value)
    if kind is set and not value:
        put(m, parts, size, 'set()')
        return
    if kind is frozenset:
        put(m, parts, size, 'frozenset(' if value else 'frozenset()')
        if not value:
            return
    names = {DictKeys: 'dict_keys(', DictValues: 'dict_values(', DictItems: 'dict_items('}
    if kind in names:
        put(m, parts, size, names[kind])
    first, last = '{}' if kind is dict else _BRACKETS[kind]
    put(m, parts, size, first)
    for index, item in enumerate(value.items() if kind is dict else value):
        if index:
            put(m, parts, size, ', ')
        if kind is dict:
            _show(m, item[0], parts, size, inside)
            put(m, parts, size, ': ')
            _show(m, item[1], parts, size, inside)
        else:
            _show(m, item, parts, size, inside)
    if kind is tuple and len(value) == 1:
        put(m, parts, size, ',')
    put(m, parts, size, last)
    if kind is frozenset or kind in names:
        put(m, parts, size, ')')


def check_spec(spec: str) -> None:
    """Widths and precisions decide how long a text gets, so they are bounded. Raises ScriptLimit."""
    if len(spec) > 200:
        raise ScriptLimit('a format specification of more than 200 characters')
    for number in _NUMBER.findall(spec):
        if len(number) > 6 or int(number) > MAX_WIDTH:
            raise ScriptLimit(f'a width or precision of {number[:12]} is more than the {MAX_WIDTH} allowed')


def format_value(m: Machine, value: Any, spec: str) -> str:
    """`format(value, spec)`."""
    if not spec:
        return show_str(m, value)
    check_spec(spec)
    kind = type(value)
    if kind is str or kind in NUMBERS or kind in TIMES:
        return format(value, spec)
    if is_tensor(value) and value.numel() == 1:
        return format(value.item(), spec)
    raise TypeError(f'unsupported format string passed to {type_name(value)}.__format__')


def error_text(m: Machine, error: BaseException) -> str:
    """What an exception says, as the script would show it: foreign values in it are not asked."""
    if isinstance(error, ScriptError):
        return error.message
    name = type(error).__name__
    text = show_briefly(m, error)
    return f'{name}: {text}' if text else name

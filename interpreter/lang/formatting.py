"""Values as text: `str`, `repr`, format specifications, `%` and `str.format`, without a value's own methods.

A value of a type that is not Python's own is shown by its type's name, so that no foreign code runs.
"""

from __future__ import annotations

import re
import string
import sys
from typing import Any

from .errors import ScriptDenied, ScriptLimit
from .machine import Machine
from .objects import (
    NUMBERS,
    SCALARS,
    TIMES,
    DictItems,
    DictKeys,
    DictValues,
    ScriptObject,
    type_name,
)

MAX_WIDTH = 10_000
MAX_DEPTH = 200
MAX_BRIEF = 5_000
MAX_SHOWN = 1_000
"""Elements of a tensor that is shown whole."""
_NUMBER = re.compile(r'\d+')
_PERCENT = re.compile(
    r'%(?:\((?P<key>[^()]*)\))?(?P<flags>[-#0 +]*)(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d*))?[hlL]?(?P<kind>.)?',
    re.DOTALL,
)


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
    return _joined(m, parts)


def _joined(m: Machine, parts: list[str]) -> str:
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
        _put(m, parts, size, repr(value))
    elif kind is dict or kind in _BRACKETS:
        if len(inside) > MAX_DEPTH:
            raise ScriptLimit(f'a value nested more than {MAX_DEPTH} deep cannot be shown')
        if id(value) in inside:
            _put(m, parts, size, '{...}' if kind is dict else f'{_BRACKETS[kind][0]}...{_BRACKETS[kind][1]}')
            return
        inside.append(id(value))
        _show_container(m, value, parts, size, inside)
        inside.pop()
    elif kind is slice:
        _put(m, parts, size, f'slice({value.start}, {value.stop}, {value.step})')
    elif isinstance(value, ScriptObject):
        _put(m, parts, size, value.display())
    elif m.is_tensor(value):
        m.meter.check()
        _put(m, parts, size, _show_tensor(value))
    elif isinstance(value, _One):
        _put(m, parts, size, '(')
        _show(m, value.value, parts, size, inside)
        _put(m, parts, size, ')')
    elif isinstance(value, Exception) and m.catchable(value):
        _put(m, parts, size, kind.__name__)
        _show(m, value.args if len(value.args) != 1 else _One(value.args[0]), parts, size, inside)
    else:
        _put(m, parts, size, opaque_text(value))


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


def _put(m: Machine, parts: list[str], size: list[int], text: str) -> None:
    size[0] += len(text)
    m.meter.text_size(size[0])
    parts.append(text)


def _show_container(m: Machine, value: Any, parts: list[str], size: list[int], inside: list[int]) -> None:
    kind = type(value)
    if kind is set and not value:
        _put(m, parts, size, 'set()')
        return
    if kind is frozenset:
        _put(m, parts, size, 'frozenset(' if value else 'frozenset()')
        if not value:
            return
    names = {DictKeys: 'dict_keys(', DictValues: 'dict_values(', DictItems: 'dict_items('}
    if kind in names:
        _put(m, parts, size, names[kind])
    first, last = '{}' if kind is dict else _BRACKETS[kind]
    _put(m, parts, size, first)
    for index, item in enumerate(value.items() if kind is dict else value):
        if index:
            _put(m, parts, size, ', ')
        if kind is dict:
            _show(m, item[0], parts, size, inside)
            _put(m, parts, size, ': ')
            _show(m, item[1], parts, size, inside)
        else:
            _show(m, item, parts, size, inside)
    if kind is tuple and len(value) == 1:
        _put(m, parts, size, ',')
    _put(m, parts, size, last)
    if kind is frozenset or kind in names:
        _put(m, parts, size, ')')


# Format specifications


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
    if m.is_tensor(value) and value.numel() == 1:
        return format(value.item(), spec)
    raise TypeError(f'unsupported format string passed to {type_name(value)}.__format__')


_FORMATTER = string.Formatter()
_INDEX = re.compile(r'\.([^.\[]*)|\[([^\]]*)\]')


def str_format(m: Machine, template: str, /, *args: Any, **kwargs: Any) -> str:
    """`str.format`: fields reach only what an expression of the script could reach."""
    return _format(m, template, args, kwargs, [0], 0)


def _format(m: Machine, template: str, args: tuple, kwargs: dict[str, Any], auto: list[int], depth: int) -> str:
    if depth > 1:
        raise ValueError('Max string recursion exceeded')
    parts: list[str] = []
    size = [0]
    for literal, field, spec, conversion in _FORMATTER.parse(template):
        m.meter.tick()
        _put(m, parts, size, literal)
        if field is None:
            continue
        value = _field(m, field, args, kwargs, auto)
        if conversion:
            convert = {'s': show_str, 'r': show_repr, 'a': show_ascii}.get(conversion)
            if convert is None:
                raise ValueError(f'Unknown conversion specifier {conversion!r}')
            value = convert(m, value)
        wanted = _format(m, spec, args, kwargs, auto, depth + 1) if spec else ''
        _put(m, parts, size, format_value(m, value, wanted))
    return _joined(m, parts)


def _field(m: Machine, field: str, args: tuple, kwargs: dict[str, Any], auto: list[int]) -> Any:
    from .operators import get_item

    head = re.match(r'[^.\[]*', field)
    assert head is not None
    name = head[0]
    if name == '':
        if auto[0] < 0:
            raise ValueError('cannot switch from manual field specification to automatic field numbering')
        index = auto[0]
        auto[0] += 1
        value = _argument(args, index)
    elif name.isdigit():
        if auto[0] > 0:
            raise ValueError('cannot switch from automatic field numbering to manual field specification')
        auto[0] = -1
        value = _argument(args, int(name[:10]))
    else:
        value = kwargs[name]
    rest = field[head.end() :]
    position = 0
    while position < len(rest):
        match = _INDEX.match(rest, position)
        if match is None:
            raise ValueError("Only '.' or '[' may follow ']' in format field specifier")
        if match[1] is not None:
            if match[1].startswith('_'):
                raise ScriptDenied(f'attributes that begin with an underscore, such as {match[1]}, are not available')
            value = m.get_attribute(value, match[1])
        else:
            key = match[2]
            if not key:
                raise ValueError('Empty attribute in format string')
            value = get_item(m, value, int(key) if key.isdigit() and len(key) < 20 else key)
        position = match.end()
    return value


def _argument(args: tuple, index: int) -> Any:
    if index >= len(args):
        raise IndexError(f'Replacement index {index} out of range for positional args tuple')
    return args[index]


# '%d items' % count


def percent_format(m: Machine, template: str, values: Any) -> str:
    """`template % values`."""
    arguments = list(values) if type(values) is tuple else [values]
    parts: list[str] = []
    size = [0]
    used = position = 0

    def following() -> Any:
        nonlocal used
        if used >= len(arguments):
            raise TypeError('not enough arguments for format string')
        used += 1
        return arguments[used - 1]

    for match in _PERCENT.finditer(template):
        m.meter.tick()
        _put(m, parts, size, template[position : match.start()])
        position = match.end()
        if match['kind'] is None:
            raise ValueError('incomplete format')
        if match['kind'] == '%':
            _put(m, parts, size, '%')
            continue
        width = _width(following, match['width'])
        precision = _width(following, match['precision'])
        if match['key'] is not None:
            if type(values) is not dict:
                raise TypeError('format requires a mapping')
            value = values[match['key']]
            used = len(arguments)
        else:
            value = following()
        _put(m, parts, size, _convert(m, match, width, precision, value))
    _put(m, parts, size, template[position:])
    # Python counts arguments only where the value could not be a mapping: whatever has subscripts could, but text.
    if used < len(arguments) and type(values) not in (dict, list, bytes, range):
        raise TypeError('not all arguments converted during string formatting')
    return _joined(m, parts)


def _width(following: Any, stated: str | None) -> str | None:
    if stated == '*':
        number = following()
        if type(number) is not int:
            raise TypeError('* wants int')
        stated = str(number)
    if stated:
        check_spec(stated)
    return stated


def _convert(m: Machine, match: re.Match[str], width: str | None, precision: str | None, value: Any) -> str:
    kind = match['kind']
    spec = '%' + match['flags'] + (width or '') + ('' if precision is None else f'.{precision}')
    if kind in 'sra':
        show = {'s': show_str, 'r': show_repr, 'a': show_ascii}[kind]
        return (spec + 's') % show(m, value)
    if kind not in 'diouxXeEfFgGc':
        raise ValueError(f'unsupported format character {kind!r}')
    if m.is_tensor(value) and value.numel() == 1:
        value = value.item()
    if type(value) not in NUMBERS and not (kind == 'c' and type(value) is str):
        raise TypeError(f'%{kind} format: a real number is required, not {type_name(value)}')
    return (spec + kind) % value


__all__ = ['format_value', 'percent_format', 'show_ascii', 'show_briefly', 'show_repr', 'show_str', 'str_format']

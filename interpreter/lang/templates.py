"""`str.format` and `%`: fields reach only what an expression of the script could reach."""

from __future__ import annotations

import re
import string
from typing import Any

from .errors import ScriptDenied
from .kinds import NUMBERS, is_tensor
from .lookup import get_attribute
from .machine import Machine
from .objects import type_name
from .showing import check_spec, format_value, joined, put, show_ascii, show_repr, show_str
from .subscripts import get_item

_PERCENT = re.compile(
    r'%(?:\((?P<key>[^()]*)\))?(?P<flags>[-#0 +]*)(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d*))?[hlL]?(?P<kind>.)?',
    re.DOTALL,
)

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
        put(m, parts, size, literal)
        if field is None:
            continue
        value = _field(m, field, args, kwargs, auto)
        if conversion:
            convert = {'s': show_str, 'r': show_repr, 'a': show_ascii}.get(conversion)
            if convert is None:
                raise ValueError(f'Unknown conversion specifier {conversion!r}')
            value = convert(m, value)
        wanted = _format(m, spec, args, kwargs, auto, depth + 1) if spec else ''
        put(m, parts, size, format_value(m, value, wanted))
    return joined(m, parts)


def _field(m: Machine, field: str, args: tuple, kwargs: dict[str, Any], auto: list[int]) -> Any:
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
            value = get_attribute(m, value, match[1])
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
        put(m, parts, size, template[position : match.start()])
        position = match.end()
        if match['kind'] is None:
            raise ValueError('incomplete format')
        if match['kind'] == '%':
            put(m, parts, size, '%')
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
        put(m, parts, size, _convert(m, match, width, precision, value))
    put(m, parts, size, template[position:])
    # Python counts arguments only where the value could not be a mapping: whatever has subscripts could, but text.
    if used < len(arguments) and type(values) not in (dict, list, bytes, range):
        raise TypeError('not all arguments converted during string formatting')
    return joined(m, parts)


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
    if is_tensor(value) and value.numel() == 1:
        value = value.item()
    if type(value) not in NUMBERS and not (kind == 'c' and type(value) is str):
        raise TypeError(f'%{kind} format: a real number is required, not {type_name(value)}')
    return (spec + kind) % value

"""`json`."""

from __future__ import annotations

import json
import sys
from typing import Any

from ..builtins import exception_ref
from ..comparison import truth
from ..costs import COUNTED
from ..errors import ScriptLimit
from ..machine import Machine
from ..objects import Builtin, ModuleRef, type_name
from ..types.entries import plain

MAX_DEPTH = 100


def _loads(m: Machine, text: Any, /) -> Any:
    if type(text) not in (str, bytes):
        raise TypeError(f'the JSON object must be str or bytes, not {type_name(text)}')
    if len(text) > m.bounds.text // 10:
        raise ScriptLimit(f'a JSON text of more than {m.bounds.text // 10} characters')
    m.charge(20 * len(text))
    _check_depth(text if type(text) is str else text.decode('utf-8', 'replace'))
    found = json.loads(text, parse_int=lambda digits: _integer(m, digits))
    m.charge(8 * len(text))
    return found


def _check_depth(text: str) -> None:
    depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            if escaped:
                escaped = False
            elif character == '\\':
                escaped = True
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in '[{':
            depth += 1
            if depth > MAX_DEPTH:
                raise ScriptLimit(f'JSON more than {MAX_DEPTH} deep')
        elif character in ']}':
            depth -= 1


def _integer(m: Machine, digits: str) -> int:
    if len(digits) > 4000:
        raise ScriptLimit('an integer of more than 4000 digits')
    return m.whole(int(digits))


def _dumps(m: Machine, value: Any, /, *, indent: Any = None, sort_keys: Any = False, ensure_ascii: Any = True) -> str:
    plain(m, (indent,))
    if (type(indent) is int and indent > 100) or (type(indent) is str and len(indent) > 100):
        raise ScriptLimit('an indent of more than 100')
    ready = _plain_copy(m, value, [0], [])
    text = json.dumps(ready, indent=indent, sort_keys=truth(m, sort_keys), ensure_ascii=truth(m, ensure_ascii))
    m.meter.text_size(len(text))
    m.charge(sys.getsizeof(text))
    return text


def _plain_copy(m: Machine, value: Any, size: list[int], inside: list[int]) -> Any:
    """The value with nothing in it but JSON's kinds, and how long its text gets at most. Raises TypeError."""
    m.meter.tick()
    kind = type(value)
    if kind is str:
        size[0] += 6 * len(value)
    elif kind is int:
        size[0] += 30 + value.bit_length() // 3
    elif kind in (float, bool, type(None)):
        size[0] += 30
    elif kind in (list, tuple, dict):
        if id(value) in inside:
            raise ValueError('Circular reference detected')
        if len(inside) > MAX_DEPTH:
            raise ScriptLimit(f'JSON more than {MAX_DEPTH} deep')
        inside.append(id(value))
        size[0] += 2 + len(value) * (4 + 100 * len(inside))
        if kind is dict:
            for key in value:
                if type(key) not in (str, int, float, bool, type(None)):
                    raise TypeError(f'keys must be str, int, float, bool or None, not {type_name(key)}')
                size[0] += 6 * len(key) if type(key) is str else 30
            found: Any = {key: _plain_copy(m, item, size, inside) for key, item in value.items()}
        else:
            found = [_plain_copy(m, item, size, inside) for item in value]
        inside.pop()
        value = found
    else:
        raise TypeError(f'Object of type {type_name(value)} is not JSON serializable')
    if size[0] > 8 * m.bounds.text:
        raise ScriptLimit('the JSON text would be too long')
    return value


def make(m: Machine, name: str) -> ModuleRef:
    m.more_catchable.add(json.JSONDecodeError)
    members = {
        'loads': Builtin('loads', _loads, COUNTED),
        'dumps': Builtin('dumps', _dumps, COUNTED),
        'JSONDecodeError': exception_ref(json.JSONDecodeError),
    }
    return ModuleRef(name, members)

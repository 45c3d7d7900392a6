"""`re`, on the matcher of `regex.py`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from ..builtins import exception_ref
from ..calling import call_value
from ..costs import COUNTED
from ..errors import ScriptDenied
from ..machine import Machine
from ..objects import Builtin, ModuleRef, ScriptCallable, ScriptObject, Stream, as_index, type_name
from .regex import Program, Slots, compile_pattern, match_at


class Match(ScriptObject):
    """`re.Match`."""

    __slots__ = ('_program', '_slots', 'text')
    kind = 're.Match'

    def __init__(self, program: Program, text: str, slots: Slots):
        self._program = program
        self.text = text
        self._slots = slots

    def number(self, group: Any) -> int:
        if type(group) is str:
            if group not in self._program.names:
                raise IndexError('no such group')
            return self._program.names[group]
        if type(group) is not int or not 0 <= group < self._program.groups:
            raise IndexError('no such group')
        return group

    def span(self, group: Any = 0) -> tuple[int, int]:
        number = self.number(group)
        start, end = self._slots[2 * number], self._slots[2 * number + 1]
        return (-1, -1) if start is None or end is None else (start, end)

    def group(self, group: Any = 0) -> str | None:
        start, end = self.span(group)
        return None if start < 0 else self.text[start:end]

    def groups(self, default: Any = None) -> tuple:
        found = (self.group(number) for number in range(1, self._program.groups))
        return tuple(default if item is None else item for item in found)

    def item(self, m: Machine, key: Any) -> Any:
        return _charged(m, self.group(key))

    def attribute(self, m: Machine, name: str) -> Any:
        if name == 'string':
            return self.text
        if name not in _MATCH:
            raise AttributeError(f"'re.Match' object has no attribute '{name}'")
        return Builtin(name, lambda m, *args: _charged(m, _MATCH[name](self, m, *args)), COUNTED)

    def display(self) -> str:
        return f'<re.Match object; span={self.span()}, match={(self.group() or "")[:50]!r}>'


def _charged(m: Machine, found: Any) -> Any:
    parts = found if type(found) is tuple else found.values() if type(found) is dict else (found,)
    m.charge(100 + sum(map(sys.getsizeof, parts)))
    return found


def _group(match: Match, m: Machine, *groups: Any) -> Any:
    found = [match.group(group) for group in groups or (0,)]
    return found[0] if len(found) == 1 else tuple(found)


def _groupdict(match: Match, m: Machine, default: Any = None) -> dict:
    found = {name: match.group(name) for name in match._program.names}
    return {name: default if value is None else value for name, value in found.items()}


_MATCH = {
    'group': _group,
    'groups': lambda match, m, default=None: match.groups(default),
    'groupdict': _groupdict,
    'start': lambda match, m, group=0: match.span(group)[0],
    'end': lambda match, m, group=0: match.span(group)[1],
    'span': lambda match, m, group=0: match.span(group),
}


class Pattern(ScriptObject):
    """`re.Pattern`."""

    __slots__ = ('flags', 'program', 'source')
    kind = 're.Pattern'

    def __init__(self, program: Program, source: str, flags: int):
        self.program = program
        self.source = source
        self.flags = flags

    @property
    def size(self) -> int:  # type: ignore[override]
        return 400 + 200 * len(self.program.code)

    def attribute(self, m: Machine, name: str) -> Any:
        if name == 'pattern':
            return self.source
        if name == 'groups':
            return self.program.groups - 1
        if name not in _FUNCTIONS:
            raise AttributeError(f"'re.Pattern' object has no attribute '{name}'")
        return Builtin(name, lambda m, *args, **kwargs: _FUNCTIONS[name](m, self, *args, **kwargs), COUNTED)

    def display(self) -> str:
        return f're.compile({self.source!r})'


def _text(m: Machine, value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f'expected string, got {type_name(value)}')
    return value


def _pattern(m: Machine, pattern: Any, flags: Any = 0) -> Pattern:
    if isinstance(pattern, Pattern):
        return pattern
    wanted = as_index(flags)
    if wanted & (re.LOCALE | re.DEBUG):
        raise ScriptDenied('these flags of re are not available in scripts')
    text = _text(m, pattern)
    return Pattern(compile_pattern(m, text, wanted), text, wanted)


def _search(m: Machine, pattern: Pattern, text: str, at: int = 0, nonempty: bool = False) -> Match | None:
    for start in range(at, len(text) + 1):
        slots = match_at(m, pattern.program, text, start, nonempty=nonempty and start == at)
        if slots is not None:
            return _made(m, pattern, text, slots)
    return None


def _made(m: Machine, pattern: Pattern, text: str, slots: Slots | None) -> Match | None:
    if slots is None:
        return None
    m.charge(200 + 8 * len(slots))
    return Match(pattern.program, text, slots)


def _matches(m: Machine, pattern: Pattern, text: str) -> Iterator[Match]:
    at, nonempty = 0, False
    while True:
        match = _search(m, pattern, text, at, nonempty)
        if match is None:
            return
        yield match
        start, at = match.span()
        nonempty = start == at


def _first(m: Machine, pattern: Pattern, text: Any) -> Match | None:
    return _search(m, pattern, _text(m, text))


def _match(m: Machine, pattern: Pattern, text: Any) -> Match | None:
    return _made(m, pattern, text, match_at(m, pattern.program, _text(m, text), 0))


def _fullmatch(m: Machine, pattern: Pattern, text: Any) -> Match | None:
    return _made(m, pattern, text, match_at(m, pattern.program, _text(m, text), 0, whole=True))


def _findall(m: Machine, pattern: Pattern, text: Any) -> list:
    found = []
    for match in _matches(m, pattern, _text(m, text)):
        groups = match.groups('')
        found.append(_charged(m, groups if len(groups) > 1 else groups[0] if groups else match.group()))
        m.meter.item_count(len(found))
    return found


def _finditer(m: Machine, pattern: Pattern, text: Any) -> Stream:
    return Stream(m, _matches(m, pattern, _text(m, text)), text)


def _split(m: Machine, pattern: Pattern, text: Any, maxsplit: Any = 0) -> list:
    found: list[Any] = []
    at = 0
    most = as_index(maxsplit)
    for splits, match in enumerate(_matches(m, pattern, _text(m, text))):
        if most and splits >= most:
            break
        start, end = match.span()
        found.append(_charged(m, text[at:start]))
        found.extend(_charged(m, match.groups()))
        m.meter.item_count(len(found))
        at = end
    return [*found, text[at:]]


def _subn(m: Machine, pattern: Pattern, replacement: Any, text: Any, count: Any = 0) -> tuple[str, int]:
    replace = replacement if isinstance(replacement, ScriptCallable) else _template(pattern, _text(m, replacement))
    parts: list[str] = []
    size = at = made = 0
    most = as_index(count)
    for match in _matches(m, pattern, _text(m, text)):
        if most and made >= most:
            break
        start, end = match.span()
        if isinstance(replace, ScriptCallable):
            new = _text(m, call_value(m, replace, [match], {}))
        else:
            new = ''.join(part if type(part) is str else match.group(part) or '' for part in replace)
        parts += [text[at:start], new]
        size += start - at + len(new)
        m.meter.text_size(size)
        at = end
        made += 1
    parts.append(text[at:])
    m.meter.text_size(size + len(parts[-1]))
    return _charged(m, ''.join(parts)), made


_ESCAPES = {'n': '\n', 't': '\t', 'r': '\r', 'f': '\f', 'v': '\v', 'a': '\a', 'b': '\b', '\\': '\\'}
_TEMPLATE = re.compile(r'\\(?:g<(?P<name>[^>]{1,100})>|(?P<number>[1-9]\d?)|(?P<other>.))', re.DOTALL)


def _template(pattern: Pattern, text: str) -> list[str | int]:
    """A replacement's parts: texts and group numbers. Raises re.error."""
    parts: list[str | int] = []
    at = 0
    for found in _TEMPLATE.finditer(text):
        parts.append(text[at : found.start()])
        at = found.end()
        if found['other']:
            other = found['other']
            if other == '0':
                parts.append('\0')
            elif other in _ESCAPES:
                parts.append(_ESCAPES[other])
            elif other.isascii() and other.isalpha():
                raise re.error(f'bad escape \\{other}')
            else:
                parts.append('\\' + other)
            continue
        name = found['name'] or found['number']
        if name.isdigit():
            number = int(name)
        elif name in pattern.program.names:
            number = pattern.program.names[name]
        else:
            raise IndexError(f'unknown group name {name!r}')
        if number >= pattern.program.groups:
            raise re.error(f'invalid group reference {number}')
        parts.append(number)
    parts.append(text[at:])
    return parts


_FUNCTIONS = {
    'search': _first,
    'match': _match,
    'fullmatch': _fullmatch,
    'findall': _findall,
    'finditer': _finditer,
    'split': _split,
    'subn': _subn,
    'sub': lambda m, pattern, *args, **kwargs: _subn(m, pattern, *args, **kwargs)[0],
}


def _module_function(name: str, count: int) -> Builtin:
    """`re.search(pattern, text, flags)`: the pattern, `count` arguments, then options and flags."""
    function: Any = _FUNCTIONS[name]

    def call(m: Machine, pattern: Any, *args: Any, flags: Any = 0, **kwargs: Any) -> Any:
        positional = args[:count]
        rest = args[count:]
        option = {'split': 'maxsplit', 'sub': 'count', 'subn': 'count'}.get(name)
        if rest and option is not None:
            kwargs[option], rest = rest[0], rest[1:]
        if rest:
            flags = rest[0]
        return function(m, _pattern(m, pattern, flags), *positional, **kwargs)

    return Builtin(name, call, COUNTED)


def _escape(m: Machine, text: Any, /) -> str:
    m.meter.passed_over(len(_text(m, text)))
    found = re.escape(text)
    m.meter.text_size(len(found))
    return _charged(m, found)


def make(m: Machine, name: str) -> ModuleRef:
    m.more_catchable.add(re.error)
    members: dict[str, Any] = {name: _module_function(name, 1) for name in _FUNCTIONS}
    members['sub'] = _module_function('sub', 2)
    members['subn'] = _module_function('subn', 2)
    members['compile'] = Builtin('compile', _pattern, COUNTED)
    members['escape'] = Builtin('escape', _escape, COUNTED)
    members['error'] = exception_ref(re.error)
    for flag in ('ASCII', 'DOTALL', 'IGNORECASE', 'MULTILINE', 'VERBOSE', 'A', 'S', 'I', 'M', 'X'):
        members[flag] = int(getattr(re, flag))
    return ModuleRef(name, members)


__all__ = ['Match', 'Pattern', 'make']

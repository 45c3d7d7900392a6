"""The Python code of type stubs: signatures, enums, docstrings. Texts from a server stay inside of what they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

__all__ = [
    'StubParameter',
    'default_code',
    'docstring',
    'enum_code',
    'functions_code',
    'joined',
    'or_none',
    'overloads',
    'string_code',
    'union',
]

_MOST_OVERLOADS = 6
_LONGEST_DEFAULT = 60


class StubParameter(NamedTuple):
    name: str
    types: Sequence[str]
    default: str | None

    def code(self, with_default: bool = True) -> str:
        tail = f' = {self.default}' if with_default and self.default is not None else ''
        return f'{self.name}: {union(self.types)}{tail}'


def union(types: Sequence[str]) -> str:
    return '_Any' if '_Any' in types else ' | '.join(dict.fromkeys(types))


def or_none(types: Sequence[str]) -> list[str]:
    return [*types, 'None']


def joined(known: StubParameter | None, added: StubParameter) -> StubParameter:
    """One keyword that lies in several branches of a dynamic combo."""
    return added if known is None else added._replace(types=[*known.types, *added.types])


def overloads(positional: Sequence[StubParameter], keywords: Sequence[StubParameter]) -> Iterator[str]:
    """The parameter lists that together take what the node takes."""
    cuts = [
        index
        for index in range(1, len(positional))
        if positional[index].default is None and positional[index - 1].default is not None
    ]
    if len(cuts) >= _MOST_OVERLOADS:
        cuts = cuts[:1]
    for cut in [len(positional), *reversed(cuts)]:
        before = positional[:cut]
        last = max((index for index, item in enumerate(before) if item.default is None), default=-1)
        code = [item.code(with_default=index > last) for index, item in enumerate(before)]
        code.append('*')
        code += [item.code() for item in (*positional[cut:], *keywords)]
        yield ', '.join(code)


def functions_code(name: str, signatures: Sequence[str], returns: str, doc: str, indent: str = '') -> str:
    taken = any('self: ' in signature for signature in signatures)
    own = ('_self, ' if taken else 'self, ') if indent else ''
    mark = f'{indent}@_overload\n' if len(signatures) > 1 else ''
    code = []
    for index, signature in enumerate(signatures):
        head = f'{mark}{indent}def {name}({own}{signature}) -> {returns}:'
        code.append(f'{head}\n{doc}' if index == 0 else f'{head} ...\n')
    return ''.join(code)


def enum_code(name: str, members: Mapping[str, Any], indent: str) -> str:
    """An enum class in a stub."""
    values = list(members.values())
    base = 'str'
    if values and all(type(value) is int for value in values):
        base = 'int'
    elif values and all(type(value) in (int, float) for value in values):
        base = 'float'
    if not members:
        # Type checkers want enums to have members.
        return f'{indent}class {name}(str): ...\n'
    lines = [f'{indent}class {name}({base}, _Enum):']
    for member, value in members.items():
        text = string_code(value) if base == 'str' else repr(value)
        clash = '  # type: ignore' if member in _TAKEN[base] else ''
        lines.append(f'{indent}    {member} = {text}{clash}')
    return '\n'.join(lines) + '\n'


_TAKEN = {
    base.__name__: frozenset(name for name in (*dir(base), *dir(Enum)) if not name.startswith('__'))
    for base in (str, int, float)
}


def docstring(text: str, indent: str) -> str:
    """A text from a server as a docstring: whatever is in it, it stays inside."""
    kept = ''.join(c if c == '\n' or c.isprintable() else ' ' for c in text.replace('\r\n', '\n'))
    safe = kept.replace('\\', '\\\\').replace('"', '\\"') if '"""' in kept or kept.endswith('"') else kept
    if safe is kept:
        safe = kept.replace('\\', '\\\\')
    lines = [f'{indent}{line}'.rstrip() for line in safe.split('\n')]
    body = '\n'.join(lines).lstrip()
    return f'{indent}"""{body}\n{indent}"""\n'


def string_code(value: Any) -> str:
    return ascii(str(value)) if not str(value).isprintable() else repr(str(value))


def default_code(value: Any, types: Sequence[str]) -> str:
    """A default as it is shown; not where it is long, or of a type that the input would not take."""
    kind = type(value).__name__
    if kind in types or (kind == 'int' and 'float' in types):
        text = string_code(value) if isinstance(value, str) else repr(value)
        return text if len(text) <= _LONGEST_DEFAULT and text not in ('inf', '-inf', 'nan') else '...'
    return '...'

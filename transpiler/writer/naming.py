"""Names for variables, parameters and functions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ...graph import RESERVED, to_variable_name
from ...graph.types import PYTHON_TYPES

LONGEST = 40
MOST_READ = 200
"""Characters of a text that a name is made of at most."""

# What a type's name says to a reader where it is no good name for a variable: builtins, and types that say nothing.
_TYPE_NAMES = {
    'INT': 'integer',
    'FLOAT': 'number',
    'BOOLEAN': 'boolean',
    'STRING': 'text',
    'COMBO': 'choice',
    '*': 'value',
    '': 'value',
}

# Names of outputs that tell less than the type.
_EMPTY_NAMES = {'output', 'outputs', 'out', 'result', 'results', 'return', 'value', 'any'}
_EMPTY_NAMES |= {'int', 'float', 'bool', 'boolean', 'string', 'combo'}

PLAIN_TYPES = frozenset({*PYTHON_TYPES, 'COMBO', '*', ''})
"""Types of values that pass through many hands without staying the same thing."""


def variable(raw: str) -> str:
    """A text of the file as a variable's name, or `''` where nothing of it is left."""
    return _variable(raw[:MOST_READ])


@lru_cache(maxsize=8192)
def _variable(raw: str) -> str:
    name = to_variable_name(raw.replace('LoRA', 'Lora'))
    if not re.search(r'[^\W_]', name):
        return ''
    name = re.sub('__+', '_', name.strip('_'))
    if not name.isidentifier():
        name = '_' + name
    return name


def from_type(type_: str) -> str:
    return _from_type(type_[:MOST_READ])


@lru_cache(maxsize=8192)
def _from_type(type_: str) -> str:
    if type_ in _TYPE_NAMES:
        return _TYPE_NAMES[type_]
    return variable(type_.partition(',')[0].removeprefix('COMFY_')) or 'value'


def from_output(name: str, type_: str) -> str:
    """The output's name where it tells more than the type, else the type."""
    return _from_output(name[:MOST_READ], type_[:MOST_READ])


@lru_cache(maxsize=8192)
def _from_output(name: str, type_: str) -> str:
    by_name = variable(name)
    if not by_name or len(by_name) > LONGEST or by_name in _EMPTY_NAMES:
        return from_type(type_)
    return by_name


_IN_BRACKETS = re.compile(r'(.+?)\s*\(([^()]+)\)')


@lru_cache(maxsize=8192)
def from_title(title: str, *usual: str) -> str:
    """A title that the user gave, as a name; `''` where it is one of the usual ones, or too long to be a name.

    Of a title that continues a usual one in brackets, what is in the brackets: `CLIP Text Encode (Negative Prompt)`.
    """
    title = title[:MOST_READ].strip()
    if not title or title in usual:
        return ''
    match = _IN_BRACKETS.fullmatch(title) if title[-1] == ')' else None
    if match and any(match[1] == text.partition(' (')[0] for text in usual):
        title = match[2]
    name = variable(title)
    return name if len(name) <= LONGEST and name.count('_') < 5 else ''


class Names:
    """The names of one scope: each is given once."""

    def __init__(self, taken: Iterable[str] = (), outer: Names | None = None):
        self._taken = set(taken)
        self._outer = outer._taken if outer is not None else frozenset()
        self._next: dict[str, int] = {}

    def new(self, base: str) -> str:
        if base in RESERVED:
            base += '_'
        name = base
        number = self._next.get(base, 1)
        while name in self._taken or name in self._outer:
            number += 1
            name = f'{base}_{number}' if base[-1].isdigit() else f'{base}{number}'
        self._next[base] = number
        self._taken.add(name)
        return name

"""What a value is after it went through JSON."""

from __future__ import annotations

import json
from enum import Enum, IntEnum
from typing import Any

import pytest

from comfy_script.graph.json_values import as_json


class Kind(str, Enum):
    BIG = 'big one'


class Level(IntEnum):
    LOW = 1


class Share(float):
    def __repr__(self) -> str:
        return 'a share'


@pytest.mark.parametrize(
    'value',
    [
        Kind.BIG,
        {Kind.BIG: Kind.BIG, Level.LOW: (Level.LOW, True), None: None, True: 0.5, 2: [Share(0.5)], 1.5: ''},
        [('a', Kind.BIG), ['b', 'c'], {}],
    ],
)
def test_it_is_what_json_makes_of_it(value: Any) -> None:
    found = as_json(value)
    assert found == json.loads(json.dumps(value))
    assert json.dumps(found) == json.dumps(value)
    assert plain(found)


def plain(value: Any) -> bool:
    """Whether nothing in it is of a type of one's own."""
    if isinstance(value, dict):
        return type(value) is dict and all(type(key) is str and plain(item) for key, item in value.items())
    if isinstance(value, list):
        return type(value) is list and all(map(plain, value))
    return type(value) in (str, int, float, bool, type(None))


def test_what_json_cannot_hold_stays_and_long_lists_are_not_copied() -> None:
    thing, models = object(), ['a', 'b']
    assert as_json({'thing': thing})['thing'] is thing
    assert as_json(models) is models

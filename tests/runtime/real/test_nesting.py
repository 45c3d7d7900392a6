"""Calls of nodes whose inputs grow, as they are known from calls before: the same inputs as when they are bound."""

from __future__ import annotations

import random
from typing import Any

from comfy_script.graph import InputKind, NodeSchema, bind
from comfy_script.runtime.real.nesting import GrowingCalls

IMAGE = {'input': {'required': {'image': ['IMAGE', {}]}}, 'prefix': 'image', 'min': 1, 'max': 4}
SCHEMA = NodeSchema.parse(
    'Grows',
    {
        'input': {
            'required': {
                'strength': ['FLOAT', {'default': 1.0}],
                'images': ['COMFY_AUTOGROW_V3', {'template': IMAGE}],
                'mode': [['on', 'off'], {}],
                'count': ['INT', {'default': 1}],
            },
            'optional': {'conditioning': ['CONDITIONING', {}]},
        },
        'output': [],
        'name': 'Grows',
    },
)


def test_a_call_like_one_before_has_its_inputs() -> None:
    pick = random.Random(3)
    calls = GrowingCalls([item.kind is InputKind.AUTOGROW for _, item in SCHEMA.parameters])
    found = 0
    for _ in range(2000):
        images = pick.choices([object(), 7, None, True], [6, 6, 1, 1], k=pick.randint(1, 3))
        given: Any = pick.choice([images, images, images, tuple(images), {'image2': 1}])
        mode, count = pick.choice(['on', 'off', 'on', True]), pick.choice([1, 2, None])
        args = [pick.choice([0.5, 2]), given, mode, count, [[1, {}]]][: pick.randint(2, 5)]
        if len(args) == 2:
            args.append('on')
        bound = bind(SCHEMA, args, {})
        known = calls.find(args)
        if known is not None:
            found += 1
            assert [*known[0].items()] == [*bound.items()]
            assert all(known[0][name] is value for name, value in bound.items())
        calls.remember(args, bound, ())
    assert found > 100

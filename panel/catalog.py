"""The schemas as the panel's completion needs them: Python names, no list of choices twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..graph import MISSING, InputSchema, NodeSchema, Schemas

MAX_CHOICES = 5000


def catalog(schemas: Schemas) -> dict[str, Any]:
    """`{nodes: {Python name: …}, choices: [[…], …]}`; an input's `choices` is an index into the latter."""
    lists = _Lists()
    nodes: dict[str, Any] = {}
    for schema in schemas.readable():
        nodes[schemas.names.name_of(schema.class_type)] = _node(schema, lists)
    return {'nodes': nodes, 'choices': lists.lists}


class _Lists:
    """Model lists are shared by dozens of inputs."""

    def __init__(self) -> None:
        self.lists: list[list[Any]] = []
        self._known: dict[str, int] = {}

    def add(self, choices: list[Any]) -> int:
        key = json.dumps(choices, default=str)
        if key not in self._known:
            self._known[key] = len(self.lists)
            self.lists.append(choices)
        return self._known[key]


def _node(schema: NodeSchema, lists: _Lists) -> dict[str, Any]:
    return {
        'type': schema.class_type,
        'title': schema.display_name,
        'description': schema.description,
        'category': schema.category,
        'deprecated': schema.deprecated,
        'inputs': [_input(name, item, lists) for name, item in _parameters(schema)],
        'outputs': [{'name': item.name, 'type': item.type} for item in schema.outputs],
    }


def _parameters(schema: NodeSchema) -> Iterator[tuple[str, InputSchema]]:
    """The inputs by the names a call uses; those inside a dynamic combo's branches once each, as `a__b`."""
    for name, item in schema.parameters:
        yield name, item
        seen: set[str] = set()
        for branch in item.branches:
            for inner in branch.inputs:
                if inner.python_name not in seen:
                    seen.add(inner.python_name)
                    yield inner.python_name, inner


def _input(name: str, item: InputSchema, lists: _Lists) -> dict[str, Any]:
    data: dict[str, Any] = {'name': name, 'type': item.type, 'required': item.required}
    if item.default is not MISSING:
        data['default'] = item.default
    choices = [branch.key for branch in item.branches] or list(item.choices or ())
    if choices:
        data['choices'] = lists.add(choices[:MAX_CHOICES])
    for key, value in (
        ('min', item.minimum),
        ('max', item.maximum),
        ('step', item.options.get('step')),
        ('tooltip', item.tooltip),
    ):
        if value not in (None, ''):
            data[key] = value
    return data

"""Two prompts side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def same(ours: Any, theirs: Any) -> bool:
    """Equal as JSON: unlike in Python, 1 is not true."""
    return _text(ours) == _text(theirs)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    """One line per node that differs."""
    for id in dict.fromkeys([*theirs, *ours]):
        one, other = ours.get(id), theirs.get(id)
        if one is None or other is None:
            side = 'the web UI' if one is None else 'we'
            node = other if one is None else one
            yield f'{id} {(node or {}).get("class_type")}: only {side} has it'
        elif not same(one, other):
            yield f'{id} {other.get("class_type")}: {"; ".join(_node_differences(one, other))}'


def _node_differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for key in dict.fromkeys([*theirs['inputs'], *ours['inputs']]):
        one, other = ours['inputs'].get(key, '—'), theirs['inputs'].get(key, '—')
        if not same(one, other):
            yield f'{key}: web UI {_short(other)}, we {_short(one)}'
    for key in ('class_type', '_meta'):
        if not same(ours.get(key), theirs.get(key)):
            yield f'{key}: web UI {_short(theirs.get(key))}, we {_short(ours.get(key))}'


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + '…'

"""The API prompt of recorded calls."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...graph import Prompt
from .records import Literal, Opaque, Record, Several, Source


@dataclass(frozen=True)
class RecordedPrompt:
    """A prompt of recorded calls, and what of it is not reproducible, in words."""

    prompt: dict[str, Any]
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def parsed(self) -> Prompt:
        return Prompt.parse(self.prompt)


def write_prompt(records: Iterable[Record]) -> RecordedPrompt:
    """The API prompt of these calls and all they rest on. Opaque inputs are left out of it and named in the notes."""
    ancestry: dict[int, Record] = {}
    for record in records:
        if record.number not in ancestry:
            ancestry.update((found.number, found) for found in record.ancestry())
    prompt: dict[str, Any] = {}
    notes: list[str] = []
    for number in sorted(ancestry):
        record = ancestry[number]
        inputs: dict[str, Any] = {}
        for name, value in record.inputs.items():
            if type(value) is Opaque or type(value) is Several:
                notes.append(f'{record.class_type} (node {record.node_id}), input {name}: {_explain(value)}')
            else:
                inputs[name] = _json(value)
        prompt[record.node_id] = {'class_type': record.class_type, 'inputs': inputs}
    return RecordedPrompt(prompt, tuple(notes))


def _json(value: Any) -> Any:
    kind = type(value)
    if kind is Source:
        return [value.record.node_id, value.slot]
    if kind is Literal:
        decoded = json.loads(value.json)
        return {'__value__': decoded} if isinstance(decoded, list) else decoded
    return value


def _explain(value: Opaque | Several) -> str:
    if isinstance(value, Several):
        return f'a list of {len(value.items)} values that the script put together'
    return f'{value.what}, not the output of a node'

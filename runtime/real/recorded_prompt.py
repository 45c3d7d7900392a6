"""The API prompt of recorded calls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...graph import Link, Prompt, PromptNode, decode_value
from ...graph.collector import collector_paused
from .records import Literal, Opaque, Record, Several, Source


@dataclass(frozen=True)
class RecordedPrompt:
    """A prompt of recorded calls, and what of it is not reproducible, in words."""

    prompt: dict[str, Any]
    notes: tuple[str, ...] = field(default=())
    records: Sequence[Record] = field(default=(), repr=False, compare=False)
    """The calls, where `prompt` was written of calls."""

    @cached_property
    def parsed(self) -> Prompt:
        """What `Prompt.parse` makes of `prompt`."""
        ids = {record.number: record.node_id for record in self.records}
        nodes = {}
        for record in self.records:
            inputs = {}
            for name, value in record.inputs.items():
                kind = type(value)
                if kind is str or kind is int or kind is float:
                    inputs[name] = value
                elif kind is Source:
                    inputs[name] = Link(ids[value.record.number], value.slot)
                elif kind is not Opaque and kind is not Several:
                    inputs[name] = decode_value(_json(value))
            nodes[ids[record.number]] = PromptNode(record.class_type, inputs)
        return Prompt(nodes)


@collector_paused()
def write_prompt(records: Iterable[Record]) -> RecordedPrompt:
    """The API prompt of these calls and all they rest on. Opaque inputs are left out of it and named in the notes."""
    ancestry: dict[int, Record] = {}
    for record in records:
        if record.number not in ancestry:
            ancestry.update((found.number, found) for found in record.ancestry())
    prompt: dict[str, Any] = {}
    notes: list[str] = []
    ordered = [ancestry[number] for number in sorted(ancestry)]
    for record in ordered:
        inputs: dict[str, Any] = {}
        for name, value in record.inputs.items():
            if type(value) is Opaque or type(value) is Several:
                notes.append(f'{record.class_type} (node {record.node_id}), input {name}: {_explain(value)}')
            else:
                inputs[name] = _json(value)
        prompt[record.node_id] = {'class_type': record.class_type, 'inputs': inputs}
    return RecordedPrompt(prompt, tuple(notes), ordered)


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

"""The values in which two states of a graph, or two texts, differ."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..graph import Prompt
from .match import same_value


class ValueChange(NamedTuple):
    """A node's input has another value than the text says."""

    node: str
    input: str
    value: Any


def value_changes(before: Prompt, after: Prompt) -> list[ValueChange] | None:
    """The values in which two states of a graph differ; None where more than values differs."""
    if before.nodes.keys() != after.nodes.keys():
        return None
    same = {key: key for key in before.nodes}
    changes: list[ValueChange] = []
    for key, new in after.nodes.items():
        old = before.nodes[key]
        if old is new:
            continue
        if old.class_type != new.class_type or old.inputs.keys() != new.inputs.keys():
            return None
        differing = [name for name, value in new.inputs.items() if not same_value(old.inputs[name], value, same)]
        linked = {name for node in (old, new) for name, _ in node.links()}
        if linked.intersection(differing):
            return None
        changes += [ValueChange(key, name, new.inputs[name]) for name in differing]
    return changes

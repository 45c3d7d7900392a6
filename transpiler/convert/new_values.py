"""The conversion of a graph in which nothing but values has changed since it was converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..workflow_file import BYPASS, NEVER, WorkflowFile, WorkflowNode
from .javascript import prompt_value
from .packs import PACKS
from .registry import SPECIAL_TYPES
from .result import Conversion

MOST = 50
"""Changed nodes."""
_DECIDING = tuple(start for pack in PACKS for start in pack.deciding)
_PLAIN = (str, int, float, type(None))


def with_new_values(conversion: Conversion, before: WorkflowFile, after: WorkflowFile) -> Conversion | None:
    """What `convert_workflow` makes of `after`, by what it made of `before`; None where more has changed than plain
    values of the open graph's own nodes, or where a value decides over more than the input that it stands in.

    Entries of the prompt that have not changed are the same objects. What came before is left as it was.
    """
    if not _is_rest_the_same(before, after):
        return None
    pairs = [(old, new) for old, new in zip(before.nodes, after.nodes) if old is not new]
    if len(pairs) > MOST or any(type_.startswith(_DECIDING) for type_ in conversion.node_types.values()):
        return None
    prompt = dict(conversion.prompt)
    for old, new in pairs:
        entry = prompt.get(new.id)
        values = _new_values(old, new)
        if values is None or (entry is None and new.mode not in (NEVER, BYPASS)):
            return None
        if entry is not None:
            inputs = _inputs(entry, new, values) if 'class_type' in entry else None
            if inputs is None:
                return None
            prompt[new.id] = {**entry, 'inputs': inputs}
    return replace(conversion, prompt=prompt)


def _is_rest_the_same(before: WorkflowFile, after: WorkflowFile) -> bool:
    same = len(before.nodes) == len(after.nodes) and before.links == after.links
    return same and replace(before, nodes=(), links=()) == replace(after, nodes=(), links=())


def _inputs(
    entry: Mapping[str, Any], node: WorkflowNode, values: Mapping[str, tuple[Any, Any]]
) -> dict[str, Any] | None:
    """The node's inputs with its new values, which have to stand there as the old ones did."""
    inputs = dict(entry['inputs'])
    names = [*inputs, *(slot.name for slot in node.inputs)]
    linked = {name for slot in node.inputs if slot.link is not None for name in (slot.name, slot.widget)}
    for name, (was, now) in values.items():
        opens_others = any(other.startswith(f'{name}.') for other in names)
        if name in linked or opens_others or name not in inputs or not _is_same(inputs[name], prompt_value(was)):
            return None
        inputs[name] = prompt_value(now)
    return inputs


def _new_values(old: WorkflowNode, new: WorkflowNode) -> dict[str, tuple[Any, Any]] | None:
    """Name → what the node held and what it holds; None where more than plain values is another."""
    one, other = old.open, new.open
    if one is None or other is None or other.virtual or old.type in SPECIAL_TYPES:
        return None
    as_new = old._replace(widgets_values=new.widgets_values, named_values=new.named_values, open=other)
    if as_new != new or one._replace(values=other.values) != other or list(one.values) != list(other.values):
        return None
    pairs = {name: (value, other.values[name]) for name, value in one.values.items()}
    changed = {name: pair for name, pair in pairs.items() if not _is_same(*pair)}
    return changed if all(isinstance(value, _PLAIN) for pair in changed.values() for value in pair) else None


def _is_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other

"""What is wrong with a value or a link of a node, by what the server says of the node's inputs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from ..graph import MISSING, InputKind, InputSchema, Link, Prompt, Schemas, close_names
from ..graph.types import NUMBER_TYPES


class Fault(NamedTuple):
    """`refused`: no field can hold the value; else one can, but ComfyUI would not run it now. `fix`: what to put there
    instead, where that is known."""

    message: str
    refused: bool = False
    fix: Any = None


def value_fault(item: InputSchema, value: Any) -> Fault | None:
    """Of a plain value."""
    name = item.python_name
    if item.type in NUMBER_TYPES:
        number = _number(value)
        if number is None:
            return Fault(f'{name} takes a number, not {value!r:.80}', refused=True, fix=_usual(item))
        least, most = _number(item.minimum), _number(item.maximum)
        if least is not None and number < least:
            return Fault(f'{name} is {item.minimum} at least', fix=item.minimum)
        if most is not None and number > most:
            return Fault(f'{name} is {item.maximum} at most', fix=item.maximum)
    return _choice_fault(item, value)


def _choice_fault(item: InputSchema, value: Any) -> Fault | None:
    """Only of texts, and where the server says all choices: others are fetched by the page, or any file will do."""
    if item.kind is not InputKind.COMBO or not isinstance(value, str) or value in (item.choices or ()):
        return None
    choices = [choice for choice in item.choices or () if isinstance(choice, str)]
    if not choices or any(name == 'remote' or name.endswith('_upload') for name in item.options):
        return None
    close = close_names(value, choices)
    meant = f' (did you mean {" or ".join(map(repr, close))}?)' if close else ''
    usual = item.default if item.default in choices else choices[0]
    return Fault(f'{item.python_name} has no choice {value!r:.80}{meant}', fix=close[0] if close else usual)


def _usual(item: InputSchema) -> Any:
    return None if item.default is MISSING else item.default


def link_fault(item: InputSchema, given: str | None) -> Fault | None:
    """Of a link from an output of the type `given`."""
    return None if _can_be_linked(given, item) else Fault(f'{item.python_name} takes {item.type}, not {given}')


def type_of(prompt: Prompt, link: Link, schemas: Schemas) -> str | None:
    """Of the output that a link comes from; None where it is not known."""
    source = prompt.nodes.get(link.node)
    return output_type(source.class_type if source else None, link.slot, schemas)


def output_type(class_type: str | None, slot: int, schemas: Schemas) -> str | None:
    """Of a node's output; None where it is not known."""
    schema = schemas.find(class_type)
    return schema.outputs[slot].type if schema and 0 <= slot < len(schema.outputs) else None


def _can_be_linked(given: str | None, item: InputSchema) -> bool:
    """As ComfyUI decides it (`comfy_execution/validation.py: validate_node_input`), where both types are plain."""
    if given is None or item.kind is not InputKind.PLAIN or not isinstance(item.type, str):
        return True
    return _have_in_common(given, item.type)


@lru_cache(maxsize=2048)
def _have_in_common(given: str, wanted: str) -> bool:
    sides = [{part.strip() for part in side.split(',')} for side in (given, wanted)]
    return any(map(_is_open, (*sides[0], *sides[1]))) or bool(sides[0] & sides[1])


def _is_open(type_: str) -> bool:
    """Whether a type says nothing: anything goes into and out of `*`, combos are lists in some packs and names in
    others, and what `COMFY_MATCHTYPE_V3` and its like stand for depends on what else is linked."""
    return type_ in ('*', 'COMBO', '') or type_.startswith('COMFY_')


def _number(value: Any) -> float | None:
    if isinstance(value, (int, float)):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None

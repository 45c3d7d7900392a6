"""What is to be noticed of the values that Apply would set, and of the links that it would make."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..graph import Prompt, Schemas
from .argument_places import ArgumentPlaces
from .edits import Edit
from .faults import link_fault, output_type, value_fault
from .reading import ReadScript


class Remarks(NamedTuple):
    """`errors`: fields cannot hold these values. `warnings`: they can, but ComfyUI would not run them now."""

    errors: list[dict[str, Any]]
    warnings: list[dict[str, Any]]


def remarks(edits: Iterable[Edit], wanted: ReadScript, graph: Prompt, schemas: Schemas) -> Remarks:
    """Only of values that change: what the graph holds already is not the script's fault."""
    edits = list(edits)
    types = {key: node.class_type for key, node in graph.nodes.items()}
    types |= {edit.node: edit.class_type for edit in edits if edit.op == 'add'}
    places = ArgumentPlaces(wanted, schemas)
    found = Remarks([], [])
    for edit in edits:
        schema = schemas.find(types.get(edit.node)) if edit.op in ('set', 'connect') else None
        item = schema.input(edit.input or '') if schema else None
        if item is None:
            continue
        if edit.source is not None:
            fault = link_fault(item, output_type(types.get(edit.source[0]), edit.source[1], schemas))
        else:
            fault = value_fault(item, edit.value)
        if fault is not None:
            to = found.errors if fault.refused else found.warnings
            to.append(places.of(edit.key, edit.input, edit.line) | {'message': fault.message})
    return found

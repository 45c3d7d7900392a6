"""What no graph can hold, of the values that Apply would set. What ComfyUI would not run is told by `problems.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..graph import Prompt, Schemas, encode_value
from .argument_places import ArgumentPlaces
from .edits import Edit
from .faults import value_fault
from .reading import ReadScript


def refused(edits: Iterable[Edit], wanted: ReadScript, graph: Prompt, schemas: Schemas) -> list[dict[str, Any]]:
    """Only of values that change: what the graph holds already is no error of the script's."""
    edits = list(edits)
    types = {key: node.class_type for key, node in graph.nodes.items()}
    types |= {edit.node: edit.class_type for edit in edits if edit.op == 'add'}
    places = ArgumentPlaces(wanted, schemas)
    found: list[dict[str, Any]] = []
    for edit in edits:
        schema = schemas.find(types.get(edit.node)) if edit.op == 'set' else None
        item = schema.input(edit.input or '') if schema else None
        fault = value_fault(item, edit.value) if item else None
        if fault is not None and fault.refused:
            fix = {} if fault.fix is None else {'fix': encode_value(fault.fix)}
            found.append(places.of(edit.key, edit.input, edit.line) | {'message': fault.message} | fix)
    return found

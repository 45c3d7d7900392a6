"""What in a graph the server would refuse to run now, at its place in the graph's script: all at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..graph import Link, Prompt, Schemas, encode_value
from .argument_places import ArgumentPlaces
from .faults import link_fault, type_of, value_fault
from .reading import ReadScript

MOST = 50


def problems(prompt: Prompt, read: ReadScript, nodes: Mapping[str, str], schemas: Schemas) -> list[dict[str, Any]]:
    """`[{line, column, endColumn?, message, node, input, fix?}]`, by line, at most MOST.

    `read` is a script of the graph, and `nodes` says which node of it is which of the graph's `prompt`. `fix`: a value
    to put there instead.
    """
    places = ArgumentPlaces(read, schemas)
    found: list[dict[str, Any]] = []
    for node, key in nodes.items():
        schema = schemas.find(prompt.nodes[key].class_type) if key in prompt.nodes else None
        for name, value in prompt.nodes[key].inputs.items() if schema else ():
            item = schema.input(name) if schema else None
            if item is None:
                continue
            link = type(value) is Link
            fault = link_fault(item, type_of(prompt, value, schemas)) if link else value_fault(item, value)
            if fault is not None and len(found) < MOST:
                about = {'message': fault.message, 'node': key, 'input': name}
                fix = {} if fault.fix is None else {'fix': encode_value(fault.fix)}
                found.append(places.of(node, name, read.lines.get(node)) | about | fix)
    return sorted(found, key=lambda one: (one['line'], one['column']))

"""What in a graph the server would refuse to run now, at its place in the graph's script: all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..graph import Link, Prompt, Schemas, encode_value
from .argument_places import ArgumentPlaces
from .faults import Fault, link_fault, type_of, value_fault
from .reading import ReadScript

MOST = 50

Faults = Mapping[str, tuple[tuple[str, Fault], ...]]
"""Graph id → input and what is wrong with it, of the nodes where anything is."""


def faults_of(prompt: Prompt, schemas: Schemas, nodes: Iterable[str] | None = None) -> Faults:
    """Of a prompt's nodes, or of these."""
    return {key: _faults(prompt, key, schemas) for key in (prompt.nodes if nodes is None else nodes)}


def _faults(prompt: Prompt, key: str, schemas: Schemas) -> tuple[tuple[str, Fault], ...]:
    node = prompt.nodes[key]
    schema = schemas.find(node.class_type)
    if schema is None:
        return ()
    found: list[tuple[str, Fault]] = []
    for name, value in node.inputs.items():
        item = schema.input(name)
        if item is None:
            continue
        link = type(value) is Link
        fault = link_fault(item, type_of(prompt, value, schemas)) if link else value_fault(item, value)
        if fault is not None:
            found.append((name, fault))
    return tuple(found)


def problems(
    prompt: Prompt, read: ReadScript, nodes: Mapping[str, str], schemas: Schemas, faults: Faults | None = None
) -> list[dict[str, Any]]:
    """`[{line, column, endColumn?, message, node, input, fix?}]`, by line, at most MOST.

    `read` is a script of the graph, and `nodes` says which node of it is which of the graph's `prompt`. `faults`: those
    of the prompt, where they are known. `fix`: a value to put there instead.
    """
    places = ArgumentPlaces(read, schemas)
    found: list[dict[str, Any]] = []
    for node, key in nodes.items():
        if key not in prompt.nodes:
            continue
        for name, fault in _faults(prompt, key, schemas) if faults is None else faults.get(key, ()):
            if len(found) == MOST:
                break
            about = {'message': fault.message, 'node': key, 'input': name}
            fix = {} if fault.fix is None else {'fix': encode_value(fault.fix)}
            found.append(places.of(node, name, read.lines.get(node)) | about | fix)
    return sorted(found, key=lambda one: (one['line'], one['column']))

"""A prompt can hold a value where the web UI has only a socket: a node for the value is put before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..prompt import Link, Prompt, PromptNode
from ..schema import InputSchema, NodeSchema
from ..schemas import Schemas
from ..types import DATA_TYPES
from .layout_hints import LayoutGroup
from .widget_places import is_fixed, places_of

_CONSTANTS = {
    bool: ('PrimitiveBoolean', {}),
    int: ('PrimitiveInt', {'control_after_generate': True}),
    float: ('PrimitiveFloat', {}),
    str: ('PrimitiveStringMultiline', {'multiline': True}),
}
CONSTANT_SCHEMAS = {
    class_type: NodeSchema.parse(
        class_type, {'input': {'required': {'value': [type_, options]}}, 'output': [type_], 'output_name': [type_]}
    )
    for python, (class_type, options) in _CONSTANTS.items()
    for type_ in [DATA_TYPES[python]]
}
"""ComfyUI's own nodes for a value (comfy_extras/nodes_primitive.py)."""


def with_constants(
    prompt: Prompt, schemas: Schemas | None, groups: tuple[LayoutGroup, ...]
) -> tuple[Prompt, tuple[LayoutGroup, ...]]:
    """A prompt can hold a value where the web UI has only a socket: a node for the value is put before it."""
    nodes: dict[str, PromptNode] = {}
    beside: dict[str, list[str]] = {}
    fixed: dict[str, Sequence[InputSchema]] = {}
    for key, node in prompt.nodes.items():
        changed: dict[str, Any] = {}
        for item in _sockets(node, schemas, fixed):
            value = node.inputs.get(item.name)
            found = _constant_for(item, value) if type(value) in _CONSTANTS else None
            if found is not None:
                constant = f'{key} {item.name}'
                nodes[constant] = PromptNode(found, {'value': value}, item.local_name)
                changed[item.name] = Link(constant, 0)
                beside.setdefault(key, []).append(constant)
        nodes[key] = PromptNode(node.class_type, {**node.inputs, **changed}, node.title) if changed else node
    return (Prompt(nodes), tuple(_grown(group, beside) for group in groups)) if beside else (prompt, groups)


def _sockets(
    node: PromptNode, schemas: Schemas | None, fixed: dict[str, Sequence[InputSchema]]
) -> Sequence[InputSchema]:
    """The inputs of a node that are no widgets. `fixed` keeps those of classes whose nodes all have the same."""
    found = fixed.get(node.class_type or '')
    if found is not None:
        return found
    schema = schemas.find(node.class_type) if schemas is not None else None
    if schema is None:
        return ()
    found = [item for item in schema.expand(node.inputs) if places_of(item, schema) is None]
    if is_fixed(schema):
        fixed[schema.class_type] = found
    return found


def _constant_for(item: InputSchema, value: Any) -> str | None:
    """The class type of the node for a value that this socket takes."""
    takes = item.type.split(',')
    class_type = _CONSTANTS[type(value)][0]
    if DATA_TYPES[type(value)] in takes or '*' in takes:
        return class_type
    return _CONSTANTS[float][0] if type(value) is int and 'FLOAT' in takes else None


def _grown(group: LayoutGroup, beside: Mapping[str, list[str]]) -> LayoutGroup:
    nodes = [other for key in group.nodes for other in (*beside.get(key, ()), key)]
    return LayoutGroup(group.title, tuple(nodes), tuple(_grown(child, beside) for child in group.groups))

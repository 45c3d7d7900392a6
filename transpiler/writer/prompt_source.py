"""A prompt as the writer reads it: nodes with their schemas, links, users, types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...graph import (
    MOST_OUTPUTS,
    NameTable,
    NodeSchema,
    OutputSchema,
    Prompt,
    PromptError,
    PromptNode,
    Schemas,
    near_misses,
)
from ..errors import TranspileError
from .arguments import Output
from .literals import quoted
from .naming import from_title
from .workflow_hints import Hints

MOST_UNPACKED = 20
"""Outputs of a node without a schema that are unpacked; beyond, the one that is used is indexed."""

_OPEN_TYPES = frozenset({'COMFY_MATCHTYPE_V3', '*', ''})

MOST_LOOKED_UP = 10
"""Unknown node types for which similar names are looked for."""


@dataclass(slots=True)
class SourceNode:
    """A node of the prompt with what is known of it. `outputs` is None where nobody knows them."""

    raw: PromptNode
    schema: NodeSchema | None
    callee: str
    outputs: tuple[OutputSchema, ...] | None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Raw name → JSON value or `Output`; links that lead nowhere are left out."""
    asked_outputs: int = 0
    """How many outputs the call asks for, where a link leads to one that the schema lacks."""


class PromptSource:
    """The whole prompt. Raises TranspileError where its links run in a circle."""

    def __init__(self, prompt: Prompt, schemas: Schemas, hints: Hints, warnings: list[str]):
        self.prompt = prompt
        self.schemas = schemas
        self.hints = hints
        self.warnings = warnings
        self.nodes = self._read_nodes()
        self.order = self._order()
        self.index = {key: index for index, key in enumerate(self.nodes)}
        self.users = self._users()
        self.used_slots: dict[str, set[int]] = {}
        for output in self.users:
            self.used_slots.setdefault(output.node, set()).add(output.slot)
        for key, slots in self.used_slots.items():
            node = self.nodes[key]
            if node.outputs is not None and max(slots) >= len(node.outputs):
                self._add_outputs(key, node, max(slots) + 1)
        self.types: dict[Output, str] = {}
        self._resolve_types()

    def set_inputs(self, key: str, node: PromptNode) -> None:
        """The same node with other inputs. What is known of its links stays as it was."""
        known = self.nodes[key]
        known.raw = node
        known.inputs = {name: value for name, value in node.inputs.items() if not self._dangles(value, self.nodes)}

    def links_of(self, node: PromptNode) -> list[Output]:
        """Those of a node's inputs that lead somewhere."""
        links = [value for value in node.inputs.values() if type(value) is Output]
        return [link for link in links if not self._dangles(link, self.nodes)]

    def type_of(self, output: Output) -> str:
        type_ = self.types.get(output)
        if type_ is None:
            outputs = self.nodes[output.node].outputs
            type_ = self.types[output] = outputs[output.slot].type if outputs is not None else '*'
        return type_

    def title_name(self, key: str) -> str:
        """The name that the title of a node gives, where the user gave the title."""
        node = self.nodes[key]
        path, _, local = key.rpartition(':')
        drawn = self.hints.node(path, local)
        if drawn is not None and drawn.type == (node.raw.class_type or drawn.type):
            title = drawn.title
        else:
            title = node.raw.title
        if not title:
            return ''
        usual = [node.raw.class_type or '', node.schema.display_name if node.schema else '']
        return from_title(title, *filter(None, usual))

    def upstream(self, end_nodes: Iterable[Any]) -> set[str]:
        """These nodes and all they need. Raises TranspileError for one that is not there."""
        pending = [str(key) for key in end_nodes]
        for key in pending:
            if key not in self.nodes:
                raise TranspileError('the prompt has no such node to end at', node=key)
        found: set[str] = set()
        while pending:
            key = pending.pop()
            if key not in found:
                found.add(key)
                pending.extend(need for need in self.needs(key) if need not in found)
        return found

    def needs(self, key: str) -> list[str]:
        return [value.node for value in self.nodes[key].inputs.values() if type(value) is Output]

    def _read_nodes(self) -> dict[str, SourceNode]:
        types = dict.fromkeys(node.class_type for node in self.prompt.nodes.values() if node.class_type)
        blind = NameTable(types) if not self.schemas else None
        callees: dict[str | None, tuple[NodeSchema | None, str]] = {}
        nodes = {}
        unknown: dict[str, list[str]] = {}
        for key, node in self.prompt.nodes.items():
            class_type = node.class_type
            if class_type is None:
                class_type = self.hints.node_types.get(key) or node.title or 'unknown'
                unknown.setdefault(class_type, []).append(key)
                nodes[key] = SourceNode(node, None, f'node[{quoted(class_type)}]', self._drawn_outputs(key))
                continue
            found = callees.get(class_type)
            if found is None:
                found = callees[class_type] = self._callee(class_type, blind)
            schema, callee = found
            if schema is None and blind is None:
                unknown.setdefault(class_type, []).append(key)
            outputs = self._as_drawn(key, schema.outputs) if schema else self._drawn_outputs(key)
            nodes[key] = SourceNode(node, schema, callee, outputs)
        for number, (class_type, keys) in enumerate(unknown.items()):
            misses = near_misses(class_type, self.schemas) if number < MOST_LOOKED_UP and len(class_type) < 100 else ''
            self.warnings.append(f'unknown node type {class_type!r} (node {", ".join(keys[:5])}){misses}')
        for key, node in nodes.items():
            node.inputs = self._read_inputs(key, node.raw, nodes)
        return nodes

    def _callee(self, class_type: str, blind: NameTable | None) -> tuple[NodeSchema | None, str]:
        if blind is not None:
            return None, blind.name_of(class_type)
        schema = self.schemas.find(class_type)
        if schema is None:
            return None, f'node[{quoted(class_type)}]'
        return schema, self.schemas.names.name_of(class_type)

    def may_have_output(self, key: str, slot: int) -> bool:
        """Whether a node has an output there, as far as anybody knows its outputs."""
        outputs = self.nodes[key].outputs
        return outputs is None or 0 <= slot < len(outputs)

    def _drawn_outputs(self, key: str) -> tuple[OutputSchema, ...] | None:
        """The outputs that the workflow draws, where the schema is not known."""
        path, _, local = key.rpartition(':')
        drawn = self.hints.node(path, local)
        if drawn is None or not drawn.outputs:
            return None
        return tuple(OutputSchema(slot.name, slot.type) for slot in drawn.outputs)

    def _as_drawn(self, key: str, outputs: tuple[OutputSchema, ...]) -> tuple[OutputSchema, ...]:
        """Outputs of any type with the name and type that the page gave them: those of a ComfyScript node's script."""
        if not any(item.type in _OPEN_TYPES for item in outputs):
            return outputs
        drawn = self._drawn_outputs(key) or ()
        named = [there if item.type in _OPEN_TYPES else item for item, there in zip(outputs, drawn)]
        return (*named, *outputs[len(named) :])

    def _add_outputs(self, key: str, node: SourceNode, count: int) -> None:
        """There are more outputs than the server, or else the workflow, knows: the prompt is of another version."""
        known = node.outputs or ()
        node.outputs = None
        if node.schema is not None and not node.schema.any_inputs:
            node.asked_outputs = count
            there = f'the server knows {len(known)} of them'
            self.warnings.append(f'node {key} ({node.raw.class_type}) has {count} outputs or more here, {there}')
            if count <= MOST_UNPACKED:
                drawn = (self._drawn_outputs(key) or ())[:count]
                more = [OutputSchema('', '*')] * (count - len(known) - len(drawn[len(known) :]))
                node.outputs = (*known, *drawn[len(known) :], *more)

    def _read_inputs(self, key: str, node: PromptNode, nodes: Mapping[str, SourceNode]) -> Mapping[str, Any]:
        dangling = [name for name, value in node.inputs.items() if self._dangles(value, nodes)]
        for name in dangling:
            origin, slot = node.inputs[name]
            if origin not in nodes:
                why = f'node {origin!r}, which is not there'
            else:
                why = f'output {slot} of node {origin} ({nodes[origin].raw.class_type}), which has none such'
            self.warnings.append(f'node {key}: input {name!r} is linked to {why}')
        return {name: value for name, value in node.inputs.items() if name not in dangling} if dangling else node.inputs

    @staticmethod
    def _dangles(value: Any, nodes: Mapping[str, SourceNode]) -> bool:
        """Whether a link leads nowhere."""
        return type(value) is Output and (value.node not in nodes or not 0 <= value.slot < MOST_OUTPUTS)

    def _order(self) -> list[str]:
        try:
            return self.prompt.order()
        except PromptError as error:
            raise TranspileError(str(error)) from error

    def _users(self) -> dict[Output, list[str]]:
        users: dict[Output, list[str]] = {}
        for key, node in self.nodes.items():
            for value in node.inputs.values():
                if type(value) is Output:
                    users.setdefault(value, []).append(key)
        return users

    def _resolve_types(self) -> None:
        """The types of the outputs that take over a type: those that they are linked to."""
        for key in self.order:
            node = self.nodes[key]
            for slot, output in enumerate(node.outputs or ()):
                if output.type in _OPEN_TYPES:
                    self.types[Output(key, slot)] = self._matched(node, slot) or '*'

    def _matched(self, node: SourceNode, slot: int) -> str | None:
        if node.schema is None:
            return None
        matches = node.schema.info.get('output_matchtypes')
        template = matches[slot] if isinstance(matches, (list, tuple)) and slot < len(matches) else None
        for name, value in node.inputs.items():
            if type(value) is not Output:
                continue
            item = node.schema.input(name)
            options = item.options.get('template') if item else None
            same = isinstance(options, Mapping) and options.get('template_id') == template
            if same if template is not None else item is not None and item.type == '*':
                return self.type_of(value)
        return None

"""What a selection of nodes takes from the rest of a graph and gives to it."""

from __future__ import annotations

from typing import NamedTuple

from ..graph import Link, Prompt, PromptNode, Schemas, to_class_name
from .faults import type_of

SOURCE = 'ComfyScript:source:'
"""Class type of the stand-in for what comes in, before its number."""
SINK = 'ComfyScript:sink'
"""Class type of the stand-in that takes all that goes out, as `value0`, `value1`, …"""


class Port(NamedTuple):
    """A value that crosses the edge of the selection."""

    link: Link
    type: str
    users: tuple[tuple[str, str], ...]
    """Outside the selection, (node id, input): empty for what comes in."""

    @property
    def annotation(self) -> str:
        """The type as a script writes it."""
        return to_class_name(self.type) if self.type != '*' else 'Any'


def ports_of(prompt: Prompt, chosen: set[str], schemas: Schemas) -> tuple[list[Port], list[Port]]:
    """What comes in and what goes out, in the order in which nodes use it."""
    incoming: dict[Link, None] = {}
    outgoing: dict[Link, list[tuple[str, str]]] = {}
    for key, node in prompt.nodes.items():
        for name, link in node.links():
            if key in chosen and link.node not in chosen:
                incoming[link] = None
            elif key not in chosen and link.node in chosen:
                outgoing.setdefault(link, []).append((key, name))
    return (
        [Port(link, type_of(prompt, link, schemas) or '*', ()) for link in incoming],
        [Port(link, type_of(prompt, link, schemas) or '*', tuple(users)) for link, users in outgoing.items()],
    )


def with_ends(prompt: Prompt, chosen: set[str], incoming: list[Port], outgoing: list[Port]) -> Prompt:
    """The selection as a prompt of its own, with stand-ins for what it takes and gives."""
    sources = {port.link: Link(f'source{number}', 0) for number, port in enumerate(incoming)}
    nodes: dict[str, PromptNode] = {
        link.node: PromptNode(f'{SOURCE}{number}', {'type': port.type}, _title(prompt, port))
        for number, (port, link) in enumerate(zip(incoming, sources.values()))
    }
    for key in prompt.nodes:
        if key in chosen:
            node = prompt.nodes[key]
            inputs = {
                name: sources.get(value, value) if type(value) is Link else value for name, value in node.inputs.items()
            }
            nodes[key] = PromptNode(node.class_type, inputs, node.title)
    if outgoing:
        nodes['sink'] = PromptNode(SINK, {f'value{number}': port.link for number, port in enumerate(outgoing)})
    return Prompt(nodes)


def _title(prompt: Prompt, port: Port) -> str | None:
    """A stand-in is named after what it hands in."""
    return to_class_name(port.type) if port.type != '*' else None

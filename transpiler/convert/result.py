"""What a conversion gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SubgraphInstance:
    """One use of a subgraph definition, by its path of node ids (`12`, nested: `12:7`).

    `parameters`: per input of the definition, in order, its name and the prompt entries it feeds, as
    (prompt id, raw input key); an input that reaches a node of a nested instance lists that inner node.
    `outputs`: per output its name and the (prompt id, slot) behind it, or None where nothing is behind it.
    The node behind an output need not lie inside: a subgraph may hand an input through.
    """

    path: str
    definition_id: str
    name: str
    parameters: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    outputs: tuple[tuple[str, tuple[str, int] | None], ...] = ()


@dataclass(frozen=True)
class Conversion:
    """An API prompt and what else is known of it.

    `node_types`: prompt id → the node's type in the file, also where the server doesn't know it.
    `promoted`: the (prompt id, input key) pairs whose value comes from a subgraph instance's own widget.
    `unplaced`: prompt id → what the file has for the node that no input takes; `warnings` say it too.
    """

    prompt: dict[str, dict[str, Any]]
    node_types: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    instances: Mapping[str, SubgraphInstance] = field(default_factory=dict)
    promoted: frozenset[tuple[str, str]] = frozenset()
    unplaced: Mapping[str, str] = field(default_factory=dict)

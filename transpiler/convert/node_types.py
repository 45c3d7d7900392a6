"""What the registries of node types are made of: a type with rules of its own, a type of the web UI alone, a pack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..workflow_file import WorkflowGraph, WorkflowNode
from .model import LiveGraph, LiveNode
from .specs import Spec
from .widgets import Constructor


@dataclass(frozen=True)
class SpecialType:
    """A server's node type that the web UI, or its pack's JavaScript, extends.

    `inputs` go behind the required ones of the description (`beforeRegisterNodeDef`); `created` runs on the new node;
    `saved_inputs` gives the inputs that a saved node's properties describe: the node gets them before its links and
    values are read. `restored` gives the saved form with what a page without the pack's JavaScript left out of it.
    `take` reads the saved values in the type's own way. `shows`: what lies behind the node's own values is what its
    last run showed. `virtual`: the web UI leaves it out of prompts although the server knows it.
    """

    inputs: tuple[tuple[str, str], ...] = ()
    created: Callable[[LiveNode], None] | None = None
    saved_inputs: Callable[[Mapping[str, Any]], Iterator[Spec]] | None = None
    restored: Callable[[WorkflowNode], WorkflowNode] | None = None
    take: Callable[[LiveNode, WorkflowNode], None] | None = None
    shows: bool = False
    virtual: bool = False


@dataclass(frozen=True)
class VirtualType:
    """A node type that exists in the web UI only: it is in no prompt, links pass through it or end there.

    `finds`: the node is the far end of a named wire; the value is the type of the near end (Get → Set).
    `title`: what an untitled one is called.
    """

    title: str = ''
    finds: str | None = None


@dataclass(frozen=True)
class Pack:
    """What one pack's JavaScript makes of workflows. `source`: its repository, version and the files with the rules.

    `widgets`: the input types that it makes widgets for. `links` adds the links that the pack adds to a graph when a
    prompt is made of it; `finish` changes the prompt afterwards. `titles` are those that its `/i18n` texts give.
    `deciding`: what the types begin with whose values decide over more than their own node.
    """

    source: str
    types: Mapping[str, SpecialType] = field(default_factory=dict)
    virtual: Mapping[str, VirtualType] = field(default_factory=dict)
    widgets: Mapping[str, Constructor] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    links: Callable[[LiveGraph, WorkflowGraph], None] | None = None
    finish: Callable[[dict[str, dict[str, Any]]], None] | None = None
    deciding: tuple[str, ...] = ()

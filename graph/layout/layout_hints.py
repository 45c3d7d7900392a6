"""What the source of a prompt knows of how it should look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LayoutGroup:
    """A titled frame around nodes (ids of the prompt) and around further groups."""

    title: str
    nodes: tuple[str, ...] = ()
    groups: tuple[LayoutGroup, ...] = ()


@dataclass(frozen=True)
class LayoutHints:
    """What the source of a prompt knows about it: titles by node id, and groups."""

    titles: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[LayoutGroup, ...] = ()

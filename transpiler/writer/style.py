"""How a script is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WIDTH = 120


@dataclass(frozen=True)
class Style:
    """What a script looks like; what it does is the same in every style.

    `args`: `'auto'` gives the first two inputs of a node by position, but for seeds, and the others by keyword,
    `'positional'` all by position, `'keyword'` none. `groups` writes the workflow's groups as headings, `notes` its
    notes as comments and, at the end, which of its values have no place in the prompt; `functions` its subgraphs as
    functions, `titles` lets titles that the user gave name variables. `runtime` wraps the script so that the file runs
    as it is; `server` is the address that such a file connects to (none: the default). `soft_wrap` leaves
    long texts on their line, for an editor that wraps them.
    """

    args: Literal['auto', 'positional', 'keyword'] = 'auto'
    groups: bool = True
    notes: bool = False
    functions: bool = True
    titles: bool = True
    runtime: bool = False
    soft_wrap: bool = False
    server: str | None = None

    def __post_init__(self) -> None:
        if self.args not in ('auto', 'positional', 'keyword'):
            raise ValueError(f"style: args is 'auto', 'positional' or 'keyword', not {self.args!r}")

    @property
    def positional(self) -> int:
        """How many inputs of a call may be given by position."""
        return {'auto': 2, 'positional': 1 << 30, 'keyword': 0}[self.args]

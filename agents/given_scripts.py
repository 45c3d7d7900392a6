"""The script that a tool is given: whole, or as few edits of one that the agent has read."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import AgentError
from .open_graph import REFUSALS, open_script
from .script_sources import whole_script
from .studio import CallingAgent, Studio

OPEN_GRAPH = 'open graph'

Edits = Sequence[Sequence[str]]
"""`[old, new]` each: a part of the script that is there once, and what takes its place. One after the other."""


def given_script(studio: Studio, caller: CallingAgent, text: str, source: str, edits: Edits | None) -> str:
    """`text`, or the script of `source` as `script_of` shows it; with the edits. Raises AgentError and what that
    raises."""
    if bool(text) == bool(source.strip()):
        raise AgentError('give either text, or source with edits')
    return edited(text or source_script(studio, caller, source), edits or ())


def source_script(studio: Studio, caller: CallingAgent, source: str) -> str:
    """The whole script of a source, also of the open graph."""
    if source.strip().lower() == OPEN_GRAPH:
        return open_script(studio, caller)
    return whole_script(studio, source)


def graph_script(studio: Studio, caller: CallingAgent, text: str, edits: Edits | None) -> str:
    """`text`, or edits of the open graph's script as the caller has last seen it. Raises AgentError."""
    if bool(text) == bool(edits):
        raise AgentError('give either text, or edits of the script that open_graph told')
    seen = studio.seen(caller)
    if edits and not seen.number:
        raise AgentError(REFUSALS['unread'])
    return text or edited(seen.script, edits or ())


def edited(text: str, edits: Edits) -> str:
    """Raises AgentError for the first edit that does not fit, with what to do."""
    for number, edit in enumerate(edits, 1):
        if len(edit) != 2 or not edit[0]:
            raise AgentError(f'edit {number} must be [old, new]')
        old, new = edit
        found = text.count(old)
        if found != 1:
            where = 'is not in the script' if not found else f'is there {found} times: take more of its line'
            raise AgentError(f'edit {number}: {old[:200]!r} {where}. Nothing was done.')
        text = text.replace(old, new)
    return text

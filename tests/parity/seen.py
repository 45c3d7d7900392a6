"""What the web UI was seen to make of a workflow, also as it is kept for the tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple


class Panel(NamedTuple):
    """What passed between the panel and the server."""

    request: dict[str, Any]
    """What the panel sent of the open graph; put together, where it was what had changed since the last."""
    script: str
    read: dict[str, Any]
    """What the server made of that script."""


class Seen(NamedTuple):
    """What the web UI makes of a workflow."""

    prompt: dict[str, Any]
    """`app.graphToPrompt()`, with 0 for each draw."""
    drawn: tuple[tuple[str, str, Any], ...]
    """Node, input and the value that its widget holds, of each that another draw makes another."""
    moment: datetime
    failure: str | None = None
    """Why loading ended in the middle."""
    panel: Panel | None = None
    """Where it was asked."""


def record_of(seen: Seen) -> dict[str, Any]:
    """What is kept: what the panel asked, and what the web UI made of it."""
    assert seen.panel is not None
    return {
        'request': seen.panel.request,
        'prompt': seen.prompt,
        'drawn': seen.drawn,
        'moment': seen.moment.isoformat(timespec='seconds'),
    }


def seen_in(record: dict[str, Any]) -> Seen:
    """The other way round."""
    drawn = tuple((id, name, held) for id, name, held in record['drawn'])
    return Seen(record['prompt'], drawn, datetime.fromisoformat(record['moment']))

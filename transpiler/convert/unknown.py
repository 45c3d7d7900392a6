"""Nodes whose type the server does not know: their values, by the names the file gives or as the web UI counts them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..workflow_file import WorkflowNode
from .javascript import to_json
from .model import LiveNode, Widget

_CONTROL_VALUES = frozenset({'fixed', 'increment', 'decrement', 'randomize', 'increment-wrap'})
_CONTROL = 'control_after_generate'


def add_unknown_widgets(node: LiveNode, info: WorkflowNode) -> None:
    """Gives the node a widget per saved value.

    The web UI calls them UNKNOWN, UNKNOWN_1, … (`errorNodeWidgets.ts`). Where the file itself says what every one
    of them is called (`widgets_values_named`, or a socket for each widget), they have those names.
    """
    values = info.widgets_values
    if isinstance(values, Mapping):
        node.widgets.extend(Widget(str(name), 'text', value) for name, value in values.items())
        return
    if values is None:
        return
    for name, value in zip(_names(info, values), values):
        if name is not None:
            node.widgets.append(Widget(name, 'text', _shown(value) if name.startswith('UNKNOWN') else value))


def _names(info: WorkflowNode, values: Sequence[Any]) -> Sequence[str | None]:
    """A name per value; None for those that no prompt has."""
    if info.named_values is not None and len(info.named_values) == len(values):
        return [None if name == _CONTROL else str(name) for name in info.named_values]
    aligned = _aligned([slot.widget for slot in info.inputs if slot.widget is not None], values)
    return aligned or ['UNKNOWN' if index == 0 else f'UNKNOWN_{index}' for index in range(len(values))]


def _aligned(names: Sequence[str], values: Sequence[Any]) -> list[str | None] | None:
    """The names of the sockets beside the values, if they account for all of them: seeds have a control behind."""
    if not names:
        return None
    found: list[str | None] = []
    pending = list(reversed(names))
    for value in values:
        spare = len(values) - len(found) > len(pending)
        if spare and found and found[-1] is not None and isinstance(value, str) and value in _CONTROL_VALUES:
            found.append(None)
        elif pending:
            found.append(pending.pop())
        else:
            return None
    return found if not pending else None


def _shown(value: Any) -> Any:
    """What the web UI's stand-in widget holds: texts, numbers and switches as they are, the rest as JSON text."""
    if isinstance(value, (str, int, float)):
        return value
    return json.dumps(to_json(value), ensure_ascii=False, separators=(',', ':'))

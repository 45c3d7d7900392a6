"""What the outputs of a call are kept under."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

from . import loop
from .host import Host
from .plan import Plan
from .records import Record
from .value_kinds import Kind, Kinds
from .value_list import Lazy


class CallKeys:
    """Keys of calls, by the rules of ComfyUI's `caching.py`."""

    def __init__(self, host: Host, kinds: Kinds) -> None:
        self._host = host
        self._kinds = kinds
        self._positions: dict[str, itertools.count[int]] = {}

    def begin(self) -> None:
        """Calls are counted from the start again."""
        self._positions.clear()

    def of(self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None, record: Record) -> bytes | None:
        """What the outputs of a call are kept under; where they cannot be, neither can what rests on them."""
        key = self._try_key(plan, inputs, hidden, record)
        if key is None:
            record.deny_key()
        return key

    def _try_key(
        self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None, record: Record
    ) -> bytes | None:
        marks: list[Any] = []
        for name, value in inputs.items():
            if isinstance(value, Lazy) and value.source is None:
                if value.mark is None:
                    return None
                marks.append((name, value.mark))
        if plan.changing:
            mark = loop.run(self._host.change_mark(plan.class_type, self._constants(inputs)))
            if mark is None:
                return None
            marks.append(mark)
        if plan.unique_id or getattr(plan.node_class, 'NOT_IDEMPOTENT', False) or 'UNIQUE_ID' in plan.host_hidden:
            marks.append(next(self._positions.setdefault(plan.class_type, itertools.count())))
        if hidden:
            try:
                marks.append(json.dumps(hidden, sort_keys=True))
            except (TypeError, ValueError):
                return None
        record.mark = marks or None
        return record.key()

    def _constants(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs as `IS_CHANGED` sees them: literals, and a link for anything else."""
        found = {}
        for name, value in inputs.items():
            found[name] = value if self._kinds[type(value)] <= Kind.BOOL else ['value', 0]
        return found

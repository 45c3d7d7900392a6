"""Running an API prompt in real mode: each node as one call, in the executor's order and with its laziness."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...graph import is_link
from . import loop
from .session import RealSession
from .value_list import Lazy


@dataclass(frozen=True)
class PromptResult:
    """What running a prompt gave: UI results by node id, and the ids of the nodes that ran (not those found cached)."""

    ui: Mapping[str, Mapping[str, Any]]
    ran: tuple[str, ...]
    values: Mapping[str, tuple[Any, ...]]


def run_prompt_real(
    prompt: Mapping[str, Any], *, session: RealSession | None = None, outputs: Iterable[str] | None = None
) -> PromptResult:
    """Runs an API prompt by calling its nodes, as ComfyUI's server would run it.

    `outputs` are the output nodes to run; all of them without it. The prompt is checked by ComfyUI's
    `validate_prompt` first: raises PromptRefusedError if that refuses it, and what a node raises.
    """
    import torch

    if session is None:
        session = RealSession()
    prompt = copy.deepcopy(dict(prompt))
    wanted = loop.run(session.host.validate_prompt(prompt, None if outputs is None else list(outputs)))
    run = _Run(session, prompt)
    session.new_positions()
    with torch.inference_mode():
        session.host.start_workflow()
        for node_id in wanted:
            run.need(node_id)
    return PromptResult(run.ui, tuple(run.ran), run.values)


class _Run:
    def __init__(self, session: RealSession, prompt: Mapping[str, Any]) -> None:
        self._session = session
        self._prompt = prompt
        self.values: dict[str, tuple[Any, ...]] = {}
        self.ui: dict[str, Mapping[str, Any]] = {}
        self.ran: list[str] = []

    def need(self, node_id: str) -> None:
        """Runs a node after all that it needs for certain. A stack, not recursion: chains may be long."""
        stack = [node_id]
        while stack:
            current = stack[-1]
            missing = [] if current in self.values else self._missing(current)
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if current not in self.values:
                self._call(current)

    def _missing(self, node_id: str) -> list[str]:
        plan = self._session.plan(self._prompt[node_id]['class_type'])
        links = {
            value[0]
            for name, value in self._prompt[node_id]['inputs'].items()
            if is_link(value) and name not in plan.lazy and value[0] not in self.values
        }
        return sorted(links)

    def _call(self, node_id: str) -> None:
        session = self._session
        node = self._prompt[node_id]
        plan = session.plan(node['class_type'])
        inputs = {name: self._value(name in plan.lazy, value) for name, value in node['inputs'].items()}
        before, session.on_ui = session.on_ui, self._collect(node_id, session.on_ui)
        try:
            returned = session.call(plan, inputs, {})
        finally:
            session.on_ui = before
        if session.cache is None or not session.last_was_hit:
            self.ran.append(node_id)
        if plan.count == 0:
            self.values[node_id] = ()
        else:
            self.values[node_id] = (returned,) if plan.count == 1 else returned

    def _value(self, lazy: bool, value: Any) -> Any:
        if not is_link(value):
            return value
        node_id, slot = value[0], int(value[1])
        if lazy and node_id not in self.values:
            return Lazy(lambda: self._made(node_id, slot), self._mark(node_id, slot))
        return self.values[node_id][slot]

    def _made(self, node_id: str, slot: int) -> Any:
        self.need(node_id)
        return self.values[node_id][slot]

    def _mark(self, node_id: str, slot: int) -> str | None:
        """All that an output depends on, as text; None where a node in it may change by itself."""
        found: dict[str, Any] = {}
        waiting = [node_id]
        while waiting:
            current = waiting.pop()
            if current in found:
                continue
            found[current] = node = self._prompt[current]
            plan = self._session.plan(node['class_type'])
            if plan.changing or getattr(plan.node_class, 'NOT_IDEMPOTENT', False):
                return None
            waiting.extend(value[0] for value in node['inputs'].values() if is_link(value))
        return json.dumps([slot, found], sort_keys=True)

    def _collect(self, node_id: str, others: Any) -> Any:
        """UI results under the prompt's ids: a node that expanded has those of what it expanded to."""

        def on_ui(key: str, class_type: str, ui: Mapping[str, Any]) -> None:
            inner = key.partition('.')[2]
            self.ui[f'{node_id}.{inner}' if inner else node_id] = ui
            if others is not None:
                others(key, class_type, ui)

        return on_ui

"""ComfyUI's own check of one node, as it makes it for the nodes of a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import loop
from .errors import NodeRefusedError
from .host import Host
from .plan import Plan
from .records import Several, Source
from .value_kinds import Kind, Kinds


def check(
    host: Host,
    kinds: Kinds,
    plan: Plan,
    inputs: dict[str, Any],
    recorded: dict[str, Any],
    hidden: Mapping[str, Any] | None,
) -> None:
    """Casts literals in place, as it does for a prompt. Raises NodeRefusedError."""
    refused = [kind for kind in hidden or () if kind != 'EXTRA_PNGINFO']
    if refused:
        problems = [f'the hidden input {kind} cannot be given here' for kind in refused]
        raise NodeRefusedError(plan.class_type, problems)
    lists = {name: value for name, value in inputs.items() if type(recorded.get(name)) is Several and value}
    for index in range(max(map(len, lists.values()), default=0)):
        # A list that the script put together: each run of the node on its own.
        at = {name: min(index, len(value) - 1) for name, value in lists.items()}
        items = {name: lists[name][place] for name, place in at.items()}
        described = {name: recorded[name].items[place] for name, place in at.items()}
        _check_values(host, kinds, plan, {**inputs, **items}, {**recorded, **described})
    if not lists:
        _check_values(host, kinds, plan, inputs, recorded)


def _check_values(host: Host, kinds: Kinds, plan: Plan, inputs: dict[str, Any], recorded: dict[str, Any]) -> None:
    prompt: dict[str, Any] = {}
    checked: dict[str, Any] = {}
    for name, value in inputs.items():
        described = recorded.get(name)
        if type(described) is Source:
            prompt[described.record.node_id] = {'class_type': described.record.class_type, 'inputs': {}}
            checked[name] = [described.record.node_id, described.slot]
        elif isinstance(value, (list, tuple)):
            checked[name] = {'__value__': list(value)}
        else:
            checked[name] = value
    trusted = set(prompt)
    prompt['comfyscript'] = {'class_type': plan.class_type, 'inputs': checked}
    errors = loop.run(host.validate(prompt, 'comfyscript', trusted))
    if errors:
        raise NodeRefusedError(plan.class_type, [_problem(error) for error in errors])
    for name, value in inputs.items():
        if kinds[type(value)] <= Kind.BOOL and name in checked:
            inputs[name] = recorded[name] = checked[name]


def _problem(error: Mapping[str, Any]) -> str:
    details = str(error.get('details') or '')
    message = str(error.get('message') or error.get('type') or 'invalid')
    return f'{message}: {details}' if details else message

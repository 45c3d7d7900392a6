"""The server's queue for an agent: what runs and waits, what came of a prompt, and taking one out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..panel.bounded import listed, one_line
from ..runtime.wire.background import run_async, run_sync
from ..runtime.wire.recovery import history_of, queued_ids
from .errors import AgentError
from .reports import PICTURE_SIZE, RunReport, report
from .studio import Studio


def queue_lines(studio: Studio) -> str:
    """What runs and waits, ours marked."""
    ids = studio.ask(queued_ids)
    if not ids:
        return 'The queue is empty.'
    ordered = sorted(ids, key=lambda key: not ids[key])
    lines = [
        f'{key} {"runs" if ids[key] else "waits"}, {"yours" if key in studio.own else "of somebody else"}'
        for key in ordered
    ]
    return listed(lines, len(lines))


async def outcome_of(studio: Studio, prompt_id: str, size: int = PICTURE_SIZE) -> RunReport:
    """Where a prompt is, or what came of it. Raises AgentError for one that the server does not know."""
    connection = studio.connection
    entry = await run_async(history_of(connection, _known_form(prompt_id)))
    if entry is None:
        ids = await run_async(queued_ids(connection))
        if prompt_id not in ids:
            raise AgentError(f'the server knows no prompt {prompt_id!r}; queue() lists those that run or wait')
        return RunReport(f'{prompt_id} {"runs" if ids[prompt_id] else "waits"}.')
    nodes = _nodes_of(entry)
    places = {key: f'{node.get("class_type")} (node {key})' for key, node in nodes.items()}
    status = entry.get('status') or {}
    failed = _error_of(status)
    if failed:
        return RunReport(failed, failed=True)
    return await report(
        f'Finished (prompt {prompt_id}).', entry.get('outputs') or {}, places, studio.client.tracker.download, size
    )


def _nodes_of(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    prompt = entry.get('prompt')
    return prompt[2] if isinstance(prompt, list) and len(prompt) > 2 and isinstance(prompt[2], dict) else {}


def _error_of(status: Mapping[str, Any]) -> str:
    for kind, data in status.get('messages') or ():
        if kind == 'execution_error':
            return one_line(
                f'{data.get("node_type")} (node {data.get("node_id")}) failed: {data.get("exception_message")}', 800
            )
        if kind == 'execution_interrupted':
            return f'It was cancelled in {data.get("node_type")} (node {data.get("node_id")}).'
    return ''


def _known_form(prompt_id: str) -> str:
    if not prompt_id.replace('-', '').isalnum():
        raise AgentError(f'{prompt_id[:60]!r} is no id of a prompt')
    return prompt_id


def cancel_prompt(studio: Studio, prompt_id: str) -> str:
    """Takes a prompt out of the queue, or interrupts it. Raises AgentError where it may not, or there is none."""
    ids = studio.ask(queued_ids)
    if _known_form(prompt_id) not in ids:
        raise AgentError(f'{prompt_id} neither runs nor waits')
    if prompt_id not in studio.own and not studio.may_cancel_others():
        raise AgentError(f"{prompt_id} is somebody else's, and cancelling others' work is switched off here")
    run_sync(studio.client.tracker.cancel_anybodys(prompt_id))
    deadline = time.monotonic() + 5
    while prompt_id in studio.ask(queued_ids) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = prompt_id in studio.ask(queued_ids)
    return f'{prompt_id} is being cancelled: its node goes on to its end.' if left else f'{prompt_id} is cancelled.'

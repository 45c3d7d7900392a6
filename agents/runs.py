"""Scripts that run: as the prompt that they build, or whole in a `ComfyScript` node; never as Python here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..graph import ComfyScriptError, Schemas, encode_value
from ..interpreter import describe_signature
from ..runtime.wire.results import Download
from ..runtime.wire.submission import Submission
from ..runtime.wire.task import Task, TaskProgress
from .errors import AgentError
from .reports import PICTURE_SIZE, RunReport, failure, report
from .script_checks import check
from .studio import Studio

NODE = 'ComfyScript'
_FILE_OUTPUTS = {'IMAGE': 0, 'MASK': 1}
"""Types of `main`'s inputs that a file in the input folder can fill, and which output of `LoadImage` that is."""

Progress = Callable[[float, float, str], Awaitable[None]]


async def run_script(
    studio: Studio,
    text: str,
    inputs: Mapping[str, Any] | None = None,
    *,
    seconds: float,
    size: int = PICTURE_SIZE,
    progress: Progress | None = None,
) -> RunReport:
    """Runs a script and waits for at most `seconds`. Raises AgentError, ConnectError, ServerError, OfflineError."""
    schemas = await asyncio.to_thread(studio.schemas)
    found = await asyncio.to_thread(check, text, schemas)
    if found.errors:
        return RunReport(found.text(), failed=True)
    if found.read is not None and not inputs:
        submission = Submission(
            found.read.prompt.to_json(),
            workflow=found.read.workflow,
            origins={key: ('script', line) for key, line in found.read.lines.items()},
            source=text,
        )
    else:
        submission = Submission(node_prompt(text, inputs or {}, schemas), source=text)
    try:
        task = await studio.client._submit(submission)
        studio.note(task.prompt_id)
        return await _follow(task, studio.client.tracker.download, seconds, size, progress)
    except ComfyScriptError as error:
        return failure(error)


def node_prompt(text: str, inputs: Mapping[str, Any], schemas: Schemas) -> dict[str, Any]:
    """A `ComfyScript` node with this script, files for its images, and previews of what it gives.

    Raises AgentError for inputs that it does not have, and where the server has no such node.
    """
    if NODE not in schemas:
        raise AgentError(
            'this script runs in a ComfyScript node only, and the server has none: install ComfyScript there'
        )
    signature = describe_signature(text, schemas)
    known = {item['name']: item for item in signature['inputs']}
    odd = sorted(set(inputs) - set(known))
    if odd:
        raise AgentError(f'the script has no input {", ".join(odd)}; it has {", ".join(known) or "none"}')
    lacking = [name for name, item in known.items() if item['required'] and name not in inputs]
    if lacking and signature['main']:
        raise AgentError(f'give inputs for {", ".join(lacking)}' + _how(known[lacking[0]]))
    node: dict[str, Any] = {'script': text}
    prompt: dict[str, Any] = {'1': {'class_type': NODE, 'inputs': node}}
    for name, value in inputs.items():
        slot = _FILE_OUTPUTS.get(known[name]['type'])
        if slot is None:
            node[name] = encode_value(value)
        elif isinstance(value, str):
            key = str(len(prompt) + 1)
            prompt[key] = {'class_type': 'LoadImage', 'inputs': {'image': value}}
            node[name] = [key, slot]
        else:
            raise AgentError(f'{name} is an image: give the name of a file in the input folder (upload gives it)')
    for slot, output in enumerate(signature['outputs']):
        link = ['1', slot]
        if output['type'] == 'MASK':
            key = str(len(prompt) + 1)
            prompt[key] = {'class_type': 'MaskToImage', 'inputs': {'mask': link}}
            link = [key, 0]
        if output['type'] in _FILE_OUTPUTS:
            prompt[str(len(prompt) + 1)] = {'class_type': 'PreviewImage', 'inputs': {'images': link}}
    return prompt


def _how(item: Mapping[str, Any]) -> str:
    return ' (the name of a file in the input folder)' if item['type'] in _FILE_OUTPUTS else ''


async def _follow(task: Task, download: Download, seconds: float, size: int, progress: Progress | None) -> RunReport:
    loop = asyncio.get_running_loop()
    stop = _tell_progress(task, loop, progress) if progress is not None else None
    try:
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(task.outcome.done)), seconds)
    except asyncio.TimeoutError:
        if not task.done():
            return RunReport(
                f'It still runs as prompt {task.prompt_id}: queue("{task.prompt_id}") tells what comes of it.'
            )
        raise
    except asyncio.CancelledError:
        # Nobody waits for it any more, and nobody else knows of it.
        task.was_waited_for = True
        await asyncio.shield(task._cancel())
        raise
    finally:
        task.was_waited_for = True
        if stop is not None:
            stop()
    places = {key: f'line {origin[1]}, {task.class_type_of(key)}' for key, origin in (task.origins or {}).items()}
    places |= {key: 'the script' for key in task.outputs if task.class_type_of(key) == NODE}
    head = f'Finished (prompt {task.prompt_id}).'
    return await report(head, task.outputs, places, download, size)


def _tell_progress(task: Task, loop: asyncio.AbstractEventLoop, progress: Progress) -> Callable[[], None]:
    """Twice a second at most; what is said too late is left out."""
    last = [0.0]

    def tell(step: TaskProgress) -> None:
        loop.call_soon_threadsafe(say, step)

    def say(step: TaskProgress) -> None:
        now = loop.time()
        if now - last[0] >= 0.5:
            last[0] = now
            telling.add(asyncio.ensure_future(progress(step.value, step.max, step.class_type)))

    telling: set[asyncio.Future[None]] = set()
    task.add_progress_callback(tell)

    def stop() -> None:
        task.remove_progress_callback(tell)
        for future in telling:
            future.cancel()

    return stop

"""The script of what one saving node needed: made once per prompt, ahead of time where that can be, within a bound."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from .preferences import ArgumentStyle, SaveSettings
from .script_patterns import ScriptPatterns

if TYPE_CHECKING:
    from ..graph import Schemas

log = logging.getLogger('comfy_script')

GetSchemas = Callable[[], 'Schemas']
GetSettings = Callable[[str], SaveSettings]
"""The settings of a user, by ComfyUI's id."""

SECRETS = 'comfyscript_secrets'
"""Under this key of `extra_data`, which ComfyUI never saves, a client names strings that must not be saved."""

MOST_PROMPTS = 64
MOST_TEXT = 16 * 1024 * 1024


def no_preferences(user: str) -> SaveSettings:
    """The defaults, for everybody."""
    return SaveSettings()


class NoScript(Exception):
    """The script of a saved output could not be made; the output is saved without."""


class _Job:
    """One prompt with the scripts of its saving nodes, as far as they are made."""

    def __init__(self, source: Mapping[str, Any], workflow: Any, style: ArgumentStyle) -> None:
        self.source = source
        self.snapshot = json.dumps(source, sort_keys=True, default=repr)
        self.workflow = workflow
        self.style: ArgumentStyle = style
        self.scripts: dict[str, str] = {}
        self.failed: str | None = None
        self.lock = threading.Lock()

    def is_for(self, source: Mapping[str, Any], workflow: Any, style: ArgumentStyle) -> bool:
        """Whether the prompt still is what it was: validation casts values in place."""
        return (
            self.source is source
            and self.workflow is workflow
            and self.style == style
            and self.snapshot == json.dumps(source, sort_keys=True, default=repr)
        )


class ScriptWriter:
    """Writes the script of what one node needs.

    `queued` is told of prompts as they come, so that their scripts are there when the first image is saved.
    """

    def __init__(self, get_schemas: GetSchemas) -> None:
        self._get_schemas = get_schemas
        self._jobs: OrderedDict[int, _Job] = OrderedDict()
        self._lock = threading.Lock()
        self._pending: SimpleQueue[tuple[dict[str, Any], Any, SaveSettings]] = SimpleQueue()
        self._warned: set[str] = set()
        self._patterns = ScriptPatterns()
        self._patterns_lock = threading.Lock()

    def queued(self, data: Mapping[str, Any], settings: SaveSettings) -> None:
        """A prompt has come (the body of `POST /prompt`): start on the scripts of its saving nodes."""
        prompt = data.get('prompt')
        extra_data = data.get('extra_data')
        if not settings.enabled or not isinstance(prompt, dict):
            return
        extra_pnginfo = extra_data.get('extra_pnginfo') if isinstance(extra_data, dict) else None
        workflow = extra_pnginfo.get('workflow') if isinstance(extra_pnginfo, dict) else None
        self._pending.put((prompt, workflow, settings))

    def start(self, delay: float = 0.0) -> None:
        """Work on queued prompts from `delay` seconds on, in one thread: starting one each would keep the server."""
        thread = threading.Timer(delay, self._prepare_all)
        thread.name = 'comfy_script save'
        thread.daemon = True
        thread.start()

    def _prepare_all(self) -> None:
        from ..transpiler import write_script

        assert write_script  # loaded, so that no image waits for that
        while True:
            self._prepare(*self._pending.get())

    def _prepare(self, prompt: dict[str, Any], workflow: Any, settings: SaveSettings) -> None:
        try:
            job = self._job(prompt, workflow, settings)
            schemas = self._get_schemas()
            for node_id in list(prompt):
                if _saves(prompt[node_id], schemas):
                    self._write(job, node_id, prompt)
        except Exception as error:  # said when the image is saved
            log.debug('Scripts were not made ahead: %r', error)

    def script(self, node_id: str, dynprompt: Any, workflow: Any, settings: SaveSettings) -> str | None:
        """The script of the nodes that this one needs; None for a node that is not in the prompt.

        Raises NoScript where it cannot be made, or not within `SaveSettings.max_wait` seconds.
        """
        source = dynprompt.get_original_prompt()
        if node_id in source:
            job = self._job(source, workflow, settings)
            nodes = source
        else:
            nodes = _expanded(node_id, dynprompt)
            if nodes is None:
                return None
            job = _Job(nodes, None, settings.style)
        text = job.scripts.get(node_id)
        if text is None:
            text = self._within(settings.max_wait, job, node_id, nodes)
        return text

    def _job(self, source: Mapping[str, Any], workflow: Any, settings: SaveSettings) -> _Job:
        with self._lock:
            job = self._jobs.get(id(source))
            if job is not None and job.is_for(source, workflow, settings.style):
                self._jobs.move_to_end(id(source))
                return job
            job = self._jobs[id(source)] = _Job(source, workflow, settings.style)
            while len(self._jobs) > MOST_PROMPTS:
                self._jobs.popitem(last=False)
            return job

    def _within(self, seconds: float, job: _Job, node_id: str, nodes: Mapping[str, Any]) -> str:
        """Writes in a thread of its own, so that nothing in a workflow can keep an image waiting for longer."""
        if job.failed is not None:
            raise NoScript(job.failed)
        done = threading.Event()
        result: list[str | Exception] = []

        def work() -> None:
            try:
                result.append(self._write(job, node_id, nodes))
            except Exception as error:
                result.append(error)
            finally:
                done.set()

        started = time.monotonic()
        threading.Thread(target=work, name='comfy_script save', daemon=True).start()
        if not done.wait(seconds):
            job.failed = f'writing it takes longer than {seconds:g} s (save.max_wait in comfyscript.toml)'
            raise NoScript(job.failed)
        log.debug('Script of node %s: %.1f ms', node_id, (time.monotonic() - started) * 1000)
        if isinstance(result[0], Exception):
            raise result[0]
        return result[0]

    def _write(self, job: _Job, node_id: str, nodes: Mapping[str, Any]) -> str:
        from ..transpiler import Style, write_script

        with job.lock:
            if node_id in job.scripts:
                return job.scripts[node_id]
            schemas, workflow = self._get_schemas(), job.workflow if isinstance(job.workflow, dict) else None

            def write(nodes: Mapping[str, Any]) -> str:
                script = write_script(
                    nodes, end_nodes=[node_id], schemas=schemas, workflow=workflow, style=Style(args=job.style)
                )
                return _checked(getattr(script, 'text', None))

            # Whoever finds them in use does without: a long script must not keep another image.
            if self._patterns_lock.acquire(blocking=False):
                try:
                    text = self._patterns.write(node_id, nodes, workflow, job.style, schemas, write)
                finally:
                    self._patterns_lock.release()
            else:
                text = write(nodes)
            job.scripts[node_id] = text
            return text

    def warn(self, error: Exception) -> None:
        """One line for each kind of failure."""
        reason = f'{type(error).__name__}: {error}'
        if reason not in self._warned and len(self._warned) < 100:
            self._warned.add(reason)
            log.warning('No script in this output, it is saved as without ComfyScript. %s', reason)
            log.debug('No script', exc_info=error)


def _saves(node: Any, schemas: Schemas) -> bool:
    class_type = node.get('class_type') if isinstance(node, dict) else None
    schema = schemas.find(class_type)
    return bool(schema and schema.output_node and any(item.type == 'EXTRA_PNGINFO' for item in schema.hidden))


def _expanded(node_id: str, dynprompt: Any) -> dict[str, Any] | None:
    """The nodes that one needs which another node expanded to; they are in no prompt that anybody queued.

    ComfyUI `comfy_execution/graph.py: DynamicPrompt`.
    """
    from ..graph import is_link

    found: dict[str, Any] = {}
    pending = [node_id]
    while pending:
        key = pending.pop()
        if key in found or not dynprompt.has_node(key):
            continue
        node = found[key] = dynprompt.get_node(key)
        pending += [value[0] for value in node.get('inputs', {}).values() if is_link(value)]
    return found if node_id in found else None


def _checked(text: Any) -> str:
    if not isinstance(text, str) or not text.strip():
        raise NoScript('the transpiler gave no text')
    if len(text) > MOST_TEXT:
        raise NoScript(f'its script has {len(text)} characters, more than {MOST_TEXT}')
    return text

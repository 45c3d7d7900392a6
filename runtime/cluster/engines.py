"""The ways to run work on a worker: in its own process (real mode), on a server of its own, or as plain Python."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ...comfyui.loaded import nodes_module
from ...graph.prompt_changes import changed_prompt
from .node_names import give_names
from .work import FileWork, FunctionWork, PromptWork, ScriptWork, Work, WorkerOptions

SCRIPT_NODE = 'ComfyScript'
PLAIN = (str, bytes, int, float, bool, list, tuple, dict)
"""What a function of virtual mode may return; its nodes' outputs are on the server."""


class Engine(Protocol):
    """One way to run work. `start` once, then `run` for each row, `interrupt` from any thread."""

    named: frozenset[str]
    """Files of the output folder that the last row's results name; a server's cache may name an earlier row's."""

    def start(self) -> None: ...

    def run(self, work: Work, given: Any) -> Any: ...

    def interrupt(self) -> None: ...

    def stop(self) -> None: ...


def make_engine(options: WorkerOptions, folder: Path) -> Engine:
    """The engine that options name; it works in `folder`, and what nodes save lies in `folder / 'output'`."""
    return {'real': RealEngine, 'virtual': ServerEngine, 'python': PythonEngine}[options.engine](options, folder)


def own_folders(folder: Path) -> list[str]:
    """ComfyUI's arguments for an output and a temporary folder of a worker's own.

    Two ComfyUIs on one folder count outputs from the same number, and the second one's start empties the first one's
    temporary files (ComfyUI main.py `cleanup_temp`).
    """
    return ['--output-directory', str(folder / 'output'), '--temp-directory', str(folder)]


def load_function(work: FunctionWork, find: Callable[[str], Any] | None) -> Callable[..., Any]:
    """The function, with the names of nodes where it uses some that its module lacks."""
    from ray import cloudpickle

    function = cloudpickle.loads(work.pickled)
    if find is not None:
        give_names(function, find)
    return function


def call(function: Callable[..., Any], given: Any) -> Any:
    """A function with a row: its columns as keywords where it is a dict, else as the one argument."""
    return function(**given) if isinstance(given, Mapping) else function(given)


class PythonEngine:
    """No ComfyUI: functions as they are."""

    named: frozenset[str] = frozenset()

    def __init__(self, options: WorkerOptions, folder: Path) -> None:
        self._functions = LoadedFunctions(None)

    def start(self) -> None:
        pass

    def run(self, work: Work, given: Any) -> Any:
        if not isinstance(work, FunctionWork):
            raise TypeError('A pool without a ComfyUI runs functions only.')
        return call(self._functions.of(work), given)

    def interrupt(self) -> None:
        pass

    def stop(self) -> None:
        pass


class LoadedFunctions:
    """The function of the work at hand, unpickled once for all of its rows."""

    def __init__(self, find: Callable[[str], Any] | None) -> None:
        self._find = find
        self._last: tuple[bytes, Callable[..., Any]] | None = None

    def of(self, work: FunctionWork) -> Callable[..., Any]:
        if self._last is None or self._last[0] != work.pickled:
            self._last = work.pickled, load_function(work, self._find)
        return self._last[1]


class RealEngine:
    """Real mode: nodes run in the worker's own process."""

    named: frozenset[str] = frozenset()

    def __init__(self, options: WorkerOptions, folder: Path) -> None:
        self._options = options
        self._folder = folder

    def start(self) -> None:
        from ... import nodes as pack
        from .. import real
        from ..real import state

        arguments = [*own_folders(self._folder), *self._options.arguments]
        self._host = real.load(self._options.comfyui, arguments, stubs=False)
        # A ComfyUI that this pack is not installed in runs scripts all the same.
        for name, node_class in pack.NODE_CLASS_MAPPINGS.items():
            self._host.node_classes.setdefault(name, node_class)  # type: ignore[attr-defined]
        self._real = real
        self._cache = _unsaved_cache(self._options.cache_bytes) if self._options.cache_bytes else None
        self._functions = LoadedFunctions(
            lambda name: getattr(real, name) if name in real.__all__ else state.find(name)
        )

    def run(self, work: Work, given: Any) -> Any:
        if isinstance(work, FunctionWork):
            with self._real.Workflow(cache=self._cache):
                return call(self._functions.of(work), given)
        prompt = as_prompt(work, given, lambda: self._session().schemas)
        with self._real.Workflow(cache=self._cache):
            result = self._real.run_prompt_real(prompt, session=self._session())
        return script_outputs(result.values.get('1', ())) if isinstance(work, ScriptWork) else None

    def _session(self) -> Any:
        from ..real import state

        return state.session()

    def interrupt(self) -> None:
        nodes_module().interrupt_processing()

    def stop(self) -> None:
        pass


def _unsaved_cache(max_bytes: int) -> Any:
    """A cache that keeps nothing of nodes that save or show: they run for each row, whose files are all its own."""
    from ..real import Cache

    class UnsavedCache(Cache):
        def put(self, key: Any, outputs: Any, ui: Mapping[str, Any] | None = None) -> None:
            if outputs and not ui:
                super().put(key, outputs, ui)

    return UnsavedCache(max_bytes)


class ServerEngine:
    """Virtual mode: a ComfyUI server of the worker's own, which ends with it."""

    named: frozenset[str] = frozenset()

    def __init__(self, options: WorkerOptions, folder: Path) -> None:
        self._options = options
        self._folder = folder

    def start(self) -> None:
        from ... import runtime
        from ...comfyui.checkout import ComfyUIArgs

        arguments = [*own_folders(self._folder), *self._options.arguments]
        if not any(argument.startswith('--database-url') for argument in arguments) and self._has_database():
            arguments += ['--database-url', 'sqlite:///:memory:']
        args = ComfyUIArgs(*arguments, python=self._options.python)
        self._client = runtime.load(self._options.comfyui, args, watch=False, stubs=False)
        self._runtime = runtime
        nodes = self._client.nodes
        self._functions = LoadedFunctions(
            lambda name: getattr(runtime, name) if name in runtime.__all__ else getattr(nodes, name)
        )

    def _has_database(self) -> bool:
        options = Path(self._options.comfyui or '') / 'comfy' / 'cli_args.py'
        return options.is_file() and '--database-url' in options.read_text(encoding='utf-8')

    def run(self, work: Work, given: Any) -> Any:
        self.named = frozenset()
        if isinstance(work, FunctionWork):
            with self._runtime.Workflow(wait=True) as workflow:
                value = call(self._functions.of(work), given)
            self._note(workflow.task)
            return value if isinstance(value, PLAIN) else None
        task = self._client.submit(as_prompt(work, given, lambda: self._client.schemas))
        self._note(task)
        return None

    def _note(self, task: Any) -> None:
        results = () if task is None else task.wait()
        files = (file for result in results for file in getattr(result, 'files', ()))
        self.named = frozenset(file.path for file in files if file.type == 'output')

    def interrupt(self) -> None:
        self._client.queue.cancel_all()

    def stop(self) -> None:
        self._client.close()


def as_prompt(work: Work, given: Any, schemas: Callable[[], Any]) -> dict[str, Any]:
    """The API prompt of a row of a script, a prompt or files."""
    if isinstance(work, ScriptWork):
        return script_prompt(work.text, given)
    if isinstance(work, PromptWork):
        return changed_prompt(work.prompt, given)
    if isinstance(work, FileWork):
        return file_prompt(given, schemas)
    raise TypeError(f'{type(work).__name__} makes no prompt')


def script_prompt(text: str, given: Any) -> dict[str, Any]:
    """A prompt of one `ComfyScript` node; the row's columns are its inputs."""
    if not isinstance(given, Mapping):
        raise TypeError('A row for a script is a dict: its columns are the inputs of `main`.')
    inputs = {
        name: {'__value__': list(value)} if isinstance(value, (list, tuple)) else value for name, value in given.items()
    }
    return {'1': {'class_type': SCRIPT_NODE, 'inputs': {**inputs, 'script': text}}}


def file_prompt(given: Mapping[str, Any], schemas: Callable[[], Any]) -> dict[str, Any]:
    """The prompt in a file (a prompt, a workflow, or an output that holds one)."""
    from ...transpiler import read_metadata, workflow_to_prompt

    handle, place = tempfile.mkstemp(suffix=Path(given['name']).suffix)
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(given['data'])
        found = read_metadata(place)
    finally:
        os.unlink(place)
    if found.prompt is not None:
        return json.loads(json.dumps(found.prompt))
    if found.workflow is None:
        raise ValueError(f'{given["name"]} holds neither a workflow nor a prompt')
    return workflow_to_prompt(found.workflow, schemas())


def script_outputs(values: tuple[Any, ...]) -> Any:
    """What a script gave: its outputs up to the last one that is there; one alone is itself, none is None."""
    given = list(values)
    while given and given[-1] is None:
        given.pop()
    return None if not given else given[0] if len(given) == 1 else tuple(given)

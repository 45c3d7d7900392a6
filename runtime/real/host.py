"""The ComfyUI of this process: every function of its that real mode calls, and all that differs between versions.

Versions are told apart by what they have, never by their number. The rules that are borrowed stand in ComfyUI's
`execution.py`, `comfy_execution/{graph,caching,progress,utils}.py` and `comfy_api/internal/__init__.py`.
"""

from __future__ import annotations

import inspect
import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ...comfyui.embeddings import embeddings
from ...comfyui.interrupts import is_out_of_memory
from ...comfyui.loaded import loaded
from ...comfyui.loaded_schemas import read_schemas
from ...graph import Schemas
from ..wire.errors import refusal
from .errors import HostError
from .value_list import Lazy, ValueList

NOTES = {
    'nference tensor': (
        'ComfyScript: what was made inside `with Workflow():` is in inference mode. Make this call inside of one, too, '
        'or make the models and values for it outside.'
    ),
    'requires grad': (
        'ComfyScript: outside of `with Workflow():` values carry gradients. Make the calls inside of one, or give the '
        'node `value.detach()`.'
    ),
}
"""What to say to an error of PyTorch's, by words in it."""


@dataclass
class Job:
    """One node to run: a prompt that holds it, and the outputs in that prompt that exist already."""

    prompt: Mapping[str, Any]
    node_id: str
    known: Mapping[str, list[list[Any]]]
    prompt_id: str
    extra_data: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    """Nodes besides the prompt's: what `DYNPROMPT` sees and `PROMPT` does not."""
    instance: Any = None
    """The node object to run, where it is not to be made anew."""
    lazy: Mapping[str, Lazy] = field(default_factory=dict)
    """Values, by the id that links name, that are only made if the node asks for them."""


@dataclass
class Outcome:
    """What running a node left: its output slots, each a list of values, and the UI results by node id."""

    slots: list[list[Any]]
    ui: dict[str, Mapping[str, Any]]
    blocked: list[str]
    """Messages of `ExecutionBlocker`s that kept this node, or one it expanded to, from running."""


class Host:
    """ComfyUI's modules in this process, adopted once they are imported. Raises HostError if they are not."""

    def __init__(self) -> None:
        self.nodes = _module('nodes', 'NODE_CLASS_MAPPINGS')
        self.execution = _module('execution', 'PromptExecutor')
        self.model_management = _module('comfy.model_management')
        self._graph = _module('comfy_execution.graph', 'ExecutionList')
        self._caching = _module('comfy_execution.caching')
        self._progress: Any = loaded('comfy_execution.progress')
        self.blocker: type = self._graph.ExecutionBlocker
        self.before_node = self._before_node()
        self.after_node = self._after_node()
        self.set_prefix: Callable[[str, int, int], None] = self._graph_builder().set_default_prefix
        self.output_from_returns: Callable[[list[Any], Any], tuple[list[Any], Any, bool]] = (
            self.execution.get_output_from_returns
        )
        self._v3_base = getattr(self.execution, '_ComfyNodeInternal', None)
        self._first_override = getattr(self.execution, 'first_real_override', None)
        self._execute = self.execution.execute
        self._execute_names = execute_order(self._execute)
        self._output_cache = _output_cache(self._caching)
        self._steps = _lazy_steps(self._graph.ExecutionList, self.execution.CacheEntry)
        utils = loaded('comfy_execution.utils')
        self.context = getattr(utils, 'current_executing_context', None)
        self.make_context = getattr(utils, 'ExecutionContext', None)

    # Nodes

    @property
    def node_classes(self) -> Mapping[str, type]:
        return self.nodes.NODE_CLASS_MAPPINGS

    def schemas(self) -> Schemas:
        return read_schemas(self.nodes)

    def embeddings(self) -> tuple[str, ...]:
        """The names of the embeddings, without their file suffix."""
        return embeddings()

    def is_v3(self, node_class: type) -> bool:
        base = self._v3_base
        return base is not None and isinstance(node_class, type) and issubclass(node_class, base)

    def is_lazy(self, node_class: type) -> bool:
        """Whether the executor asks the node which of its inputs it needs."""
        return self._overrides(node_class, 'check_lazy_status', 'check_lazy_status')

    def is_changing(self, node_class: type) -> bool:
        """Whether the node says itself if it has to run again."""
        return self._overrides(node_class, 'fingerprint_inputs', 'IS_CHANGED')

    def is_async(self, node_class: Any) -> bool:
        return inspect.iscoroutinefunction(getattr(node_class, node_class.FUNCTION, None))

    def _overrides(self, node_class: Any, v3_name: str, v1_name: str) -> bool:
        if self.is_v3(node_class) and self._first_override is not None:
            return self._first_override(node_class, v3_name) is not None
        return getattr(node_class, v1_name, None) is not None

    # Running

    async def run(self, job: Job) -> Outcome:
        """Runs one node, and all it expands to, as the executor does. Raises what the node raises."""
        dynprompt = self._graph.DynamicPrompt(job.prompt)
        for node_id, node in job.made.items():
            dynprompt.add_ephemeral_node(node_id, node, None, None)
            del dynprompt.ephemeral_parents[node_id], dynprompt.ephemeral_display[node_id]
        server = _SilentServer()
        outputs = self._output_cache()
        for node_id, slots in job.known.items():
            outputs.set_local(node_id, self.execution.CacheEntry(ui=None, outputs=slots))
        objects = self._output_cache()
        if job.instance is not None:
            objects.set_local(job.node_id, job.instance)
        ui: dict[str, Any] = {}
        steps = self._steps(dynprompt, outputs)
        steps.lazy = job.lazy
        steps.add_node(job.node_id)
        given = {
            'server': server,
            'dynprompt': dynprompt,
            'caches': _Caches(outputs, objects),
            'extra_data': dict(job.extra_data),
            'executed': set(),
            'prompt_id': job.prompt_id,
            'execution_list': steps,
            'pending_subgraph_results': {},
            'pending_async_nodes': {},
            'ui_outputs': ui,
        }
        with _without_error_log():
            await self._run_steps(steps, given)
        slots = outputs.get_local(job.node_id).outputs
        return Outcome(slots, {key: entry['output'] for key, entry in ui.items()}, server.blocked)

    async def _run_steps(self, steps: Any, given: dict[str, Any]) -> None:
        """The core of `execution.py: PromptExecutor.execute_async`."""
        results = self.execution.ExecutionResult
        while not steps.is_empty():
            node_id, error, exception = await steps.stage_node_execution()
            if error is not None:
                raise exception
            given['current_item'] = node_id
            result, error, exception = await self._execute(*(given[name] for name in self._execute_names))
            if result == results.FAILURE:
                raise exception
            if result == results.PENDING:
                steps.unstage_node_execution()
            else:
                steps.complete_node_execution()

    async def validate(self, prompt: dict[str, Any], node_id: str, trusted: set[str]) -> list[dict[str, Any]]:
        """What ComfyUI's `validate_inputs` has against a node; it may cast the node's inputs in place.

        `trusted` are ids of nodes in the prompt that ran already.
        """
        validated = {key: (True, [], key) for key in trusted}
        check = self.execution.validate_inputs
        given = {'prompt_id': 'comfyscript', 'prompt': prompt, 'item': node_id, 'validated': validated}
        names = inspect.signature(check).parameters
        try:
            found = check(**{name: value for name, value in given.items() if name in names})
            valid, errors, _ = await found if inspect.isawaitable(found) else found
        except Exception as error:
            # As `validate_prompt` has it.
            return [{'message': 'Exception when validating node', 'details': str(error)}]
        if valid is True:
            return []
        return list(errors) or [{'message': 'An input is not valid', 'details': ''}]

    async def validate_prompt(self, prompt: dict[str, Any], outputs: list[str] | None) -> list[str]:
        """The output nodes of a prompt that ComfyUI would run. Raises PromptRefusedError; casts literals in place."""
        check = self.execution.validate_prompt
        given = {'prompt_id': 'comfyscript', 'prompt': prompt, 'partial_execution_list': outputs}
        names = inspect.signature(check).parameters
        found = check(**{name: value for name, value in given.items() if name in names})
        valid, error, wanted, node_errors = await found if inspect.isawaitable(found) else found
        if not valid:
            raise refusal({'error': error, 'node_errors': node_errors}, None)
        return sorted(wanted, key=list(prompt).index)

    async def change_mark(self, class_type: str, inputs: Mapping[str, Any]) -> Any:
        """What `IS_CHANGED` or `fingerprint_inputs` says for these inputs; None where it says no fixed thing."""
        prompt = {'0': {'class_type': class_type, 'inputs': dict(inputs)}}
        dynprompt = self._graph.DynamicPrompt(prompt)
        mark = await self.execution.IsChangedCache('comfyscript', dynprompt, self._output_cache()).get('0')
        values = mark if isinstance(mark, list) else [mark]
        return None if any(isinstance(value, float) and math.isnan(value) for value in values) else mark

    def on_error(self, error: BaseException) -> None:
        """The executor frees all models when a node ran out of memory; so do we."""
        if is_out_of_memory(error):
            self.model_management.unload_all_models()
        add_note = getattr(error, 'add_note', None)  # from Python 3.11 on
        if add_note is not None and isinstance(error, RuntimeError):
            for note in (note for words, note in NOTES.items() if words in str(error)):
                add_note(note)

    def _before_node(self) -> Callable[[], None]:
        """`nodes.before_node_execution`, without its lock where nothing has been interrupted."""
        management, check = self.model_management, self.nodes.before_node_execution
        if not isinstance(getattr(management, 'interrupt_processing', None), bool):
            return check

        def before_node() -> None:
            if management.interrupt_processing:
                check()

        return before_node

    def _after_node(self) -> Callable[[], None] | None:
        """What the executor of 2026 does after each node where weights are streamed (`comfy_aimdo`)."""
        memory = loaded('comfy.memory_management')
        if not getattr(memory, 'aimdo_enabled', False):
            return None
        prefetch, vbar = loaded('comfy.model_prefetch'), loaded('comfy_aimdo.model_vbar')
        steps = [
            getattr(self.model_management, 'reset_cast_buffers', None),
            getattr(prefetch, 'cleanup_prefetch_queues', None),
            getattr(vbar, 'vbars_reset_watermark_limits', None),
        ]
        known = [step for step in steps if step is not None]

        def after_node() -> None:
            for step in known:
                step()

        return after_node

    def _graph_builder(self) -> Any:
        return loaded('comfy_execution.graph_utils').GraphBuilder

    # Around a workflow

    def start_workflow(self) -> None:
        """What the executor does before a prompt, as far as it is not the server's."""
        cleanup = getattr(self.model_management, 'cleanup_models_gc', None)
        if cleanup is not None:
            cleanup()

    def clear_interrupt(self) -> None:
        self.nodes.interrupt_processing(False)

    def end_workflow(self) -> None:
        if getattr(self.model_management, 'DISABLE_SMART_MEMORY', False):
            self.model_management.unload_all_models()

    @contextmanager
    def attributed_to(self, node_id: str) -> Iterator[None]:
        """Progress and previews inside go to this node of the prompt that is running."""
        module = self._progress
        outer = getattr(module, 'global_progress_registry', None)
        if module is None or outer is None:
            yield
            return
        module.global_progress_registry = inner = _Attributed(outer, node_id)
        try:
            yield
        finally:
            if module.global_progress_registry is inner:
                module.global_progress_registry = outer

    def running_prompt_id(self) -> str | None:
        """The id of the prompt that this thread's executor is working on."""
        current = self.context.get() if self.context is not None else None
        return getattr(current, 'prompt_id', None)


class _Attributed:
    """A progress registry that books all progress on one node (`comfy_execution/progress.py`)."""

    def __init__(self, outer: Any, node_id: str) -> None:
        self._outer = outer
        self._node_id = node_id

    def start_progress(self, node_id: str) -> None:
        """The outer node has started already."""

    def finish_progress(self, node_id: str) -> None:
        """The outer node has not finished yet."""

    def update_progress(self, node_id: str, *args: Any, **kwargs: Any) -> None:
        self._outer.update_progress(self._node_id, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outer, name)


class _SilentServer:
    """Stands in for the server where the executor reports to it: what a node does inside a call is the caller's."""

    client_id = None
    last_node_id = None

    def __init__(self) -> None:
        self.blocked: list[str] = []

    def send_sync(self, event: Any, data: Any, sid: Any = None) -> None:
        if event == 'execution_error' and data.get('exception_type') == 'ExecutionBlocked':
            self.blocked.append(str(data.get('exception_message', '')))


class _Caches:
    """What `execution.execute` knows of a cache set."""

    def __init__(self, outputs: Any, objects: Any) -> None:
        self.outputs = outputs
        self.objects = objects
        self.all = [outputs, objects]


class _CacheBase:
    """A cache by node id that lives for one call; the part of `caching.py: BasicCache` that the executor uses."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get_local(self, node_id: str) -> Any:
        return self._values.get(node_id)

    def set_local(self, node_id: str, value: Any) -> None:
        self._values[node_id] = value

    async def ensure_subcache_for(self, node_id: str, children_ids: Any) -> _CacheBase:
        return self

    def clean_unused(self) -> None:
        """Nothing is unused before the call ends."""

    def all_node_ids(self) -> set[str]:
        return set(self._values)


class _SyncCache(_CacheBase):
    def get(self, node_id: str) -> Any:
        return self._values.get(node_id)

    def set(self, node_id: str, value: Any) -> None:
        self._values[node_id] = value


class _AsyncCache(_CacheBase):
    async def get(self, node_id: str) -> Any:
        return self._values.get(node_id)

    async def set(self, node_id: str, value: Any) -> None:
        self._values[node_id] = value


_EXECUTE = (
    'server',
    'dynprompt',
    'caches',
    'current_item',
    'extra_data',
    'executed',
    'prompt_id',
    'execution_list',
    'pending_subgraph_results',
    'pending_async_nodes',
    'ui_outputs',
)


def execute_order(execute: Callable[..., Any]) -> tuple[str, ...]:
    """What to give `execution.execute`, in order. Packs put wrappers around it that name their parameters freely."""
    parameters = inspect.signature(execute).parameters.values()
    names = [item.name for item in parameters if item.kind is not inspect.Parameter.VAR_POSITIONAL]
    if set(names) <= set(_EXECUTE) and len(names) == len(parameters):
        return tuple(names)
    open_ended = any(item.kind is inspect.Parameter.VAR_POSITIONAL for item in parameters)
    return _EXECUTE if open_ended else _EXECUTE[: len(names)]


def _output_cache(caching: ModuleType) -> type[_SyncCache] | type[_AsyncCache]:
    """In 2026 versions the executor awaits its caches."""
    return _AsyncCache if inspect.iscoroutinefunction(caching.HierarchicalCache.get) else _SyncCache


def _lazy_steps(execution_list: Any, cache_entry: Any) -> Any:
    """An `ExecutionList` for which a lazy link may also stand for a value that Python makes when it is needed."""

    class Steps(execution_list):
        lazy: Mapping[str, Lazy] = {}

        def make_input_strong_link(self, to_node_id: str, to_input: str) -> None:
            link = self.dynprompt.get_node(to_node_id)['inputs'].get(to_input)
            value = self.lazy.get(link[0]) if isinstance(link, list) else None
            if value is not None:
                made = value.get()
                slots = [list(made) if isinstance(made, ValueList) else [made]]
                self.output_cache.set_local(link[0], cache_entry(ui=None, outputs=slots))
            super().make_input_strong_link(to_node_id, to_input)

    return Steps


@contextmanager
def _without_error_log() -> Iterator[None]:
    """Keeps the executor from logging, with its traceback, an exception that we raise to the caller anyway."""
    thread = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        ours = record.thread == thread and record.module == 'execution' and record.funcName == 'execute'
        return not (ours and record.levelno == logging.ERROR)

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield
    finally:
        root.removeFilter(keep)


def _module(name: str, attribute: str | None = None) -> ModuleType:
    module = loaded(name)
    if module is None or (attribute is not None and not hasattr(module, attribute)):
        raise HostError(f'ComfyUI is not running in this process (no module {name!r} of its): call load() first')
    return module

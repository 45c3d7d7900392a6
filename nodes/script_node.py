"""The `ComfyScript` node: a script inside a graph, run by the interpreter in the server's own process."""

from __future__ import annotations

import ast
import logging
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..graph import EXTRA_INPUTS, Schemas
from ..runtime.script import (
    MAX_OUTPUTS,
    NodeFailed,
    ScriptDenied,
    ScriptError,
    Signature,
    compile_script,
    read_signature,
    run_script,
)
from ..runtime.script.machine import Machine
from ..runtime.script.nodes import ScriptNodes
from ..runtime.script.values import ScriptObject
from ..runtime.settings import Settings, read_settings
from .identity import Identities

if TYPE_CHECKING:
    from ..runtime.script import CompiledScript
    from .generations import Generations

log = logging.getLogger('comfy_script')

DEFAULT_SCRIPT = """\
def main(image: Image, strength: Annotated[float, Range(0, 1, 0.05)] = 0.5):
    print(f'brightness: {image.mean():.2f}')
    return image * strength
"""

CLASS_TYPE = 'ComfyScript'
OWN = '__'
"""Hidden inputs begin with this, and no input of a script can: they never meet."""


class AnyType(str):
    """A type that fits every other. ComfyUI compares types with `!=` (`comfy_execution/validation.py`)."""

    __slots__ = ()

    def __ne__(self, other: object) -> bool:
        return False

    __eq__ = str.__eq__
    __hash__ = str.__hash__


ANY = AnyType('*')


class AnyInputs(dict[str, Any]):
    """Optional inputs of any name: what the script's own signature says.

    All are lazy. ComfyUI validates only the nodes behind inputs that a class lists, so the nodes behind these have
    not been checked when the node is first asked (`check_lazy_status`), and have not run either: they are checked
    there, and only then asked for.
    """

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and not name.startswith(OWN) and name != 'script'

    def __getitem__(self, name: str) -> Any:
        return (ANY, {'lazy': True, 'forceInput': True})

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401


class ComfyScript:
    """Runs a script. Its inputs and outputs are those of the script's `def main(…)`."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        script = {
            'multiline': True,
            'default': DEFAULT_SCRIPT,
            'dynamicPrompts': False,
            'any_inputs': True,
            'tooltip': 'Python, interpreted; nodes are functions. `def main(image: Image, …)` makes sockets, widgets.',
        }
        return {
            'required': {'script': ('STRING', script)},
            'optional': AnyInputs(),
            'hidden': {
                '__prompt': 'PROMPT',
                '__dynprompt': 'DYNPROMPT',
                '__extra_pnginfo': 'EXTRA_PNGINFO',
                '__unique_id': 'UNIQUE_ID',
            },
        }

    CATEGORY = 'utils/ComfyScript'
    DESCRIPTION = 'Runs a script: loops, conditions and arithmetic around nodes. It can do what a graph can, no more.'
    RETURN_TYPES = (ANY,) * MAX_OUTPUTS
    RETURN_NAMES = tuple(f'out{index}' for index in range(MAX_OUTPUTS))
    FUNCTION = 'run'
    OUTPUT_NODE = True
    SEARCH_ALIASES = ('script', 'python', 'code', 'loop', 'if', 'math')

    def __init__(self) -> None:
        # ComfyUI keeps this object as long as the node's outputs may be kept, and drops it with "free memory".
        self._identities = Identities()
        self._cache: Generations | None = None

    @classmethod
    def VALIDATE_INPUTS(cls, script: str | None = None) -> bool | str:
        if script is None:
            return True
        try:
            read_signature(_text(script), _schemas())
            compile_script(_text(script), _settings().bounds)
        except ScriptError as error:
            return str(error)
        return True

    @classmethod
    def IS_CHANGED(cls, script: str | None = None, **inputs: Any) -> Any:
        # A new object each time: ComfyUI compares these inside tuples, where `math.nan` is equal to itself.
        return float('nan') if script is None or may_change(_text(script)) else ''

    def check_lazy_status(self, script: Any = None, **inputs: Any) -> list[str]:
        """Checks the nodes behind the links of the script's inputs, then asks for them. Raises ScriptError."""
        node_id, dynprompt = inputs['__unique_id'], inputs['__dynprompt']
        given = dynprompt.get_node(node_id)['inputs']
        links = {name: value for name, value in given.items() if name in AnyInputs() and _is_link(value)}
        missing = {name: value for name, value in links.items() if inputs.get(name) is None}
        signature = read_signature(_text(script), _schemas())
        _check_given(signature, given)
        if missing:
            _validate_sources(dynprompt, missing, signature)
        return list(missing)

    def run(self, script: Any = None, **inputs: Any) -> dict[str, Any]:
        hidden = {name: inputs.pop(name, None) for name in list(inputs) if name.startswith(OWN)}
        text = _text(script)
        settings = _settings()
        compiled = compile_script(text, settings.bounds)
        signature = read_signature(text, _schemas())
        node_id = str(hidden.get('__unique_id'))
        run = _Run(self._identities, self._make_cache(settings), node_id, hidden)
        value = run.execute(compiled, _typed(inputs, signature), settings)
        return {'ui': run.ui(), 'result': _outputs(value, _slots_in_use(hidden.get('__prompt'), node_id))}

    def _make_cache(self, settings: Settings) -> Generations | None:
        from .generations import Generations

        if settings.cache_bytes == 0:
            return None
        if self._cache is None:
            self._cache = Generations(settings.cache_bytes)
        return self._cache


class _Run:
    """One execution: the session its nodes run in, and what they leave for the node to show."""

    def __init__(
        self, identities: Identities, cache: Generations | None, node_id: str, hidden: Mapping[str, Any]
    ) -> None:
        self._identities = identities
        self._cache = cache
        self._node_id = node_id
        self._hidden = hidden
        self._ui: dict[str, list[Any]] = {}
        self._printed = ''
        self._told = 0.0

    def execute(self, compiled: CompiledScript, inputs: dict[str, Any], settings: Settings) -> Any:
        from ..runtime.real import RealSession
        from ..runtime.script.modules.extra import extra_modules

        session = RealSession(
            validate=True,
            cache=self._cache,
            on_ui=self._collect,
            parent_node_id=self._node_id,
            prompt=self._hidden.get('__prompt'),
            extra_pnginfo=self._extra_pnginfo(compiled.text),
            schemas=_schemas(),
        )
        self._session = session
        if self._cache is not None:
            self._cache.begin()
        for value in inputs.values():
            self._adopt(value)
        machines: list[Machine] = []
        nodes = ScriptNodes(session.nodes, self._call, _results)
        try:
            with session:
                result = run_script(
                    compiled,
                    bounds=settings.bounds,
                    inputs=inputs,
                    find_node=nodes.find,
                    check_interrupt=_interrupt_check(),
                    modules=extra_modules(settings.extra_modules),
                    prepare=machines.append,
                )
        finally:
            self._printed = ''.join(machines[0].printed) if machines else ''
            self._show_printed()
        if self._cache is not None:
            self._cache.end()
        return result.value

    def _call(self, m: Machine, function: Any, args: list, kwargs: dict[str, Any]) -> Any:
        if function.class_type == CLASS_TYPE:
            raise ScriptDenied('a script cannot call ComfyScript: define a function instead')
        extra = kwargs.get(EXTRA_INPUTS)
        hidden = {item.name for item in function.schema.hidden}
        if isinstance(extra, dict) and hidden & set(extra):
            raise ScriptDenied(
                f'{function.class_type}: its hidden inputs cannot be given: {sorted(hidden & set(extra))}'
            )
        for value in (*args, *kwargs.values()):
            self._adopt(value)
        self._tell(f'{function.class_type} (line {m.at.line if m.at else "?"})')
        try:
            with m.meter.outside():
                return function(*args, **kwargs)
        except Exception as error:
            if not _is_nodes_failure(error):
                raise
            place = m.at
            refused = type(error).__name__ == 'NodeRefusedError'
            message = str(error) if refused else f'{function.class_type}: {type(error).__name__}: {error}'
            raise NodeFailed(message, place) from error

    def _adopt(self, value: Any, depth: int = 0) -> None:
        """Gives what no inner node made a name that holds across executions, so that what rests on it can be cached."""
        from ..runtime.real.provenance import Kind, Opaque, Record, Source

        if self._cache is None or depth > 4:
            return
        kind = self._session.kinds[type(value)]
        if kind not in (Kind.TENSOR, Kind.CONTAINER, Kind.OBJECT):
            return
        tracker = self._session.provenance
        known = tracker.describe(value, kind)
        if type(known) is not Opaque or known.origin is not None:
            return
        if kind is Kind.CONTAINER:
            for item in value.values() if isinstance(value, dict) else value:
                self._adopt(item, depth + 1)
        name = self._identities.name(value)
        if name is None:
            return
        record = Record(tracker.next_number(), 'value', {})
        record._key = name
        tracker._put(value, kind, Opaque(known.what, origin=(Source(record, 0), 0)))

    def _collect(self, node_id: str, class_type: str, ui: Mapping[str, Any]) -> None:
        for key, values in ui.items():
            if isinstance(values, (list, tuple)):
                self._ui.setdefault(key, []).extend(values)

    def ui(self) -> dict[str, Any]:
        """For the browser and the history: what the nodes showed, and what the script printed as `text`."""
        found: dict[str, Any] = dict(self._ui)
        found['text'] = [self._printed]
        return found

    def _extra_pnginfo(self, text: str) -> dict[str, Any] | None:
        given = self._hidden.get('__extra_pnginfo')
        return {**given, 'ComfyScript.node': text} if isinstance(given, dict) else given

    def _tell(self, text: str) -> None:
        """What runs now, on the node. Sent at most ten times a second."""
        now = time.monotonic()
        if now - self._told > 0.1:
            self._told = now
            _send_text(text, self._node_id)

    def _show_printed(self) -> None:
        if self._told:
            _send_text('', self._node_id)


# Values that cross


class _ListOutput(ScriptObject):
    """A list output of a node: to be looped over, or given to a node, which then runs once for each."""

    __slots__ = ('_values',)
    kind = 'list of values'

    def __init__(self, values: list) -> None:
        self._values = values

    def for_nodes(self) -> Any:
        return self._values

    def item(self, m: Machine, key: Any) -> Any:
        if type(key) is slice:
            return _ListOutput(self._values[key])
        return self._values[m.index(key)]

    def elements(self, m: Machine) -> list:
        return list(self._values)

    def unpacked(self, count: int) -> list:
        return list(self._values)


def _results(value: Any) -> Any:
    """What a node gave, as the script has it."""
    if type(value) is tuple:
        return tuple(_result(item) for item in value)
    return _result(value)


def _result(value: Any) -> Any:
    from ..runtime.real import ValueList
    from ..runtime.real.values import Token

    if isinstance(value, ValueList):
        return _ListOutput(value)
    kind = type(value)
    if kind is Token:
        return value  # loop nodes find their start by its identity
    if kind in (int, float, bool, str, type(None)):
        return value
    if kind.__module__ == 'numpy' and hasattr(value, 'item') and getattr(value, 'ndim', None) == 0:
        return value.item()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return value


def _outputs(value: Any, used: int) -> tuple:
    """The node's outputs; a list output of an inner node stays one value here. Raises ScriptError."""
    values = value if type(value) is tuple else () if value is None else (value,)
    if len(values) > MAX_OUTPUTS:
        raise ScriptDenied(f'the script gives {len(values)} values; a node has {MAX_OUTPUTS} outputs at most')
    if used > len(values):
        raise ScriptDenied(
            f'output {used - 1} of the node is linked, but the script gives {len(values)} values: '
            'return more from main, or set `out = (…)`'
        )
    found = []
    for item in values:
        if isinstance(item, _ListOutput):
            item = list(item.for_nodes())
        _check_leaving(item)
        found.append(item)
    return tuple(found + [None] * (MAX_OUTPUTS - len(found)))


def _check_leaving(value: Any, depth: int = 0) -> None:
    """Raises ScriptDenied for what is the interpreter's own, wherever in the value it is."""
    if isinstance(value, (ScriptObject, BaseException, slice)):
        raise ScriptDenied('functions, modules and iterators stay inside the script: give their results')
    if type(value) in (list, tuple, dict, set, frozenset):
        if depth > 50:
            raise ScriptDenied('the script gives a value nested more than 50 deep')
        parts = [part for pair in value.items() for part in pair] if type(value) is dict else value
        for part in parts:
            _check_leaving(part, depth + 1)


def _typed(inputs: dict[str, Any], signature: Signature) -> dict[str, Any]:
    """Inputs as `main` declares them: numbers are cast as ComfyUI casts widgets', and checked. Raises ScriptError."""
    casts = {'INT': int, 'FLOAT': float, 'STRING': str, 'BOOLEAN': bool}
    found = {}
    known = {item.name: item for item in signature.inputs}
    for name, value in inputs.items():
        item = known.get(name)
        value = _result(value)
        if item is not None and item.type in casts and type(value) in casts.values():
            try:
                value = casts[item.type](value)
            except (ValueError, OverflowError):
                raise ScriptDenied(f'the input {name!r} takes {item.type}, not {value!r:.100}') from None
            for bound, beyond in (('min', lambda a, b: a < b), ('max', lambda a, b: a > b)):
                limit = item.options.get(bound)
                if limit is not None and item.type in ('INT', 'FLOAT') and beyond(value, limit):
                    raise ScriptDenied(f'the input {name!r} is {value}: its {bound} is {limit}')
        elif item is not None and item.choices and value not in item.choices:
            raise ScriptDenied(f'the input {name!r} is {value!r:.100}, which is not one of its choices')
        found[name] = value
    return found


def _slots_in_use(prompt: Any, node_id: str) -> int:
    """One more than the highest output of this node that the prompt links to."""
    highest = -1
    for node in (prompt or {}).values():
        for value in (node.get('inputs') or {}).values():
            if _is_link(value) and value[0] == node_id and isinstance(value[1], int):
                highest = max(highest, value[1])
    return highest + 1


# ComfyUI's side


def _is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _text(script: Any) -> str:
    if not isinstance(script, str):
        raise ScriptDenied('the input script takes text')
    return script


def _check_given(signature: Signature, given: Mapping[str, Any]) -> None:
    """Raises ScriptDenied for an input that is needed and not there."""
    missing = [item.name for item in signature.inputs if item.required and item.name not in given]
    if missing:
        raise ScriptDenied(f'the script needs the input {missing[0]!r}: link it, or give the parameter a default')


def _validate_sources(dynprompt: Any, links: Mapping[str, Any], signature: Signature) -> None:
    """ComfyUI's own validation of the nodes behind links that it did not follow. Raises ScriptDenied."""
    from ..runtime.real import loop
    from ..runtime.real.host import Host

    host = Host()
    # A copy: validation casts values in place, and the prompt's own are what caches are keyed by.
    types = {item.name: item.type for item in signature.inputs}
    prompt = {key: dict(dynprompt.get_node(key)) for key in dynprompt.all_node_ids()}
    for node in prompt.values():
        node['inputs'] = dict(node.get('inputs') or {})
    for name, (source, slot) in links.items():
        node_class = host.node_classes.get(str(prompt.get(source, {}).get('class_type')))
        if node_class is None:
            raise ScriptDenied(f'the input {name!r} is linked to node {source}, which is not there')
        if not isinstance(slot, int) or not 0 <= slot < len(node_class.RETURN_TYPES):
            raise ScriptDenied(f'the input {name!r} is linked to output {slot!r} of node {source}, which it has not')
        given, wanted = node_class.RETURN_TYPES[slot], types.get(name, '*')
        if not _fits(given, wanted):
            raise ScriptDenied(f'the input {name!r} takes {wanted}, and {given} is linked to it')
        errors = loop.run(host.validate(prompt, source, set()))
        if errors:
            problem = errors[0]
            raise ScriptDenied(
                f'the node behind input {name!r} (or one behind that) is not valid: '
                f'{problem.get("message", "")}: {problem.get("details", "")}'
            )
        for key, node in prompt.items():
            dynprompt.get_node(key)['inputs'].update(node['inputs'])


def _fits(given: Any, wanted: str) -> bool:
    if wanted == '*' or given == '*' or wanted == 'COMBO':
        return True
    check = getattr(sys.modules.get('comfy_execution.validation'), 'validate_node_input', None)
    return check is None or bool(check(given, wanted))


def _schemas() -> Schemas:
    """The schemas of this ComfyUI, read anew when packs were added; model lists are as old as a few seconds."""
    nodes = sys.modules['nodes']
    classes = nodes.NODE_CLASS_MAPPINGS
    now = time.monotonic()
    made, count, schemas = _known_schemas or (0.0, -1, None)
    if schemas is None or count != len(classes) or now - made > 10:
        schemas = Schemas.of_classes(classes, getattr(nodes, 'NODE_DISPLAY_NAME_MAPPINGS', {}))
        globals()['_known_schemas'] = (now, len(classes), schemas)
    return schemas


_known_schemas: tuple[float, int, Schemas] | None = None


def _settings() -> Settings:
    folder_paths = sys.modules.get('folder_paths')
    return read_settings(Path(folder_paths.get_user_directory())) if folder_paths is not None else Settings()


def _interrupt_check() -> Any:
    management = sys.modules.get('comfy.model_management')
    return getattr(management, 'throw_exception_if_processing_interrupted', None)


def _is_nodes_failure(error: Exception) -> bool:
    """Whether a node failed in a way that a script may catch: not an interrupt, not out of memory."""
    management: Any = sys.modules.get('comfy.model_management')
    if isinstance(error, (ScriptError, TypeError)) and not isinstance(error, NodeFailed):
        return not isinstance(error, ScriptError) and type(error).__name__ != 'CallError'
    interrupted = getattr(management, 'InterruptProcessingException', ())
    out_of_memory = getattr(management, 'OOM_EXCEPTION', ())
    is_oom = getattr(management, 'is_oom', None)
    if is_oom is not None and is_oom(error):
        return False
    return not isinstance(error, (interrupted, out_of_memory) if interrupted and out_of_memory else interrupted or ())


def _send_text(text: str, node_id: str) -> None:
    server = getattr(getattr(sys.modules.get('server'), 'PromptServer', None), 'instance', None)
    send = getattr(server, 'send_progress_text', None)
    if send is not None:
        try:
            send(text, node_id)
        except Exception as error:
            log.debug('progress text: %s', error)


# What makes a script run again


@lru_cache(maxsize=256)
def _uses(text: str) -> tuple[frozenset[str], bool]:
    """Names a script reads, and whether it draws or asks for the time without a seed."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(), True
    names: set[str] = set()
    attributes: set[str] = set()
    imported: set[str] = set()
    seeded = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            attributes.add(node.attr)
        elif isinstance(node, ast.Import):
            imported |= {item.name.split('.')[0] for item in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split('.')[0])
            attributes |= {item.name for item in node.names}
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            names.add(str(node.slice.value))
        if isinstance(node, ast.Call) and node.args:
            called = node.func
            name = getattr(called, 'attr', None) or getattr(called, 'id', '')
            seeded = seeded or name in ('seed', 'Random', 'manual_seed')
    draws = 'random' in imported or ('torch' in imported and bool(attributes & _DRAWING))
    tells_time = 'time' in imported or ('datetime' in imported and bool(attributes & {'now', 'today'}))
    return frozenset(names), tells_time or (draws and not seeded)


_DRAWING = {'rand', 'randn', 'randint', 'randperm', 'rand_like', 'randn_like', 'bernoulli'}


def may_change(text: str) -> bool:
    """Whether a script may give something else for the same inputs: it draws or tells the time, or calls a node that
    says for itself if it has to run again. Its inner nodes are cached, so running it again costs what changed."""
    names, changes = _uses(text)
    if changes:
        return True
    schemas = _schemas()
    classes = sys.modules['nodes'].NODE_CLASS_MAPPINGS
    for name in names:
        class_type = name if name in classes else schemas.names.class_type_of(name)
        node_class = classes.get(class_type) if class_type else None
        if node_class is not None and _decides_itself(node_class):
            return True
    return False


def _decides_itself(node_class: type) -> bool:
    own: Any = getattr(node_class, 'IS_CHANGED', None) or getattr(node_class, 'fingerprint_inputs', None)
    if own is None:
        return False
    # Every V3 class inherits a fingerprint_inputs that does nothing.
    return not getattr(own, '__module__', '').startswith('comfy_api')

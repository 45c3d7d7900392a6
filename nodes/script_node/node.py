"""The `ComfyScript` node: a script inside a graph, run by the interpreter in the server's own process."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...comfyui.interrupts import interrupt_check, interrupt_waits
from ...graph.prompt import may_be_link
from ...interpreter import MAX_OUTPUTS, ScriptDenied, ScriptError, describe_signature
from ...interpreter.lang.looks import looking
from ...interpreter.nodes.settings import Settings
from .any_inputs import ANY, OWN, AnyInputs
from .changes import may_change
from .checked_scripts import CheckedScript, checked_script
from .comfyui import known_schemas, settings_of_owner, switched_off
from .crossing import outputs, typed
from .execution import Run
from .identity import Identities
from .links import check_given, check_values_came, slots_in_use, validate_sources

if TYPE_CHECKING:
    from .generations import Generations

DEFAULT_SCRIPT = """\
def main(image: Image, strength: Annotated[float, Range(0, 1, 0.05)] = 0.5):
    print(f'brightness: {image.mean():.2f}')
    return image * strength
"""


class ComfyScript:
    """Runs a script. Its inputs and outputs are those of the script's `def main(…)`."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        script = {
            'multiline': True,
            'default': DEFAULT_SCRIPT,
            'dynamicPrompts': False,
            'any_inputs': True,
            'signature': _first_signature(),
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
    async def VALIDATE_INPUTS(cls, script: str | None = None) -> bool | str:
        # ComfyUI asks on its event loop, and all clients would wait while a long text is read.
        return True if script is None else await asyncio.to_thread(_problem, script)

    @classmethod
    def IS_CHANGED(cls, script: str | None = None, **inputs: Any) -> Any:
        try:
            with looking(_end_for_interrupt):
                changes = script is None or may_change(_text(script))
        except _Interrupted:
            changes = True
        # A new object each time: ComfyUI compares these inside tuples, where `math.nan` is equal to itself.
        return float('nan') if changes else ''

    def check_lazy_status(self, script: Any = None, **inputs: Any) -> list[str]:
        """Checks the nodes behind the links of the script's inputs, then asks for them. Raises ScriptError."""
        node_id, dynprompt = inputs['__unique_id'], inputs['__dynprompt']
        given = dynprompt.get_node(node_id)['inputs']
        links = {name: value for name, value in given.items() if name in AnyInputs() and may_be_link(value)}
        missing = {name: value for name, value in links.items() if inputs.get(name) is None}
        with looking(interrupt_check()):
            signature = _read(_text(script)).signature
        if any(item.name not in given for item in signature.inputs):
            check_values_came(inputs.get('__extra_pnginfo'), node_id)
        check_given(signature, given)
        if missing:
            validate_sources(dynprompt, missing, signature)
        return list(missing)

    def run(self, script: Any = None, **inputs: Any) -> dict[str, Any]:
        hidden = {name: inputs.pop(name, None) for name in list(inputs) if name.startswith(OWN)}
        text = _text(script)
        settings = settings_of_owner()
        with looking(interrupt_check()):
            compiled, signature, *_ = _read(text)
        node_id = str(hidden.get('__unique_id'))
        run = Run(self._identities, self._make_cache(settings), node_id, hidden)
        value = run.execute(compiled, typed(inputs, signature), settings)
        used = slots_in_use(hidden.get('__prompt'), node_id)
        # ComfyUI asks the node's object, after it ran, which of its outputs are lists.
        self.OUTPUT_IS_LIST = tuple(index in signature.lists for index in range(MAX_OUTPUTS))
        return {'ui': run.ui(), 'result': outputs(value, used, settings.bounds.items, signature, switched_off)}

    def _make_cache(self, settings: Settings) -> Generations | None:
        from .generations import Generations

        if settings.cache_bytes == 0:
            return None
        if self._cache is None:
            self._cache = Generations(settings.cache_bytes)
        return self._cache


@lru_cache(maxsize=1)
def _first_signature() -> dict[str, Any]:
    """The sockets and widgets of the script that a new node has: for the page (js/node/sockets.mjs)."""
    return describe_signature(DEFAULT_SCRIPT)


class _Interrupted(Exception):
    """ComfyUI takes whatever `IS_CHANGED` raises for a change: its own exception would be lost there."""


def _end_for_interrupt() -> None:
    if interrupt_waits():
        raise _Interrupted


def _problem(script: Any) -> bool | str:
    """What is wrong with a script, or True."""
    try:
        _read(_text(script))
    except ScriptError as error:
        return str(error)
    return True


def _read(text: str) -> CheckedScript:
    return checked_script(text, settings_of_owner().bounds, known_schemas())


def _text(script: Any) -> str:
    if not isinstance(script, str):
        raise ScriptDenied('the input script takes text')
    return script

"""One execution of a script: the session its nodes run in, and what they leave for the node to show."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...comfyui.interrupts import interrupt_check
from ...comfyui.messages import send_printed, send_text
from ...graph import EXTRA_INPUTS
from ...interpreter import NodeFailed, ScriptDenied, run_script
from ...interpreter.lang.errors import Span
from ...interpreter.lang.machine import Machine
from ...interpreter.nodes.node_calls import ScriptNodes
from ...interpreter.nodes.settings import Settings
from .comfyui import is_nodes_failure, known_schemas
from .crossing import results
from .identity import Identities

if TYPE_CHECKING:
    from ...interpreter import CompiledScript
    from .generations import Generations

OWN_CLASS = 'ComfyScript'


class Run:
    """One execution: the session its nodes run in, and what they leave for the node to show."""

    def __init__(
        self, identities: Identities, cache: Generations | None, node_id: str, hidden: Mapping[str, Any]
    ) -> None:
        self._identities = identities
        self._cache = cache
        self._node_id = node_id
        self._hidden = hidden
        self._ui: dict[str, list[Any]] = {}
        self._machine: Machine | None = None
        self._told = 0.0

    def execute(self, compiled: CompiledScript, inputs: dict[str, Any], settings: Settings) -> Any:
        from ...interpreter.lang.modules.extra import extra_modules
        from ...runtime.real import RealSession

        session = RealSession(
            validate=True,
            cache=self._cache,
            on_ui=self._collect,
            parent_node_id=self._node_id,
            prompt=self._hidden.get('__prompt'),
            extra_pnginfo=self._extra_pnginfo(compiled.text),
            schemas=known_schemas(),
        )
        self._session = session
        if self._cache is not None:
            self._cache.begin()
        for value in inputs.values():
            self._adopt(value)
        nodes = ScriptNodes(session.nodes, self._call, results, self._defer)
        try:
            with session:
                result = run_script(
                    compiled,
                    bounds=settings.bounds,
                    inputs=inputs,
                    find_node=nodes.find,
                    check_interrupt=interrupt_check(),
                    modules=extra_modules(settings.extra_modules),
                    prepare=self._take_machine,
                )
        except BaseException:
            # ComfyUI shows nothing of a node that fails; what it printed may be what tells why.
            send_printed(self._printed(), self._node_id)
            raise
        finally:
            self._end_telling()
        if self._cache is not None:
            self._cache.end()
        return result.value

    def _take_machine(self, machine: Machine) -> None:
        self._machine = machine

    def _printed(self) -> str:
        return '' if self._machine is None else ''.join(self._machine.printed)

    def _call(self, m: Machine, function: Any, args: list, kwargs: dict[str, Any]) -> Any:
        self._check(function, args, kwargs)
        with self._node_at(function, m.at), m.meter.outside():
            return function(*args, **kwargs)

    def _defer(self, m: Machine, function: Any, args: list, kwargs: dict[str, Any]) -> Any:
        """A call that waits. It is made inside the call that asks for it, when the script's clock stands already."""
        self._check(function, args, kwargs)
        at = m.at

        def make(call: Any) -> Any:
            with self._node_at(function, at):
                return call()

        with self._node_at(function, at), m.meter.outside():
            return self._session.defer(function, args, kwargs, make)

    def _check(self, function: Any, args: list, kwargs: dict[str, Any]) -> None:
        if function.class_type == OWN_CLASS:
            raise ScriptDenied('a script cannot call ComfyScript: define a function instead')
        extra = kwargs.get(EXTRA_INPUTS)
        hidden = {item.name for item in function.schema.hidden}
        if isinstance(extra, dict) and hidden & set(extra):
            raise ScriptDenied(
                f'{function.class_type}: its hidden inputs cannot be given: {sorted(hidden & set(extra))}'
            )
        for value in (*args, *kwargs.values()):
            self._adopt(value)

    @contextmanager
    def _node_at(self, function: Any, place: Span | None) -> Iterator[None]:
        """Tells that a node runs, and makes what it raises an error of its line."""
        self._tell(f'{function.class_type} (line {place.line if place else "?"})')
        try:
            yield
        except NodeFailed:
            raise  # a call that waited: it knows its own line
        except Exception as error:
            if not is_nodes_failure(error):
                raise
            refused = type(error).__name__ == 'NodeRefusedError'
            message = str(error) if refused else f'{function.class_type}: {type(error).__name__}: {error}'
            raise NodeFailed(message, place) from error

    def _adopt(self, value: Any) -> None:
        """Gives what no inner node made a name that holds across executions, so that what rests on it can be cached."""
        if self._cache is not None:
            self._session.provenance.adopt(value, self._identities.name)

    def _collect(self, node_id: str, class_type: str, ui: Mapping[str, Any]) -> None:
        for key, values in ui.items():
            if key == 'text' and self._machine is not None:
                # A text that a node shows is one more line of what the script prints.
                for value in values if isinstance(values, (list, tuple)) else (values,):
                    self._machine.write(f'{value}\n')
            elif isinstance(values, (list, tuple)):
                self._ui.setdefault(key, []).extend(values)

    def ui(self) -> dict[str, Any]:
        """For the browser and the history: what the nodes showed, and what the script printed as `text`."""
        return {**self._ui, 'text': [self._printed()]}

    def _extra_pnginfo(self, text: str) -> dict[str, Any] | None:
        given = self._hidden.get('__extra_pnginfo')
        return {**given, 'ComfyScript.node': text} if isinstance(given, dict) else given

    def _tell(self, text: str) -> None:
        """What runs now, on the node. Sent at most ten times a second."""
        now = time.monotonic()
        if now - self._told > 0.1:
            self._told = now
            send_text(text, self._node_id)

    def _end_telling(self) -> None:
        if self._told:
            send_text('', self._node_id)

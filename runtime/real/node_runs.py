"""Running one node: the short way, for those that are simply called, and the executor's way for all others."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from ...comfyui import savers
from ...graph import CallError, Schemas
from . import loop, saving
from .errors import ExecutionBlockedWarning
from .host import Host, Job, Outcome
from .locked_method import outputs_of
from .origins import Origins
from .plan import Plan
from .recorded_prompt import RecordedPrompt, write_prompt
from .records import Opaque, Record, Source
from .value_kinds import Kind
from .value_list import Lazy, Token, ValueList

OnUi = Callable[[str, str, Mapping[str, Any]], object]

Ran = tuple[Any, Mapping[str, Any] | None]
"""The outputs of a node as its caller has them, one per slot, and its UI results."""


class NodeRunner:
    """Runs nodes of this process's ComfyUI, with what their hidden inputs get (see `RealSession`)."""

    def __init__(
        self,
        host: Host,
        origins: Origins,
        schemas: Schemas,
        *,
        on_ui: OnUi | None,
        parent_node_id: str | None,
        prompt: Mapping[str, Any] | None,
        extra_pnginfo: Mapping[str, Any] | None,
        track: bool,
        hidden: Mapping[str, Any] | None,
        find_source: Callable[[], str | None] | None = None,
    ) -> None:
        self.host = host
        self.on_ui = on_ui
        self.prefix = '' if parent_node_id is None else f'{parent_node_id}.0.0.'
        self.prompt_id = host.running_prompt_id() or 'comfyscript'
        self._origins = origins
        self._kinds = origins.kinds
        self._schemas = schemas
        self._parent_node_id = parent_node_id
        self._prompt = prompt
        self._given_pnginfo = extra_pnginfo
        self._track = track
        self._hidden = dict(hidden or {})
        self._find_source = find_source
        self._before_node = host.before_node
        self._after_node = host.after_node

    def run(
        self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None, record: Record, simple: bool
    ) -> Ran:
        """Runs a node whose inputs are what it takes. `simple`: the short way is open to them."""
        if simple:
            return self._run_simple(plan, inputs, record)
        return self._run_general(plan, inputs, hidden, record)

    def run_plain(self, plan: Plan, inputs: dict[str, Any]) -> Any:
        """Runs a simple node whose inputs need nothing done, and follows nothing."""
        self._before_node()
        node_id = self.prefix + str(self._origins.next_number()) if plan.tells_id else ''
        if plan.unique_id:
            inputs.update(dict.fromkeys(plan.unique_id, node_id))
        if plan.nesting is not None:
            inputs = plan.nesting.nested(inputs)
        instance, call = plan.start(node_id)
        try:
            returned = call(**inputs)
        except BaseException as error:
            self.host.on_error(error)
            raise
        finally:
            if self._after_node is not None:
                self._after_node()
        if plan.locked is not None:
            returned = outputs_of(returned)
        if type(returned) is tuple and not plan.list_slots:
            if len(returned) == 1 == plan.count and type(returned[0]) is not str:
                return returned[0]
            if not plan.token_slots or str not in map(type, returned):
                return unpack(plan, returned, None)
        return unpack(plan, *self._finish(plan, instance, returned, inputs, None))

    def _run_simple(self, plan: Plan, inputs: dict[str, Any], record: Record) -> tuple[Any, Mapping[str, Any] | None]:
        host = self.host
        self._before_node()
        node_id = record.node_id
        if plan.unique_id:
            inputs = {**inputs, **dict.fromkeys(plan.unique_id, node_id)}
        nested = inputs if plan.nesting is None else plan.nesting.nested(inputs)
        instance, call = plan.start(node_id)
        host.set_prefix(node_id, 0, 0)
        context = host.context
        token = context.set(self._make_context(node_id)) if context is not None else None
        try:
            returned = call(**nested)
        except BaseException as error:
            host.on_error(error)
            raise
        finally:
            if context is not None and token is not None:
                context.reset(token)
            if self._after_node is not None:
                self._after_node()
        if plan.locked is not None:
            returned = outputs_of(returned)
        simply = type(returned) is tuple and not plan.list_slots
        if simply and (not plan.token_slots or str not in map(type, returned)):
            return returned, None
        return self._finish(plan, instance, returned, inputs, record)

    def _make_context(self, node_id: str) -> Any:
        make = self.host.make_context
        return None if make is None else make(self.prompt_id, self._parent_node_id or node_id, 0)

    def _finish(
        self, plan: Plan, instance: Any, returned: Any, inputs: dict[str, Any], record: Record | None
    ) -> tuple[Any, Mapping[str, Any] | None]:
        """What a node returned that is not simply a tuple of values, by the executor's own reading of it."""
        slots, ui, expands = self.host.output_from_returns([returned], instance)
        if expands:
            if record is None:
                record = Record(self._origins.next_number(), plan.class_type, {}, self.prefix)
            return self._run_general(plan, inputs, None, record, _Returned(instance, plan.function, returned))
        if ui and self.on_ui is not None:
            node_id = record.node_id if record is not None else self.prefix + str(self._origins.next_number())
            self.on_ui(node_id, plan.class_type, ui)
        return self._shape(plan, slots, mapped=False), ui

    def _shape(self, plan: Plan, slots: list[list[Any]], mapped: bool) -> list[Any]:
        """Output slots, each a list of values, as the caller has them."""
        outputs: list[Any] = []
        for index, slot in enumerate(slots):
            if mapped or index in plan.list_slots or len(slot) != 1:
                outputs.append(ValueList(slot))
            elif index in plan.token_slots and type(slot[0]) is str:
                outputs.append(Token(slot[0]))
            else:
                outputs.append(slot[0])
        return outputs

    # The executor's way

    def _run_general(
        self,
        plan: Plan,
        inputs: dict[str, Any],
        hidden: Mapping[str, Any] | None,
        record: Record,
        instance: Any = None,
    ) -> tuple[Any, Mapping[str, Any] | None]:
        hidden = hidden or {}
        node_id = str(hidden['UNIQUE_ID']) if 'UNIQUE_ID' in hidden else record.node_id
        job = self._job(plan, node_id, inputs, hidden, record)
        job.instance = instance
        outcome = loop.run(self.host.run(job))
        self._tell(plan, node_id, outcome)
        mapped = not plan.schema.is_input_list and any(isinstance(value, ValueList) for value in inputs.values())
        for name, value in inputs.items():
            if isinstance(value, Lazy):
                if value.source is None:
                    record.inputs[name] = self._describe_lazy(value)
                mapped = mapped or (not plan.schema.is_input_list and value.made and isinstance(value.get(), ValueList))
        return self._shape(plan, outcome.slots, mapped), outcome.ui.get(node_id)

    def _describe_lazy(self, value: Lazy) -> Any:
        if not value.made:
            return Opaque('a value that the node did not ask for')
        made = value.get()
        kind = self._kinds[type(made)]
        return made if kind <= Kind.NONE else self._origins.describe(made, kind)

    def _tell(self, plan: Plan, node_id: str, outcome: Outcome) -> None:
        for message in outcome.blocked:
            warnings.warn(f'{plan.class_type}: {message}', ExecutionBlockedWarning, stacklevel=5)
        if self.on_ui is not None:
            for key, ui in outcome.ui.items():
                self.on_ui(key, plan.class_type if key == node_id else '', ui)

    def _job(self, plan: Plan, node_id: str, inputs: dict[str, Any], hidden: Mapping[str, Any], record: Record) -> Job:
        for name in plan.conditions:
            if inputs.get(name) is True:
                raise CallError(
                    f'{plan.class_type}: {name} is a plain True here (in Python, truth values and numbers that nodes '
                    'gave are no links), so that the loop would never end: use a `while` of Python instead'
                )
        known: dict[str, list[list[Any]]] = {}
        made: dict[str, Any] = {}
        lazy: dict[str, Lazy] = {}
        linked: dict[str, Any] = {}
        shows_graph = self._track and (plan.wants_prompt or plan.needs_graph)
        for index, (name, value) in enumerate(inputs.items()):
            kind = self._kinds[type(value)]
            if kind <= Kind.BOOL:
                linked[name] = value
                continue
            linked_to = record.inputs.get(name) if shows_graph and kind is not Kind.LAZY else None
            link = _real_link(linked_to, value, known, plan)
            if link is None:
                link = [f'{node_id}.in{index}', 0]
                if kind is Kind.LAZY:
                    lazy[link[0]] = value
                else:
                    known[link[0]] = [_slot(value)]
                if plan.needs_graph:
                    made[link[0]] = {'class_type': plan.class_type, 'inputs': {}}
            linked[name] = link
        written = write_prompt([record]) if shows_graph else RecordedPrompt({}, ())
        if plan.needs_graph:
            _add_living(record, known)
        own = self._prompt if self._prompt is not None else written.prompt
        prompt = hidden.get('PROMPT', own)
        if prompt is not written.prompt:
            made = {**written.prompt, **made}
        made[node_id] = {'class_type': plan.class_type, 'inputs': linked}
        extra = {key.lower(): value for key, value in {**self._hidden, **hidden}.items()}
        extra['extra_pnginfo'] = self._extra_pnginfo(plan, hidden, written, node_id)
        return Job(prompt or {}, node_id, known, self.prompt_id, extra, made, lazy=lazy)

    def _extra_pnginfo(self, plan: Plan, hidden: Mapping[str, Any], written: RecordedPrompt, node_id: str) -> Any:
        if 'EXTRA_PNGINFO' not in plan.host_hidden:
            return None
        own = self._given_pnginfo
        if own is None and self._track:
            own = saving.extra_pnginfo(written, node_id, self._schemas)
            takes_our_keys = savers.takes_our_keys(plan.node_class, plan.class_type)
            if not (takes_our_keys or savers.are_watched()):
                # What savers of packs make of one key more is not known.
                own.pop(savers.SCRIPT_KEY, None)
            if takes_our_keys and self._find_source is not None and (source := self._find_source()):
                own[savers.SOURCE_KEY] = source
        elif own and savers.SCRIPT_KEY in own and self._track and not written.notes:
            # Inside a node: of the node's script, what this one output needed, where that is all known.
            own = {**own, **saving.own_script(written, node_id, self._schemas)}
        added = hidden.get('EXTRA_PNGINFO')
        return {**(own or {}), **added} if added else own


def unpack(plan: Plan, outputs: Any, ui: Mapping[str, Any] | None) -> Any:
    count = plan.count
    if count == 1:
        return outputs[0] if outputs else None
    if count == 0:
        return {'ui': dict(ui or {})}
    if len(outputs) == count:
        return tuple(outputs)
    return tuple(outputs[slot] if slot < len(outputs) else None for slot in range(count))


def _slot(value: Any) -> list[Any]:
    """A value as an output slot of the executor: a list of values."""
    return list(value) if isinstance(value, ValueList) else [value]


def _real_link(described: Any, value: Any, known: dict[str, list[list[Any]]], plan: Plan) -> list[Any] | None:
    """The link that an input is in the graph, for a node that sees the graph; its value is then known there.

    A loop may use the other outputs of the node as well: then all of them have to be known, or none (it runs again).
    """
    if type(described) is not Source:
        return None
    record, slot = described
    if len(record.outputs) == 1 or not plan.needs_graph:
        slots = known.setdefault(record.node_id, [[None] for _ in record.outputs])
        slots[slot] = _slot(value)
    return [record.node_id, slot]


def _add_living(record: Record, known: dict[str, list[list[Any]]]) -> None:
    """Outputs in the graph behind a call that still live need not be made again for what it expands to."""
    for ancestor in record.ancestry():
        outputs = None if ancestor is record else ancestor.living_outputs()
        if outputs is not None and ancestor.node_id not in known:
            known[ancestor.node_id] = [_slot(output) for output in outputs]


class _Returned:
    """A node object that has run already: asked again, it gives what it returned (a graph to expand to)."""

    def __init__(self, instance: Any, function: str, returned: Any) -> None:
        self._instance = instance
        setattr(self, function, lambda **_: returned)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._instance, name)

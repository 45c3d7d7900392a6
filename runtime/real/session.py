"""A session of real mode: its node functions, where their values came from, and its cache."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...graph import CallError, NodeSchema, Schemas, near_misses
from ..calls.functions import NodeFunction, NodeNamespace
from . import loop, saving
from .cache import Cache, Kept
from .errors import ExecutionBlockedWarning, NodeRefusedError
from .host import Host, Job, Outcome
from .plan import Plan
from .provenance import (
    Kind,
    Kinds,
    Literal,
    Opaque,
    Record,
    Several,
    Source,
    Tracker,
    Written,
    write_prompt,
)
from .real_functions import RealNamespace
from .value_list import Lazy, Token, ValueList
from .waiting import WaitingCall, WaitingOutput

OnUi = Callable[[str, str, Mapping[str, Any]], object]

_SCALAR, _BOOL, _NONE, _ENUM = Kind.SCALAR, Kind.BOOL, Kind.NONE, Kind.ENUM
_TENSOR, _CONTAINER, _OBJECT, _UNTRACKABLE = Kind.TENSOR, Kind.CONTAINER, Kind.OBJECT, Kind.UNTRACKABLE
_VALUE_LIST, _LAZY, _BLOCKER = Kind.VALUE_LIST, Kind.LAZY, Kind.BLOCKER

MAX_PLAIN = 64
"""How many combinations of input types a node's plan remembers."""


def _now(make: Callable[[], Any]) -> Any:
    return make()


class RealSession:
    """Calls nodes of the ComfyUI in this process and follows their values.

    A node that runs Python of its user's (the `ComfyScript` node) makes one per execution, around the whole script:

        with RealSession(validate=True, cache=cache, on_ui=collect, parent_node_id=unique_id,
                         prompt=prompt, extra_pnginfo=extra_pnginfo) as session:
            run_script(text, nodes=session.nodes, ...)

    It works on any thread, also on one whose event loop is running (the executor's): async nodes run on a loop of
    their own, in the same thread. Inside the `with`, progress and previews belong to `parent_node_id`; interrupts
    are raised by the node call that notices them, as ComfyUI's `InterruptProcessingException`.

    - `nodes`: the node functions, a `NodeNamespace`.
    - `provenance`: the `Tracker` that knows where living values came from.
    - `validate`: each call goes through ComfyUI's own `validate_inputs` first, as a prompt's nodes do, and
      raises NodeRefusedError; hidden inputs cannot be given, `extra_pnginfo` alone adds to what is saved.
    - `cache`: outputs by what led to them. It may outlive the session: keep one per node or per process.
    - `on_ui(node_id, class_type, ui)` is called for each node that gives UI results, expanded ones included.
    - `prompt`, `extra_pnginfo`: what save nodes get to write. Without them: the prompt of the calls that led to
      the image, its workflow and its script.
    - `track=False`: nothing is followed; save nodes get an empty prompt.
    - `earlier`: a session whose values are to stay known.
    - `hidden`: values for `AUTH_TOKEN_COMFY_ORG` and the like, by their hidden type.
    """

    def __init__(
        self,
        validate: bool = False,
        cache: Cache | None = None,
        on_ui: OnUi | None = None,
        parent_node_id: str | None = None,
        prompt: Mapping[str, Any] | None = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
        *,
        track: bool = True,
        hidden: Mapping[str, Any] | None = None,
        earlier: RealSession | None = None,
        host: Host | None = None,
        schemas: Schemas | None = None,
    ) -> None:
        self.host = host if host is not None else Host()
        self.schemas = schemas if schemas is not None else self.host.schemas()
        self.validate = validate
        self.track = track
        self.bare = False
        """Whether calls are only made, and nothing is followed, checked or kept."""
        self.cache = cache
        self.on_ui = on_ui
        self.parent_node_id = parent_node_id
        self.prompt = prompt
        self.extra_pnginfo = extra_pnginfo
        self.hidden = dict(hidden or {})
        self.kinds = Kinds(self.host.blocker) if earlier is None else earlier.kinds
        self.provenance = Tracker(self.kinds) if earlier is None else earlier.provenance
        self.nodes: NodeNamespace = RealNamespace(self.schemas, self, lambda _: object)
        self.prompt_id = self.host.running_prompt_id() or 'comfyscript'
        self.last_was_hit = False
        """Whether the last call that ended was answered by the cache."""
        self._before_node = self.host.before_node
        self._after_node = self.host.after_node
        self._plans: dict[str, Plan] = {}
        self._prefix = '' if parent_node_id is None else f'{parent_node_id}.0.0.'
        self._attribution: Any = None
        self._positions: dict[str, itertools.count[int]] = {}

    def __enter__(self) -> RealSession:
        if self.parent_node_id is not None:
            self._attribution = self.host.attributed_to(self.parent_node_id)
            self._attribution.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        attribution, self._attribution = self._attribution, None
        if attribution is not None:
            attribution.__exit__(*error)

    @property
    def cache(self) -> Cache | None:
        return self._cache

    @cache.setter
    def cache(self, cache: Cache | None) -> None:
        self._cache = cache
        self.bare = cache is None and not self.track and not self.validate

    # What a session knows

    def plan(self, class_type: str) -> Plan:
        """Raises CallError for a node that is not here."""
        plan = self._plans.get(class_type)
        if plan is None:
            node_class = self.host.node_classes.get(class_type)
            if node_class is None:
                close = near_misses(class_type, self.host.node_classes)
                raise CallError(
                    f'this ComfyUI has no node {class_type!r}{close}: is its pack installed, and did it load?'
                )
            plan = self._plans[class_type] = Plan(self.schemas[class_type], node_class, self.host)
        return plan

    def emit(self, schema: NodeSchema, inputs: dict[str, Any]) -> Any:
        """A call whose inputs are bound already (raw names)."""
        return self.call(self.plan(schema.class_type), inputs, {})

    def source(self, value: Any) -> Source | None:
        """The call and slot that gave a living value, if it is known."""
        kind = self.kinds[type(value)]
        found = self.provenance.describe(value, kind) if kind > _ENUM else None
        return found if type(found) is Source else None

    def written(self, *values: Any) -> Written:
        """The API prompt that leads to these values, with notes on what in it no node made."""
        sources = [self.source(value) for value in values]
        return write_prompt(source.record for source in sources if source is not None)

    def new_positions(self) -> None:
        """Calls are counted from the start again: a script that is run anew meets its cached outputs."""
        self._positions.clear()

    # Calls

    def call(self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None) -> Any:
        """Runs a node with raw inputs and returns its outputs as the caller has them.

        `hidden` is None where `inputs` are just what the call named, so that a `None` leaves an input out.
        """
        simple = plan.simple and (hidden is None or (not hidden and inputs.keys() <= plan.raw_names))
        recorded: dict[str, Any] = {}
        plain, unchanged = self._prepare(plan, inputs, hidden, recorded)
        simple = simple and plain
        if simple and unchanged and hidden is None and len(plan.plain) < MAX_PLAIN:
            self._remember(plan, inputs)
        return self._run(plan, inputs, hidden, recorded, simple)

    def call_known(self, plan: Plan, inputs: dict[str, Any], followed: tuple[tuple[str, Kind], ...]) -> Any:
        """`call` for a combination of input types that `plan.plain` has: nothing is looked at but what is followed."""
        if self.bare:
            return self.run_plain(plan, self._detached(inputs) if plan.detaches else inputs)
        recorded = inputs.copy()
        describe = self.provenance.describe
        for name, kind in followed:
            recorded[name] = describe(inputs[name], kind)
        return self._run(plan, inputs, None, recorded, True)

    def defer(
        self,
        function: NodeFunction,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        run: Callable[[Callable[[], Any]], Any] = _now,
    ) -> Lazy | tuple[Lazy, ...]:
        """A call that is bound, checked and recorded now, and made when one of its outputs is asked for.

        The outputs can be given to nodes: to a lazy input as something to ask for, to any other input of a call
        that waits, too. `run` is called around the making.
        """
        plan = self.plan(function.class_type)
        inputs, hidden = plan.bind(args, kwargs)
        waiting = {name: value for name, value in inputs.items() if type(value) is WaitingOutput}
        recorded: dict[str, Any] = {}
        made = {name: value for name, value in inputs.items() if name not in waiting}
        self._prepare(plan, made, hidden, recorded)
        recorded.update((name, value.source) for name, value in waiting.items())
        inputs.update(made)
        if self.validate:
            self._check(plan, inputs, recorded, hidden)
        record = Record(self.provenance.next_number(), plan.class_type, recorded, self._prefix)
        key = None if self._cache is None else self._key(plan, inputs, hidden, record)
        if self._cache is not None and key is not None:
            self._cache.note(key)
        needs = [value.call for name, value in waiting.items() if name not in plan.lazy]
        call = WaitingCall(record, needs, lambda: run(lambda: self._make(plan, inputs, hidden, record, key)))
        outputs = tuple(WaitingOutput(call, slot) for slot in range(plan.count))
        return outputs[0] if plan.count == 1 else outputs

    def _make(
        self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any], record: Record, key: bytes | None
    ) -> tuple[Any, ...]:
        plain, _ = self._prepare(plan, inputs, hidden, {})
        simple = plain and plan.simple and not hidden and inputs.keys() <= plan.raw_names
        if plan.detaches:
            inputs = self._detached(inputs)
        returned = self._perform(plan, inputs, hidden, record, simple, key)
        return (returned,) if plan.count == 1 else returned

    def _remember(self, plan: Plan, inputs: dict[str, Any]) -> None:
        kinds = ((name, self.kinds[type(value)]) for name, value in inputs.items())
        followed = tuple((name, kind) for name, kind in kinds if kind > _BOOL)
        types = tuple(map(type, inputs.values()))
        if tuple(inputs) == plan.names:
            plan.plain[types] = followed
        plan.plain[(*inputs, *types)] = followed

    def _run(
        self,
        plan: Plan,
        inputs: dict[str, Any],
        hidden: Mapping[str, Any] | None,
        recorded: dict[str, Any],
        simple: bool,
    ) -> Any:
        if plan.detaches:
            inputs = self._detached(inputs)
        if self.validate:
            self._check(plan, inputs, recorded, hidden)
        elif self.bare and simple:
            return self.run_plain(plan, inputs)
        record = Record(self.provenance.next_number(), plan.class_type, recorded, self._prefix)
        key = None if self._cache is None else self._key(plan, inputs, hidden, record)
        return self._perform(plan, inputs, hidden, record, simple, key)

    def _perform(
        self,
        plan: Plan,
        inputs: dict[str, Any],
        hidden: Mapping[str, Any] | None,
        record: Record,
        simple: bool,
        key: bytes | None,
    ) -> Any:
        if self._cache is not None:
            return self._perform_cached(self._cache, key, plan, inputs, hidden, record, simple)
        if simple:
            outputs, ui = self._run_simple(plan, inputs, record)
        else:
            outputs, ui = self._run_general(plan, inputs, hidden, record)
        if not self.bare:
            for slot, value in enumerate(outputs):
                self.provenance.put(value, record, slot)
        return self._unpack(plan, outputs, ui)

    def _prepare(
        self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None, recorded: dict[str, Any]
    ) -> tuple[bool, bool]:
        """Makes inputs what the node takes, in place, and notes where they came from.

        The answer: whether the short way is open to them, and whether they were fine as they came. This is where
        a call's own time goes, so it is one loop.
        """
        tracker = None if self.bare else self.provenance
        kinds, casts = self.kinds, plan.casts
        plain = unchanged = True
        dropped = None
        for name, value in inputs.items():
            kind = kinds[type(value)]
            if kind is _SCALAR or kind is _BOOL:
                cast = casts.get(name)
                if cast is not None:
                    if type(value) is not cast:
                        unchanged = False
                        inputs[name] = value = plan.cast(name, cast, value)
                elif kind is _BOOL and name in plan.switches:
                    unchanged = False
                    inputs[name] = value = plan.switches[name][0 if value else 1]
                recorded[name] = value
                continue
            if kind is _TENSOR or kind is _OBJECT or kind is _CONTAINER:
                if tracker is not None:
                    recorded[name] = tracker.describe(value, kind)
                continue
            unchanged = False
            if kind is _NONE:
                if hidden is None and name in plan.required and not self.validate:
                    recorded[name] = inputs[name] = plan.instead_of_none(name)
                elif hidden is None:
                    dropped = [name] if dropped is None else [*dropped, name]
                else:
                    recorded[name] = None
            elif kind is _ENUM:
                inputs[name] = recorded[name] = value.value
            elif kind is _UNTRACKABLE and name in casts:
                # A number of another library's: as ComfyUI's validation would make it.
                inputs[name] = recorded[name] = plan.cast(name, casts[name], value)
            elif kind is not _LAZY:
                plain = plain and kind is _UNTRACKABLE
                if tracker is not None:
                    recorded[name] = tracker.describe(value, kind)
            elif name in plan.lazy and not value.made:
                plain = False
                if value.source is not None:
                    recorded[name] = value.source
            else:
                inputs[name] = made = value.get()
                made_kind = kinds[type(made)]
                plain = plain and made_kind is not _VALUE_LIST and made_kind is not _BLOCKER
                recorded[name] = made if made_kind <= _NONE else self.provenance.describe(made, made_kind)
        for name in dropped or ():
            del inputs[name]
        return plain, unchanged

    def _unpack(self, plan: Plan, outputs: Any, ui: Mapping[str, Any] | None) -> Any:
        count = plan.count
        if count == 1:
            return outputs[0] if outputs else None
        if count == 0:
            return {'ui': dict(ui or {})}
        if len(outputs) == count:
            return tuple(outputs)
        return tuple(outputs[slot] if slot < len(outputs) else None for slot in range(count))

    def _detached(self, inputs: dict[str, Any]) -> dict[str, Any]:
        found = dict(inputs)
        for name, value in inputs.items():
            kind = self.kinds[type(value)]
            if kind is _TENSOR:
                found[name] = _without_gradients(value)
            elif kind is _VALUE_LIST:
                items = (_without_gradients(item) if self.kinds[type(item)] is _TENSOR else item for item in value)
                found[name] = ValueList(items)
        return found

    # The short way

    def run_plain(self, plan: Plan, inputs: dict[str, Any]) -> Any:
        """Runs a simple node whose inputs need nothing done, and follows nothing."""
        self._before_node()
        if plan.unique_id:
            inputs.update(dict.fromkeys(plan.unique_id, self._prefix + str(self.provenance.next_number())))
        instance = plan.node_class()
        try:
            returned = getattr(instance, plan.function)(**inputs)
        except BaseException as error:
            self.host.on_error(error)
            raise
        finally:
            if self._after_node is not None:
                self._after_node()
        if type(returned) is tuple and not plan.list_slots:
            if len(returned) == 1 == plan.count and type(returned[0]) is not str:
                return returned[0]
            if not plan.token_slots or str not in map(type, returned):
                return self._unpack(plan, returned, None)
        return self._unpack(plan, *self._finish(plan, instance, returned, inputs, None))

    def _run_simple(self, plan: Plan, inputs: dict[str, Any], record: Record) -> tuple[Any, Mapping[str, Any] | None]:
        host = self.host
        self._before_node()
        node_id = record.node_id
        if plan.unique_id:
            inputs = {**inputs, **dict.fromkeys(plan.unique_id, node_id)}
        instance = plan.node_class()
        host.set_prefix(node_id, 0, 0)
        context = host.context
        token = context.set(self._make_context(node_id)) if context is not None else None
        try:
            returned = getattr(instance, plan.function)(**inputs)
        except BaseException as error:
            host.on_error(error)
            raise
        finally:
            if context is not None and token is not None:
                context.reset(token)
            if self._after_node is not None:
                self._after_node()
        simply = type(returned) is tuple and not plan.list_slots
        if simply and (not plan.token_slots or str not in map(type, returned)):
            return returned, None
        return self._finish(plan, instance, returned, inputs, record)

    def _make_context(self, node_id: str) -> Any:
        make = self.host.make_context
        return None if make is None else make(self.prompt_id, self.parent_node_id or node_id, 0)

    def _finish(
        self, plan: Plan, instance: Any, returned: Any, inputs: dict[str, Any], record: Record | None
    ) -> tuple[Any, Mapping[str, Any] | None]:
        """What a node returned that is not simply a tuple of values, by the executor's own reading of it."""
        slots, ui, expands = self.host.output_from_returns([returned], instance)
        if expands:
            if record is None:
                record = Record(self.provenance.next_number(), plan.class_type, {}, self._prefix)
            return self._run_general(plan, inputs, None, record, _Returned(instance, plan.function, returned))
        if ui and self.on_ui is not None:
            node_id = record.node_id if record is not None else self._prefix + str(self.provenance.next_number())
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
        kind = self.kinds[type(made)]
        return made if kind <= _NONE else self.provenance.describe(made, kind)

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
        shows_graph = self.track and (plan.wants_prompt or plan.needs_graph)
        for index, (name, value) in enumerate(inputs.items()):
            kind = self.kinds[type(value)]
            if kind <= _BOOL:
                linked[name] = value
                continue
            linked_to = record.inputs.get(name) if shows_graph and kind is not _LAZY else None
            link = _real_link(linked_to, value, known, plan)
            if link is None:
                link = [f'{node_id}.in{index}', 0]
                if kind is _LAZY:
                    lazy[link[0]] = value
                else:
                    known[link[0]] = [_slot(value)]
                if plan.needs_graph:
                    made[link[0]] = {'class_type': plan.class_type, 'inputs': {}}
            linked[name] = link
        written = write_prompt([record]) if shows_graph else Written({}, ())
        if plan.needs_graph:
            _add_living(record, known)
        own = self.prompt if self.prompt is not None else written.prompt
        prompt = hidden.get('PROMPT', own)
        if prompt is not written.prompt:
            made = {**written.prompt, **made}
        made[node_id] = {'class_type': plan.class_type, 'inputs': linked}
        extra = {key.lower(): value for key, value in {**self.hidden, **hidden}.items()}
        extra['extra_pnginfo'] = self._extra_pnginfo(plan, hidden, written, node_id)
        return Job(prompt or {}, node_id, known, self.prompt_id, extra, made, lazy=lazy)

    def _extra_pnginfo(self, plan: Plan, hidden: Mapping[str, Any], written: Written, node_id: str) -> Any:
        if 'EXTRA_PNGINFO' not in plan.host_hidden:
            return None
        own = self.extra_pnginfo
        if own is None and self.track:
            own = saving.extra_pnginfo(written, node_id, self.schemas)
        elif own and saving.SCRIPT_KEY in own and self.track and not written.notes:
            # Inside a node: of the node's script, what this one output needed, where that is all known.
            own = {**own, **saving.own_script(written, node_id, self.schemas)}
        added = hidden.get('EXTRA_PNGINFO')
        return {**(own or {}), **added} if added else own

    # Validation and cache

    def _check(
        self, plan: Plan, inputs: dict[str, Any], recorded: dict[str, Any], hidden: Mapping[str, Any] | None
    ) -> None:
        """ComfyUI's own check of one node. Casts literals in place, as it does for a prompt."""
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
            self._check_values(plan, {**inputs, **items}, {**recorded, **described})
        if not lists:
            self._check_values(plan, inputs, recorded)

    def _check_values(self, plan: Plan, inputs: dict[str, Any], recorded: dict[str, Any]) -> None:
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
        errors = loop.run(self.host.validate(prompt, 'comfyscript', trusted))
        if errors:
            raise NodeRefusedError(plan.class_type, [_problem(error) for error in errors])
        for name, value in inputs.items():
            if self.kinds[type(value)] <= _BOOL and name in checked:
                inputs[name] = recorded[name] = checked[name]

    def _perform_cached(
        self,
        cache: Cache,
        key: bytes | None,
        plan: Plan,
        inputs: dict[str, Any],
        hidden: Mapping[str, Any] | None,
        record: Record,
        simple: bool,
    ) -> Any:
        kept: Kept | None = cache.get(key) if key is not None else None
        hit = kept is not None
        if kept is None:
            if simple:
                outputs, ui = self._run_simple(plan, inputs, record)
            else:
                outputs, ui = self._run_general(plan, inputs, hidden, record)
            kept = Kept(tuple(outputs), ui)
            if key is not None:
                cache.put(key, kept.outputs, ui)
        elif kept.ui and self.on_ui is not None:
            self.on_ui(record.node_id, plan.class_type, kept.ui)
        for slot, value in enumerate(kept.outputs):
            self.provenance.put(value, record, slot)
        self.last_was_hit = hit
        return self._unpack(plan, kept.outputs, kept.ui)

    def _key(
        self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None, record: Record
    ) -> bytes | None:
        """What the outputs of a call are kept under; where they cannot be, neither can what rests on them."""
        key = self._try_key(plan, inputs, hidden, record)
        if key is None:
            record.deny_key()
        return key

    def _try_key(
        self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None, record: Record
    ) -> bytes | None:
        """The rules of ComfyUI's `caching.py`."""
        marks: list[Any] = []
        for name, value in inputs.items():
            if isinstance(value, Lazy) and value.source is None:
                if value.mark is None:
                    return None
                marks.append((name, value.mark))
        if plan.changing:
            mark = loop.run(self.host.change_mark(plan.class_type, self._constants(inputs)))
            if mark is None:
                return None
            marks.append(mark)
        if plan.unique_id or getattr(plan.node_class, 'NOT_IDEMPOTENT', False) or 'UNIQUE_ID' in plan.host_hidden:
            marks.append(next(self._positions.setdefault(plan.class_type, itertools.count())))
        if hidden:
            try:
                marks.append(json.dumps(hidden, sort_keys=True))
            except (TypeError, ValueError):
                return None
        record.mark = marks or None
        return record.key()

    def _constants(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs as `IS_CHANGED` sees them: literals, and a link for anything else."""
        found = {}
        for name, value in inputs.items():
            found[name] = value if self.kinds[type(value)] <= _BOOL else ['value', 0]
        return found


def _without_gradients(tensor: Any) -> Any:
    return tensor.detach() if tensor.requires_grad else tensor


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


def _problem(error: Mapping[str, Any]) -> str:
    details = str(error.get('details') or '')
    message = str(error.get('message') or error.get('type') or 'invalid')
    return f'{message}: {details}' if details else message


__all__ = ['Cache', 'Literal', 'RealSession']

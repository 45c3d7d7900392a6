"""A session of real mode: its node functions, where their values came from, and its cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...graph import CallError, NodeSchema, Schemas, near_misses
from ..calls.functions import NodeFunction, NodeNamespace
from .cache import Cache, KeptOutputs
from .call_keys import CallKeys
from .checking import check
from .host import Host
from .node_runs import NodeRunner, OnUi, unpack
from .origins import Origins
from .plan import Plan
from .real_functions import RealNamespace
from .recorded_prompt import RecordedPrompt, write_prompt
from .records import Record, Source
from .value_kinds import Kind, Kinds
from .value_list import Lazy, ValueList
from .waiting import WaitingCall, WaitingOutput

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
    - `provenance`: the `Origins` that knows where living values came from.
    - `validate`: each call goes through ComfyUI's own `validate_inputs` first, as a prompt's nodes do, and
      raises NodeRefusedError; hidden inputs cannot be given, `extra_pnginfo` alone adds to what is saved.
    - `cache`: outputs by what led to them. It may outlive the session: keep one per node or per process.
    - `on_ui(node_id, class_type, ui)` is called for each node that gives UI results, expanded ones included.
    - `prompt`, `extra_pnginfo`: what save nodes get to write. Without them: the prompt of the calls that led to
      the image, its workflow and its script.
    - `track=False`: nothing is followed; save nodes get an empty prompt.
    - `earlier`: a session whose values are to stay known.
    - `find_source()` gives the text of the running script, for ComfyUI's own savers.
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
        find_source: Callable[[], str | None] | None = None,
    ) -> None:
        self.host = host if host is not None else Host()
        self.schemas = schemas if schemas is not None else self.host.schemas()
        self.validate = validate
        self.checks_choices = not validate
        """Whether calls of node functions are checked by us: ComfyUI's own validation has these checks in it."""
        self.track = track
        self.bare = False
        """Whether calls are only made, and nothing is followed, checked or kept."""
        self.cache = cache
        self.parent_node_id = parent_node_id
        self.kinds = Kinds(self.host.blocker) if earlier is None else earlier.kinds
        self.provenance = Origins(self.kinds) if earlier is None else earlier.provenance
        self._runner = NodeRunner(
            self.host,
            self.provenance,
            self.schemas,
            on_ui=on_ui,
            parent_node_id=parent_node_id,
            prompt=prompt,
            extra_pnginfo=extra_pnginfo,
            track=track,
            hidden=hidden,
            find_source=find_source,
        )
        self.nodes: NodeNamespace = RealNamespace(self.schemas, self, lambda _: object)
        self.last_was_hit = False
        """Whether the last call that ended was answered by the cache."""
        self._plans: dict[str, Plan] = {}
        self._prefix = self._runner.prefix
        self._attribution: Any = None
        self._keys = CallKeys(self.host, self.kinds)

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

    @property
    def on_ui(self) -> OnUi | None:
        return self._runner.on_ui

    @on_ui.setter
    def on_ui(self, on_ui: OnUi | None) -> None:
        self._runner.on_ui = on_ui

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

    def written(self, *values: Any) -> RecordedPrompt:
        """The API prompt that leads to these values, with notes on what in it no node made."""
        sources = [self.source(value) for value in values]
        return write_prompt(source.record for source in sources if source is not None)

    def new_positions(self) -> None:
        """Calls are counted from the start again: a script that is run anew meets its cached outputs."""
        self._keys.begin()

    # Calls

    def call(self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None) -> Any:
        """Runs a node with raw inputs and returns its outputs as the caller has them.

        `hidden` is None where `inputs` are just what the call named, so that a `None` leaves an input out.
        """
        simple = plan.simple and (hidden is None or (not hidden and plan.takes_only(inputs)))
        recorded: dict[str, Any] = {}
        plain, unchanged = self._prepare(plan, inputs, hidden, recorded)
        simple = simple and plain
        if simple and unchanged:
            self._remember(plan, inputs, hidden)
        return self._run(plan, inputs, hidden, recorded, simple)

    def call_known(self, plan: Plan, inputs: dict[str, Any], followed: tuple[tuple[str, Kind], ...]) -> Any:
        """`call` for a combination of input types that `plan.plain` has: nothing is looked at but what is followed."""
        if self.bare:
            return self._runner.run_plain(plan, self._detached(inputs) if plan.is_output else inputs)
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
            check(self.host, self.kinds, plan, inputs, recorded, hidden)
        record = Record(self.provenance.next_number(), plan.class_type, recorded, self._prefix)
        key = None if self._cache is None else self._keys.of(plan, inputs, hidden, record)
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
        simple = plain and plan.simple and not hidden and plan.takes_only(inputs)
        if plan.is_output:
            inputs = self._detached(inputs)
        returned = self._perform(plan, inputs, hidden, record, simple, key)
        return (returned,) if plan.count == 1 else returned

    def _remember(self, plan: Plan, inputs: dict[str, Any], hidden: Mapping[str, Any] | None) -> None:
        kinds = ((name, self.kinds[type(value)]) for name, value in inputs.items())
        followed = tuple((name, kind) for name, kind in kinds if kind > _BOOL)
        if plan.nesting is not None:
            plan.nesting.remember(inputs, followed)
            return
        if hidden is not None or len(plan.plain) >= MAX_PLAIN:
            return
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
        if plan.is_output:
            inputs = self._detached(inputs)
        if self.validate:
            check(self.host, self.kinds, plan, inputs, recorded, hidden)
        elif self.bare and simple:
            return self._runner.run_plain(plan, inputs)
        record = Record(self.provenance.next_number(), plan.class_type, recorded, self._prefix)
        key = None if self._cache is None else self._keys.of(plan, inputs, hidden, record)
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
        outputs, ui = self._runner.run(plan, inputs, hidden, record, simple)
        if not self.bare:
            for slot, value in enumerate(outputs):
                self.provenance.put(value, record, slot, plan.is_output)
        return unpack(plan, outputs, ui)

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
        kept: KeptOutputs | None = cache.get(key) if key is not None else None
        hit = kept is not None
        if kept is None:
            outputs, ui = self._runner.run(plan, inputs, hidden, record, simple)
            kept = KeptOutputs(tuple(outputs), ui)
            if key is not None:
                cache.put(key, kept.outputs, ui)
        elif kept.ui and self.on_ui is not None:
            self.on_ui(record.node_id, plan.class_type, kept.ui)
        for slot, value in enumerate(kept.outputs):
            self.provenance.put(value, record, slot, plan.is_output)
        self.last_was_hit = hit
        return unpack(plan, kept.outputs, kept.ui)


def _without_gradients(tensor: Any) -> Any:
    return tensor.detach() if tensor.requires_grad else tensor

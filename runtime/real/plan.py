"""What is known of a node class before its first call: how to bind one, and whether the short way through is open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...graph import MISSING, CallError, InputKind, InputSchema, NodeSchema, bind, check_branches
from ...graph.types import PYTHON_TYPES
from .choices import CHECKED, choices_of, refuse
from .host import Host
from .locked_method import LockedMethod, can_be_kept
from .nesting import GrowingCalls, nesting_of
from .value_kinds import Kind

_PLAIN = (InputKind.PLAIN, InputKind.COMBO)
_TEXT_TYPES = frozenset({*PYTHON_TYPES, 'COMBO', '*'})
HOST_HIDDEN = frozenset(
    {
        'PROMPT',
        'DYNPROMPT',
        'EXTRA_PNGINFO',
        'UNIQUE_ID',
        'AUTH_TOKEN_COMFY_ORG',
        'API_KEY_COMFY_ORG',
        'COMFY_USAGE_SOURCE',
    }
)
"""Hidden inputs that ComfyUI fills in (`execution.py: get_input_data`)."""


class Plan:
    """One node class, ready to be called.

    The short way (`simple`) is for plain synchronous nodes without lists, laziness or a look at the prompt;
    the executor's own way is for all others, and for any call that brings a list, a blocker or the like.
    """

    __slots__ = (
        'casts',
        'changing',
        'choices',
        'class_type',
        'conditions',
        'count',
        'defaults',
        'function',
        'growing',
        'hidden',
        'host_hidden',
        'is_output',
        'lazy',
        'list_slots',
        'locked',
        'names',
        'needs_graph',
        'nesting',
        'node_class',
        'plain',
        'raw_names',
        'raw_of',
        'required',
        'schema',
        'simple',
        'switches',
        'tells_id',
        'token_slots',
        'unique_id',
        'wants_prompt',
    )

    def __init__(self, schema: NodeSchema, node_class: Any, host: Host) -> None:
        self.schema = schema
        self.class_type = schema.class_type
        self.node_class = node_class
        self.function: str = node_class.FUNCTION
        items = schema.inputs
        plain = all(item.kind in _PLAIN for item in items)
        self.names = tuple(item.name for item in items) if plain else None
        self.raw_names = frozenset(item.name for item in items)
        self.choices = choices_of(schema)
        self.raw_of = {item.python_name: item.name for item in items}
        self.defaults = tuple((item.name, item.default) for item in items if item.required)
        self.required = dict(self.defaults)
        self.casts = {item.name: PYTHON_TYPES[item.type] for item in items if item.type in PYTHON_TYPES}
        self.switches = {item.name: item.switch for item in items if item.switch}
        self.hidden = {item.python_name: item for item in schema.hidden}
        self.host_hidden = frozenset(item.type for item in schema.hidden if item.type in HOST_HIDDEN)
        self.lazy = frozenset(item.name for item in items if item.options.get('lazy'))
        self.count = len(schema.outputs)
        self.list_slots = tuple(slot for slot, output in enumerate(schema.outputs) if output.is_list)
        self.token_slots = tuple(slot for slot, output in enumerate(schema.outputs) if _is_token(output.type))
        raw_links = any(item.options.get('rawLink') for item in _with_inner(items))
        self.wants_prompt = bool(self.host_hidden & {'PROMPT', 'DYNPROMPT', 'EXTRA_PNGINFO'})
        self.needs_graph = raw_links or 'DYNPROMPT' in self.host_hidden
        loops = raw_links and 'DYNPROMPT' in self.host_hidden
        forced = (item.name for item in items if item.type == 'BOOLEAN' and item.options.get('forceInput'))
        self.conditions = frozenset(forced if loops else ())
        """Inputs of a loop's end that say, by a link, whether it goes on."""
        self.plain: dict[tuple[Any, ...], tuple[tuple[str, Kind], ...]] = {}
        """Types of inputs (with their names, where not all came by position) that go to the node as they are, and
        which of them are followed."""
        self.is_output = schema.output_node
        """Output nodes hand tensors on to files and browsers, which fails for those that carry gradients, and what they
        return, if anything, is what they were given (ComfyUI 0.33: nodes.py, SaveImage)."""
        self.changing = host.is_changing(node_class)
        is_v3 = host.is_v3(node_class)
        ids = tuple(item.name for item in schema.hidden if item.type == 'UNIQUE_ID')
        self.tells_id = bool(ids)
        self.unique_id = () if is_v3 else ids
        keeps = is_v3 and len(ids) == len(schema.hidden) and can_be_kept(node_class, self.tells_id)
        self.locked = LockedMethod(node_class, self.tells_id) if keeps else None
        combos = [item.name for item in _with_inner(items) if item.kind is InputKind.DYNAMIC_COMBO]
        self.nesting = nesting_of(node_class, combos) if keeps and not plain else None
        kinds = [item.kind for _, item in schema.parameters]
        grows = self.nesting is not None and all(kind in (*_PLAIN, InputKind.AUTOGROW) for kind in kinds)
        self.growing = GrowingCalls([kind is InputKind.AUTOGROW for kind in kinds]) if grows else None
        self.simple = not (
            (self.names is None and self.nesting is None)
            or raw_links
            or self.host_hidden - {'UNIQUE_ID'}
            or schema.is_input_list
            or getattr(node_class, 'INPUT_IS_LIST', False)
            or (is_v3 and self.locked is None)
            or host.is_lazy(node_class)
            or host.is_async(node_class)
        )

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The call's raw inputs and what it gives for hidden ones. Raises CallError."""
        if not kwargs:
            return self._bind(args, kwargs), {}
        given = {name: value for name, value in kwargs.items() if name in self.hidden}
        rest = {name: value for name, value in kwargs.items() if name not in given} if given else kwargs
        inputs = self._bind(args, rest)
        for name in list(given):
            item = self.hidden[name]
            if item.type not in HOST_HIDDEN:
                inputs[item.name] = given.pop(name)
        return inputs, {self.hidden[name].type: value for name, value in given.items()}

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        inputs = bind(self.schema, args, kwargs)
        if self.names is None:
            check_branches(self.schema, inputs)
        return inputs

    def check(self, host: Host, inputs: Mapping[str, Any]) -> None:
        """Raises CallError for a value that is none of its input's choices."""
        for name, known in self.choices.items():
            value = inputs.get(name)
            if type(value) in CHECKED and value not in known:
                refuse(host, self.schema, self.node_class, name, value, inputs)

    def takes_only(self, inputs: Mapping[str, Any]) -> bool:
        """Whether there are no inputs but those of the schema."""
        return inputs.keys() <= (self.raw_names if self.nesting is None else self.nesting.names(inputs))

    def start(self, node_id: str) -> tuple[Any, Callable[..., Any]]:
        """What the executor calls the node's object, and the method that runs it."""
        if self.locked is not None:
            return self.node_class, self.locked.current(node_id)
        instance = self.node_class()
        return instance, getattr(instance, self.function)

    def fill(self, inputs: dict[str, Any]) -> bool:
        """Adds the defaults of required inputs; False where one has none."""
        for name, default in self.defaults:
            if name not in inputs:
                if default is MISSING:
                    return False
                inputs[name] = default
        return True

    def instead_of_none(self, name: str) -> Any:
        """What a required input gets where the call gives None: its default, or None, if a link could bring that.

        (Where calls are validated, None stands for an input that is missing, as in a script of an incomplete graph.)

        Raises CallError.
        """
        default = self.required[name]
        if default is not MISSING:
            return default
        if name in self.casts:
            raise CallError(f'{self.class_type}: required input {name!r} is None')
        return None

    def cast(self, name: str, cast: Callable[[Any], Any], value: Any) -> Any:
        """A literal as the input's type, as ComfyUI's `validate_inputs` makes it. Raises CallError."""
        try:
            return cast(value)
        except (TypeError, ValueError) as error:
            kind = self.schema.input(name)
            wanted = kind.type if isinstance(kind, InputSchema) else cast
            raise CallError(f'{self.class_type}: input {name!r} is {value!r}, no {wanted}: {error}') from error


def _with_inner(items: Iterable[InputSchema]) -> Iterator[InputSchema]:
    """Inputs, and those inside of dynamic ones."""
    for item in items:
        yield item
        for branch in item.branches:
            yield from _with_inner(branch.inputs)
        if item.template is not None:
            yield from _with_inner([item.template.input])


def _is_token(type_: str) -> bool:
    """Whether a text of this type is no text to its users, but something that they pass on."""
    return type_ not in _TEXT_TYPES and ',' not in type_

"""What a server says of its nodes, parsed once: every quirk of `/object_info` ends here.

Rules of V1 and V3 descriptions: ComfyUI `server.py: node_info`, `comfy_api/latest/_io.py`.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .class_info import class_info
from .errors import CallError, SchemaError
from .flexible import FLEXIBLE_TYPES
from .names import to_identifier, unique_names

EXTRA_INPUTS = '_inputs'
"""The keyword of every node function that takes raw prompt inputs the schema does not list."""

EXTRA_OUTPUTS = '_outputs'
"""The keyword of every node function that says how many outputs the node has, where the schema says otherwise."""

MOST_OUTPUTS = 10_000

_NUMBER = re.compile(r'_(\d{1,4})(?:_|$)')
_MANY_ROWS = 5

_SWITCH_PAIRS = (('enable', 'disable'), ('enabled', 'disabled'), ('on', 'off'), ('yes', 'no'), ('true', 'false'))


class _Missing(enum.Enum):
    MISSING = enum.auto()

    def __repr__(self) -> str:
        return 'MISSING'


MISSING = _Missing.MISSING


class InputKind(enum.Enum):
    PLAIN = 'plain'
    COMBO = 'combo'
    DYNAMIC_COMBO = 'dynamic combo'
    AUTOGROW = 'autogrow'
    DYNAMIC_SLOT = 'dynamic slot'


@dataclass(frozen=True)
class Branch:
    """One choice of a dynamic combo (or the inputs behind a filled dynamic slot)."""

    key: Any
    inputs: tuple[InputSchema, ...]


@dataclass(frozen=True)
class Autogrow:
    """A group of inputs that grows with use: all keys it may have, and what each of them takes."""

    input: InputSchema
    keys: tuple[str, ...]
    minimum: int

    def at(self, key: str) -> InputSchema:
        """The input behind one key of the group (a local key: `image0`)."""
        group = self.input.name.rpartition('.')[0]
        index = self.keys.index(key) if key in self.keys else len(self.keys)
        required = self.input.required and index < self.minimum
        return replace(self.input, name=f'{group}.{key}', local_name=key, required=required)


@dataclass(frozen=True)
class InputSchema:
    """One input of a node. `name` is the prompt's key, dotted where it lies inside a dynamic input."""

    name: str
    local_name: str
    python_name: str
    type: str
    required: bool
    kind: InputKind = InputKind.PLAIN
    choices: tuple[Any, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    branches: tuple[Branch, ...] = field(default=(), repr=False)
    template: Autogrow | None = field(default=None, repr=False)

    @property
    def range(self) -> str:
        """`'1 to 10000, step 1'`, or nothing."""
        low, high, step = self.minimum, self.maximum, self.step
        if low is None and high is None:
            return ''
        if high is None:
            span = f'at least {low}'
        elif low is None:
            span = f'at most {high}'
        else:
            span = f'{low} to {high}'
        return span + (f', step {step}' if step not in (None, 1, 1.0) else '')

    @cached_property
    def default(self) -> Any:
        """What a required input takes when a call leaves it out, or MISSING.

        A combo without a default of its own takes its first choice, as the web UI does.
        """
        stated = self.options.get('default')
        if stated is not None:
            return stated
        if self.kind is InputKind.DYNAMIC_COMBO and self.branches:
            return self.branches[0].key
        if self.kind is InputKind.COMBO and self.choices and not self.options.get('multiselect'):
            return self.choices[0]
        return MISSING

    @property
    def minimum(self) -> float | None:
        return self.options.get('min')

    @property
    def maximum(self) -> float | None:
        return self.options.get('max')

    @property
    def step(self) -> float | None:
        return self.options.get('step')

    @property
    def tooltip(self) -> str:
        return str(self.options.get('tooltip') or '')

    @cached_property
    def switch(self) -> tuple[Any, Any] | None:
        """(on, off) where the choices are such a pair: `enable`/`disable` and their like."""
        if self.kind is not InputKind.COMBO or not self.choices or len(self.choices) != 2:
            return None
        lowered = {str(choice).lower(): choice for choice in self.choices}
        for on, off in _SWITCH_PAIRS:
            if on in lowered and off in lowered:
                return lowered[on], lowered[off]
        return None

    def branch(self, key: Any) -> Branch | None:
        return next((branch for branch in self.branches if branch.key == key), None)


@dataclass(frozen=True)
class OutputSchema:
    name: str
    type: str
    is_list: bool = False
    tooltip: str = ''


@dataclass(frozen=True)
class NodeSchema:
    """One node class: inputs in calling order (required, then optional), outputs, and what describes it."""

    class_type: str
    display_name: str
    description: str
    category: str
    module: str
    inputs: tuple[InputSchema, ...]
    hidden: tuple[InputSchema, ...]
    outputs: tuple[OutputSchema, ...]
    output_node: bool
    is_input_list: bool
    deprecated: bool
    experimental: bool
    api_node: bool
    info: Mapping[str, Any] = field(repr=False, compare=False)

    @staticmethod
    def parse(class_type: str, info: Mapping[str, Any]) -> NodeSchema:
        """Reads one entry of `/object_info`. Raises SchemaError naming the node and what is wrong."""
        try:
            return _parse_node(class_type, info)
        except SchemaError as error:
            raise SchemaError(f'node {class_type!r}: {error}') from error
        except Exception as error:
            raise SchemaError(f'node {class_type!r}: unreadable description: {error!r}') from error

    @staticmethod
    def of_class(class_type: str, node_class: Any, display_name: str | None = None) -> NodeSchema:
        """Reads a node class inside ComfyUI, V1 or V3. Raises SchemaError."""
        try:
            info = class_info(class_type, node_class, display_name)
        except Exception as error:
            raise SchemaError(f'node {class_type!r}: its class could not be asked: {error!r}') from error
        return NodeSchema.parse(class_type, info)

    @cached_property
    def _by_name(self) -> dict[str, InputSchema]:
        return {item.name: item for item in self.inputs}

    @cached_property
    def _by_python_name(self) -> dict[str, InputSchema]:
        return {item.python_name: item for item in self.inputs}

    @cached_property
    def parameters(self) -> tuple[tuple[str, InputSchema], ...]:
        return tuple((item.python_name, item) for item in self.inputs)

    @cached_property
    def any_inputs(self) -> bool:
        """Whether inputs of any name may be given, and outputs are as many as are asked for: `ComfyScript` itself."""
        return any(item.options.get('any_inputs') is True for item in self.inputs)

    @property
    def takes_any(self) -> bool:
        """Whether inputs of any name reach the node: `ComfyScript`, and packs' nodes with flexible inputs."""
        return self.any_inputs or self.class_type in FLEXIBLE_TYPES

    @cached_property
    def numbered(self) -> Mapping[str, int]:
        """The required inputs (Python names) that come in numbered rows, as `lora_name_7`, each with its number.

        Empty where there are few rows.
        """
        found = {
            item.python_name: int(digits[1])
            for item in self.inputs
            if item.required and (digits := _NUMBER.search(item.name))
        }
        return found if len(set(found.values())) >= _MANY_ROWS else {}

    def input(self, name: str) -> InputSchema | None:
        """The input with this raw name."""
        return self._by_name.get(name)

    def input_of(self, python_name: str) -> InputSchema | None:
        return self._by_python_name.get(python_name)

    def with_outputs(self, count: Any) -> NodeSchema:
        """The same node with this many outputs: another version of it than the server has. Raises CallError."""
        if type(count) is not int or not 0 <= count <= MOST_OUTPUTS:
            raise CallError(f'{self.class_type}: {EXTRA_OUTPUTS} takes the number of its outputs, not {count!r:.40}')
        found = self._by_count.get(count)
        if found is None:
            more = [OutputSchema(f'output_{slot}', '*') for slot in range(len(self.outputs), count)]
            found = self._by_count[count] = replace(self, outputs=(*self.outputs[:count], *more))
        return found

    @cached_property
    def _by_count(self) -> dict[int, NodeSchema]:
        return {len(self.outputs): self}

    def expand(self, values: Mapping[str, Any]) -> tuple[InputSchema, ...]:
        """The inputs that a node with these values has: dynamic ones opened, with dotted names.

        `values` is keyed by raw (dotted) names. A group is replaced by its keys that have a value or are
        required; a dynamic combo is followed by the inputs of the branch it chooses.
        """
        found: list[InputSchema] = []
        for item in self.inputs:
            _expand(item, values, found)
        return tuple(found)


def _expand(item: InputSchema, values: Mapping[str, Any], found: list[InputSchema]) -> None:
    if item.kind is InputKind.AUTOGROW and item.template:
        for index, key in enumerate(item.template.keys):
            if f'{item.name}.{key}' in values or (item.template.input.required and index < item.template.minimum):
                found.append(item.template.at(key))
        return
    found.append(item)
    if item.kind is InputKind.DYNAMIC_COMBO:
        chosen = values.get(item.name, item.default)
        branch = item.branch(chosen) if not isinstance(chosen, (list, tuple)) else None
    elif item.kind is InputKind.DYNAMIC_SLOT and item.name in values:
        branch = item.branches[0]
    else:
        return
    for inner in branch.inputs if branch else ():
        _expand(inner, values, found)


def _parse_node(class_type: str, info: Mapping[str, Any]) -> NodeSchema:
    if not isinstance(info, Mapping):
        raise SchemaError(f'its description is {type(info).__name__}, not an object')
    sections = info.get('input') or {}
    order = info.get('input_order') or {}
    required = _ordered(sections.get('required'), order.get('required'))
    optional = _ordered(sections.get('optional'), order.get('optional'))
    optional = {name: spec for name, spec in optional.items() if name not in required}
    hidden = _ordered(sections.get('hidden'), None)
    names = unique_names([*required, *optional, *hidden], frozenset({EXTRA_INPUTS, EXTRA_OUTPUTS}))

    def read(specs: Mapping[str, Any], is_required: bool) -> tuple[InputSchema, ...]:
        return tuple(_read_input(name, name, names[name], spec, is_required) for name, spec in specs.items())

    return NodeSchema(
        class_type=class_type,
        display_name=plain_text(info.get('display_name')) or class_type,
        description=plain_text(info.get('description')),
        category=plain_text(info.get('category')),
        module=plain_text(info.get('python_module')),
        inputs=read(required, True) + read(optional, False),
        hidden=tuple(_read_hidden(name, names[name], spec) for name, spec in hidden.items()),
        outputs=_parse_outputs(info),
        output_node=bool(info.get('output_node')),
        is_input_list=bool(info.get('is_input_list')),
        deprecated=bool(info.get('deprecated')),
        experimental=bool(info.get('experimental')),
        api_node=bool(info.get('api_node')),
        info=info,
    )


def _ordered(specs: Any, order: Any) -> dict[str, Any]:
    """A section's inputs; `input_order` restores the order where a tool sorted the keys."""
    if not specs:
        return {}
    found = {plain_text(name): spec for name, spec in specs.items()}
    if isinstance(order, (list, tuple)) and len(order) == len(found) and set(order) == set(found):
        return {name: found[name] for name in order}
    return found


def _read_hidden(name: str, python_name: str, spec: Any) -> InputSchema:
    """An input that ComfyUI fills in itself, or that a pack's JavaScript reads: it can be of any shape."""
    first = spec[0] if isinstance(spec, (list, tuple)) and spec else spec
    type_ = plain_text(first) if isinstance(first, str) else '*'
    return InputSchema(name, name, python_name, type_, required=False)


def _read_input(name: str, local: str, python_name: str, spec: Any, required: bool) -> InputSchema:
    type_, options = _split(name, spec)
    common = {
        'name': name,
        'local_name': local,
        'python_name': python_name,
        'required': required,
        'options': options,
    }
    if isinstance(type_, (list, tuple)):
        return InputSchema(type='COMBO', kind=InputKind.COMBO, choices=tuple(type_), **common)
    if type_ == 'COMBO':
        listed = options.get('options')
        choices = tuple(listed) if isinstance(listed, (list, tuple)) else ()
        return InputSchema(type='COMBO', kind=InputKind.COMBO, choices=choices, **common)
    if type_ == 'COMFY_DYNAMICCOMBO_V3':
        branches = tuple(
            Branch(option['key'], _nested(name, python_name, option.get('inputs')))
            for option in options.get('options') or ()
        )
        choices = tuple(branch.key for branch in branches)
        return InputSchema(type=type_, kind=InputKind.DYNAMIC_COMBO, choices=choices, branches=branches, **common)
    if type_ == 'COMFY_DYNAMICSLOT_V3':
        branches = (Branch(None, _nested(name, python_name, options.get('inputs'))),)
        slot = plain_text(options.get('slotType')) or '*'
        return InputSchema(type=slot, kind=InputKind.DYNAMIC_SLOT, branches=branches, **common)
    if type_ == 'COMFY_AUTOGROW_V3':
        template = _read_template(name, python_name, options.get('template') or {})
        return InputSchema(type=type_, kind=InputKind.AUTOGROW, template=template, **common)
    if type_ == 'COMFY_MATCHTYPE_V3':
        allowed = plain_text((options.get('template') or {}).get('allowed_types')) or '*'
        return InputSchema(type=allowed, **common)
    return InputSchema(type=type_, **common)


def _split(name: str, spec: Any) -> tuple[Any, Mapping[str, Any]]:
    """(type, options) of an input: `"PROMPT"`, `["INT"]`, `["INT", {…}]`, `[["a", "b"], {…}]`."""
    if isinstance(spec, str):
        return plain_text(spec), {}
    parts: list[Any] = list(spec) if isinstance(spec, (list, tuple)) else []
    if not parts:
        raise SchemaError(f'input {name!r}: {spec!r} is no description of an input')
    options = parts[1] if len(parts) > 1 and isinstance(parts[1], Mapping) else {}
    type_ = parts[0]
    if isinstance(type_, str):
        return plain_text(type_), options
    if isinstance(type_, (list, tuple)):
        return type_, options
    raise SchemaError(f'input {name!r}: {type_!r} is no type of an input')


def _nested(name: str, python_name: str, sections: Any) -> tuple[InputSchema, ...]:
    """The inputs inside a dynamic one, in calling order, with dotted names."""
    found = []
    for section, required in (('required', True), ('optional', False)):
        for local, spec in ((sections or {}).get(section) or {}).items():
            inner = f'{python_name}__{to_identifier(local)}'
            found.append(_read_input(f'{name}.{local}', local, inner, spec, required))
    return tuple(found)


def _read_template(name: str, python_name: str, template: Mapping[str, Any]) -> Autogrow:
    inner = _nested(name, python_name, template.get('input'))
    if not inner:
        raise SchemaError(f'input {name!r}: a growing group without an input in its template')
    names = template.get('names')
    if isinstance(names, (list, tuple)):
        keys = tuple(plain_text(key) for key in names)
    else:
        prefix = plain_text(template.get('prefix'))
        keys = tuple(f'{prefix}{index}' for index in range(int(template.get('max') or 100)))
    return Autogrow(inner[0], keys, int(template.get('min') or 0))


def _parse_outputs(info: Mapping[str, Any]) -> tuple[OutputSchema, ...]:
    types = info.get('output') or ()
    if isinstance(types, str):
        types = (types,)
    names = info.get('output_name') or ()
    if isinstance(names, str):
        names = (names,)
    lists = info.get('output_is_list') or ()
    tips = info.get('output_tooltips') or ()
    found = []
    for index, type_ in enumerate(types):
        kind = plain_text(type_) if isinstance(type_, str) else 'COMBO'
        name = plain_text(names[index]) if index < len(names) and isinstance(names[index], str) else ''
        is_list = bool(lists[index]) if isinstance(lists, (list, tuple)) and index < len(lists) else False
        tip = plain_text(tips[index]) if isinstance(tips, (list, tuple)) and index < len(tips) else ''
        found.append(OutputSchema(name or kind, kind, is_list, tip))
    return tuple(found)


def plain_text(value: Any) -> str:
    """A plain `str`: packs use subclasses of it that compare equal to everything."""
    return str.__str__(value) if isinstance(value, str) else ''

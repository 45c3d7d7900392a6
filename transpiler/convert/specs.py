"""What the web UI makes of a node's description: the inputs in the order it builds them, titles, outputs.

Sources: `litegraphService.ts`, `nodeDefOrderingUtil.ts`, `nodeDef/migration.ts`, `nodeDefStore.ts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..workflow_file import type_name

RawSpec = tuple[Any, Mapping[str, Any]]
"""One input as `/object_info` has it: type (or list of choices) and options."""


@dataclass(frozen=True)
class Spec:
    """One input. `choices` are a combo's; `raw` is the description as the server wrote it."""

    name: str
    type: str
    optional: bool
    options: Mapping[str, Any] = field(repr=False)
    choices: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def widget_type(self) -> str:
        shown = self.options.get('widgetType')
        return shown if isinstance(shown, str) and shown else self.type

    @property
    def forced(self) -> bool:
        return bool(self.options.get('forceInput'))

    @property
    def raw(self) -> RawSpec:
        return (list(self.choices) if self.type == 'COMBO' else self.type, self.options)

    @cached_property
    def branches(self) -> Mapping[str, tuple[Spec, ...]]:
        """A dynamic combo's choices and the inputs behind each, names and all."""
        found: dict[str, tuple[Spec, ...]] = {}
        prefix = f'{self.name}.'
        for option in _list(self.options.get('options')):
            if isinstance(option, Mapping) and isinstance(option.get('key'), (str, int, float)):
                inputs = option.get('inputs')
                inputs = inputs if isinstance(inputs, Mapping) else {}
                found[option['key']] = (
                    *read_section(inputs.get('required'), False, prefix),
                    *read_section(inputs.get('optional'), True, prefix),
                )
        return found

    def renamed(self, name: str, optional: bool) -> Spec:
        return Spec(name, self.type, optional, self.options, self.choices)


@dataclass
class NodeClass:
    """A node type of the server as the web UI registers it. `inputs` are in the order sockets are made."""

    type: str
    title: str
    inputs: list[Spec]
    outputs: list[tuple[str, str]]
    output_groups: list[Any]
    """Per output: the id of the match-type group that decides its type, or None."""
    declared: list[Spec]
    """The inputs in the description's own order, required ones first."""
    has_forced: bool = False
    """Whether any input is a socket by force, for which old files have a place among the values."""
    shares_values: bool = False
    """Whether two of its widgets have one value."""

    def config(self, name: str) -> RawSpec | None:
        """The description of an input as the server wrote it (`nodeData.input.required[name]`)."""
        return next((spec.raw for spec in self.declared if spec.name == name), None)


def read_class(
    class_type: str, info: Mapping[str, Any], title: str, extend: Callable[[str, list[Spec]], None]
) -> NodeClass:
    """From one entry of `/object_info`. Never raises: what cannot be read is left out.

    `extend` adds to the required inputs what the web UI's own extensions add (`beforeRegisterNodeDef`).
    """
    sections = info.get('input')
    sections = sections if isinstance(sections, Mapping) else {}
    required = list(read_section(sections.get('required'), False))
    extend(class_type, required)
    taken = {spec.name for spec in required}
    optional = [spec for spec in read_section(sections.get('optional'), True) if spec.name not in taken]
    declared = required + [_migrated(spec) for spec in optional]
    return NodeClass(
        type=class_type,
        title=title,
        inputs=_in_order(declared, info.get('input_order')),
        outputs=_outputs(info),
        output_groups=list(_list(info.get('output_matchtypes'))),
        declared=declared,
        has_forced=any(spec.forced for spec in declared),
    )


def read_section(section: Any, optional: bool, prefix: str = '') -> Iterable[Spec]:
    """The inputs of one section (`required`, `optional`) of a description, names behind `prefix`."""
    if not isinstance(section, Mapping):
        return
    for name, raw in section.items():
        if not isinstance(raw, (list, tuple)) or len(raw) == 0:
            continue
        options = raw[1] if len(raw) > 1 and isinstance(raw[1], Mapping) else {}
        yield read_spec(f'{prefix}{name}', raw[0], options, optional)


def read_spec(name: str, type_: Any, options: Mapping[str, Any], optional: bool) -> Spec:
    if isinstance(type_, (list, tuple)):
        return Spec(name, 'COMBO', optional, options, tuple(type_))
    if type_ == 'COMBO':
        return Spec(name, 'COMBO', optional, options, tuple(_list(options.get('options'))))
    return Spec(name, type_name(type_), optional, options)


def _migrated(spec: Spec) -> Spec:
    """`defaultInput` on an optional input means `forceInput` (`ComfyNodeDefImpl._migrateDefaultInput`)."""
    if not spec.options.get('defaultInput'):
        return spec
    return Spec(spec.name, spec.type, spec.optional, {**spec.options, 'forceInput': True}, spec.choices)


def _in_order(declared: list[Spec], order: Any) -> list[Spec]:
    """`input_order` first, then the rest as declared (`getOrderedInputSpecs`)."""
    if not isinstance(order, Mapping):
        return list(declared)
    by_name = {spec.name: spec for spec in declared}
    found: dict[str, Spec] = {}
    for section, optional in (('required', False), ('optional', True)):
        for name in _list(order.get(section)):
            spec = by_name.get(name) if isinstance(name, str) else None
            if spec is not None and spec.optional == optional:
                found[spec.name] = spec
    for spec in declared:
        found.setdefault(spec.name, spec)
    return list(found.values())


def _outputs(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = _list(info.get('output_name'))
    found = []
    for index, raw in enumerate(_list(info.get('output'))):
        type_ = type_name(raw)
        name = names[index] if index < len(names) and isinstance(names[index], str) else f'output_{index}'
        found.append((name, '*' if type_ == 'COMFY_MATCHTYPE_V3' else type_))
    return found


def _list(value: Any) -> list[Any] | tuple[Any, ...]:
    return value if isinstance(value, (list, tuple)) else []

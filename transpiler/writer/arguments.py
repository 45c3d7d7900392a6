"""One node of a prompt as the arguments of a call: the inverse of `graph.bind`, key for key."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...graph import EXTRA_INPUTS, EXTRA_OUTPUTS, CallError, InputKind, InputSchema, Link, NodeSchema, bind

_DYNAMIC = (InputKind.DYNAMIC_COMBO, InputKind.DYNAMIC_SLOT, InputKind.AUTOGROW)
_PLAIN = InputKind.PLAIN
_COMBO = InputKind.COMBO


Output = Link
"""An output of a node of the prompt: what a link leads to."""


class Parameter(NamedTuple):
    """A parameter of the function that a node stands in, with what it is in this call of the function.

    `absent` marks one that this call gives `None`, because its nodes lack that input.
    """

    name: str
    value: Any
    absent: bool = False


_SIMPLE = frozenset({str, int, Output})
"""Types of values that every plain input takes as they are."""


class Missing:
    """`None` in place of an input that the prompt lacks, so that no default is filled in."""

    __slots__ = ()


MISSING_INPUT = Missing()


class Arguments(NamedTuple):
    """What a call is given: `(name, value)` in the parameters' order, then raw keys for `_inputs`.

    Values are JSON values, `Output`s, `Parameter`s, `MISSING_INPUT`, or lists and dicts of these for a growing group.
    Of `named`, the first `leading` stand at their own place in the signature and may be given by position.
    """

    named: list[tuple[str, Any]]
    leading: int
    extra: dict[str, Any]
    dynamic: bool = False


class GroupValue(NamedTuple):
    """The inputs of an autogrow group: a list by place, or a dict by key."""

    items: list[Any] | dict[str, Any]


def actual(value: Any) -> Any:
    """The value that stands behind a parameter in this call."""
    return value.value if type(value) is Parameter else value


def arguments_of(schema: NodeSchema, inputs: Mapping[str, Any]) -> Arguments:
    """The call that `bind` turns into exactly these raw inputs."""
    rest = dict(inputs)
    named: list[tuple[str, Any]] = []
    leading = 0
    unbroken = True
    dynamic = False
    for name, item in schema.parameters:
        kind = item.kind
        if kind is not _PLAIN and kind is not _COMBO:
            dynamic = True
            before = len(named)
            inner: list[tuple[str, Any]] = []
            _take_dynamic(item, rest, named, inner)
            unbroken = unbroken and len(named) > before
            if unbroken:
                leading = len(named)
            if inner:
                # What lies inside comes right after the input that opens it, by keyword; so does all that follows.
                unbroken = False
                named.extend(inner)
            continue
        raw = item.name
        value = rest.get(raw, MISSING_INPUT)
        if type(value) in _SIMPLE:
            del rest[raw]
        elif value is not MISSING_INPUT and fits(item, value):
            value = as_queued(item, rest.pop(raw))
        elif item.required:
            value = MISSING_INPUT
        else:
            unbroken = False
            continue
        named.append((name, value))
        if unbroken:
            leading += 1
    if rest and schema.takes_any:
        for key in [key for key in rest if is_keyword_name(key) and schema.input_of(key) is None]:
            if rest[key] is not None and not _is_absent(rest[key]):
                named.append((key, rest.pop(key)))
    extra = {key: value for key, value in rest.items() if not _is_absent(value)} if rest else rest
    if schema.numbered:
        named, leading = _without_unused_rows(schema, named, leading)
    return Arguments(named, leading, extra, dynamic)


def _without_unused_rows(
    schema: NodeSchema, named: list[tuple[str, Any]], leading: int
) -> tuple[list[tuple[str, Any]], int]:
    """Leaves out the numbered rows behind the last that is used: a call fills their defaults in."""
    rows = schema.numbered
    last = max(
        (rows[name] for name, value in named if name in rows and not _is_default(schema, name, value)), default=0
    )
    kept = [(name, value) for name, value in named if rows.get(name, 0) <= last]
    for index, (name, _) in enumerate(named[:leading]):
        if rows.get(name, 0) > last:
            return kept, index
    return kept, leading


def _is_default(schema: NodeSchema, name: str, value: Any) -> bool:
    item = schema.input_of(name)
    if item is None or type(value) not in _SIMPLE:
        return False
    default = item.default
    return value == default and isinstance(value, bool) == isinstance(default, bool)


def arguments_of_unknown(inputs: Mapping[str, Any]) -> Arguments:
    """The call of a node without a schema: every input by its raw name."""
    named, extra = [], {}
    for name, value in inputs.items():
        if value is None or not is_keyword_name(name):
            if not _is_absent(value):
                extra[name] = value
        else:
            named.append((name, value))
    return Arguments(named, 0, extra)


def is_keyword_name(name: str) -> bool:
    """Whether a raw name can be written as a keyword and comes back as it is (Python reads identifiers in NFKC)."""
    return (
        name.isascii()
        and name.isidentifier()
        and not keyword.iskeyword(name)
        and not name.startswith('__')
        and name not in (EXTRA_INPUTS, EXTRA_OUTPUTS, 'self')
    )


def fits(item: InputSchema, value: Any) -> bool:
    """Whether a value given by name comes back as it is: `None` and on/off switches would not."""
    if _is_absent(value):
        return True
    value = actual(value)
    if value is None:
        return False
    return not (isinstance(value, bool) and item.switch is not None and value not in (item.choices or ()))


def as_queued(item: InputSchema, value: Any) -> Any:
    """A whole number as the browser sends it, `8`: ComfyUI makes it `8.0` before it runs and saves the prompt
    (execution.py `validate_inputs`)."""
    whole = type(value) is float and item.type == 'FLOAT' and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value


def _is_absent(value: Any) -> bool:
    return type(value) is Parameter and value.absent


def _take_dynamic(
    item: InputSchema, rest: dict[str, Any], named: list[tuple[str, Any]], inner: list[tuple[str, Any]]
) -> None:
    """Moves a dynamic input out of `rest`: its own value to `named`, what lies inside to `inner`."""
    if item.kind is InputKind.AUTOGROW:
        _take_group(item, rest, named)
        return
    if item.name in rest and _is_absent(rest[item.name]):
        named.append((item.python_name, rest.pop(item.name)))
        return
    if item.name not in rest or actual(rest[item.name]) is None:
        if item.required:
            named.append((item.python_name, MISSING_INPUT))
        return
    value = rest.pop(item.name)
    named.append((item.python_name, value))
    for part in inside(item, actual(value)):
        if part.kind in _DYNAMIC:
            _take_dynamic(part, rest, inner, inner)
        elif part.name in rest and fits(part, rest[part.name]):
            inner.append((part.python_name, as_queued(part, rest.pop(part.name))))
        elif part.required:
            inner.append((part.python_name, MISSING_INPUT))


def inside(item: InputSchema, value: Any) -> tuple[InputSchema, ...]:
    """The inputs that a dynamic input with this value opens."""
    if item.kind is InputKind.DYNAMIC_SLOT:
        return item.branches[0].inputs
    branch = item.branch(value) if isinstance(value, (str, int, float)) else None
    return branch.inputs if branch else ()


def _take_group(item: InputSchema, rest: dict[str, Any], named: list[tuple[str, Any]]) -> None:
    template = item.template
    assert template is not None
    prefix = item.name + '.'
    found = {
        key[len(prefix) :]: value
        for key, value in rest.items()
        if key.startswith(prefix) and (actual(value) is not None or _is_absent(value))
    }
    if not found:
        if item.required and template.input.required and template.minimum > 0:
            named.append((item.python_name, MISSING_INPUT))
        return
    for key in found:
        del rest[prefix + key]
    if tuple(found) != template.keys[: len(found)] and set(found) == set(template.keys[: len(found)]):
        found = {key: found[key] for key in template.keys[: len(found)]}
    in_order = tuple(found) == template.keys[: len(found)]
    named.append((item.python_name, GroupValue(list(found.values()) if in_order else found)))


def checked_arguments_of(schema: NodeSchema, inputs: Mapping[str, Any]) -> Arguments:
    """`arguments_of`, tried on `bind` where dynamic inputs could make names meet; else everything by raw key."""
    arguments = arguments_of(schema, inputs)
    if not arguments.dynamic:
        return arguments
    given = {name: _bound(value) for name, value in arguments.named}
    given[EXTRA_INPUTS] = {key: _bound(value) for key, value in arguments.extra.items()}
    if len(given) == len(arguments.named) + 1:
        expected = {name: _bound(value) for name, value in inputs.items() if not _is_absent(value)}
        try:
            bound = bind(schema, (), given)
        except CallError:
            bound = None
        if bound == expected:
            return arguments
    unset = [(name, MISSING_INPUT) for name, item in schema.parameters if item.required]
    return Arguments(unset, 0, {key: value for key, value in inputs.items() if not _is_absent(value)})


def _bound(value: Any) -> Any:
    """A value as a call gives it, for trying."""
    if type(value) is GroupValue:
        items = value.items
        if isinstance(items, dict):
            return {key: _bound(item) for key, item in items.items()}
        return [_bound(item) for item in items]
    if value is MISSING_INPUT or _is_absent(value):
        return None
    # The choice of a dynamic combo decides what lies inside, so it has to be itself.
    return value.value if type(value) is Parameter and isinstance(value.value, (str, int, float)) else value

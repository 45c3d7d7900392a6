"""One node call: Python arguments → the prompt's raw inputs. The rule that runtime, stubs and interpreter share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from .errors import CallError
from .schema import EXTRA_INPUTS, EXTRA_OUTPUTS, MISSING, InputKind, InputSchema, NodeSchema
from .suggestions import close_names, near_misses

_DYNAMIC = (InputKind.DYNAMIC_COMBO, InputKind.DYNAMIC_SLOT, InputKind.AUTOGROW)
_EXTRA = (EXTRA_INPUTS, EXTRA_OUTPUTS)
_MOST_NAMED = 8
"""A list of choices up to this long is named whole where nothing in it is near."""


def bind(schema: NodeSchema, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The raw inputs (dotted names) that a call of a node puts into the prompt.

    Required inputs that the call leaves out take the schema's default; `None` leaves an input out.
    Values are passed on as they are, except `True`/`False` for a combo of on/off choices.

    Raises CallError (a TypeError) naming the node, the input and near misses.
    """
    parameters = schema.parameters
    if len(args) > len(parameters):
        raise CallError(
            f'{schema.class_type} takes at most {len(parameters)} positional inputs, {len(args)} were given'
        )
    given = {name: value for (name, _), value in zip(parameters, args, strict=False)}
    if kwargs:
        for name, value in kwargs.items():
            if name in given:
                raise CallError(f'{schema.class_type}: input {name!r} was given twice')
            given[name] = value
    inputs: dict[str, Any] = {}
    dynamic = False
    for name, item in parameters:
        if item.kind in _DYNAMIC:
            dynamic = True
            _bind_dynamic(schema, item, given, inputs)
        elif name in given:
            value = given.pop(name)
            if value is not None:
                inputs[item.name] = _switched(item, value) if value is True or value is False else value
        elif item.required:
            inputs[item.name] = _default(schema, item, given)
    if given:
        _bind_extra(schema, given, inputs, dynamic)
    return inputs


def bind_unknown(class_type: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The raw inputs of a call of a node without a schema: keywords only. Raises CallError."""
    if args:
        raise CallError(f'{class_type} is not known to the server: give its inputs by keyword')
    inputs = {name: value for name, value in kwargs.items() if name not in _EXTRA and value is not None}
    inputs.update(_extra_inputs(class_type, kwargs.get(EXTRA_INPUTS)))
    return inputs


def no_choice(schema: NodeSchema, name: str, value: object, choices: Collection[Any]) -> CallError:
    """The error for a value that is none of its input's choices."""
    hint = near_misses(str(value), map(str, choices))
    if not hint and len(choices) <= _MOST_NAMED:
        hint = f': there are {", ".join(map(repr, choices))}'
    problem = f'input {name!r} is {value!r:.200}, which is none of its {len(choices)} choices{hint}'
    return CallError(f'{schema.class_type}: {problem}')


def check_branches(schema: NodeSchema, inputs: Mapping[str, Any]) -> None:
    """Raises CallError for a text that is no choice of a dynamic combo: ComfyUI runs the node without the input.

    `inputs`: as `bind` gives them, which takes any choice: what a graph holds is not for it to judge.
    """
    _check_branches(schema, schema.inputs, inputs)


def _check_branches(schema: NodeSchema, items: Iterable[InputSchema], inputs: Mapping[str, Any]) -> None:
    for item in items:
        if item.kind not in (InputKind.DYNAMIC_COMBO, InputKind.DYNAMIC_SLOT) or item.name not in inputs:
            continue
        value = inputs[item.name]
        is_choice = item.kind is InputKind.DYNAMIC_COMBO and isinstance(value, str) and item.branches
        if is_choice and item.branch(value) is None:
            raise no_choice(schema, item.python_name, value, item.choices or ())
        _check_branches(schema, _inside(item, value), inputs)


def _default(schema: NodeSchema, item: InputSchema, given: Iterable[str] = ()) -> Any:
    """The value of an input that is not in `given`, the names that are. Raises CallError where there is none."""
    if item.default is MISSING:
        unknown = [name for name in given if not schema.input_of(name)]
        misspelt = close_names(item.python_name, unknown, most=1)
        hint = f', and there is no input {misspelt[0]!r}' if misspelt else ''
        raise CallError(f'{schema.class_type}: required input {item.python_name!r} ({item.type}) is missing{hint}')
    return item.default


def _switched(item: InputSchema, value: bool) -> Any:
    pair = item.switch
    if pair is None or value in (item.choices or ()):
        return value
    return pair[0] if value else pair[1]


def _bind_dynamic(schema: NodeSchema, item: InputSchema, given: dict[str, Any], inputs: dict[str, Any]) -> None:
    """Binds a dynamic input with what lies inside it, taking what it uses out of `given`."""
    if item.kind is InputKind.AUTOGROW:
        _bind_group(schema, item, given, inputs)
        return
    if item.python_name in given:
        value = given.pop(item.python_name)
    elif item.required:
        value = _default(schema, item)
    else:
        value = _default_if_opened(item, given)
    if value is None:
        return
    inputs[item.name] = value
    for inner in _inside(item, value):
        if inner.kind in _DYNAMIC:
            _bind_dynamic(schema, inner, given, inputs)
        elif inner.python_name in given:
            inner_value = given.pop(inner.python_name)
            if inner_value is not None:
                switch = inner_value is True or inner_value is False
                inputs[inner.name] = _switched(inner, inner_value) if switch else inner_value
        elif inner.required:
            inputs[inner.name] = _default(schema, inner)


def _default_if_opened(item: InputSchema, given: Mapping[str, Any]) -> Any:
    """An optional dynamic combo is chosen by default when a call names something inside it."""
    prefix = item.python_name + '__'
    opened = any(name.startswith(prefix) for name in given)
    return item.default if opened and item.default is not MISSING else None


def _inside(item: InputSchema, value: Any) -> tuple[InputSchema, ...]:
    if item.kind is InputKind.DYNAMIC_SLOT:
        return item.branches[0].inputs
    branch = item.branch(value) if isinstance(value, (str, int, float)) else None
    return branch.inputs if branch else ()


def _bind_group(schema: NodeSchema, item: InputSchema, given: dict[str, Any], inputs: dict[str, Any]) -> None:
    template = item.template
    assert template is not None
    if item.python_name not in given:
        prefix = item.python_name + '__'
        named = [name for name in given if name.startswith(prefix)]
        _put(inputs, item, [(name[len(prefix) :], given.pop(name)) for name in named])
        if not named and item.required and template.input.required and template.minimum > 0:
            raise CallError(f'{schema.class_type}: required input {item.python_name!r} (a list) is missing')
        return
    value = given.pop(item.python_name)
    if value is None:
        return
    if not isinstance(value, (list, tuple)):
        if not isinstance(value, Mapping):
            raise CallError(f'{schema.class_type}: input {item.python_name!r} takes a list, or a dict by key')
        _put(inputs, item, value.items())
        return
    if len(value) > len(template.keys):
        most = len(template.keys)
        raise CallError(
            f'{schema.class_type}: input {item.python_name!r} takes at most {most}, {len(value)} were given'
        )
    _put(inputs, item, zip(template.keys, value))


def _put(inputs: dict[str, Any], group: InputSchema, values: Iterable[tuple[str, Any]]) -> None:
    prefix = group.name + '.'
    inputs.update({f'{prefix}{key}': value for key, value in values if value is not None})


def _bind_extra(schema: NodeSchema, given: dict[str, Any], inputs: dict[str, Any], dynamic: bool) -> None:
    inputs.update(_extra_inputs(schema.class_type, given.pop(EXTRA_INPUTS, None)))
    given.pop(EXTRA_OUTPUTS, None)
    if schema.takes_any:
        inputs.update({name: value for name, value in given.items() if value is not None})
        return
    if given:
        check_branches(schema, inputs)  # names of inside a choice are unknown where the choice is
    for name in given:
        known = [item.python_name for item in (schema.expand(inputs) if dynamic else schema.inputs)]
        raise CallError(f'{schema.class_type} has no input {name!r}{near_misses(name, known)}; its inputs: {known}')


def _extra_inputs(class_type: str, extra: Any) -> Mapping[str, Any]:
    if extra is None:
        return {}
    if not isinstance(extra, Mapping):
        raise CallError(f'{class_type}: {EXTRA_INPUTS} takes a dict of raw input name → value')
    return extra

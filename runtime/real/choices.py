"""Whether a value is one of an input's choices: nodes do something else, silently, for values that they do not know.

The rules are ComfyUI's (`execution.py: validate_inputs`): a class that validates an input itself may accept more.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from ...graph import CallError, InputKind, NodeSchema, no_choice
from . import loop
from .host import Host

Choices = Mapping[str, Collection[Any]]
"""By input: what it may be, as far as it was known when the schema was read."""

CHECKED = (str, int, float)


def choices_of(schema: NodeSchema) -> Choices:
    """The inputs whose values are checked. A list with nothing in it says nothing."""
    return {
        item.name: _known(item.choices)
        for item in schema.inputs
        if item.kind is InputKind.COMBO and item.choices and not item.options.get('multiselect')
    }


def _known(choices: tuple[Any, ...]) -> Collection[Any]:
    try:
        return frozenset(choices)
    except TypeError:  # lists and dicts among them
        return choices


def refuse(host: Host, schema: NodeSchema, node_class: Any, name: str, value: Any, inputs: Mapping[str, Any]) -> None:
    """Raises CallError for a value that is also no choice of the list as it is now, and that the class does not accept.

    `inputs` are the call's by raw name.
    """
    item = NodeSchema.of_class(schema.class_type, node_class).input(name)
    listed = item.choices if item is not None else None
    if not listed or value in listed:
        return
    if _validates(host, node_class, name):
        reason = _refusal(host, schema.class_type, inputs)
        if reason is not None:
            raise CallError(f'{schema.class_type}: input {name!r} is {value!r}, which the node refuses: {reason}')
        return
    raise no_choice(schema, name, value, listed)


def _validates(host: Host, node_class: Any, name: str) -> bool:
    """Whether the class validates this input itself."""
    validate = getattr(node_class, 'validate_inputs' if host.is_v3(node_class) else 'VALIDATE_INPUTS', None)
    if validate is None:
        return False
    spec = inspect.getfullargspec(validate)
    return name in spec.args or spec.varkw is not None


def _refusal(host: Host, class_type: str, inputs: Mapping[str, Any]) -> str | None:
    """What the class has against the values of a call; None also where it cannot be asked: values are missing."""
    literals = {name: value for name, value in inputs.items() if type(value) in (*CHECKED, bool)}
    prompt = {'comfyscript': {'class_type': class_type, 'inputs': literals}}
    errors = loop.run(host.validate(prompt, 'comfyscript', set()))
    own = (error for error in errors if error.get('type') == 'custom_validation_failed')
    return next((str(error.get('details') or error.get('message')) for error in own), None)

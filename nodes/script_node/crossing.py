"""Values that cross between ComfyUI and a script: inputs into it, results of nodes, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph.types import DATA_TYPES, NUMBER_TYPES, PYTHON_TYPES
from ...interpreter import MAX_OUTPUTS, ScriptDenied, Signature
from ...interpreter.lang.machine import Machine
from ...interpreter.lang.objects import ScriptObject, as_index
from ...interpreter.nodes.node_calls import own_values


class ListOutput(ScriptObject):
    """A list output of a node: to be looped over, or given to a node, which then runs once for each."""

    __slots__ = ('_values',)
    kind = 'list of values'

    def __init__(self, values: list) -> None:
        self._values = values

    def for_nodes(self) -> Any:
        return self._values

    def item(self, m: Machine, key: Any) -> Any:
        if type(key) is slice:
            return ListOutput(self._values[key])
        return self._values[as_index(key)]

    def elements(self, m: Machine) -> list:
        return list(self._values)

    def unpacked(self, count: int) -> list:
        return list(self._values)


def results(value: Any) -> Any:
    """What a node gave, as the script has it."""
    if type(value) is tuple:
        return tuple(_result(item) for item in value)
    return _result(value)


def _result(value: Any) -> Any:
    from ...runtime.real import ValueList
    from ...runtime.real.value_list import Token

    if isinstance(value, ValueList):
        return ListOutput(value)
    kind = type(value)
    if kind is Token:
        return value  # loop nodes find their start by its identity
    if kind in (int, float, bool, str, type(None)):
        return value
    if kind.__module__ == 'numpy' and hasattr(value, 'item') and getattr(value, 'ndim', None) == 0:
        return value.item()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return value


def outputs(value: Any, used: int, most: int, signature: Signature, switched_off: Callable[[], Any]) -> tuple:
    """The node's outputs, of `most` elements in all; what the signature says are lists are lists of values, others stay
    one value. None in place of a value of a declared type switches off what is behind it. Raises ScriptError.
    """
    lists = signature.lists
    alone = len(signature.outputs) == 1 and signature.outputs[0][1] != '*'
    values = value if type(value) is tuple else () if value is None and not alone else (value,)
    if len(values) > MAX_OUTPUTS:
        raise ScriptDenied(f'the script gives {len(values)} values; a node has {MAX_OUTPUTS} outputs at most')
    if used > len(values):
        raise ScriptDenied(
            f'output {used - 1} of the node is linked, but the script gives {len(values)} values: '
            'return more from main, or set `out = (…)`'
        )
    found = []
    for index, item in enumerate(values):
        if isinstance(item, ListOutput):
            item = list(item.for_nodes())
        elif index in lists and item is not None:
            item = list(item) if type(item) in (list, tuple) else [item]
        found.append(item)
    for _ in own_values(found, most):
        raise ScriptDenied('functions, modules and iterators stay inside the script: give their results')
    for index, (_, kind) in enumerate(signature.outputs[: len(found)]):
        if found[index] is None and kind != '*':
            found[index] = switched_off()
    missing = range(len(found), MAX_OUTPUTS)
    return (*found, *([None] if index in lists else None for index in missing))


def typed(inputs: dict[str, Any], signature: Signature) -> dict[str, Any]:
    """Inputs as `main` declares them: numbers are cast as ComfyUI casts widgets', and checked. Raises ScriptError."""
    found = {}
    known = {item.name: item for item in signature.inputs}
    for name, value in inputs.items():
        item = known.get(name)
        value = _result(value)
        if item is not None and item.type in PYTHON_TYPES and type(value) in DATA_TYPES:
            try:
                value = PYTHON_TYPES[item.type](value)
            except (ValueError, OverflowError):
                raise ScriptDenied(f'the input {name!r} takes {item.type}, not {value!r:.100}') from None
            for bound, beyond in (('min', lambda a, b: a < b), ('max', lambda a, b: a > b)):
                limit = item.options.get(bound)
                if limit is not None and item.type in NUMBER_TYPES and beyond(value, limit):
                    raise ScriptDenied(f'the input {name!r} is {value}: its {bound} is {limit}')
        elif item is not None and item.choices and value not in item.choices:
            raise ScriptDenied(f'the input {name!r} is {value!r:.100}, which is not one of its choices')
        found[name] = value
    return found

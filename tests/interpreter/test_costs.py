"""Every function that scripts can call has a cost, and keeps to it."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from comfy_script.interpreter import Bounds, ScriptError
from comfy_script.interpreter.lang.builtins import NAMES
from comfy_script.interpreter.lang.costs import CONSTANT, COUNTED, OWNERS, Function
from comfy_script.interpreter.lang.kinds import loaded_torch
from comfy_script.interpreter.lang.machine import Machine
from comfy_script.interpreter.lang.modules import MODULES
from comfy_script.interpreter.lang.objects import Builtin, ModuleRef, Property
from comfy_script.interpreter.lang.tensors.methods import tensor_attributes
from comfy_script.interpreter.lang.tensors.tensor_costs import TensorCost
from comfy_script.interpreter.lang.types.tables import ATTRIBUTES

BOUNDS = Bounds(items=10_000, text=100_000, steps=50_000, seconds=60.0)


def machine() -> Machine:
    return Machine(BOUNDS, NAMES, attributes=ATTRIBUTES)


def functions() -> Iterator[tuple[str, Any]]:
    """All functions of all tables, by a name that tells where."""
    m = machine()
    stack: list[tuple[str, Any]] = list(NAMES.items())
    for name, make in MODULES.items():
        if name.startswith('torch') and loaded_torch() is None:
            continue
        stack.append((name, make(m)))
    while stack:
        name, value = stack.pop()
        if isinstance(value, ModuleRef):
            stack += [(f'{name}.{key}', item) for key, item in value.members.items()]
        elif isinstance(value, Builtin):
            yield name, value
            stack += [(f'{name}.{key}', item) for key, item in (value.attributes or {}).items()]
    tables: dict[Any, Any] = dict(ATTRIBUTES)
    if loaded_torch() is not None:
        tables[loaded_torch().Tensor] = tensor_attributes()
    for kind, table in tables.items():
        for name, entry in table.items():
            if not isinstance(entry, Property):
                yield f'{kind.__name__}.{name}', entry


def test_no_function_is_without_a_cost() -> None:
    pytest.importorskip('torch')
    found = dict(functions())
    assert len(found) > 450
    assert {name for name, item in found.items() if not isinstance(item.cost, (type(CONSTANT), TensorCost))} == set()
    assert {name for name, item in found.items() if item.cost is OWNERS} == set()


# Python's own functions, against the truth

N = 4_000
LARGE: dict[str, Any] = {
    'text': 'ab' * N,
    'spaces': ' ' * N,
    'bytes': b'ab' * N,
    'list': list(range(N)),
    'texts': [str(n) for n in range(N)],
    'pairs': [(n, n) for n in range(N)],
    'tuple': tuple(range(N)),
    'range': range(N),
    'dict': {n: n for n in range(N)},
    'set': set(range(N)),
    'number': 3**3000,
    'small': 7,
    'float': 0.5,
}
OWN = {
    str: 'text',
    bytes: 'bytes',
    list: 'list',
    tuple: 'tuple',
    range: 'range',
    dict: 'dict',
    set: 'set',
    int: 'number',
}
SLACK = 1 << 16
"""Bytes that are not worth counting."""


def copied(value: Any) -> Any:
    return value.copy() if isinstance(value, (list, dict, set)) else value


def calls(name: str, item: Any) -> Iterator[tuple[list[Any], str]]:
    """Arguments to try: nothing, each of the large values, and each with a small one."""
    owner = next(
        (OWN[kind] for kind in OWN if name.startswith(f'{kind.__name__}.') and isinstance(item, Function)), None
    )
    head = [LARGE[owner]] if owner else []
    for tail in ([], *([key] for key in LARGE), *([key, 'small'] for key in LARGE)):
        yield [*map(copied, head), *(copied(LARGE[key]) for key in tail)], ' '.join(tail)


PLAIN = [
    (name, item)
    for name, item in functions()
    if not name.startswith(('torch', 'Tensor', 'time.')) and item.cost in (CONSTANT, COUNTED)
]


@pytest.mark.parametrize(('name', 'item'), PLAIN, ids=[name for name, _ in PLAIN])
def test_what_a_function_makes_is_charged(name: str, item: Any) -> None:
    wrong: list[str] = []
    for args, told in calls(name, item):
        m = machine()
        charged = 0

        def charge(size: int, exact: bool = False) -> None:
            nonlocal charged
            charged += size

        m.charge = m.meter.charge = charge  # type: ignore[method-assign]
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        found = None
        # What a function says to such arguments is another matter.
        with contextlib.suppress(Exception, ScriptError):
            found = item.implementation(m, *args)
        made = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        del found
        if made > SLACK + 2 * charged:
            wrong.append(f'{name}({told}) made {made} bytes and charged {charged}')
        if item.cost is CONSTANT and made > SLACK:
            wrong.append(f'{name}({told}) made {made} bytes, and is CONSTANT')
    assert wrong == []

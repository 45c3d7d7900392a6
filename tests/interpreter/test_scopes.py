"""Which names a script binds: by Python's rules, in every part of the interpreter that asks."""

from __future__ import annotations

import ast
import contextlib
from typing import Any

import pytest

from comfy_script.interpreter import read_signature, run_script
from comfy_script.interpreter.lang.scopes import module_scope
from comfy_script.interpreter.nodes.demand import _bound_names

BINDING = {
    'assignment': 'others = 1',
    'annotated': 'others: int = 1',
    'augmented': 'others = 1\nothers += 1',
    'unpacking': 'a, (*others, b) = 1, (2, 3)',
    'walrus': 'print(others := 1)',
    'walrus in a comprehension': '[others := n for n in range(3)]',
    'loop': 'for a, others in [(1, 2)]: pass',
    'function': 'def others(): pass',
    'import': 'import math as others',
    'import from': 'from math import pi as others',
    'exception': 'try: 1 / 0\nexcept ZeroDivisionError as others: pass\nothers = 1',
    'with': 'with Workflow() as others: pass',
    'match capture': 'match 1:\n    case others: pass',
    'match as': 'match 1:\n    case int() as others: pass',
    'match or': 'match 1:\n    case (1 as others) | others: pass',
    'match star': 'match [1, 2]:\n    case [a, *others]: pass',
    'match mapping': "match {'a': 1, 'b': 2}:\n    case {'a': a, **others}: pass",
    'match inside': "match {'a': [1, {'b': 2}]}:\n    case {'a': [_, {'b': others}]}: pass",
    'deletion': 'others = 1\ndel others\nothers = 1',
    'global': 'def f():\n    global others\n    others = 1\nf()',
}
INSIDE = {
    'parameter': 'def f(others): return others\nf(1)',
    'keyword-only parameter': 'def f(*, others=1): return others\nf()',
    'star parameter': 'def f(*others): return others\nf()',
    'double star parameter': 'def f(**others): return others\nf()',
    'lambda': 'f = lambda others: others',
    'comprehension': '[others for others in range(3)]',
    'generator': 'list(others for n in range(3) for others in range(n))',
    'local': 'def f():\n    others = 1\n    return others\nf()',
}


@pytest.mark.parametrize('text', [*BINDING.values(), *INSIDE.values()], ids=[*BINDING, *INSIDE])
def test_what_a_script_binds_is_no_input(text: str) -> None:
    assert [item.name for item in read_signature(text).inputs] == []


@pytest.mark.parametrize('text', BINDING.values(), ids=BINDING)
def test_names_are_bound_where_python_binds_them(text: str) -> None:
    tree = ast.parse(text)
    python: dict[str, Any] = {'Workflow': contextlib.nullcontext}
    exec(text, python)
    wanted = set(python) - {'Workflow', '__builtins__', '__annotations__'}
    assert 'others' in wanted
    assert module_scope(tree).names | {'others'} == wanted
    assert _bound_names(tree)['others']
    run_script(f'{text}\nout = others')


@pytest.mark.parametrize('text', INSIDE.values(), ids=INSIDE)
def test_names_of_inner_scopes_stay_there(text: str) -> None:
    assert 'others' not in module_scope(ast.parse(text)).names

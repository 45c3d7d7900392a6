"""Reading a long text is ended between any two pieces: in each of the steps that it takes."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter import ScriptLimit, compile_script, read_signature
from comfy_script.interpreter.lang import source
from comfy_script.interpreter.lang.compile.program import compile_tree
from comfy_script.interpreter.lang.looks import EVERY, looking
from comfy_script.interpreter.lang.source import MAX_TOKENS, parse_source
from comfy_script.interpreter.nodes.demand import waiting_calls
from comfy_script.interpreter.nodes.run import find_main

SCHEMAS = Schemas.parse(
    {
        'Lazy': {'input': {'required': {'x': ['INT', {'lazy': True}]}}, 'output': ['INT'], 'name': 'Lazy'},
        'Value': {'input': {'required': {}}, 'output': ['INT'], 'name': 'Value'},
    }
)
LONG = {
    'one tuple': f'Lazy(Value())\nout = ({"a, " * EVERY})',
    'many lines': 'Lazy(Value())\n' + 'x = 1\n' * EVERY,
    'in main': 'Lazy(Value())\ndef main(a):\n' + '    a = [a]\n' * EVERY + '    return a',
    'many functions': 'Lazy(Value())\n' + 'def f(a): return a\n' * EVERY,
}
STEPS: dict[str, Callable[[str, ast.Module], Any]] = {
    'parsing': lambda text, tree: parse_source(text),
    'lazy inputs': lambda text, tree: waiting_calls(tree, SCHEMAS),
    'compiling': lambda text, tree: compile_tree(tree),
    'signature': lambda text, tree: read_signature(tree, SCHEMAS),
}


class Interrupted(Exception):
    """As ComfyUI's."""


def interrupt() -> None:
    raise Interrupted


@pytest.mark.parametrize('step', STEPS)
@pytest.mark.parametrize('name', LONG)
def test_each_step_of_reading_is_interrupted(name: str, step: str) -> None:
    tree = ast.parse(LONG[name])
    with looking(interrupt), pytest.raises(Interrupted):
        STEPS[step](LONG[name], tree)


@pytest.mark.parametrize('name', LONG)
def test_looks_come_as_often_as_the_text_is_long(name: str) -> None:
    """A step that looks once and then goes through the rest in one piece would not be interrupted in time."""
    found: list[None] = []
    with looking(lambda: found.append(None)):
        read_signature(compile_script(LONG[name], schemas=SCHEMAS).tree, SCHEMAS)
    nodes = sum(1 for _ in ast.walk(ast.parse(LONG[name])))
    assert len(found) > 5 * nodes / EVERY


def test_looks_end_with_the_reading() -> None:
    with looking(interrupt):
        pass
    parse_source(LONG['many lines'])
    assert find_main(ast.parse(LONG['in main'])) is not None


@pytest.mark.parametrize('sign', ['a,', 'x()\n', '""\n'])
def test_what_pythons_parser_is_given_is_bounded(sign: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds Python's lock for as long as it takes: a second for half a million characters."""
    given: list[str] = []
    monkeypatch.setattr(source, 'parse_tree', given.append)
    assert MAX_TOKENS <= 150_000
    monkeypatch.setattr(source, 'MAX_TOKENS', 2_000)
    with pytest.raises(ScriptLimit, match='words and signs'):
        parse_source(sign * 1_001)
    assert given == []


def test_a_long_text_of_few_words_is_read() -> None:
    assert len(parse_source('x = 1  # ' + 'a long remark ' * 20_000 + f'\ny = {"b" * 90_000!r}').body) == 2

"""What sockets, widgets and outputs a script's text asks for."""

# ruff: noqa: E501
from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter import ScriptError, describe_signature, read_signature
from comfy_script.interpreter.lang.source import parse_source
from comfy_script.interpreter.nodes import signature


def inputs_of(text: str, schemas: Schemas | None = None) -> dict[str, tuple]:
    return {item.name: (item.type, item.choices, item.options, item.required) for item in read_signature(text, schemas).inputs}


def test_types_and_defaults() -> None:
    found = inputs_of('def main(image: Image, net: ControlNet, n: int = 3, s: str = "x", flag=True, f=0.5, any=None): pass')
    assert {name: (item[0], item[3]) for name, item in found.items()} == {
        'image': ('IMAGE', True),
        'net': ('CONTROL_NET', True),
        'n': ('INT', False),
        's': ('STRING', False),
        'flag': ('BOOLEAN', False),
        'f': ('FLOAT', False),
        'any': ('*', False),
    }
    assert found['n'][2]['default'] == 3


def test_ranges_choices_and_texts() -> None:
    found = inputs_of(
        "def main(a: Annotated[float, Range(0, 1, 0.05), 'how much'] = 1, b: Literal['x', 'y'] = 'y',\n"
        '         c: Annotated[str, Multiline()] = "", d: Annotated[int, Range(min=-5, max=5)] = -1, e: Image | None = None): pass'
    )
    assert found['a'][2] == {'min': 0, 'max': 1, 'step': 0.05, 'tooltip': 'how much', 'default': 1.0}
    assert found['b'][:3] == ('COMBO', ('x', 'y'), {'default': 'y'})
    assert found['c'][2]['multiline'] is True
    assert (found['d'][2]['min'], found['d'][2]['default']) == (-5, -1)
    assert (found['e'][0], found['e'][3]) == ('IMAGE', False)


def test_enums_of_the_server(node_schemas: Schemas) -> None:
    found = inputs_of('def main(ckpt: Checkpoints = None, s: KSampler.sampler_name = "ddim"): pass', node_schemas)
    assert found['ckpt'][1] == ('v1-5.safetensors', 'xl.safetensors')
    assert found['ckpt'][2]['default'] == 'v1-5.safetensors'
    assert found['s'][1:3] == (('euler', 'ddim'), {'default': 'ddim'})


def test_outputs() -> None:
    def outputs(text: str) -> tuple:
        return read_signature(text).outputs

    assert outputs('def main() -> tuple[Image, Mask]:\n    return a, b') == (('a', 'IMAGE'), ('b', 'MASK'))
    assert outputs('def main() -> Image:\n    return f()') == (('out', 'IMAGE'),)
    assert outputs('def main():\n    return x, 1, 2') == (('x', '*'), ('out', '*'), ('out2', '*'))
    assert outputs('def main() -> None: pass') == ()
    assert outputs('out = image') == (('out', '*'),)
    assert outputs('out = a, b') == (('a', '*'), ('b', '*'))
    assert outputs('print(1)') == ()


def test_bare_scripts_have_sockets_for_free_names(node_schemas: Schemas) -> None:
    text = 'import math\nx = image * strength\nfor i in range(3): print(i, KSampler, Checkpoints, math.pi)\ndef f(a): return a + b'
    assert list(inputs_of(text, node_schemas)) == ['image', 'strength', 'b']


def test_a_main_that_the_script_calls_itself_is_no_signature() -> None:
    assert not read_signature('def main(a): pass\nmain(1)').has_main


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('def main(*images): pass', r'\*args'),
        ('def main(script): pass', 'itself'),
        ('def main(a: int = "x"): pass', 'does not fit'),
        ('def main(a: Literal["x"] = "y"): pass', 'not one of its choices'),
        ('def main(a: print(1)): pass', 'annotation'),
        ('def main(a: KSampler.nothing): pass', 'not a list of choices'),
        ('def main(a: Image = 1): pass', 'socket'),
        ('def main(a: Annotated[int, open("x")] = 1): pass', 'extras'),
    ],
)
def test_what_cannot_be_a_signature(text: str, reason: str, node_schemas: Schemas) -> None:
    with pytest.raises(ScriptError, match=reason):
        read_signature(text, node_schemas)
    assert describe_signature(text, node_schemas)['errors'][0]['line'] == 1


def test_described_for_the_browser() -> None:
    found = describe_signature('def main(a: Literal["x"], b: Image) -> Image:\n    return b')
    assert found == {
        'main': True,
        'any_input': False,
        'inputs': [
            {'name': 'a', 'type': 'COMBO', 'required': True, 'line': 1, 'options': {'default': 'x'}, 'choices': ['x']},
            {'name': 'b', 'type': 'IMAGE', 'required': True, 'line': 1},
        ],
        'outputs': [{'name': 'b', 'type': 'IMAGE'}],
        'errors': [],
    }
    assert describe_signature('x = = 1')['errors'] == [{'line': 1, 'column': 5, 'end_column': 6, 'message': 'invalid syntax'}]


def test_a_parser_that_another_thread_disturbs_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parse, failures = ast.parse, [SystemError('AST constructor recursion depth mismatch')] * 2

    def disturbed(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return parse(*args)

    with monkeypatch.context() as patch:
        patch.setattr(ast, 'parse', disturbed)
        tree = parse_source('x = 1')
    assert isinstance(tree.body[0], ast.Assign) and not failures


@pytest.mark.parametrize('extra', [
    "Range(0, 5, remote={'route': 'https://example.com'})",
    "Range(0, 5, **{'remote': {'route': '/x'}})",
    "{'remote': {'route': 'https://example.com'}}",
    'Range(0, 5, forceInput=1)',
    "Multiline(image_upload=True)",
    "'a tip', Range(0, 5), {'default': 3, 'forceInput': True, 'remote': 1}",
])  # fmt: skip
def test_a_text_gives_widgets_no_options_but_a_few(extra: str) -> None:
    """Widget makers of the page fetch what `remote.route` names: such options come from a server's nodes alone."""
    try:
        found = inputs_of(f'def main(a: Annotated[int, {extra}] = 3): pass')
    except ScriptError:
        return
    assert found['a'][2].keys() <= {'default', 'min', 'max', 'step', 'tooltip', 'multiline'}


LONG: dict[str, Callable[[int], str]] = {
    'one name again and again': lambda n: f'out = ({"a, " * n})',
    'in main': lambda n: f'def main():\n    return ({"a, " * n})',
    'names that are numbers of others': lambda n: f'out = ({"a, " * n}{", ".join(f"a{k}" for k in range(n))})',
    'numbers first': lambda n: f'out = ({", ".join(f"a{k}" for k in range(2, n))}, {"a, " * n})',
    'many of each': lambda n: f'out = ({", ".join(f"v{k}, v{k}, v{k}2" for k in range(n // 3))})',
    'outputs again and again': lambda n: 'out = a, a\n' * n,
    'many inputs': lambda n: f'def main({", ".join(f"a{k}: int = 1" for k in range(n))}): pass',
    'annotations': lambda n: 'a: list[list[int]] = 1\n' * n,
    'free names': lambda n: f'[{", ".join(f"a{k}" for k in range(n))}]',
    'functions': lambda n: 'def f(x: int) -> int: return x\n' * n + 'out = f(a)',
    'returns': lambda n: 'def main(a):\n' + '    if a: return a, a\n' * n,
}


@pytest.mark.parametrize('shape', LONG)
def test_what_is_read_takes_steps_by_the_length_of_the_text(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ComfyUI asks for it when a prompt is queued: `out = (a, a, …)` took the cube of the names, 64 s for 4000."""
    monkeypatch.setattr(signature, 'MAX_OUTPUTS', 10**6)

    def steps(length: int) -> int:
        count = 0

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal count
            count += event == 'line'
            return trace

        tree = parse_source(LONG[shape](length))
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            read_signature(tree)
        finally:
            sys.settrace(before)
        return count

    short, long = steps(60), steps(240)
    assert short < long < 5 * short


def test_outputs_that_are_lists() -> None:
    text = 'def main() -> tuple[list[Image], int, list[str]]:\n    return a, b, c'
    assert read_signature(text).lists == {0, 2}
    assert [output.get('list', False) for output in describe_signature(text)['outputs']] == [True, False, True]
    assert read_signature('def main() -> list[Image]:\n    return a').lists == {0}
    assert not read_signature('def main(a: list[Image]) -> Image:\n    return a').lists

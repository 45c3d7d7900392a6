"""Nesting is bounded before Python's parser sees the text, whatever the text looks like."""

from __future__ import annotations

import ast

import pytest

from comfy_script.interpreter import ScriptError, ScriptLimit
from comfy_script.interpreter.lang.source import NESTED_TEMPLATES, _check_nesting, parse_source

DEEP = (
    '+(((' * 200 + '1' + ')))' * 200 + '+',
    '+' + '-' * 3000 + '1+',
    '**1' * 3000,
    ' if 1 else 1' * 3000,
    '.a' * 3000,
    '[0]' * 3000,
    '+' + '[' * 3000 + ']' * 3000 + '+',
    '+' + 'f"{' * 3000 + '1' + '}"' * 3000 + '+',
    '+' + 'f"{1:{' * 3000 + '1' + '}}"' * 3000 + '+',
)
HIDDEN = (
    'f"{"a"DEEP"b"}"',
    "f'{f'{'a'DEEP'b'}'}'",
    'f"""{"a"DEEP"b"}"""',
    'f"{x["a"DEEP"b"]}"',
    'f"{1:{"a"DEEP"b"}}"',
    'f"{1:a\n{"a"DEEP"b"}}"',
    'rf"\\{"a"DEEP"b"}"',
    'f"\\{"a"DEEP"b"}"',
    'f"\\N{DIGIT ONE}{"a"DEEP"b"}"',
    'f"{{{"a"DEEP"b"}"',
    'f"{(lambda: "a"DEEP"b")}"',
    'f"{(x:="a"DEEP"b")}"',
    '1 if"{" DEEP "a" else"}"',
    '# f"\r"a" DEEP "b"',
)


@pytest.mark.parametrize('hidden', HIDDEN)
def test_quotes_inside_f_strings_hide_nothing(hidden: str) -> None:
    for deep in DEEP:
        with pytest.raises(ScriptLimit):
            _check_nesting(hidden.replace('DEEP', deep).replace('\r', '\n'), nested_templates=True)


def test_before_312_a_quote_ends_an_f_string() -> None:
    for deep in DEEP:
        with pytest.raises(ScriptLimit):
            _check_nesting(f'f"{{"{deep}"}}"', nested_templates=False)


PLAIN = r"""
f'{x}' + f"{x!r:>{width}}" + f'{x:%H:%M}' + f'''{
    x}''' + f'{{}}{x}}}'
f'{d["a"]}{x=}{(lambda: 1)()}' + rf'\{x}\d' + f'\N{DIGIT ONE}{x}\'' + 'f"{' + "}" + f'{x:{a}.{b}}'
x = 1 if'{'else'}'
"""


def test_f_strings_as_they_are_written() -> None:
    ast.parse(PLAIN)
    for nested in (False, True):
        _check_nesting(PLAIN * 200, nested)
    long = ' '.join(f'({word}:1.2) {{name}}' for word in ['masterpiece'] * 300)
    parse_source(f'x = f"{long}"')


@pytest.mark.skipif(not NESTED_TEMPLATES, reason='before Python 3.12 a quote ends an f-string')
def test_the_parser_is_not_reached() -> None:
    for hidden in HIDDEN:
        for deep in DEEP:
            with pytest.raises(ScriptError):
                parse_source(hidden.replace('DEEP', deep))


def test_double_braces_in_a_format_are_refused() -> None:
    with pytest.raises(ScriptError, match='format'):
        _check_nesting('f"{x:{{y}}}"', nested_templates=True)

"""Nesting is bounded before Python's parser sees the text, whatever the text looks like."""

from __future__ import annotations

import ast

import pytest

from comfy_script.interpreter import Bounds, ScriptError, ScriptLimit
from comfy_script.interpreter.lang.source import NESTED_TEMPLATES, _check_nesting, _end_of_string, parse_source

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


def test_texts_without_an_end_are_looked_through_once() -> None:
    with pytest.raises(ScriptError):
        parse_source("\\'" * 90_000, Bounds(source=50_000))


@pytest.mark.parametrize('quote', ['"', "'"])
def test_long_texts_are_no_script(quote: str) -> None:
    """An image that a node holds as text: the script around it is as long as before."""
    bounds = Bounds(source=50_000)
    image = f'{quote}{"AB+/" * 40_000}{quote}'
    lines = f'{quote}{"a line" * 9} {"line" + chr(92) + "n" + chr(92) + quote} {"AB+/" * 40_000}{quote}'
    for text in (image, lines):
        assert parse_source(f'# it{quote}s long\nx = {text}', bounds).body
    for text in (f'x = {image}\n' + 'y = 1\n' * 9_000, f'x = {image}\n' * 2, 'x = ' + "'a' + " * 9_000 + "'a'"):
        with pytest.raises(ScriptLimit, match='characters'):
            parse_source(text, bounds)


ENDS = (
    ("'", r'a\'b'),
    ('"', "a'b"),
    ("'''", "a'b\n''c"),
    ("'", r'a' + '\\\\'),
    ("'", 'a\\\nb'),
)


@pytest.mark.parametrize(('quote', 'text'), ENDS)
def test_strings_end_where_python_ends_them(quote: str, text: str) -> None:
    whole = quote + text + quote
    assert isinstance(ast.literal_eval(whole), str)
    assert _end_of_string(whole + " + 'd'", len(quote), quote) == len(whole)

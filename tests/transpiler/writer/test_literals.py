"""Values of files as literals: they come back as they are, and are nothing but literals."""

from __future__ import annotations

import ast
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_script.transpiler.writer.literals import Unwritable, comment, literal, quoted
from comfy_script.transpiler.writer.wrapping import lay_out

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)

NASTY = [
    "'''",
    '"""',
    "it's",
    'both \' and "',
    "ends with '",
    'ends with "',
    'a\n\'\'\'\nb\n"""\nc' * 20,
    'ends with backslash\\',
    'several lines\nand a backslash at the end of one\\\nof them, so that there is something to escape\n' * 2,
    'tab\there\nand there, in a text that goes over several lines and then some more',
    'a\r\nb\rc' * 30,
    '\x00\x1b[31m',
    '\u202e evil \u2066',
    'zero\u200bwidth\u3164filler\ufe00',
    '\ud800 lone surrogate',
    '深夜的街道，' * 40,
    'word ' * 100,
    'x' * 500,
    'quote\' and "quote" ' * 30,
    '\U0001f600' * 100,
    '{braces} %percent %(s)s',
]


def written(value: Any, before: str = 'x = ') -> str:
    return lay_out('', before, literal(value))


@pytest.mark.parametrize('text', NASTY)
def test_texts_come_back(text: str) -> None:
    for before in ('x = ', 'a_long_name_before_it = '):
        tree = ast.parse(written(text, before))
        assert ast.literal_eval(tree.body[0].value) == text  # type: ignore[attr-defined]
        assert len(tree.body) == 1


@pytest.mark.parametrize('text', NASTY)
def test_nothing_invisible_is_in_a_literal(text: str) -> None:
    assert all(char.isprintable() or char == '\n' for char in written(text))
    assert not set('\u3164\ufe00\u202e\u200b') & set(written(text))


@given(JSON)
def test_values_come_back(value: Any) -> None:
    tree = ast.parse(written(value))
    assert repr(ast.literal_eval(tree.body[0].value)) == repr(value)  # type: ignore[attr-defined]


@given(st.text(), st.sampled_from(['', 'x = ', 'key=']))
def test_lines_break_only_inside_literals(text: str, before: str) -> None:
    tree = ast.parse(f'f({written(text, before if before != "x = " else "")})', mode='eval')
    assert isinstance(tree.body, ast.Call)


def test_numbers() -> None:
    for value in (1e300, -0.0, 1e-7, 2**64, 10**5000, -(10**5000)):
        assert ast.literal_eval(ast.parse(written(value)).body[0].value) == value  # type: ignore[attr-defined]
    scope: dict[str, Any] = {}
    exec(written([math.inf, -math.inf, math.nan]), scope)
    assert scope['x'][:2] == [math.inf, -math.inf]
    assert math.isnan(scope['x'][2])


def test_what_has_no_literal() -> None:
    deep: Any = []
    for _ in range(1000):
        deep = [deep]
    for value in (deep, object(), {1, 2}):
        with pytest.raises(Unwritable):
            literal(value)


def test_ten_megabytes_of_text() -> None:
    for text in ('word ' * 2_000_000, '\'"\\\n' * 700_000, '深' * 1_000_000):
        assert ast.literal_eval(ast.parse(written(text)).body[0].value) == text  # type: ignore[attr-defined]


def test_an_image_that_a_node_holds_is_one_line() -> None:
    assert written('AB+/' * 3000).count('\n') == 0
    assert written('a line\n' * 2000).count('\n') == 2000


@given(st.text())
def test_a_comment_is_one_line_and_says_nothing_to_tools(title: str) -> None:
    line = f'# {comment(title)}'
    assert ast.parse(line).body == []
    assert len(line.splitlines()) == 1
    assert line.isprintable()


@pytest.mark.parametrize(
    'title',
    [
        'fmt: off',
        'type: ignore',
        'noqa',
        'NOQA: E501',
        '!/bin/sh',
        '-*- coding: utf-7 -*-',
        'vim: set fileencoding=x',
        'ruff: noqa',
        'pyright: basic',
        'region a',
        'a # noqa',
        'a #noqa: X',
    ],
)
def test_pragmas_in_titles_are_words(title: str) -> None:
    import re

    line = f'# {comment(title)}'
    assert not re.match(r'^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)', line)
    assert not re.search(r'#\s*(fmt|type|noqa|ruff|pyright|!|region)', line, re.IGNORECASE)


def test_quoted_is_what_repr_is_for_plain_text() -> None:
    assert quoted('plain') == "'plain'"
    assert quoted("it's") == '"it\'s"'
    assert quoted('a\u202eb') == "'a\\u202eb'"

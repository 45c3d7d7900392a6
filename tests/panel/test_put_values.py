"""A value that changed in the graph is written into the text's own literal."""

from __future__ import annotations

import ast

import pytest

from comfy_script.panel.put_values import literal_text


@pytest.mark.parametrize(
    ('before', 'value', 'written'),
    [
        ("'''a\nb'''", 'a\nc', "'''a\nc'''"),
        ('"""a\nb"""', "it's\nc", '"""it\'s\nc"""'),
        ("'''a\nb'''", 'a\n\\(b\\)', "r'''a\n\\(b\\)'''"),
        ("r'''a\n\\(b\\)'''", 'a\n\\(c\\)', "r'''a\n\\(c\\)'''"),
        ("r'''a\n\\(b\\)'''", 'a\nc', "'''a\nc'''"),
        ("r'''a\n\\(b\\)'''", 'a\n\\', "'a\\n\\\\'"),
        ("r'''a\n\\(b\\)'''", "a\n'''\\", '"a\\n\'\'\'\\\\"'),
        ("'''a\nb'''", 'a\n\u2800b', "'a\\n\\u2800b'"),
        ("'a'", 'a\nb', "'a\\nb'"),
    ],
)
def test_texts_of_several_lines_stay_so(before: str, value: str, written: str) -> None:
    assert literal_text(value, before) == written
    assert ast.literal_eval(written) == value

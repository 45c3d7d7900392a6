"""What must not be shown or saved."""

from __future__ import annotations

import pytest

from comfy_script.graph.redaction import redact


@pytest.mark.parametrize(
    ('text', 'secrets', 'redacted'),
    [
        ("x = 'abc'; abcdef=1", ['abc'], "x = '***'; abcdef=1"),
        ("'Bearer abc'", ['abc'], "'Bearer ***'"),
        ("key='1', seed=1, n=11", ['1'], "key='***', seed=1, n=11"),
        ('prefix-secret-key-suffix', ['secret-key'], 'prefix-***-suffix'),
        (r"'a\\b\\c'", ['a\\b\\c'], "'***'"),
        ("'longer', 'longer-1'", ['longer', 'longer-1'], "'***', '***'"),
        ("''", [''], "''"),
    ],
)
def test_secrets(text: str, secrets: list[str], redacted: str) -> None:
    assert redact(text, secrets) == redacted


def test_patterns() -> None:
    assert redact('sk-abc (x', (), ['sk-[a-z]+', '(x']) == '*** ***'

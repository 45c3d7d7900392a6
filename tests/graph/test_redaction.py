"""What must not be shown or saved."""

from __future__ import annotations

import re

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


def test_each_name_and_literal_is_replaced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts may come from anybody: a pass over the whole for each name took the square of their number."""
    count = 300
    text = '\n'.join(f"secret_key_{number} = 'secretkey{number}'; x = secret_key_{number}" for number in range(count))
    passes = 0
    sub = re.sub

    def counted(pattern: str, replacement: object, where: str) -> str:
        nonlocal passes
        passes += len(where) > len(text) // 2
        return sub(pattern, replacement, where)  # type: ignore[call-overload]

    monkeypatch.setattr(re, 'sub', counted)
    found = redact(text, ['secretkey'])
    assert 'secret' not in found
    assert re.fullmatch(r"(hidden\d+) = '\*\*\*7'; x = \1", found.splitlines()[7])
    assert passes <= 2

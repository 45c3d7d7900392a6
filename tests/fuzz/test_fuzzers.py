"""Each fuzzer for a moment: what it found before, and a few attempts that are the same each time."""

from __future__ import annotations

import json
import random
from importlib import import_module

import pytest

from comfy_script.tests.fuzz.__main__ import KINDS
from comfy_script.tests.fuzz.rounds import SEEDS, fuzz

SECONDS = 1.5


@pytest.mark.parametrize('kind', [kind for kind in KINDS if kind != 'escapes'])
def test_nothing_is_found(kind: str) -> None:
    """`tests/interpreter/test_fuzz.py` and `test_differential.py` do the same for escapes."""
    if kind == 'bounds':
        pytest.importorskip('torch')
    fuzzer = import_module(f'comfy_script.tests.fuzz.{kind}').fuzzer
    outcome = fuzz(kind, fuzzer, SECONDS, first=1)
    assert outcome.found == {}
    assert outcome.ended.total() > 0


def test_what_is_found_is_said_with_its_number() -> None:
    def attempt(source: random.Random) -> str:
        assert source.random() < 0.9
        return 'well'

    from contextlib import nullcontext

    said: list[str] = []
    outcome = fuzz('test', lambda: nullcontext(attempt), 0.05, first=1, say=said.append)
    assert outcome.found
    seed = next(iter(outcome.found))
    assert said[0].startswith(f'test {seed}: AssertionError')
    assert random.Random(f'test:{seed}').random() >= 0.9


def test_kept_seeds_are_of_fuzzers_that_there_are() -> None:
    kept = json.loads(SEEDS.read_text(encoding='utf-8'))
    assert set(kept) <= set(KINDS)
    assert all(isinstance(seed, int) for seeds in kept.values() for seed in seeds)

"""Near misses: what `difflib` would say, in bounded time whatever the names are."""

from __future__ import annotations

import difflib
import random
from collections import Counter

import pytest

from comfy_script.graph import close_names, near_misses, suggestions

NODES = ['KSampler', 'KSamplerAdvanced', 'SaveImage', 'LoadImage', 'VAEDecode', 'VAEEncode', 'CLIPTextEncode']


def test_says_what_was_meant() -> None:
    assert near_misses('stps', ['seed', 'steps', 'cfg']) == " (did you mean 'steps'?)"
    assert near_misses('ksampler', NODES) == " (did you mean 'KSampler' or 'KSamplerAdvanced'?)"
    assert near_misses('something', ['else']) == ''
    assert close_names('', NODES) == close_names('KSampler', []) == []


def test_is_what_difflib_finds() -> None:
    draw = random.Random(3)
    for _ in range(300):
        names = list({''.join(draw.choices('abcde_', k=draw.randrange(1, 9))) for _ in range(6)})
        wanted = ''.join(draw.choices('abcde_', k=5))
        assert close_names(wanted, names) == difflib.get_close_matches(wanted, names)


@pytest.mark.parametrize('letters', ['a', 'ab', 'abcdefgh'])
@pytest.mark.parametrize('length', [30, 200, 100_000])
def test_the_letters_that_are_compared_are_bounded(letters: str, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: Counter[str] = Counter()

    class Counting(difflib.SequenceMatcher):
        a: str
        b: str

        def ratio(self) -> float:
            compared['letters'] += len(self.a) * len(self.b)
            return super().ratio()

    monkeypatch.setattr(suggestions, 'SequenceMatcher', Counting)
    draw = random.Random(1)
    known = [''.join(draw.choices(letters, k=length)) for _ in range(40 if length > 1000 else 2400)]
    near_misses(''.join(draw.choices(letters, k=length)), known)
    assert compared['letters'] <= suggestions.MOST_COMPARED

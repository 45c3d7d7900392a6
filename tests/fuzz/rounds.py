"""What all fuzzers share: one attempt after the other, each made from a number, until the time is up.

An attempt raises AssertionError where something happened that must not, and else says in a word how it ended. The same
number makes the same attempt again: numbers of what was found are kept in `seeds.json`, and tried first.
"""

from __future__ import annotations

import json
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

Attempt = Callable[[random.Random], str]
Fuzzer = Callable[[], AbstractContextManager[Attempt]]

SEEDS = Path(__file__).with_name('seeds.json')


@dataclass
class Outcome:
    """How attempts ended, and what was found: number → what was wrong."""

    ended: Counter[str] = field(default_factory=Counter)
    found: dict[int, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f'{self.ended.total()} tried: {dict(self.ended.most_common())}; {len(self.found)} found'


def kept_seeds(name: str) -> list[int]:
    """The numbers of what was found before."""
    return json.loads(SEEDS.read_text(encoding='utf-8')).get(name, [])


def fuzz(
    name: str, fuzzer: Fuzzer, seconds: float, first: int | None = None, say: Callable[[str], None] = lambda text: None
) -> Outcome:
    """The kept seeds, then others from `first` on (drawn, if none is given) until the time is up."""
    outcome = Outcome()
    number = random.randrange(1 << 40) if first is None else first
    known = kept_seeds(name)
    with fuzzer() as attempt:
        # Not from before: a slow machine's time would be up when the fuzzer has been imported.
        until = time.monotonic() + seconds
        while known or time.monotonic() < until:
            if known:
                seed = known.pop()
            else:
                seed, number = number, number + 1
            try:
                outcome.ended[attempt(random.Random(f'{name}:{seed}'))] += 1
            except Exception as error:
                outcome.ended['FOUND'] += 1
                outcome.found[seed] = f'{type(error).__name__}: {error}'
                last = ''.join(traceback.format_tb(error.__traceback__)[-3:])
                say(f'{name} {seed}: {type(error).__name__}: {str(error)[:3000]}\n{last}')
    return outcome

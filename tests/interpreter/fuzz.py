"""Fuzzes the interpreter: `python -m comfy_script.tests.interpreter.fuzz [MINUTES] [attacks|programs]`.

Prints what it found, smallest first, and how much it tried. The test suite runs the same for a few seconds.
"""

from __future__ import annotations

import collections
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from .attacks import attacks
from .programs import programs
from .test_differential import compiles, same
from .test_fuzz import attack, warm

SLOW: Any = list(HealthCheck)

ROUND = 200


def fuzz(strategy: Any, check: Callable[[str], str], seconds: float) -> int:
    """Runs rounds of examples until the time is up; the number of different failures."""
    ended: collections.Counter[str] = collections.Counter()
    failures: set[str] = set()
    until = time.monotonic() + seconds
    number = int(time.time())
    while time.monotonic() < until:
        number += 1

        @seed(number)
        @settings(
            max_examples=ROUND,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=SLOW,
        )
        @given(strategy)
        def one(text: str) -> None:
            ended[check(text)] += 1

        try:
            one()
        except Exception as error:
            text = f'{type(error).__name__}: {str(error)[:2000]}'
            if text not in failures:
                failures.add(text)
                print(text)
                traceback.print_exc(limit=-4)
    print(f'{sum(ended.values())} tried: {dict(ended)}; {len(failures)} failures', flush=True)
    return len(failures)


def differ(text: str) -> str:
    if not compiles(text):
        return 'not Python'
    same(text)
    return 'same'


def main() -> int:
    import torch  # noqa: F401  (scripts get it only where it is loaded)

    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    kinds = sys.argv[2:] or ['attacks', 'programs']
    warm()
    found = 0
    for kind in kinds:
        strategy, check = {'attacks': (attacks(), attack), 'programs': (programs(), differ)}[kind]
        print(f'{kind}: {minutes / len(kinds):g} minutes', flush=True)
        found += fuzz(strategy, check, 60 * minutes / len(kinds))
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())

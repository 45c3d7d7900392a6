"""How much a script may use before it is stopped, and the meter that counts it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .errors import ScriptLimit
from .looks import SLOW, rest
from .resident import Growth

TENSOR_SIZE = 700
"""Bytes of a tensor without its elements."""
ELEMENT_SIZE = 96
"""About what one new small value takes beside its place in a container."""


@dataclass(frozen=True)
class Bounds:
    """Limits of one run. Time is that of script code; what nodes take is not counted."""

    steps: int = 20_000_000
    """Statements, loop rounds and calls."""
    seconds: float = 60.0
    recursion: int = 100
    """Script functions inside each other. Python's own limit may be reached a little earlier."""
    text: int = 10_000_000
    """Characters of one string (bytes of one bytes object)."""
    items: int = 1_000_000
    """Elements of one list, tuple, dict or set."""
    integer_bits: int = 10_000
    tensor_elements: int = 1 << 28
    """Elements of one tensor made by the script: 2**28 is 1 GiB of float32."""
    memory: int = 2 << 30
    """Bytes of everything the script holds."""
    printed: int = 100_000
    """Characters that `print` may show; more is cut off."""
    source: int = 500_000
    """Characters of the script's own text, without texts of over 10 000 on one line."""
    nodes: int = 100_000
    """Node calls of one run."""


class Meter:
    """Counts what one run uses. `tick` is called for each step, `charge` for each new value of some size."""

    CHECK_EVERY = 500

    def __init__(self, bounds: Bounds, check_interrupt: Callable[[], object] | None):
        self.bounds = bounds
        self.steps = 0
        self._next_check = 0
        self._every = self.CHECK_EVERY
        self._check_interrupt = check_interrupt
        self._started = self._checked = time.monotonic()
        self._outside = 0.0
        self._charged = 0
        self.growth = Growth(bounds.memory)
        self.live_size: Callable[[], int] | None = None

    def tick(self) -> None:
        self.steps += 1
        if self.steps >= self._next_check:
            self.check()

    def ticks(self, count: int) -> None:
        """Many steps at once: what a built-in function does to a value of that many elements."""
        self.steps += count
        if self.steps >= self._next_check:
            self.check()

    def passed_over(self, size: int) -> None:
        """Steps for what Python's own code does to `size` characters."""
        if size > 4096:
            self.ticks(size >> 12)

    def check(self) -> None:
        """Looks at the clock, the interrupt and the number of steps. Raises ScriptLimit."""
        now = time.monotonic()
        if now - self._checked > SLOW:
            self._every = max(self._every >> 2, 1)
            rest(now - self._checked)
            now = time.monotonic()
        elif self._every < self.CHECK_EVERY:
            self._every = min(self._every + (self._every >> 3) + 1, self.CHECK_EVERY)
        self._checked = now
        self._next_check = self.steps + self._every
        if self._check_interrupt is not None:
            self._check_interrupt()
        if self.steps > self.bounds.steps:
            raise ScriptLimit(f'the script ran for more than {self.bounds.steps} steps: is there an endless loop?')
        if self.seconds > self.bounds.seconds:
            raise ScriptLimit(
                f'the script itself ran for more than {self.bounds.seconds:g} s (the time of nodes is not counted)'
            )

    @property
    def seconds(self) -> float:
        """Time since the start, without what was spent outside the script."""
        return time.monotonic() - self._started - self._outside

    def outside(self) -> _Outside:
        """Stops the clock while a node runs: `with meter.outside(): …`."""
        return _Outside(self)

    def add_outside(self, seconds: float) -> None:
        self._outside += seconds
        self._checked += seconds

    def charge(self, size: int, exact: bool = False) -> None:
        """Accounts for `size` new bytes, of which objects may take twice as many unless that is `exact`.

        Raises ScriptLimit when too much is held at once.
        """
        self._charged += size
        self.growth.made += size
        if size > 50_000:
            # To make it takes time as well: a built-in that makes many such values has no other steps.
            self.steps += size >> 16
            self.check()
        if self.growth.made > self.growth.every and self.growth.too_much():
            raise self._too_much()
        if self._charged > self.bounds.memory:
            held = self.live_size() if self.live_size else self._charged
            if held + (size >> 1 if exact else size) > self.bounds.memory // 2:
                raise self._too_much()
            self.growth.let_go(self._charged - held)
            self._charged = held

    def refund(self, size: int) -> None:
        """Gives back what was charged for as long as a call took."""
        self._charged -= size

    def _too_much(self) -> ScriptLimit:
        return ScriptLimit(f'the script holds more than {self.bounds.memory >> 20} MiB')

    # What follows is asked before a value is made, so that a refused one never takes memory.

    def text_size(self, size: int) -> None:
        if size > self.bounds.text:
            raise ScriptLimit(f'a string of {size} characters is longer than the {self.bounds.text} allowed')

    def item_count(self, count: int) -> None:
        if count > self.bounds.items:
            raise ScriptLimit(f'{count} elements are more than the {self.bounds.items} allowed in one value')

    def bit_count(self, bits: int) -> None:
        if bits > self.bounds.integer_bits:
            raise ScriptLimit(f'an integer of {bits} bits is larger than the {self.bounds.integer_bits} bits allowed')
        self.charge(bits >> 3)

    def element_count(self, count: int) -> None:
        if count > self.bounds.tensor_elements:
            raise ScriptLimit(f'a tensor of {count} elements is larger than the {self.bounds.tensor_elements} allowed')


class _Outside:
    __slots__ = ('_meter', '_since')

    def __init__(self, meter: Meter):
        self._meter = meter

    def __enter__(self) -> None:
        self._since = time.monotonic()
        self._meter.growth.node_begins()

    def __exit__(self, *_: object) -> None:
        self._meter.growth.node_ended()
        self._meter.add_outside(time.monotonic() - self._since)

"""Calls that wait until one of their outputs is asked for, as nodes behind a lazy input do in a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .records import Record, Source
from .value_list import Lazy


class WaitingCall:
    """A recorded call that has not been made, or has been since.

    `needs` are the waiting calls whose outputs it takes; `make` makes it once those are made, and returns the outputs.
    """

    __slots__ = ('_make', '_needs', '_outputs', 'record')

    def __init__(self, record: Record, needs: Sequence[WaitingCall], make: Callable[[], tuple[Any, ...]]) -> None:
        self.record = record
        self._needs = tuple(needs)
        self._make: Callable[[], tuple[Any, ...]] | None = make
        self._outputs: tuple[Any, ...] = ()

    @property
    def made(self) -> bool:
        return self._make is None

    def outputs(self) -> tuple[Any, ...]:
        """Makes the call, and before it what it needs, however long that chain is. Raises what a node raises."""
        waiting: list[WaitingCall] = [self]
        while waiting:
            call = waiting[-1]
            missing = next((need for need in call._needs if not need.made), None)
            if missing is not None:
                waiting.append(missing)
                continue
            if call._make is not None:
                call._outputs = call._make()
                call._make, call._needs = None, ()
            waiting.pop()
        return self._outputs


class WaitingOutput(Lazy):
    """An output of a waiting call."""

    __slots__ = ('_slot', 'call')

    def __init__(self, call: WaitingCall, slot: int) -> None:
        self.call = call
        self.mark = None
        self._slot = slot

    @property
    def made(self) -> bool:
        return self.call.made

    @property
    def source(self) -> Source:
        return Source(self.call.record, self._slot)

    def get(self) -> Any:
        return self.call.outputs()[self._slot]

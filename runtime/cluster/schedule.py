"""Which row goes to which worker: rows with the same route to a worker that has had it, and nobody idle beside work."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from .rows import Row

QUEUED_AHEAD = 2
"""Rows that a worker has at a time: one that runs, and the next, so that it never waits for the driver."""


@dataclass
class Attempt:
    """A row, and how often it was tried."""

    row: Row
    tries: int = 0


@dataclass
class WorkerSeat:
    """One worker as the schedule sees it: the rows it has, the oldest first, and the route it is warm for."""

    name: str
    has: deque[Attempt] = field(default_factory=deque)
    route: Hashable = None

    @property
    def is_free(self) -> bool:
        return len(self.has) < QUEUED_AHEAD


class Schedule:
    """Rows that wait, and the workers that have others. `rows` are read as they are needed, `window` ahead at most."""

    def __init__(self, rows: Iterator[Row], window: int) -> None:
        self._rows = rows
        self._window = window
        self._waiting: deque[Attempt] = deque()
        self._more = True
        self.seats: dict[str, WorkerSeat] = {}

    def add(self, name: str) -> None:
        """A worker that is ready for rows."""
        self.seats[name] = WorkerSeat(name)

    def remove(self, name: str) -> deque[Attempt]:
        """A worker that is gone; gives the rows it had, the one it was at first."""
        seat = self.seats.pop(name, None)
        return deque() if seat is None else seat.has

    def put_back(self, attempt: Attempt) -> None:
        """A row to be tried again, before all others."""
        self._waiting.appendleft(attempt)

    def finish(self, name: str, attempt: Attempt) -> None:
        """A worker's row that has been answered."""
        seat = self.seats.get(name)
        if seat is not None and attempt in seat.has:
            seat.has.remove(attempt)

    def is_over(self) -> bool:
        """Whether no row waits, is to come or is at a worker."""
        self._fill()
        return not self._waiting and not self._more and not any(seat.has for seat in self.seats.values())

    def next(self) -> tuple[str, Attempt] | None:
        """A worker and the row for it, or None while every worker has enough or no row waits."""
        self._fill()
        # The emptiest first: one that runs out of rows before one that would only have another in hand.
        free = sorted((seat for seat in self.seats.values() if seat.is_free), key=lambda seat: len(seat.has))
        for seat in free:
            attempt = self._choose(seat)
            if attempt is not None:
                self._waiting.remove(attempt)
                seat.has.append(attempt)
                seat.route = attempt.row.route
                return seat.name, attempt
        return None

    def _choose(self, seat: WorkerSeat) -> Attempt | None:
        taken = {other.route for other in self.seats.values() if other is not seat}
        best: tuple[int, Attempt] | None = None
        for attempt in self._waiting:
            route = attempt.row.route
            rank = 0 if route is None or route == seat.route else 1 if route not in taken else 2
            if rank == 0:
                return attempt
            if best is None or rank < best[0]:
                best = rank, attempt
        if best is None:
            return None
        # A row that is warm elsewhere waits for that worker, unless this one has nothing to do at all.
        return best[1] if best[0] == 1 or not seat.has else None

    def _fill(self) -> None:
        while self._more and len(self._waiting) < self._window:
            row = next(self._rows, None)
            if row is None:
                self._more = False
            else:
                self._waiting.append(Attempt(row))

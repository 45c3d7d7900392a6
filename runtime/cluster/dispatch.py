"""What a pool does as answers come in: finish a row, try it again, replace a worker, take new ones in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from .errors import RowError, WorkerLostError
from .journal import Done, Journal
from .schedule import Attempt, Schedule
from .work import Answer, Failure

log = logging.getLogger('comfy_script')

POLL = 0.25
"""Seconds between looks at whether somebody cancels, or the cluster has changed."""


@dataclass(frozen=True)
class Answered:
    """A worker's answer to a row; None where the worker is gone, with the reason."""

    worker: str
    attempt: Attempt
    answer: Answer | None
    reason: str = ''


class Crew(Protocol):
    """The workers of a pool, as this module needs them."""

    def new(self) -> list[str]:
        """The workers that have become ready since it was asked last. Raises WorkerStartError."""
        ...

    def send(self, worker: str, attempt: Attempt) -> None: ...

    def wait(self, seconds: float) -> list[Answered]:
        """The answers that have come, after waiting for one. A worker that is gone answers once for each row it had."""
        ...

    def replace(self, worker: str, reason: str) -> None:
        """A worker that is gone, or of no use any more: another one starts in its place."""
        ...


class Dispatch:
    """One `map`: rows to workers, answers to results."""

    def __init__(
        self, crew: Crew, schedule: Schedule, journal: Journal | None, retries: int, is_cancelled: Callable[[], bool]
    ) -> None:
        self._crew = crew
        self._schedule = schedule
        self._journal = journal
        self._retries = retries
        self._is_cancelled = is_cancelled

    def rounds(self) -> Iterator[list[Done]]:
        """What has finished since the last round. Ends early where it is cancelled."""
        while not self._schedule.is_over() and not self._is_cancelled():
            for worker in self._crew.new():
                self._schedule.add(worker)
            while (chosen := self._schedule.next()) is not None:
                self._crew.send(*chosen)
            yield [done for answered in self._crew.wait(POLL) for done in self._take(answered)]

    def _take(self, answered: Answered) -> Iterator[Done]:
        worker, attempt, answer = answered.worker, answered.attempt, answered.answer
        if answer is None:
            yield from self._lost(worker, answered.reason)
            return
        self._schedule.finish(worker, attempt)
        attempt.tries += 1
        failure = answer.failure
        if failure is None:
            yield self._finish(attempt, answer, worker, None)
        elif failure.broken:
            self._retire(worker, failure.message)
            yield from self._again(attempt, failure.message, worker)
        elif failure.kind != 'Cancelled':
            yield self._finish(attempt, answer, worker, row_error(attempt, failure))

    def _lost(self, worker: str, reason: str) -> Iterator[Done]:
        """A worker is gone. The row it was at may be why; the ones behind that have not begun."""
        seat = self._schedule.seats.get(worker)
        if seat is None:
            return
        first = seat.has.popleft() if seat.has else None
        self._retire(worker, reason)
        if first is not None:
            first.tries += 1
            yield from self._again(first, reason, worker)

    def _retire(self, worker: str, reason: str) -> None:
        """Another worker takes this one's place, and its rows wait again."""
        log.warning('A worker (%s) is gone: %s; another one starts', worker, reason)
        for attempt in reversed(self._schedule.remove(worker)):
            self._schedule.put_back(attempt)
        self._crew.replace(worker, reason)

    def _again(self, attempt: Attempt, reason: str, worker: str) -> Iterator[Done]:
        if attempt.tries <= self._retries:
            self._schedule.put_back(attempt)
            return
        error = WorkerLostError(
            f'Row {attempt.row.key!r}: its worker died each of the {attempt.tries} times that it was tried: {reason}'
        )
        yield self._finish(attempt, Answer(), worker, error)

    def _finish(self, attempt: Attempt, answer: Answer, worker: str, error: Exception | None) -> Done:
        done = Done(attempt.row.key, (), answer.value, error, attempt.tries, answer.seconds, worker)
        return done if self._journal is None else self._journal.finish(done, answer.files)


def row_error(attempt: Attempt, failure: Failure) -> RowError:
    """What a row ended with, as an exception that names it."""
    line = f', line {failure.line}' if failure.line is not None else ''
    message = f'Row {attempt.row.key!r}{line}: {failure.kind}: {failure.message}'
    return RowError(message, failure.kind, failure.line, failure.traceback)



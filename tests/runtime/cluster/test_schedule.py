"""Which row goes to which worker, and what a dispatch does when workers die: without a cluster, over simulated time."""

from __future__ import annotations

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from comfy_script.runtime.cluster import Done, RowError, WorkerLostError
from comfy_script.runtime.cluster.dispatch import Answered, Dispatch
from comfy_script.runtime.cluster.rows import read_rows
from comfy_script.runtime.cluster.schedule import Attempt, Schedule
from comfy_script.runtime.cluster.work import Answer, Failure


@dataclass
class SimulatedCrew:
    """Workers that take one row per turn. `dies` tells whether the row that a worker is at kills it."""

    workers: int
    dies: Any = None
    fails: Any = None
    has: dict[str, deque[Attempt]] = field(default_factory=dict)
    ran: Counter[str] = field(default_factory=Counter)
    loads: int = 0
    warm: dict[str, Any] = field(default_factory=dict)
    made: int = 0
    starting: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for _ in range(self.workers):
            self.replace('', '')

    def new(self) -> list[str]:
        ready, self.starting = self.starting, []
        self.has |= {name: deque() for name in ready}
        return ready

    def send(self, worker: str, attempt: Attempt) -> None:
        self.has[worker].append(attempt)

    def replace(self, worker: str, reason: str) -> None:
        self.has.pop(worker, None)
        self.made += 1
        self.starting.append(f'w{self.made}')

    def wait(self, seconds: float) -> list[Answered]:
        answers: list[Answered] = []
        for name, queue in self.has.items():
            if not queue:
                continue
            if self.dies is not None and self.dies(queue[0]):
                answers += [Answered(name, attempt, None, 'killed') for attempt in queue]
                continue
            attempt = queue.popleft()
            self.ran[attempt.row.key] += 1
            if self.warm.get(name) != attempt.row.route:
                self.warm[name] = attempt.row.route
                self.loads += 1
            failure = Failure('no', 'ValueError') if self.fails and self.fails(attempt) else None
            answers.append(Answered(name, attempt, Answer(attempt.row.key, failure=failure)))
        return answers


def run(crew: SimulatedCrew, rows: list[dict[str, Any]], route: str | None = None, retries: int = 2) -> list[Done]:
    schedule = Schedule(read_rows(rows, 'id', route), window=64)
    return [done for found in Dispatch(crew, schedule, None, retries, lambda: False).rounds() for done in found]


def ids(count: int) -> list[dict[str, Any]]:
    return [{'id': number} for number in range(count)]


def test_every_row_runs_once():
    crew = SimulatedCrew(4)
    done = run(crew, ids(500))

    assert Counter(one.key for one in done) == Counter(str(number) for number in range(500)) == crew.ran


def test_a_worker_that_dies_costs_nothing_but_time():
    draw = random.Random(7)
    crew = SimulatedCrew(4, dies=lambda attempt: attempt.tries == 0 and draw.random() < 0.1)
    done = run(crew, ids(300))

    assert sorted(int(one.key) for one in done) == list(range(300))
    assert all(one.error is None for one in done)
    assert max(crew.ran.values()) == 1
    assert crew.made > 10


def test_a_row_that_kills_every_worker_fails_alone():
    crew = SimulatedCrew(2, dies=lambda attempt: attempt.row.key == '13')
    done = {one.key: one for one in run(crew, ids(40), retries=2)}

    assert len(done) == 40
    assert isinstance(done['13'].error, WorkerLostError) and done['13'].attempts == 3
    assert all(one.error is None and one.attempts == 1 for key, one in done.items() if key != '13')


def test_what_a_node_raises_is_reported_once():
    crew = SimulatedCrew(2, fails=lambda attempt: attempt.row.key == '3')
    done = {one.key: one for one in run(crew, ids(10))}

    assert crew.ran['3'] == 1
    assert isinstance(done['3'].error, RowError) and done['3'].error.kind == 'ValueError'
    assert done['3'].error.args[0].startswith("Row '3'")


def test_rows_go_where_their_checkpoint_is_warm():
    rows = [{'id': number, 'ckpt': f'c{number % 4}'} for number in range(200)]
    routed, plain = SimulatedCrew(4), SimulatedCrew(4)
    run(routed, rows, route='ckpt')
    random.Random(1).shuffle(rows)
    run(plain, rows)
    unrouted = SimulatedCrew(4)
    shuffled = SimulatedCrew(4)
    run(shuffled, rows, route='ckpt')

    assert routed.loads <= 8
    assert shuffled.loads <= 12
    del unrouted


def test_nobody_is_idle_while_a_warm_worker_has_a_queue():
    crew = SimulatedCrew(4)
    turns = 0
    schedule = Schedule(read_rows([{'id': number, 'ckpt': 'one'} for number in range(100)], 'id', 'ckpt'), 64)
    for _ in Dispatch(crew, schedule, None, 2, lambda: False).rounds():
        turns += 1

    assert turns <= 100 / 4 + 4


@pytest.mark.parametrize('workers', [1, 3])
def test_no_rows_no_results(workers):
    assert run(SimulatedCrew(workers), []) == []

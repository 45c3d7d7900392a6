"""The workers of a pool: Ray actors that are started, replaced when they die, and asked for answers."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from .dispatch import Answered
from .errors import WorkerStartError
from .schedule import Attempt
from .work import Work, WorkerOptions
from .worker import Worker

log = logging.getLogger('comfy_script')

START_TRIES = 3
GROWTH_CHECK = 5.0
"""Seconds between looks at whether the cluster has become larger."""
CANCEL_GRACE = 10.0
SAID_AFTER = 10.0


@dataclass(frozen=True)
class WorkerNeeds:
    """What each worker takes of the cluster, and how many there are: None for as many as the cluster has room for."""

    gpus: float
    cpus: float
    count: int | None


@dataclass
class _Member:
    actor: Any
    starting: Any = None
    running: dict[Any, Attempt] = field(default_factory=dict)


class RayCrew:
    """Actors of `Worker`. All methods but `interrupt` are called by one thread."""

    def __init__(self, ray: Any, options: WorkerOptions, needs: WorkerNeeds) -> None:
        self._ray = ray
        self._options = options
        self._needs = needs
        self._members: dict[str, _Member] = {}
        self._made = 0
        self._failed_starts = 0
        self._checked = 0.0
        self._work: tuple[str, Any] | None = None
        self._actor_class = ray.remote(
            num_gpus=needs.gpus,
            num_cpus=needs.cpus,
            # Restarts and retries are counted here: Ray's own would repeat a row that kills its worker for ever.
            max_restarts=0,
            max_task_retries=0,
            # Interrupts must arrive while a row runs; rows run one after another.
            concurrency_groups={'control': 1},
            max_concurrency=1,
        )(Worker)

    # -- what the pool does

    def grow(self) -> None:
        """Starts the workers that are missing."""
        self._checked = time.monotonic()
        wanted = self._needs.count if self._needs.count is not None else self._room()
        while len(self._members) < max(wanted, 1):
            self._start()

    def wait_until_ready(self, timeout: float) -> None:
        """Waits for one worker, so that what is wrong with all of them is said at once. Raises WorkerStartError."""
        start = time.monotonic()
        said = False
        while not any(member.starting is None for member in self._members.values()):
            self._take_ready(0.5)
            waited = time.monotonic() - start
            if waited > timeout:
                raise WorkerStartError(f'No worker was ready within {timeout:g} seconds. {self._lack()}')
            if waited > SAID_AFTER and not said and self._lack():
                said = True
                log.warning('No worker has room yet. %s', self._lack())

    def _lack(self) -> str:
        """What the cluster has too little of, or nothing."""
        free = self._ray.available_resources()
        wanted = {'GPU': self._needs.gpus, 'CPU': self._needs.cpus}
        lacks = [f'{amount:g} {name}, of which {free.get(name, 0):g} is free' for name, amount in wanted.items()
                 if free.get(name, 0) < amount]
        return f'Each worker needs {" and ".join(lacks)}: close other pools, or ask for less.' if lacks else ''

    def set_work(self, name: str, work: Work) -> None:
        """The work of the rows that follow."""
        self._work = (name, self._ray.put(work))
        for member in self._members.values():
            if member.starting is None:
                self._tell_work(member)

    def ready(self) -> list[str]:
        """The workers that are ready now."""
        return [name for name, member in self._members.items() if member.starting is None]

    def stop(self) -> None:
        """Ends all workers, and what they have left on their disks."""
        members = self._members.values()
        stopping = [member.actor.stop.options(concurrency_group='control').remote() for member in members]
        if stopping:
            self._ray.wait(stopping, num_returns=len(stopping), timeout=CANCEL_GRACE)
        for member in self._members.values():
            self._ray.kill(member.actor, no_restart=True)
        self._members.clear()

    # -- what a dispatch asks (`dispatch.Crew`)

    def new(self) -> list[str]:
        if time.monotonic() - self._checked > GROWTH_CHECK:
            self.grow()
        return self._take_ready(0)

    def send(self, worker: str, attempt: Attempt) -> None:
        assert self._work is not None
        member = self._members[worker]
        member.running[member.actor.run.remote(self._work[0], attempt.row.given)] = attempt

    def wait(self, seconds: float) -> list[Answered]:
        waiting = [ref for member in self._members.values() for ref in member.running]
        waiting += [member.starting for member in self._members.values() if member.starting is not None]
        if not waiting:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(waiting, num_returns=1, timeout=seconds)
        if ready:  # and whatever else is there
            ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0)
        found = set(ready)
        # In the order in which they were sent: the first of a dead worker's rows is the one it was at.
        return [
            self._answer(name, member, ref)
            for name, member in list(self._members.items())
            for ref in list(member.running)
            if ref in found
        ]

    def replace(self, worker: str, reason: str) -> None:
        member = self._members.pop(worker, None)
        if member is not None:
            self._ray.kill(member.actor, no_restart=True)
        if self._needs.count is not None or len(self._members) < self._room():
            self._start()

    def interrupt(self) -> None:
        """Interrupts every row that runs and waits for that; a worker that does not react is replaced."""
        busy = {name: member for name, member in self._members.items() if member.running}
        if not busy or self._work is None:
            return
        for member in busy.values():
            member.actor.interrupt.options(concurrency_group='control').remote(self._work[0])
        running = [ref for member in busy.values() for ref in member.running]
        _ready, rest = self._ray.wait(running, num_returns=len(running), timeout=CANCEL_GRACE)
        for name, member in busy.items():
            if not member.running.keys().isdisjoint(rest):
                log.warning('A worker (%s) did not stop when it was cancelled: it is replaced', name)
                self.replace(name, 'cancelled')
            member.running.clear()

    # -- inside

    def _room(self) -> int:
        resources = self._ray.cluster_resources()
        by_gpu = resources.get('GPU', 0) / self._needs.gpus if self._needs.gpus else float('inf')
        by_cpu = resources.get('CPU', 0) / self._needs.cpus if self._needs.cpus else float('inf')
        room = min(by_gpu, by_cpu)
        return 1 if room == float('inf') else int(room)

    def _start(self) -> None:
        self._made += 1
        actor = self._actor_class.remote(self._options)
        self._members[f'worker-{self._made}'] = _Member(actor, actor.ready.remote())

    def _take_ready(self, seconds: float) -> list[str]:
        starting = {member.starting: name for name, member in self._members.items() if member.starting is not None}
        if not starting:
            return []
        ready, _ = self._ray.wait(list(starting), num_returns=len(starting), timeout=seconds)
        found: list[str] = []
        for ref in ready:
            name = starting[ref]
            try:
                self._ray.get(ref)
            except Exception as error:
                self._start_failed(name, error)
                continue
            self._failed_starts = 0
            member = self._members[name]
            member.starting = None
            self._tell_work(member)
            found.append(name)
        return found

    def _start_failed(self, name: str, error: Exception) -> None:
        self._failed_starts += 1
        reason = str(getattr(error, 'cause', None) or error).strip()
        if self._failed_starts >= START_TRIES:
            raise WorkerStartError(f'Workers do not start: {reason}') from error
        log.warning('A worker did not start: %s; it is tried again', reason)
        self.replace(name, reason)

    def _tell_work(self, member: _Member) -> None:
        if self._work is not None:
            member.actor.set_work.remote(*self._work)

    def _answer(self, name: str, member: _Member, ref: Any) -> Answered:
        attempt = member.running.pop(ref)
        try:
            return Answered(name, attempt, self._ray.get(ref))
        except self._ray.exceptions.RayError as error:
            return Answered(name, attempt, None, _short(error))


def _short(error: Exception) -> str:
    """Ray's reason in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(('Worker unexpectedly', 'The actor died', 'Task was killed'))]
    return (said or lines or [type(error).__name__])[0][:300]

"""`Pool`: the workers of a cluster, and rows that are worked on by them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .crew import RayCrew, WorkerNeeds
from .dispatch import Dispatch
from .errors import ClusterError, RayMissingError
from .given import as_work, worker_options
from .journal import Done, Journal
from .rows import Key, Row, read_rows
from .schedule import QUEUED_AHEAD, Schedule
from .work import FileWork, Work

WINDOW = 8
"""Rows that are read ahead, for each worker: a route is looked for among them."""
START_TIMEOUT = 600.0


class Pool:
    """Workers with a ComfyUI each. Used with `with`: they end with the block.

    - `comfyui`: the ComfyUI folder on every machine of the cluster; None for the one that this pack is installed in;
      False for none, to run plain functions.
    - `gpus`, `cpus`: what each worker takes. Ray gives it its own GPUs (`CUDA_VISIBLE_DEVICES`).
    - `workers`: how many; None for as many as the cluster has room for, also when it grows.
    - `address`: of a Ray cluster ('auto', 'ray://host:10001'); None for the one this process is connected to already,
      else one on this machine.
    - `virtual`: a ComfyUI server for each worker instead of real mode in its process.
    - `args`: ComfyUI's arguments, but for devices and folders, which are each worker's own.
    - `cache`: bytes of outputs of nodes that each worker keeps, so that models stay loaded; True for a share of the
      memory, False for none. For real mode; servers keep their own.
    - `python`: the interpreter for the servers of `virtual`.

    Raises RayMissingError, WorkerStartError, ClusterError.
    """

    def __init__(
        self,
        comfyui: str | os.PathLike[str] | bool | None = None,
        *,
        gpus: float = 1,
        cpus: float = 1,
        workers: int | None = None,
        address: str | None = None,
        virtual: bool = False,
        args: Sequence[str] = (),
        cache: bool | int = True,
        python: str | os.PathLike[str] | None = None,
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        self._options = worker_options(comfyui, gpus, virtual, args, cache, workers, python)
        self._needs = WorkerNeeds(gpus, cpus, workers)
        self._cancelled = threading.Event()
        self._mapping = False
        self._works = 0
        self._ray = import_ray()
        self._own_ray = not self._ray.is_initialized()
        if self._own_ray:
            connect(self._ray, address)
        self._crew = RayCrew(self._ray, self._options, self._needs)
        try:
            self._crew.grow()
            self._crew.wait_until_ready(start_timeout)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def workers(self) -> int:
        """How many workers are ready now."""
        return len(self._crew.ready())

    def map(
        self,
        work: Callable[..., Any] | str | Mapping[str, Any],
        rows: Iterable[Any],
        *,
        key: Key = None,
        out: str | os.PathLike[str] | None = None,
        route: Key = None,
        retries: int = 2,
        bar: bool | None = None,
    ) -> Iterator[Done]:
        """The work for each row, as it finishes: each key once, however often workers die.

        - `work`: a function, called with a row's columns as keywords (a row that is no dict is its one argument), which
          may use nodes by name; or the text of a script, interpreted, whose `main` has the columns as inputs; or an API
          prompt, where the columns are changes such as `{'3.seed': 5}`.
        - `rows`: read as they are needed.
        - `key`: the column, or a function of the row, that names a row; None for its number.
        - `out`: the folder for what is saved. Calling `map` again with it goes on where it stopped: what is finished
          comes first, with `earlier`. Without it files are not kept.
        - `route`: the column, or a function of the row, of what a worker should stay warm for (a checkpoint).
        - `retries`: how often a row whose worker died is tried again. What a node raises is never tried again.
        - `bar`: a progress bar; None for one where there is a terminal.

        Raises ClusterError, DuplicateKeyError, WorkerStartError. What a row ended with is in its `error`.
        """
        return self._map(as_work(work), rows, key, out, route, retries, bar)

    def run_files(
        self, files: Iterable[str | os.PathLike[str]], *, out: str | os.PathLike[str] | None = None, **options: Any
    ) -> Iterator[Done]:
        """Workflows, prompts and outputs that hold one, each run once; a file's key is its path as given.

        Options are those of `map`. Raises what `map` raises, and OSError.
        """
        rows = ({'name': str(file), 'data': Path(file).read_bytes()} for file in files)
        return self._map(FileWork(), rows, 'name', out, options.pop('route', None), **_rest(options))

    def cancel(self) -> None:
        """Ends the `map` that runs, from any thread: rows that are at a worker are interrupted and not finished."""
        self._cancelled.set()

    def close(self) -> None:
        """Ends the workers, and the cluster where it was started here."""
        self._cancelled.set()
        if self._ray.is_initialized():
            self._crew.stop()
            if self._own_ray:
                self._ray.shutdown()

    def _map(
        self,
        work: Work,
        rows: Iterable[Any],
        key: Key,
        out: str | os.PathLike[str] | None,
        route: Key,
        retries: int = 2,
        bar: bool | None = None,
    ) -> Iterator[Done]:
        if self._mapping:
            raise ClusterError('A pool does one `map` at a time: read the first to its end, or make another Pool.')
        self._mapping = True
        self._cancelled.clear()
        try:
            with ExitStack() as stack:
                journal = None if out is None else stack.enter_context(Journal(Path(out)))
                progress = stack.enter_context(_bar(rows, bar))
                self._works += 1
                self._crew.set_work(str(self._works), work)
                for done in self._results(read_rows(rows, key, route), journal, retries):
                    progress.update()
                    yield done
        finally:
            # Also where the caller stops reading, or an error ends it: nothing runs on.
            self._crew.interrupt()
            self._mapping = False

    def _results(self, rows: Iterator[Row], journal: Journal | None, retries: int) -> Iterator[Done]:
        earlier: list[Done] = []

        def unfinished() -> Iterator[Row]:
            for row in rows:
                done = None if journal is None else journal.earlier(row.key)
                if done is None:
                    yield row
                else:
                    earlier.append(done)

        schedule = Schedule(unfinished(), WINDOW * max(1, self.workers) + QUEUED_AHEAD)
        for name in self._crew.ready():
            schedule.add(name)
        for finished in Dispatch(self._crew, schedule, journal, retries, self._cancelled.is_set).rounds():
            yield from earlier
            earlier.clear()
            yield from finished
        yield from earlier


def import_ray() -> Any:
    """Ray, without its statistics. Raises RayMissingError."""
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise RayMissingError(
            'Work over a cluster needs Ray, which this Python does not have: pip install "comfyscript[ray]" '
            '(or pip install "ray>=2.40").'
        ) from error
    return ray


def connect(ray: Any, address: str | None) -> None:
    """Joins a cluster, or starts one on this machine. What workers print stays in Ray's own logs."""
    if address is None:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level='warning')
    else:
        ray.init(address=address, log_to_driver=False, logging_level='warning')


def _rest(options: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(options) - {'retries', 'bar'}
    if unknown:
        raise TypeError(f'run_files has no option {sorted(unknown)[0]!r}')
    return dict(options)


def _bar(rows: Iterable[Any], bar: bool | None) -> Any:
    from tqdm.auto import tqdm

    total = len(rows) if hasattr(rows, '__len__') else None  # type: ignore[arg-type]
    return tqdm(total=total, unit='row', disable=None if bar is None else not bar)

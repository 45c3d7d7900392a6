"""One worker in this process, for engines that start processes themselves (Ray Data, Ray Serve)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .given import as_work, worker_options
from .work import Answer
from .worker import Worker


class LocalWorker:
    """A ComfyUI in this process that takes a row of work at a time.

    Options are those of `Pool`; `gpus=0` runs it on the CPU. Needs Ray, as `Pool` does.
    """

    def __init__(
        self,
        comfyui: str | os.PathLike[str] | bool | None = None,
        *,
        gpus: float = 1,
        virtual: bool = False,
        args: Sequence[str] = (),
        cache: bool | int = True,
        python: str | os.PathLike[str] | None = None,
    ) -> None:
        self._worker = Worker(worker_options(comfyui, gpus, virtual, args, cache, 1, python))
        self._work: object = None
        self._number = 0

    def run(self, work: Callable[..., Any] | str | Mapping[str, Any], given: Any) -> Answer:
        """The work for one row (see `Pool.map`): its value, the files that it saved, or how it failed.

        Raises ClusterError for what is no work.
        """
        if work is not self._work:
            self._number += 1
            self._worker.set_work(str(self._number), as_work(work))
            self._work = work
        return self._worker.run(str(self._number), given)

    def interrupt(self) -> None:
        """End the row that runs, from another thread; it fails as `Cancelled`. The next ones of other work go on."""
        self._worker.interrupt(str(self._number))
        self._work = None

    def close(self) -> None:
        """End it, and remove what it has on the disk."""
        self._worker.stop()

"""Work over many workers, on one machine without a GPU: workers are simulated, their rows sleep.

    python dev.py bench cluster [--real]

1. Overhead of a row: rows that do nothing on one worker, beside the direct call.
2. A worker's start and memory: plain Python, and with `--real` ComfyUI in real mode.
3. Efficiency of 1, 2, 4 and 8 simulated workers: time that sleeping rows would take without any overhead, by the time
   that they took.
4. Checkpoint loads with and without `route`, of four checkpoints in turn on two workers that keep one each.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from comfy_script.runtime.cluster import Pool
from comfy_script.tests.lab import paths

ROWS = 400
SLEEP = 0.25
ROWS_EACH = 24
CHECKPOINTS = 4
ARGS = ('--disable-api-nodes', '--disable-all-custom-nodes')


def main() -> None:
    import ray

    ray.init(num_cpus=8, include_dashboard=False, log_to_driver=False, logging_level='error')
    overhead()
    worker(False)
    if '--real' in sys.argv:
        worker(str(paths.comfyui_folder()))
    for workers in (1, 2, 4, 8):
        efficiency(workers)
    loads(None)
    loads('ckpt')
    ray.shutdown()


def rows_of(count: int) -> list[dict[str, Any]]:
    return [{'id': number, 'ckpt': str(number % CHECKPOINTS)} for number in range(count)]


def timed(pool: Pool, work: Any, rows: list[dict[str, Any]], **options: Any) -> tuple[float, list[Any]]:
    start = time.perf_counter()
    values = [done.value for done in pool.map(work, rows, bar=False, **options)]
    return time.perf_counter() - start, values


def overhead() -> None:
    def nothing(id: int, ckpt: str) -> int:
        return id

    with Pool(False, gpus=0, cpus=0.5, workers=1) as pool:
        timed(pool, nothing, rows_of(50))
        seconds, _ = timed(pool, nothing, rows_of(ROWS))
    print(f'overhead of a row: {seconds / ROWS * 1000:.2f} ms ({ROWS} rows that do nothing, one worker)')


def worker(comfyui: Any) -> None:
    def megabytes(id: int, ckpt: str) -> float:
        import psutil

        return psutil.Process().memory_info().rss / 1e6

    start = time.perf_counter()
    with Pool(comfyui, gpus=0, cpus=0.5, workers=1, args=ARGS if comfyui else ()) as pool:
        seconds = time.perf_counter() - start
        _, (size,) = timed(pool, megabytes, rows_of(1))
    print(f'a worker with {"ComfyUI" if comfyui else "plain Python"}: started in {seconds:.1f} s, {size:.0f} MB')


def efficiency(workers: int) -> None:
    def sleep(id: int, ckpt: str) -> None:
        import time

        time.sleep(0.25)

    with Pool(False, gpus=0, cpus=0.5, workers=workers) as pool:
        while pool.workers < workers:
            timed(pool, sleep, rows_of(workers))
        seconds, _ = timed(pool, sleep, rows_of(ROWS_EACH * workers))
    print(f'{workers} simulated workers: efficiency {SLEEP * ROWS_EACH / seconds:.3f}')


def loads(route: str | None) -> None:
    def load(id: int, ckpt: str) -> int:
        """Whether this row had to load its checkpoint; a worker keeps the last one."""
        import sys
        import time

        time.sleep(0.02)
        is_load = getattr(sys, 'checkpoint_of_benchmark', None) != ckpt
        sys.checkpoint_of_benchmark = ckpt  # type: ignore[attr-defined]
        return int(is_load)

    with Pool(False, gpus=0, cpus=0.5, workers=2) as pool:
        while pool.workers < 2:
            time.sleep(0.1)
            timed(pool, load, rows_of(2))
        _, loaded = timed(pool, load, rows_of(100), route=route)
    print(f'100 rows of {CHECKPOINTS} checkpoints on 2 workers, route={route}: {sum(loaded)} loads')


if __name__ == '__main__':
    main()

"""A table in CSV or Parquet files that is larger than memory, row by row into images, with Ray Data.

    python ray_data.py path/to/ComfyUI rows.csv out

`rows.csv` has the columns `id` and `color`. In `out` there are Parquet files with the columns `id`, `image` (a PNG
file with its script) and `error`. Called again after it was ended in the middle, it goes on where it stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray.data.checkpoint import CheckpointConfig

from comfy_script.runtime.cluster import LocalWorker

BATCH = 16
CPUS = 0.5
"""Of each worker; Ray Data needs some, too, for reading and writing."""


def make(id, color):  # the names of nodes are the worker's
    SaveImage(EmptyImage(64, 64, 1, color), f'row{id}')  # noqa: F821 # type: ignore


class Maker:
    """A ComfyUI in a process of Ray Data's."""

    def __init__(self, comfyui: str, gpus: float, args: Sequence[str]) -> None:
        self.worker = LocalWorker(comfyui, gpus=gpus, args=args)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {'id': batch['id'], 'image': [], 'error': []}
        for values in zip(*batch.values(), strict=True):
            row = {name: value.item() if hasattr(value, 'item') else value for name, value in zip(batch, values)}
            answer = self.worker.run(make, row)
            made['image'].append(next(iter(answer.files.values()), b''))
            made['error'].append('' if answer.failure is None else answer.failure.message)
        return made


def main(comfyui: str, table: Path, out: Path, gpus: float = 1, workers: int = 1, args: Sequence[str] = ()) -> None:
    # Where workers hold every CPU, Ray Data waits for ever for one to read with, and says nothing.
    if not ray.is_initialized():
        ray.init()
    needed, has = workers * CPUS + 1, ray.cluster_resources().get('CPU', 0)
    if has < needed:
        raise SystemExit(f'{workers} workers and Ray Data need {needed:g} CPUs, and the cluster has {has:g}.')

    # On a cluster both folders are on a disk that all machines have.
    ray.data.DataContext.get_current().checkpoint_config = CheckpointConfig(
        id_column='id', checkpoint_path=str(out.with_name(f'{out.name}-checkpoint')), delete_checkpoint_on_success=False
    )
    read = ray.data.read_parquet if table.suffix == '.parquet' else ray.data.read_csv
    rows = read(str(table))
    options: dict[str, Any] = {'num_gpus': gpus} if gpus else {}
    images = rows.map_batches(
        Maker,
        fn_constructor_args=(comfyui, gpus, args),
        batch_size=BATCH,
        num_cpus=CPUS,
        compute=ray.data.ActorPoolStrategy(size=workers),
        **options,
    )
    images.write_parquet(str(out))


if __name__ == '__main__':
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))

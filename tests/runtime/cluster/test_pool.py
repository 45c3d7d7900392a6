"""Pools on a real Ray: a cluster of several nodes in this machine, short rows, and everything that can go wrong."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.runtime.cluster import ClusterError, Done, Pool, RowError, WorkerLostError

ray: Any = pytest.importorskip('ray', reason='Ray is not installed: pip install "comfyscript[ray]"')
pytestmark = [pytest.mark.ray, pytest.mark.timeout(180)]


@pytest.fixture(scope='module')
def cluster(temporary) -> Iterator[Any]:
    """A head without room for workers, and nodes with one GPU each, which they only say they have."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={'num_cpus': 1, 'include_dashboard': False})
    for _ in range(2):
        made.add_node(num_cpus=2, num_gpus=1)
    ray.init(address=made.address, log_to_driver=False, logging_level='error')
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope='module')
def pool(cluster) -> Iterator[Pool]:
    with Pool(False, gpus=1, cpus=0.5) as made:
        yield made


def keys(out: Path) -> Counter[str]:
    """How often each key is finished, by the journal."""
    lines = (out / 'journal.jsonl').read_text(encoding='utf-8').splitlines()
    return Counter(entry['key'] for entry in map(json.loads, lines) if entry['error'] is None)


def test_every_key_once_while_workers_are_killed_and_nodes_come_and_go(cluster, tmp_path):
    marks = tmp_path / 'marks'
    marks.mkdir()

    def work(id: int) -> int:
        import os
        import time
        from pathlib import Path

        time.sleep(0.03)
        if id % 17 == 3:  # kills its worker, the first time
            mark = Path(str(marks), str(id))
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), 9)
        return id * 2

    out = tmp_path / 'out'
    done: list[Done] = []
    with Pool(False, gpus=1, cpus=0.5) as pool:
        for one in pool.map(work, ({'id': number} for number in range(120)), key='id', out=out, bar=False):
            done.append(one)
            if len(done) == 20:
                cluster.remove_node(next(node for node in cluster.worker_nodes))
            if len(done) == 40:
                cluster.add_node(num_cpus=2, num_gpus=1)

    assert sorted(int(one.key) for one in done) == list(range(120))
    assert all(one.error is None and one.value == int(one.key) * 2 for one in done)
    assert keys(out) == Counter(str(number) for number in range(120))
    assert len(list(marks.iterdir())) == 7


def test_a_row_that_always_kills_its_worker_fails_and_harms_no_other(pool, tmp_path):
    def work(id: int) -> int:
        import os

        if id == 2:
            os.kill(os.getpid(), 9)
        return id

    done = {one.key: one for one in pool.map(work, [{'id': n} for n in range(8)], key='id', retries=1, bar=False)}

    assert len(done) == 8
    assert isinstance(done['2'].error, WorkerLostError) and done['2'].attempts == 2
    assert [one.value for key, one in sorted(done.items()) if key != '2'] == [0, 1, 3, 4, 5, 6, 7]


def test_what_a_function_raises_is_its_rows_error_with_its_line(pool):
    def work(id: int) -> int:
        if id == 1:
            raise ValueError(f'no {id}')
        return id

    done = {one.key: one for one in pool.map(work, [{'id': n} for n in range(3)], key='id', bar=False)}

    error = done['1'].error
    assert isinstance(error, RowError) and error.kind == 'ValueError' and done['1'].attempts == 1
    assert str(error).startswith("Row '1', line ") and str(error).endswith('ValueError: no 1')
    assert 'raise ValueError' in error.traceback
    assert [done['0'].value, done['2'].value] == [0, 2]


def test_cancel_ends_it_soon_and_a_second_map_goes_on(pool, tmp_path):
    def work(id: int) -> int:
        import time

        time.sleep(0.1)
        return id

    rows = [{'id': number} for number in range(60)]
    threading.Timer(0.8, pool.cancel).start()
    first = list(pool.map(work, rows, key='id', out=tmp_path, bar=False))
    assert 0 < len(first) < 60

    second = list(pool.map(work, rows, key='id', out=tmp_path, bar=False))

    assert sorted(int(one.key) for one in second) == list(range(60))
    assert {one.key for one in second if one.earlier} == {one.key for one in first}
    assert [one.value for one in second if one.earlier] == [int(one.key) for one in second if one.earlier]
    assert keys(tmp_path) == Counter(str(number) for number in range(60))


def test_a_reader_that_stops_reading_ends_it(pool):
    def work(id: int) -> int:
        return id

    for one in pool.map(work, ({'id': number} for number in range(10_000)), bar=False):
        if one.key == '5':
            break

    assert [one.value for one in pool.map(work, [{'id': 1}], bar=False)] == [1]


def test_arrays_come_back(pool):
    def work(id: int):
        import numpy

        return {'image': numpy.full((4, 4), id), 'text': 'x'}

    (done,) = pool.map(work, [{'id': 3}], bar=False)
    assert done.value['text'] == 'x' and done.value['image'].sum() == 48


def test_what_a_function_closes_over_is_bounded(pool):
    large = b'x' * (11 << 20)

    def work(id: int) -> int:
        return len(large)

    with pytest.raises(ClusterError, match='closes over 11 MiB'):
        list(pool.map(work, [{'id': 1}], bar=False))


@pytest.mark.parametrize('argument', ['--cuda-device', '--cuda-device=1', '--output-directory', '--port'])
def test_what_is_each_workers_own_is_refused(argument):
    with pytest.raises(ClusterError, match='is not for workers'):
        Pool('nowhere', args=[argument, '0'])


def test_nothing_is_left_in_the_temporary_folder(pool, temporary):
    with Pool(False, gpus=0, cpus=0.1, workers=1) as another:
        assert len(list(temporary.glob('comfyscript-*'))) > pool.workers
        assert another.workers == 1

    pool.close()
    with Pool(False, gpus=1, cpus=0.5):  # what workers left that were killed goes when others start
        pass

    assert list(temporary.glob('comfyscript-*')) == []

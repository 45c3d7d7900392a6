"""Faults on a real server: every task ends in a result or an error, none is lost, none ends twice."""

from __future__ import annotations

import collections
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from comfy_script.runtime import (
    Client,
    ConnectError,
    ImageBatchResult,
    NodeError,
    ServerError,
    ServerLostError,
    Task,
    TaskCancelledError,
    TaskProgress,
)
from comfy_script.tests.lab.server import Server
from comfy_script.tests.runtime.client.proxy import Proxy
from comfy_script.tests.runtime.client.test_tasks import wait_for

pytestmark = pytest.mark.server

_colors = iter(range(1, 1 << 24))


def trivial() -> dict[str, Any]:
    """A workflow that takes no time; no two are alike, so that none is cached."""
    image = {'width': 16, 'height': 16, 'batch_size': 1, 'color': next(_colors)}
    return {
        '1': {'class_type': 'EmptyImage', 'inputs': image},
        '2': {'class_type': 'PreviewImage', 'inputs': {'images': ['1', 0]}},
    }


def slow(seconds: float) -> dict[str, Any]:
    """A workflow that takes so long, can be interrupted all the time, and reports progress."""
    prompt = trivial()
    prompt['3'] = {'class_type': 'TestSleep', 'inputs': {'value': ['1', 0], 'seconds': seconds}}
    prompt['2']['inputs']['images'] = ['3', 0]
    return prompt


@pytest.fixture(scope='module')
def shared(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def test_an_id_of_ones_own(shared: Client, server: Server) -> None:
    """The server has it under that id, whoever asks: as soon as it is sent, and when it has run."""
    own = str(uuid.uuid4())
    task = shared.submit(trivial(), prompt_id=own)
    [image] = task.wait(30)
    assert task.prompt_id == own
    with Client(server.url) as another:
        [found] = another.task(own).wait(30)
        assert found.files == image.files


def test_a_file_larger_than_the_server_takes(shared: Client) -> None:
    with pytest.raises(ServerError, match=r'413 \(too large: .*--max-upload-size is 100 MB'):
        shared.upload(bytes(101 << 20), 'too large.bin')
    assert isinstance(shared.submit(trivial()).wait(30)[0], ImageBatchResult)


def running(task: Task) -> bool:
    return task.current_node == '3'


def test_killed_and_started_again(lab: Any, start_server: Any) -> None:
    server: Server = start_server(pack=False, testing=True)
    with Client(server.url, lost_after=300) as client:
        assert isinstance(client.submit(trivial()).wait(30)[0], ImageBatchResult)
        tasks = [client.submit(slow(30)), *(client.submit(trivial()) for _ in range(5))]
        ends: list[Task] = []
        for task in tasks:
            task.add_done_callback(ends.append)
        wait_for(lambda: running(tasks[0]))
        server.process.kill()
        server.process.wait()
        again = Server.start(lab.comfyui, lab.python, server.base, port=_port(server))
        try:
            for task in tasks:
                with pytest.raises(ServerLostError, match='restarted'):
                    task.wait(30)
            assert isinstance(client.submit(trivial()).wait(30)[0], ImageBatchResult)
            wait_for(lambda: len(ends) == len(tasks))
            assert set(ends) == set(tasks)
            killed_for_good(again)
        finally:
            again.process.kill()
            again.process.wait()


def killed_for_good(server: Server) -> None:
    with Client(server.url, lost_after=1) as client:
        tasks = [client.submit(slow(30)), client.submit(trivial())]
        wait_for(lambda: running(tasks[0]), 30)
        server.process.kill()
        for task in tasks:
            with pytest.raises(ServerLostError, match='went away'):
                task.wait(30)
        with pytest.raises(ConnectError):
            client.submit(trivial())


def _port(server: Server) -> int:
    return int(server.url.rpartition(':')[2])


def test_connection_cut(server: Server) -> None:
    proxy = Proxy(_port(server))
    try:
        with Client(proxy.url, lost_after=30) as client:
            over, on, queued = client.submit(slow(0.5)), client.submit(slow(1.5)), client.submit(trivial())
            counts: collections.Counter[Task] = collections.Counter()
            for task in (over, on, queued):
                task.add_done_callback(lambda task: counts.update([task]))
            wait_for(lambda: running(over))
            proxy.refusing = True
            proxy.cut()
            time.sleep(1)
            assert not over.done()
            proxy.refusing = False
            # Ended while the connection was down; running when it came back; still to come.
            for task in (over, on, queued):
                assert isinstance(task.wait(30)[0], ImageBatchResult)
                assert task.wait_result('2')[0].size == (16, 16)
            wait_for(lambda: len(counts) == 3)
            for _ in range(3):
                task = client.submit(slow(0.3))
                wait_for(lambda task=task: running(task))
                proxy.cut()
                assert isinstance(task.wait(30)[0], ImageBatchResult)
            assert set(counts.values()) == {1}
    finally:
        proxy.close()


def test_a_thousand_workflows_from_eight_threads(shared: Client) -> None:
    per_thread, ends = 125, collections.Counter()
    results: list[Any] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            tasks = []
            for _ in range(per_thread):
                task = shared.submit(trivial())
                task.add_done_callback(lambda task: ends.update([task.prompt_id]))
                tasks.append(task)
            results.extend(task.wait(120)[0] for task in tasks)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(180)
    assert errors == []
    assert len(results) == 8 * per_thread
    assert len({result.files[0] for result in results}) == 8 * per_thread
    wait_for(lambda: len(ends) == 8 * per_thread)
    assert set(ends.values()) == {1}
    assert shared.queue.tasks == []


def test_cancel_at_every_stage(shared: Client) -> None:
    # At once, whatever the server is doing with it.
    for delay in (0, 0, 0.001, 0.003, 0.01, 0.03):
        task = shared.submit(slow(20))
        time.sleep(delay)
        assert task.cancel()
        with pytest.raises(TaskCancelledError):
            task.wait(20)
    # In the queue, behind one that goes on.
    first, second, third = (shared.submit(slow(1)) for _ in range(3))
    assert second.cancel()
    with pytest.raises(TaskCancelledError, match='removed from the queue'):
        second.wait(20)
    # While it runs.
    wait_for(lambda: running(third), 10)
    assert isinstance(first.wait(20)[0], ImageBatchResult)
    assert third.cancel()
    with pytest.raises(TaskCancelledError, match=r'interrupted in TestSleep \(node 3'):
        third.wait(20)
    # When it is over.
    assert not first.cancel()
    assert first.state.value == 'finished'
    # All at once.
    tasks = [shared.submit(slow(20)) for _ in range(4)]
    wait_for(lambda: running(tasks[0]), 10)
    shared.queue.cancel_all()
    for task in tasks:
        with pytest.raises(TaskCancelledError):
            task.wait(20)
    assert isinstance(shared.submit(trivial()).wait(20)[0], ImageBatchResult)


def test_progress_and_previews_of_a_real_server(shared: Client) -> None:
    steps: list[TaskProgress] = []
    task = shared.submit(slow(0.2))
    task.add_progress_callback(steps.append)
    task.wait(20)
    wait_for(lambda: steps)
    assert {(step.node_id, step.class_type) for step in steps} == {('3', 'TestSleep')}


def test_errors_of_a_real_server(shared: Client) -> None:
    prompt = trivial()
    prompt['3'] = {'class_type': 'TestSyncError', 'inputs': {'value': ['1', 0]}}
    prompt['2']['inputs']['images'] = ['3', 0]
    task = shared.submit(prompt, origins={'3': ('script.py', 7)})
    with pytest.raises(NodeError) as caught:
        task.wait(20)
    assert caught.value.class_type == 'TestSyncError'
    assert caught.value.origin == ('script.py', 7)
    assert 'Traceback' in caught.value.traceback or 'File "' in caught.value.traceback

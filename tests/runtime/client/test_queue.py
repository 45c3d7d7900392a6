"""The queue as scripts see it, and what is shown while tasks run."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comfy_script.runtime import Client, ServerLostError, TaskCancelledError, WaitTimeoutError, Workflow, queue
from comfy_script.runtime.client.current import find_client, set_default_client
from comfy_script.runtime.client.queue import TaskQueue
from comfy_script.runtime.wire.background import run_sync
from comfy_script.tests.lab import paths
from comfy_script.tests.runtime.client.fake import PROMPT, FakeServer
from comfy_script.tests.runtime.client.test_results import picture
from comfy_script.tests.runtime.client.test_tasks import wait_for


@pytest.fixture
def loaded(client: Client) -> Iterator[Client]:
    before = find_client()
    set_default_client(client)
    yield client
    queue.when_empty(None)
    queue.watch_display(True)
    queue.events.bars._enabled = None
    set_default_client(before)


def preview(client: Client) -> Any:
    return client.nodes.PreviewImage(client.nodes.EmptyImage(8, 8))


def test_put(loaded: Client, fake: FakeServer) -> None:
    fake.auto = True
    output = preview(loaded)
    task = queue.put(output)
    assert task is not None
    assert task.wait_result(output, 5).files
    assert output.wait(5).files
    both = queue.put([preview(loaded), preview(loaded)])
    assert both is not None
    assert len(fake.prompts[-1]['prompt']) == 4
    saved = queue.put(loaded.nodes.SaveImage(loaded.nodes.EmptyImage()))
    assert saved is not None
    assert [node['class_type'] for node in fake.prompts[-1]['prompt'].values()] == ['EmptyImage', 'SaveImage']
    assert queue.put(Workflow()) is None
    assert asyncio.run(queue._put(preview(loaded))) is not None


@pytest.mark.parametrize('how', ['cancelled', 'lost'])
def test_what_was_cancelled_or_lost_can_be_queued_again(loaded: Client, fake: FakeServer, how: str) -> None:
    output = preview(loaded)
    with Workflow(queue=False) as workflow:
        other = preview(loaded)
    first, second = queue.put(output), workflow.queue()
    assert first is not None
    assert second is not None
    if how == 'cancelled':
        queue.cancel_all()
    else:
        fake.stop()
        fake.start()
    for task in first, second:
        wait_for(task.done)
        assert isinstance(task.exception(), TaskCancelledError if how == 'cancelled' else ServerLostError)
    fake.auto = True
    again, both = queue.put(output), workflow.queue()
    assert again is not None
    assert both is not None
    assert output.wait(5).files
    assert other.wait(5).files
    assert queue.put(output) is None
    assert workflow.queue() is None


def test_cancel(loaded: Client, fake: FakeServer) -> None:
    first, second, third = (loaded.submit(PROMPT) for _ in range(3))
    fake.begin(first.prompt_id)
    wait_for(lambda: queue.queue_remaining == 3)
    assert set(queue.tasks) == {first, second, third}
    queue.cancel_remaining()
    for task in second, third:
        with pytest.raises(TaskCancelledError):
            task.wait(5)
    assert not first.done()
    queue.cancel_current()
    with pytest.raises(TaskCancelledError):
        first.wait(5)
    asyncio.run(queue._cancel_all())


def test_workflows_that_make_room_first(loaded: Client, fake: FakeServer) -> None:
    first, second = loaded.submit(PROMPT), loaded.submit(PROMPT)
    fake.begin(first.prompt_id)
    with Workflow(cancel_remaining=True):
        preview(loaded)
    assert second.cancelled()
    assert not first.done()
    with Workflow(cancel_all=True) as wf:
        preview(loaded)
    with pytest.raises(TaskCancelledError):
        first.wait(5)
    assert wf.task is not None
    assert fake.queue == [wf.task.prompt_id]


def test_join(loaded: Client, fake: FakeServer) -> None:
    task = loaded.submit(PROMPT)
    with pytest.raises(WaitTimeoutError):
        queue.join(0.01)
    fake.begin(task.prompt_id)
    fake.fail(task.prompt_id)
    queue.join(5)
    asyncio.run(queue._join())
    assert task.done()


def test_join_awaited(loaded: Client, fake: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    """How the tasks end is no matter of it: nothing is said of their errors."""
    tasks = [loaded.submit(PROMPT), loaded.submit(PROMPT)]

    async def cancel_and_join() -> None:
        joined = asyncio.ensure_future(queue._join())
        await asyncio.sleep(0)
        await queue._cancel_all()
        await joined

    fake.begin(tasks[0].prompt_id)
    asyncio.run(cancel_and_join())
    assert all(task.cancelled() for task in tasks)
    gc.collect()
    assert not caplog.records


def test_when_empty(loaded: Client, fake: FakeServer) -> None:
    fake.auto = True
    calls: list[Any] = []

    def refill(workflow: Workflow) -> Any:
        calls.append(workflow)
        if len(calls) == 4:
            return False
        preview(loaded)
        if len(calls) == 3:
            raise ValueError('no more')
        return None

    queue.when_empty(refill)
    # The third raised: nothing was queued, so nothing became empty again.
    wait_for(lambda: len(calls) == 3)
    assert len(fake.prompts) == 2
    loaded.submit(PROMPT).wait(5)
    wait_for(lambda: len(calls) == 4)
    loaded.submit(PROMPT).wait(5)
    wait_for(lambda: not queue.tasks)
    assert len(calls) == 4
    plain: list[int] = []
    queue.when_empty(lambda: plain.append(1))
    wait_for(lambda: plain)


def test_when_empty_waits_until_it_is(loaded: Client, fake: FakeServer) -> None:
    calls: list[int] = []
    task = loaded.submit(PROMPT)
    queue.when_empty(lambda: calls.append(1))
    fake.begin(task.prompt_id)
    assert calls == []
    fake.finish(task.prompt_id)
    wait_for(lambda: calls)
    assert calls == [1]


@pytest.mark.parametrize(
    ('callback', 'calls'),
    [
        ('def refill(wf): calls.append(1); preview(client); return len(calls) < 4', 4),
        ('def refill(wf): calls.append(1); preview(client) if len(calls) < 3 else None', 3),
        ('def refill(wf): calls.append(1); preview(client); 1 / 0', 1),
        ('def refill(): calls.append(1)', 1),
    ],
)
def test_a_script_ends_when_its_callbacks_are_through(callback: str, calls: int) -> None:
    code = f"""
        import atexit
        from comfy_script.runtime import queue
        from comfy_script.runtime.client.current import set_default_client
        from comfy_script.runtime import Client
        from comfy_script.tests.runtime.client.fake import FakeServer
        from comfy_script.tests.runtime.client.test_queue import preview

        calls = []
        fake = FakeServer(auto=True)
        client = Client(fake.url)
        set_default_client(client)
        atexit.register(lambda: print(len(calls), flush=True))
        client.nodes
        {callback}
        queue.when_empty(refill)
    """
    command = [sys.executable, '-c', textwrap.dedent(code)]
    env = {**os.environ, 'PYTHONPATH': str(paths.SITE)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == [str(calls)], done.stderr


def test_queue_remaining_callbacks(loaded: Client, fake: FakeServer) -> None:
    seen: list[int] = []
    queue.add_queue_remaining_callback(seen.append)
    try:
        wait_for(lambda: seen)
        fake.send('status', status={'exec_info': {'queue_remaining': 7}})
        wait_for(lambda: seen[-1] == 7)
    finally:
        queue.remove_queue_remaining_callback(seen.append)


def test_the_queue_moves_to_the_new_default(make_client: Callable[..., Client], loaded: Client) -> None:
    other = make_client()
    assert loaded.queue is queue
    set_default_client(other)
    assert queue.client is other
    assert other.queue is queue
    assert isinstance(loaded.queue, TaskQueue)
    assert loaded.queue is not queue
    assert loaded.queue.client is loaded


def test_progress_bars(loaded: Client, fake: FakeServer, capsys: Any) -> None:
    def drawn() -> None:
        # What the background loop is handling is told to the bars by then.
        run_sync(asyncio.sleep(0))
        done: list[Any] = []
        loaded.queue.events.bars._dispatcher.call(done.append, 1)
        wait_for(lambda: done)

    def run() -> str:
        task = loaded.submit(PROMPT)
        seen: list[Any] = []
        task.add_progress_callback(seen.append)
        fake.begin(task.prompt_id)
        for value in (1, 2, 3):
            fake.send('progress', prompt_id=task.prompt_id, node='2', value=value, max=3)
        wait_for(lambda: len(seen) == 3)
        drawn()
        fake.finish(task.prompt_id)
        task.wait(5)
        drawn()
        return capsys.readouterr().err

    assert run() == ''
    queue.watch_display(progress=True)
    shown = run()
    assert 'PreviewImage: 100%' in shown
    assert '3/3' in shown
    assert 'queue: ' in shown
    queue.watch_display(False)
    assert run() == ''


class Notebook:
    """As much of IPython as is used: what is displayed, and what replaces it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[str] = []
        self.updates: list[str] = []
        shell = types.SimpleNamespace(kernel=object())
        ipython: Any = types.ModuleType('IPython')
        ipython.get_ipython = lambda: shell
        module: Any = types.ModuleType('IPython.display')
        module.HTML = str
        module.display = self.display
        ipython.display = module
        monkeypatch.setitem(sys.modules, 'IPython', ipython)
        monkeypatch.setitem(sys.modules, 'IPython.display', module)

    def display(self, value: str, display_id: bool = False) -> Any:
        self.shown.append(value)
        return types.SimpleNamespace(update=self.updates.append) if display_id else None


def test_images_in_a_notebook(loaded: Client, fake: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from comfy_script.tests.runtime.client.fake import preview_frame

    notebook = Notebook(monkeypatch)
    fake.files['a.png'] = picture('red')
    task = loaded.submit(PROMPT)
    assert notebook.shown == ['']
    fake.begin(task.prompt_id)
    fake.send_bytes(preview_frame(task.prompt_id, '2', picture('blue')))
    wait_for(lambda: notebook.updates)
    fake.finish(task.prompt_id)
    batch = task.wait(5)[0]
    wait_for(lambda: len(notebook.updates) == 3)
    assert all('<img' in update for update in notebook.updates)
    batch.display(width=50)
    assert 'width:50px' in notebook.shown[-1]
    fake.auto = True
    preview(loaded).display()
    assert len(notebook.shown) == 3
    fake.auto = False
    queue.watch_display(False)
    quiet = loaded.submit(PROMPT)
    fake.begin(quiet.prompt_id)
    fake.finish(quiet.prompt_id)
    quiet.wait(5)
    assert len(notebook.shown) == 3

"""Tasks that are followed: their events, several as they end, found again by another run, cancelled with the script."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import comfy_script
from comfy_script.comfyui.own_folder import OwnFolder
from comfy_script.runtime import (
    Client,
    ComfyUIArgs,
    ServerLostError,
    TaskError,
    TaskEvent,
    TaskState,
    WaitTimeoutError,
    as_completed,
)
from comfy_script.runtime.client import launch
from comfy_script.runtime.client.launch import LaunchedServer
from comfy_script.runtime.client.queue_events import ProgressBars
from comfy_script.tests.runtime.client.fake import PROMPT, FakeServer, preview_frame
from comfy_script.tests.runtime.client.test_tasks import wait_for

PNG = (
    b'\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00'
    b'\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\x89\x99=\x1d\x00\x00\x00\x00IEND\xaeB`\x82'
)


def play(fake: FakeServer, prompt_id: str) -> None:
    fake.begin(prompt_id)
    fake.send('execution_cached', prompt_id=prompt_id, nodes=['1'])
    fake.send('progress', prompt_id=prompt_id, node='2', value=1, max=2)
    fake.send_bytes(preview_frame(prompt_id, '2', PNG))
    fake.finish(prompt_id)


KINDS = ['queued', 'start', 'node', 'cached', 'progress', 'preview', 'output', 'end']


def check(events: list[TaskEvent]) -> None:
    assert [event.kind for event in events] == KINDS
    by_kind = {event.kind: event for event in events}
    assert by_kind['node'].node_id == by_kind['progress'].node_id == by_kind['output'].node_id == '2'
    assert by_kind['cached'].value == ('1',)
    assert (by_kind['progress'].value.value, by_kind['progress'].value.max) == (1, 2)
    assert by_kind['preview'].value.size == (1, 1)
    assert by_kind['output'].value.files[0].filename == 'a.png'
    assert by_kind['end'].value is None


def test_events_of_a_task(fake: FakeServer, client: Client) -> None:
    task = client.submit(PROMPT)
    events = task.events()
    play(fake, task.prompt_id)
    check(list(events))


@pytest.mark.timeout(30)
def test_events_on_a_loop(fake: FakeServer, client: Client) -> None:
    async def main() -> list[TaskEvent]:
        task = await client._submit(PROMPT)
        events = task.events()
        found: list[TaskEvent] = []

        async def follow() -> None:
            found.extend([event async for event in events])

        following = asyncio.create_task(follow())
        # The loop is free meanwhile: nothing would be played if it waited.
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, play, fake, task.prompt_id)
        await following
        return found

    check(asyncio.run(main()))


def test_an_output_comes_before_the_end(fake: FakeServer, client: Client) -> None:
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    output = {'images': [{'filename': 'a.png', 'subfolder': '', 'type': 'temp'}]}
    # As ComfyUI says of a node that it ran before, and that shows nothing.
    fake.send('executed', prompt_id=task.prompt_id, node='1', display_node='1', output=None)
    fake.send('executed', prompt_id=task.prompt_id, node='2', display_node='2', output=output)
    for event in task.events():
        if event.kind == 'output':
            assert event.value.read() == b'file a'
            assert not task.done()
            break
    fake.finish(task.prompt_id)
    # Whoever comes late gets what has been.
    assert [event.kind for event in task.events()] == ['queued', 'output', 'end']


def test_a_failed_task_ends_with_its_error(fake: FakeServer, client: Client) -> None:
    task = client.submit(PROMPT)
    events = task.events()
    fake.begin(task.prompt_id)
    fake.fail(task.prompt_id, exception_type='ValueError', exception_message='no')
    last = list(events)[-1]
    assert last.kind == 'end'
    assert last.value is task.exception()
    assert 'no' in str(last.value)


def test_tasks_as_they_end(fake: FakeServer, client: Client) -> None:
    tasks = [client.submit(PROMPT) for _ in range(3)]
    found = iter(as_completed(tasks, timeout=10))
    for index in (0, 2, 1):
        fake.queue.sort(key=lambda prompt_id: prompt_id != tasks[index].prompt_id)
        fake.begin(tasks[index].prompt_id)
        if index == 2:
            fake.fail(tasks[index].prompt_id, exception_type='ValueError', exception_message='no')
        else:
            fake.finish(tasks[index].prompt_id)
        assert next(found) is tasks[index]
    assert next(found, None) is None


def test_tasks_as_they_end_on_a_loop(fake: FakeServer, client: Client) -> None:
    fake.auto = True

    async def main() -> int:
        tasks = [await client._submit(PROMPT) for _ in range(3)]
        return len([task async for task in as_completed(tasks) if task.done()])

    assert asyncio.run(main()) == 3


def test_no_task_ends_in_time(client: Client) -> None:
    with pytest.raises(WaitTimeoutError):
        next(iter(as_completed([client.submit(PROMPT)], timeout=0.05)))


# Another run of a script


@pytest.mark.parametrize('state', ['queued', 'running', 'finished'])
def test_a_task_is_found_again(state: str, fake: FakeServer, make_client: Callable[..., Client]) -> None:
    prompt_id = make_client().submit(PROMPT).prompt_id
    if state != 'queued':
        fake.begin(prompt_id)
    if state == 'finished':
        fake.finish(prompt_id)
    client = make_client()
    task = client.task(prompt_id)
    assert client.task(prompt_id) is task or state == 'finished'
    assert task.state == TaskState(state)
    if state == 'queued':
        fake.begin(prompt_id)
    if state != 'finished':
        # The messages about it go to the script that queued it.
        fake.finish(prompt_id, tell=False)
    [result] = task.wait(20)
    assert result.files[0].filename == 'a.png'


def test_a_task_that_the_server_does_not_have(client: Client) -> None:
    with pytest.raises(TaskError, match="has no workflow 'gone', in its queue or its history"):
        client.task('gone')


def test_an_id_of_ones_own(fake: FakeServer, client: Client) -> None:
    own = uuid.uuid4()
    task = client.submit(PROMPT, prompt_id=str(own).upper())
    assert task.prompt_id == fake.queue[0] == str(own)
    with pytest.raises(TaskError, match='is in the queue already'):
        client.queue.put(client.nodes.PreviewImage(client.nodes.EmptyImage(8, 8)), prompt_id=own)
    assert len(fake.queue) == 1 and not task.done()
    with pytest.raises(ValueError, match="prompt_id is 'row 1', no UUID"):
        client.submit(PROMPT, prompt_id='row 1')


SCRIPT = """
import sys
from comfy_script.runtime import *
client = load(sys.argv[1], stubs=False)
with Workflow(cancel_on_exit=sys.argv[2] == 'cancel') as wf:
    client.nodes.PreviewImage(client.nodes.EmptyImage(8, 8))
{end}
"""


@pytest.mark.parametrize('end', ['', 'raise KeyboardInterrupt', '1 / 0'])
@pytest.mark.parametrize('how', ['cancel', 'leave'])
def test_a_workflow_that_ends_with_the_script(
    how: str, end: str, fake: FakeServer, tmp_path: Path, lab_site: Any
) -> None:
    (tmp_path / 'script.py').write_text(SCRIPT.format(end=end), encoding='utf-8')
    command = [sys.executable, str(tmp_path / 'script.py'), fake.url, how]
    subprocess.run(command, env=lab_site, timeout=60, capture_output=True)
    assert len(fake.prompts) == 1
    assert len(fake.queue) == (0 if how == 'cancel' else 1)


@pytest.fixture
def lab_site() -> dict[str, str]:
    import os

    from comfy_script.tests.lab import paths

    paths.link(Path(comfy_script.__file__).parent, paths.SITE / 'comfy_script')
    return {**os.environ, 'PYTHONPATH': str(paths.SITE)}


# A server that goes away


def test_the_log_says_that_the_server_went_and_came(
    fake: FakeServer, make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(lost_after=30)
    task = client.submit(PROMPT)
    fake.stop(forget=False)
    wait_for(lambda: not client.tracker.connection.is_up)
    wait_for(lambda: caplog.records)
    fake.start()
    wait_for(lambda: client.tracker.connection.is_up)
    fake.begin(task.prompt_id)
    fake.finish(task.prompt_id)
    task.wait(20)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 2
    assert fake.url in said[0]
    assert 'cannot be reached' in said[0]
    assert said[1] == f'ComfyUI at {fake.url} is back'


def test_a_process_of_ours_that_has_ended_is_not_looked_for(
    fake: FakeServer, make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(lost_after=30)
    task = client.submit(PROMPT)
    ended: list[str] = []
    client.tracker.connection.alive_check = lambda: ended[0] if ended else None
    ended.append('its process ended with code 0')
    fake.stop()
    with pytest.raises(ServerLostError):
        task.wait(20)
    assert 'looked for' not in caplog.text


def test_a_server_that_we_stop_is_not_looked_for(
    fake: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its websocket closes before its process has ended."""
    process = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    server = LaunchedServer(Path(), ComfyUIArgs(), fake.url, process, OwnFolder())
    task = client.submit(PROMPT)
    client.tracker.connection.alive_check = server.ended
    close = launch._close_pipe

    def close_websocket_first(process: subprocess.Popen[bytes]) -> None:
        fake.stop()
        wait_for(task.done, 10)
        close(process)

    monkeypatch.setattr(launch, '_close_pipe', close_websocket_first)
    server.stop()
    assert 'looked for' not in caplog.text


class StubbornProcess:
    """A server's process that does not end when it is asked to. `interrupted_in`: where Ctrl+C comes."""

    def __init__(self, interrupted_in: str) -> None:
        self.interrupted_in = interrupted_in
        self.stdin = self.returncode = None
        self.done: list[str] = []

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> None:
        self.done.append('wait')
        if self.interrupted_in == 'its end':
            self.interrupted_in = ''
            raise KeyboardInterrupt
        if self.returncode is None:
            raise subprocess.TimeoutExpired('server', timeout or 0)

    def kill(self) -> None:
        self.done.append('kill')
        self.returncode = -9


@pytest.mark.parametrize('second', ['cancelling', 'its end'])
def test_a_second_ctrl_c_kills_the_server_at_once(
    second: str, fake: FakeServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    process: Any = StubbornProcess(second)
    server = LaunchedServer(Path(), ComfyUIArgs(), fake.url, process, OwnFolder())
    client.submit(PROMPT)

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, 'wait_done', interrupt)  # the first
    monkeypatch.setattr('comfy_script.runtime.client.endings._noted', False)
    if second == 'cancelling':
        monkeypatch.setattr(launch, '_cancel', interrupt)
    monkeypatch.setattr(launch, '_to_finish', [(server, client)])
    launch._finish_all()
    assert process.done[: process.done.index('kill')] == ([] if second == 'cancelling' else ['wait'])
    assert client.queue.tasks == [] or second == 'cancelling'


def test_a_client_that_is_closed_says_nothing(fake: FakeServer, caplog: pytest.LogCaptureFixture) -> None:
    fake.auto = True
    with Client(fake.url) as client:
        client.submit(PROMPT).wait(10)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_bar_over_the_whole_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = ProgressBars(lambda: 0)
    bars.set(True)
    shown: list[tuple[str, float, float]] = []

    class Bar:
        def __init__(self, title: str, total: float, unit: str = 'step') -> None:
            self.title, self.total, self.n = title, total, 0

        def update(self, more: float) -> None:
            self.n += more
            shown.append((self.title, self.n, self.total))

        def set_postfix_str(self, *_: Any, **__: Any) -> None: ...
        def close(self) -> None: ...

    monkeypatch.setattr('comfy_script.runtime.client.queue_events.new_bar', Bar)
    task: Any = type('Task', (), {'prompt_id': 'p', 'number': 3, 'node_count': 4, 'done': lambda self: False})()
    bars._dispatcher = type('Now', (), {'call': lambda self, function, *args: function(*args)})()  # type: ignore[assignment]
    bars.on_event(task, 'cached', ('1', '2'))
    for node_id in ('3', '4', '4.0.1'):
        bars.on_event(task, 'node', node_id)
    bars.on_event(task, 'end', None)
    assert shown[:3] == [('Workflow 3', 2, 4), ('Workflow 3', 2, 4), ('Workflow 3', 3, 4)]
    assert shown[-1] == ('Workflow 3', 4, 4)

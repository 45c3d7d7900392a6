"""What is on its way to the server: it arrives once, and is known from then on, whoever stops waiting for it."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import pytest

from comfy_script.runtime import Client, ConnectError, WaitTimeoutError
from comfy_script.tests.lab import paths
from comfy_script.tests.runtime.client.fake import IMAGES, PROMPT, FakeServer
from comfy_script.tests.runtime.client.test_tasks import wait_for


def interrupt_main_thread() -> None:
    """As Ctrl+C does."""
    ident = threading.main_thread().ident
    if sys.platform != 'win32' and ident is not None:
        signal.pthread_kill(ident, signal.SIGINT)
    else:
        _thread.interrupt_main()


@pytest.mark.parametrize('wait', [False, True])
def test_ctrl_c_while_the_server_takes_a_prompt(client: Client, fake: FakeServer, wait: bool) -> None:
    """It cannot be taken back, so the task is known: it can be waited for, and cancelled."""
    fake.answer_after = 0.2

    def interrupt() -> None:
        wait_for(lambda: fake.prompts)
        interrupt_main_thread()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        client.submit(PROMPT, wait=wait)
    thread.join()
    (task,) = client.queue.tasks
    assert task.prompt_id == fake.prompts[0]['prompt_id']
    fake.begin(task.prompt_id)
    fake.finish(task.prompt_id)
    assert task.wait(5)[0].output == IMAGES
    assert not client.queue.tasks


@pytest.mark.parametrize('wait', [False, True])
def test_who_is_cancelled_while_the_server_takes_a_prompt(client: Client, fake: FakeServer, wait: bool) -> None:
    fake.answer_after = 0.2
    client.submit(PROMPT).cancel()

    async def give_up() -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(client._submit(PROMPT, wait=wait), 0.1)

    asyncio.run(give_up())
    (task,) = client.queue.tasks
    fake.begin(task.prompt_id)
    fake.finish(task.prompt_id)
    assert task.wait(5)[0].output == IMAGES
    assert not client.queue.tasks


def test_a_client_that_is_closed_while_the_server_takes_a_prompt(client: Client, fake: FakeServer) -> None:
    fake.answer_after = 0.2
    thread = threading.Thread(target=lambda: (wait_for(lambda: fake.prompts), client.close()))
    thread.start()
    with pytest.raises(ConnectError, match='closed'):
        client.submit(PROMPT, wait=True)
    thread.join()


def test_a_large_prompt(client: Client, fake: FakeServer) -> None:
    fake.auto = True
    text = 'ä' * 5_000_000
    prompt = {**PROMPT, '1': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'text': text}}}
    assert client.submit(prompt, wait=True).outputs == {'2': IMAGES}
    assert fake.prompts[-1]['prompt'] == prompt


def test_from_many_threads(client: Client, fake: FakeServer) -> None:
    fake.auto = True
    tasks: list[Any] = []
    threads = [threading.Thread(target=lambda: tasks.extend(client.submit(PROMPT) for _ in range(10))) for _ in 'abcd']
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(task.wait(10)[0].output == IMAGES for task in tasks)
    assert sorted(body['prompt_id'] for body in fake.prompts) == sorted(task.prompt_id for task in tasks)


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system has no fork')
def test_a_forked_process() -> None:
    """It makes a connection of its own, and leaves its parent's alone."""
    code = """
        import os
        from comfy_script.runtime import Client
        from comfy_script.tests.runtime.client.fake import PROMPT, FakeServer

        fake = FakeServer(auto=True)
        client = Client(fake.url)
        client.submit(PROMPT, wait=True)
        child = os.fork()
        if child == 0:
            print('child', client.submit(PROMPT, wait=True).state.value, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print('parent', client.submit(PROMPT, wait=True).state.value, len(fake.prompts), flush=True)
        os._exit(0)
    """
    command = [sys.executable, '-W', 'ignore', '-c', textwrap.dedent(code)]
    env = {**os.environ, 'PYTHONPATH': str(paths.SITE)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.splitlines() == ['child finished', 'parent finished 3'], done.stderr


def test_the_time_of_sending_counts(fake: FakeServer, client: Client) -> None:
    """A server that takes a connection and says nothing, as one that is stopped does."""
    preview = client.nodes.PreviewImage(client.nodes.EmptyImage(8, 8))
    fake.answer_after = 1.5
    begin = time.monotonic()
    with pytest.raises(WaitTimeoutError, match=r'did not take the workflow within 0\.2 seconds'):
        preview.wait(0.2)
    with pytest.raises(WaitTimeoutError):
        client.submit(PROMPT, timeout=0.2)
    assert time.monotonic() - begin < 1.5

"""What a task tells while it runs, and how it ends."""

from __future__ import annotations

import asyncio
import io
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from comfy_script.runtime import (
    Client,
    NodeError,
    PromptRefusedError,
    ServerError,
    TaskCancelledError,
    TaskError,
    WaitTimeoutError,
)
from comfy_script.runtime.wire import tracker as cancelling
from comfy_script.tests.runtime.client.fake import IMAGES, PROMPT, FakeServer, preview_frame


def wait_for(condition: Callable[[], Any], timeout: float = 5) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen'
        time.sleep(0.005)


def test_results(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT)
    assert not task.done()
    assert task.state.value == 'queued'
    fake.begin(task.prompt_id)
    wait_for(lambda: task.current_node == '2')
    assert task.state.value == 'running'
    fake.finish(task.prompt_id)
    results = task.wait(5)
    assert [result.output for result in results] == [IMAGES]
    assert task.wait_result('2').output == IMAGES
    assert task.state.value == 'finished'
    assert results[0].read() == b'file a'


def test_submitted_and_waited_for_in_one(client: Client, fake: FakeServer) -> None:
    fake.auto = True
    accepted: list[Any] = []
    task = client.submit(PROMPT, wait=True, on_accepted=accepted.append)
    assert task.done()
    assert accepted == [task]
    assert task.wait()[0].output == IMAGES


def test_what_ends_a_task_ends_the_wait_for_it(client: Client, fake: FakeServer) -> None:
    accepted: list[Any] = []

    def fail() -> None:
        wait_for(lambda: accepted)
        fake.begin(accepted[0].prompt_id)
        fake.fail(accepted[0].prompt_id, node_id='2', exception_message='no luck')

    thread = threading.Thread(target=fail)
    thread.start()
    with pytest.raises(NodeError, match='no luck') as caught:
        client.submit(PROMPT, wait=True, on_accepted=accepted.append)
    thread.join()
    assert caught.value.task is accepted[0]

    fake.answer_prompt = 400, {'error': {'type': 'x', 'message': 'Not so', 'details': ''}, 'node_errors': {}}
    with pytest.raises(PromptRefusedError, match='Not so'):
        client.submit(PROMPT, wait=True, on_accepted=accepted.append)
    # What no server answers: whatever is made of it, nobody waits for ever.
    fake.answer_prompt = 200, {'node_errors': 'unreadable'}
    with pytest.raises(ServerError, match='not what ComfyUI answers'):
        client.submit(PROMPT, wait=True, on_accepted=accepted.append)
    assert len(accepted) == 1


def test_a_node_without_anything_to_show_has_an_empty_result(client: Client, fake: FakeServer) -> None:
    fake.auto = True
    task = client.submit(PROMPT)
    assert repr(task.wait_result('1', 5)) == 'EmptyResult()'
    with pytest.raises(TaskError, match="'77' is not in"):
        task.wait_result('77', 5)


def test_an_output_is_there_before_the_task_has_ended(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    fake.send('executed', prompt_id=task.prompt_id, node='2', display_node='2', output=IMAGES)
    assert task.wait_result('2', 5).output == IMAGES
    assert not task.done()


def test_awaiting(client: Client, fake: FakeServer) -> None:
    async def main() -> None:
        task = await client._submit(PROMPT)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(task.result('2'), 0.01)
        with pytest.raises(asyncio.TimeoutError):

            async def wait() -> Any:
                return await task

            await asyncio.wait_for(wait(), 0.01)
        await asyncio.to_thread(fake.begin, task.prompt_id)
        await asyncio.to_thread(fake.finish, task.prompt_id)
        assert len(await task) == 1
        assert (await task.result('2')).output == IMAGES

    asyncio.run(main())


def test_a_wait_that_runs_out_leaves_the_task_alone(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT, origins={'2': ('script.py', 12)})
    wait_for(lambda: client.queue.queue_remaining == 1)
    with pytest.raises(WaitTimeoutError, match=r'within 0\.01 seconds; the workflow waits in the queue, which has 1'):
        task.wait(0.01)
    fake.begin(task.prompt_id)
    wait_for(lambda: task.current_node == '2')
    with pytest.raises(TimeoutError, match=r'now in PreviewImage \(node 2, script\.py:12\)'):
        task.wait_result('2', 0.01)
    fake.finish(task.prompt_id)
    assert len(task.wait(5)) == 1


def test_callbacks(client: Client, fake: FakeServer) -> None:
    from PIL import Image

    steps: list[tuple[str, str, float, float]] = []
    previews: list[tuple[str, tuple[int, int]]] = []
    ends: list[Any] = []
    task = client.submit(PROMPT)
    task.add_progress_callback(lambda p: steps.append((p.node_id, p.class_type, p.value, p.max)))
    task.add_preview_callback(lambda t, node, image: previews.append((node, image.size)))
    task.add_done_callback(ends.append)
    removed: list[Any] = []
    task.add_done_callback(removed.append)
    assert task.remove_done_callback(removed.append) == 1
    fake.begin(task.prompt_id)
    for value in (1, 2):
        fake.send('progress', prompt_id=task.prompt_id, node='2', value=value, max=2)
        state = {'value': value, 'max': 2, 'state': 'running', 'node_id': '2'}
        fake.send('progress_state', prompt_id=task.prompt_id, nodes={'2': state})
    picture = io.BytesIO()
    Image.new('RGB', (5, 4)).save(picture, 'PNG')
    fake.send_bytes(preview_frame(task.prompt_id, '2', picture.getvalue()))
    fake.send_bytes(b'\0\0\0\1\0\0\0\2' + picture.getvalue())
    fake.finish(task.prompt_id)
    task.wait(5)
    wait_for(lambda: ends)
    assert steps == [('2', 'PreviewImage', 1, 2), ('2', 'PreviewImage', 2, 2)]
    assert previews == [('2', (5, 4)), ('2', (5, 4))]
    task.add_done_callback(ends.append)
    wait_for(lambda: len(ends) == 2)
    assert ends == [task, task]
    assert removed == []


def test_callbacks_may_call_back_and_raise(client: Client, fake: FakeServer, caplog: Any) -> None:
    fake.auto = True
    more: list[Any] = []

    def bad(task: Any) -> None:
        raise ValueError('in a callback')

    task = client.submit(PROMPT)
    task.add_done_callback(bad)
    task.add_done_callback(lambda _: more.extend(client.submit(PROMPT).wait(5)))
    wait_for(lambda: more)
    assert 'in a callback' in caplog.text


def test_node_errors_name_the_line_of_the_script(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT, origins={'2': ('script.py', 12)})
    fake.begin(task.prompt_id)
    fake.fail(
        task.prompt_id,
        exception_type='ValueError',
        exception_message='too many pixels\n',
        traceback=['  File "nodes.py", line 1\n', 'ValueError\n'],
    )
    with pytest.raises(NodeError) as caught:
        task.wait(5)
    error = caught.value
    assert str(error).startswith('PreviewImage (node 2, script.py:12) failed: ValueError: too many pixels\n')
    assert 'nodes.py' in str(error)
    assert error.origin == ('script.py', 12)
    assert error.task is task
    with pytest.raises(NodeError):
        task.wait_result('2')
    assert task.exception() is error


def test_an_error_that_nobody_waits_for_is_logged(client: Client, fake: FakeServer, caplog: Any) -> None:
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    fake.fail(task.prompt_id, exception_type='ValueError', exception_message='unseen')
    wait_for(task.done)
    wait_for(lambda: 'unseen' in caplog.text)


def test_tracebacks_are_short(client: Client, fake: FakeServer) -> None:
    """However often somebody waits."""
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    fake.fail(task.prompt_id)
    seen = []
    for _ in range(3):
        with pytest.raises(NodeError) as caught:
            task.wait(5)
        seen.append([item.name for item in traceback.extract_tb(caught.value.__traceback__)])
    assert seen == [['test_tracebacks_are_short', 'wait', '_wait_for', 'wait_future']] * 3


def test_interrupts(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT, origins={'2': ('script.py', 12)})
    fake.begin(task.prompt_id)
    fake.fail(task.prompt_id, 'execution_interrupted')
    with pytest.raises(TaskCancelledError, match=r'PreviewImage \(node 2, script.py:12\)'):
        task.wait(5)
    assert task.cancelled()


def test_refused(client: Client, fake: FakeServer) -> None:
    errors = [
        {
            'type': 'value_not_in_list',
            'message': 'Value not in list',
            'details': "ckpt_name: 'anythng' not in a long list",
            'extra_info': {
                'input_name': 'ckpt_name',
                'input_config': [['anything.ckpt', 'other.ckpt'], {}],
                'received_value': 'anythng.ckpt',
            },
        },
        {
            'type': 'required_input_missing',
            'message': 'Required input is missing',
            'details': 'images',
            'extra_info': {'input_name': 'images'},
        },
    ]
    fake.answer_prompt = (
        400,
        {
            'error': {'type': 'x', 'message': 'Prompt outputs failed validation', 'details': '', 'extra_info': {}},
            'node_errors': {'2': {'errors': errors, 'dependent_outputs': ['2'], 'class_type': 'PreviewImage'}},
        },
    )
    with pytest.raises(PromptRefusedError) as caught:
        client.submit(PROMPT, origins={'2': ('script.py', 12)})
    assert str(caught.value).splitlines() == [
        'ComfyUI refused the workflow: Prompt outputs failed validation',
        "  PreviewImage (node 2, script.py:12), input 'ckpt_name': Value not in list: 'anythng.ckpt' is not one that "
        "the server offers (did you mean 'anything.ckpt', 'other.ckpt'?)",
        "  PreviewImage (node 2, script.py:12), input 'images': Required input is missing",
    ]
    assert caught.value.problems[1].input == 'images'
    assert client.queue.tasks == []


@pytest.mark.parametrize(
    'error',
    [
        {
            'type': 'missing_node_type',
            'message': "Node 'X' not found. The custom node may not be installed.",
            'details': "Node ID '#2'",
            'extra_info': {'node_id': '2', 'class_type': 'X', 'node_title': 'X'},
        },
        {
            'type': 'invalid_prompt',
            'message': 'Cannot execute because node X does not exist.',
            'details': "Node ID '#2'",
            'extra_info': {},
        },
    ],
)
def test_a_missing_node_names_the_line(client: Client, fake: FakeServer, error: dict[str, Any]) -> None:
    fake.answer_prompt = 400, {'error': error, 'node_errors': []}
    with pytest.raises(PromptRefusedError, match=r'X \(node 2, script.py:12\)'):
        client.submit(PROMPT, origins={'2': ('script.py', 12)})


def test_some_outputs_refused(client: Client, fake: FakeServer) -> None:
    prompt = PROMPT | {'3': {'class_type': 'PreviewImage', 'inputs': {}}}
    error = {'type': 'required_input_missing', 'message': 'Required input is missing', 'details': 'images'}
    node_errors = {'3': {'errors': [error], 'dependent_outputs': ['3'], 'class_type': 'PreviewImage'}}
    fake.answer_prompt = 200, {'node_errors': node_errors}
    task = client.submit(prompt)
    waiting: list[Any] = []
    thread = threading.Thread(target=lambda: waiting.append(task.wait_result('2', 5)))
    thread.start()
    fake.begin(task.prompt_id)
    fake.finish(task.prompt_id)
    thread.join()
    assert waiting[0].output == IMAGES
    with pytest.raises(PromptRefusedError, match=r'PreviewImage \(node 3\)'):
        task.wait(5)
    with pytest.raises(PromptRefusedError):
        task.wait_result('3', 5)
    assert task.wait_result('2', 5).output == IMAGES


@pytest.mark.parametrize('jobs_route', [False, True])
def test_cancel(client: Client, fake: FakeServer, jobs_route: bool) -> None:
    fake.jobs_route = jobs_route
    running, queued = client.submit(PROMPT), client.submit(PROMPT)
    fake.begin(running.prompt_id)
    assert queued.cancel()
    with pytest.raises(TaskCancelledError, match='removed from the queue'):
        queued.wait(5)
    assert not running.done()
    assert running.cancel()
    with pytest.raises(TaskCancelledError, match='interrupted'):
        running.wait(5)
    assert not running.cancel()
    assert not queued.cancel()


@pytest.mark.parametrize('how', ['task', 'queue'])
def test_an_interrupt_that_the_server_forgets_is_repeated(
    client: Client, fake: FakeServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(cancelling, 'CANCEL_RETRIES', (0.01, 0.02, 0.05))
    fake.interrupts_to_forget = 2
    task = client.submit(PROMPT)
    fake.begin(task.prompt_id)
    wait_for(lambda: task.current_node == '2')
    (task.cancel if how == 'task' else client.queue.cancel_current)()
    with pytest.raises(TaskCancelledError):
        task.wait(5)


def test_a_late_or_second_end_changes_nothing(client: Client, fake: FakeServer) -> None:
    ends: list[Any] = []
    task = client.submit(PROMPT)
    task.add_done_callback(ends.append)
    fake.begin(task.prompt_id)
    fake.finish(task.prompt_id)
    task.wait(5)
    fake.send('execution_error', prompt_id=task.prompt_id, node_id='2')
    fake.send('executing', prompt_id=task.prompt_id, node=None)
    other = client.submit(PROMPT)
    fake.begin(other.prompt_id)
    fake.finish(other.prompt_id)
    other.wait(5)
    wait_for(lambda: ends)
    assert ends == [task]
    assert task.state.value == 'finished'


def test_messages_that_nobody_knows_do_no_harm(client: Client, fake: FakeServer) -> None:
    task = client.submit(PROMPT)
    fake.send('crystools.monitor', gpus=[])
    fake.send('executing', node='5', prompt_id='somebody-else')
    fake.send('progress', value='x')
    fake.send_bytes(b'')
    fake.send_bytes(b'\0\0\0\3\0\0\0\1' + b'2text')
    fake.begin(task.prompt_id)
    fake.finish(task.prompt_id)
    assert len(task.wait(5)) == 1

"""Prompts that follow each other quickly are written by the thread that queues them. Nothing else may differ by it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from asyncio.trsock import TransportSocket
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest
from yarl import URL

from comfy_script.runtime import Client, PromptRefusedError, ServerError, ServerLostError
from comfy_script.runtime.wire import posting
from comfy_script.runtime.wire.background import run_sync, spawn
from comfy_script.runtime.wire.posting import Kept, Posting
from comfy_script.tests.lab import paths
from comfy_script.tests.runtime.client.fake import IMAGES, PROMPT, FakeServer
from comfy_script.tests.runtime.client.test_tasks import wait_for


@pytest.fixture
def warm(make_client: Callable[..., Client], fake: FakeServer) -> Client:
    """A client whose next prompt is written directly."""
    return warmed(make_client(), fake)


def warmed(client: Client, fake: FakeServer) -> Client:
    fake.auto = True
    client.submit(PROMPT, wait=True)
    client.submit(PROMPT, wait=True)
    wait_for(lambda: is_ready(client))
    return client


def is_ready(client: Client) -> bool:
    found = client.tracker.connection._posting
    return found is not None and found._free is not None


def ways(fake: FakeServer) -> list[str]:
    """By what each prompt came: only aiohttp takes compressed answers."""
    headers = [headers for method, path, headers in fake.requests if (method, path) == ('POST', '/prompt')]
    return ['aiohttp' if found['Accept-Encoding'] != 'identity' else 'directly' for found in headers]


def test_prompts_in_quick_succession(warm: Client, fake: FakeServer) -> None:
    assert warm.submit(PROMPT, wait=True).outputs == {'2': IMAGES}
    assert warm.submit(PROMPT).wait(5)[0].output == IMAGES
    assert asyncio.run(asynchronously(warm)).outputs == {'2': IMAGES}
    assert ways(fake) == ['aiohttp', 'aiohttp', 'directly', 'directly', 'directly']
    assert [body['prompt'] for body in fake.prompts] == [PROMPT] * 5


async def asynchronously(client: Client) -> Any:
    return await client._submit(PROMPT, wait=True)


def test_headers(make_client: Callable[..., Client], fake: FakeServer) -> None:
    client = warmed(make_client(headers={'X-Key': 'a key', 'host': 'example.org', 'accept-encoding': 'br'}), fake)
    client.submit(PROMPT, wait=True)
    headers = {name.lower(): value for name, value in fake.requests[-1][2].items()}
    assert ways(fake)[-1] == 'directly'
    assert headers['x-key'] == 'a key'
    assert headers['host'] == 'example.org'
    assert headers['content-type'] == 'application/json'
    assert headers['accept-encoding'] == 'identity'


def test_the_headers_are_those_of_other_requests(make_client: Callable[..., Client], fake: FakeServer) -> None:
    """What is in front of a server may ask for any: for the name of the program, say."""
    client = warmed(make_client(headers={'X-Key': 'ä', 'host': 'example.org:80'}), fake)
    client.submit(PROMPT, wait=True)
    *_, by_aiohttp, directly = [headers for _, path, headers in fake.requests if path == '/prompt']
    assert ways(fake)[-2:] == ['aiohttp', 'directly']
    vary = ('Accept-Encoding', 'Content-Length')
    assert {**directly, **{name: by_aiohttp[name] for name in vary}} == by_aiohttp


def test_a_prefix(make_client: Callable[..., Client]) -> None:
    fake = FakeServer(auto=True, prefix='/one/two')
    try:
        client = make_client(url=fake.url)
        for _ in range(2):
            client.submit(PROMPT, wait=True)
        wait_for(lambda: is_ready(client))
        client.submit(PROMPT, wait=True)
        path, headers = fake.requests[-1][1:]
        assert path == '/one/two/prompt'
        assert headers['Accept-Encoding'] == 'identity'
    finally:
        fake.close()


@pytest.mark.parametrize(
    'options',
    [{'auth': ('user', 'word')}, {'cookies': {'a': 'b'}}, {'session_factory': lambda: aiohttp.ClientSession()}],
    ids=['auth', 'cookies', 'session'],
)
def test_what_is_out_of_the_ordinary(options: Any, make_client: Callable[..., Client], fake: FakeServer) -> None:
    fake.auto = True
    client = make_client(**options)
    for _ in range(4):
        client.submit(PROMPT, wait=True)
        time.sleep(0.02)
    expected = 'directly' if 'auth' in options else 'aiohttp'  # which is a header
    assert ways(fake) == ['aiohttp', 'aiohttp', expected, expected]


def test_a_refused_prompt(warm: Client, fake: FakeServer) -> None:
    fake.answer_prompt = 400, {'error': {'type': 'x', 'message': 'Not so', 'details': ''}, 'node_errors': {}}
    for submit in (lambda: warm.submit(PROMPT, wait=True), lambda: warm.submit(PROMPT)):
        with pytest.raises(PromptRefusedError, match='Not so'):
            submit()
    with pytest.raises(PromptRefusedError, match='Not so'):
        asyncio.run(asynchronously(warm))
    fake.answer_prompt = 502, {'error': 'from a proxy'}
    with pytest.raises(ServerError, match='502'):
        warm.submit(PROMPT)
    assert set(ways(fake)[2:]) == {'directly'}
    assert not warm.queue.tasks


def test_a_server_that_was_restarted(warm: Client, fake: FakeServer) -> None:
    fake.stop()
    fake.start()
    wait_for(lambda: fake.connections == 2)
    assert warm.submit(PROMPT, wait=True).outputs == {'2': IMAGES}
    assert len(fake.prompts) == 3


def test_a_connection_that_breaks_after_the_prompt_arrived(warm: Client, fake: FakeServer) -> None:
    fake.lose_answer = True
    assert warm.submit(PROMPT).wait(5)[0].output == IMAGES
    assert ways(fake)[2:] == ['directly']


def test_a_connection_that_breaks_before_the_prompt_arrived(warm: Client, fake: FakeServer) -> None:
    fake.lose_prompts = 1
    assert warm.submit(PROMPT, wait=True).outputs == {'2': IMAGES}
    assert ways(fake)[2:] == ['directly', 'aiohttp']


def test_a_large_prompt(warm: Client, fake: FakeServer) -> None:
    """It does not fit into the socket at once."""
    text = 'ä' * 5_000_000
    prompt = {**PROMPT, '1': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'text': text}}}
    assert warm.submit(prompt, wait=True).outputs == {'2': IMAGES}
    assert ways(fake)[-1] == 'directly'
    assert fake.prompts[-1]['prompt'] == prompt


def test_from_many_threads(warm: Client, fake: FakeServer) -> None:
    def several() -> None:
        for _ in range(25):
            tasks.append(warm.submit(PROMPT))

    tasks: list[Any] = []
    threads = [threading.Thread(target=several) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({task.prompt_id for task in tasks}) == 200
    for task in tasks:
        assert task.wait(10)[0].output == IMAGES
    assert sorted(body['prompt_id'] for body in fake.prompts[2:]) == sorted(task.prompt_id for task in tasks)
    assert 'directly' in ways(fake)


def test_who_is_cancelled_while_the_server_has_the_prompt(warm: Client, fake: FakeServer) -> None:
    """It cannot be unsaid, so the task goes on and is known."""
    fake.auto, fake.answer_after = False, 0.2

    async def give_up(wait: bool) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(warm._submit(PROMPT, wait=wait), 0.05)

    for wait in True, False:
        asyncio.run(give_up(wait))
        (task,) = warm.queue.tasks
        fake.begin(task.prompt_id)
        fake.finish(task.prompt_id)
        assert task.wait(5)[0].output == IMAGES
        assert not warm.queue.tasks
        wait_for(lambda: is_ready(warm))
    assert set(ways(fake)[2:]) == {'directly'}


@pytest.mark.parametrize('when', ['before it is written', 'when it is written', 'before it is waited for'])
def test_an_interrupt_while_it_is_written(
    when: str, warm: Client, fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl+C can come anywhere. What may be on the server has to be known, or `queue.join()` waits for ever."""

    def interrupt(*args: Any, **kwargs: Any) -> Any:
        if when == 'when it is written':
            write(*args, **kwargs)
        elif when == 'before it is waited for':
            args[0].close()
        raise KeyboardInterrupt

    write = Kept.write
    with monkeypatch.context() as patch:
        if when == 'before it is waited for':
            patch.setattr('comfy_script.runtime.client.client.run_sync', interrupt)
        else:
            patch.setattr(Kept, 'write', interrupt)
        with pytest.raises(KeyboardInterrupt):
            warm.submit(PROMPT)
    warm.queue.join(5)
    assert not warm.queue.tasks
    assert warm.submit(PROMPT, wait=True).outputs == {'2': IMAGES}
    ids = [body['prompt_id'] for body in fake.prompts]
    assert len(ids) == len(set(ids)) == 4


def test_a_client_that_is_closed_meanwhile(
    warm: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By another thread, between two steps of this one."""
    connection = warm.tracker.connection
    kept = connection.take_kept()

    def take_kept() -> Kept | None:
        warm.close()
        return kept

    monkeypatch.setattr(connection, 'take_kept', take_kept)
    with pytest.raises(ServerLostError, match=r'client was closed .* runs it all the same'):
        warm.submit(PROMPT).wait(5)
    assert not caplog.records


def test_an_idle_connection_is_closed(warm: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = warm.tracker.connection._posting
    assert kept is not None
    monkeypatch.setattr(posting, 'MOST_IDLE', 0.05)
    time.sleep(0.1)
    assert kept.take() is None
    wait_for(lambda: not is_ready(warm))
    assert warm.submit(PROMPT, wait=True).outputs == {'2': IMAGES}


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this system has no fork')
def test_a_forked_process() -> None:
    """It makes a connection of its own, and leaves its parent's alone."""
    code = """
        import os, sys
        from comfy_script.runtime import Client
        from comfy_script.tests.runtime.client.fake import PROMPT, FakeServer
        from comfy_script.tests.runtime.client.test_posting import warmed

        fake = FakeServer()
        client = warmed(Client(fake.url), fake)
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
    assert done.stdout.splitlines() == ['child finished', 'parent finished 4'], done.stderr


# -- what answers may look like


class Answering:
    """Answers each request on a connection with the next of some texts, then closes it."""

    def __init__(self, answers: list[bytes], piece: int) -> None:
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.url = URL(f'http://127.0.0.1:{self._listener.getsockname()[1]}/prompt')
        self._answers, self._piece = answers, piece
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError), self._listener, self._listener.accept()[0] as connection:
            for answer in self._answers:
                connection.recv(65536)
                self._send(connection, answer)

    def _send(self, connection: socket.socket, answer: bytes) -> None:
        for start in range(0, len(answer), self._piece):
            connection.sendall(answer[start : start + self._piece])
            if len(answer) < 1000:
                time.sleep(0.001)


@pytest.fixture(params=[1_000_000, 7], ids=['whole', 'in pieces'])
def ask(request: pytest.FixtureRequest) -> Iterator[Callable[..., list[tuple[int, bytes]]]]:
    """What `Posting` makes of answers, one after the other on one connection."""
    made: list[Posting] = []

    def ask(*answers: bytes) -> list[tuple[int, bytes]]:
        server = Answering(list(answers), request.param)
        made.append(Posting(server.url, {}, 5))
        return run_sync(asked(made[-1], len(answers)), 10)

    yield ask
    for item in made:
        run_sync(item.close())


async def keep(made: Posting) -> None:
    """Have a connection kept, as after two requests in quick succession."""
    await made.keep_one()
    await made.keep_one()


async def take(made: Posting) -> Kept:
    await keep(made)
    kept = made.take()
    assert kept is not None
    return kept


async def asked(made: Posting, count: int) -> list[tuple[int, bytes]]:
    await keep(made)
    found = []
    for _ in range(count):
        kept = made.take()
        if kept is None:
            break
        kept.write(b'{}')
        found.append(await made.answer(kept, 5))
    return found


PLAIN = b'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd'


def test_answers_on_one_connection(ask: Callable[..., list[tuple[int, bytes]]]) -> None:
    chunked = (
        b'HTTP/1.1 400 Bad Request\r\ntransfer-encoding: chunked\r\n\r\n'
        b'3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n'
    )
    empty = b'HTTP/1.1 204 \r\nContent-Length: 0\r\n\r\n'
    none = b'HTTP/1.1 204 No Content\r\n\r\n'
    hints = b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n'
    assert ask(PLAIN, chunked, empty, none, hints + PLAIN) == [
        (200, b'abcd'),
        (400, b'abc0123456789'),
        (204, b''),
        (204, b''),
        (200, b'abcd'),
    ]


@pytest.mark.parametrize(
    'answer',
    [
        b'HTTP/1.1 200 OK\r\nconnection: Close\r\nContent-Length: 4\r\n\r\nabcd',
        b'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nabcd',
        b'HTTP/1.1 200 OK\r\n\r\nabcd',
    ],
    ids=['said so', 'old', 'to the end'],
)
def test_answers_after_which_the_connection_is_closed(
    ask: Callable[..., list[tuple[int, bytes]]], answer: bytes
) -> None:
    assert ask(*([answer] if b'Length' not in answer else [answer, PLAIN])) == [(200, b'abcd')]


@pytest.mark.parametrize(
    'answer',
    [
        b'',
        b'HTTP/1.1 200 OK\r\nContent-Length: 4',
        b'HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nabcd',
        b'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabcd',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
        b'What do you want?\r\n\r\n',
        b'\r\n\r\n',
        b'a' * 100_000,
        b'HTTP/1.1 408 Request Time-out\r\nContent-Length: 0\r\n\r\n',
    ],
)
def test_answers_that_are_none(ask: Callable[..., list[tuple[int, bytes]]], answer: bytes) -> None:
    """The server is asked then whether the prompt arrived."""
    with pytest.raises(OSError, match=r'no answer came|closed for being idle'):
        ask(answer)


@pytest.mark.filterwarnings('error')
def test_a_system_that_cannot_share_sockets(
    make_client: Callable[..., Client], fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then everything goes by aiohttp, and no connection is left open (which Python warns of since 3.13)."""

    def refuse(self: TransportSocket) -> socket.socket:
        raise OSError(24, 'Too many open files')

    monkeypatch.setattr(TransportSocket, 'dup', refuse)
    fake.auto = True
    client = make_client()
    for _ in range(5):
        client.submit(PROMPT, wait=True)
    assert ways(fake) == ['aiohttp'] * 5
    gc.collect()


def test_an_answer_before_all_was_read() -> None:
    """That something is too large, say. What is still on its way out must not get mixed with the next."""
    listener = socket.create_server(('127.0.0.1', 0))
    with listener:
        made = Posting(URL(f'http://127.0.0.1:{listener.getsockname()[1]}/'), {}, 5)

        async def ask() -> Any:
            kept = await take(made)
            kept.write(b' ' * 50_000_000)
            await asyncio.sleep(0)
            return await made.answer(kept, 5)

        def refuse() -> None:
            connection.recv(1000)
            connection.sendall(b'HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n')

        asked = spawn(ask())
        with listener.accept()[0] as connection:
            refuse()
            assert asked.result(5) == (413, b'')
            assert made.take() is None
            with contextlib.suppress(ConnectionResetError):
                received = 0
                while data := connection.recv(1_000_000):
                    received += len(data)
                assert received < 49_000_000


def test_a_redirect_is_followed_by_aiohttp(warm: Client, fake: FakeServer) -> None:
    """As without: the address that a server moved to is told, or taken."""

    class Moved(Kept):
        def write(self, body: bytes) -> None:
            self.reader.feed_data(b'HTTP/1.1 307 Temporary Redirect\r\nLocation: /\r\nContent-Length: 0\r\n\r\n')

    found: Any = warm.tracker.connection._posting
    free = found._free
    found._free = Moved(free.head, free.out, free.reader, free.writer, free.used_at)
    assert warm.submit(PROMPT, wait=True).outputs == {'2': IMAGES}
    assert ways(fake) == ['aiohttp'] * 3


def test_a_server_that_does_not_answer() -> None:
    listener = socket.create_server(('127.0.0.1', 0))
    with listener:
        made = Posting(URL(f'http://127.0.0.1:{listener.getsockname()[1]}/'), {}, 5)

        async def wait() -> None:
            kept = await take(made)
            kept.write(json.dumps(PROMPT).encode())
            await made.answer(kept, 0.05)

        with pytest.raises(OSError, match=r'no answer came within 0\.05 seconds'):
            run_sync(wait(), 10)

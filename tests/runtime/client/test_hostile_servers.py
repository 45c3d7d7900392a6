"""Servers that mean harm, or are broken: what they answer is bounded, shown as text, and never a raw error."""

from __future__ import annotations

import asyncio
import gzip
import unicodedata
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from comfy_script.graph import ComfyScriptError
from comfy_script.runtime import Client, NodeError, ServerError
from comfy_script.runtime.wire.connection import Connection, ConnectionOptions, server_error
from comfy_script.runtime.wire.errors import ConnectError, NodeProblem, PromptRefusedError
from comfy_script.runtime.wire.recovery import history_of, queued_ids, queued_prompts
from comfy_script.runtime.wire.results import ResultFile, decode_image, make_result
from comfy_script.tests.runtime.client.fake import PROMPT, FakeServer

MOST = 1 << 20


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(bytes(1 << 16))
    except ConnectionError:
        return response


def packed(data: bytes, encoding: str) -> Any:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=data, headers={'Content-Encoding': encoding})

    return answer


def in_json(data: Any) -> Any:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(data)

    return answer


LARGE: dict[str, Any] = {
    'gzip': packed(gzip.compress(bytes(MOST + 1)), 'gzip'),
    'deflate': packed(zlib.compress(bytes(40 * MOST)), 'deflate'),
    'endless': endless,
}


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    app = web.Application()
    for name, handler in LARGE.items():
        app.router.add_get(f'/{name}', handler)
    for name, answer in SHAPES.items():
        app.router.add_get(f'/{name}/x', in_json(answer))
    async with TestServer(app) as server:
        made = Connection(ConnectionOptions(str(server.make_url('/'))))
        yield made
        await made.close()


@pytest.mark.parametrize('path', LARGE)
async def test_an_answer_is_read_up_to_a_bound(connection: Connection, path: str) -> None:
    with pytest.raises(ServerError, match='more than 1 MB'):
        await asyncio.wait_for(connection.request('GET', path, most=MOST), 60)


CREDENTIALS: dict[str, dict[str, Any]] = {
    'a header': {'headers': {'X-Api-Key': 'secret-1'}},
    'bearer': {'headers': {'Authorization': 'Bearer secret-1'}},
    'a cookie': {'cookies': {'token': 'secret-1'}},
    "a session's own": {'session_factory': lambda: aiohttp.ClientSession(headers={'X-Api-Key': 'secret-1'})},
}


@pytest.mark.parametrize('status', [301, 302, 303, 307, 308])
@pytest.mark.parametrize('given', CREDENTIALS)
async def test_credentials_do_not_follow_a_redirect_to_another_host(given: str, status: int) -> None:
    came: list[Any] = []

    async def other(request: web.Request) -> web.Response:
        came.append((dict(request.headers), request.path))
        return web.json_response({})

    async def moved(request: web.Request) -> web.Response:
        place = f'http://localhost:{elsewhere.port}{request.path}'
        return web.Response(status=status, headers={'Location': place})

    def app(handler: Any) -> web.Application:
        made = web.Application()
        made.router.add_route('*', '/{path:.*}', handler)
        return made

    async with TestServer(app(other)) as elsewhere, TestServer(app(moved)) as server:
        connection = Connection(ConnectionOptions(str(server.make_url('/')), **CREDENTIALS[given]))
        try:
            for ask in (connection.get_json('queue'), connection.post_json('prompt', {}), connection.open()):
                with pytest.raises((ConnectError, ServerError), match=f'http://localhost:{elsewhere.port}'):
                    await asyncio.wait_for(ask, 30)
        finally:
            await connection.close()
    assert came == []


SHAPES: dict[str, Any] = {'list': [], 'text': 'x', 'null': None, 'lists': {'queue_running': [[]], 'a': []}, 'number': 1}


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('ask', [queued_ids, queued_prompts, lambda connection: history_of(connection, 'a')])
async def test_an_answer_of_another_shape_is_one_error(
    connection: Connection, shape: str, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = connection.get_json
    monkeypatch.setattr(connection, 'get_json', lambda path, **options: real(f'{shape}/x', **options))
    with pytest.raises(ServerError, match='is not what ComfyUI answers'):
        await ask(connection)


@pytest.mark.parametrize('answer', [
    {'node_errors': 'x'}, {'node_errors': [1]}, {'node_errors': {'1': 5}}, {'prompt_id': ['a']},
])  # fmt: skip
def test_a_workflow_whose_answer_makes_no_sense_has_ended(fake: FakeServer, client: Client, answer: Any) -> None:
    fake.answer_prompt = (200, answer)
    with pytest.raises(ComfyScriptError):
        client.submit(PROMPT)
    assert client.queue.tasks == []


@pytest.mark.parametrize('answer', [
    {'error': 5, 'node_errors': 'x'}, {'error': {'message': 5}, 'node_errors': {'1': None}}, {'error': None},
])  # fmt: skip
def test_a_refusal_that_makes_no_sense_is_a_refusal(fake: FakeServer, client: Client, answer: Any) -> None:
    fake.answer_prompt = (400, answer)
    with pytest.raises(ComfyScriptError):
        client.submit(PROMPT)


# The terminal

STEERING = ['\x1b]0;title\x07', '\x1b[2J', '\x9b5n', '\u202eevil', '\r hidden', '\x00', '\ud800']


def steers(text: str) -> bool:
    return any(unicodedata.category(letter) in ('Cc', 'Cf', 'Cs') and letter not in '\n\t' for letter in text)


@pytest.mark.parametrize('text', STEERING)
def test_no_error_steers_the_terminal(text: str) -> None:
    problem = NodeProblem('1', text, text, text, None)
    told = NodeError(
        node_id=text, class_type=text, exception_type=text, exception_message=text, traceback=text, origin=None
    )
    errors = [
        server_error('GET', 'http://a/', 500, text.encode('utf-8', 'replace')),
        PromptRefusedError(text, [problem]),
        told,
        ServerError(text),
    ]
    for error in errors:
        assert not steers(str(error))
    str(told).encode()


@pytest.mark.parametrize('text', STEERING)
def test_no_text_of_a_node_steers_the_terminal(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def download(file: ResultFile) -> bytes:
        raise AssertionError

    make_result({'text': [f'a{text}b\n\tc']}, download).display()
    shown = capsys.readouterr().out
    assert not steers(shown)
    assert shown.endswith('b\n\tc\n')


# Files

OTHER_FORMATS = {
    'EPS': b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(%pipe%id) (w) file\n',
    'binary EPS': b'\xc5\xd0\xd3\xc6' + bytes(26) + b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n',
    'WMF': b'\xd7\xcd\xc6\x9a\0\0' + b'\0\0\0\0\x0a\0\x0a\0\xa0\5' + bytes(6) + b'\1\0\t\0' + bytes(60),
    'EMF': b'\1\0\0\0' + bytes(36) + b' EMF' + bytes(60),
}


@pytest.mark.parametrize('name', OTHER_FORMATS)
def test_no_picture_starts_a_program(name: str) -> None:
    from PIL import UnidentifiedImageError

    with pytest.raises(UnidentifiedImageError):
        decode_image(OTHER_FORMATS[name])


@pytest.mark.parametrize('bad', ['gone.png', '', '../..', 'a' * 300 + '.png'])
def test_one_file_that_cannot_be_had_does_not_keep_the_others_from_being_saved(bad: str, tmp_path: Path) -> None:
    async def download(file: ResultFile) -> bytes:
        if file.filename == bad:
            raise ServerError('GET /view answered 404', 404)
        return b'content'

    files = [{'filename': name, 'subfolder': '', 'type': 'output'} for name in ('a.png', bad, 'b.png')]
    with pytest.raises(ServerError, match='404'):
        make_result({'images': files}, download).save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.png', 'b.png']

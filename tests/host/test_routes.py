"""The routes as the page sees them: statuses, reasons, bounds, and no file outside ComfyUI's folders."""

from __future__ import annotations

import ast
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from comfy_script.graph import ComfyScriptError, Schemas
from comfy_script.host import http
from comfy_script.host import routes as panel_routes
from comfy_script.host.reading import TextReader
from comfy_script.host.reading.answers import refusal_of
from comfy_script.panel.errors import RequestError
from comfy_script.tests.host.test_text_reader import late_child
from comfy_script.tests.panel.test_match import NODES, SCRIPT

PROMPT = {
    '1': {'class_type': 'Load', 'inputs': {'name': 'm'}},
    '2': {'class_type': 'Text', 'inputs': {'text': "it's", 'clip': ['1', 1]}},
    '3': {
        'class_type': 'Sample',
        'inputs': {'model': ['1', 0], 'positive': ['2', 0], 'negative': ['2', 0], 'steps': 4, 'on': True},
    },
    '4': {'class_type': 'Save', 'inputs': {'image': ['3', 0], 'name': 'out'}},
}


@pytest.fixture(scope='module')
def reader() -> Iterator[TextReader]:
    reader = TextReader(seconds=60)
    yield reader
    reader.close()


@pytest.fixture
async def client(reader: TextReader) -> AsyncIterator[Any]:
    table = web.RouteTableDef()
    schemas = Schemas.parse(NODES)
    panel_routes.register(table, lambda: schemas, reader)
    app = web.Application()
    app.add_routes(table)
    async with TestClient(TestServer(app)) as client:
        yield client


async def post(client: Any, route: str, body: Any) -> tuple[int, Any]:
    response = await client.post(f'/comfyscript/{route}', json=body)
    return response.status, await response.json()


async def test_prompt_to_script_and_back(client: Any) -> None:
    status, answer = await post(client, 'transpile', {'prompt': PROMPT})
    assert status == 200
    assert set(answer['lines']) == set(PROMPT)
    assert answer['script'].split('\n')[answer['lines']['4'][0] - 1].startswith('Save(')
    status, back = await post(client, 'prompt', {'script': answer['script']})
    assert {node['class_type'] for node in back['prompt'].values()} == {'Load', 'Text', 'Sample', 'Save'}
    assert len(back['workflow']['nodes']) == 4


async def test_style(client: Any) -> None:
    _, answer = await post(client, 'transpile', {'prompt': PROMPT, 'style': {'args': 'keyword'}})
    assert "name='m'" in answer['script']
    status, answer = await post(client, 'transpile', {'prompt': PROMPT, 'style': {'color': 'red'}})
    assert (status, 'color' in answer['error']) == (400, True)


@pytest.mark.parametrize('script, line, words', [
    ('x = (\n', 1, ''),
    (SCRIPT.replace('20', '20, stepz=3'), 4, 'stepz'),
    (SCRIPT + 'Nothing()\n', 6, 'Nothing'),
    ("import os\nos.system('x')\n", 1, 'os'),
    ('while True:\n    pass\n', 1, 'more than'),
])  # fmt: skip
async def test_errors_of_a_script_have_a_line(client: Any, script: str, line: int, words: str) -> None:
    status, answer = await post(client, 'prompt', {'script': script})
    assert status == 200
    assert answer['errors'][0]['line'] == line
    assert words in answer['errors'][0]['message']


@pytest.mark.parametrize('route, body, status', [
    ('transpile', {}, 400),
    ('transpile', {'prompt': 3}, 400),
    ('transpile', [], 400),
    ('transpile', {'prompt': {'1': {'class_type': 3}}}, 422),
    ('transpile', {'workflow': {'nodes': 'none'}}, 422),
    ('prompt', {}, 400),
    ('apply', {'script': ''}, 400),
    ('node', {'workflow': {}, 'nodes': 'all'}, 400),
])  # fmt: skip
async def test_refused(client: Any, route: str, body: Any, status: int) -> None:
    found, answer = await post(client, route, body)
    assert found == status, answer
    assert answer['error']


async def test_not_json(client: Any) -> None:
    response = await client.post('/comfyscript/prompt', data='{"script": ""}', headers={'Content-Type': 'text/plain'})
    assert response.status == 415
    response = await client.post('/comfyscript/prompt', data='{', headers={'Content-Type': 'application/json'})
    assert response.status == 400


async def test_too_large(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_routes, 'MAX_JSON', 1000)
    status, answer = await post(client, 'prompt', {'script': 'x' * 2000})
    assert status == 413
    assert answer['error']


async def stalled(client: Any, route: str, size: int) -> Any:
    """A request whose body has begun, and does not go on."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = f'POST {route} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n'
    writer.write(head.encode() + b'{')
    await writer.drain()
    return reader, writer


async def test_uploads_that_stall_take_no_more_than_their_places(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies are counted before they are read: a dozen of 255 MB each must not be held at once."""
    monkeypatch.setattr(http, 'BODY_SECONDS', 3.0)
    open_ = [await stalled(client, '/comfyscript/file', 255 << 20) for _ in range(6)]
    statuses = [(await reader.readline()).split()[1] for reader, _ in open_[2:]]
    assert statuses == [b'503'] * 4
    # Others are answered meanwhile, and the places are free again afterwards.
    assert (await post(client, 'runnable', {'script': ''}))[0] == 200
    assert [(await reader.readline()).split()[1] for reader, _ in open_[:2]] == [b'408'] * 2
    response = await client.post('/comfyscript/file', params={'filename': 'x.json'}, data=json.dumps(PROMPT).encode())
    assert response.status == 200
    for _, writer in open_:
        writer.close()


async def test_requests_that_stall_are_counted_too(client: Any) -> None:
    open_ = [await stalled(client, '/comfyscript/prompt', 1000) for _ in range(http.MAX_WAITING)]
    status = 0
    for _ in range(100):
        status, _ = await post(client, 'runnable', {'script': ''})
        if status == 503:
            break
    assert status == 503
    for _, writer in open_:
        writer.close()
    while status == 503:
        status, _ = await post(client, 'runnable', {'script': ''})
    assert status == 200


async def test_while_the_process_starts_a_request_has_the_time_of_a_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a slow machine: the first text is not said to take too long before anybody reads it."""
    start, limits, wait_for = tmp_path / 'start', [], asyncio.wait_for

    async def waiting(future: Any, seconds: float) -> Any:
        limits.append(seconds)
        return await wait_for(future, None)

    slow = TextReader(command=late_child(start))
    table = web.RouteTableDef()
    panel_routes.register(table, lambda: Schemas.parse(NODES), slow)
    app = web.Application()
    app.add_routes(table)
    async with TestClient(TestServer(app)) as client:
        monkeypatch.setattr(http, 'asyncio', SimpleNamespace(**{**vars(asyncio), 'wait_for': waiting}))
        asked = [asyncio.create_task(post(client, 'runnable', {'script': 'x = 1'})) for _ in range(2)]
        while limits.count(http.START_SECONDS) < 2 and http.SECONDS not in limits:
            await asyncio.sleep(0.01)
        assert http.SECONDS not in limits
        start.touch()
        assert [status for status, _ in await asyncio.gather(*asked)] == [200, 200]
        assert limits.count(http.SECONDS) == 2
    slow.close()


async def test_runnable(client: Any) -> None:
    text = "'''a\nb'''\n" + SCRIPT
    _, answer = await post(client, 'runnable', {'script': text})
    compile(answer['script'], 'x.py', 'exec')
    assert 'with Workflow():' in answer['script']
    assert "\nb'''" in answer['script'], 'lines inside a string are not indented'
    assert (await post(client, 'runnable', {'script': 'x = ('}))[1]['errors']


async def test_schemas(client: Any) -> None:
    response = await client.get('/comfyscript/schemas')
    answer = await response.json()
    assert [item['name'] for item in answer['nodes']['Text']['inputs']] == ['text', 'clip']
    again = await client.get('/comfyscript/schemas', headers={'If-None-Match': response.headers['ETag']})
    assert again.status == 304


class TestOutput:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        output = tmp_path / 'output'
        (output / 'sub').mkdir(parents=True)
        (output / 'sub' / 'a.json').write_text(json.dumps(PROMPT), encoding='utf-8')
        (tmp_path / 'secret.json').write_text(json.dumps(PROMPT), encoding='utf-8')
        (tmp_path / 'output2').mkdir()
        (tmp_path / 'output2' / 'secret.json').write_text(json.dumps(PROMPT), encoding='utf-8')
        folders = {'output': str(output)}
        monkeypatch.setitem(sys.modules, 'folder_paths', SimpleNamespace(get_directory_by_type=folders.get))
        return output

    async def get(self, client: Any, **query: str) -> int:
        response = await client.get('/comfyscript/output', params=query)
        return response.status

    async def test_found(self, client: Any, folder: Path) -> None:
        response = await client.get('/comfyscript/output', params={'filename': 'a.json', 'subfolder': 'sub'})
        assert 'Save(' in (await response.json())['script']

    @pytest.mark.parametrize('query, status', [
        ({'filename': '../secret.json'}, 403),
        ({'filename': 'secret.json', 'subfolder': '..'}, 403),
        ({'filename': 'secret.json', 'subfolder': '../output2'}, 403),
        ({'filename': '/etc/passwd'}, 400),
        ({'filename': 'passwd', 'subfolder': '/etc'}, 403),
        ({'filename': 'a.json\0.png', 'subfolder': 'sub'}, 400),
        ({'filename': ''}, 400),
        ({'filename': 'missing.png'}, 404),
        ({'filename': 'sub'}, 404),
        ({'filename': 'a.json', 'subfolder': 'sub', 'type': 'models'}, 400),
    ])  # fmt: skip
    async def test_refused(self, client: Any, folder: Path, query: dict[str, str], status: int) -> None:
        assert await self.get(client, **query) == status


async def test_file(client: Any) -> None:
    response = await client.post(
        '/comfyscript/file', params={'filename': '../../x.json'}, data=json.dumps(PROMPT).encode()
    )
    assert 'Save(' in (await response.json())['script']
    response = await client.post('/comfyscript/file', params={'filename': 'x.png'}, data=b'nothing')
    assert response.status in (404, 422)


async def test_apply(client: Any) -> None:
    read = (await post(client, 'prompt', {'script': SCRIPT}))[1]
    _, written = await post(client, 'transpile', {'workflow': read['workflow']})
    _, answer = await post(client, 'apply', {'workflow': read['workflow'], 'script': written['script']})
    assert answer['edits'] == []
    text = written['script'].replace("'cat'", "'cow'")
    _, answer = await post(client, 'apply', {'workflow': read['workflow'], 'script': text})
    assert [(edit['op'], edit['input'], edit['value']) for edit in answer['edits']] == [('set', 'text', 'cow')]


async def test_node(client: Any) -> None:
    read = (await post(client, 'prompt', {'script': SCRIPT}))[1]
    ids = {node['type']: str(node['id']) for node in read['workflow']['nodes']}
    _, answer = await post(client, 'node', {'workflow': read['workflow'], 'nodes': [ids['Sample']]})
    assert [item['type'] for item in answer['inputs']] == ['MODEL', 'CONDITIONING', 'CONDITIONING']
    assert answer['outputs'] == [{'type': 'IMAGE', 'to': [[ids['Save'], 'image']]}]
    assert answer['script'].startswith('def main(model: Model,')
    status, _ = await post(client, 'node', {'workflow': read['workflow'], 'nodes': ['99']})
    assert status == 400


async def test_texts_stay_what_they_are_in_a_node(client: Any) -> None:
    text = 'a first line of a prompt, ' + 'and on, ' * 8 + 'end\n\n\n    indented, masterpiece, best quality\nlast line'
    script = SCRIPT.replace("'cat'", repr(text))
    read = (await post(client, 'prompt', {'script': script}))[1]
    nodes = [str(node['id']) for node in read['workflow']['nodes'] if node['type'] in ('Text', 'Sample')]
    _, answer = await post(client, 'node', {'workflow': read['workflow'], 'nodes': nodes})
    tree = ast.parse(answer['script'])

    assert "'''" in answer['script']
    assert text in [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]


@pytest.mark.parametrize('error', [RequestError('no', 409), ComfyScriptError('wrong'), MemoryError(), KeyError('x')])
async def test_what_fails_in_the_server_is_told_as_what_fails_in_the_child(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(request: Any) -> web.Response:
        raise error

    response = await http.guarded(fails)(SimpleNamespace(path='/comfyscript/x'))  # type: ignore[arg-type]

    told = refusal_of(error)
    assert isinstance(response, web.Response)
    assert (response.status, json.loads(str(response.text))) == (told.status, {'error': told.error})
    assert bool(caplog.records) == bool(told.log)

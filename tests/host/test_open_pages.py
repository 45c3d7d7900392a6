"""The channel between agents and the open page: who may use it, and which page is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from comfy_script.host import open_pages
from comfy_script.host.open_pages import OpenPages
from comfy_script.host.page_routes import register_pages

ASK = {'ask': 'open_graph', 'agent': 'Tester'}


class ComfyServer:
    """`PromptServer`, as far as the pages use it."""

    def __init__(self) -> None:
        self.sockets: dict[str, object] = {}
        self.sent: asyncio.Queue[tuple[str, dict[str, Any], str]] = asyncio.Queue()

    def send_sync(self, event: str, data: dict[str, Any], sid: str) -> None:
        self.sent.put_nowait((event, data, sid))


class Channel:
    def __init__(self, comfyui: ComfyServer, client: Any) -> None:
        self.comfyui = comfyui
        self.client = client

    async def post(self, route: str, data: Any, **headers: str) -> tuple[int, Any]:
        named = {name.replace('_', '-'): value for name, value in headers.items()}
        response = await self.client.post(f'/comfyscript/agent{route}', json=data, headers=named)
        return response.status, await response.json()

    async def page(self, client: str, age: float = 0) -> None:
        self.comfyui.sockets[client] = object()
        assert (await self.post('/page', {'client': client, 'age': age}))[0] == 200


@pytest.fixture
async def channel() -> AsyncIterator[Channel]:
    comfyui = ComfyServer()
    table = web.RouteTableDef()
    register_pages(table, OpenPages(comfyui, seconds=0.5))
    app = web.Application()
    app.add_routes(table)
    async with TestClient(TestServer(app)) as client:
        yield Channel(comfyui, client)


async def asked(channel: Channel, question: Any, answer: Any) -> tuple[str, int, Any]:
    """The page that got the question, and what the agent got."""
    waiting = asyncio.ensure_future(channel.post('', question))
    event, data, page = await asyncio.wait_for(channel.comfyui.sent.get(), 5)
    assert event == open_pages.EVENT
    assert (await channel.post('/answer', {**answer, 'token': data['token']}))[0] == 200
    return page, *await waiting


async def test_the_page_that_was_looked_at_last_is_asked(channel: Channel) -> None:
    await channel.page('old', age=60)
    await channel.page('new', age=1)
    await channel.page('middle', age=30)
    assert await asked(channel, ASK, {'script': 'x'}) == ('new', 200, {'script': 'x', 'pages': 3})
    del channel.comfyui.sockets['new']
    assert (await asked(channel, ASK, {}))[0] == 'middle'


async def test_where_none_is_open_that_is_said(channel: Channel) -> None:
    status, answer = await channel.post('', ASK)
    assert (status, 'open in no browser' in answer['error']) == (409, True)
    await channel.page('gone')
    channel.comfyui.sockets.clear()
    assert (await channel.post('', ASK))[0] == 409


async def test_a_page_that_sleeps_is_not_waited_for(channel: Channel) -> None:
    await channel.page('asleep')
    status, answer = await channel.post('', ASK)
    assert (status, 'did not answer within 0.5 s' in answer['error']) == (504, True)
    token = channel.comfyui.sent.get_nowait()[1]['token']
    assert (await channel.post('/answer', {'token': token}))[0] == 404


async def test_what_nobody_waits_for_any_more_is_not_begun(channel: Channel) -> None:
    await channel.page('slow')
    status, _ = await channel.post('', {**ASK, 'ask': 'apply', 'script': 'x'})
    token = channel.comfyui.sent.get_nowait()[1]['token']
    assert (status, (await channel.post('/begin', {'token': token}))[0]) == (504, 404)


async def test_a_page_that_has_begun_gets_its_time_anew(channel: Channel) -> None:
    await channel.page('page')
    waiting = asyncio.ensure_future(channel.post('', {**ASK, 'ask': 'apply', 'script': 'x'}))
    token = (await asyncio.wait_for(channel.comfyui.sent.get(), 5))[1]['token']
    assert (await channel.post('/begin', {'token': token}))[0] == 200
    status, answer = await waiting
    assert (status, 'has begun and does not answer' in answer['error']) == (504, True)


@pytest.mark.parametrize('headers', [{'Origin': 'http://evil.example'}, {'Sec_Fetch_Site': 'cross-site'}])
@pytest.mark.parametrize('route', ['', '/page', '/begin', '/answer'])
async def test_no_other_site_gets_in(channel: Channel, route: str, headers: dict[str, str]) -> None:
    await channel.page('page')
    assert (await channel.post(route, {**ASK, 'client': 'page', 'token': 'x'}, **headers))[0] == 403
    assert channel.comfyui.sent.empty()


async def test_no_page_at_all_asks_as_an_agent(channel: Channel) -> None:
    await channel.page('page')
    own = f'http://127.0.0.1:{channel.client.port}'
    assert (await channel.post('', ASK, Origin=own, Sec_Fetch_Site='same-origin'))[0] == 403
    assert (await channel.post('/page', {'client': 'page'}, Origin=own))[0] == 200


async def test_forms_and_oddities_are_refused(channel: Channel) -> None:
    response = await channel.client.post('/comfyscript/agent', data='{"ask": "apply"}')
    assert response.status == 415
    for odd in ({}, {'ask': 'eval'}, {'ask': 'apply', 'script': 1}):
        assert (await channel.post('', odd))[0] == 400
    assert (await channel.post('/page', {'client': 1}))[0] == 400
    assert (await channel.post('/answer', {'token': 'guessed'}))[0] == 404


async def test_an_agents_name_is_short_and_one_line(channel: Channel) -> None:
    await channel.page('page')
    question = {**ASK, 'agent': 'Nice\n\n' + 'x' * 500}
    waiting = asyncio.ensure_future(channel.post('', question))
    _, data, _ = await asyncio.wait_for(channel.comfyui.sent.get(), 5)
    assert data['agent'].startswith('Nice x')
    assert len(data['agent']) <= 60
    await waiting

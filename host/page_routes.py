"""The routes between agents and the open page (docs/routes.md).

An agent's program asks beside ComfyUI; no page of any site may do so. Pages answer; none of another site may.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from ..panel.errors import RequestError
from .http import MAX_JSON, guarded, json_response, read_body
from .open_pages import OpenPages
from .reading.answers import encode, parse_object
from .users import current_user

QUESTIONS = ('open_graph', 'apply')
LONGEST_NAME = 60


def register_pages(routes: web.RouteTableDef, pages: OpenPages) -> None:
    """Adds the channel to ComfyUI's routes."""

    @routes.post('/comfyscript/agent')
    @guarded
    async def of_agent(request: web.Request) -> web.StreamResponse:
        if 'Origin' in request.headers or 'Sec-Fetch-Site' in request.headers:
            raise RequestError('this is for agents beside ComfyUI, not for pages', 403)
        question = await _json(request)
        return json_response(encode(await pages.ask(current_user(), _question(question))))

    @routes.post('/comfyscript/agent/page')
    @guarded
    async def of_page(request: web.Request) -> web.StreamResponse:
        data = await _of_our_page(request)
        client, age = data.get('client'), data.get('age', 0)
        if not isinstance(client, str) or not client or isinstance(age, bool) or not isinstance(age, (int, float)):
            raise RequestError('a page says its client id, and how many seconds ago it was looked at')
        pages.announce(client, current_user(), age)
        return json_response(b'{}')

    @routes.post('/comfyscript/agent/begin')
    @guarded
    async def of_beginning(request: web.Request) -> web.StreamResponse:
        pages.begin(str((await _of_our_page(request)).get('token', '')))
        return json_response(b'{}')

    @routes.post('/comfyscript/agent/answer')
    @guarded
    async def of_answer(request: web.Request) -> web.StreamResponse:
        data = dict(await _of_our_page(request))
        pages.answer(str(data.pop('token', '')), data)
        return json_response(b'{}')


def _question(data: Mapping[str, Any]) -> dict[str, Any]:
    """Checked, and bounded. Raises RequestError."""
    ask, script, read = data.get('ask'), data.get('script', ''), data.get('read', '')
    if ask not in QUESTIONS:
        raise RequestError(f'ask must be one of {", ".join(QUESTIONS)}')
    if not isinstance(script, str) or not isinstance(read, str):
        raise RequestError('script and read must be texts')
    agent = ' '.join(str(data.get('agent') or 'An agent').split())[:LONGEST_NAME]
    return {'ask': ask, 'script': script, 'read': read[:100], 'agent': agent}


async def _of_our_page(request: web.Request) -> Mapping[str, Any]:
    """ComfyUI's own check is off with `--enable-cors-header`, and holds for loopback alone. Raises RequestError 403."""
    site, origin = request.headers.get('Sec-Fetch-Site'), request.headers.get('Origin')
    ours = site == 'same-origin' if site else origin is None or urlsplit(origin).netloc == request.headers.get('Host')
    if not ours:
        raise RequestError('this is for pages of this server alone', 403)
    return await _json(request)


async def _json(request: web.Request) -> Mapping[str, Any]:
    # A page of another site can send no JSON without asking first.
    if request.content_type != 'application/json':
        raise RequestError('the request must be application/json', 415)
    return parse_object(await read_body(request, MAX_JSON))

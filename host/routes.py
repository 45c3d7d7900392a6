"""The HTTP routes under `/comfyscript/` that the panel talks to (docs/routes.md)."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from ..graph import Schemas
from ..panel.errors import RequestError
from .http import (
    MAX_FILE,
    MAX_JSON,
    MAX_UPLOADS,
    START_SECONDS,
    Desk,
    Handler,
    Seat,
    guarded,
    json_response,
    read_body,
    save_body,
)
from .reading import Question, TextReader
from .reading.answers import encode
from .viewed_files import output_path, suffix_of

POSTED = ('transpile', 'prompt', 'apply', 'merge', 'node', 'runnable', 'for_agent', 'signature')
"""Routes that take JSON and give JSON; `panel/service.py` answers them."""


def register(routes: web.RouteTableDef, get_schemas: Callable[[], Schemas], given: TextReader | None = None) -> None:
    """Adds every route to ComfyUI's `PromptServer.instance.routes`.

    `get_schemas` is asked in a worker thread, once per request; it may be slow the first time. What comes
    is read in a process of its own, or by `given`.
    """
    desk = Desk()
    reader = given or TextReader()
    uploads = asyncio.Semaphore(MAX_UPLOADS)

    async def answered(seat: Seat, function: Callable[..., bytes], what: Any) -> web.Response:
        """What the worker makes of it; a start that it has to wait for is no part of its time."""
        if not reader.is_ready:
            await seat.work(_get_ready, reader, get_schemas, seconds=START_SECONDS)
        return json_response(await seat.work(function, reader, what, get_schemas))

    def posted(name: str) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            if request.content_type != 'application/json':
                raise RequestError('the request must be application/json', 415)
            async with desk.seat() as seat:
                body = await read_body(request, MAX_JSON)
                return await answered(seat, _ask, Question(name, body))

        return guarded(handler)

    for name in POSTED:
        routes.post(f'/comfyscript/{name}')(posted(name))

    @routes.post('/comfyscript/file')
    @guarded
    async def of_file(request: web.Request) -> web.StreamResponse:
        if uploads.locked():
            raise RequestError('too many files at once; try again in a moment', 503)
        async with uploads, desk.seat() as seat:
            with tempfile.TemporaryDirectory(prefix='comfyscript-', ignore_cleanup_errors=True) as folder:
                path = Path(folder) / f'file{suffix_of(request.query.get("filename", ""))}'
                await save_body(request, MAX_FILE, path)
                return await answered(seat, _ask, Question('file', path=str(path), query=dict(request.query)))

    @routes.get('/comfyscript/output')
    @guarded
    async def of_output(request: web.Request) -> web.StreamResponse:
        async with desk.seat() as seat:
            return await answered(seat, _of_output, dict(request.query))

    @routes.get('/comfyscript/schemas')
    @guarded
    async def schemas(request: web.Request) -> web.StreamResponse:
        async with desk.seat() as seat:
            body: bytes = await seat.work(_schemas, reader, get_schemas, seconds=START_SECONDS)
        tag = hashlib.sha1(body).hexdigest()
        headers = {'ETag': f'"{tag}"', 'Cache-Control': 'no-cache'}
        if tag in request.headers.get('If-None-Match', ''):
            return web.Response(status=304, headers=headers)
        response = web.Response(body=body, content_type='application/json', headers=headers)
        response.enable_compression()
        return response


# Run in the worker thread.


def _get_ready(reader: TextReader, get_schemas: Callable[[], Schemas]) -> None:
    reader.start()  # it imports while the nodes are asked
    get_schemas()
    reader.get_ready()


def _ask(reader: TextReader, question: Question, get_schemas: Callable[[], Schemas]) -> bytes:
    return reader.ask(question, get_schemas())


def _of_output(reader: TextReader, query: dict[str, str], get_schemas: Callable[[], Schemas]) -> bytes:
    return reader.ask(Question('output', path=str(output_path(query)), query=query), get_schemas())


def _schemas(reader: TextReader, get_schemas: Callable[[], Schemas]) -> bytes:
    from ..panel.service import answer_schemas

    # The panel has been opened: the first script is asked for next.
    reader.start()
    return encode(answer_schemas(get_schemas()))


__all__ = ['register']

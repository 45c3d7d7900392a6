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
    Desk,
    Handler,
    encode,
    guarded,
    json_response,
    parse_object,
    read_body,
    save_body,
)
from .viewed_files import output_path, suffix_of

POSTED = ('transpile', 'prompt', 'apply', 'merge', 'node', 'runnable', 'signature')
"""Routes that take JSON and give JSON; `panel/service.py` answers them."""


def register(routes: web.RouteTableDef, get_schemas: Callable[[], Schemas]) -> None:
    """Adds every route to ComfyUI's `PromptServer.instance.routes`.

    `get_schemas` is asked in a worker thread, once per request; it may be slow the first time.
    """
    desk = Desk()
    uploads = asyncio.Semaphore(MAX_UPLOADS)

    def posted(name: str) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            if request.content_type != 'application/json':
                raise RequestError('the request must be application/json', 415)
            async with desk.seat() as seat:
                body = await read_body(request, MAX_JSON)
                return json_response(await seat.work(_answer, name, body, get_schemas))

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
                return json_response(await seat.work(_of_upload, path, request.query, get_schemas))

    @routes.get('/comfyscript/output')
    @guarded
    async def of_output(request: web.Request) -> web.StreamResponse:
        async with desk.seat() as seat:
            return json_response(await seat.work(_of_output, request.query, get_schemas))

    @routes.get('/comfyscript/schemas')
    @guarded
    async def schemas(request: web.Request) -> web.StreamResponse:
        async with desk.seat() as seat:
            body: bytes = await seat.work(_schemas, get_schemas)
        tag = hashlib.sha1(body).hexdigest()
        headers = {'ETag': f'"{tag}"', 'Cache-Control': 'no-cache'}
        if tag in request.headers.get('If-None-Match', ''):
            return web.Response(status=304, headers=headers)
        response = web.Response(body=body, content_type='application/json', headers=headers)
        response.enable_compression()
        return response


# Run in the worker thread. The transpiler is loaded at the first request: ComfyUI's start does not wait for it.


def _answer(name: str, body: bytes, get_schemas: Callable[[], Schemas]) -> bytes:
    from ..panel.service import answer

    return encode(answer(name, parse_object(body), get_schemas()))


def _of_upload(path: Path, query: Any, get_schemas: Callable[[], Schemas]) -> bytes:
    from ..panel.service import answer_file
    from ..transpiler import read_metadata

    return encode(answer_file(read_metadata(path), query, get_schemas()))


def _of_output(query: Any, get_schemas: Callable[[], Schemas]) -> bytes:
    from ..panel.service import answer_file
    from ..transpiler import read_metadata

    return encode(answer_file(read_metadata(output_path(query)), query, get_schemas()))


def _schemas(get_schemas: Callable[[], Schemas]) -> bytes:
    from ..panel.service import answer_schemas

    return encode(answer_schemas(get_schemas()))


__all__ = ['register']

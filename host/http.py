"""The HTTP side of the routes: bodies, bounds, statuses."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from ..panel.errors import RequestError
from .reading.answers import encode, refusal_of

MAX_JSON = 16 * 1024 * 1024
"""Bytes of a JSON body: a graph of 5 000 nodes has about 5 MB."""
MAX_FILE = 256 * 1024 * 1024
"""Bytes of a file dropped on the panel."""
MAX_WAITING = 8
"""Requests at work or waiting, of all pages together; one more is answered 503."""
MAX_UPLOADS = 2
"""Files that are on their way at the same time."""
SECONDS = 20.0
"""How long an answer may take, where all that it needs is there."""
START_SECONDS = 150.0
"""How long it may take until all is there: the first time, a process starts and all nodes say what they are."""
BODY_SECONDS = 60.0
"""How long a body may take to come."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Desk:
    """One worker thread for all requests: pages take turns, ComfyUI's own threads keep their processor."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._taken = 0

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[Seat]:
        """A place at the desk, taken before the body is read. Raises RequestError 503 where there is none."""
        if self._taken >= MAX_WAITING:
            raise RequestError('too many requests at once; try again in a moment', 503)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix='comfyscript-routes')
        self._taken += 1
        seat = Seat(self._pool)
        try:
            yield seat
        finally:
            self._leave(seat)

    def _leave(self, seat: Seat) -> None:
        if seat.future is None or seat.future.done():
            self._taken -= 1
        else:  # whoever gave up waiting still has the worker
            loop = asyncio.get_running_loop()
            seat.future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._left))

    def _left(self) -> None:
        self._taken -= 1


class Seat:
    """One request at the desk."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self.future: Future[Any] | None = None

    async def work(self, function: Callable[..., Any], *args: Any, seconds: float = SECONDS) -> Any:
        """The function's result from the worker. Raises RequestError 504 when it takes too long."""
        self.future = self._pool.submit(function, *args)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self.future), seconds)
        except asyncio.TimeoutError as error:
            raise RequestError(f'no answer within {seconds:g} s', 504) from error


def guarded(handler: Handler) -> Handler:
    """Every failure is a status and `{"error": reason}`, as `refusal_of` has it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:
            refusal = refusal_of(error)
            if refusal.log:
                logging.error('ComfyScript: %s failed\n%s', request.path, refusal.log)
            return json_response(encode({'error': refusal.error}), refusal.status)

    return answer


async def read_body(request: web.Request, limit: int) -> bytes:
    """The body, at most `limit` bytes. aiohttp's own limit is ComfyUI's `--max-upload-size`."""
    return b''.join([part async for part in _parts(request, limit)])


async def save_body(request: web.Request, limit: int, path: Path) -> None:
    """The body as a file, at most `limit` bytes."""
    with path.open('wb') as file:
        async for part in _parts(request, limit):
            file.write(part)


async def _parts(request: web.Request, limit: int) -> AsyncIterator[bytes]:
    """The body piece by piece. Raises RequestError 413 where it is too large, 408 where it takes too long."""
    too_large = RequestError(f'the request is larger than {limit // 1024 // 1024} MB', 413)
    if request.content_length is not None and request.content_length > limit:
        raise too_large
    deadline = time.monotonic() + BODY_SECONDS
    size = 0
    while True:
        try:
            part = await asyncio.wait_for(request.content.read(1 << 18), deadline - time.monotonic())
        except asyncio.TimeoutError as error:
            raise RequestError(f'the request did not come within {BODY_SECONDS:g} s', 408) from error
        if not part:
            return
        size += len(part)
        if size > limit:
            raise too_large
        yield part


def json_response(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type='application/json')

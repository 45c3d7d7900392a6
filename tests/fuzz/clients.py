"""Servers that answer what no server answers: a client gets a result or one of our errors, in time."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from aiohttp import WSMsgType, web

from comfy_script.graph import ComfyScriptError
from comfy_script.graph.printable import printable
from comfy_script.runtime import Client
from comfy_script.tests.fuzz.changes import ODD, changed, changed_bytes
from comfy_script.tests.fuzz.rounds import Attempt
from comfy_script.tests.runtime.client.fake import IMAGES, OBJECT_INFO, PROMPT

SECONDS = 30.0
ID = 'a1'
DONE = {
    'outputs': {'2': IMAGES},
    'meta': {'2': {'node_id': '2', 'display_node': '2'}},
    'status': {'status_str': 'success', 'completed': True, 'messages': []},
}
MESSAGES: list[Any] = [
    {'type': 'status', 'data': {'status': {'exec_info': {'queue_remaining': 1}}, 'sid': 's'}},
    {'type': 'execution_start', 'data': {'prompt_id': ID}},
    {'type': 'execution_cached', 'data': {'prompt_id': ID, 'nodes': ['1']}},
    {'type': 'executing', 'data': {'prompt_id': ID, 'node': '2', 'display_node': '2'}},
    {'type': 'progress', 'data': {'prompt_id': ID, 'node': '2', 'value': 1, 'max': 2}},
    {'type': 'executed', 'data': {'prompt_id': ID, 'node': '2', 'display_node': '2', 'output': IMAGES}},
    {'type': 'execution_error', 'data': {'prompt_id': ID, 'node_id': '2', 'exception_message': 'x', 'traceback': []}},
    {'type': 'execution_success', 'data': {'prompt_id': ID}},
    {'type': 'executing', 'data': {'prompt_id': ID, 'node': None}},
]
PNG = b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde\0\0\0\0IEND\xaeB`\x82'


class OddServer:
    """Answers as a server would; some answers, drawn anew for each attempt, are odd."""

    def __init__(self) -> None:
        self.source = random.Random(0)
        self.oddness = 0.5
        self.url = ''
        self._id = ID
        self._posted = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route('*', '/{path:.*}', self._any)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, '127.0.0.1', 0).start()
        self.url = f'http://127.0.0.1:{self._runner.addresses[0][1]}/'

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def begin(self) -> None:
        """Another attempt: no prompt has come."""
        self._loop.call_soon_threadsafe(self._posted.clear)

    async def _any(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path == '/ws':
            return await self._websocket(request)
        if path == '/prompt' and request.method == 'POST':
            self._id = (await request.json()).get('prompt_id', ID)
            self._posted.set()
        usual: Any = {
            '/object_info': OBJECT_INFO, '/embeddings': ['a'], '/queue': {'queue_running': [], 'queue_pending': []},
            '/prompt': {'prompt_id': self._id, 'number': 1, 'node_errors': {}}, '/system_stats': {'system': {}},
            f'/history/{self._id}': {self._id: DONE}, '/view': PNG,
        }.get(path, {})  # fmt: skip
        return await self._answer(request, usual)

    async def _answer(self, request: web.Request, usual: Any) -> web.StreamResponse:
        source = self.source
        body = usual if isinstance(usual, bytes) else json.dumps(usual).encode()
        kind = 'application/json' if not isinstance(usual, bytes) else 'image/png'
        if source.random() > self.oddness:
            return web.Response(body=body, content_type=kind)
        odd = source.randrange(9)
        headers: dict[str, str] = {}
        if odd <= 2 and not isinstance(usual, bytes):
            body = json.dumps(changed(usual, source, MESSAGES)).encode()
        elif odd == 3:
            body = json.dumps(source.choice(ODD)).encode()
        elif odd == 4:
            body = changed_bytes(body or b' ', source)
        elif odd == 5:
            headers['Content-Encoding'] = source.choice(['gzip', 'deflate', 'br'])
            body = source.choice([body, gzip.compress(body)[:-9], gzip.compress(bytes(30_000_000))])
        elif odd == 6:
            headers['Location'] = source.choice(['/view', 'http://127.0.0.1:9/', 'file:///etc/passwd', '//', '\t', ''])
            return web.Response(status=source.choice([301, 302, 307, 308]), headers=headers)
        elif odd == 7 and request.transport is not None:
            request.transport.write(
                source.choice([b'', b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{', b'\0' * 99, b'x'])
            )
            request.transport.close()
            return web.Response()
        status = source.choice([200, 200, 204, 400, 401, 403, 404, 413, 429, 500, 502, 503, 299, 599])
        kind = source.choice(['application/json', 'text/html', 'text/plain', 'x/y', 'image/png'])
        return web.Response(body=body, status=status, headers={**headers, 'Content-Type': kind})

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        source = self.source
        if source.random() < self.oddness / 3:
            return await self._answer(request, {})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        with suppress(ConnectionError, RuntimeError, ValueError, asyncio.TimeoutError):
            if source.random() > self.oddness / 2:
                await asyncio.wait_for(self._posted.wait(), 3)
            for message in json.loads(json.dumps(MESSAGES).replace(ID, self._id)):
                if message['type'] == 'execution_error' and source.random() > self.oddness / 2:
                    continue
                if source.random() < self.oddness / 2:
                    message = changed(message, source, MESSAGES)
                await socket.send_str(json.dumps(message))
                if source.random() < self.oddness / 2:
                    frame = struct.pack(
                        '>II', source.choice([0, 1, 2, 3, 4, 2**32 - 1]), source.choice([0, 1, 2, 9999])
                    )
                    await socket.send_bytes(source.choice([b'', frame[:5], frame, frame + PNG, bytes(100)]))
                if source.random() < self.oddness / 10:
                    return socket
                await asyncio.sleep(0)
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        return socket


def use(client: Client, source: random.Random) -> str:
    """What users do with a client."""
    doing = source.choice(['schemas', 'run', 'run', 'queue', 'results'])
    if doing == 'schemas':
        return f'{len(list(client.schemas.readable()))} classes'
    if doing == 'queue':
        client.queue.cancel_all()
        return 'queue'
    task = client.submit(PROMPT)
    results = task.wait(0.7)
    if doing == 'results':
        for result in results:
            repr(result)
            for image in result if isinstance(result, list) else ():
                repr(image)
                image.bytes() if hasattr(image, 'bytes') else None
    return doing


@contextmanager
def fuzzer() -> Iterator[Attempt]:
    server = OddServer()

    def attempt(source: random.Random) -> str:
        server.source = random.Random(source.random())
        server.begin()
        server.oddness = source.choice([0.1, 0.3, 0.6, 1.0])
        began = time.monotonic()
        try:
            with Client(server.url, lost_after=0.3) as client:
                ended = use(client, source)
        except (ComfyScriptError, TimeoutError) as error:
            ended = type(error).__name__
            text = str(error)
            assert printable(text) == text, repr(text)
        assert time.monotonic() - began < SECONDS, f'{time.monotonic() - began:.0f} s'
        return ended

    try:
        yield attempt
    finally:
        server.close()

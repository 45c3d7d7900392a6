"""A stand-in for ComfyUI's server that does what a test tells it, when it tells it.

It speaks ComfyUI's protocol (server.py, execution.py) and runs nothing: a test plays a workflow's messages. Faults that
a real server shows only by chance can be had here at will. That it is like the real one is what the tests with a real
server are for.
"""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import WSMsgType, web

OBJECT_INFO = {
    'EmptyImage': {
        'input': {'required': {'width': ['INT', {'default': 64}], 'height': ['INT', {'default': 64}]}},
        'output': ['IMAGE'],
        'output_name': ['IMAGE'],
        'name': 'EmptyImage',
        'output_node': False,
    },
    'PreviewImage': {
        'input': {'required': {'images': ['IMAGE']}},
        'output': [],
        'output_name': [],
        'name': 'PreviewImage',
        'output_node': True,
    },
    'SaveImage': {
        # As since 2026, with an output.
        'input': {'required': {'images': ['IMAGE'], 'filename_prefix': ['STRING', {'default': 'ComfyUI'}]}},
        'output': ['IMAGE'],
        'output_name': ['IMAGE'],
        'name': 'SaveImage',
        'output_node': True,
    },
}
PROMPT = {
    '1': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8}},
    '2': {'class_type': 'PreviewImage', 'inputs': {'images': ['1', 0]}},
}
IMAGES = {'images': [{'filename': 'a.png', 'subfolder': '', 'type': 'temp'}]}


class FakeServer:
    """Runs in a thread with a loop of its own. `auto`: play each workflow to its good end as soon as it comes."""

    def __init__(self, auto: bool = False, prefix: str = '') -> None:
        self.auto = auto
        self.prefix = prefix
        self.prompts: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.queue: list[str] = []
        self.running: list[str] = []
        self.history: dict[str, Any] = {}
        self.sockets: list[web.WebSocketResponse] = []
        self.connections = 0
        self.answer_prompt: Any = None
        self.refuse_websocket = False
        self.answer_after = 0.0
        self.on_prompt: Callable[[str], object] | None = None
        self.lose_answer = False
        self.lose_prompts = 0
        self.jobs_route = False
        self.interrupts_to_forget = 0
        self.files = {'a.png': b'file a'}
        self.object_info: dict[str, Any] = dict(OBJECT_INFO)
        self._clients: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.port}{self.prefix}/'

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def start(self) -> None:
        """Listen; after `stop`, on the same port again."""
        self._do(self._start())

    async def _start(self) -> None:
        app = web.Application(client_max_size=2**26, middlewares=[self._note])
        prefix = self.prefix
        app.add_routes(
            [
                web.get(prefix + '/ws', self._ws),
                web.get(prefix + '/prompt', self._get_prompt),
                web.post(prefix + '/prompt', self._post_prompt),
                web.get(prefix + '/queue', self._get_queue),
                web.post(prefix + '/queue', self._post_queue),
                web.post(prefix + '/interrupt', self._interrupt),
                web.get(prefix + '/history/{id}', self._get_history),
                web.get(prefix + '/object_info', self._object_info),
                web.get(prefix + '/object_info/{name}', self._one_object_info),
                web.get(prefix + '/embeddings', self._embeddings),
                web.get(prefix + '/view', self._view),
                web.post(prefix + '/upload/image', self._upload),
                web.post(prefix + '/upload/mask', self._upload),
                web.post(prefix + '/api/jobs/{id}/cancel', self._cancel_job),
            ]
        )
        runner = self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, '127.0.0.1', self.port)
        await site.start()
        self.port = runner.addresses[0][1]

    def stop(self, forget: bool = True) -> None:
        """Go away, as a killed server does; `forget` loses queue and history."""
        self._do(self._stop())
        if forget:
            self.queue, self.running, self.history = [], [], {}

    async def _stop(self) -> None:
        await self._drop()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def close(self) -> None:
        if self._runner is not None:
            self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def drop(self) -> None:
        """Cut all websockets."""
        self._do(self._drop())

    async def _drop(self) -> None:
        for socket in list(self.sockets):
            transport = socket._req.transport if socket._req is not None else None
            if transport is not None:
                transport.abort()
        self.sockets.clear()
        await asyncio.sleep(0)

    # -- playing a workflow

    def send(self, kind: str, **data: Any) -> None:
        """A message to every websocket."""
        self._do(self._send(kind, data))

    async def _send(self, kind: str, data: dict[str, Any]) -> None:
        for socket in list(self.sockets):
            try:
                await socket.send_json({'type': kind, 'data': data})
            except (ConnectionError, RuntimeError):
                self.sockets.remove(socket)

    def send_bytes(self, frame: bytes) -> None:
        async def send() -> None:
            for socket in self.sockets:
                await socket.send_bytes(frame)

        self._do(send())

    async def _send_status(self) -> None:
        remaining = len(self.queue) + len(self.running)
        await self._send('status', {'status': {'exec_info': {'queue_remaining': remaining}}})

    def begin(self, prompt_id: str) -> None:
        """Take a workflow out of the queue."""
        self._do(self._begin(prompt_id))

    async def _begin(self, prompt_id: str) -> None:
        self.queue.remove(prompt_id)
        self.running.append(prompt_id)
        await self._send_status()
        await self._send('execution_start', {'prompt_id': prompt_id})
        await self._send('executing', {'prompt_id': prompt_id, 'node': '2', 'display_node': '2'})

    def finish(self, prompt_id: str, output: Any = None, tell: bool = True) -> None:
        """Bring a running workflow to its good end; `tell=False`: without a message."""
        self._do(self._finish(prompt_id, IMAGES if output is None else output, tell))

    async def _finish(self, prompt_id: str, output: Any, tell: bool = True) -> None:
        if tell:
            await self._send('executed', {'prompt_id': prompt_id, 'node': '2', 'display_node': '2', 'output': output})
            await self._send('execution_success', {'prompt_id': prompt_id})
        self.running.remove(prompt_id)
        self.history[prompt_id] = {
            'outputs': {'2': output},
            'meta': {'2': {'node_id': '2', 'display_node': '2'}},
            'status': {'status_str': 'success', 'completed': True, 'messages': []},
        }
        if tell:
            await self._send_status()
            await self._send('executing', {'prompt_id': prompt_id, 'node': None})

    def fail(self, prompt_id: str, kind: str = 'execution_error', tell: bool = True, **data: Any) -> None:
        """End a running workflow with an error or an interrupt."""
        self._do(self._fail(prompt_id, kind, tell, data))

    async def _fail(self, prompt_id: str, kind: str, tell: bool, more: dict[str, Any]) -> None:
        data = {'prompt_id': prompt_id, 'node_id': '2', 'node_type': 'PreviewImage', 'executed': [], **more}
        if tell:
            await self._send(kind, data)
        self.running.remove(prompt_id)
        status = {'status_str': 'error', 'completed': False, 'messages': [[kind, data]]}
        self.history[prompt_id] = {'outputs': {}, 'status': status}
        if tell:
            await self._send_status()
            await self._send('executing', {'prompt_id': prompt_id, 'node': None})

    # -- routes

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> Any:
        self.requests.append((request.method, request.path_qs, dict(request.headers)))
        return await handler(request)

    async def _ws(self, request: web.Request) -> web.StreamResponse:
        if self.refuse_websocket:
            return web.Response(status=403, text='no websockets here')
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections += 1
        self.sockets.append(socket)
        await self._send_status()
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
        if socket in self.sockets:
            self.sockets.remove(socket)
        return socket

    async def _get_prompt(self, request: web.Request) -> web.Response:
        return web.json_response({'exec_info': {'queue_remaining': len(self.queue) + len(self.running)}})

    async def _post_prompt(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.prompts.append(body)
        if self.answer_prompt is not None:
            status, answer = self.answer_prompt
            if status != 200:
                return web.json_response(answer, status=status)
        prompt_id = body['prompt_id']
        assert request.transport is not None
        if self.lose_prompts:
            self.lose_prompts -= 1
            request.transport.abort()
            return web.Response()
        self.queue.append(prompt_id)
        if self.on_prompt is not None:
            self.on_prompt(prompt_id)
        await self._send_status()
        if self.lose_answer:
            self.lose_answer = False
            request.transport.abort()
        if self.auto:
            await self._begin(prompt_id)
            await self._finish(prompt_id, IMAGES)
        await asyncio.sleep(self.answer_after)
        answer = {'prompt_id': prompt_id, 'number': len(self.prompts) - 1, 'node_errors': {}}
        return web.json_response(answer if self.answer_prompt is None else {**answer, **self.answer_prompt[1]})

    async def _get_queue(self, request: web.Request) -> web.Response:
        items = [[0, prompt_id, {}, {}, []] for prompt_id in self.queue]
        running = [[0, prompt_id, {}, {}, []] for prompt_id in self.running]
        return web.json_response({'queue_running': running, 'queue_pending': items})

    async def _post_queue(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.queue = [i for i in self.queue if not body.get('clear') and i not in body.get('delete', ())]
        await self._send_status()
        return web.Response()

    async def _interrupt(self, request: web.Request) -> web.Response:
        if self.interrupts_to_forget:
            self.interrupts_to_forget -= 1
            return web.Response()
        for prompt_id in list(self.running):
            await self._fail(prompt_id, 'execution_interrupted', True, {})
        return web.Response()

    async def _cancel_job(self, request: web.Request) -> web.Response:
        if not self.jobs_route:
            return web.Response(status=405)
        prompt_id = request.match_info['id']
        if prompt_id in self.running:
            await self._fail(prompt_id, 'execution_interrupted', True, {})
        elif prompt_id in self.queue:
            self.queue.remove(prompt_id)
            await self._send_status()
        return web.json_response({'cancelled': True})

    async def _get_history(self, request: web.Request) -> web.Response:
        prompt_id = request.match_info['id']
        found = {prompt_id: self.history[prompt_id]} if prompt_id in self.history else {}
        return web.json_response(found)

    async def _object_info(self, request: web.Request) -> web.Response:
        return web.json_response(self.object_info)

    async def _one_object_info(self, request: web.Request) -> web.Response:
        name = request.match_info['name']
        return web.json_response({name: self.object_info[name]} if name in self.object_info else {})

    async def _embeddings(self, request: web.Request) -> web.Response:
        return web.json_response(['tiny'])

    async def _view(self, request: web.Request) -> web.Response:
        data = self.files.get(request.query['filename'])
        return web.Response(status=404, text='no such file') if data is None else web.Response(body=data)

    async def _upload(self, request: web.Request) -> web.Response:
        file: Any = (await request.post())['image']
        return web.json_response({'name': file.filename, 'subfolder': '', 'type': 'input'})


def preview_frame(prompt_id: str, node_id: str, image: bytes) -> bytes:
    """A preview with metadata, as ComfyUI sends it."""
    about = json.dumps({'prompt_id': prompt_id, 'node_id': node_id, 'image_type': 'image/png'}).encode()
    return struct.pack('>II', 4, len(about)) + about + image

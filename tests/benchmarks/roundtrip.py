"""From queueing a trivial workflow to its result, beside a bare aiohttp client on the same server.

    python dev.py bench roundtrip [ROUNDS]

A round is one workflow by each, in turn, so that whatever else the machine does falls on all of them. The workflow is
an empty image and its preview; no two are alike, so that nothing is cached. The bare client keeps one session and one
websocket open, posts the prompt, and reads messages until the server says that it succeeded. Nodes in a `Workflow`
also send the web UI's workflow, which the server reads and writes into the image; what that alone costs is told by the
bare client that sends as much.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from comfy_script.runtime import Client, Workflow
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, remove_base

colors = itertools.count(1)


def prompt() -> dict[str, Any]:
    image = {'width': 16, 'height': 16, 'batch_size': 1, 'color': next(colors)}
    return {
        '1': {'class_type': 'EmptyImage', 'inputs': image},
        '2': {'class_type': 'PreviewImage', 'inputs': {'images': ['1', 0]}},
    }


class Bare:
    """What one writes by hand with aiohttp."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client_id = uuid.uuid4().hex
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.open())

    async def open(self) -> None:
        self.session = aiohttp.ClientSession()
        self.websocket = await self.session.ws_connect(f'{self.url}/ws', params={'clientId': self.client_id})

    def run(self, workflow: dict[str, Any] | None = None) -> None:
        self.loop.run_until_complete(self.queue(workflow))

    async def queue(self, workflow: dict[str, Any] | None) -> Any:
        body = {'prompt': prompt(), 'client_id': self.client_id}
        if workflow is not None:
            body['extra_data'] = {'extra_pnginfo': {'workflow': workflow}}
        async with self.session.post(f'{self.url}/prompt', json=body) as response:
            prompt_id = (await response.json())['prompt_id']
        outputs = {}
        async for message in self.websocket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            told = message.json()
            data = told['data']
            if data.get('prompt_id') != prompt_id:
                continue
            if told['type'] == 'executed':
                outputs[data['node']] = data['output']
            elif told['type'] == 'execution_success':
                return outputs

    def close(self) -> None:
        async def close() -> None:
            await self.websocket.close()
            await self.session.close()

        self.loop.run_until_complete(close())
        self.loop.close()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    comfyui = paths.comfyui_folder()
    with tempfile.TemporaryDirectory() as temporary:
        base = make_base(Path(temporary) / 'base', comfyui, {})
        server = Server.start(comfyui, paths.comfyui_python(), base)
        try:
            measure(server.url, rounds)
        finally:
            server.close()
            remove_base(base)


def measure(url: str, rounds: int) -> None:
    bare = Bare(url)
    with Client(url, save_source=False) as client:
        # As `from comfy_script.runtime.nodes import *` gives them.
        empty_image, preview_image = client.nodes.EmptyImage, client.nodes.PreviewImage

        def by_nodes() -> None:
            with Workflow(wait=True):
                preview_image(empty_image(16, 16, 1, next(colors)))

        async def asynchronously() -> None:
            await (await client._submit(prompt()))

        with Workflow(queue=False) as made:
            preview_image(empty_image(16, 16, 1, 0))
        workflow = made.workflow_format()
        loop = asyncio.new_event_loop()
        ways: dict[str, Callable[[], Any]] = {
            'bare aiohttp': bare.run,
            'bare, with a workflow': lambda: bare.run(workflow),
            'client.submit': lambda: client.submit(prompt()).wait(),
            'await client._submit': lambda: loop.run_until_complete(asynchronously()),
            'nodes in a Workflow': by_nodes,
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        processor: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds + 20):
            for name, run in ways.items():
                start, used = time.perf_counter(), time.process_time()
                run()
                if number >= 20:
                    times[name].append((time.perf_counter() - start) * 1000)
                    processor[name].append((time.process_time() - used) * 1000)
        loop.close()
    bare.close()
    report(times, processor)


def report(times: dict[str, list[float]], processor: dict[str, list[float]]) -> None:
    reference = statistics.median(times['bare aiohttp'])
    for name, values in times.items():
        low, median, high = statistics.quantiles(values, n=4)
        more = 100 * (median / reference - 1)
        used = statistics.median(processor[name])
        print(f'{name:<22} {median:6.2f} ms ({low:.2f} to {high:.2f})  {more:+.0f} %  client {used:.2f} ms processor')


if __name__ == '__main__':
    main()

"""From queueing a trivial workflow to its result, beside a bare aiohttp client on the same server.

    python dev.py bench roundtrip [BLOCKS]

The workflow is an empty image and its preview; no two are alike, so that nothing is cached. Each way has blocks of 20,
as in use, where one client runs one after another; the blocks of all ways are drawn in turn, in an order that changes.
The bare client keeps one session and one websocket open, posts the prompt, and reads messages until the server says
that it succeeded. Nodes in a `Workflow` also send the web UI's workflow, which the server copies and writes into the
image. So there are two bare clients: one posts the prompt, and one the same data as we.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from comfy_script.runtime import Client, Workflow
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, remove_base

BLOCK = 20
WARMING = 3

Way = Callable[[], Awaitable[Any]]
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

    async def open(self) -> None:
        self.session = aiohttp.ClientSession()
        self.websocket = await self.session.ws_connect(f'{self.url}/ws', params={'clientId': self.client_id})

    async def run(self, workflow: dict[str, Any] | None = None) -> Any:
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

    async def close(self) -> None:
        await self.websocket.close()
        await self.session.close()


def main() -> None:
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20)


def measure(blocks: int) -> None:
    """Measures on a ComfyUI of its own, and prints what was found."""
    comfyui = paths.comfyui_folder()
    with tempfile.TemporaryDirectory() as temporary:
        base = make_base(Path(temporary) / 'base', comfyui, {})
        server = Server.start(comfyui, paths.comfyui_python(), base)
        try:
            report(asyncio.run(times_of(server.url, base / 'temp', blocks)))
        finally:
            server.close()
            remove_base(base)


async def times_of(url: str, previews: Path, blocks: int) -> dict[str, list[float]]:
    """Milliseconds of each run, by the way."""
    bare = Bare(url)
    await bare.open()
    with Client(url, save_source=False) as client:
        ways = ways_of(client, bare)
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(blocks):
            for name in random.sample(list(ways), len(ways)):
                clear(previews)
                times[name] += await block(ways[name])
    await bare.close()
    return times


def ways_of(client: Client, bare: Bare) -> dict[str, Way]:
    # As `from comfy_script.runtime.nodes import *` gives them.
    empty_image, preview_image = client.nodes.EmptyImage, client.nodes.PreviewImage

    async def by_nodes() -> None:
        with Workflow(wait=True):
            preview_image(empty_image(16, 16, 1, next(colors)))

    async def by_nodes_awaited() -> None:
        async with Workflow(wait=True):
            preview_image(empty_image(16, 16, 1, next(colors)))

    async def submit() -> None:
        client.submit(prompt()).wait()

    async def submit_awaited() -> None:
        await (await client._submit(prompt()))

    with Workflow(queue=False) as made:
        preview_image(empty_image(16, 16, 1, 0))
    workflow = made.workflow_format()
    return {
        'bare aiohttp': bare.run,
        'bare aiohttp, same data': lambda: bare.run(workflow),
        'submit': submit,
        'await _submit': submit_awaited,
        'with Workflow': by_nodes,
        'async with Workflow': by_nodes_awaited,
    }


async def block(run: Way) -> list[float]:
    times = []
    for number in range(WARMING + BLOCK):
        start = time.perf_counter()
        await run()
        if number >= WARMING:
            times.append((time.perf_counter() - start) * 1000)
    return times


def clear(previews: Path) -> None:
    """The server lists this folder for each preview: thousands in it take longer than the rest."""
    for file in previews.glob('*.png'):
        file.unlink()


def report(times: dict[str, list[float]]) -> None:
    prompt_only, same_data = (statistics.median(times[name]) for name in list(times)[:2])
    print('queue to result: median (quartiles)')
    for name, values in times.items():
        low, median, high = statistics.quantiles(values, n=4)
        more, than_same = 100 * (median / prompt_only - 1), 100 * (median / same_data - 1)
        print(f'{name:<24} {median:6.2f} ms ({low:.2f} to {high:.2f})  {more:+.0f} %', end='')
        print(f', {than_same:+.0f} % of the same data' if 'Workflow' in name else '')


if __name__ == '__main__':
    main()

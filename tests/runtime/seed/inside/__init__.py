"""A node pack whose routes use comfy_script inside ComfyUI's process, as other packs and notebooks there do."""

import asyncio
import threading

from aiohttp import web
from server import PromptServer

NODE_CLASS_MAPPINGS = {}


async def workflow():
    from comfy_script.runtime import Workflow

    async with Workflow(wait=True) as wf:
        output = nodes().PreviewImage(nodes().EmptyImage(16, 8))
    batch = await output
    return [wf.task and wf.task.state.value, list((await batch.get(0)).size)]


def nodes():
    from comfy_script.runtime import load

    return load().nodes


async def on_the_loop():
    return await workflow()


async def blocking_on_the_loop():
    from comfy_script.runtime import ComfyScriptError, util

    try:
        return util.get_images(nodes().EmptyImage())
    except ComfyScriptError as error:
        return f'{type(error).__name__}: {error}'


async def in_a_thread():
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    found = []

    def work():
        from comfy_script.runtime import util

        found.append(list(util.get_images(nodes().EmptyImage(24, 8))[0].size))
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work).start()
    await asyncio.wait_for(done.wait(), 20)
    return found[0]


async def loading():
    from comfy_script.runtime import load

    client = load()
    return [client.in_process, len(client.schemas) > 100, list(client.embeddings), client is load()]


async def models():
    from comfy_script.runtime.client.current import default_client

    return list(default_client().nodes.Checkpoints)


async def new_model():
    from comfy_script.runtime.client.current import default_client

    return default_client().nodes.Checkpoints.put_there_just_now


@PromptServer.instance.routes.get('/inside/{name}')
async def inside(request):
    function = {f.__name__: f for f in (on_the_loop, blocking_on_the_loop, in_a_thread, loading, models, new_model)}
    return web.json_response(await function[request.match_info['name']]())

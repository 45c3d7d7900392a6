"""Real mode inside the running server: in a node, on the executor's thread and inside its event loop."""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_script.tests.conftest import StartServer
from comfy_script.tests.lab.server import Server, ServerError

pytestmark = pytest.mark.server


@pytest.fixture(scope='module')
def session_server(start_module_server: StartServer) -> Iterator[Server]:
    pack = Path(__file__).with_name('session_pack')
    yield start_module_server(testing=True, packs={'session-pack': pack})


def run(server: Server, code: str, number: int = 0, **more: Any) -> dict[str, Any]:
    inputs = {'code': textwrap.dedent(code), 'run': number, **more}
    prompt = {
        '7': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 0}},
        '8': {'class_type': 'RunsNodes', 'inputs': {**inputs, 'image': ['7', 0]}},
    }
    entry = server.queue(prompt, {'nodes': [], 'links': [], 'marker': 1})
    return json.loads(entry['outputs']['8']['text'][0])


def test_sync_async_lists_and_expansion(session_server: Server) -> None:
    report = run(session_server, """
        slept = node['TestSleep'](node['ImageInvert'](image), 0.02)
        batches = node['RebatchImages'](node['EmptyImage'](8, 8, 3), 1)
        flow, _, looped, *_ = node['TestForLoopOpen'](2, initial_value1=slept)
        closed, *_ = node['TestForLoopClose'](flow, initial_value1=node['ImageInvert'](looped))
        value = [float(slept.min()), len(node['ImageInvert'](batches)), float(closed.min()), slept.is_inference()]
    """)  # fmt: skip
    assert report['value'] == [1.0, 3, 1.0, True]


def test_ui_results_are_collected_and_images_have_the_outer_prompt(session_server: Server) -> None:
    report = run(session_server, "node['SaveImage'](image, 'inner')\nnode['PreviewImage'](image)")
    assert [class_type for class_type, _ in report['ui']] == ['SaveImage', 'PreviewImage']
    file = report['ui'][0][1]['images'][0]
    info = Image.open(session_server.base / 'output' / file['filename']).info
    assert sorted(json.loads(info['prompt'])) == ['7', '8']
    assert json.loads(info['workflow'])['marker'] == 1


@pytest.mark.parametrize(
    ('call', 'reason'),
    [
        ("node['LoadImage']('../../secret.png')", 'LoadImage: ComfyUI refused the call'),
        ("node['ImageScale'](image, 'nonsense', 8, 8, 'disabled')", 'Value not in list'),
        ("node['EmptyImage'](999999999)", 'bigger than max'),
        ("node['VAEDecode'](image, image)", 'Return type mismatch'),
        ("node['SaveImage'](image, prompt={})", 'hidden input PROMPT cannot be given'),
        ("node['TestAsyncValidation'](5.0, 3.0)", 'exceeds threshold'),
    ],
)
def test_a_call_may_do_what_a_prompt_may(session_server: Server, call: str, reason: str) -> None:
    with pytest.raises(ServerError, match=reason):
        run(session_server, f"image = node['ImageInvert'](image)\n{call}")


def test_inner_nodes_are_cached_across_executions(session_server: Server) -> None:
    code = """
        image = node['EmptyImage'](24, 24)
        before = session.cache.hits
        slept = node['TestSleep'](node['ImageInvert'](image), 0.03)
        value = session.cache.hits - before
    """
    assert [run(session_server, code, number)['value'] for number in range(3)] == [0, 2, 2]


def test_an_error_names_the_outer_node(session_server: Server) -> None:
    with pytest.raises(ServerError, match='Intentional sync execution error') as raised:
        run(session_server, "node['TestSyncError'](image)")
    assert '"node_id": "8"' in str(raised.value)


def test_progress_and_previews_belong_to_the_outer_node(session_server: Server) -> None:
    code = """
        model, clip, vae = node['CheckpointLoaderSimple']('tiny.safetensors')
        text = node['CLIPTextEncode']('a', clip)
        latent = node['KSampler'](model, 1, 2, 1.0, 'euler', 'normal', text, text, node['EmptyLatentImage'](16, 16, 1))
        node['TestSleep'](latent, 0.02)
    """
    prompt = {
        '7': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 0}},
        '8': {'class_type': 'RunsNodes', 'inputs': {'code': textwrap.dedent(code), 'run': 1, 'image': ['7', 0]}},
    }
    messages = asyncio.run(watch(session_server, prompt))
    states = [data['nodes'] for kind, data in messages if kind == 'progress_state']
    seen = {key for nodes in states for key in nodes}
    assert '8' in seen <= {'7', '8'}
    assert any(nodes.get('8', {}).get('max') == 2 for nodes in states)
    assert {data['node'] for kind, data in messages if kind == 'executing'} <= {'7', '8', None}


async def watch(server: Server, prompt: dict[str, Any]) -> list[tuple[str, Any]]:
    """All messages of the web socket while a prompt runs."""
    import aiohttp

    found: list[tuple[str, Any]] = []
    url = f'{server.url}/ws?clientId={server.client_id}'
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        prompt_id = await asyncio.to_thread(server.submit, prompt)
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            entry = json.loads(message.data)
            found.append((entry['type'], entry['data']))
            if entry['type'] == 'executing' and entry['data'] == {'node': None, 'prompt_id': prompt_id}:
                return found
    return found


def test_an_interrupt_ends_the_prompt(session_server: Server) -> None:
    prompt = {
        '8': {'class_type': 'RunsNodes', 'inputs': {'code': "node['TestSleep'](1, 20.0)", 'run': 2}},
    }
    prompt_id = session_server.submit(prompt)
    deadline = 200
    while not session_server.get('/queue')['queue_running'] and deadline:
        deadline -= 1
    session_server.post('/interrupt', {})
    entry = None
    for _ in range(400):
        entry = session_server.get(f'/history/{prompt_id}').get(prompt_id)
        if entry:
            break
    assert entry is not None
    assert [kind for kind, _ in entry['status']['messages']][-1] == 'execution_interrupted'


def test_load_adopts_the_server(session_server: Server) -> None:
    """Ten times, with sync and async calls between: the server around it is left as it was, and goes on."""
    report = run(session_server, """
        import asyncio, logging, os, signal, sys, threading
        from comfy_script.runtime.real import load, nodes
        import nodes as comfyui_nodes
        from server import PromptServer
        def state():
            loop = PromptServer.instance.loop
            return [list(sys.argv), [t.name for t in threading.enumerate()], list(sys.path), os.getcwd(),
                    id(sys.stdout), [id(h) for h in logging.getLogger().handlers], loop.is_running(), loop.is_closed(),
                    [id(signal.getsignal(s)) for s in (signal.SIGINT, signal.SIGTERM)],
                    id(PromptServer.instance), sorted(comfyui_nodes.NODE_CLASS_MAPPINGS)]
        before = state()
        value = []
        for _ in range(10):
            load()
            value += [nodes.ImageInvert(image).shape[1], nodes.TestSleep(image, 0.01).shape[1]]
        value.append(state() == before)
    """)  # fmt: skip
    assert report['value'] == [*[8] * 20, True]
    assert 'ImageInvert' in session_server.get('/object_info/ImageInvert')

"""Every tool against a real server, well and badly used."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import importlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from comfy_script.tests.agents.talking import Agent, http_server, inside, over_stdio, refused, told
from comfy_script.tests.lab.server import Server

from mcp import Client, MCPError  # isort: skip
from PIL import Image  # isort: skip

from comfy_script.agents import script_sources  # isort: skip
from comfy_script.agents.errors import AgentError  # isort: skip
from comfy_script.agents.studio import Permissions, Studio  # isort: skip
from comfy_script.runtime.client.client import Client as ComfyClient  # isort: skip

pytestmark = pytest.mark.server

INVERTED = "image, _ = LoadImage('example.png')\nimage = ImageInvert(image)\nSaveImage(image, 'agent')\n"


@pytest.fixture(scope='module')
def comfyui(server: Server) -> Iterator[ComfyClient]:
    with ComfyClient(server.url) as client:
        yield client


@pytest.fixture
def agent(comfyui: ComfyClient, tmp_path: Path) -> Agent:
    return Agent(Studio(comfyui, Permissions(upload_from=(tmp_path,))))


class TestReading:
    async def test_search_finds_by_words_and_types(self, agent: Agent) -> None:
        assert (await told(agent, 'search_nodes', text='ksampler')).startswith('KSampler(model, seed, steps')
        found = await told(agent, 'search_nodes', text='', input_type='MASK', output_type='Image')
        assert 'MaskToImage(mask) -> IMAGE' in found
        assert 'KSampler' not in found

    async def test_search_says_where_nothing_fits(self, agent: Agent) -> None:
        assert 'Near: KSampler' in await told(agent, 'search_nodes', text='ksampelr')
        assert 'near: Latent' in await refused(agent, 'search_nodes', text='', output_type='LATNET')

    async def test_describe_shows_an_example_that_holds(self, agent: Agent) -> None:
        page = await told(agent, 'describe_node', name='LatentUpscaleBy')
        assert page.startswith("latent = LatentUpscaleBy(samples, 'nearest-exact', 1.5)\n")
        assert 'scale_by (FLOAT, 0.01 to 8.0, step 0.01, default 1.5)' in page
        assert '- samples (LATENT, from KSampler' in page

    async def test_describe_takes_titles_and_names_the_near_ones(self, agent: Agent) -> None:
        assert 'CheckpointLoaderSimple(' in await told(agent, 'describe_node', name='Load Checkpoint')
        assert 'near: KSampler' in await refused(agent, 'describe_node', name='KSampelr')

    async def test_models_of_a_folder_and_choices_of_an_input(self, agent: Agent) -> None:
        assert await told(agent, 'list_models', kind='loras') == 'tiny_lora.safetensors'
        assert 'v1-5-pruned-emaonly.safetensors' in await told(agent, 'list_models', kind='checkpoints', text='v1 ema')
        assert 'karras' in (await told(agent, 'list_models', kind='KSampler.scheduler')).split('\n')

    async def test_kinds_that_there_are_not(self, agent: Agent) -> None:
        assert 'there are checkpoints, ' in await refused(agent, 'list_models', kind='lorras')
        assert 'sampler_name, scheduler' in await refused(agent, 'list_models', kind='KSampler.seed')


class TestChecking:
    async def test_a_good_script(self, agent: Agent) -> None:
        assert await told(agent, 'check_script', text=INVERTED) == 'OK: 3 nodes.'

    @pytest.mark.parametrize(
        ('text', 'said'),
        [
            ('KSampelr()', "error 1:1 NameError: name 'KSampelr' is not defined (did you mean 'KSampler'"),
            ("image, _ = LoadImage('example.png')\nSaveImage(image, prefix=1)", 'error 2:18 TypeError: SaveImage has'),
            ('def f(:\n', 'error 1:7 '),
        ],
    )
    async def test_errors_have_a_place(self, agent: Agent, text: str, said: str) -> None:
        assert said in await refused(agent, 'check_script', text=text)

    @pytest.mark.parametrize(
        ('text', 'said'),
        [
            (
                "model, clip, vae = CheckpointLoaderSimple('nope.safetensors')",
                "warning 1:43 ckpt_name has no choice 'nope",
            ),
            (
                'model, *_ = CheckpointLoaderSimple()\nSaveImage(model)',
                'warning 2:11 images takes IMAGE, not MODEL',
            ),
            ("PreviewAny(EmptyLatentImage('wide', 64, 1))", 'warning 1:29 width takes a number'),
            ('PreviewAny(EmptyLatentImage(7, 64, 1))', 'warning 1:29 width is 16 at least'),
            ("SaveImage(node['Nope'](x=1))", "warning 1:1 this server has no node 'Nope'"),
            ('latent = EmptyLatentImage(64, 64, 1)', 'warning 1:1 nothing is saved or shown'),
        ],
    )
    async def test_warnings_have_a_place(self, agent: Agent, text: str, said: str) -> None:
        assert said in await told(agent, 'check_script', text=text)

    async def test_a_script_that_looks_at_results(self, agent: Agent) -> None:
        text = "image, _ = LoadImage('example.png')\nprint(image.mean())"
        assert 'runs in a ComfyScript node' in await told(agent, 'check_script', text=text)


HOSTILE = {
    'imports': 'import os\nos.system("touch /tmp/x")',
    'open': 'open("/etc/passwd").read()',
    'dunder': '().__class__.__base__.__subclasses__()',
    'eval': 'eval("1")',
    'runtime': 'from comfy_script.runtime.client.client import Client\nClient("http://127.0.0.1:1")',
    'format': '"{0.__class__}".format(1)',
    'endless': 'while True:\n    pass',
    'memory': 'x = "a" * 10 ** 12',
}


@pytest.mark.parametrize('name', HOSTILE)
@pytest.mark.parametrize('tool', ['check_script', 'run_script'])
async def test_a_hostile_script_is_refused(agent: Agent, name: str, tool: str) -> None:
    assert 'error ' in await refused(agent, tool, text=HOSTILE[name])


class TestRunning:
    async def test_images_come_small_and_the_originals_are_resources(self, agent: Agent, server: Server) -> None:
        steps: list[float] = []

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            steps.append(progress)

        result = await agent.call_tool(
            'run_script', {'text': INVERTED, 'image_size': 64}, progress_callback=on_progress
        )
        text, picture, link = result.content
        assert text.type == 'text'
        assert picture.type == 'image'
        assert link.type == 'resource_link'
        assert 'line 3, SaveImage: agent_' in text.text
        assert max(Image.open(io.BytesIO(base64.b64decode(picture.data))).size) == 64
        (content,) = (await agent.read_resource(str(link.uri))).contents
        original = Image.open(io.BytesIO(base64.b64decode(content.blob)))
        assert original.size == Image.open(server.base / 'input' / 'example.png').size
        assert json.loads(original.info['prompt'])
        assert 'ImageInvert(image)' in await told(agent, 'script_of', source=link.name)

    async def test_no_pictures_where_none_are_wanted(self, agent: Agent) -> None:
        result = await agent.call_tool('run_script', {'text': INVERTED, 'image_size': 0})
        assert [part.type for part in result.content] == ['text', 'resource_link']

    async def test_what_it_prints_and_inputs(self, agent: Agent) -> None:
        text = 'def main(image: Image, k: float = 0.5) -> Image:\n    print(k)\n    return image * k\n'
        inputs = {'image': 'example.png', 'k': 0.25}
        result = await agent.call_tool('run_script', {'text': text, 'inputs': inputs})
        assert not result.is_error
        assert 'the script: 0.25' in result.content[0].text
        assert result.content[1].type == 'image'

    async def test_what_only_computes_runs_too(self, agent: Agent) -> None:
        importlib.import_module('torch')  # tensors can be computed where the script is checked, then
        assert 'the script: 42' in await told(agent, 'run_script', text='print(6 * 7)\n')
        text = 'import torch\nprint(torch.zeros(1).mean())\n'
        assert 'the script: tensor(0.)' in await told(agent, 'run_script', text=text)

    async def test_inputs_that_it_lacks_or_has_not(self, agent: Agent) -> None:
        text = 'def main(image: Image):\n    print(image.mean())\n'
        assert 'give inputs for image (the name of a file' in await refused(agent, 'run_script', text=text)
        assert 'no input picture; it has image' in await refused(agent, 'run_script', text=text, inputs={'picture': 1})

    async def test_errors_of_nodes_have_the_scripts_line(self, agent: Agent) -> None:
        refusal = await refused(agent, 'run_script', text="image, _ = LoadImage('none.png')\nSaveImage(image)\n")
        assert 'line 1: LoadImage' in refusal
        text = "image, _ = LoadImage('example.png')\nprint(image.mean())\nraise ValueError('too dark')\n"
        assert 'line 3, column 1: ValueError: too dark' in await refused(agent, 'run_script', text=text)

    async def test_one_that_takes_long_is_followed_by_the_queue(self, agent: Agent) -> None:
        text = 'x = 0\nfor step in range(2_000_000):\n    x += step\nprint(x, torch.zeros(1).mean())\n'
        answer = await told(agent, 'run_script', text='import torch\n' + text, inputs={}, wait=0)
        assert 'still runs as prompt ' in answer
        prompt_id = answer.split('prompt ')[1].split(':')[0]
        assert prompt_id in await told(agent, 'queue')
        assert await told(agent, 'cancel', prompt_id=prompt_id)
        for _ in range(100):
            result = await agent.call_tool('queue', {'prompt_id': prompt_id})
            if ' runs' not in result.content[0].text:
                break
            await asyncio.sleep(0.1)
        assert (await told(agent, 'queue')) == 'The queue is empty.'


class TestQueue:
    async def test_what_came_of_a_prompt(self, agent: Agent) -> None:
        answer = await told(agent, 'run_script', text=INVERTED, image_size=0)
        prompt_id = answer.split('prompt ')[1].split(')')[0]
        assert 'SaveImage (node' in await told(agent, 'queue', prompt_id=prompt_id)
        assert 'ImageInvert' in await told(agent, 'script_of', source=f'history/{prompt_id}')

    async def test_prompts_that_there_are_not(self, agent: Agent) -> None:
        assert 'knows no prompt' in await refused(agent, 'queue', prompt_id='0-0')
        assert 'no id of a prompt' in await refused(agent, 'queue', prompt_id='../view')
        assert 'neither runs nor waits' in await refused(agent, 'cancel', prompt_id='0-0')

    async def test_others_work_can_be_left_alone(self, comfyui: ComfyClient, server: Server) -> None:
        script = 'import torch\nwhile True:\n    torch.zeros(1)\n'
        other = server.submit({'1': {'class_type': 'ComfyScript', 'inputs': {'script': script}}})
        try:
            async with inside(Studio(comfyui, Permissions(may_cancel_others=False))) as agent:
                assert 'switched off' in await refused(agent, 'cancel', prompt_id=other)
            assert server.get('/queue')['queue_running']
        finally:
            async with inside(Studio(comfyui)) as agent:
                await told(agent, 'cancel', prompt_id=other)
        assert not server.get('/queue')['queue_running']


class TestFiles:
    async def test_a_workflow_is_saved_and_read_again(self, agent: Agent, server: Server) -> None:
        assert await told(agent, 'save_workflow', text=INVERTED, name='ours/in verted') == (
            'Saved as workflows/ours/in verted.json: 3 nodes.'
        )
        saved = json.loads((server.base / 'user/default/workflows/ours/in verted.json').read_text(encoding='utf-8'))
        assert {node['type'] for node in saved['nodes']} == {'LoadImage', 'ImageInvert', 'SaveImage'}
        assert len({tuple(node['pos']) for node in saved['nodes']}) == 3
        assert 'ImageInvert(image)' in await told(agent, 'script_of', source='workflows/ours/in verted.json')
        assert 'overwrite=true' in await refused(agent, 'save_workflow', text=INVERTED, name='ours/in verted')
        await told(agent, 'save_workflow', text=INVERTED, name='ours/in verted', overwrite=True)

    @pytest.mark.parametrize('name', ['', '../x', 'a/../../x', '/etc/x', 'a\\..\\..\\x', 'c:x'])
    async def test_no_workflow_is_saved_elsewhere(self, agent: Agent, name: str) -> None:
        assert 'no name of a workflow' in await refused(agent, 'save_workflow', text=INVERTED, name=name)

    async def test_a_script_that_is_none_is_not_saved(self, agent: Agent, server: Server) -> None:
        await refused(agent, 'save_workflow', text='import os', name='never')
        assert not (server.base / 'user/default/workflows/never.json').exists()

    @pytest.mark.parametrize(
        'source',
        ['none.png', '../main.py', 'a [nope]', '/etc/passwd', 'workflows/../comfy.settings.json', 'history/../queue',
         'templates/../../object_info', 'templates/nope/nope', '../../user/default/comfy.settings.json [input]'],
    )  # fmt: skip
    async def test_nothing_else_is_read(self, agent: Agent, source: str) -> None:
        await refused(agent, 'script_of', source=source)

    async def test_no_more_is_read_than_may_be(self, agent: Agent) -> None:
        where = script_sources.server_file('example.png [input]')
        assert agent.studio.find('view', 'none', where)
        with pytest.raises(AgentError, match='more than 0 MB'):
            agent.studio.find('view', 'none', where, 100)

    async def test_templates_are_scripts(self, agent: Agent) -> None:
        (listing,) = (await agent.read_resource('comfyscript://templates')).contents
        first = next(name for name in listing.text.split('\n') if name.startswith('templates/ComfyScript/'))
        assert '(' in await told(agent, 'script_of', source=first)

    async def test_uploads_come_from_the_allowed_folder_alone(
        self, agent: Agent, comfyui: ComfyClient, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        Image.new('RGB', (8, 8), 'red').save(tmp_path / 'red.png')
        answer = await told(agent, 'upload', path=str(tmp_path / 'red.png'))
        assert answer == "LoadImage('red.png') has it."
        script = "image, _ = LoadImage('red.png')\nPreviewImage(image)"
        assert 'warning' not in await told(agent, 'check_script', text=script)
        (tmp_path / 'secret.txt').write_text('x', encoding='utf-8')
        elsewhere = tmp_path_factory.mktemp('elsewhere') / 'red.png'
        Image.new('RGB', (8, 8)).save(elsewhere)
        (tmp_path / 'link.png').symlink_to(elsewhere)
        for path in (elsewhere, tmp_path / 'link.png', tmp_path / '..' / elsewhere.parent.name / 'red.png'):
            assert 'lies outside of' in await refused(agent, 'upload', path=str(path))
        assert 'no image' in await refused(agent, 'upload', path=str(tmp_path / 'secret.txt'))
        assert 'there is no file' in await refused(agent, 'upload', path=str(tmp_path / 'none.png'))
        async with inside(Studio(comfyui)) as without:
            assert 'upload' not in {tool.name for tool in (await without.list_tools()).tools}


class TestResources:
    async def test_recent_outputs(self, agent: Agent) -> None:
        await told(agent, 'run_script', text=INVERTED, image_size=0)
        (content,) = (await agent.read_resource('comfyscript://outputs')).contents
        assert content.text.startswith('agent_')

    @pytest.mark.parametrize(
        'path', ['../user/default/comfy.settings.json', '%2e%2e/main.py', '/etc/passwd', 'none.png']
    )
    async def test_no_file_elsewhere(self, agent: Agent, path: str) -> None:
        with pytest.raises(MCPError):
            await agent.read_resource(f'comfyscript://output/{path}')

    async def test_prompts_name_their_source(self, agent: Agent) -> None:
        names = {prompt.name for prompt in (await agent.list_prompts()).prompts}
        assert names == {'explain', 'variant', 'port', 'batch'}
        found = await agent.get_prompt('variant', {'source': 'a.png', 'change': 'at night'})
        assert "script_of('a.png')" in found.messages[0].content.text


# Tool, arguments, what a good answer says; then arguments, what a bad one says. No page is open here: what a page
# answers is in tests/js/test_agents.py.
OF_EACH_TOOL = (
    ('search_nodes', {'text': 'ksampler'}, 'KSampler(model', {'text': '', 'output_type': 'LATNET'}, 'near: Latent'),
    ('describe_node', {'name': 'LatentUpscaleBy'}, 'scale_by', {'name': 'KSampelr'}, 'near: KSampler'),
    ('list_models', {'kind': 'loras'}, 'tiny_lora.safetensors', {'kind': 'lorras'}, 'there are checkpoints'),
    ('check_script', {'text': INVERTED}, 'OK: 3 nodes.', {'text': 'def f(:\n'}, 'error 1:7'),
    ('run_script', {'text': INVERTED}, 'SaveImage: agent_', {'text': 'import os'}, 'error 1:'),
    ('save_workflow', {'text': INVERTED, 'name': 'everywhere', 'overwrite': True}, 'Saved as',
     {'text': 'import os', 'name': 'x'}, 'error 1:'),
    ('script_of', {'source': 'workflows/everywhere.json'}, 'ImageInvert(', {'source': '../main.py'}, ''),
    ('queue', {}, '', {'prompt_id': '0-0'}, 'knows no prompt'),
    ('open_graph', None, '', {}, ''),
    ('apply_script', None, '', {'text': INVERTED}, ''),
    ('cancel', None, '', {'prompt_id': '0-0'}, 'neither runs nor waits'),
    ('upload', None, 'has it', {'path': 'none.png'}, ''),
)  # fmt: skip


@pytest.mark.parametrize('transport', ['stdio', 'http'])
async def test_every_tool_well_and_badly(server: Server, tmp_path: Path, transport: str) -> None:
    folder = ('--server', server.url, '--upload-from', str(tmp_path))
    Image.new('RGB', (8, 8), 'red').save(tmp_path / 'red.png')
    async with contextlib.AsyncExitStack() as stack:
        if transport == 'stdio':
            agent = await stack.enter_async_context(over_stdio(*folder))
        else:
            agent = await stack.enter_async_context(Client(stack.enter_context(http_server(*folder))))
        assert {name for name, *_ in OF_EACH_TOOL} == {tool.name for tool in (await agent.list_tools()).tools}
        for name, well, said, badly, reason in OF_EACH_TOOL:
            if name == 'upload':
                well = {'path': str(tmp_path / 'red.png')}
            if well is not None:
                assert said in await told(agent, name, **well), name
            assert reason in await refused(agent, name, **badly), name

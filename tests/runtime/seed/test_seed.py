"""What the specification of the runtime says of virtual mode, on a real server, with results looked at."""

from __future__ import annotations

import asyncio
import enum
import json
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfy_script import runtime
from comfy_script.runtime import Client, ImageBatchResult, TaskCancelledError, Workflow, queue, util
from comfy_script.tests.lab.server import Server
from comfy_script.tests.runtime.client.test_tasks import wait_for

pytestmark = pytest.mark.server

LOOPBACK = """
with Workflow(queue=False) as wf:
    model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.ckpt')
    conditioning = CLIPTextEncode('beautiful scenery nature glass bottle landscape, , purple galaxy bottle,', clip)
    conditioning2 = CLIPTextEncode('text, watermark', clip)
    latent = EmptyLatentImage(512, 512, 1)
    latent = KSampler(model, 123, 20, 8, 'euler', 'normal', conditioning, conditioning2, latent, 1)
    SaveImage(VAEDecode(latent, vae), '0')
    for i in range(5):
        latent = KSampler(model, 123, 20, 8, 'euler', 'normal', conditioning, conditioning2, latent, 0.8)
        SaveImage(VAEDecode(latent, vae), f'{i}')

json = wf.api_format_json()
with open('prompt.json', 'w') as f:
    f.write(json)
"""


def test_enumerations(names: dict[str, Any]) -> None:
    local = eval('CheckpointLoaderSimple.ckpt_name.v1_5_pruned_emaonly', names)
    short = eval('Checkpoints.v1_5_pruned_emaonly', names)
    assert local == short == 'v1-5-pruned-emaonly.safetensors'
    assert isinstance(short, str)
    assert isinstance(short, enum.Enum)
    assert names['Samplers'].euler == names['KSampler'].sampler_name.euler == 'euler'
    assert names['Schedulers'].normal == 'normal'
    every = (
        'Checkpoints CLIPs CLIPVisions ControlNets Diffusers Embeddings GLIGENs Hypernetworks Loras PhotoMakers '
        'StyleModels UNETs UpscaleModels VAEs Samplers Schedulers'
    )
    for name in every.split():
        assert all(isinstance(member, str) for member in names[name])
    [embedding] = names['Embeddings']
    assert embedding.startswith('embedding:')
    assert embedding == 'embedding:' + embedding.name()


def test_workflow_generation(run_block: Callable[..., dict[str, Any]], seed_server: Server, tmp_path: Path) -> None:
    variables = run_block(LOOPBACK)
    prompt = json.loads((tmp_path / 'prompt.json').read_text(encoding='utf-8'))
    assert prompt == variables['wf'].api_format()
    assert sum(node['class_type'] == 'KSampler' for node in prompt.values()) == 6
    assert variables['wf'].task is None
    entry = seed_server.queue(prompt)
    assert len(seed_server.images(entry)) == 6


def test_images_of_scripts_carry_script_and_graph(names: dict[str, Any], loaded: Client) -> None:
    with Workflow(wait=True):
        result = names['SaveImage'](names['EmptyImage'](32, 16), 'carry')
    info = result.wait()[0].info
    assert 'def test_images_of_scripts_carry_script_and_graph' in info['ComfyScriptSource']
    graph = json.loads(info['workflow'])
    assert sorted(node['type'] for node in graph['nodes']) == ['EmptyImage', 'SaveImage']
    assert all(isinstance(node['id'], int) for node in graph['nodes'])
    loaded.api_key = secret = uuid.uuid4().hex
    try:
        with Workflow(wait=True):
            result = names['SaveImage'](names['EmptyImage'](32, 17), 'carry')
        assert secret not in str(result.wait()[0].info)
        assert secret.encode() not in result.wait().read()
    finally:
        loaded.api_key = None


# Each asynchronous form


def test_load_and_cancel_all(loaded: Client, names: dict[str, Any]) -> None:
    async def main() -> None:
        assert await runtime._load() is loaded
        sleeping = names['PreviewImage'](names['TestSleep'](names['EmptyImage'](color=11), 30))
        waiting = names['PreviewImage'](names['TestSleep'](names['EmptyImage'](color=12), 30))
        async with Workflow() as wf:
            pass
        assert wf.task is None
        tasks = [await queue._put(sleeping), await queue._put(waiting)]
        assert tasks[0] is not None
        assert tasks[1] is not None
        # What the server has not begun yet remains, too.
        while tasks[0].current_node is None:
            await asyncio.sleep(0.01)
        await queue._cancel_remaining()
        with pytest.raises(TaskCancelledError):
            await tasks[1]
        assert not tasks[0].done()
        await queue._cancel_all()
        with pytest.raises(TaskCancelledError):
            await tasks[0]
        await queue._cancel_current()

    asyncio.run(main())


def test_async_with_and_await(names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with Workflow(wait=True) as wf:
            output = names['PreviewImage'](names['EmptyImage'](32, 16, 2, 21))
        assert wf.task is not None
        assert wf.task.done()
        for batch in await output, await output.result():
            assert isinstance(batch, ImageBatchResult)
            assert (await batch.get(1)).size == (32, 16)
            assert len(await batch) == 2
        await output._display()
        await (await output)._display()
        alone = names['PreviewImage'](names['EmptyImage'](16, 16, 1, 22))
        assert (await alone)[0].size == (16, 16)
        assert len(await util._get_images(names['EmptyImage'](16, 8, 3))) == 3

    asyncio.run(main())
    assert capsys.readouterr().out.count('Images(') == 2


def test_blocking_calls_inside_a_running_loop(names: dict[str, Any]) -> None:
    """As in a notebook, where every cell runs inside a loop."""

    async def main() -> Any:
        runtime.load()
        with Workflow(wait=True):
            output = names['PreviewImage'](names['EmptyImage'](16, 16, 1, 31))
        return output.wait()[0].size, util.get_images(names['EmptyImage'](8, 8))[0].size

    assert asyncio.run(main()) == ((16, 16), (8, 8))


def test_many_at_once_on_one_loop_and_from_threads(names: dict[str, Any]) -> None:
    async def one(color: int) -> Any:
        async with Workflow():
            output = names['PreviewImage'](names['EmptyImage'](8, 8, 1, color))
            await asyncio.sleep(0.001)
            names['EmptyImage']()
        return (await output)[0].getpixel((0, 0))[2]

    async def main() -> list[Any]:
        return await asyncio.gather(*(one(color) for color in range(20)))

    results: list[list[Any]] = []
    threads = [threading.Thread(target=lambda: results.append(asyncio.run(main()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [list(range(20))] * 4


# util


def test_get_images_leaves_nothing_behind(names: dict[str, Any], seed_server: Server) -> None:
    def files() -> set[Path]:
        return {
            path for folder in ('output', 'temp') for path in (seed_server.base / folder).rglob('*') if path.is_file()
        }

    before = files()
    images = util.get_images(names['EmptyImage'](40, 24, 3, 0xFF8000))
    assert [image.size for image in images] == [(40, 24)] * 3
    assert images[0].getpixel((0, 0)) == (255, 128, 0)
    assert files() == before
    mask = names['SolidMask'](1.0, 16, 8)
    assert util.get_images(mask)[0].getpixel((0, 0)) == (255, 255, 255)
    assert len(util.get_images(names['EmptyImage'](8, 8), save=True)) == 1
    assert len(files() - before) == 1


def test_values(names: dict[str, Any]) -> None:
    assert util.get_int(names['StringLength']('four')) == 4
    assert util.get_str(names['StringConcatenate']('a', 'b', '-')) == 'a-b'
    assert util.get_float(names['PrimitiveFloat'](1.5)) == 1.5
    assert util.get_int(names['PrimitiveInt'](2**40)) == 2**40
    assert util.get_str('as it is') == 'as it is'


def test_images_and_latents_there_and_back(names: dict[str, Any], tmp_path: Path) -> None:
    import numpy
    from PIL import Image

    picture = Image.new('RGB', (24, 16), (10, 20, 30))
    assert util.get_images(util.load_image(picture)[0])[0].getpixel((5, 5)) == (10, 20, 30)
    array = numpy.full((16, 24, 3), 0.5, dtype=numpy.float32)
    assert util.get_images(util.load_image(array)[0])[0].getpixel((5, 5)) == (128, 128, 128)
    picture.save(tmp_path / 'here.png')
    paths = util.save_image_and_get_paths(names['EmptyImage'](24, 16, 2, 7), 'helpers/two')
    assert all(path.startswith('helpers/two_') and path.endswith('[output]') for path in paths)
    joined = util.load_image_from_paths([*paths, str(tmp_path / 'here.png')])
    assert [image.getpixel((0, 0)) for image in util.get_images(joined)] == [(0, 0, 7), (0, 0, 7), (10, 20, 30)]
    latent = util.save_latent(names['EmptyLatentImage'](64, 64, 2))
    both = util.concat_latents(util.load_latent(latent), util.load_latent(latent.save(tmp_path)[0]))
    assert len(util.get_images(names['VAEDecode'](both, names['CheckpointLoaderSimple']()[2]))) == 4


def test_masks(names: dict[str, Any]) -> None:
    from PIL import Image

    name = util.upload_image(Image.new('RGB', (16, 16), 'red'), 'to-mask.png', overwrite=True)
    half = Image.new('L', (16, 16), 0)
    half.paste(255, (0, 0, 8, 16))
    masked = util.upload_mask(half, name)
    _, mask = names['LoadImage'](masked)
    image = util.get_images(mask)[0]
    assert (image.getpixel((2, 8)), image.getpixel((12, 8))) == ((255, 255, 255), (0, 0, 0))


# The examples of the first implementation's README

PLOTTING = """
with Workflow():
    seed = 0
    pos = 'sky, 1girl, smile'
    neg = 'embedding:easynegative'
    model, clip, vae = CheckpointLoaderSimple(Checkpoints.AOM3A1B_orangemixs)
    model2, clip2, vae2 = CheckpointLoaderSimple(Checkpoints.CounterfeitV25_25)
    model2 = TomePatchModel(model2, 0.5)
    for color in 'red', 'green', 'blue':
        latent = EmptyLatentImage(440, 640)
        latent = KSampler(model, seed, steps=15, cfg=6, sampler_name='uni_pc',
                          positive=CLIPTextEncode(f'{color}, {pos}', clip), negative=CLIPTextEncode(neg, clip),
                          latent_image=latent)
        SaveImage(VAEDecode(latent, vae2), f'{seed} {color}')
        latent = LatentUpscaleBy(latent, scale_by=2)
        latent = KSampler(model2, seed, steps=15, cfg=6, sampler_name='uni_pc',
                          positive=CLIPTextEncode(f'{color}, {pos}', clip2), negative=CLIPTextEncode(neg, clip2),
                          latent_image=latent, denoise=0.6)
        SaveImage(VAEDecode(latent, vae2), f'{seed} {color} hires')
"""

AUTO_QUEUE = """
def f(wf):
    seed = 0
    pos = '1girl, angry, middle finger'
    neg = 'embedding:easynegative'
    model, clip, vae = CheckpointLoaderSimple(Checkpoints.CounterfeitV25_25)
    image, width, height = PhotoshopToComfyUI(wait_for_photoshop_changes=True)
    latent = VAEEncode(image, vae)
    latent = LatentUpscaleBy(latent, scale_by=1.5)
    latent = KSampler(model, seed, steps=15, cfg=6, sampler_name='uni_pc',
                        positive=CLIPTextEncode(pos, clip), negative=CLIPTextEncode(neg, clip),
                        latent_image=latent, denoise=0.8)
    PreviewImage(VAEDecode(latent, vae))
queue.when_empty(f)
"""

SELECT_AND_PROCESS = """
import ipywidgets as widgets

queue.watch_display(False)

latents = []
image_batches = []
with Workflow():
    seed = 0
    pos = 'sky, 1girl, smile'
    neg = 'embedding:easynegative'
    model, clip, vae = CheckpointLoaderSimple(Checkpoints.AOM3A1B_orangemixs)
    model2, clip2, vae2 = CheckpointLoaderSimple(Checkpoints.CounterfeitV25_25)
    for color in 'red', 'green', 'blue':
        latent = EmptyLatentImage(440, 640)
        latent = KSampler(model, seed, steps=15, cfg=6, sampler_name='uni_pc',
                          positive=CLIPTextEncode(f'{color}, {pos}', clip), negative=CLIPTextEncode(neg, clip),
                          latent_image=latent)
        latents.append(latent)
        image_batches.append(SaveImage(VAEDecode(latent, vae), f'{seed} {color}'))

grid = widgets.GridspecLayout(1, len(image_batches))
for i, image_batch in enumerate(image_batches):
    image_batch = image_batch.wait()
    image = widgets.Image(value=image_batch[0]._repr_png_())

    button = widgets.Button(description=f'Hires fix {i}')
    def hiresfix(button, i=i):
        print(f'Image {i} is chosen')
        with Workflow():
            latent = LatentUpscaleBy(latents[i], scale_by=2)
            latent = KSampler(model2, seed, steps=15, cfg=6, sampler_name='uni_pc',
                            positive=CLIPTextEncode(pos, clip2), negative=CLIPTextEncode(neg, clip2),
                            latent_image=latent, denoise=0.6)
            image_batch = SaveImage(VAEDecode(latent, vae2), f'{seed} hires')
        display(image_batch.wait())
    button.on_click(hiresfix)

    grid[0, i] = widgets.VBox(children=(image, button))
display(grid)
"""


def test_plotting(run_block: Callable[..., dict[str, Any]], seed_server: Server) -> None:
    run_block(PLOTTING)
    [task] = queue.tasks
    results = task.wait(120)
    assert [result.files[0].filename.rsplit('_', 2)[0] for result in results] == [
        '0 red', '0 red hires', '0 green', '0 green hires', '0 blue', '0 blue hires',
    ]  # fmt: skip
    assert [result[0].size for result in results] == [(64, 64), (128, 128)] * 3


def test_auto_queue(run_block: Callable[..., dict[str, Any]], loaded: Client) -> None:
    seen: set[str] = set()
    try:
        run_block(AUTO_QUEUE)

        def three_runs() -> bool:
            seen.update(task.prompt_id for task in queue.tasks)
            return len(seen) >= 3

        wait_for(three_runs, 60)
    finally:
        queue.when_empty(None)
    queue.join(60)


class _Widgets:
    """As much of ipywidgets as the example uses."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.options = options
        self.cells: dict[Any, Any] = {}
        self.clicked: Any = None

    def on_click(self, function: Any) -> None:
        self.clicked = function

    def __setitem__(self, key: Any, value: Any) -> None:
        self.cells[key] = value

    GridspecLayout = Image = Button = VBox = property(lambda self: _Widgets)


def test_select_and_process(run_block: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    shown: list[Any] = []
    monkeypatch.setitem(sys.modules, 'ipywidgets', _Widgets())
    variables = run_block(SELECT_AND_PROCESS, {'display': shown.append})
    [grid] = shown
    images = [cell.options['children'][0].options['value'] for cell in grid.cells.values()]
    assert len(images) == 3
    assert all(image.startswith(b'\x89PNG') for image in images)
    assert variables['button'].clicked is not None
    grid.cells[0, 1].options['children'][1].clicked(None)
    assert shown[1][0].size == (128, 128)


def test_the_first_example(run_block: Callable[..., dict[str, Any]]) -> None:
    variables = run_block("""
from comfy_script.runtime import *
load()
from comfy_script.runtime.nodes import *

with Workflow(wait=True):
    image = EmptyImage()
    images = util.get_images(image, save=True)
""")
    assert variables['images'][0].size == (512, 512)

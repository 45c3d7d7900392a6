"""Makes example_workflows/ in a real editor: lays out, runs and photographs them.

    python -m comfy_script.tests.nodes.make_examples

The pictures show what a run with the models at hand looks like.
"""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any

from comfy_script.tests.conftest import ROOT
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.browser import find_browser
from comfy_script.tests.lab.server import Server, make_base, pack_links, remove_base

APP = 'window.comfyAPI.app.app'
FLAGS = ('--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync')

XY_PLOT = """\
import torch

def main(
    ckpt: Checkpoints = None,
    prompt: Annotated[str, Multiline()] = 'beautiful scenery nature glass bottle landscape',
    seed: int = 1,
    size: Annotated[int, Range(64, 2048, 64)] = 512,
    steps: Annotated[int, Range(1, 50)] = 20,
) -> Image:
    model, clip, vae = CheckpointLoaderSimple(ckpt)
    positive = CLIPTextEncode(prompt, clip)
    negative = CLIPTextEncode('text, watermark', clip)
    rows = []
    for cfg in (2, 5, 8):
        row = []
        for sampler in ('euler', 'dpmpp_2m', 'ddim'):
            latent = EmptyLatentImage(size, size, 1)
            latent = KSampler(model, seed, steps, cfg, sampler, 'normal', positive, negative, latent)
            row.append(VAEDecode(latent, vae))
            print(f'cfg {cfg}, {sampler}: brightness {row[-1].mean():.2f}')
        rows.append(torch.cat(row, dim=2))
    return torch.cat(rows, dim=1)
"""

HIRES_FIX = """\
def sample(model, positive, negative, latent, seed, steps, denoise=1.0):
    return KSampler(model, seed, steps, 7, 'dpmpp_2m', 'karras', positive, negative, latent, denoise)

def hires_fix(latent, scale, **settings):
    larger = LatentUpscaleBy(latent, 'bislerp', scale)
    return sample(latent=larger, denoise=0.5, **settings)

def main(
    ckpt: Checkpoints = None,
    prompt: Annotated[str, Multiline()] = 'masterpiece, a castle on a hill',
    seed: int = 1,
    size: Annotated[int, Range(64, 2048, 64)] = 512,
    steps: Annotated[int, Range(1, 50)] = 14,
    scale: Annotated[float, Range(1, 4, 0.25)] = 1.5,
    passes: Annotated[int, Range(0, 4)] = 2,
) -> tuple[Image, Image]:
    model, clip, vae = CheckpointLoaderSimple(ckpt)
    positive, negative = CLIPTextEncode(prompt, clip), CLIPTextEncode('bad hands', clip)
    settings = dict(model=model, positive=positive, negative=negative, seed=seed, steps=steps)
    latent = sample(latent=EmptyLatentImage(size, size, 1), **settings)
    first = VAEDecode(latent, vae)
    for number in range(passes):
        latent = hires_fix(latent, scale, **settings)
        print(f'pass {number + 1}: {VAEDecode(latent, vae).shape[2]} pixels wide')
    large = VAEDecode(latent, vae)
    return first, large
"""

BRANCH = """\
def main(
    image: Image,
    dark: Annotated[float, Range(0, 1, 0.01)] = 0.4,
    light: Annotated[float, Range(0, 1, 0.01)] = 0.7,
) -> Image:
    brightness = image.mean().item()
    if brightness < dark:
        print(f'{brightness:.2f}: dark, so it is lightened')
        result = image ** (brightness / dark)
    elif brightness > light:
        print(f'{brightness:.2f}: light, so it is inverted and softened')
        result = ImageBlur(ImageInvert(image), 3, 1.0)
    else:
        print(f'{brightness:.2f}: just right, so it is sharpened')
        result = ImageSharpen(image, 2, 1.0, 0.8)
    return result
"""

EXAMPLES: dict[str, dict[str, Any]] = {
    'xy_plot_by_loop': {
        'script': XY_PLOT,
        'size': [560, 620],
        'tiny': {'size': 64, 'steps': 2},
        'previews': [(0, 'SaveImage')],
        'source': None,
    },
    'hires_fix_as_a_function': {
        'script': HIRES_FIX,
        'size': [640, 720],
        'tiny': {'size': 64, 'steps': 2},
        'previews': [(0, 'PreviewImage'), (1, 'SaveImage')],
        'source': None,
    },
    'branch_on_brightness': {
        'script': BRANCH,
        'size': [520, 460],
        'tiny': {},
        'previews': [(0, 'PreviewImage')],
        'source': 'LoadImage',
    },
}

BUILD = """
    app.graph.clear()
    const node = LiteGraph.createNode('ComfyScript')
    node.pos = [400, 100]
    app.graph.add(node)
    const widget = node.widgets[0]
    widget.value = a.script
    widget.callback?.(a.script)
    widget.element?.dispatchEvent(new Event('input'))
"""

CONNECT = """
    const node = app.graph.nodes.find(node => node.comfyClass === 'ComfyScript')
    node.setSize(a.size)
    if (a.source) {
        const source = LiteGraph.createNode(a.source)
        source.pos = [60, 100]
        app.graph.add(source)
        source.connect(0, node, 0)
    }
    a.previews.forEach(([slot, type], index) => {
        const target = LiteGraph.createNode(type)
        target.pos = [440 + a.size[0], 100 + index * 340]
        target.setSize([300, 300])
        app.graph.add(target)
        node.connect(slot, target, 0)
    })
"""


def main() -> None:
    from playwright.sync_api import sync_playwright

    comfyui, folder = paths.comfyui_folder(), ROOT / 'example_workflows'
    folder.mkdir(exist_ok=True)
    base = make_base(Path(tempfile.mkdtemp()), comfyui, pack_links('ComfyScript', comfyui, testing=False))
    server = Server.start(comfyui, paths.comfyui_python(), base)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(find_browser()), args=FLAGS)
            page = browser.new_page(viewport={'width': 1500, 'height': 1000})
            page.goto(server.url)
            page.wait_for_selector('#graph-canvas')
            page.wait_for_timeout(4000)
            for name, example in EXAMPLES.items():
                make(page, folder / name, example)
            browser.close()
    finally:
        server.close()
        remove_base(base)


def js(page: Any, text: str, argument: Any = None) -> Any:
    return page.evaluate(f'async a => {{ const app = {APP}; {text} }}', argument)


def make(page: Any, file: Path, example: dict[str, Any]) -> None:
    js(page, BUILD, example)
    page.wait_for_timeout(1200)
    js(page, CONNECT, example)
    page.wait_for_timeout(500)
    workflow = json.loads(js(page, 'return JSON.stringify(app.graph.serialize())'))
    file.with_suffix('.json').write_text(json.dumps(workflow, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    for name, value in example['tiny'].items():
        js(page, SET, [name, value])
    js(page, 'await app.queuePrompt(0, 1)')
    for _ in range(120):
        page.wait_for_timeout(1000)
        queue = js(page, "return await (await fetch('/queue')).json()")
        if not queue['queue_running'] and not queue['queue_pending']:
            break
    js(page, 'app.canvas.ds.offset = [0, 60]; app.canvas.ds.scale = 0.9; app.canvas.setDirty(true, true)')
    page.wait_for_timeout(6000)
    photograph(page, file.with_suffix('.jpg'), example)


SET = "app.graph.nodes.find(n => n.comfyClass === 'ComfyScript').widgets.find(w => w.name === a[0]).value = a[1]"


def photograph(page: Any, file: Path, example: dict[str, Any]) -> None:
    from PIL import Image

    left = 60 if example['source'] else 400
    width = 440 + example['size'][0] + 300 - left
    height = max(example['size'][1] + 100, 340 * len(example['previews']) + 40)
    clip = {'x': 0.9 * left - 15, 'y': 95, 'width': 0.9 * width + 30, 'height': 0.9 * height}
    data = page.screenshot(clip=clip)
    image = Image.open(io.BytesIO(data)).convert('RGB')
    image.thumbnail((1000, 1000))
    image.save(file, quality=85)


if __name__ == '__main__':
    main()

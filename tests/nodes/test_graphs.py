"""Whole graphs as scripts in the ComfyScript node: the pixels of the graph, with and without the header."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.tests.conftest import StartServer
from comfy_script.tests.lab.server import Server
from comfy_script.tests.real.workflows import WORKFLOWS
from comfy_script.transpiler import Style, transpile

from .small import PICTURE, SAVERS, smaller

pytestmark = pytest.mark.server

HEADER = Style(runtime=True)
Pictures = list[tuple[str, str, tuple[int, int], bytes]]

# What the lab can run of the corpus: all nodes are there, and its Stable Diffusion 1 can stand in for the models.
# Not here, of those: what differs from one below in a file's name only; image_lotus_depth_v1_1 and
# image_qwen_image_instantx_controlnet (LotusConditioning is wider than what these models take);
# image_qwen_image_edit_2509_relight (a node of it makes every picture a megapixel).
CORPUS = (
    'basic_mask_operations_and_compositing',
    'flux_fill_inpaint_example',
    'hidream_i1_fast',
    'image_chroma_text_to_image',
    'image_flux.1_fill_dev_OneReward',
    'image_flux2_klein_image_edit_4b_distilled',
    'image_flux2_klein_image_edit_9b_base',
    'image_flux2_klein_text_to_image',
    'image_kandinsky5_t2i',
    'image_netayume_lumina_t2i',
    'image_newbieimage_exp0_1-t2i',
    'image_ovis_text_to_image',
    'image_qwen_image_2512_with_2steps_lora',
    'image_z_image_turbo',
    'sd3.5_large_canny_controlnet_example',
    'sd3.5_simple_example',
    'sdxlturbo_example',
    'txt_to_image_to_video',
)


@pytest.fixture(scope='module')
def server(start_module_server: StartServer) -> Iterator[Server]:
    from PIL import Image

    server = start_module_server()
    ramp = Image.linear_gradient('L').resize((64, 48))
    ramp.paste(255, (8, 4, 40, 16))
    flipped, turned = ramp.transpose(Image.Transpose.FLIP_TOP_BOTTOM), ramp.rotate(90)
    Image.merge('RGBA', (ramp, turned, flipped, turned)).save(server.base / 'input' / PICTURE)
    yield server


@pytest.fixture(scope='module')
def known(server: Server) -> Schemas:
    return Schemas.parse(server.get('/object_info'))


def run(server: Server, prompt: Mapping[str, Any]) -> Pictures:
    """The pictures that a prompt saves and previews: where to, mode, size, pixels. All of the prompt has to run."""
    from PIL import Image

    entry = server.queue(prompt)
    assert entry['outputs'].keys() >= {key for key, node in prompt.items() if node['class_type'] in SAVERS}
    found: Pictures = []
    for file in server.images(entry):
        with Image.open(file) as image:
            found.append((file.parent.name, image.mode, image.size, image.tobytes()))
    return sorted(found)


def check(server: Server, known: Schemas, prompt: dict[str, Any]) -> None:
    expected = run(server, prompt)
    assert any(len(set(pixels)) > 1 for *_, pixels in expected), 'the graph itself gives no picture'
    for style in (Style(), HEADER):
        script = transpile(prompt, schemas=known, style=style)
        assert ('from comfy_script.runtime import *' in script) == style.runtime
        node = {'class_type': 'ComfyScript', 'inputs': {'script': script}}
        assert run(server, {'1': node}) == expected, script


@pytest.mark.parametrize('name', WORKFLOWS)
def test_a_workflow(name: str, server: Server, known: Schemas) -> None:
    check(server, known, WORKFLOWS[name])


@pytest.mark.parametrize('name', CORPUS)
def test_a_prompt_of_the_corpus(name: str, server: Server, known: Schemas, corpus: Path) -> None:
    prompt = smaller(json.loads((corpus / 'prompts' / f'{name}.json').read_text(encoding='utf-8')))
    missing = {node['class_type'] for node in prompt.values()} - set(known)
    if missing:
        pytest.skip(f'this ComfyUI has no {", ".join(sorted(missing))}')
    check(server, known, prompt)

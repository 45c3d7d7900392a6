"""The examples that a model learns the language from: each is checked, and run."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from comfy_script.agents.language import EXAMPLES, SHORT_LANGUAGE
from comfy_script.agents.script_checks import check
from comfy_script.graph import Schemas
from comfy_script.runtime.client.client import Client as ComfyClient
from comfy_script.tests.lab.server import Server

SMALLER = (
    ('512, 512', '64, 64'),
    ('width=512, height=768', 'width=64, height=64'),
    (', 20, 8', ', 1, 8'),
    (', 10, 8', ', 1, 8'),
    ('steps=20', 'steps=1'),
)


def test_there_are_ten() -> None:
    assert len(EXAMPLES) == 10


@pytest.mark.parametrize('title', [title for title, _ in EXAMPLES if 'main' not in dict(EXAMPLES)[title]])
def test_each_example_fits_its_nodes(schemas: Schemas, title: str) -> None:
    text = dict(EXAMPLES)[title].replace('tiny_lora.safetensors', LORA)
    found = check(text, with_lora(schemas))
    assert (found.errors, found.warnings) == ((), ())


LORA = 'a.safetensors'


def with_lora(schemas: Schemas) -> Schemas:
    """The server that these schemas are from has no LoRA."""
    infos = {name: dict(schemas[name].info) for name in schemas}
    loader = json.loads(json.dumps(infos['LoraLoader']))
    loader['input']['required']['lora_name'][0] = [LORA]
    return Schemas.parse({**infos, 'LoraLoader': loader})


OF_2026 = EXAMPLES[6][0]
"""Its nodes are not in ComfyUI 0.3.75."""


@pytest.mark.parametrize('title', [title for title, _ in EXAMPLES if title != OF_2026])
@pytest.mark.server
async def test_each_example_runs(server: Server, title: str) -> None:
    pytest.importorskip('mcp')
    from comfy_script.agents.studio import Studio
    from comfy_script.tests.agents.talking import inside, told

    text = dict(EXAMPLES)[title]
    for long, short in SMALLER:
        text = text.replace(long, short)
    Image.new('RGB', (64, 64), 'green').save(server.base / 'input' / 'small.png')
    text = text.replace('example.png', 'small.png')
    inputs = {'image': 'small.png'} if 'def main' in text else {}
    with ComfyClient(server.url) as comfyui:
        async with inside(Studio(comfyui)) as agent:
            assert 'warning' not in await told(agent, 'check_script', text=text)
            assert '.png [' in await told(agent, 'run_script', text=text, inputs=inputs, image_size=0)


def test_the_short_one_is_a_script(schemas: Schemas) -> None:
    lines = SHORT_LANGUAGE.split('\n\n')[1]
    found = check(lines.replace('NAME.safetensors', 'v1-5-pruned-emaonly.safetensors'), schemas)
    assert found.errors == ()
    assert found.read is not None
    assert len(found.read.prompt.nodes) == 7

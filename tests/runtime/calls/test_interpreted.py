"""A script that the interpreter read, laid out: the same titles and groups as when Python runs it."""

from __future__ import annotations

from typing import Any

from comfy_script.graph import Schemas, difference
from comfy_script.interpreter import script_to_prompt
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.runtime.client.workflow import Workflow

SCRIPT = """\
def sampler(seed, model, text, latent):
    for step in range(2):
        latent = KSampler(model, seed + step, 20, 8, 'euler', 'normal', text, text, latent, 1)
    return latent

def both(model, clip, text):
    latent = EmptyLatentImage(64, 64, 1)
    return sampler(5, model, text, sampler(1, model, CLIPTextEncode('inner', clip), latent))

model, clip, vae = CheckpointLoaderSimple('a.ckpt')
happy_dog = CLIPTextEncode('dog', clip)
for number in range(2):
    final_picture = VAEDecode(both(model, clip, happy_dog), vae)
    SaveImage(final_picture, f'{number}')
"""


def shape(workflow: dict[str, Any]) -> Any:
    return (
        [group['title'] for group in workflow['groups']],
        [node.get('title') for node in workflow['nodes']],
        [node['pos'] for node in workflow['nodes']],
    )


def test_titles_and_groups(schemas: Schemas, nodes: NodeNamespace) -> None:
    read = script_to_prompt(SCRIPT, schemas)
    with Workflow(queue=False) as wf:
        exec(compile(SCRIPT, 'script', 'exec'), {name: nodes.find(name) for name in nodes.public_names()})
    assert difference(read.prompt, wf.api_format()) is None
    workflow = read.built.workflow()
    assert [group['title'] for group in workflow['groups']] == ['both', 'sampler', 'sampler'] * 2
    assert 'Final picture' in [node.get('title') for node in workflow['nodes']]
    assert shape(workflow) == shape(wf.workflow_format())

"""A script read as a prompt: nothing runs, and each node knows its line."""

# ruff: noqa: E501
from __future__ import annotations

import pytest

from comfy_script.graph import Schemas
from comfy_script.interpreter import Caller, ScriptError, script_to_prompt

SCRIPT = """\
from comfy_script.runtime import *
load()
from comfy_script.runtime.nodes import *

def sample(model, seed=1):
    return KSampler(model, seed, 'euler', 'normal')

with Workflow():
    model, clip, vae = CheckpointLoaderSimple(Checkpoints.xl)
    for seed in range(2):
        image = VAEDecode(sample(model, seed=seed), vae)
        SaveImage(image, f'{seed}')
"""


def test_prompt_lines_names_and_groups(node_schemas: Schemas) -> None:
    found = script_to_prompt(SCRIPT, node_schemas)
    assert [node['class_type'] for node in found.prompt.values()] == [
        'CheckpointLoaderSimple', 'KSampler', 'VAEDecode', 'SaveImage', 'KSampler', 'VAEDecode', 'SaveImage',
    ]  # fmt: skip
    assert found.prompt['1']['inputs'] == {'ckpt_name': 'xl.safetensors'}
    assert found.prompt['5']['inputs'] == {'model': ['1', 0], 'seed': 1, 'sampler_name': 'euler', 'scheduler': 'normal'}
    assert found.prompt['7']['inputs'] == {'images': ['6', 0], 'filename_prefix': '1'}
    assert found.lines == {'1': 9, '2': 6, '3': 11, '4': 12, '5': 6, '6': 11, '7': 12}
    assert found.names == {'1': ('model', 'clip', 'vae'), '3': ('image',), '6': ('image',)}
    assert found.callers == {'2': (Caller('sample', 11, 26),), '5': (Caller('sample', 11, 26),)}


def test_a_folder_is_listed_through_what_the_server_lists() -> None:
    files = ['a.png', 'trip/1.png', 'trip/2.png', 'trip/far/3.png']
    image = {'input': {'required': {'image': [files, {'image_upload': True}]}}, 'output': ['IMAGE', 'MASK']}
    save = {'input': {'required': {'images': ['IMAGE']}}, 'output': [], 'output_node': True}
    schemas = Schemas.parse({'LoadImage': image, 'SaveImage': save})
    text = """\
for name in LoadImage.image:
    if name.startswith('trip/') and '/' not in name[5:]:
        image, mask = LoadImage(name)
        SaveImage(image)
assert len(list(LoadImage.image)) == 4
assert sorted(name.split('/')[-1] for name in LoadImage.image)[0] == '1.png'
"""
    nodes = script_to_prompt(text, schemas).prompt.values()
    assert [node['inputs']['image'] for node in nodes if node['class_type'] == 'LoadImage'] == files[1:3]


def test_unknown_nodes_have_as_many_outputs_as_are_asked_for(node_schemas: Schemas) -> None:
    text = "a, b = node['X'](v=1, w=[1, 2])\nSaveImage(b)\nSaveImage(node['Y']())\nSaveImage(node['Z']()[3])"
    prompt = script_to_prompt(text, node_schemas).prompt
    assert prompt['1'] == {'class_type': 'X', 'inputs': {'v': 1, 'w': {'__value__': [1, 2]}}}
    assert [prompt[key]['inputs']['images'] for key in ('2', '4', '6')] == [['1', 1], ['3', 0], ['5', 3]]


@pytest.mark.parametrize(
    'text',
    [
        'x = VAEDecode(None, None)\nif x: pass', 'x = VAEDecode(None, None)\ny = x + 1', 'x = VAEDecode(None, None)\nx.shape',
        'x = VAEDecode(None, None)\nfor y in x: pass', 'x = VAEDecode(None, None)\nx[0]', 'x = VAEDecode(None, None)\nx == 1',
    ],
)  # fmt: skip
def test_values_of_nodes_are_not_known(text: str, node_schemas: Schemas) -> None:
    with pytest.raises(ScriptError, match='known only when the script runs') as caught:
        script_to_prompt(text, node_schemas)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('KSampler(seeed=1)', 'seeed'),
        ('KSamplr()', 'did you mean'),
        ('SaveImage(lambda: 1)', 'cannot take a function'),
        ('SaveImage([VAEDecode(None, None)])', 'inside a list'),
    ],
)
def test_wrong_calls_name_their_line(text: str, reason: str, node_schemas: Schemas) -> None:
    with pytest.raises(ScriptError, match=reason) as caught:
        script_to_prompt('\n' + text, node_schemas)
    assert caught.value.line == 2


def test_bounded() -> None:
    with pytest.raises(ScriptError, match='nodes'):
        script_to_prompt("while True: node['X']()", Schemas.parse({}))


def test_an_input_may_have_the_name_of_a_hidden_one() -> None:
    """Easy-Use's promptLine has both: the prompt of the whole graph is hidden, a text of that name is not."""
    hidden = {'prompt': 'PROMPT', 'png': 'EXTRA_PNGINFO'}
    infos = {'Line': {'input': {'required': {'prompt': ['STRING', {}]}, 'hidden': hidden}, 'output': []}}
    schemas = Schemas.parse(infos)
    assert script_to_prompt("Line(prompt='a')", schemas).prompt['1']['inputs'] == {'prompt': 'a'}
    with pytest.raises(ScriptError, match='hidden'):
        script_to_prompt("Line('a', png={})", schemas)

"""A small, made-up server for the tests of this folder: no network."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.runtime.calls.recording import Recorder, locate_call, record_call


def node(
    required: dict[str, Any],
    output: list[Any],
    optional: dict[str, Any] | None = None,
    **facts: Any,
) -> dict[str, Any]:
    sections: dict[str, Any] = {'required': required}
    if optional:
        sections['optional'] = optional
    return {'input': sections, 'output': output, 'output_name': output, **facts}


FILES = ['sd/xl base.safetensors', 'v1-5-pruned-emaonly.ckpt', 'twin.ckpt', 'twin.safetensors', '测试.pt']
SAMPLERS = ['euler', 'euler_ancestral', 'ddim']
RESIZE = {
    'options': [
        {
            'key': 'size',
            'inputs': {
                'required': {
                    'width': ['INT', {'default': 512}],
                    'height': ['INT', {'default': 512}],
                    'crop': ['COMBO', {'options': ['disabled', 'center']}],
                }
            },
        },
        {'key': 'factor', 'inputs': {'required': {'factor': ['FLOAT', {'default': 1.0, 'min': 0.1, 'max': 8.0}]}}},
    ]
}
BATCH = {'template': {'input': {'required': {'image': ['IMAGE', {}]}}, 'prefix': 'image', 'min': 2, 'max': 50}}

OBJECT_INFO: dict[str, Any] = {
    'CheckpointLoaderSimple': node({'ckpt_name': [FILES, {}]}, ['MODEL', 'CLIP', 'VAE']),
    'CLIPTextEncode': node({'text': ['STRING', {'multiline': True}], 'clip': ['CLIP', {}]}, ['CONDITIONING']),
    'EmptyLatentImage': node(
        {
            'width': ['INT', {'default': 512, 'min': 16, 'max': 16384, 'step': 8, 'tooltip': 'In pixels.'}],
            'height': ['INT', {'default': 512, 'min': 16, 'max': 16384, 'step': 8}],
            'batch_size': ['INT', {'default': 1, 'min': 1, 'max': 4096}],
        },
        ['LATENT'],
        display_name='Empty Latent Image',
        category='latent',
        python_module='nodes',
    ),
    'KSampler': node(
        {
            'model': ['MODEL', {}],
            'seed': ['INT', {'default': 0, 'control_after_generate': True}],
            'steps': ['INT', {'default': 20}],
            'cfg': ['FLOAT', {'default': 8.0}],
            'sampler_name': [SAMPLERS, {}],
            'scheduler': [['normal', 'karras'], {}],
            'positive': ['CONDITIONING', {}],
            'negative': ['CONDITIONING', {}],
            'latent_image': ['LATENT', {}],
            'denoise': ['FLOAT', {'default': 1.0}],
        },
        ['LATENT'],
    ),
    'KSamplerAdvanced': node(
        {
            'model': ['MODEL', {}],
            'add_noise': [['enable', 'disable'], {}],
            'sampler_name': [SAMPLERS, {}],
            'latent_image': ['LATENT', {}],
        },
        ['LATENT'],
    ),
    'VAEDecode': node({'samples': ['LATENT', {}], 'vae': ['VAE', {}]}, ['IMAGE']),
    'SaveImage': node(
        {'images': ['IMAGE', {}], 'filename_prefix': ['STRING', {'default': 'ComfyUI'}]}, [], output_node=True
    ),
    'PreviewBoth': node({'image': ['IMAGE', {}]}, ['IMAGE', 'MASK'], output_node=True),
    'ResizeImage': node({'image': ['IMAGE', {}], 'mode': ['COMFY_DYNAMICCOMBO_V3', RESIZE]}, ['IMAGE']),
    'BatchImages': node({'images': ['COMFY_AUTOGROW_V3', BATCH]}, ['IMAGE']),
    'Blur': node({'image': ['IMAGE', {}]}, ['IMAGE'], optional={'radius': ['INT', {'default': 3}]}),
    'Weights': node({'weights': ['FLOATS', {}]}, ['FLOATS']),
    'Count': node({'image': ['IMAGE', {}]}, ['INT', '*']),
    'Any Node (odd)|name': node({'any': ['*', {}], 'class': ['STRING', {'default': ''}]}, ['IMAGE,MASK']),
    'ImageResize': node({'image': ['IMAGE', {}]}, ['IMAGE']),
    'ImageResize+': node({'image': ['IMAGE', {}]}, ['IMAGE']),
    'Scripted': node({'script': ['STRING', {'any_inputs': True}]}, ['*', '*']),
    'Broken': {'input': {'required': {'x': 5}}, 'output': []},
}


@pytest.fixture
def schemas() -> Schemas:
    return Schemas.parse(OBJECT_INFO)


@pytest.fixture
def nodes(schemas: Schemas) -> NodeNamespace:
    """Nodes whose calls go into the current Workflow, as those of a client do."""
    record = Recorder(record_call, None, locate_call)
    return NodeNamespace(schemas, record, embeddings=['easynegative', 'style/a b'])

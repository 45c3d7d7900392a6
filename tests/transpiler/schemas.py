"""A few node types for tests that need no server: the shapes that real ones have."""

from __future__ import annotations

from typing import Any

from comfy_script.graph import Schemas

INT = ['INT', {'default': 1}]
FLOAT = ['FLOAT', {'default': 1.0}]
STRING = ['STRING', {'default': ''}]


def node(
    required: dict[str, Any] | None = None,
    outputs: str = '',
    optional: dict[str, Any] | None = None,
    title: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An entry of `/object_info`. `outputs`: types, with a name of their own after a colon: `'IMAGE MASK:alpha'`."""
    pairs = [(item.partition(':')[0], item.partition(':')[2] or item) for item in outputs.split()]
    entry = {
        'input': {'required': required or {}, 'optional': optional or {}},
        'output': [type_ for type_, _ in pairs],
        'output_name': [name for _, name in pairs],
        'output_node': not pairs,
        **more,
    }
    return {**entry, 'display_name': title} if title else entry


def socket(type_: str) -> list[Any]:
    return [type_, {}]


OBJECT_INFO: dict[str, Any] = {
    'CheckpointLoaderSimple': node(
        {'ckpt_name': [['a.safetensors', 'b.safetensors'], {}]}, 'MODEL CLIP VAE', title='Load Checkpoint'
    ),
    'LoraLoader': node(
        {
            'model': socket('MODEL'),
            'clip': socket('CLIP'),
            'lora_name': [['l.safetensors'], {}],
            'strength_model': FLOAT,
            'strength_clip': FLOAT,
        },
        'MODEL CLIP',
    ),
    'CLIPTextEncode': node(
        {'text': ['STRING', {'multiline': True}], 'clip': socket('CLIP')},
        'CONDITIONING',
        title='CLIP Text Encode (Prompt)',
    ),
    'EmptyLatentImage': node({'width': INT, 'height': INT, 'batch_size': INT}, 'LATENT', title='Empty Latent Image'),
    'KSampler': node(
        {
            'model': socket('MODEL'),
            'seed': INT,
            'steps': INT,
            'cfg': FLOAT,
            'sampler_name': [['euler', 'ddim'], {}],
            'scheduler': [['normal', 'simple'], {}],
            'positive': socket('CONDITIONING'),
            'negative': socket('CONDITIONING'),
            'latent_image': socket('LATENT'),
            'denoise': FLOAT,
        },
        'LATENT',
    ),
    'LatentUpscale': node(
        {
            'samples': socket('LATENT'),
            'upscale_method': [['nearest-exact'], {}],
            'width': INT,
            'height': INT,
            'crop': [['disabled', 'center'], {}],
        },
        'LATENT',
    ),
    'VAEDecode': node({'samples': socket('LATENT'), 'vae': socket('VAE')}, 'IMAGE', title='VAE Decode'),
    'SaveImage': node({'images': socket('IMAGE'), 'filename_prefix': STRING}, title='Save Image'),
    'LoadImage': node({'image': [['x.png'], {}]}, 'IMAGE MASK', title='Load Image'),
    'ImageResize': node({'image': socket('IMAGE'), 'size': INT}, 'IMAGE'),
    'ImageResize+': node({'image': socket('IMAGE'), 'size': INT}, 'IMAGE'),
    'ControlNet': node(
        {'positive': socket('CONDITIONING'), 'negative': socket('CONDITIONING')},
        'CONDITIONING:positive CONDITIONING:negative',
    ),
    'Components': node({'video': socket('VIDEO')}, 'IMAGE:images AUDIO:audio FLOAT:fps INT:bit_depth COMBO:space'),
    'PrimitiveInt': node({'value': INT}, 'INT', title='Int'),
    'Switch': node(
        {
            'switch': ['BOOLEAN', {}],
            'on_false': ['COMFY_MATCHTYPE_V3', {'template': {'template_id': 't', 'allowed_types': '*'}}],
            'on_true': ['COMFY_MATCHTYPE_V3', {'template': {'template_id': 't', 'allowed_types': '*'}}],
        },
        'COMFY_MATCHTYPE_V3:output',
        output_matchtypes=['t'],
    ),
    'Toggle': node({'mode': [['enable', 'disable'], {}]}, 'IMAGE'),
    'Optional': node(
        {'image': socket('IMAGE')}, 'IMAGE', {'mask': socket('MASK'), 'size': INT, 'with': INT, 'odd name': INT}
    ),
    'Grow': node(
        {
            'images': [
                'COMFY_AUTOGROW_V3',
                {
                    'template': {
                        'input': {'required': {'image': socket('IMAGE')}},
                        'prefix': 'image',
                        'min': 1,
                        'max': 20,
                    }
                },
            ]
        },
        'IMAGE',
    ),
    'Resize': node(
        {
            'image': socket('IMAGE'),
            'how': [
                'COMFY_DYNAMICCOMBO_V3',
                {
                    'options': [
                        {'key': 'size', 'inputs': {'required': {'width': INT, 'height': INT}}},
                        {'key': 'factor', 'inputs': {'required': {'factor': FLOAT}}},
                        {'key': 'match', 'inputs': {'required': {'other': socket('IMAGE')}, 'optional': {'crop': INT}}},
                        {
                            'key': 'many',
                            'inputs': {
                                'required': {
                                    'parts': [
                                        'COMFY_AUTOGROW_V3',
                                        {
                                            'template': {
                                                'input': {'required': {'part': socket('IMAGE')}},
                                                'names': ['a', 'b', 'c'],
                                                'min': 0,
                                            }
                                        },
                                    ]
                                }
                            },
                        },
                    ]
                },
            ],
            'after': INT,
        },
        'IMAGE',
    ),
    'Text': node({'text': STRING}, 'STRING'),
    'print': node({'text': STRING}),
    'class': node({'text': STRING}, 'STRING'),
    '加载': node({'text': STRING}, 'STRING'),
    "__import__('os')": node({'text': STRING}, 'STRING'),
}

SCHEMAS = Schemas.parse(OBJECT_INFO)

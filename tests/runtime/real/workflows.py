"""Ten workflows on tiny models, as API prompts in the order of their data flow."""

from __future__ import annotations

from typing import Any

CHECKPOINT = 'tiny.safetensors'


def _prompt(*nodes: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    return {key: {'class_type': class_type, 'inputs': inputs} for key, class_type, inputs in nodes}


def _start(seed: int = 5, size: int = 64) -> list[tuple[str, str, dict[str, Any]]]:
    """Checkpoint 1, prompts 2 and 3, latent 4."""
    return [
        ('1', 'CheckpointLoaderSimple', {'ckpt_name': CHECKPOINT}),
        ('2', 'CLIPTextEncode', {'text': "it's a 'bottle'", 'clip': ['1', 1]}),
        ('3', 'CLIPTextEncode', {'text': 'text, watermark', 'clip': ['1', 1]}),
        ('4', 'EmptyLatentImage', {'width': size, 'height': size, 'batch_size': 1}),
    ]


def _sample(key: str, latent: str, **more: Any) -> tuple[str, str, dict[str, Any]]:
    inputs = {'seed': 5, 'steps': 2, 'cfg': 2.0, 'sampler_name': 'euler', 'scheduler': 'normal', 'denoise': 1.0}
    links = {'model': ['1', 0], 'positive': ['2', 0], 'negative': ['3', 0], 'latent_image': [latent, 0]}
    return key, 'KSampler', {**links, **inputs, **more}


def _end(first: int, latent: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (str(first), 'VAEDecode', {'samples': [latent, 0], 'vae': ['1', 2]}),
        (str(first + 1), 'SaveImage', {'images': [str(first), 0], 'filename_prefix': 'workflow'}),
    ]


WORKFLOWS: dict[str, dict[str, Any]] = {
    'text to image': _prompt(*_start(), _sample('5', '4'), *_end(6, '5')),
    'batch': _prompt(
        *_start()[:3],
        ('4', 'EmptyLatentImage', {'width': 64, 'height': 32, 'batch_size': 2}),
        _sample('5', '4', seed=2**63),
        *_end(6, '5'),
    ),
    'two passes': _prompt(
        *_start(),
        _sample('5', '4'),
        ('6', 'LatentUpscaleBy', {'samples': ['5', 0], 'upscale_method': 'nearest-exact', 'scale_by': 1.5}),
        _sample('7', '6', denoise=0.5),
        *_end(8, '7'),
    ),
    'image to image': _prompt(
        *_start()[:3],
        ('4', 'LoadImage', {'image': 'example.png'}),
        ('5', 'ImageScale', {'image': ['4', 0], 'upscale_method': 'bilinear', 'width': 64, 'height': 64,
                             'crop': 'center'}),
        ('6', 'VAEEncode', {'pixels': ['5', 0], 'vae': ['1', 2]}),
        _sample('7', '6', denoise=0.6),
        *_end(8, '7'),
    ),
    'inpainting': _prompt(
        *_start()[:3],
        ('4', 'EmptyImage', {'width': 64, 'height': 64, 'batch_size': 1, 'color': 8421504}),
        ('5', 'SolidMask', {'value': 1.0, 'width': 64, 'height': 64}),
        ('6', 'VAEEncodeForInpaint', {'pixels': ['4', 0], 'vae': ['1', 2], 'mask': ['5', 0], 'grow_mask_by': 6}),
        _sample('7', '6'),
        *_end(8, '7'),
    ),
    'advanced sampler in two': _prompt(
        *_start(),
        ('5', 'KSamplerAdvanced', {'model': ['1', 0], 'add_noise': 'enable', 'noise_seed': 3, 'steps': 3, 'cfg': 2.0,
                                   'sampler_name': 'euler', 'scheduler': 'normal', 'positive': ['2', 0],
                                   'negative': ['3', 0], 'latent_image': ['4', 0], 'start_at_step': 0,
                                   'end_at_step': 2, 'return_with_leftover_noise': 'enable'}),
        ('6', 'KSamplerAdvanced', {'model': ['1', 0], 'add_noise': 'disable', 'noise_seed': 3, 'steps': 3, 'cfg': 2.0,
                                   'sampler_name': 'euler', 'scheduler': 'normal', 'positive': ['2', 0],
                                   'negative': ['3', 0], 'latent_image': ['5', 0], 'start_at_step': 2,
                                   'end_at_step': 10000, 'return_with_leftover_noise': 'disable'}),
        *_end(7, '6'),
    ),
    'custom sampling': _prompt(
        *_start(),
        ('5', 'RandomNoise', {'noise_seed': 7}),
        ('6', 'CFGGuider', {'model': ['1', 0], 'positive': ['2', 0], 'negative': ['3', 0], 'cfg': 2.0}),
        ('7', 'KSamplerSelect', {'sampler_name': 'heun'}),
        ('8', 'BasicScheduler', {'model': ['1', 0], 'scheduler': 'karras', 'steps': 2, 'denoise': 1.0}),
        ('9', 'SamplerCustomAdvanced', {'noise': ['5', 0], 'guider': ['6', 0], 'sampler': ['7', 0],
                                        'sigmas': ['8', 0], 'latent_image': ['4', 0]}),
        *_end(10, '9'),
    ),
    'combined conditionings': _prompt(
        *_start(),
        ('5', 'ConditioningCombine', {'conditioning_1': ['2', 0], 'conditioning_2': ['3', 0]}),
        ('6', 'ConditioningSetArea', {'conditioning': ['5', 0], 'width': 64, 'height': 64, 'x': 0, 'y': 0,
                                      'strength': 0.8}),
        ('7', 'ConditioningZeroOut', {'conditioning': ['3', 0]}),
        _sample('8', '4', positive=['6', 0], negative=['7', 0]),
        *_end(9, '8'),
    ),
    'images': _prompt(
        ('1', 'EmptyImage', {'width': 32, 'height': 32, 'batch_size': 2, 'color': 65280}),
        ('2', 'ImageInvert', {'image': ['1', 0]}),
        ('3', 'ImageBatch', {'image1': ['1', 0], 'image2': ['2', 0]}),
        ('4', 'ImageScaleBy', {'image': ['3', 0], 'upscale_method': 'nearest-exact', 'scale_by': 0.5}),
        ('5', 'ImagePadForOutpaint', {'image': ['4', 0], 'left': 8, 'top': 0, 'right': 0, 'bottom': 8,
                                      'feathering': 4}),
        ('6', 'MaskToImage', {'mask': ['5', 1]}),
        ('7', 'SaveImage', {'images': ['5', 0], 'filename_prefix': 'workflow'}),
        ('8', 'SaveImage', {'images': ['6', 0], 'filename_prefix': 'workflow'}),
    ),
    'models merged': _prompt(
        *_start(),
        ('5', 'CLIPSetLastLayer', {'clip': ['1', 1], 'stop_at_clip_layer': -2}),
        ('6', 'CLIPTextEncode', {'text': 'a galaxy', 'clip': ['5', 0]}),
        ('7', 'ModelMergeSimple', {'model1': ['1', 0], 'model2': ['1', 0], 'ratio': 0.5}),
        ('8', 'FreeU', {'model': ['7', 0], 'b1': 1.1, 'b2': 1.2, 's1': 0.9, 's2': 0.2}),
        _sample('9', '4', model=['8', 0], positive=['6', 0]),
        *_end(10, '9'),
    ),
}  # fmt: skip

"""Small models with random weights that ComfyUI's own loaders accept. Run by the lab's interpreter:

    python models.py COMFYUI

Shapes are read off ComfyUI's module classes on the meta device; each tensor's values come from a generator seeded with
its name, so the files are the same on every machine.
"""

from __future__ import annotations

import os
import shutil
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(sys.argv[1]).resolve()
sys.path.insert(0, str(ROOT))
sys.argv = [sys.argv[0], '--cpu']

import comfy.options

comfy.options.enable_args_parsing()  # so that ComfyUI sees --cpu before it looks for a GPU

import comfy.ops
import comfy.sd1_clip
import comfy.taesd.taesd
import numpy
import torch
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from safetensors.torch import save_file
from spandrel.architectures.ESRGAN import ESRGAN

Tensors = dict[str, torch.Tensor]

# The layout of SD 1.5 (so that ComfyUI recognises it), with one block per level and two levels.
UNET: Mapping[str, Any] = {
    'image_size': 32,
    'in_channels': 4,
    'out_channels': 4,
    'model_channels': 320,
    'num_res_blocks': [1, 1],
    'channel_mult': [1, 1],
    'transformer_depth': [0, 1],
    'transformer_depth_middle': 1,
    'transformer_depth_output': [0, 0, 1, 1],
    'context_dim': 768,
    'use_spatial_transformer': True,
    'use_linear_in_transformer': False,
    'num_heads': 8,
    'num_head_channels': -1,
    'legacy': False,
    'use_checkpoint': False,
}
DEFAULT_CHECKPOINTS = ('v1-5-pruned-emaonly.safetensors', 'v1-5-pruned-emaonly-fp16.safetensors')


def noise(name: str, shape: tuple[int, ...], spread: float) -> torch.Tensor:
    values = numpy.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    return torch.from_numpy(values.astype(numpy.float32) * numpy.float32(spread))


def weights(module: torch.nn.Module, prefix: str = '', dtype: torch.dtype = torch.float16) -> Tensors:
    """Random values for every tensor of a module, scaled so that signals keep their size."""
    found: Tensors = {}
    for key, tensor in module.state_dict().items():
        shape, name = tuple(tensor.shape), prefix + key
        if key.endswith(('bias', 'vae_shift')):
            values = torch.zeros(shape)
        elif len(shape) < 2:
            values = torch.ones(shape)
        elif 'embedding' in key:
            values = noise(name, shape, 0.02)
        else:
            values = noise(name, shape, float(numpy.prod(shape[1:])) ** -0.5)
        found[name] = values.to(dtype).contiguous()
    return found


def around_grey(tensors: Tensors, last_layer: str) -> Tensors:
    """The last layer's output around one half, so that images are neither black nor white."""
    tensors[f'{last_layer}.weight'] *= 0.25
    tensors[f'{last_layer}.bias'] += 0.5
    return tensors


def save(tensors: Tensors, place: str) -> Path:
    file = ROOT / 'models' / place
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + '.partial')
    save_file(tensors, partial)
    partial.replace(file)
    print(f'{file.stat().st_size:>12,}  {place}')
    return file


def alias(file: Path, name: str) -> None:
    """The same model under another name, without its size where the file system can."""
    place = file.with_name(name)
    place.unlink(missing_ok=True)
    for way in (os.link, os.symlink, shutil.copyfile):
        try:
            way(file, place)
            return
        except OSError:
            continue


def lora_layer(name: str, size_in: int, size_out: int) -> Tensors:
    return {
        f'{name}.lora_down.weight': noise(f'{name}.down', (4, size_in), size_in**-0.5).half(),
        f'{name}.lora_up.weight': noise(f'{name}.up', (size_out, 4), 0.5).half(),
        f'{name}.alpha': torch.tensor(4.0).half(),
    }


def main() -> None:
    plain: Any = comfy.ops.disable_weight_init
    unet = UNetModel(**UNET, device='meta', operations=plain)
    config = str(ROOT / 'comfy' / 'sd1_clip_config.json')
    clip: Any = comfy.sd1_clip.SDClipModel(device='meta', textmodel_json_config=config)
    with torch.device('meta'):
        small_vae = comfy.taesd.taesd.TAESD()

    vae = around_grey(weights(small_vae), 'taesd_decoder.19')
    text = weights(clip.transformer, 'cond_stage_model.transformer.')
    checkpoint = {
        **weights(unet, 'model.diffusion_model.'),
        **{key: value for key, value in text.items() if 'text_projection' not in key},
        **{f'first_stage_model.{key}': value for key, value in vae.items()},
    }
    file = save(checkpoint, 'checkpoints/tiny.safetensors')
    save(vae, 'vae/tiny_vae.safetensors')
    save(
        lora_layer('lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q', 320, 320)
        | lora_layer('lora_te_text_model_encoder_layers_0_mlp_fc1', 768, 3072),
        'loras/tiny_lora.safetensors',
    )
    upscaler = weights(ESRGAN(num_filters=8, num_blocks=1, scale=4), dtype=torch.float32)
    save(around_grey(upscaler, 'model.10'), 'upscale_models/tiny_4x.safetensors')
    save({'emb_params': noise('my-embedding', (2, 768), 0.02)}, 'embeddings/my-embedding.safetensors')
    # Last: dev.py takes these names as the sign that everything is there.
    for name in reversed(DEFAULT_CHECKPOINTS):
        alias(file, name)


main()

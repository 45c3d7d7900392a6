"""Real mode on a GPU: full-size SD1.5 and SDXL with random weights, beside the server, and memory over 100 images.

    python dev.py bench gpu [--images N] [--size PIXELS] [--steps N] [--plots N] [--only NAME] [--dry]

Weights are made on the device and written to a checkpoint that ComfyUI's own loader reads (2 and 7 GB, in a temporary
folder). For each model: the XY plot of `bench real` in turn with the server, and images one after the other in real
mode, with the memory of the device and of the process along the way.

The lab's PyTorch is for the CPU: on a machine with a GPU, COMFYSCRIPT_COMFYUI and COMFYSCRIPT_PYTHON name a ComfyUI and
its interpreter, and that interpreter runs this file (with the folder of `comfy_script` on PYTHONPATH). Without a GPU it
says so and ends. `--dry` goes through all of it on the CPU with a small model, and only looks whether ComfyUI would
know the large ones by their tensors.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfy_script.tests.benchmarks import real as plain
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, remove_base

Tensors = dict[str, Any]

_COMMON: Mapping[str, Any] = {
    'image_size': 32,
    'in_channels': 4,
    'out_channels': 4,
    'model_channels': 320,
    'use_spatial_transformer': True,
    'legacy': False,
    'use_checkpoint': False,
}
_ONE: Mapping[str, Any] = {
    'context_dim': 768,
    'use_linear_in_transformer': False,
    'num_heads': 8,
    'num_head_channels': -1,
    'transformer_depth_middle': 1,
}


@dataclass(frozen=True)
class Model:
    """A checkpoint to make: its UNet, and what is around it."""

    unet: Mapping[str, Any]
    known_as: str
    """ComfyUI's class of it, in `comfy.supported_models`."""
    size: int
    vae: bool = True
    """A whole VAE, or a small one."""


MODELS = {
    'SD1.5': Model(
        {
            **_COMMON,
            **_ONE,
            'num_res_blocks': [2, 2, 2, 2],
            'channel_mult': [1, 2, 4, 4],
            'transformer_depth': [1, 1, 1, 1, 1, 1, 0, 0],
            'transformer_depth_output': [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        },
        'SD15',
        512,
    ),
    'SDXL': Model(
        {
            **_COMMON,
            'context_dim': 2048,
            'use_linear_in_transformer': True,
            'num_heads': -1,
            'num_head_channels': 64,
            'num_classes': 'sequential',
            'adm_in_channels': 2816,
            'num_res_blocks': [2, 2, 2],
            'channel_mult': [1, 2, 4],
            'transformer_depth': [0, 0, 2, 2, 10, 10],
            'transformer_depth_middle': 10,
            'transformer_depth_output': [0, 0, 0, 2, 2, 2, 10, 10, 10],
        },
        'SDXL',
        1024,
    ),
}
SMALL = Model(
    {
        **_COMMON,
        **_ONE,
        'num_res_blocks': [1, 1],
        'channel_mult': [1, 1],
        'transformer_depth': [0, 1],
        'transformer_depth_output': [0, 0, 1, 1],
    },
    'SD15',
    32,
    vae=False,
)
_VAE = {
    'double_z': True,
    'z_channels': 4,
    'resolution': 256,
    'in_channels': 3,
    'out_ch': 3,
    'ch': 128,
    'ch_mult': [1, 2, 4, 4],
    'num_res_blocks': 2,
    'attn_resolutions': [],
    'dropout': 0.0,
}


def shapes(model: Model) -> Tensors:
    """The tensors of a checkpoint, without their data, under the names that files have."""
    import comfy.ops
    import comfy.supported_models
    import torch
    from comfy.ldm.models.autoencoder import AutoencoderKL
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from comfy.taesd.taesd import TAESD

    known: Any = getattr(comfy.supported_models, model.known_as)(dict(model.unet))
    plainly: Any = comfy.ops.disable_weight_init
    with torch.device('meta'):
        unet = UNetModel(**model.unet, device='meta', operations=plainly)
        text = known.clip_target({}).clip(device='meta', dtype=torch.float16)
        vae = AutoencoderKL(ddconfig=_VAE, embed_dim=4) if model.vae else TAESD()
        texts = known.process_clip_state_dict_for_saving(dict(text.state_dict()))
    found = {f'model.diffusion_model.{key}': tensor for key, tensor in unet.state_dict().items()}
    found |= {key: tensor for key, tensor in texts.items() if 'position_ids' not in key}
    return found | {f'first_stage_model.{key}': tensor for key, tensor in vae.state_dict().items()}


def is_known(model: Model) -> bool:
    """Whether ComfyUI takes a checkpoint of these tensors for what it is meant to be, texts included."""
    from comfy import model_detection, supported_models

    tensors = shapes(model)
    found: Any = model_detection.model_config_from_unet(tensors, 'model.diffusion_model.')
    if type(found) is not getattr(supported_models, model.known_as):
        return False
    text = found.clip_target({}).clip(device='meta')
    # Files of these models leave out what ComfyUI's own class has besides.
    wanted = {key for key in text.state_dict() if not key.endswith(('logit_scale', 'text_projection.weight'))}
    return found.process_clip_state_dict({**tensors}).keys() >= wanted


def fill(tensors: Tensors, device: str) -> Tensors:
    """Random values, so scaled that signals keep their size; made on the device, kept in memory."""
    import torch

    generator = torch.Generator(device).manual_seed(0)
    found: Tensors = {}
    for key, tensor in tensors.items():
        shape = tuple(tensor.shape)
        if key.endswith(('bias', 'vae_shift')):
            values = torch.zeros(shape, device=device)
        elif len(shape) < 2:
            values = torch.ones(shape, device=device)
        else:
            fan_in = 2500 if 'embedding' in key else tensor[0].numel()
            values = torch.randn(shape, device=device, generator=generator) * fan_in**-0.5
        found[key] = values.half().cpu()
    return found


def write(model: Model, file: Path, device: str) -> None:
    from safetensors.torch import save_file

    save_file(fill(shapes(model), device), file)


def images(real: Any, count: int, size: int, steps: int, device: str) -> dict[str, Any]:
    """Images one after the other, each with a seed of its own: seconds, and memory along the way in MB."""
    import psutil
    import torch

    nodes: Any = importlib.import_module('comfy_script.runtime.real.nodes')
    process = psutil.Process()
    taken, memory = [], []
    start = time.perf_counter()
    with real.Workflow():
        model, clip, vae = nodes.CheckpointLoaderSimple(plain.CHECKPOINT)
        positive, negative = nodes.CLIPTextEncode('a bottle', clip), nodes.CLIPTextEncode('', clip)
    loaded = time.perf_counter() - start
    for seed in range(count):
        start = time.perf_counter()
        with real.Workflow():
            latent = nodes.EmptyLatentImage(size, size, 1)
            latent = nodes.KSampler(model, seed, steps, 7.0, 'euler', 'normal', positive, negative, latent, 1.0)
            nodes.SaveImage(nodes.VAEDecode(latent, vae), 'image')
        taken.append(time.perf_counter() - start)
        now = {'process': process.memory_info().rss / 2**20}
        if device != 'cpu':
            now |= {'device': torch.cuda.memory_allocated() / 2**20, 'reserved': torch.cuda.memory_reserved() / 2**20}
        memory.append(now)
    along = {f'after image {at + 1}': memory[at] for at in sorted({0, *range(9, count, 10), count - 1})}
    later = taken[1:] or taken
    return {
        'seconds': {
            'loaded, texts encoded': loaded,
            'the first': taken[0],
            'least': min(later),
            'median': statistics.median(later),
        },
        'MB': along,
    }


def measure(name: str, model: Model, options: argparse.Namespace, real: Any, server: Server, folder: Path) -> Any:
    import comfy.model_management
    import torch

    device = 'cpu' if options.dry else 'cuda'
    size, steps = options.size or model.size, options.steps
    plain.CHECKPOINT, plain.SIZE, plain.STEPS = 'bench-' + name.lower() + '.safetensors', size, steps
    start = time.perf_counter()
    write(model, folder / plain.CHECKPOINT, device)
    report: dict[str, Any] = {'pixels': size, 'steps': steps, 'weights made in, s': time.perf_counter() - start}
    report['images'] = images(real, options.images, size, steps, device)
    if options.plots:
        report['XY plot, s'] = plain.plots(server, options.plots)
    comfy.model_management.unload_all_models()
    gc.collect()
    if device != 'cpu':
        torch.cuda.empty_cache()
        report['MB on the device afterwards'] = torch.cuda.memory_allocated() / 2**20
    (folder / plain.CHECKPOINT).unlink()
    return report


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument('--images', type=int, default=100)
    parser.add_argument('--size', type=int, default=0, help="pixels; the model's own if not given")
    parser.add_argument('--steps', type=int, default=20)
    parser.add_argument('--plots', type=int, default=2, help='rounds of the XY plot of each kind; 0: none')
    parser.add_argument('--only', choices=list(MODELS))
    parser.add_argument('--dry', action='store_true', help='on the CPU, with a small model')
    return parser.parse_args()


def main() -> None:
    options = parse()
    import torch

    if not (options.dry or torch.cuda.is_available()):
        print('This PyTorch finds no CUDA device: nothing was measured (--dry goes through it on the CPU).')
        return
    if options.dry:
        torch.set_num_threads(1)
        plain.PROMPTS, plain.SAMPLERS = plain.PROMPTS[:2], plain.SAMPLERS[:2]
    logging.disable(logging.WARNING)
    folder = Path(tempfile.mkdtemp())
    checkpoints = folder / 'checkpoints'
    checkpoints.mkdir()
    config = folder / 'models.yaml'
    config.write_text(json.dumps({'bench': {'base_path': str(folder), 'checkpoints': 'checkpoints'}}), encoding='utf-8')
    bases = [make_base(folder / name, paths.comfyui_folder(), {}) for name in ('real', 'server')]
    arguments = ['--disable-api-nodes', '--extra-model-paths-config', str(config), *(['--cpu'] if options.dry else [])]
    from comfy_script.runtime import real

    real.load(paths.comfyui_folder(), [*arguments, '--base-directory', str(bases[0])], stubs=False)
    models = {'small': SMALL} if options.dry else {n: m for n, m in MODELS.items() if options.only in (None, n)}
    report: dict[str, Any] = {'device': 'CPU' if options.dry else torch.cuda.get_device_name()}
    report['known to ComfyUI'] = {name: is_known(model) for name, model in MODELS.items()}
    database = f'sqlite:///{(bases[1] / "user/comfyui.db").as_posix()}'
    own = [*arguments, '--base-directory', str(bases[1]), '--database-url', database]
    server: Any = None
    try:
        if options.plots:
            log = folder / 'server.log'
            python = Path(sys.executable)
            server = Server.start(paths.comfyui_folder(), python, bases[1], args=own, own=log, timeout=600)
        for name, model in models.items():
            report[name] = measure(name, model, options, real, server, checkpoints)
            print(json.dumps(plain.rounded(report), indent=2), flush=True)
    finally:
        if server is not None:
            server.close()
        for base in bases:
            remove_base(base)
        for file in checkpoints.iterdir():
            file.unlink()


if __name__ == '__main__':
    main()

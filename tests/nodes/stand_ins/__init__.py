"""A node pack of tests: a model of ComfyUI's own classes that takes latents of any shape, with its VAE.

Stands in for video, audio and 3D models, of which there are no tiny ones. What it makes of noise and conditioning is
of no use; it is the same every time, and another for every change in what goes in.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import comfy.clip_vision
import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models_base
import torch


class Equal(int):
    """As many channels as are asked for."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


class AnyLatent(comfy.latent_formats.LatentFormat):
    latent_channels = Equal(4)


class Config(comfy.supported_models_base.BASE):
    latent_format = AnyLatent
    sampling_settings = {'shift': 3.0, 'multiplier': 1000}

    def __init__(self) -> None:
        super().__init__({'disable_unet_model_creation': True, 'dtype': torch.float32})


class Net(torch.nn.Module):
    """Mixes what it is given; every part of it counts."""

    dtype = torch.float32

    def __init__(self) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.full((1,), 0.5), requires_grad=False)

    def forward(self, x: Any, timesteps: Any, context: Any = None, **others: Any) -> Any:
        mark = 0.0 if context is None else float(context.float().mean())
        for value in others.values():
            if isinstance(value, torch.Tensor):
                mark += float(value.float().mean())
        channels = self.channels or x.shape[1]
        return (x * self.gain.to(x))[:, :channels] + (x[:, channels:].mean() if channels < x.shape[1] else 0) + mark

    channels = 0


class Model(comfy.model_base.BaseModel):
    def __init__(self) -> None:
        super().__init__(Config(), comfy.model_base.ModelType.FLOW, device='cpu')
        self.diffusion_model = Net()

    def apply_model(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        self.diffusion_model.channels = x.shape[1]
        return super().apply_model(x, *args, **kwargs)


# channels, pixels per latent pixel, frames per latent frame
KINDS = {
    'image': (4, 8, 1),
    'wan': (16, 8, 4),
    'wan22': (48, 16, 4),
    'hunyuan': (32, 16, 4),
    'ltx': (128, 32, 8),
    'audio': (64, 2048, 1),
    'voxel': (64, 8, 1),
}
SAMPLE_RATE = 44100


class Vae:
    """As ComfyUI's VAE, as far as nodes use it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.latent_channels, self.pixels, self.frames = KINDS[kind]
        self.latent_dim = 2 if kind == 'image' else 3
        self.audio_sample_rate = SAMPLE_RATE
        frames = self.frames
        video = self.latent_dim == 3
        self.downscale_ratio = (lambda n: (n + frames - 1) // frames, self.pixels, self.pixels) if video else 8
        self.upscale_ratio = (lambda n: n * frames - frames + 1, self.pixels, self.pixels) if video else 8
        self.downscale_index_formula = (frames, self.pixels, self.pixels) if video else None
        self.first_stage_model = torch.nn.Identity()
        self.patcher = None

    def throw_exception_if_invalid(self) -> None: ...

    def spacial_compression_encode(self) -> int:
        return self.pixels

    spacial_compression_decode = spacial_compression_encode

    def temporal_compression_decode(self) -> int | None:
        return self.frames if self.latent_dim == 3 else None

    def encode(self, pixels: Any) -> Any:
        if self.kind == 'audio':
            return self._encode_audio(pixels)
        if pixels.ndim == 4 and self.latent_dim == 3:
            pixels = pixels.unsqueeze(0)
        channels_first = pixels.movedim(-1, 1)[:, :3].float()
        height, width = (max(1, size // self.pixels) for size in channels_first.shape[-2:])
        if self.latent_dim == 2:
            small = torch.nn.functional.adaptive_avg_pool2d(channels_first, (height, width))
        else:
            count = (channels_first.shape[2] + self.frames - 1) // self.frames
            small = torch.nn.functional.adaptive_avg_pool3d(channels_first, (count, height, width))
        parts = [small[:, index % 3 : index % 3 + 1] * (1 - index / 200) for index in range(self.latent_channels)]
        return torch.cat(parts, 1) * 2 - 1

    def encode_tiled(self, pixels: Any, **_: Any) -> Any:
        return self.encode(pixels)

    def _encode_audio(self, waveform: Any) -> Any:
        mono = waveform.float().mean(-1, keepdim=True).movedim(-1, 1)
        count = max(1, mono.shape[-1] // self.pixels)
        return torch.nn.functional.adaptive_avg_pool1d(mono, count).repeat(1, self.latent_channels, 1)

    def decode(self, samples: Any, vae_options: Any = None, **_: Any) -> Any:
        samples = samples.float()
        if self.kind == 'audio':
            flat = samples.reshape(samples.shape[0], -1, samples.shape[-1])
            wave = torch.tanh(torch.stack((flat.mean(1), flat[:, 0]), -1))
            return wave.repeat_interleave(64, dim=1)
        if self.kind == 'voxel':
            rows = samples.flatten(1)[:, : 8**3]
            grid = torch.nn.functional.pad(rows, (0, 8**3 - rows.shape[1])).reshape(-1, 8, 8, 8)
            return grid
        if samples.ndim == 4 and self.latent_dim == 3:
            samples = samples.unsqueeze(2)
        three = samples[:, :3] if samples.shape[1] >= 3 else samples[:, :1].repeat_interleave(3, 1)
        three = three + samples.mean(1, keepdim=True)
        height, width = three.shape[-2] * self.pixels, three.shape[-1] * self.pixels
        sizes = (height, width) if three.ndim == 4 else (three.shape[2] * self.frames - self.frames + 1, height, width)
        return torch.sigmoid(torch.nn.functional.interpolate(three, size=sizes)).movedim(1, -1)

    def decode_tiled(self, samples: Any, **_: Any) -> Any:
        return self.decode(samples)


VISION = {
    'hidden_size': 32, 'intermediate_size': 64, 'num_attention_heads': 2, 'num_hidden_layers': 3, 'num_channels': 3,
    'image_size': 28, 'patch_size': 14, 'projection_dim': 32, 'hidden_act': 'quick_gelu', 'layer_norm_eps': 1e-05,
    'model_type': 'clip_vision_model', 'attention_dropout': 0.0, 'dropout': 0.0,
}  # fmt: skip


def clip_vision() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'vision.json'
        file.write_text(json.dumps(VISION), encoding='utf-8')
        model = comfy.clip_vision.ClipVisionModel(str(file))
    generator = torch.Generator().manual_seed(1)
    for value in model.model.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.randn(value.shape, generator=generator) * 0.2)
    return model


class AnyModel:
    """Stands in for a loader: a model and VAE for latents of one kind, the lab's text encoder, small CLIP vision."""

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {'required': {'kind': (list(KINDS), {})}}

    RETURN_TYPES = ('MODEL', 'CLIP', 'VAE', 'CLIP_VISION')
    FUNCTION = 'load'
    CATEGORY = 'testing'

    def load(self, kind: str) -> Any:
        offload = torch.device('cpu')
        patcher: Any = comfy.model_patcher.ModelPatcher(Model(), comfy.model_management.get_torch_device(), offload)
        nodes: Any = sys.modules['nodes']
        _, clip, _ = nodes.CheckpointLoaderSimple().load_checkpoint('tiny.safetensors')
        return patcher, clip, Vae(kind), clip_vision()


NODE_CLASS_MAPPINGS = {'AnyModel': AnyModel}

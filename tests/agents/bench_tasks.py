"""The 30 tasks of `bench agent`: what is wanted, as the right script, and what a good agent looks up on its way."""

from __future__ import annotations

from typing import Any, NamedTuple

Call = tuple[str, dict[str, Any]]


def picture(
    text: str = 'a bottle',
    latent: str = 'EmptyLatentImage(64, 64, 1)',
    how: str = "1, 1, 8, 'euler', 'normal'",
    model: str = '',
    more: str = '',
    end: str = "SaveImage(image, 'task')",
    denoise: float = 1,
    checkpoint: str = 'v1-5-pruned-emaonly.safetensors',
) -> str:
    """A small workflow, as a script."""
    return (
        f'model, clip, vae = CheckpointLoaderSimple({checkpoint!r})\n{model}'
        f"positive, negative = CLIPTextEncode({text!r}, clip), CLIPTextEncode('', clip)\n"
        f'latent = KSampler(model, {how}, positive, negative, {latent}, {denoise})\n{more}'
        f'image = VAEDecode(latent, vae)\n{end}\n'
    )


LORA = "model, clip = LoraLoader(model, clip, 'tiny_lora.safetensors', 1, 1)\n"
LARGER = (
    "latent = LatentUpscaleBy(latent, 'nearest-exact', 2)\n"
    "latent = KSampler(model, 1, 1, 8, 'euler', 'normal', positive, negative, latent, 0.5)\n"
)
FROM_IMAGE = "VAEEncode(ImageScale(LoadImage('example.png')[0], 'area', 64, 64, 'center'), vae)"
SEEDS = "for seed in range(3):\n    SaveImage(ImageInvert(image), f'task-{seed}')"


def rows(values: str, body: str) -> str:
    """A loop around a picture's sampling."""
    head = (
        "model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')\n"
        "empty = CLIPTextEncode('', clip)\n"
    )
    return f"{head}for value in {values}:\n    {body}\n    SaveImage(VAEDecode(latent, vae), f'task-{{value}}')\n"


def sampled(
    text: str = "CLIPTextEncode('a bottle', clip)", seed: str = '1', size: str = '64, 64, 1', steps: str = '1'
) -> str:
    return (
        f"latent = KSampler(model, {seed}, {steps}, 8, 'euler', 'normal', {text}, empty, EmptyLatentImage({size}), 1)"
    )


BY_BRIGHTNESS = """\
image, _ = LoadImage('example.png')
for k in [0.5, 1.0]:
    if (image * k).mean() > 0:
        SaveImage(image * k, f'task-{k}')
"""


class AgentTask(NamedTuple):
    kind: str
    name: str
    right: str
    looks: tuple[Call, ...] = ()
    wrong: str = ''
    """A script that is to be repaired: checked first, and something must be found."""
    varied: tuple[tuple[str, str, tuple[Any, ...]], ...] = ()
    """A batch as values of one workflow: class type, input, values."""


def describe(name: str) -> Call:
    return 'describe_node', {'name': name}


def search(text: str) -> Call:
    return 'search_nodes', {'text': text}


def choices(kind: str) -> Call:
    return 'list_models', {'kind': kind}


TASKS = (
    AgentTask('change', 'another text', picture('a cat on a chair')),
    AgentTask('change', 'another size', picture(latent='EmptyLatentImage(128, 64, 1)')),
    AgentTask(
        'change', 'another sampler', picture(how="1, 2, 8, 'dpmpp_2m', 'karras'"), (choices('KSampler.sampler_name'),)
    ),
    AgentTask('change', 'another seed and more steps', picture(how="7, 3, 8, 'euler', 'normal'")),
    AgentTask('change', 'three at once', picture(latent='EmptyLatentImage(64, 64, 3)')),
    AgentTask('change', 'only a preview', picture(end='PreviewImage(image)'), (search('preview'),)),
    AgentTask('extend', 'a LoRA', picture(model=LORA), (describe('LoraLoader'), choices('loras'))),
    AgentTask('extend', 'a second pass', picture(more=LARGER), (search('latent upscale'), describe('LatentUpscaleBy'))),
    AgentTask('extend', 'inverted', picture(end="SaveImage(ImageInvert(image), 'task')"), (search('invert image'),)),
    AgentTask('extend', 'a blur', picture(end="SaveImage(ImageBlur(image, 3, 1.0), 'task')"), (describe('ImageBlur'),)),
    AgentTask(
        'extend',
        'sharper, then smaller',
        picture(end="SaveImage(ImageScaleBy(ImageSharpen(image, 1, 1.0, 1.0), 'area', 0.5), 'task')"),
        (search('sharpen'), describe('ImageSharpen'), describe('ImageScaleBy')),
    ),
    AgentTask(
        'extend',
        'skips layers of CLIP',
        picture(model='clip = CLIPSetLastLayer(clip, -2)\n'),
        (search('clip last layer'),),
    ),
    AgentTask('repair', 'a wrong name', picture(), wrong=picture().replace('KSampler', 'KSampelr')),
    AgentTask('repair', 'no such model', picture(), wrong=picture(checkpoint='v1-5-pruned-emaonly.ckpt')),
    AgentTask('repair', 'no such sampler', picture(), wrong=picture(how="1, 1, 8, 'eular', 'normal'")),
    AgentTask('repair', 'a wrong link', picture(), wrong=picture(end="SaveImage(latent, 'task')")),
    AgentTask('repair', 'out of range', picture(), wrong=picture(latent='EmptyLatentImage(7, 64, 1)')),
    AgentTask('repair', 'nothing saved', picture(), wrong=picture(end='')),
    AgentTask('port', 'another checkpoint', picture(checkpoint='tiny.safetensors'), (choices('checkpoints'),)),
    AgentTask(
        'port',
        'from an image',
        picture(latent=FROM_IMAGE, denoise=0.6),
        (describe('VAEEncode'), describe('ImageScale')),
    ),
    AgentTask(
        'port',
        'the advanced sampler',
        picture().replace(
            "KSampler(model, 1, 1, 8, 'euler', 'normal', positive, negative, EmptyLatentImage(64, 64, 1), 1)",
            "KSamplerAdvanced(model, 'enable', 1, 2, 8, 'euler', 'normal', positive, negative,\n"
            "    EmptyLatentImage(64, 64, 1), 0, 2, 'disable')",
        ),
        (describe('KSamplerAdvanced'),),
    ),
    AgentTask(
        'port',
        'tiled decoding',
        picture().replace('VAEDecode(latent, vae)', 'VAEDecodeTiled(latent, vae)'),
        (describe('VAEDecodeTiled'),),
    ),
    AgentTask(
        'port',
        'a LoRA for the model alone',
        picture(model="model = LoraLoaderModelOnly(model, 'tiny_lora.safetensors', 1)\n"),
        (describe('LoraLoaderModelOnly'),),
    ),
    AgentTask(
        'port',
        'as WebP',
        picture(end="SaveAnimatedWEBP(image, 'task')"),
        (search('webp'), describe('SaveAnimatedWEBP')),
    ),
    AgentTask(
        'batch', 'three seeds', rows('range(3)', sampled(seed='value')), varied=(('KSampler', 'seed', (0, 1, 2)),)
    ),
    AgentTask(
        'batch',
        'three texts',
        rows("['a cat', 'a dog', 'a fox']", sampled('CLIPTextEncode(value, clip)')),
        varied=(('CLIPTextEncode', 'text', ('a cat', 'a dog', 'a fox')),),
    ),
    AgentTask(
        'batch',
        'two sizes',
        rows('[64, 128]', sampled(size='value, value, 1')),
        varied=(('EmptyLatentImage', 'width', (64, 128)), ('EmptyLatentImage', 'height', (64, 128))),
    ),
    AgentTask(
        'batch',
        'one, two and three steps',
        rows('[1, 2, 3]', sampled(steps='value')),
        varied=(('KSampler', 'steps', (1, 2, 3)),),
    ),
    AgentTask('batch', 'variants of one image', picture(end=SEEDS)),
    AgentTask('batch', 'by brightness, in the node', BY_BRIGHTNESS, (describe('ComfyScript'),)),
)

"""The script language on two pages, written for a model; `tests/agents/test_language.py` runs every example."""

from __future__ import annotations

SHORT_LANGUAGE = """\
ComfyUI workflows as Python scripts. A node is a function, its outputs are its results:

model, clip, vae = CheckpointLoaderSimple('NAME.safetensors')
positive = CLIPTextEncode('a bottle', clip)
negative = CLIPTextEncode('', clip)
latent = KSampler(model, 1, 20, 8, 'euler', 'normal', positive, negative, EmptyLatentImage(512, 512, 1), 1)
SaveImage(VAEDecode(latent, vae), 'bottle')

No imports of ComfyUI, no load(). Loops, functions and f-strings work. Something must be saved or shown (SaveImage,
PreviewImage). Look nodes up (search_nodes, describe_node) rather than guess; names of models come from list_models.
run_script checks first. To change a workflow read its script (script_of), then run_script or save_workflow it as
source="workflows/NAME.json", edits=[["steps=20", "steps=30"]]: each old part is in the script once. Write the text
anew only where most of it changes. The resource comfyscript://language has the whole language."""

EXAMPLES: tuple[tuple[str, str], ...] = (
    (
        'Text to image',
        """\
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
positive = CLIPTextEncode('a glass bottle, a landscape in it', clip)
negative = CLIPTextEncode('text, watermark', clip)
latent = KSampler(model, 1, 20, 8, 'euler', 'normal', positive, negative, EmptyLatentImage(512, 512, 1), 1)
SaveImage(VAEDecode(latent, vae), 'bottle')
""",
    ),
    (
        'By keyword; what is left out takes its default',
        """\
model, clip, vae = CheckpointLoaderSimple(ckpt_name='v1-5-pruned-emaonly.safetensors')
positive = CLIPTextEncode(text='a bottle', clip=clip)
latent = EmptyLatentImage(width=512, height=768)
latent = KSampler(model, seed=1, steps=20, positive=positive, negative=CLIPTextEncode('', clip), latent_image=latent)
PreviewImage(VAEDecode(latent, vae))
""",
    ),
    (
        'Several images: a loop',
        """\
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
negative = CLIPTextEncode('', clip)
for subject in ['a cat', 'a dog']:
    positive = CLIPTextEncode(f'{subject} on a chair', clip)
    for seed in range(2):
        latent = EmptyLatentImage(512, 512, 1)
        latent = KSampler(model, seed, 20, 8, 'euler', 'normal', positive, negative, latent, 1)
        SaveImage(VAEDecode(latent, vae), f'{subject}-{seed}')
""",
    ),
    (
        'Image to image',
        """\
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
image, mask = LoadImage('example.png')
latent = VAEEncode(image, vae)
positive, negative = CLIPTextEncode('a watercolour', clip), CLIPTextEncode('', clip)
latent = KSampler(model, 1, 20, 8, 'euler', 'normal', positive, negative, latent, 0.6)
SaveImage(VAEDecode(latent, vae), 'watercolour')
""",
    ),
    (
        'A LoRA, and a second pass at twice the size',
        """\
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
model, clip = LoraLoader(model, clip, 'tiny_lora.safetensors', 1, 1)
positive, negative = CLIPTextEncode('a bottle', clip), CLIPTextEncode('', clip)
latent = KSampler(model, 1, 20, 8, 'euler', 'normal', positive, negative, EmptyLatentImage(512, 512, 1), 1)
latent = LatentUpscaleBy(latent, 'nearest-exact', 2)
latent = KSampler(model, 1, 10, 8, 'euler', 'normal', positive, negative, latent, 0.5)
SaveImage(VAEDecode(latent, vae), 'large')
""",
    ),
    (
        'A function, for what is needed more than once (a subgraph becomes one, too)',
        """\
def paint(model, clip, vae, text, seed=1):
    positive, negative = CLIPTextEncode(text, clip), CLIPTextEncode('', clip)
    latent = KSampler(model, seed, 20, 8, 'euler', 'normal', positive, negative, EmptyLatentImage(512, 512, 1), 1)
    return VAEDecode(latent, vae)


model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
SaveImage(paint(model, clip, vae, 'a cat'), 'cat')
SaveImage(paint(model, clip, vae, 'a dog', seed=2), 'dog')
""",
    ),
    (
        'A growing group of inputs is a list, a dynamic choice opens inputs written with two underscores',
        """\
image, _ = LoadImage('example.png')
image = ResizeImageMaskNode(image, 'scale dimensions', resize_type__width=64, resize_type__height=64)
PreviewImage(BatchImagesNode([image, ImageInvert(image)]))
""",
    ),
    (
        'Any class type, also one that this server does not have',
        """\
image, _ = LoadImage('example.png')
image = node['ImageInvert'](image=image)
SaveImage(image)
""",
    ),
    (
        'Looking at a result: the script runs in a ComfyScript node then',
        """\
image, _ = LoadImage('example.png')
if image.mean() < 0.5:
    image = ImageInvert(image)
print(f'{image.mean():.2f}')
PreviewImage(image)
""",
    ),
    (
        "Inputs and outputs of its own: run_script's `inputs` fill them (an image by its name in the input folder)",
        """\
def main(image: Image, strength: Annotated[float, Range(0, 1, 0.05)] = 0.5) -> Image:
    return image * strength
""",
    ),
)

_RULES = """\
# ComfyScript, the language

A script is Python with ComfyUI's nodes as functions. Nothing is imported and nothing is loaded.

**Nodes.** The name of a node is its class type in CamelCase: `KSampler (Efficient)` is `KSamplerEfficient`,
`ShowText|pysssss` is `ShowTextPysssss`. Two of one name have a hash at the end (`ImageResize_9b2c`). search_nodes and
describe_node give the names that hold on this server. `node['class type'](…)` works for any, by keyword.

**Inputs.** Required ones first, then the optional ones, by position or keyword; a left out one takes its default (a
choice its first). `None` leaves an input out. Values are `str int float bool list dict` or what another node gave.
A choice is its text: `'euler'`. The names of models are those that list_models gives, with folder and suffix.
The prompt's key `a.b` is the keyword `a__b`. A growing group is a list, or a dict by key.

**Outputs.** One output is the value itself, several are a tuple in order: `image, mask = LoadImage(…)`. `_` and `*_`
take what is not used. A node without outputs gives nothing of use.

**What runs.** Only what leads to a node that saves or shows something. The order of the lines does not matter to the
server beyond that, and equal nodes with equal inputs are not run twice in a row.

**Python.** Assignments, `if`, `for`, `while`, functions, comprehensions, f-strings, `print`, and the modules colorsys,
datetime, functools, itertools, json, math, operator, random, re, statistics, time and (in a ComfyScript node) torch.
No other imports, no files, no network, no names with two leading underscores: scripts are interpreted, not run as
Python. A refused line says why.

**As a graph.** As long as a script only hands what nodes give on to other nodes, it is a graph: it can be saved as a
workflow (save_workflow) and is queued like any prompt. One that looks at results (an `if` about an image, arithmetic on
pixels) runs in a ComfyScript node, by run_script alone.

**Changing a workflow.** Edit the script that script_of gave, and leave the other lines as they are, so that a person
sees what changed. Variables name nodes; comments `# title` are groups.
"""


def language() -> str:
    """The two pages with their examples."""
    parts = [_RULES, '## Examples', *(f'{title}:\n\n```python\n{code}```' for title, code in EXAMPLES)]
    return '\n\n'.join(part.strip() for part in parts) + '\n'

"""Samplers against steps, in one picture.

    python grid.py
"""

from comfy_script.runtime import *

load()
import PIL.Image  # by its whole name: the nodes have a data type Image

from comfy_script.runtime.nodes import *

CHECKPOINT = 'v1-5-pruned-emaonly.safetensors'

SAMPLERS = ['euler', 'dpmpp_2m', 'lcm']
STEPS = [2, 4]

model, clip, vae = CheckpointLoaderSimple(CHECKPOINT)
positive, negative = CLIPTextEncode('a glass bottle', clip), CLIPTextEncode('text, watermark', clip)


def draw(sampler, steps):
    latent = EmptyLatentImage(512, 512, 1)
    latent = KSampler(model, 1, steps, 8, sampler, 'normal', positive, negative, latent, 1)
    return PreviewImage(VAEDecode(latent, vae))


with Workflow(wait=True):
    cells = [[draw(sampler, steps) for steps in STEPS] for sampler in SAMPLERS]
rows = [[cell.wait()[0] for cell in row] for row in cells]
width, height = rows[0][0].size
grid = PIL.Image.new('RGB', (width * len(STEPS), height * len(SAMPLERS)))
for y, row in enumerate(rows):
    for x, image in enumerate(row):
        grid.paste(image, (x * width, y * height))
grid.save('grid.png')
print('grid.png')

"""Several tries, of which Python keeps one: the image with the most contrast.

    python best_of.py
"""

import numpy

from comfy_script.runtime import *

load()
from comfy_script.runtime.nodes import *

CHECKPOINT = 'v1-5-pruned-emaonly.safetensors'

TRIES = 4

model, clip, vae = CheckpointLoaderSimple(CHECKPOINT)
positive, negative = CLIPTextEncode('a lighthouse at night', clip), CLIPTextEncode('text, watermark', clip)


def draw(seed):
    latent = EmptyLatentImage(512, 512, 1)
    return VAEDecode(KSampler(model, seed, 20, 8, 'euler', 'normal', positive, negative, latent, 1), vae)


def contrast(seed):
    [image] = util.get_images(draw(seed))
    return numpy.asarray(image.convert('L')).std()


best = max(range(TRIES), key=contrast)
SaveImage(draw(best), 'best').wait()
print('The seed with the most contrast is', best)

"""One image, saved on the server and here.

    python first_image.py
"""

from comfy_script.runtime import *

load()
from comfy_script.runtime.nodes import *

CHECKPOINT = 'v1-5-pruned-emaonly.safetensors'

model, clip, vae = CheckpointLoaderSimple(CHECKPOINT)
positive = CLIPTextEncode('a glass bottle with a galaxy inside', clip)
negative = CLIPTextEncode('text, watermark', clip)
latent = EmptyLatentImage(512, 512, 1)
latent = KSampler(model, 1, 20, 8, 'euler', 'normal', positive, negative, latent, 1)
SaveImage(VAEDecode(latent, vae), 'first').wait().save('first.png')
print('first.png')

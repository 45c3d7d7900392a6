"""Every PNG of the folder photos, painted anew into the folder painted.

    python folder.py
"""

from pathlib import Path

from comfy_script.runtime import *

load()
from comfy_script.runtime.nodes import *

CHECKPOINT = 'v1-5-pruned-emaonly.safetensors'

model, clip, vae = CheckpointLoaderSimple(CHECKPOINT)
positive, negative = CLIPTextEncode('an oil painting', clip), CLIPTextEncode('text, watermark', clip)
for photo in sorted(Path('photos').glob('*.png')):
    image, _ = util.load_image(photo)
    latent = VAEEncode(ImageScale(image, 'lanczos', 512, 512, 'center'), vae)
    latent = KSampler(model, 1, 20, 8, 'euler', 'normal', positive, negative, latent, 0.6)
    PreviewImage(VAEDecode(latent, vae)).wait().save(Path('painted') / photo.name)
    print(photo.name)

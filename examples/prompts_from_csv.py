"""An image for each line of prompts.csv, which has the columns name, text and seed.

    python prompts_from_csv.py
"""

import csv
from pathlib import Path

from comfy_script.runtime import *

load()
from comfy_script.runtime.nodes import *

CHECKPOINT = 'v1-5-pruned-emaonly.safetensors'

model, clip, vae = CheckpointLoaderSimple(CHECKPOINT)
negative = CLIPTextEncode('text, watermark', clip)
with Path('prompts.csv').open(encoding='utf-8', newline='') as file, Workflow(wait=True):
    for row in csv.DictReader(file):
        positive = CLIPTextEncode(row['text'], clip)
        latent = EmptyLatentImage(512, 512, 1)
        latent = KSampler(model, int(row['seed']), 20, 8, 'euler', 'normal', positive, negative, latent, 1)
        SaveImage(VAEDecode(latent, vae), row['name'])

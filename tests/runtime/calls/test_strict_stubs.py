"""Stubs know what output nodes give, and in their strict form which choices there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfy_script.graph import Schemas
from comfy_script.runtime.calls import stubs

from .test_stubs import pyright

RESULTS = """\
from pathlib import Path
from nodes import *

images = SaveImage(Blur(Path('a.png'))).wait()
first, more, array = images[0].size, list(images), images.numpy()


async def main() -> None:
    (await images.get(0)).save('x.png')
"""

WRONG = [
    "KSampler(model, sampler_name='eular', positive=text, negative=text, latent_image=latent)",
    'KSampler(model, sampler_name=Schedulers.karras, positive=text, negative=text, latent_image=latent)',
    "SaveImage(image).save('x.png')",
]

STRICT = """\
from nodes import *

model, clip, vae = CheckpointLoaderSimple(Checkpoints.v1_5_pruned_emaonly)
text, latent = CLIPTextEncode('a dog', clip), EmptyLatentImage()
latent = KSampler(model, sampler_name='ddim', positive=text, negative=text, latent_image=latent)
latent = KSampler(model, sampler_name=Samplers.ddim, positive=text, negative=text, latent_image=latent)
image = VAEDecode(latent, vae)
"""


@pytest.mark.server
def test_results_are_typed_and_strict_stubs_find_misspelt_choices(tmp_path: Path, schemas: Schemas) -> None:
    assert stubs.refresh(schemas, (), tmp_path, strict=True) is not None
    (tmp_path / 'results.py').write_text(RESULTS, encoding='utf-8')
    (tmp_path / 'wrong.py').write_text(STRICT + '\n'.join(WRONG) + '\n', encoding='utf-8')
    lines = sorted(item['range']['start']['line'] - STRICT.count('\n') for item in pyright(tmp_path, 'standard'))
    assert lines == list(range(len(WRONG)))


def test_strict_stubs_stay_strict(tmp_path: Path, schemas: Schemas) -> None:
    path = stubs.refresh(schemas, (), tmp_path, strict=True)
    assert path is not None
    assert stubs.refresh(schemas, ['a new one'], tmp_path) == path
    assert ' (strict) ' in path.read_text(encoding='utf-8').partition('\n')[0]
    stubs.refresh(schemas, (), tmp_path, strict=False)
    assert ' (strict) ' not in path.read_text(encoding='utf-8').partition('\n')[0]

"""Scripts for comfy-script 0.6: the examples of its pages that test_seed.py and test_notebooks.py do not have."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfy_script.runtime import Client, Workflow, util
from comfy_script.tests.lab.server import Server

pytestmark = pytest.mark.server

Run = Callable[..., dict[str, Any]]


def test_images_of_a_batch(run_block: Run) -> None:
    for node in 'SaveImage(image, "ComfyUI")', 'PreviewImage(image)':
        variables = run_block(f"""
from PIL import Image

image = EmptyImage(512, 512, 1)
image = {node}

image_batch = image.wait()

# Get the first image
image: Image.Image = image_batch[0]

# Get all images in the batch
images: list[Image.Image] = image_batch.wait()
""")
        assert [image.size for image in variables['images']] == [variables['image'].size] == [(64, 64)]


def test_lists_of_models(run_block: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run_block("""
from comfy_script.runtime import load
load()
from comfy_script.runtime.nodes import Checkpoints

print(list(Checkpoints))
""")
    assert "<Checkpoints.CounterfeitV25_25: 'CounterfeitV25_25.safetensors'>" in capsys.readouterr().out


def test_saving_a_checkpoint(run_block: Run, seed_server: Server) -> None:
    variables = run_block("""
with Workflow(wait=True):
    model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.ckpt')
    saved = CheckpointSave(model, clip, vae, 'checkpoints/new-model')
""")
    assert variables['saved'].wait() is not None
    [file] = (seed_server.base / 'output' / 'checkpoints').glob('new-model_*_.safetensors')
    file.unlink()


FLUX = """
with Workflow(queue=False) as wf:
    '''If you get an error in any of the nodes above make sure the files are in the correct directories.'''

    noise = RandomNoise(958831004022715)

    width = 1024
    height = 1024

    model = UNETLoader('flux1-dev.safetensors', 'default')
    model = ModelSamplingFlux(model, 1.15, 0.5, width, height)

    clip = DualCLIPLoader('t5xxl_fp16.safetensors', 'clip_l.safetensors', 'flux')
    positive_conditioning = CLIPTextEncode('cute anime girl with massive fluffy fennec ears', clip)
    positive_conditioning = FluxGuidance(positive_conditioning, 3.5)

    style_model = StyleModelLoader('flux1-redux-dev.safetensors')
    clip_vision = CLIPVisionLoader('sigclip_vision_patch14_384.safetensors')
    # You can chain multiple `StyleModelApply` nodes if you want to mix multiple images together.
    image, _ = LoadImage('sd3_controlnet_example.png')
    clip_vision_output = CLIPVisionEncode(clip_vision, image)
    positive_conditioning = StyleModelApply(positive_conditioning, style_model, clip_vision_output)

    guider = BasicGuider(model, positive_conditioning)
    sampler = KSamplerSelect('euler')
    sigmas = BasicScheduler(model, 'simple', 20, 1)
    latent = EmptySD3LatentImage(width, height, 1)
    latent, _ = SamplerCustomAdvanced(noise, guider, sampler, sigmas, latent)
    vae = VAELoader('ae.safetensors')
    image = VAEDecode(latent, vae)
    SaveImage(image, 'ComfyUI')
"""


def test_flux_with_models_that_are_not_here(run_block: Run) -> None:
    """Inputs that nodes got since then take their defaults."""
    prompt = run_block(FLUX)['wf'].api_format()
    [apply] = (node['inputs'] for node in prompt.values() if node['class_type'] == 'StyleModelApply')
    assert (apply['strength'], apply['strength_type']) == (1.0, 'multiply')


def test_a_function_that_gives_images(run_block: Run) -> None:
    variables = run_block("""
def generate_image(prompt: str):
    from comfy_script.runtime import Workflow
    from comfy_script.runtime.nodes import CheckpointLoaderSimple, CLIPTextEncode, EmptyLatentImage, KSampler
    from comfy_script.runtime.nodes import VAEDecode, SaveImage
    from PIL import Image

    with Workflow():
        model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.ckpt')
        conditioning = CLIPTextEncode('beautiful scenery nature glass bottle landscape, , purple galaxy bottle,', clip)
        conditioning2 = CLIPTextEncode('text, watermark', clip)
        latent = EmptyLatentImage(512, 512, 1)
        latent = KSampler(model, 156680208700286, 20, 8, 'euler', 'normal', conditioning, conditioning2, latent, 1)
        image = VAEDecode(latent, vae)
        result = SaveImage(image, 'ComfyUI')
    images: list[Image.Image] = result.wait().wait()
    return images

images = generate_image('a bottle')
""")
    assert [image.size for image in variables['images']] == [(64, 64)]


def test_control_of_the_queue(run_block: Run, loaded: Client) -> None:
    run_block("""
called = []
with Workflow(cancel_remaining=True):
    SaveImage(EmptyImage(8, 8))
with Workflow(cancel_all=True):
    SaveImage(EmptyImage(8, 9))
queue.when_empty(lambda: called.append(1) or queue.when_empty(None))
""")
    loaded.queue.join(60)


def test_latents_by_path(names: dict[str, Any]) -> None:
    path = util.save_latent_and_get_path(names['EmptyLatentImage'](64, 64), 'latents/by-path')
    assert path.startswith('latents/by-path_')
    assert path.endswith('.latent [output]')
    again = util.load_latent_from_paths([path, util.save_latent_and_get_path(util.load_latent_from_path(path))])
    with Workflow(wait=True):
        saved = names['SaveLatent'](again)
    assert saved.wait().files


def test_the_transpiler(loaded: Client, names: dict[str, Any], tmp_path: Path) -> None:
    from PIL import Image

    from comfy_script.transpile import WorkflowToScriptTranspiler

    data = names['SaveImage'](names['EmptyImage'](8, 16), 'transpiled').wait().read()
    file = tmp_path / 'workflow.png'
    file.write_bytes(data)
    script = WorkflowToScriptTranspiler.from_file(file, comfyui_api=loaded.url).to_script()
    assert script == "image = EmptyImage(8, 16, batch_size=1, color=0)\nSaveImage(image, 'transpiled')\n"
    image = Image.open(io.BytesIO(data))
    assert WorkflowToScriptTranspiler.from_image(image, loaded.url).to_script(end_nodes=['2']) == script
    assert 'load(' in WorkflowToScriptTranspiler.from_file(file).to_script(runtime=True)


def test_the_transpiler_as_a_command(loaded: Client, names: dict[str, Any], tmp_path: Path, lab: Any) -> None:
    names['SaveImage'](names['EmptyImage'](8, 16), 'transpiled').wait().save(tmp_path)
    [file] = tmp_path.glob('*.png')
    command = [sys.executable, '-m', 'comfy_script.transpile', str(file), '--api', loaded.url, '--args', 'Kwd']
    done = subprocess.run(command, env=lab.env, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.endswith("SaveImage(images=image, filename_prefix='transpiled')\n")

"""Pools of real ComfyUIs: images and their scripts come back, whole and once, also where a worker is killed."""

# The names of nodes in functions are the worker's.
# pyright: reportUndefinedVariable=false
# ruff: noqa: F821

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_script.runtime.cluster import Pool, RowError

ray: Any = pytest.importorskip('ray', reason='Ray is not installed: pip install "comfyscript[ray]"')
pytestmark = [pytest.mark.ray, pytest.mark.server, pytest.mark.timeout(280)]

ARGS = ('--disable-api-nodes', '--disable-all-custom-nodes')
SCRIPT = """
def main(color: int):
    image = EmptyImage(64, 64, 1, color)
    if image.mean() > 0.5:
        SaveImage(image, 'bright')
    else:
        SaveImage(image, 'dark')
"""


@pytest.fixture(scope='module')
def pool(lab, temporary, monkeypatch_module):
    monkeypatch_module.setenv('PYTHONPATH', str(lab.site))
    with Pool(lab.comfyui, gpus=0, cpus=0.5, workers=2, args=ARGS) as made:
        yield made


@pytest.fixture(scope='module')
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def script_of(file: Path) -> str:
    with Image.open(file) as image:
        return image.info['ComfyScript']


def test_all_images_are_there_with_their_scripts_though_a_worker_is_killed(pool, tmp_path):
    mark = tmp_path / 'killed'

    def make(id, seed):
        import os
        from pathlib import Path

        model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
        text = CLIPTextEncode(f'a glass bottle, {id}', clip)
        latent = EmptyLatentImage(64, 64, 1)
        latent = KSampler(model, seed, 2, 8, 'euler', 'normal', text, text, latent, 1)
        if id == 'bottle-3' and not Path(str(mark)).exists():
            Path(str(mark)).touch()
            os.kill(os.getpid(), 9)
        SaveImage(VAEDecode(latent, vae), 'made')

    rows = [{'id': f'bottle-{number}', 'seed': number} for number in range(6)]
    done = list(pool.map(make, rows, key='id', out=tmp_path / 'out', bar=False))

    assert mark.exists()
    assert sorted(one.key for one in done) == [row['id'] for row in rows]
    assert [one.error for one in done] == [None] * 6
    for one in done:
        (file,) = one.files
        assert file.name == 'made_00001_.png'
        assert f"CLIPTextEncode('a glass bottle, {one.key}'" in script_of(file)
    assert len(list((tmp_path / 'out').rglob('*.png'))) == 6
    assert [one for one in pool.map(make, rows, key='id', out=tmp_path / 'out', bar=False) if not one.earlier] == []


def test_scripts_are_interpreted_and_refused_with_their_line(pool, tmp_path):
    done = {one.key: one for one in pool.map(SCRIPT, [{'color': 0}, {'color': 0xFFFFFF}], out=tmp_path, bar=False)}
    assert [done[key].files[0].name for key in '01'] == ['dark_00001_.png', 'bright_00001_.png']

    (refused,) = pool.map("image = EmptyImage(64, 64)\nimport os\nos.system('id')", [{}], bar=False)
    assert isinstance(refused.error, RowError)
    assert refused.error.line == 2 and 'the module os is not available in scripts' in str(refused.error)


def test_files_and_prompts_run_as_often_as_they_are_asked_for(pool, tmp_path):
    (made,) = pool.map(SCRIPT, [{'color': 7}], out=tmp_path / 'first', bar=False)
    for again in ('second', 'third'):
        (done,) = pool.run_files(made.files, out=tmp_path / again, bar=False)
        assert done.error is None
        assert [file.name for file in done.files] == ['dark_00001_.png']

    prompt = {
        '1': {'class_type': 'EmptyImage', 'inputs': {'width': 64, 'height': 64, 'batch_size': 1, 'color': 0}},
        '2': {'class_type': 'SaveImage', 'inputs': {'images': ['1', 0], 'filename_prefix': 'p'}},
    }
    done = list(pool.map(prompt, [{'1.color': 0xFF0000}, {'1.color': 0x00FF00}], out=tmp_path / 'prompts', bar=False))
    colors = {one.key: Image.open(one.files[0]).getpixel((0, 0)) for one in done}
    assert colors == {'0': (255, 0, 0), '1': (0, 255, 0)}

    (wrong,) = pool.map(prompt, [{'3.color': 1}], bar=False)
    assert "'3.color' names no input of the prompt" in str(wrong.error)


def test_servers_make_images_too_and_equal_rows_have_equal_files(lab, pool, tmp_path):
    """ComfyUI's server does not run an equal prompt again: its results name the files of the first."""

    def make(color):
        SaveImage(EmptyImage(64, 64, 1, color), 'served')
        return {'color': color}

    with Pool(lab.comfyui, gpus=0, cpus=0.1, workers=1, virtual=True, args=ARGS, python=lab.python) as servers:
        done = list(servers.map(make, [{'color': color} for color in (1, 2, 1)], out=tmp_path / 'a', bar=False))
        again = list(servers.map(make, [{'color': 2}], out=tmp_path / 'b', bar=False))

    assert [one.error for one in done + again] == [None] * 4
    assert [one.value for one in done] == [{'color': 1}, {'color': 2}, {'color': 1}]
    colors = [Image.open(one.files[0]).getpixel((0, 0)) for one in [*done, *again]]
    assert colors == [(0, 0, 1), (0, 0, 2), (0, 0, 1), (0, 0, 2)]

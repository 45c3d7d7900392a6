"""The Python blocks of all pages run as they stand: those of the pages that have no test of their own, here."""

from __future__ import annotations

import os
import re
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfy_script.runtime import Client, Workflow
from comfy_script.tests.lab.paths import ROOT
from comfy_script.tests.lab.server import Server
from comfy_script.tests.runtime.seed.pages import blocks

pytestmark = pytest.mark.server

RUN_BY = {
    'Runtime.md': 'runtime/seed/test_docs.py',
    'batches.md': 'runtime/seed/test_docs.py',
    'cookbook.md': 'runtime/seed/test_learning.py',
    'tutorial.md': 'runtime/seed/test_learning.py',
    'real-mode.md': 'runtime/real/test_seed_examples.py',
    'saving.md': 'runtime/seed/test_other_pages.py',
    'transpiler.md': 'runtime/seed/test_other_pages.py',
    'script.md': 'runtime/seed/test_other_pages.py',
    '../README.md': 'runtime/seed/test_other_pages.py',
    '../js/docs/ComfyScript.md': 'runtime/seed/test_other_pages.py',
    '../js/docs/ComfyScript/zh.md': 'runtime/seed/test_other_pages.py',
}
NODE_PAGES = [page for page in RUN_BY if '/js/' in page]


def test_no_page_is_forgotten() -> None:
    pages = [*ROOT.glob('*.md'), *(ROOT / 'docs').rglob('*.md'), *(ROOT / 'js' / 'docs').rglob('*.md')]
    names = {Path(os.path.relpath(page, ROOT / 'docs')).as_posix() for page in pages}
    assert {name for name in names if any(block.mark != 'not run' for block in blocks(name))} == RUN_BY.keys()
    for name, test in RUN_BY.items():
        assert repr(name) in (ROOT / 'tests' / test).read_text(encoding='utf-8')


@pytest.fixture
def image(seed_server: Server, run_block: Callable[..., dict[str, Any]], tmp_path: Path) -> Path:
    """The image of the README's first script, where the pages have it."""
    [script] = [block for block in blocks('../README.md') if block.code.startswith('model, clip, vae')]
    with Workflow() as made:
        run_block(script.code)
    assert made.task is not None
    [saved] = made.task.wait(60)
    file = seed_server.base / 'output' / saved.output['images'][0]['filename']
    (tmp_path / 'output').mkdir()
    shutil.copy(file, tmp_path / 'output' / 'ComfyUI_00001_.png')
    return Path(shutil.copy(file, tmp_path / 'ComfyUI_00001_.png'))


def test_what_reads_an_image(
    image: Path, seed_server: Server, run_block: Callable[..., dict[str, Any]], tmp_path: Path, capsys: Any
) -> None:
    with urllib.request.urlopen(f'{seed_server.url}/object_info') as answer:
        (tmp_path / 'object_info.json').write_bytes(answer.read())
    reading = [block for block in blocks('../README.md') if block.code.startswith('from PIL')]
    assert len(reading) == 1
    for block in [*reading, *blocks('saving.md')]:
        run_block(block.code)
        assert "SaveImage(image, 'ComfyUI')\n" in capsys.readouterr().out
    [block] = blocks('transpiler.md')
    found = run_block(block.code)
    assert "SaveImage(image, 'ComfyUI')\n" in found['text']
    assert 'SaveImage' in {made['class_type'] for made in found['prompt'].values()}


def test_the_page_of_the_language(loaded: Client, run_block: Callable[..., dict[str, Any]]) -> None:
    """Its blocks go on from each other; the last ones are beginnings."""
    whole = [block for block in blocks('script.md') if '…' not in block.code and not block.code.endswith(':\n')]
    assert len(whole) == 3
    with Workflow(queue=False) as made:
        variables: dict[str, Any] = {}
        variables['image'] = variables['image2'] = loaded.nodes['EmptyImage'](64, 64)
        for block in whole:
            if not all(name in loaded.schemas for name in re.findall(r'\b([A-Z]\w+)\(', block.code)):
                assert 'ResizeImageMaskNode' in block.code  # of 2026
                continue
            variables = run_block(block.code, variables)
            variables |= {'positive': variables['conditioning'], 'negative': variables['conditioning2']}
    types = [each['class_type'] for each in made.api_format().values()]
    assert (types.count('SaveImage'), types.count('LoraLoader')) == (3, 1)


@pytest.mark.parametrize('page', NODE_PAGES)
def test_the_page_of_the_node(page: str, loaded: Client) -> None:
    [block] = blocks(page)
    image = {'class_type': 'EmptyImage', 'inputs': {'width': 16, 'height': 16, 'batch_size': 1, 'color': 0xFFFFFF}}
    script = {'class_type': 'ComfyScript', 'inputs': {'script': block.code, 'image': ['1', 0], 'strength': 0.5}}
    task = loaded.submit({'1': image, '2': script, '3': {'class_type': 'PreviewImage', 'inputs': {'images': ['2', 0]}}})
    task.wait(60)
    shown = task.outputs['2']
    assert shown is not None
    assert shown['text'] == ['brightness: 1.00\n']

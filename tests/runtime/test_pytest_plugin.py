"""The fixtures for developers of packs, in a pytest of its own on a small pack."""

from __future__ import annotations

import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from comfy_script.tests.conftest import Lab
from comfy_script.tests.lab.server import Server, make_base

PACK = """
class Answer:
    @classmethod
    def INPUT_TYPES(cls):
        return {'required': {'n': ('INT', {'default': 41})}}

    RETURN_TYPES = ('INT',)
    FUNCTION = 'run'

    def run(self, n):
        return (n + 1,)

NODE_CLASS_MAPPINGS = {'Answer': Answer}
"""

TESTS = """
import torch

def test_a_node(real_nodes):
    assert real_nodes.Answer() == 42
    assert torch.is_inference(real_nodes.EmptyImage(8, 8))

def test_it_is_loaded_once_and_without_other_packs(comfyui_loaded, real_nodes, comfyui_packs):
    assert comfyui_packs == ['answering']
    assert 'Answer' in comfyui_loaded.node and 'Other' not in comfyui_loaded.node

def test_files_go_to_a_folder_of_the_run(real_nodes, comfyui_arguments):
    real_nodes.SaveImage(real_nodes.EmptyImage(8, 8), 'of a test')
    import folder_paths
    assert folder_paths.get_output_directory() == comfyui_arguments[-1]

def test_a_server(comfyui_client):
    from comfy_script.runtime import Workflow
    from comfy_script.runtime.nodes import EmptyImage, PreviewImage
    with Workflow():
        result = PreviewImage(EmptyImage(8, 16, 1, 0))
    assert result.wait()[0].size == (8, 16)
    assert comfyui_client.nodes.EmptyImage
"""


@pytest.mark.server
def test_the_fixtures_on_a_pack(lab: Lab, server: Server, tmp_path: Path) -> None:
    base = make_base(tmp_path / 'base', lab.comfyui, {})
    packs = base / 'custom_nodes'
    other = PACK.replace("'Answer'", "'Other'")
    for name, code in {'answering': PACK, 'other': other}.items():
        (packs / name).mkdir()
        (packs / name / '__init__.py').write_text(code, encoding='utf-8')
    tests = packs / 'answering' / 'tests'
    tests.mkdir()
    (tests / 'test_answer.py').write_text(dedent(TESTS), encoding='utf-8')
    (packs / 'answering' / 'pytest.ini').write_text(
        f'[pytest]\ncomfyui = {lab.comfyui}\n'
        f'comfyui_args = --cpu --disable-api-nodes --base-directory "{base.as_posix()}"\n',
        encoding='utf-8',
    )
    plugin = ['-p', 'comfy_script.runtime.pytest_plugin', '--comfyui-url', server.url]
    command = [lab.python, '-m', 'pytest', '-q', *plugin]
    done = subprocess.run(
        [*map(str, command), 'tests'],
        cwd=packs / 'answering',
        env={**lab.env, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '4 passed' in done.stdout

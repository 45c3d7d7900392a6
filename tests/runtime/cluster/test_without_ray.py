"""Nothing imports Ray before a `Pool` is made, and inside ComfyUI nothing does at all."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from comfy_script.tests.lab.paths import ROOT, SITE, link

ALL_MODULES = """
import importlib, json, pkgutil, sys

class NoRay:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'ray':
            raise ModuleNotFoundError('No module named ray', name='ray')

sys.meta_path.insert(0, NoRay())
import comfy_script
for module in pkgutil.walk_packages(comfy_script.__path__, 'comfy_script.'):
    parts = module.name.split('.')
    if parts[1] in ('comfyui', 'graph', 'host', 'interpreter', 'nodes', 'panel', 'runtime', 'transpiler'):
        importlib.import_module(module.name)
assert 'comfy_script.runtime.cluster.crew' in sys.modules
assert 'comfy_script.host.startup' in sys.modules
"""
POOL = """
from comfy_script.runtime.cluster import Pool, RayMissingError
try:
    Pool(False, gpus=0)
except RayMissingError as error:
    assert isinstance(error, ImportError)
    print(error)
"""


def run(code: str) -> str:
    link(ROOT, SITE / 'comfy_script')
    env = {**os.environ, 'PYTHONPATH': str(SITE), 'PYTHONIOENCODING': 'utf-8'}
    ended = subprocess.run([sys.executable, '-c', code], env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_everything_is_imported_without_ray_and_a_pool_says_how_to_get_it():
    assert 'pip install "comfyscript[ray]"' in run(ALL_MODULES + POOL)


@pytest.mark.parametrize('door', ['host.startup', 'host.preload', 'runtime', 'runtime.real'])
def test_inside_comfyui_nothing_imports_ray(door):
    """What ComfyUI has of us begins at these; `host/preload.py` imports the rest."""
    code = f'import sys\nimport comfy_script.{door}\n'
    if door == 'host.preload':
        code += "import comfy_script.host.preload as preload\npreload.import_all()\n"
    run(code + "assert 'comfy_script' in sys.modules and 'ray' not in sys.modules\n")

"""The benchmark for GPUs, which few machines can run. `bench gpu --dry` goes through all of it on the CPU."""

from __future__ import annotations

import subprocess

import pytest

from comfy_script.tests.conftest import ROOT, Lab

pytestmark = pytest.mark.server


def test_without_a_gpu_it_says_so(lab: Lab) -> None:
    named = {'COMFYSCRIPT_COMFYUI': str(lab.comfyui), 'COMFYSCRIPT_PYTHON': str(lab.python), 'CUDA_VISIBLE_DEVICES': ''}
    command = [str(lab.python), '-P', str(ROOT / 'tests' / 'benchmarks' / 'gpu.py')]
    done = subprocess.run(command, env={**lab.env, **named}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    said = 'This PyTorch finds no CUDA device: nothing was measured (--dry goes through it on the CPU).\n'
    assert done.stdout == said

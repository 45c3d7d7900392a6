"""The benchmark for GPUs, which few machines can run: its dry run keeps it in order."""

from __future__ import annotations

import json
import subprocess

import pytest

from comfy_script.tests.conftest import ROOT, Lab

pytestmark = pytest.mark.server


def bench(lab: Lab, *arguments: str) -> str:
    named = {'COMFYSCRIPT_COMFYUI': str(lab.comfyui), 'COMFYSCRIPT_PYTHON': str(lab.python), 'OMP_NUM_THREADS': '1'}
    command = [str(lab.python), '-P', str(ROOT / 'tests' / 'benchmarks' / 'gpu.py'), *arguments]
    done = subprocess.run(command, env={**lab.env, **named, 'CUDA_VISIBLE_DEVICES': ''}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_without_a_gpu_it_says_so(lab: Lab) -> None:
    assert bench(lab) == 'This PyTorch finds no CUDA device: nothing was measured (--dry goes through it on the CPU).\n'


def test_its_dry_run(lab: Lab) -> None:
    """Weights are made, written, loaded and used, by calls and by the server; the large models would be known."""
    report = json.loads(bench(lab, '--dry', '--images', '2', '--steps', '1', '--plots', '1'))
    assert report['known to ComfyUI'] == {'SD1.5': True, 'SDXL': True}
    assert list(report['small']['images']['MB']) == ['after image 1', 'after image 2']
    assert list(report['small']['XY plot, s']) == ['real mode', "queued to ComfyUI's server"]

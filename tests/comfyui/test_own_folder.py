"""A folder of a process's own goes with it, and after it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from comfy_script.comfyui.own_folder import OwnFolder
from comfy_script.tests.lab.paths import ROOT, SITE, link

OWNER = """
import os, sys
from comfy_script.comfyui.own_folder import OwnFolder
folder = OwnFolder()
(folder.path / 'comfyui.log').write_text('x', encoding='utf-8')
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    return tmp_path


def test_it_goes_when_it_is_removed(temporary):
    folder = OwnFolder()
    assert folder.path.is_dir() and folder.path.parent == temporary

    folder.remove()
    assert list(temporary.iterdir()) == []


def test_that_of_a_killed_process_goes_when_another_is_made(temporary):
    link(ROOT, SITE / 'comfy_script')
    env = {**os.environ, 'PYTHONPATH': str(SITE), 'TMPDIR': str(temporary), 'TEMP': str(temporary)}
    pipe = subprocess.PIPE
    owner = subprocess.Popen([sys.executable, '-c', OWNER], env=env, stdin=pipe, stdout=pipe, text=True)
    assert owner.stdout is not None
    theirs = Path(owner.stdout.readline().strip())
    assert theirs.parent == temporary

    ours = OwnFolder()
    assert (theirs / 'comfyui.log').exists(), 'its owner lives'
    owner.kill()
    owner.communicate()
    OwnFolder().remove()
    assert list(temporary.iterdir()) == [ours.path]
    ours.remove()


def test_a_fork_leaves_it_to_its_owner(temporary):
    if sys.platform == 'win32':
        pytest.skip('processes are no forks here')
    folder = OwnFolder()
    child = os.fork()
    if child == 0:
        folder.remove()
        os._exit(0)
    os.waitpid(child, 0)
    assert folder.path.is_dir()
    folder.remove()

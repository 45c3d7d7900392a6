"""What is imported soon after the start, so that an update on disk cannot mix with what runs."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time

import pytest

from comfy_script.host import preload
from comfy_script.tests.lab.paths import ROOT, SAFE_PATH

OUTSIDE = {'agents', 'client', 'js', 'tests', 'tools', 'ui', 'docs', 'examples', '.venv', '.cache', 'build'}


def test_every_module_that_a_server_uses_is_imported():
    files = [file.relative_to(ROOT) for file in ROOT.rglob('*.py') if file.relative_to(ROOT).parts[0] not in OUTSIDE]
    modules = {
        '.'.join(('comfy_script', *(file.parent if file.name == '__init__.py' else file.with_suffix('')).parts))
        for file in files
        if file.parent.parts
    }
    assert set(preload.module_names()) == modules


def test_a_module_that_is_gone_is_said_in_one_line(monkeypatch, caplog):
    monkeypatch.setattr(preload, 'module_names', lambda: iter(['comfy_script.graph', 'comfy_script.gone']))
    caplog.set_level(logging.INFO)
    preload.import_all()

    assert len(caplog.messages) == 1
    assert 'restart ComfyUI' in caplog.text
    assert 'Traceback' not in caplog.text


@pytest.mark.server
def test_the_pack_goes_on_when_its_folder_is_gone(start_server, tmp_path):
    """As after an update, or when ComfyUI-Manager disables it: the folder is moved away under the running server."""
    pack = tmp_path / 'pack'
    shutil.copytree(ROOT, pack, ignore=shutil.ignore_patterns('.*', 'tests', 'docs', 'node_modules', '__pycache__'))
    server = start_server(pack=False, packs={'ComfyScript': pack}, args=['--verbose', 'DEBUG'])
    deadline = time.monotonic() + 60
    while 'is imported completely' not in server.log():
        assert time.monotonic() < deadline, server.log()[-3000:]
        time.sleep(0.1)
    pack.rename(tmp_path / 'pack.disabled')

    script = "SaveImage(EmptyImage(8, 8, 1, 255), 'late')"
    prompt = server.post('/comfyscript/prompt', {'script': script})['prompt']
    entry = server.queue(prompt)
    assert b'EmptyImage' in server.images(entry)[0].read_bytes()
    assert 'EmptyImage' in server.post('/comfyscript/transpile', {'prompt': prompt})['script']
    text = 'def main() -> Image:\n    return EmptyImage(8, 8, 1, 255)'
    node = {'1': {'class_type': 'ComfyScript', 'inputs': {'script': text}}}
    server.queue({**node, '2': {'class_type': 'PreviewImage', 'inputs': {'images': ['1', 0]}}})
    assert 'export' in server.get('/extensions/ComfyScript/panel/panel.mjs').decode()
    assert 'Traceback' not in server.log()


def test_importing_all_changes_nothing_of_the_process():
    """Modules that are programs of their own, too, are only imported here."""
    code = """
import os, signal, sys
from comfy_script.host import preload
preload.PAUSE = 0
kept = lambda: (list(sys.path), list(sys.meta_path), list(sys.argv), os.getcwd(), signal.getsignal(signal.SIGINT))
before = kept()
preload.import_all()
assert kept() == before, (before, kept())
assert 'comfy_script.runtime.client.watchdog' in sys.modules
assert not {'ray', 'mcp', 'torch'} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, *SAFE_PATH, '-c', code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

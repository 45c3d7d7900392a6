"""The ComfyUI of this process, as far as somebody else imported it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from comfy_script.comfyui import interrupts, loaded
from comfy_script.comfyui.embeddings import embeddings
from comfy_script.comfyui.process import find_server_process


def test_a_users_own_modules_are_not_taken_for_comfyuis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'nodes', SimpleNamespace())
    monkeypatch.setitem(sys.modules, 'server', SimpleNamespace(run=print))
    assert loaded.nodes_module() is None
    assert loaded.server() is None
    assert find_server_process(running=False) is None


def test_a_server_is_there_for_requests_once_its_loop_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    running = False
    server = SimpleNamespace(loop=SimpleNamespace(is_running=lambda: running))
    monkeypatch.setitem(sys.modules, 'server', SimpleNamespace(PromptServer=SimpleNamespace(instance=server)))
    monkeypatch.setitem(sys.modules, 'nodes', SimpleNamespace(NODE_CLASS_MAPPINGS={}))
    found = find_server_process(running=False)
    assert found is not None and found.server is server
    assert find_server_process() is None
    running = True
    assert find_server_process() is not None


def test_embeddings_are_named_without_their_suffix(monkeypatch: pytest.MonkeyPatch) -> None:
    assert embeddings() == ()
    files = SimpleNamespace(get_filename_list=lambda kind: ['easy.negative.pt', 'sub/other.safetensors'])
    monkeypatch.setitem(sys.modules, 'folder_paths', files)
    assert embeddings() == ('easy.negative', 'sub/other')


def test_a_file_that_fails_leaves_its_name_free(tmp_path: Path) -> None:
    file = tmp_path / 'broken.py'
    file.write_text('raise RuntimeError("on purpose")', encoding='utf-8')
    with pytest.raises(RuntimeError, match='on purpose'):
        loaded.import_file('comfyscript_broken', file)
    assert 'comfyscript_broken' not in sys.modules


class Interrupted(Exception):
    pass


class OutOfMemory(Exception):
    pass


@pytest.mark.parametrize(
    'management',
    [
        SimpleNamespace(InterruptProcessingException=Interrupted, OOM_EXCEPTION=OutOfMemory),
        SimpleNamespace(InterruptProcessingException=Interrupted, is_oom=lambda error: isinstance(error, OutOfMemory)),
    ],
    ids=['0.3', '0.33'],
)
def test_what_stops_a_run(monkeypatch: pytest.MonkeyPatch, management: SimpleNamespace) -> None:
    assert not interrupts.is_interrupt(Interrupted()) and not interrupts.is_out_of_memory(OutOfMemory())
    monkeypatch.setitem(sys.modules, 'comfy.model_management', management)
    assert interrupts.is_interrupt(Interrupted()) and not interrupts.is_interrupt(OutOfMemory())
    assert interrupts.is_out_of_memory(OutOfMemory()) and not interrupts.is_out_of_memory(Interrupted())

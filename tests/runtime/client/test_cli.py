"""`python -m comfy_script run`, `api` and `stubs`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.runtime import cli, loading
from comfy_script.runtime.client import find_client, set_default_client
from comfy_script.tests.runtime.client.fake import OBJECT_INFO, PROMPT, FakeServer

BARE = 'PreviewImage(EmptyImage(8, 8))\n'
WHOLE = (
    'from comfy_script.runtime import *\nload()\nfrom comfy_script.runtime.nodes import *\nwith Workflow():\n    '
    + BARE
)


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    before = find_client()
    yield
    loading.pin(None)
    set_default_client(before)


@pytest.fixture
def script(tmp_path: Path) -> Any:
    def write(text: str) -> str:
        (tmp_path / 'script.py').write_text(text, encoding='utf-8')
        return str(tmp_path / 'script.py')

    return write


@pytest.fixture
def object_info(tmp_path: Path) -> str:
    (tmp_path / 'object_info.json').write_text(json.dumps(OBJECT_INFO), encoding='utf-8')
    return str(tmp_path / 'object_info.json')


@pytest.mark.parametrize('text', [BARE, WHOLE])
def test_run(fake: FakeServer, script: Any, text: str) -> None:
    fake.auto = True
    assert cli.main(['run', script(text), '--server', fake.url]) == 0
    [body] = fake.prompts
    assert body['prompt'] == PROMPT
    assert body['extra_data']['extra_pnginfo']['ComfyScriptSource'].endswith(BARE)


def test_arguments_of_the_script(fake: FakeServer, script: Any, capsys: Any) -> None:
    assert cli.main(['run', script('import sys\nprint(sys.argv[1:])'), 'a', '--server', fake.url, '--', '--b']) == 0
    assert "['a', '--b']" in capsys.readouterr().out


@pytest.mark.parametrize('text', [BARE, WHOLE, WHOLE.replace('load()', 'load("http://127.0.0.1:9/")')])
def test_api(script: Any, object_info: str, text: str, capsys: Any) -> None:
    assert cli.main(['api', script('print("hello")\n' + text), '--object-info', object_info]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == PROMPT
    assert 'hello' in printed.err
    assert cli.main(['api', script(text), '--object-info', object_info, '--workflow']) == 0
    assert len(json.loads(capsys.readouterr().out)['nodes']) == 2


def test_api_of_a_script_that_needs_a_result(script: Any, object_info: str, capsys: Any) -> None:
    assert cli.main(['api', script('x = ' + BARE + 'x.wait()'), '--object-info', object_info]) == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out) == PROMPT
    assert 'the rest needs a result' in printed.err


def test_stubs(object_info: str, tmp_path: Path, capsys: Any) -> None:
    assert cli.main(['stubs', '--object-info', object_info, '-o', str(tmp_path)]) == 0
    assert 'EmptyImage' in (tmp_path / 'nodes.pyi').read_text(encoding='utf-8')


def test_errors(fake: FakeServer, script: Any, capsys: Any) -> None:
    assert cli.main(['run', 'missing.py', '--server', fake.url]) == 2
    assert 'missing.py: there is no such file' in capsys.readouterr().err
    assert cli.main(['run', script(BARE), '--server', 'http://127.0.0.1:9/']) == 2
    assert 'cannot be reached' in capsys.readouterr().err

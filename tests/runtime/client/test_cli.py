"""`python -m comfy_script run`, `api` and `stubs`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.runtime import commands as cli
from comfy_script.runtime.client import load as loading
from comfy_script.runtime.client.current import default_client, find_client, set_default_client
from comfy_script.tests.runtime.client.fake import OBJECT_INFO, PROMPT, FakeServer
from comfy_script.tests.runtime.client.test_tasks import wait_for

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


@pytest.mark.parametrize('command', ['run', 'api'])
def test_a_script_that_names_its_server(fake: FakeServer, script: Any, command: str, capsys: Any) -> None:
    fake.auto = True
    assert cli.main([command, script(WHOLE.replace('load()', f'load({fake.url!r}, stubs=False)'))]) == 0
    assert [body['prompt'] for body in fake.prompts] == ([PROMPT] if command == 'run' else [])
    assert command == 'run' or json.loads(capsys.readouterr().out) == PROMPT


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


@pytest.mark.parametrize(
    ('text', 'code', 'printed'),
    [
        ('\nEmptyImage(\n    widht=5)', 2, '  File "{}", line 2, in <module>\n{}comfy_script: EmptyImage has no input'),
        ('x = (', 1, '  File "{}", line 1\n{}SyntaxError: \'(\' was never closed'),
        (
            'def f():\n    raise ValueError\nf()',
            1,
            'Traceback (most recent call last):\n  File "{}", line 3, in <module>',
        ),
    ],
)
def test_errors_are_the_scripts(
    text: str, code: int, printed: str, fake: FakeServer, script: Any, object_info: str, capsys: Any
) -> None:
    """None of our own lines is between."""
    path = script(text)
    before, _, after = printed.format(path, '\0').partition('\0')
    for arguments in ['run', path, '--server', fake.url], ['api', path, '--object-info', object_info]:
        assert cli.main(arguments) == code
        said = capsys.readouterr().err
        assert said.startswith(before)
        assert after in said
        assert 'comfy_script/' not in said.replace('\\', '/')
        assert 'runpy' not in said


@pytest.mark.parametrize('waited_for', [False, True])
def test_a_failure_that_the_script_does_not_wait_for(waited_for: bool, fake: FakeServer, script: Any) -> None:
    """It is the command's; one that the script waited for is the script's."""
    text = WHOLE.replace('with Workflow():', 'with Workflow() as wf:')
    if waited_for:
        text += 'try:\n    wf.task.wait()\nexcept NodeError:\n    pass\n'

    def play() -> None:
        wait_for(lambda: fake.queue)
        prompt_id = fake.queue[0]
        fake.begin(prompt_id)
        wait_for(lambda: not waited_for or default_client().queue.tasks[0].was_waited_for)
        fake.fail(prompt_id, exception_type='ValueError', exception_message='no')

    player = threading.Thread(target=play)
    player.start()
    assert cli.main(['run', script(text), '--server', fake.url]) == (0 if waited_for else 2)
    player.join()

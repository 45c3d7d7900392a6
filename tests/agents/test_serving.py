"""Who may reach the server, and what is said where it cannot start."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from comfy_script.tests.agents.talking import command, environment, http_server
from comfy_script.tests.lab.paths import SAFE_PATH
from comfy_script.tests.transpiler.schemas import OBJECT_INFO

from comfy_script.agents.errors import AgentError  # isort: skip
from comfy_script.agents.mcp_command import address, check_token  # isort: skip


@pytest.fixture(scope='module')
def object_info_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp('agents') / 'object_info.json'
    file.write_text(json.dumps(OBJECT_INFO), encoding='utf-8')
    return file


PING = {
    'jsonrpc': '2.0',
    'id': 1,
    'method': 'initialize',
    'params': {'protocolVersion': '2025-06-18', 'capabilities': {}, 'clientInfo': {'name': 'test', 'version': '0'}},
}


def status(url: str, **headers: str) -> int:
    given = {'Content-Type': 'application/json', 'Accept': 'application/json, text/event-stream'}
    given |= {name.replace('_', '-'): value for name, value in headers.items()}
    request = urllib.request.Request(url, json.dumps(PING).encode(), given)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_with_a_token_nobody_comes_in_without_it(object_info_file: Path) -> None:
    token = 'a-long-token-for-tests'
    with http_server('--object-info', str(object_info_file), host='0.0.0.0', COMFYSCRIPT_MCP_TOKEN=token) as url:
        assert status(url) == 401
        assert status(url, Authorization=f'Bearer {token}x') == 401
        assert status(url, Authorization=f'Bearer {token}') == 200


def test_on_this_machine_no_page_of_elsewhere_comes_in(object_info_file: Path) -> None:
    with http_server('--object-info', str(object_info_file)) as url:
        assert status(url) == 200
        assert status(url, Host='evil.example') == 421
        assert status(url, Origin='http://evil.example') == 403


def test_no_other_machine_without_a_token(object_info_file: Path) -> None:
    ended = subprocess.run(
        command('--object-info', str(object_info_file), '--http', '0.0.0.0:8190'),
        env=environment(COMFYSCRIPT_MCP_TOKEN='short'),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 2
    assert 'put a token of 16 characters or more into $COMFYSCRIPT_MCP_TOKEN' in ended.stderr
    assert ended.stdout == ''


@pytest.mark.parametrize('host', ['127.0.0.1', 'localhost', '[::1]'])
def test_this_machine_needs_none(host: str) -> None:
    check_token(host, '')


def test_addresses() -> None:
    assert address('8190') == ('127.0.0.1', 8190)
    assert address('[::1]:8190') == ('[::1]', 8190)
    for odd in ('', 'localhost', 'localhost:', '1:x', '70000'):
        with pytest.raises(AgentError):
            address(odd)


def test_without_the_sdk_it_says_what_to_install() -> None:
    code = (
        'import sys\n'
        'from comfy_script import __main__ as program\n'
        'sys.modules["mcp"] = None\n'
        'import importlib.util as util\n'
        'find = util.find_spec\n'
        'util.find_spec = lambda name, *rest: None if name == "mcp" else find(name, *rest)\n'
        'sys.exit(program.main(["mcp"]))\n'
    )
    ended = subprocess.run(
        [sys.executable, *SAFE_PATH, '-c', code], env=environment(), capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 2
    assert ended.stderr == 'comfy_script: the MCP SDK is not installed: pip install "comfyscript[mcp]"\n'


def test_nothing_inside_comfyui_imports_it() -> None:
    from comfy_script.tests.dev.test_layers import imports, modules

    known = modules()
    found = {str(step) for step in imports(known) if step.imported.startswith('agents')}
    assert {step for step in found if not step.startswith('agents')} == set()

"""The example of several servers without an engine: a server that goes away gives its row back."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from comfy_script.tests.lab.paths import ROOT
from comfy_script.tests.runtime.client.fake import OBJECT_INFO, FakeServer

INPUTS = {name: ['INT', {'default': 64}] for name in ('width', 'height', 'batch_size', 'color')}


@pytest.fixture(scope='module')
def example() -> Any:
    spec = importlib.util.spec_from_file_location('several_servers', ROOT / 'examples/cluster/several_servers.py')
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def servers() -> Iterator[list[FakeServer]]:
    made = [FakeServer(auto=True), FakeServer(auto=False)]
    for server in made:
        server.object_info = {**OBJECT_INFO, 'EmptyImage': {**OBJECT_INFO['EmptyImage'], 'input': {'required': INPUTS}}}
    yield made
    for server in made:
        server.close()


ROWS = [{'id': number, 'color': number} for number in range(12)]


def test_all_rows_are_made_once_though_a_server_goes_away(example, servers, tmp_path):
    good, leaving = servers
    good.answer_after = 0.1

    def leave() -> None:
        while not leaving.prompts:
            time.sleep(0.01)
        leaving.stop()

    thread = threading.Thread(target=leave, daemon=True)
    thread.start()
    urls = [leaving.url, good.url]
    asyncio.run(example.main(tmp_path, urls, ROWS, pause=0.2, lost_after=0.5))
    thread.join(10)

    assert sorted(int(folder.name) for folder in tmp_path.iterdir()) == list(range(12))
    assert all([file.read_bytes() for file in folder.iterdir()] == [b'file a'] for folder in tmp_path.iterdir())
    assert len(leaving.prompts) == 1
    assert len(good.prompts) == 12

    (tmp_path / '5' / 'a.png').unlink()
    (tmp_path / '5').rmdir()
    asyncio.run(example.main(tmp_path, urls[1:], ROWS))
    assert len(good.prompts) == 13, 'only what was missing is made again'


def test_a_mistake_in_the_script_is_raised(example, servers, tmp_path):
    with pytest.raises(KeyError, match='color'):
        asyncio.run(example.main(tmp_path, [servers[0].url], [{'id': 1}]))


def test_a_row_that_fails_is_told_and_makes_nobody_wait(example, servers, tmp_path, capsys):
    good = servers[0]
    good.answer_prompt = 400, {'error': {'type': 'invalid', 'message': 'no', 'details': ''}, 'node_errors': {}}

    asyncio.run(example.main(tmp_path, [good.url], ROWS[:2]))

    assert list(tmp_path.iterdir()) == []
    assert 'Row 1: ComfyUI refused the workflow: no' in capsys.readouterr().err

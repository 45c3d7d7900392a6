"""The batch in docs/batches.md, stopped by Ctrl+C, by a killed server and killed itself: no image lost, none twice."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import comfy_script
from comfy_script.tests.lab import paths
from comfy_script.tests.runtime.client.fake import FakeServer
from comfy_script.tests.runtime.client.test_tasks import wait_for

ROWS = 200
ROOT = Path(comfy_script.__file__).parent


@pytest.fixture
def run(fake: FakeServer, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the page's script beside 200 prompts."""
    page = (ROOT / 'docs' / 'batches.md').read_text(encoding='utf-8')
    [text] = [code for code in re.findall(r'```python\n(.*?)```', page, re.S) if 'prompts.csv' in code]
    text = text.replace('load()', f'load({fake.url!r}, stubs=False, lost_after=1)')
    # The stand-in's EmptyImage has no batch and no colour: what differs is its size.
    text = text.replace("EmptyImage(64, 64, 1, int(row['color']))", "EmptyImage(64, int(row['color']))")
    (tmp_path / 'batch.py').write_text(text, encoding='utf-8')
    with open(tmp_path / 'prompts.csv', 'w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerows([('name', 'color'), *((f'row {number}', number) for number in range(ROWS))])
    paths.link(ROOT, paths.SITE / 'comfy_script')
    env = {**os.environ, 'PYTHONPATH': str(paths.SITE)}
    fake.files |= {f'{number}.png': f'image of {number}'.encode() for number in range(ROWS)}
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, 'batch.py'], cwd=tmp_path, env=env, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def number_of(fake: FakeServer, prompt_id: str) -> int:
    [body] = [body for body in fake.prompts if body['prompt_id'] == prompt_id]
    [image] = [node for node in body['prompt'].values() if node['class_type'] == 'EmptyImage']
    return image['inputs']['height']


def make(fake: FakeServer, made: list[int], count: int) -> None:
    """Run the next workflows of the queue."""
    for _ in range(count):
        prompt_id = fake.queue[0]
        number = number_of(fake, prompt_id)
        fake.begin(prompt_id)
        fake.finish(prompt_id, {'images': [{'filename': f'{number}.png', 'subfolder': '', 'type': 'output'}]})
        made.append(number)


def images(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes() for path in (folder / 'batch').glob('*.png') if not path.name.endswith('.part.png')
    }


def whole() -> dict[str, bytes]:
    return {f'row {number}.png': f'image of {number}'.encode() for number in range(ROWS)}


@pytest.mark.skipif(sys.platform == 'win32', reason='Ctrl+C cannot be sent to one process on Windows')
def test_ctrl_c(run: Callable[[], Any], fake: FakeServer, tmp_path: Path) -> None:
    made: list[int] = []
    process = run()
    wait_for(lambda: len(fake.queue) == ROWS, 60)
    make(fake, made, 20)
    wait_for(lambda: len(images(tmp_path)) >= 10, 60)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) != 0
    # The server goes on meanwhile.
    make(fake, made, 30)
    process = run()
    wait_for(lambda: len(images(tmp_path)) >= 50, 60)
    make(fake, made, ROWS - 50)
    assert process.wait(120) == 0, process.stderr.read().decode()
    assert images(tmp_path) == whole()
    assert sorted(made) == list(range(ROWS))
    assert len(fake.prompts) == ROWS


def test_a_killed_server(run: Callable[[], Any], fake: FakeServer, tmp_path: Path) -> None:
    made: list[int] = []
    process = run()
    wait_for(lambda: len(fake.queue) == ROWS, 60)
    make(fake, made, 50)
    wait_for(lambda: len(images(tmp_path)) == 50, 60)
    fake.stop()
    assert process.wait(60) != 0
    said = process.stderr.read().decode()
    assert 'ServerLostError' in said
    assert 'cannot be reached' in said
    fake.start()
    process = run()
    wait_for(lambda: len(fake.queue) == ROWS - 50, 60)
    make(fake, made, ROWS - 50)
    assert process.wait(120) == 0, process.stderr.read().decode()
    assert images(tmp_path) == whole()
    assert sorted(made) == list(range(ROWS))


def test_kills(run: Callable[[], Any], fake: FakeServer, tmp_path: Path) -> None:
    """Killed where a workflow has arrived and the script does not know it yet; and where only its id is noted."""
    made: list[int] = []
    at = {3, 7}

    def kill(prompt_id: str) -> None:
        if len(fake.queue) in at:
            at.discard(len(fake.queue))
            process.kill()
            process.wait()

    fake.on_prompt = kill
    for count in (3, 7):
        process = run()
        assert process.wait(60) != 0
        assert len(fake.queue) == count
    notes = tmp_path / 'batch' / 'queued.json'
    queued = json.loads(notes.read_text(encoding='utf-8'))
    assert [*queued.values()] == fake.queue
    notes.write_text(json.dumps({**queued, 'row 7': str(uuid.uuid4())}), encoding='utf-8')
    # What failed is tried again.
    fake.begin(fake.queue[0])
    fake.fail(fake.running[0], exception_message='out of memory')
    process = run()
    wait_for(lambda: len(fake.queue) == ROWS, 60)
    make(fake, made, ROWS)
    assert process.wait(120) == 0, process.stderr.read().decode()
    assert images(tmp_path) == whole()
    assert sorted(made) == list(range(ROWS))

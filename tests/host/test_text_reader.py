"""Foreign texts are read in a process of their own: what it does wrong costs one answer, and never the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.host.reading import Question, TextReader, overstepping, text_reader
from comfy_script.host.reading.descriptions import Known, Told
from comfy_script.host.reading.frames import FrameKind, PipeFrame
from comfy_script.panel.errors import RequestError
from comfy_script.tests.lab.paths import SAFE_PATH, SITE
from comfy_script.tests.panel.test_match import NODES, SCRIPT

SCHEMAS = Schemas.parse(NODES)


def ask(reader: TextReader, script: str, schemas: Schemas = SCHEMAS) -> Any:
    return json.loads(reader.ask(Question('prompt', json.dumps({'script': script}).encode()), schemas))


@pytest.fixture(scope='module')
def reader() -> Iterator[TextReader]:
    found = TextReader(seconds=60, memory=300 << 20)
    yield found
    found.close()


def test_the_process_has_the_standard_library_and_nothing_else(reader: TextReader) -> None:
    assert 'prompt' in ask(reader, SCRIPT)
    assert reader.pid not in (None, os.getpid())
    (error,) = ask(reader, 'import torch\ntorch.ones(3)')['errors']
    assert 'only inside ComfyUI' in error['message']


@pytest.mark.skipif(sys.platform != 'linux', reason='the system bounds it on Linux; elsewhere the watchdog looks')
@pytest.mark.parametrize('body', [b'[' + b'[],' * 9_000_000 + b'0]', b'{"script": [' + b'{"":0},' * 9_000_000 + b'0]}'])
def test_what_takes_too_much_memory_ends_it_and_another_is_started(reader: TextReader, body: bytes) -> None:
    ask(reader, SCRIPT)
    before = reader.pid
    with pytest.raises(RequestError, match='more memory') as caught:
        reader.ask(Question('prompt', body), SCHEMAS)
    assert caught.value.status == 413
    assert 'prompt' in ask(reader, SCRIPT)
    assert reader.pid != before


START = 'import sys, os, time, struct\n'
READY = "sys.stdout.buffer.write(struct.pack('>BI', 7, 0))\nsys.stdout.flush()\n"
HEAR = f'{START}{READY}sys.stdin.buffer.read(1)\n'
SEND = 'sys.stdout.buffer.write({})\nsys.stdout.flush()\ntime.sleep(60)\n'
MISBEHAVING = {
    'ends': (HEAR + 'os._exit(3)', 502, 'ended with code 3'),
    'crashes': (HEAR + 'os.abort()', 502, 'ended with code'),
    'ends at once': ('', 502, 'ended with code 0'),
    'sends text': (HEAR + SEND.format("b'Segmentation fault'"), 502, 'no frame'),
    'sends a frame without end': (HEAR + SEND.format("struct.pack('>BI', 4, 2**32 - 1)"), 502, 'no frame'),
    'sends half a frame': (HEAR + "sys.stdout.buffer.write(b'\\4\\0\\0\\0\\5ab')", 502, 'ended with code 0'),
    'sends what only the server sends': (HEAR + SEND.format("struct.pack('>BI', 1, 0)"), 502, 'CLASSES'),
    'refuses in no JSON': (HEAR + SEND.format("struct.pack('>BI', 5, 1) + b'{'"), 502, 'does not answer'),
    'refuses with status 200': (
        HEAR + SEND.format("struct.pack('>BI', 5, 28) + b'{\"error\": \"\", \"status\": 200}'"), 502, 'no status',
    ),
    'says nothing': (HEAR + 'time.sleep(60)', 504, 'no answer within'),
    'is never ready': (START + 'time.sleep(60)', 504, 'not started within'),
    'begins with what comes later': (START + SEND.format("struct.pack('>BI', 6, 1) + b'x'"), 502, 'begin with'),
    'asks for ever': (HEAR + "while True: sys.stdout.buffer.write(struct.pack('>BI', 6, 1) + b'x')", 504, 'within'),
}  # fmt: skip


@pytest.mark.parametrize('name', MISBEHAVING)
def test_whatever_the_process_does_the_server_gets_an_error(name: str) -> None:
    program, status, words = MISBEHAVING[name]
    found = TextReader(
        seconds=1.0 if 'within' in words else 60,
        command=(text_reader.python(), '-I', '-S', '-c', program),
        start_seconds=1.0 if 'started' in words else 60,
    )
    try:
        with pytest.raises(RequestError, match=words) as caught:
            ask(found, SCRIPT)
        assert caught.value.status == status
        assert found.pid is None
    finally:
        found.close()


class Clock:
    """The watchdog's time: with each look an hour goes by, until the child may start; from then on it stands."""

    HOURS = 5

    def __init__(self, start: Path) -> None:
        self._start = start
        self._looks = 0

    def monotonic(self) -> float:
        return min(self._looks, self.HOURS) * 3600.0

    def sleep(self, seconds: float) -> None:
        self._looks += 1
        if self._looks == self.HOURS:
            self._start.touch()
        time.sleep(0.01)


def late_child(start: Path) -> tuple[str, ...]:
    """The command of a child that begins to start when there is such a file."""
    program = (
        f'import os, runpy, sys, time\nwhile not os.path.exists({str(start)!r}): time.sleep(0.01)\n'
        f'sys.argv[1:] = [{str(text_reader.MEMORY)!r}]\nrunpy.run_path({str(text_reader.CHILD)!r}, run_name="__main__")'
    )
    return text_reader.python(), '-I', '-S', '-c', program


def test_how_long_the_process_takes_to_start_is_no_part_of_a_texts_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    start = tmp_path / 'start'
    monkeypatch.setattr(overstepping, 'time', Clock(start))
    found = TextReader(seconds=15, command=late_child(start), start_seconds=(Clock.HOURS + 1) * 3600)
    try:
        assert not found.is_ready
        assert 'prompt' in ask(found, SCRIPT)
        assert found.is_ready
    finally:
        found.close()


def test_it_ends_with_the_server() -> None:
    program = 'import os\n' + (
        'from comfy_script.graph import Schemas\nfrom comfy_script.host.reading import TextReader, Question\n'
        'found = TextReader()\nfound.ask(Question("runnable", b\'{"script": "x = 1"}\'), Schemas.parse({}))\n'
        'print(found.pid, flush=True)\nos._exit(0)'
    )
    environment = {**os.environ, 'PYTHONPATH': str(SITE)}
    done = subprocess.run([sys.executable, *SAFE_PATH, '-c', program], env=environment, capture_output=True, text=True)
    pid = int(done.stdout)
    until = time.monotonic() + 20
    while runs(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not runs(pid)


def runs(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_where_files_were_updated_texts_are_read_here(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = TextReader()
    monkeypatch.setattr(text_reader, 'fingerprint', lambda root: ())
    for _ in range(2):
        assert 'prompt' in ask(found, SCRIPT)
    assert found.pid is None
    assert [record.getMessage() for record in caplog.records if 'have changed' in record.getMessage()] != []
    assert len(caplog.records) == 1


@pytest.mark.parametrize('command', [('/no/such/python',), ('',)])
def test_where_no_process_can_be_had_texts_are_read_here(command: tuple[str, ...]) -> None:
    found = TextReader(command=command)
    assert 'prompt' in ask(found, SCRIPT)
    assert found.pid is None


# What it knows of the nodes


def pair() -> tuple[Told, Known, list[str]]:
    """Both sides, and which classes one asked the other for."""
    told, asked = Told(), []

    def answer(class_type: str) -> PipeFrame:
        asked.append(class_type)
        return told.description(class_type)

    return told, Known(answer), asked


def hear(told: Told, known: Known, schemas: Schemas) -> list[FrameKind]:
    news = list(told.news(schemas))
    for frame in news:
        known.hear(frame)
    return [frame.kind for frame in news]


def test_a_class_is_described_when_it_is_first_asked_for() -> None:
    told, known, asked = pair()
    assert hear(told, known, SCHEMAS) == [FrameKind.CLASSES]
    assert known.schemas['Sample'] == SCHEMAS['Sample']
    assert list(known.schemas) == list(SCHEMAS)
    assert known.schemas.output_types() == SCHEMAS.output_types()
    assert hear(told, known, SCHEMAS) == []
    assert asked == ['Sample']


def test_only_what_changed_is_told_again() -> None:
    told, known, asked = pair()
    hear(told, known, SCHEMAS)
    for name in ('Sample', 'Load'):
        known.schemas.find(name)
    before = known.schemas
    assert hear(told, known, Schemas.parse(json.loads(json.dumps(NODES)))) == []
    assert known.schemas is before, 'what was made of the schemas is kept'
    changed = json.loads(json.dumps(NODES))
    changed['Load']['input']['required']['name'] = [['new.safetensors']]
    assert hear(told, known, Schemas.parse(changed)) == [FrameKind.DESCRIPTIONS]
    item = known.schemas['Load'].input('name')
    assert item is not None
    assert item.choices == ('new.safetensors',)
    assert known.schemas['Sample'] == SCHEMAS['Sample']
    assert asked == ['Sample', 'Load']


def test_more_classes_are_told_of() -> None:
    told, known, _ = pair()
    hear(told, known, SCHEMAS)
    known.schemas.find('Sample')
    assert hear(told, known, Schemas.parse({**NODES, 'New': {'output': ['NEW']}})) == [FrameKind.CLASSES]
    assert 'NEW' in known.schemas.output_types()
    assert known.schemas['Sample'] == SCHEMAS['Sample']


def test_a_class_that_cannot_be_read_is_one_here_too() -> None:
    told, known, _ = pair()
    hear(told, known, Schemas.parse({'Broken': {'input': 5}}))
    assert known.schemas.find('Broken') is None
    assert 'Broken' in known.schemas

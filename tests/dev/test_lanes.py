"""Commands side by side: nothing of them is mixed, none is lost."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from comfy_script.tests.lab import commands, lanes
from comfy_script.tests.lab.lanes import Lane


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lanes, 'venv_python', lambda: Path(sys.executable))
    monkeypatch.setattr(lanes, 'CACHE', tmp_path)


def run(*which: Lane) -> tuple[dict[str, int], list[str]]:
    said: list[str] = []
    return lanes.run_lanes(which, os.environ, said.append), said


@pytest.mark.usefixtures('here')
def test_they_run_at_once_and_what_each_says_stays_together(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    meet = (
        'import pathlib, sys, time\n'
        'me, other = (pathlib.Path(sys.argv[1], name) for name in sys.argv[2:4])\n'
        'me.touch()\n'
        'while not other.exists():\n'
        '    time.sleep(0.01)\n'
        'print(me.name, "met", flush=True)\n'
        'print(me.name, "é", file=sys.stderr, flush=True)\n'
        'sys.exit(int(sys.argv[4]))\n'
    )
    first = Lane('first', ('-X', 'utf8', '-c', meet, str(tmp_path), 'a', 'b', '0'))
    second = Lane('second', ('-X', 'utf8', '-c', meet, str(tmp_path), 'b', 'a', '3'))
    codes, said = run(first, second)
    assert codes == {'first': 0, 'second': 3}
    assert [line.split(',')[0] for line in said] == ['first: ok', 'second: failed']
    out, errors = capfd.readouterr()
    assert out.splitlines() == ['a met', 'b met', 'b é']
    assert errors.splitlines() == ['a é']


def test_every_test_is_in_one_half() -> None:
    marks = [lane.arguments[lane.arguments.index('-m', 2) + 1] for lane in commands.TESTS]
    assert marks == [f'not ({commands.OTHER_HALF})', commands.OTHER_HALF]

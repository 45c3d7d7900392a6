"""Commands of the lab's interpreter side by side: what each says stays together."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from .paths import CACHE, ROOT, venv_python

SECONDS_TO_END = 60
"""pytest ends its servers and browsers first."""


class Lane(NamedTuple):
    name: str
    arguments: tuple[str, ...]


class _Running(NamedTuple):
    lane: Lane
    process: subprocess.Popen[bytes]
    output: Path | None
    """None: it writes to our own output."""


def run_lanes(lanes: Sequence[Lane], env: Mapping[str, str], say: Callable[[str], None]) -> dict[str, int]:
    """The exit code of each. The first writes at once, the others' output follows when they have ended."""
    start = time.monotonic()
    running: list[_Running] = []
    try:
        for lane in lanes:
            running.append(_start(lane, env, quiet=bool(running)))
        codes: dict[str, int] = {}
        for one in running:
            codes[one.lane.name] = one.process.wait()
            if one.output is not None:
                _show(one.output, sys.stdout)
            result = 'failed' if codes[one.lane.name] else 'ok'
            say(f'{one.lane.name}: {result}, {time.monotonic() - start:.0f} s after the start')
        return codes
    except KeyboardInterrupt:
        for one in running:
            _end(one.process)
        raise


def _start(lane: Lane, env: Mapping[str, str], *, quiet: bool) -> _Running:
    command = [venv_python(), '-P', *lane.arguments]
    if not quiet:
        return _Running(lane, subprocess.Popen(command, cwd=ROOT, env=env), None)
    output = CACHE / 'log' / f'{lane.name}.txt'
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open('wb') as file:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=subprocess.STDOUT)
    return _Running(lane, process, output)


def _show(output: Path, stream: TextIO) -> None:
    with output.open(encoding='utf-8', errors='replace') as file:
        for line in file:
            stream.write(line)
    stream.flush()


def _end(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl+C does, which reaches it too where we share a terminal."""
    if process.poll() is None:
        process.terminate() if sys.platform == 'win32' else process.send_signal(signal.SIGINT)
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()

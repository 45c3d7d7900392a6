"""Scripts that take what they can get, with functions of all tables, in a process with a watch over it.

Nothing may end the process, hold Python's lock for longer than a second (others would wait for an answer), take more
memory than the bound and half of it, or go on after an interrupt.
"""

from __future__ import annotations

import json
import os
import queue
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from comfy_script.tests.fuzz.rounds import Attempt
from comfy_script.tests.lab.paths import SITE

PATIENCE = 120.0
"""Seconds, also on a machine that does much else, until an attempt that does not end is a find."""


class Watched:
    """The process that the scripts run in (`watched.py`); another one after its end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def run(self, text: str) -> dict[str, Any]:
        """What came of a script. Raises AssertionError where the process ended, or does not answer."""
        process = self._started()
        assert process.stdin is not None
        process.stdin.write(json.dumps(text) + '\n')
        process.stdin.flush()
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            line = ''
        if not line:
            ended = process.poll()
            self.close()
            raise AssertionError(f'{"no end" if ended is None else f"ended with {ended}"}:\n{text}')
        return json.loads(line)

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            env = {**os.environ, 'PYTHONPATH': str(SITE), 'OMP_NUM_THREADS': '1'}
            command = [sys.executable, '-P', '-m', 'comfy_script.tests.fuzz.watched']
            process = self._process = subprocess.Popen(
                command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding='utf-8'
            )
            lines = self._lines = queue.Queue()
            threading.Thread(target=_forward, args=(process.stdout, lines), daemon=True).start()
        return self._process

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None


def _forward(stream: IO[str], lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put('')


@contextmanager
def fuzzer() -> Iterator[Attempt]:
    from comfy_script.tests.fuzz.greedy import greedy

    watched = Watched()

    def attempt(source: random.Random) -> str:
        text = greedy(source)
        found = watched.run(text)
        assert not found['wrong'], f'{found["wrong"]}:\n{text}'
        return found['ended']

    try:
        yield attempt
    finally:
        watched.close()

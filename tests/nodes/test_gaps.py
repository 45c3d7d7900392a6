"""While a script uses all that it may, the server answers others, and is interrupted within a second or two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from comfy_script.tests.lab.server import Server

from .test_script_node import node

pytestmark = pytest.mark.server

PATIENCE = 4.0
"""Seconds of the processor's time that the server has in the longest gap, and until a script has ended: on a machine
that does much else, that is what it would take on a quiet one, and a quarter of this is usual."""

HEAVY = {
    'lists added up': 'sum([[]] * 10**6, [0] * 999000)',
    'greatest common divisor': 'import math\nmath.gcd(*[2**9999 - 1] * 10**6)',
    'big integers sorted': 'while True: sorted([2**9000 + i % 7 for i in range(100000)])',
    'matrices': 'import torch\nx = torch.zeros(2000, 2000)\nwhile True: x @ x',
    'sorting tensors': 'import torch\nwhile True: torch.rand(2 * 10**6).sort()',
    'a pattern': "import re\nre.match('(a+)+b', 'a' * 5000)",
    'images': 'import torch\nx = []\nwhile True: x.append(torch.zeros(10**6))',
}
LONG = {
    'names': 'out = (' + 'a, ' * 70_000 + ')',
    'numbered names': 'def main():\n    return (' + 'a, ' * 4000 + ')',
}


def processor(server: Server) -> float:
    """Seconds of the processor's time that the server has had."""
    times = psutil.Process(server.process.pid).cpu_times()
    return times.user + times.system


@contextmanager
def meanwhile(look: Callable[[], object]) -> Iterator[None]:
    """Looks again and again while the block runs, on a thread of its own."""
    ended = threading.Event()

    def look_on() -> None:
        while not ended.is_set():
            look()
            time.sleep(0.02)

    thread = threading.Thread(target=look_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def pinged(server: Server) -> Iterator[list[float]]:
    """What of the processor's time the server had while it answered `GET /queue`, again and again as the block runs."""
    took: list[float] = []

    def ping() -> None:
        began = processor(server)
        server.get('/queue', timeout=120)
        took.append(processor(server) - began)

    with meanwhile(ping):
        yield took


@pytest.mark.parametrize('name', HEAVY)
def test_others_are_answered_while_a_script_runs_and_it_is_interrupted(server: Server, name: str) -> None:
    with pinged(server) as took:
        prompt_id = server.submit({'1': node(HEAVY[name])})
        time.sleep(1.5)
        server.post('/interrupt', {})
        asked = processor(server)
        while prompt_id not in server.get(f'/history/{prompt_id}'):
            assert processor(server) - asked < PATIENCE, 'not interrupted'
            time.sleep(0.05)
    assert len(took) > 5
    assert max(took) < PATIENCE


@pytest.mark.parametrize('name', LONG)
def test_others_are_answered_while_a_script_is_read(server: Server, name: str) -> None:
    with pinged(server) as took:
        # ComfyUI answers once it has validated the prompt: ComfyScript's part of that is not done on its event loop.
        prompt_id = server.submit({'1': node(LONG[name])})
        while prompt_id not in server.get(f'/history/{prompt_id}'):
            time.sleep(0.1)
    assert max(took) < PATIENCE

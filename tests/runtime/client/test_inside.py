"""The runtime inside ComfyUI's own process: nothing is started, nothing deadlocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.server


def test_inside_comfyui(start_server: Any) -> None:
    server = start_server(packs={'inside': Path(__file__).parent / 'inside'})

    def ask(name: str) -> Any:
        return server.get(f'/inside/{name}', timeout=30)

    assert ask('loading') == [True, True, ['my-embedding'], True]
    assert ask('on_the_loop') == ['finished', [16, 8]]
    assert ask('in_a_thread') == [24, 8]
    assert ask('blocking_on_the_loop').startswith("WouldDeadlockError: This thread runs ComfyUI's own event loop")
    assert ask('on_the_loop') == ['finished', [16, 8]]

"""The runtime inside ComfyUI's own process: nothing is started, nothing deadlocks."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.tests.lab.server import Server

pytestmark = pytest.mark.server


def test_inside_comfyui(seed_server: Server) -> None:
    def ask(name: str) -> Any:
        return seed_server.get(f'/inside/{name}', timeout=30)

    assert ask('loading') == [True, True, ['my-embedding'], True]
    assert ask('on_the_loop') == ['finished', [16, 8]]
    assert ask('in_a_thread') == [24, 8]
    assert ask('blocking_on_the_loop').startswith("WouldDeadlockError: This thread runs ComfyUI's own event loop")
    assert ask('on_the_loop') == ['finished', [16, 8]]

"""Whether a ComfyUI that did not start found its port taken, by what its log says on each system."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from comfy_script.runtime.client import launch

TAKEN = {
    'OSError: [Errno 98] error while attempting to bind on address (\'127.0.0.1\', 8188): address already in use': True,
    'OSError: [Errno 10048] error while attempting to bind on address (\'127.0.0.1\', 8188): '
    'une seule utilisation de chaque adresse de socket': True,
    'OSError: [WinError 10048] 通常每个套接字地址只允许使用一次': True,
    'ModuleNotFoundError: No module named \'torch\'': False,
    'bytes read: 10048': False,
}


@pytest.mark.parametrize(('log', 'taken'), TAKEN.items())
def test_a_port_that_is_taken(log, taken):
    server: Any = SimpleNamespace(log=lambda: log)
    assert launch._port_was_taken(server) == taken

"""Schemas of a server's own process are those that its clients get, for every node."""

from __future__ import annotations

from pathlib import Path

import pytest

from comfy_script.tests.conftest import StartServer
from comfy_script.tests.lab.server import Server


@pytest.fixture(scope='module')
def compared(start_module_server: StartServer) -> Server:
    """A server with all nodes of ComfyUI's, those of paid services and of its tests included."""
    pack = Path(__file__).with_name('schemas_pack')
    return start_module_server(testing=True, packs={'schemas-pack': pack}, api_nodes=True)


@pytest.mark.server
def test_classes_say_the_same_as_object_info(compared: Server) -> None:
    compared.get('/object_info')  # Load3D makes a folder when it is described, which another node lists.
    object_info = compared.get('/object_info')

    assert 'StrangeDescriptions' in object_info
    assert len(object_info) > 500
    assert compared.post('/test/schemas', object_info) == {}

"""A real server's lists follow what is put into its folders, without anybody asking for a refresh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.runtime import Client
from comfy_script.tests.lab.server import Server
from comfy_script.tests.runtime.client.test_tasks import wait_for

pytestmark = pytest.mark.server


@pytest.fixture
def model(seed_server: Server) -> Iterator[Path]:
    """A model file that is put into the server's folder by the test."""
    path = seed_server.base.parent / 'checkpoints' / 'put there just now.safetensors'
    yield path
    path.unlink(missing_ok=True)


def test_a_model_appears(seed_server: Server, model: Path) -> None:
    with Client(seed_server.url) as client:
        nodes, held = client.nodes, client.nodes.CheckpointLoaderSimple.ckpt_name
        assert model.name not in nodes.Checkpoints
        model.write_bytes(b'')
        wait_for(lambda: hasattr(held, 'put_there_just_now'))
        assert nodes.Checkpoints.put_there_just_now == model.name
        assert held.v1_5_pruned_emaonly == nodes.Checkpoints.v1_5_pruned_emaonly


def test_an_uploaded_image_appears(seed_server: Server, red: Any) -> None:
    with Client(seed_server.url) as client:
        assert 'just uploaded.png' not in list(client.nodes.LoadImage.image)
        assert client.upload(red, 'just uploaded.png') in list(client.nodes.LoadImage.image)


def test_a_model_appears_inside_comfyui(seed_server: Server, model: Path) -> None:
    before = seed_server.get('/inside/models', timeout=30)
    assert model.name not in before
    model.write_bytes(b'')
    assert seed_server.get('/inside/new_model', timeout=30) == model.name


@pytest.fixture
def red() -> Any:
    from PIL import Image

    return Image.new('RGB', (8, 8), 'red')

"""Files arrive under the names that they were given."""

from __future__ import annotations

import asyncio

import pytest

from comfy_script.runtime import Client
from comfy_script.tests.runtime.client.fake import FakeServer


@pytest.mark.parametrize(
    'name', ['my photo.png', 'ü.png', '日本.png', 'a+b.png', "it's.png", 'a"b.png', '100%.png', 'a;b.png']
)
def test_names(client: Client, fake: FakeServer, name: str) -> None:
    """As the web UI stores them, whose files they may be meant to replace (server.py `image_upload`)."""
    assert client.upload(b'data', name, overwrite=True) == name
    assert asyncio.run(client._upload(b'data', name)) == name
    fake.files[name] = b'data'
    from PIL import Image

    assert client.upload_mask(Image.new('L', (2, 2)), name, name) == name

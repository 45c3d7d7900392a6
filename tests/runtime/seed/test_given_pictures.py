"""Pictures given to nodes directly, on a real server: uploaded once, and what comes out is what went in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest

from comfy_script.runtime import Client
from comfy_script.runtime.client.uploads import Uploads
from comfy_script.tests.lab.server import Server

pytestmark = pytest.mark.server


@pytest.fixture
def picture() -> Any:
    return numpy.random.default_rng(7).integers(0, 256, (16, 24, 3), numpy.uint8)


def given(server: Server) -> list[str]:
    return sorted(path.name for path in (server.base / 'input/comfyscript').glob('*'))


def test_an_array_is_uploaded_once_and_cached(seed_server: Server, picture: Any, monkeypatch: Any) -> None:
    uploads: list[str] = []
    post = Uploads._post

    async def posting(self: Uploads, route: str, filename: str, data: bytes, fields: Any) -> str:
        uploads.append(filename)
        return await post(self, route, filename, data, fields)

    monkeypatch.setattr(Uploads, '_post', posting)
    before = given(seed_server)
    for _ in range(2):
        with Client(seed_server.url) as client:
            for make in (client.nodes.SaveImage, client.nodes.PreviewImage):
                images = make(picture).wait()
                assert (images.numpy()[0] == picture).all()
    [name] = uploads
    assert set(given(seed_server)) - set(before) == {name}


def test_a_batch_of_floats_and_a_mask(seed_server: Server, picture: Any) -> None:
    with Client(seed_server.url) as client:
        nodes = client.nodes
        batch = numpy.stack([picture, 255 - picture]) / 255.0
        assert (nodes.PreviewImage(batch).wait().numpy() == numpy.stack([picture, 255 - picture])).all()
        mask = nodes.PreviewImage(nodes.MaskToImage(picture[..., 0])).wait().numpy()[0]
        assert (mask[..., 0] == picture[..., 0]).all()


def test_a_file_and_an_image_of_here(seed_server: Server, picture: Any, tmp_path: Path) -> None:
    from PIL import Image

    image = Image.fromarray(picture)
    image.save(tmp_path / 'dog.png')
    with Client(seed_server.url) as client:
        for given_one in (image, tmp_path / 'dog.png'):
            assert (client.nodes.PreviewImage(given_one).wait().numpy()[0] == picture).all()


def test_what_is_uploaded_without_a_name_has_one_of_its_content(seed_server: Server, picture: Any) -> None:
    from PIL import Image

    with Client(seed_server.url) as client:
        names = {client.upload(picture), client.upload(Image.fromarray(picture))}
        assert len(names) == 1
        image, _ = client.nodes.LoadImage(names.pop())
        assert (client.nodes.PreviewImage(image).wait().numpy()[0] == picture).all()


def test_a_name_arrives_as_it_is(seed_server: Server, picture: Any) -> None:
    name = "my photo ü 日本 +'.png"
    with Client(seed_server.url) as client:
        for sent in (picture, 255 - picture):
            assert client.upload(sent, name, overwrite=True) == name
            assert (client.nodes.PreviewImage(client.nodes.LoadImage(name)[0]).wait().numpy()[0] == sent).all()
    assert (seed_server.base / 'input' / name).is_file()

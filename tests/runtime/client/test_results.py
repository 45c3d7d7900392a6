"""What output nodes give back."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

from comfy_script.runtime import (
    AudioResult,
    EmptyResult,
    FileResult,
    ImageBatchResult,
    Images,
    LatentResult,
    Model3DResult,
    Result,
    TextResult,
    VideoResult,
)
from comfy_script.runtime.calls.pictures import to_pil
from comfy_script.runtime.wire.results import ResultFile, make_result


def picture(color: str, size: tuple[int, int] = (4, 2), mode: str = 'RGB') -> bytes:
    from PIL import Image

    data = io.BytesIO()
    Image.new(mode, size, color).save(data, 'PNG')
    return data.getvalue()


FILES = {'red.png': picture('red'), 'blue.png': picture('blue'), 'wide.png': picture('blue', (9, 2))}


async def download(file: ResultFile) -> bytes:
    return FILES[file.filename]


def names(*files: str) -> list[dict[str, str]]:
    return [{'filename': name, 'subfolder': '', 'type': 'output'} for name in files]


def batch(*files: str) -> ImageBatchResult:
    result = make_result({'images': names(*files)}, download)
    assert isinstance(result, ImageBatchResult)
    return result


@pytest.mark.parametrize(
    ('output', 'kind'),
    [
        (None, EmptyResult),
        ({}, EmptyResult),
        ({'images': names('a.png')}, ImageBatchResult),
        ({'images': names('a.webp'), 'animated': [True]}, ImageBatchResult),
        ({'images': []}, ImageBatchResult),
        ({'images': names('a.mp4'), 'animated': [True]}, VideoResult),
        ({'gifs': names('a.mp4')}, VideoResult),
        ({'gifs': names('a.gif')}, ImageBatchResult),
        ({'audio': names('a.flac')}, AudioResult),
        ({'3d': names('a.glb')}, Model3DResult),
        ({'latents': names('a.latent')}, LatentResult),
        ({'text': ['hello']}, TextResult),
        ({'text': 'hello'}, TextResult),
        ({'files': names('a.zip')}, FileResult),
        ({'result': ['model.glb', None]}, Result),
    ],
)
def test_kinds(output: Any, kind: type) -> None:
    assert type(make_result(output, download)) is kind


def test_text() -> None:
    result = make_result({'text': ['one', 'two']}, download)
    assert str(result) == 'one\ntwo'
    assert result.texts == ['one', 'two']
    assert result['text'] == ['one', 'two']


def test_images() -> None:
    images = batch('red.png', 'blue.png')
    assert len(images) == 2
    assert images[0].getpixel((0, 0)) == (255, 0, 0)
    assert images[-1].getpixel((0, 0)) == (0, 0, 255)
    assert [image.size for image in images] == [(4, 2)] * 2
    assert [image.size for image in images[1:]] == [(4, 2)]
    assert len(images.wait()) == 2
    with pytest.raises(IndexError):
        images[2]
    assert images['images'] == names('red.png', 'blue.png')
    assert images._output['images'] == names('red.png', 'blue.png')


def test_images_asynchronously() -> None:
    async def main() -> None:
        images = batch('red.png', 'blue.png')
        assert (await images.get(1)).getpixel((0, 0)) == (0, 0, 255)
        assert len(await images) == 2

    asyncio.run(main())


def test_arrays() -> None:
    import numpy

    images = batch('red.png', 'blue.png')
    assert images.numpy().shape == (2, 2, 4, 3)
    assert numpy.asarray(images)[1, 0, 0].tolist() == [0, 0, 255]
    with pytest.raises(ValueError, match='different sizes'):
        batch('red.png', 'wide.png').numpy()


def test_saving(tmp_path: Path) -> None:
    folder = tmp_path / 'new' / 'folder'
    assert batch('red.png', 'blue.png').save(folder) == [folder / 'red.png', folder / 'blue.png']
    assert (folder / 'red.png').read_bytes() == FILES['red.png']
    assert batch('red.png').save(folder) == [folder / 'red (2).png']
    assert asyncio.run(batch('red.png')._save(folder)) == [folder / 'red (3).png']


def test_saving_as_a_file(tmp_path: Path) -> None:
    """As the server made it, metadata and all; an older one of that name is not what somebody wants to see then."""
    path = tmp_path / 'new' / 'first.png'
    assert batch('red.png').save(path) == [path]
    assert path.read_bytes() == FILES['red.png']
    assert batch('blue.png', 'red.png').save(str(path)) == [path, path.with_name('first (2).png')]
    assert path.read_bytes() == FILES['blue.png']
    assert batch('red.png').save(tmp_path / 'v1.5') == [tmp_path / 'v1.5' / 'red.png']
    (tmp_path / 'folder.png').mkdir()
    assert batch('red.png').save(tmp_path / 'folder.png') == [tmp_path / 'folder.png' / 'red.png']
    with pytest.raises(ValueError, match=r'first\.webp: the server made \.png'):
        batch('red.png').save(tmp_path / 'first.webp')


@pytest.mark.parametrize('name', ['../../evil.png', '..\\..\\evil.png', '/evil.png', 'C:\\evil.png', '..'])
def test_a_server_cannot_choose_where_files_go(tmp_path: Path, name: str) -> None:
    async def anything(file: ResultFile) -> bytes:
        return b'data'

    folder = tmp_path / 'inner'
    result = make_result({'images': names(name)}, anything)
    [path] = result.save(folder)
    assert path.resolve().parent == folder.resolve()
    assert [entry.name for entry in tmp_path.iterdir()] == ['inner']


@pytest.mark.parametrize('value', [None, 5, 'a.png', ['a.png'], [object()]])
def test_what_is_no_image(value: Any) -> None:
    pytest.importorskip('PIL')
    with pytest.raises(TypeError, match='is no image: give a PIL image, or an array'):
        to_pil(value)


def test_html() -> None:
    html = Images(batch('red.png', 'blue.png')).to_html(rows=1, height=100, titles=['<b>', 'blue'])
    assert html.count('data:image/png;base64,') == 2
    assert 'repeat(2,' in html
    assert 'height:100px' in html
    assert '&lt;b&gt;' in html
    assert '<b>' not in html


def test_showing_outside_of_notebooks(capsys: pytest.CaptureFixture[str]) -> None:
    make_result({'text': ['hello']}, download).display()
    make_result(None, download).display()
    batch('red.png').display()
    out = capsys.readouterr().out
    assert out.startswith('hello\n')
    assert 'red.png' in out


def test_widgets_without_ipywidgets(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from comfy_script import ui

    monkeypatch.setitem(sys.modules, 'ipywidgets', None)
    for make in ui.ipy.ImageViewer, ui.solara.MetadataViewer:
        with pytest.raises(ImportError, match='pip install ipywidgets'):
            make()

"""Savers of other packs: their files are as without us, or hold the script besides; the image is always there.

The stand-ins do with `extra_pnginfo` what the packs' own code does (WAS `WAS_Node_Suite.py: Image Save`, Easy-Use
`logic.py: saveImage`, tinyterra, SaveImagePlus, Image Saver).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from comfy_script.graph import Schemas
from comfy_script.host import after_saving, plain, png_text, save
from comfy_script.host.preferences import SaveSettings
from comfy_script.tests.host.test_save import PROMPT, WORKFLOW, DynamicPrompt, Loader, PackSaver, get_input_data

LARGE = {**WORKFLOW, 'extra': {'note': 'x' * 64_400}}
"""A workflow that just goes into the EXIF data of a JPEG file: with one key more it does not."""


def was_webp(folder: Path, prompt: Any, extra_pnginfo: Any) -> Path:
    """WAS Image Save, Easy-Use and ten more: all keys in one string."""
    image, path = picture(), folder / 'was.webp'
    exif = image.getexif()
    exif[0x010F] = 'Prompt:' + json.dumps(prompt)
    exif[0x010E] = 'Workflow:' + ''.join(json.dumps(value) for value in extra_pnginfo.values())
    image.save(path, exif=exif.tobytes(), lossless=True)
    return path


def plus_jpeg(folder: Path, prompt: Any, extra_pnginfo: Any) -> Path:
    """SaveImagePlus: too long EXIF data are an error, and there is no image."""
    image, path = picture(), folder / 'plus.jpg'
    exif = image.getexif()
    for tag, (key, value) in enumerate(extra_pnginfo.items()):
        exif[0x010F - tag] = f'{key}:{json.dumps(value)}'
    image.save(path, exif=exif.tobytes())
    return path


def bounded_jpeg(folder: Path, prompt: Any, extra_pnginfo: Any) -> Path:
    """Image Saver: what does not fit is left out, and that is the workflow."""
    image, path = picture(), folder / 'bounded.jpg'
    exif = image.getexif()
    exif[0x010E] = json.dumps(extra_pnginfo)
    data = exif.tobytes()
    image.save(path, exif=data if len(data) < 65_500 else b'')
    return path


def all_or_nothing(folder: Path, prompt: Any, extra_pnginfo: Any) -> Path:
    """A sidecar of its own, of everything it is given."""
    path = folder / 'all.json'
    path.write_text(json.dumps({'prompt': prompt, **extra_pnginfo}), encoding='utf-8')
    return path


def strict_png(folder: Path, prompt: Any, extra_pnginfo: Any) -> Path:
    """One that knows which keys there are."""
    assert set(extra_pnginfo) == {'workflow'}
    return plain_png(folder, prompt, extra_pnginfo)


def plain_png(folder: Path, prompt: Any, extra_pnginfo: Any) -> Path:
    """As most: each key a text of its own."""
    info, path = PngImagePlugin.PngInfo(), folder / 'plain.png'
    info.add_text('prompt', json.dumps(prompt))
    for key, value in extra_pnginfo.items():
        info.add_text(key, json.dumps(value))
    picture().save(path, pnginfo=info)
    return path


def bare_png(folder: Path, prompt: Any, extra_pnginfo: Any) -> Path:
    """With its `embed_workflow` switched off."""
    path = folder / 'bare.png'
    picture().save(path)
    return path


def picture() -> Image.Image:
    return Image.new('RGB', (16, 16), (200, 100, 50))


Saver = Callable[[Path, Any, Any], Path]
AS_WITHOUT_US = (was_webp, plus_jpeg, bounded_jpeg, all_or_nothing, bare_png)


def saved(saver: Saver, folder: Path, extra_pnginfo: Any, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Path:
    """The file that a saver writes in a ComfyUI with our hooks."""
    folder.mkdir()
    folder_paths = ModuleType('folder_paths')
    folder_paths.get_output_directory = lambda: str(folder)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'folder_paths', folder_paths)
    monkeypatch.setattr(PngImagePlugin.PngInfo, 'add_text', PngImagePlugin.PngInfo.add_text)
    plain.install()
    schemas = Schemas.of_classes({'SaveImage': PackSaver, 'Loader': Loader})
    hook = save.SaveHook(save.ScriptWriter(lambda: schemas), lambda user: SaveSettings(**settings))
    hooked = save.with_scripts(get_input_data, hook)
    given, _, _ = hooked({}, PackSaver, '3', object(), DynamicPrompt(), {'extra_pnginfo': extra_pnginfo})

    async def get_output_data(prompt_id, unique_id, obj):
        path = saver(folder, PROMPT, given['extra_pnginfo'][0])
        return [], {'images': [{'filename': path.name, 'subfolder': '', 'type': 'output'}]}, False

    _, ui, _ = asyncio.run(after_saving.with_saved_files(get_output_data, hook.files)('p', '3', None))
    return folder / ui['images'][0]['filename']


@pytest.mark.parametrize('workflow', [WORKFLOW, LARGE], ids=['small', 'large'])
@pytest.mark.parametrize('ours', [{}, {'ComfyScriptSource': "print('x')"}], ids=['browser', 'client'])
@pytest.mark.parametrize('saver', AS_WITHOUT_US)
def test_the_file_is_what_it_would_be_without_us(saver, ours, workflow, tmp_path, monkeypatch):
    (tmp_path / 'without').mkdir()
    without = saver(tmp_path / 'without', PROMPT, {'workflow': workflow})

    path = saved(saver, tmp_path / 'with', {'workflow': workflow, **ours}, monkeypatch)

    assert path.read_bytes() == without.read_bytes()
    assert sorted(os.listdir(path.parent)) == [path.name]


@pytest.mark.parametrize('saver', [plain_png, strict_png])
def test_a_png_has_the_script_afterwards(saver, tmp_path, monkeypatch):
    (tmp_path / 'without').mkdir()
    without = saver(tmp_path / 'without', PROMPT, {'workflow': WORKFLOW})
    source = {'ComfyScriptSource': 'text = "緑"\n'}

    path = saved(saver, tmp_path / 'with', {'workflow': WORKFLOW, **source}, monkeypatch)

    script = "image = Loader('a.png')\nSaveImage(image, 'one')\n"
    with Image.open(path) as image, Image.open(without) as other:
        assert image.info == {**other.info, 'ComfyScript': script, **source}
        assert image.tobytes() == other.tobytes()
    assert os.listdir(path.parent) == [path.name]


def test_a_file_that_has_no_room_can_have_the_script_beside_it(tmp_path, monkeypatch):
    path = saved(was_webp, tmp_path / 'with', {'workflow': WORKFLOW}, monkeypatch, sidecar=True)
    assert path.with_suffix('.py').read_text(encoding='utf-8') == "image = Loader('a.png')\nSaveImage(image, 'one')\n"


def test_older_files_that_a_node_shows_too_are_not_touched(tmp_path, monkeypatch):
    def with_history(folder: Path, prompt: Any, extra_pnginfo: Any) -> Path:
        path = plain_png(folder, prompt, extra_pnginfo)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        return path

    path = saved(with_history, tmp_path / 'with', {'workflow': WORKFLOW}, monkeypatch, sidecar=True)
    with Image.open(path) as image:
        assert 'ComfyScript' not in image.info
    assert os.listdir(path.parent) == [path.name]


def test_switched_off_a_png_stays_as_it_was(tmp_path, monkeypatch):
    (tmp_path / 'without').mkdir()
    without = plain_png(tmp_path / 'without', PROMPT, {'workflow': WORKFLOW})
    path = saved(plain_png, tmp_path / 'with', {'workflow': WORKFLOW}, monkeypatch, enabled=False)
    assert path.read_bytes() == without.read_bytes()


# Texts into a PNG file


@pytest.mark.parametrize('damage', [
    lambda data: data[:-12],
    lambda data: data[:60],
    lambda data: b'',
    lambda data: b'GIF89a' + data,
    lambda data: data.replace(b'IDAT', b'IDOT'),
    lambda data: data[:8] + b'\xff\xff\xff\xff' + data[12:],
])  # fmt: skip
def test_a_file_that_is_no_whole_png_stays_as_it_was(damage, tmp_path):
    path = plain_png(tmp_path, PROMPT, {'workflow': WORKFLOW})
    data = damage(path.read_bytes())
    path.write_bytes(data)
    assert not png_text.add_texts(path, {'ComfyScript': 'text'})
    assert path.read_bytes() == data


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path, monkeypatch):
    path = plain_png(tmp_path, PROMPT, {'workflow': WORKFLOW})
    data = path.read_bytes()

    def refuse(*_: object) -> None:
        raise PermissionError(13, 'in use')

    monkeypatch.setattr(os, 'replace', refuse)
    with pytest.raises(PermissionError):
        png_text.add_texts(path, {'ComfyScript': 'text'})
    assert path.read_bytes() == data
    assert os.listdir(tmp_path) == [path.name]


def test_a_large_file_stays_as_it_was(tmp_path, monkeypatch):
    path = plain_png(tmp_path, PROMPT, {'workflow': WORKFLOW})
    monkeypatch.setattr(png_text, 'MOST_BYTES', path.stat().st_size - 1)
    assert not png_text.add_texts(path, {'ComfyScript': 'text'})


def test_the_text_is_there_once(tmp_path):
    path = plain_png(tmp_path, PROMPT, {'workflow': WORKFLOW})
    assert png_text.add_texts(path, {'ComfyScript': 'one'})
    assert not png_text.add_texts(path, {'ComfyScript': 'two'})


# Texts that no PNG file can hold


@pytest.mark.parametrize('text', ['\ud800', 'a\0b', '[' * 100_000])
def test_what_cannot_be_plain_text_is_saved_as_comfyui_saves_it(text, tmp_path, monkeypatch):
    """ComfyUI's own JSON has every character escaped; a half of a surrogate pair lost the image."""
    monkeypatch.setattr(PngImagePlugin.PngInfo, 'add_text', PngImagePlugin.PngInfo.add_text)
    plain.install()
    info, path = PngImagePlugin.PngInfo(), tmp_path / 'a.png'
    info.add_text('ComfyScript', json.dumps(text))
    picture().save(path, pnginfo=info)
    with Image.open(path) as image:
        assert image.info['ComfyScript'] in (json.dumps(text), text)


@pytest.mark.parametrize('keyword', ['ComfyScript', 'ComfyScriptSource'])
def test_a_chunk_of_comfyuis_own_is_written_whatever_the_text(keyword):
    written: list[Any] = []
    hooked = plain._text_chunk(lambda key, text: written.append((key, text)) or b'theirs')
    assert hooked(keyword, json.dumps('\ud800')) == b'theirs'
    assert written == [(keyword, '"\\ud800"')]

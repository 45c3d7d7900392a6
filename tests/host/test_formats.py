"""Every format that ComfyUI writes metadata into carries its script, read back with somebody else's reader."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from comfy_script.graph import Schemas, difference
from comfy_script.tests.host.running import prompt_of
from comfy_script.tests.lab.server import Server
from comfy_script.transpiler import read_script

pytestmark = pytest.mark.server

PACK = Path(__file__).parent / 'savers-pack'

SOURCES: dict[str, Any] = {
    'image': {'class_type': 'EmptyImage', 'inputs': {'width': 16, 'height': 16, 'batch_size': 2, 'color': 5}},
    'unused': {'class_type': 'EmptyImage', 'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 9}},
    'audio': {'class_type': 'EmptyAudio', 'inputs': {'duration': 0.2, 'sample_rate': 48000, 'channels': 1}},
    'latent': {'class_type': 'EmptyLatentImage', 'inputs': {'width': 64, 'height': 64, 'batch_size': 1}},
    'video': {'class_type': 'CreateVideo', 'inputs': {'images': ['image', 0], 'fps': 12}},
    'vae': {'class_type': 'VAELoader', 'inputs': {'vae_name': 'tiny_vae.safetensors'}},
    'svg': {'class_type': 'TestSVG', 'inputs': {'colour': "緑 \"]]> ''' \\"}},
    'mesh': {'class_type': 'TestMesh', 'inputs': {'size': 1.5}},
}


def png_text(path: Path) -> str:
    with Image.open(path) as image:
        image.load()
        return image.info['ComfyScript']


def chunk_json(path: Path) -> str:
    """The animated PNG's `comf` chunk, read byte by byte."""
    data, place = path.read_bytes(), 8
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], 'big')
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        if kind == b'comf' and body.startswith(b'ComfyScript\0'):
            return json.loads(body.partition(b'\0')[2])
        place += length + 12
    raise AssertionError('no comf chunk')


def exif_json(path: Path) -> str:
    with Image.open(path) as image:
        for value in image.getexif().values():
            if isinstance(value, str) and value.startswith('ComfyScript:'):
                return json.loads(value.partition(':')[2])
    raise AssertionError('no EXIF entry')


def tag_json(path: Path) -> str:
    """A container's tag, by FFmpeg's own demuxers."""
    with av.open(str(path)) as container:
        tags = dict(container.metadata)
        for stream in container.streams:
            tags |= stream.metadata
    return json.loads(next(value for key, value in tags.items() if key.lower() == 'comfyscript'))


def safetensors_json(path: Path) -> str:
    safetensors = pytest.importorskip('safetensors')
    with safetensors.safe_open(path, 'pt') as file:
        return json.loads(file.metadata()['ComfyScript'])


def svg_json(path: Path) -> str:
    match = re.search(r'<!\[CDATA\[(.*)\]\]>', path.read_text(encoding='utf-8'), re.DOTALL)
    assert match is not None
    return json.loads(match[1])['ComfyScript']


def glb_json(path: Path) -> str:
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], 'little')
    return json.loads(json.loads(data[20 : 20 + length])['asset']['extras']['ComfyScript'])


def saver(class_type: str, source: str, **inputs: Any) -> dict[str, Any]:
    return {'class_type': class_type, 'inputs': inputs | {'filename_prefix': f'out/{class_type}'}, 'source': source}


Case = tuple[dict[str, Any], str, str, Callable[[Path], str]]
# class type → its node, the input that its source goes into, what its files are called, an independent reader.
CASES: dict[str, Case] = {
    'SaveImage': (saver('SaveImage', 'image'), 'images', '*.png', png_text),
    'SaveAnimatedPNG': (
        saver('SaveAnimatedPNG', 'image', fps=6, compress_level=4), 'images', '*.png', chunk_json,
    ),
    'SaveAnimatedWEBP': (
        saver('SaveAnimatedWEBP', 'image', fps=6, lossless=True, quality=80, method='default'),
        'images', '*.webp', exif_json,
    ),
    'SaveAudio': (saver('SaveAudio', 'audio'), 'audio', '*.flac', tag_json),
    'SaveAudioMP3': (saver('SaveAudioMP3', 'audio', quality='V0'), 'audio', '*.mp3', tag_json),
    'SaveAudioOpus': (saver('SaveAudioOpus', 'audio', quality='64k'), 'audio', '*.opus', tag_json),
    'SaveVideo': (saver('SaveVideo', 'video', format='mp4', codec='h264'), 'video', '*.mp4', tag_json),
    'SaveWEBM': (saver('SaveWEBM', 'image', codec='vp9', fps=6, crf=32), 'images', '*.webm', tag_json),
    'SaveSVGNode': (saver('SaveSVGNode', 'svg'), 'svg', '*.svg', svg_json),
    'SaveLatent': (saver('SaveLatent', 'latent'), 'samples', '*.latent', safetensors_json),
    'VAESave': (saver('VAESave', 'vae'), 'vae', '*.safetensors', safetensors_json),
    # Since 2026.
    'SaveImageAdvanced': (
        saver('SaveImageAdvanced', 'image', **{
            'format': 'png', 'format.bit_depth': '16-bit', 'format.input_color_space': 'sRGB',
        }),
        'images', '*.png', png_text,
    ),
    'SaveGLB': (saver('SaveGLB', 'mesh'), 'mesh', '*.glb', glb_json),
}  # fmt: skip


def whole_prompt(known: Container[str] = CASES) -> dict[str, Any]:
    prompt = dict(SOURCES)
    for class_type, (node, name, _, _) in CASES.items():
        if class_type in known:
            inputs = {name: [node['source'], 0], **node['inputs']}
            prompt[class_type] = {'class_type': class_type, 'inputs': inputs}
    return prompt


@pytest.fixture(scope='module')
def saved(start_module_server) -> Iterator[tuple[Server, Schemas]]:
    """A server that has run all savers in one prompt, sent by an API client: without a workflow."""
    server = start_module_server(packs={'savers-pack': PACK})
    schemas = Schemas.parse(server.get('/object_info'))
    server.queue(whole_prompt(schemas), timeout=120)
    yield server, schemas


@pytest.mark.parametrize('class_type', CASES)
def test_a_saved_file_holds_the_script_of_its_slice(class_type, saved):
    server, schemas = saved
    if class_type not in schemas:
        pytest.skip(f'this ComfyUI has no {class_type}')
    _, _, pattern, read = CASES[class_type]
    (path,) = list((server.base / 'output' / 'out').glob(f'{class_type}_0{pattern}'))[:1]

    script = read(path)

    prompt = whole_prompt()
    source = CASES[class_type][0]['source']
    needed = {'image', 'video'} if source == 'video' else {source}
    expected = {key: prompt[key] for key in [*needed, class_type]}
    assert difference(prompt_of(script, schemas), expected) is None
    assert read_script(path) == script


def test_third_party_savers_and_previews(saved):
    server, schemas = saved
    prompt = {
        'image': SOURCES['image'],
        'unused': SOURCES['unused'],
        'third': {'class_type': 'ThirdPartySaver', 'inputs': {'images': ['image', 0], 'name': 'third'}},
        'preview': {'class_type': 'PreviewImage', 'inputs': {'images': ['unused', 0]}},
        'blind': {'class_type': 'ThirdPartySaver', 'inputs': {'images': ['unused', 0], 'name': 'blind'}},
    }
    entry = server.queue(prompt, {'nodes': [], 'links': [], 'version': 0.4})
    files = {path.parent.name: path for path in server.images(entry)}

    for path, source, saver_id in (
        (server.base / 'output' / 'third.png', 'image', 'third'),
        (files['temp'], 'unused', 'preview'),
    ):
        expected = {source: prompt[source], saver_id: prompt[saver_id]}
        assert difference(prompt_of(png_text(path), schemas), expected) is None


def test_a_pack_that_expects_a_workflow_is_not_broken_by_a_prompt_without_one(saved):
    server, _ = saved
    prompt = {
        'image': SOURCES['image'],
        'third': {'class_type': 'ThirdPartySaver', 'inputs': {'images': ['image', 0], 'name': 'no workflow'}},
    }
    server.queue(prompt)  # raises if the node fails
    with Image.open(server.base / 'output' / 'no workflow.png') as image:
        assert 'ComfyScript' not in image.info


def test_a_batch_carries_it_in_every_file(saved):
    server, _ = saved
    inputs = SOURCES['image']['inputs'] | {'batch_size': 8}
    prompt = {
        'image': {'class_type': 'EmptyImage', 'inputs': inputs},
        'save': {'class_type': 'SaveImage', 'inputs': {'images': ['image', 0], 'filename_prefix': 'batch'}},
    }
    texts = [png_text(path) for path in server.images(server.queue(prompt))]
    assert len(texts) == 8
    assert len(set(texts)) == 1


def test_four_outputs_of_one_graph_have_four_scripts(saved):
    server, schemas = saved
    prompt: dict[str, Any] = {}
    savers = ('SaveImage', 'SaveImage', 'PreviewImage', 'SaveAnimatedWEBP')
    for index, class_type in enumerate(savers):
        prompt[f'i{index}'] = {
            'class_type': 'EmptyImage',
            'inputs': {'width': 8, 'height': 8, 'batch_size': 1, 'color': 100 + index},
        }
        extra = CASES[class_type][0]['inputs'] if class_type in CASES else {}
        inputs = {'images': [f'i{index}', 0], **extra}
        if 'filename_prefix' in inputs:
            inputs['filename_prefix'] = f'four{index}'
        prompt[f's{index}'] = {'class_type': class_type, 'inputs': inputs}

    entry = server.queue(prompt)

    for index, class_type in enumerate(savers):
        (item,) = entry['outputs'][f's{index}']['images']
        path = server.base / item['type'] / item['subfolder'] / item['filename']
        script = (exif_json if class_type == 'SaveAnimatedWEBP' else png_text)(path)
        expected = {key: prompt[key] for key in (f'i{index}', f's{index}')}
        assert difference(prompt_of(script, schemas), expected) is None


TEXTS = {
    'CJK': '美しい風景、紫の銀河',
    'emoji': '🎨🧪👩‍👩‍👧',
    'right to left': 'שלום \u202eabc\u202c مرحبا',
    'quotes': "'''\"\"\"\\ \\n r'' {x} %date%",
    'lines': 'one\ntwo\r\nthree\n\n',
    'long': 'x' * 1_000_000,
}


@pytest.mark.parametrize('name', TEXTS)
def test_texts_come_back_as_they_were(name, saved):
    server, schemas = saved
    prompt = {
        'image': {'class_type': 'EmptyImage', 'inputs': SOURCES['image']['inputs']},
        'any': {'class_type': 'TestTextSaver', 'inputs': {'images': ['image', 0], 'text': TEXTS[name]}},
    }
    (path,) = server.images(server.queue(prompt, {'nodes': [], 'links': [], 'version': 0.4}))[:1]
    back = prompt_of(png_text(path), schemas)
    assert difference(back, {key: prompt[key] for key in ('image', 'any')}) is None


def test_images_saved_inside_a_script_have_their_own_slice_where_it_is_all_known(saved):
    server, schemas = saved
    script = (
        "for c in (3, 4):\n    SaveImage(EmptyImage(16, 16, 1, c), f'in/{c}')\n"
        "SaveImage(ImageInvert(image), 'in/linked')"
    )
    prompt = {
        'image': SOURCES['image'],
        'node': {'class_type': 'ComfyScript', 'inputs': {'script': script, 'image': ['image', 0]}},
    }
    three, four, *linked = server.images(server.queue(prompt, {'nodes': [], 'links': [], 'version': 0.4}))

    for path, color in ((three, 3), (four, 4)):
        picture = {'width': 16, 'height': 16, 'batch_size': 1, 'color': color}
        expected = {
            'image': {'class_type': 'EmptyImage', 'inputs': picture},
            'save': {'class_type': 'SaveImage', 'inputs': {'images': ['image', 0], 'filename_prefix': f'in/{color}'}},
        }
        assert difference(prompt_of(png_text(path), schemas), expected) is None
    # What came from outside of the script is only in the script with the node.
    assert len(linked) == 2
    for path in linked:
        assert difference(prompt_of(png_text(path), schemas), prompt) is None

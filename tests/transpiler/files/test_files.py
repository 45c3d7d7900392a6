"""Prompt, workflow and script out of every kind of file that ComfyUI writes."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfy_script.transpiler import Metadata, TranspileError, read_metadata, read_script
from comfy_script.transpiler.formats import containers, matroska, parts
from comfy_script.transpiler.formats.exif import exif_texts

PROMPT: dict[str, Any] = {'1': {'class_type': 'SaveImage', 'inputs': {'filename_prefix': 'ü 😀'}}}
WORKFLOW: dict[str, Any] = {'nodes': [{'id': 1, 'type': 'SaveImage'}], 'links': []}
SCRIPT = "SaveImage('ü 😀')\n"

SLOW: Any = list(HealthCheck)

# As ComfyUI's savers write it: every value as JSON text.
TEXTS = {'prompt': json.dumps(PROMPT), 'workflow': json.dumps(WORKFLOW), 'ComfyScript': json.dumps(SCRIPT)}


def png(path: Path) -> None:
    info = PngInfo()
    info.add_text('prompt', TEXTS['prompt'])
    info.add_text('workflow', TEXTS['workflow'], zip=True)
    info.add_itxt('ComfyScript', SCRIPT)
    Image.new('RGB', (4, 4)).save(path, pnginfo=info)


def animated_png(path: Path) -> None:
    """ComfyUI comfy_extras/nodes_images.py: SaveAnimatedPNG"""
    info = PngInfo()
    for key, text in TEXTS.items():
        info.add(b'comf', key.encode('latin-1') + b'\0' + text.encode('latin-1'), after_idat=True)
    frames = [Image.new('RGB', (4, 4), colour) for colour in ('red', 'blue')]
    frames[0].save(path, pnginfo=info, save_all=True, append_images=frames[1:])


def with_exif(path: Path) -> None:
    """ComfyUI comfy_extras/nodes_images.py: SaveAnimatedWEBP; other packs write the same into JPEG."""
    image = Image.new('RGB', (4, 4))
    exif = image.getexif()
    for tag, (key, text) in zip((0x0110, 0x010F, 0x010E), TEXTS.items()):
        exif[tag] = f'{key}:{text}'
    image.save(path, exif=exif)


def safetensors(path: Path) -> None:
    header = json.dumps({'x': {'dtype': 'U8', 'shape': [1], 'data_offsets': [0, 1]}, '__metadata__': TEXTS}).encode()
    path.write_bytes(struct.pack('<Q', len(header)) + header + b'\0')


def svg(path: Path) -> None:
    """ComfyUI comfy_extras/nodes_images.py: SaveSVGNode"""
    text = json.dumps({**TEXTS, 'prompt': PROMPT, 'workflow': WORKFLOW})
    image = f'<svg xmlns="http://www.w3.org/2000/svg"><metadata><![CDATA[\n{text}\n]]></metadata></svg>'
    path.write_text(image, encoding='utf-8')


def glb(path: Path) -> None:
    """ComfyUI comfy_extras/nodes_hunyuan3d.py: save_glb"""
    text = json.dumps({'asset': {'version': '2.0', 'extras': TEXTS}}).encode()
    path.write_bytes(struct.pack('<4sIIII', b'glTF', 2, 20 + len(text), len(text), 0x4E4F534A) + text)


def vorbis_comment() -> bytes:
    entries = [f'{key}={text}'.encode() for key, text in TEXTS.items()]
    parts = [struct.pack('<I', 3) + b'abc' + struct.pack('<I', len(entries))]
    return b''.join([*parts, *(struct.pack('<I', len(entry)) + entry for entry in entries)])


def flac(path: Path) -> None:
    comment = vorbis_comment()
    stream = b'\x00' + (34).to_bytes(3, 'big') + bytes(34)
    path.write_bytes(b'fLaC' + stream + b'\x84' + len(comment).to_bytes(3, 'big') + comment)


def opus(path: Path) -> None:
    """The comment goes over several pages."""
    pages = [b'OpusHead' + bytes(11), b'OpusTags' + vorbis_comment() + bytes(70_000)]
    data = b''
    for packet in pages:
        sizes = [255] * (len(packet) // 255) + [len(packet) % 255]
        while sizes:
            part, sizes = sizes[:255], sizes[255:]
            body, packet = packet[: sum(part)], packet[sum(part) :]
            data += struct.pack('<4sBBqIIIB', b'OggS', 0, 0, 0, 7, 0, 0, len(part)) + bytes(part) + body
    path.write_bytes(data)


def mp3(path: Path) -> None:
    frames = b''
    for number, (key, text) in enumerate(TEXTS.items()):
        body = (
            b'\x03' + f'{key}\0{text}'.encode()
            if number
            else b'\x01' + f'{key}\0'.encode('utf-16') + text.encode('utf-16')
        )
        frames += b'TXXX' + len(body).to_bytes(4, 'big') + b'\0\0' + body
    size = bytes((len(frames) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b'ID3\x03\0\0' + size + frames + b'\xff\xfb' + bytes(50))


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack('>I4s', len(body) + 8, kind) + body


def mp4(path: Path) -> None:
    """As ffmpeg writes it with `movflags=use_metadata_tags`."""
    keys = b''.join(box(b'mdta', key.encode()) for key in TEXTS)
    items = b''.join(
        box(number.to_bytes(4, 'big'), box(b'data', struct.pack('>II', 1, 0) + text.encode()))
        for number, text in enumerate(TEXTS.values(), 1)
    )
    meta = box(b'hdlr', bytes(24)) + box(b'keys', struct.pack('>II', 0, len(TEXTS)) + keys) + box(b'ilst', items)
    moov = box(b'moov', box(b'mvhd', bytes(100)) + box(b'udta', box(b'meta', bytes(4) + meta)))
    path.write_bytes(box(b'ftyp', b'isom' + bytes(8)) + box(b'mdat', bytes(100)) + moov)


def old_mp4(path: Path) -> None:
    """Everything in iTunes' comment, as video packs write it."""
    item = box(b'\xa9cmt', box(b'data', struct.pack('>II', 1, 0) + json.dumps(TEXTS).encode()))
    moov = box(b'moov', box(b'udta', box(b'meta', bytes(4) + box(b'hdlr', bytes(24)) + box(b'ilst', item))))
    path.write_bytes(box(b'ftyp', b'isom' + bytes(8)) + moov)


def webm(path: Path) -> None:
    def element(number: int, body: bytes) -> bytes:
        size = (len(number.to_bytes(4, 'big').lstrip(b'\0')), len(body) | 1 << 56)
        return number.to_bytes(size[0], 'big') + size[1].to_bytes(8, 'big') + body

    tags = b''.join(
        element(0x7373, element(0x67C8, element(0x45A3, key.upper().encode()) + element(0x4487, text.encode())))
        for key, text in TEXTS.items()
    )
    segment = b'\x18\x53\x80\x67\x01' + b'\xff' * 7 + element(0x1F43B675, bytes(200)) + element(0x1254C367, tags)
    path.write_bytes(element(0x1A45DFA3, b'') + segment)


WRITERS: dict[str, Callable[[Path], None]] = {
    'a.png': png,
    'animated.png': animated_png,
    'a.webp': with_exif,
    'a.jpg': with_exif,
    'a.latent': safetensors,
    'a.safetensors': safetensors,
    'a.svg': svg,
    'a.glb': glb,
    'a.flac': flac,
    'a.opus': opus,
    'a.mp3': mp3,
    'a.mp4': mp4,
    'comment.mp4': old_mp4,
    'a.webm': webm,
}


@pytest.mark.parametrize('name', WRITERS)
def test_every_format(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    WRITERS[name](file)
    assert read_metadata(file) == Metadata(PROMPT, WORKFLOW, SCRIPT)
    assert read_script(str(file)) == SCRIPT


@pytest.mark.parametrize('name', ['a.flac', 'a.mp3', 'a.opus', 'a.mp4', 'a.mov', 'a.webm', 'a.mkv'])
def test_what_ffmpeg_writes(name: str, tmp_path: Path) -> None:
    """As ComfyUI's own savers do: comfy_extras/nodes_audio.py, comfy_api video `save_to`."""
    av = pytest.importorskip('av')
    numpy = pytest.importorskip('numpy')
    options = {'movflags': 'use_metadata_tags'} if name in ('a.mp4', 'a.mov') else {}
    sound = name in ('a.flac', 'a.mp3', 'a.opus')
    codec = {'a.flac': 'flac', 'a.mp3': 'libmp3lame', 'a.opus': 'libopus', 'a.webm': 'libvpx-vp9'}.get(name, 'mpeg4')
    with av.open(str(tmp_path / name), 'w', options=options) as container:
        container.metadata.update(TEXTS)
        if sound:
            stream = container.add_stream(codec, rate=48000)
            frame = av.AudioFrame.from_ndarray(numpy.zeros((1, 4800), 'int16'), format='s16', layout='mono')
            frame.sample_rate, frame.pts = 48000, 0
        else:
            stream = container.add_stream(codec, rate=8, width=32, height=32, pix_fmt='yuv420p')
            frame = av.VideoFrame.from_ndarray(numpy.zeros((32, 32, 3), 'uint8'), format='rgb24')
        container.mux([*stream.encode(frame), *stream.encode(None)])
    assert read_metadata(tmp_path / name) == Metadata(PROMPT, WORKFLOW, SCRIPT)


@pytest.mark.parametrize(
    ('data', 'expected'),
    [
        (PROMPT, Metadata(prompt=PROMPT)),
        (WORKFLOW, Metadata(workflow=WORKFLOW)),
        ({'prompt': PROMPT, 'extra_data': {'extra_pnginfo': {'workflow': WORKFLOW}}}, Metadata(PROMPT, WORKFLOW)),
        ({'output': PROMPT, 'workflow': WORKFLOW}, Metadata(PROMPT, WORKFLOW)),
        ({'nothing': 'of that'}, Metadata()),
    ],
)
def test_json(data: Any, expected: Metadata, tmp_path: Path) -> None:
    file = tmp_path / 'a.json'
    file.write_text('\ufeff' + json.dumps(data), encoding='utf-8')
    assert read_metadata(file) == expected


def test_files_without_metadata(tmp_path: Path) -> None:
    Image.new('RGB', (4, 4)).save(tmp_path / 'a.png')
    (tmp_path / 'a.txt').write_text('hello', encoding='utf-8')
    (tmp_path / 'empty.png').write_bytes(b'')
    for name in ('a.png', 'a.txt', 'empty.png'):
        assert read_metadata(tmp_path / name) == Metadata()
        assert read_script(tmp_path / name) is None
    with pytest.raises(FileNotFoundError):
        read_metadata(tmp_path / 'none.png')


def test_a_plain_script_and_a_broken_workflow(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text('ComfyScript', SCRIPT)
    info.add_text('prompt', TEXTS['prompt'])
    info.add_text('workflow', '{"nodes": [')
    Image.new('RGB', (4, 4)).save(tmp_path / 'a.png', pnginfo=info)
    assert read_metadata(tmp_path / 'a.png') == Metadata(PROMPT, None, SCRIPT)
    info = PngInfo()
    info.add_text('workflow', '{"nodes": [')
    Image.new('RGB', (4, 4)).save(tmp_path / 'b.png', pnginfo=info)
    with pytest.raises(TranspileError, match=r'b\.png.*workflow is not readable'):
        read_metadata(tmp_path / 'b.png')


def test_a_decompression_bomb_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, 'LARGEST_INFLATED', 1 << 20)
    bomb = zlib.compress(b'{}' + b' ' * parts.LARGEST_INFLATED)
    body = b'zTXtprompt\0\0' + bomb
    chunk = struct.pack('>I', len(body) - 4) + body + struct.pack('>I', zlib.crc32(body))
    (tmp_path / 'a.png').write_bytes(b'\x89PNG\r\n\x1a\n' + chunk)
    with pytest.raises(TranspileError, match='compressed text of more than'):
        read_metadata(tmp_path / 'a.png')


class Counted(io.BytesIO):
    """A file that counts the bytes that are read of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.counted = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.counted += len(found)
        return found


def in_png(kind: bytes, body: bytes) -> Counted:
    return Counted(b'\x89PNG\r\n\x1a\n' + struct.pack('>I', len(body)) + kind + body + bytes(4))


@pytest.mark.parametrize('head', [b'zTXtprompt\0\0', b'iTXtprompt\0\1\0\0\0', b'iTXtprompt\0\1\0en\0Prompt\0'])
@pytest.mark.parametrize('text', [b'{}' + b' ' * (1 << 20), b'[' + b'[],' * (1 << 19) + b'0]'], ids=['spaces', 'lists'])
def test_what_inflates_to_more_than_it_may_is_never_made(
    head: bytes, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, 'LARGEST_INFLATED', 1 << 16)
    made = 0

    class Inflating:
        def __init__(self) -> None:
            self.real = zlib.decompressobj()

        def decompress(self, data: bytes, most: int = 0) -> bytes:
            nonlocal made
            found = self.real.decompress(data, most)
            made += len(found)
            return found

    monkeypatch.setattr(parts, 'zlib', SimpleNamespace(decompressobj=Inflating, error=zlib.error))
    with pytest.raises(parts.Unreadable, match='compressed text of more than'):
        list(containers.texts_of(in_png(head[:4], head[4:] + zlib.compress(text))))
    assert 0 < made <= (1 << 16) + 1


@pytest.mark.parametrize(
    'head', [b'tEXtworkflow\0', b'iTXtworkflow\0\0\0\0\0', b'comfworkflow\0', b'zTXtworkflow\0\0', b'eXIf']
)
def test_a_part_that_is_too_large_for_text_is_not_read(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, 'LARGEST', 1 << 16)
    file = in_png(head[:4], head[4:] + b' ' * ((1 << 16) + 1))
    with pytest.raises(parts.Unreadable, match='where text should be'):
        list(containers.texts_of(file))
    assert file.counted < 1 << 10


def exif_of(directories: list[list[tuple[int, int, int, int]]], gap: int, size: int) -> bytes:
    """EXIF whose directories lie `gap` bytes apart, over each other. An entry: (tag, kind, length, value)."""
    data = bytearray(b'MM\0*' + struct.pack('>I', 8) + bytes(size))
    for number, entries in enumerate(directories):
        at = 8 + number * gap
        written = struct.pack('>H', len(entries)) + b''.join(struct.pack('>HHII', *entry) for entry in entries)
        data[at : at + len(written)] = written
    return bytes(data)


EMPTY_TEXT = (0x010E, 2, 1 << 20, 0)
"""A description as long as the file, most of it zeros."""


@pytest.mark.parametrize(
    'exif',
    [
        # Each directory names the next one, which lies 14 bytes on and says that it has 65 535 entries.
        b'MM\0*'
        + struct.pack('>I', 8)
        + b''.join(struct.pack('>HHHII', 65_535, 0x8769, 4, 1, 8 + 14 * number) for number in range(1, 20_000)),
        # One directory, which names the same empty megabyte again and again.
        exif_of([[EMPTY_TEXT] * 5_000], 0, 1 << 20),
    ],
    ids=['directories', 'texts'],
)
def test_an_exif_directory_that_names_itself_has_a_bound(exif: bytes) -> None:
    looked_at = 0

    class Counted(bytes):
        def __getitem__(self, key: Any) -> Any:
            nonlocal looked_at
            found = super().__getitem__(key)
            looked_at += len(found) if isinstance(key, slice) else 1
            return found

    with pytest.raises(parts.Unreadable, match='directory'):
        list(exif_texts(Counted(exif)))
    assert looked_at <= 2 * parts.LARGEST


@pytest.mark.parametrize('members', [1, 2, 3, 500])
def test_exif_directories_in_a_circle_are_read_once(members: int) -> None:
    text = (0x010F, 2, 12, 8)
    circle = [[text, (0x8769, 4, 1, 8 + 30 * ((number + 1) % members))] for number in range(members)]
    assert len(list(exif_texts(exif_of(circle, 30, 30 * members + 64)))) == members


@pytest.mark.parametrize('depth', [0, 1, 3])
def test_tags_beside_each_other_are_not_more_than_there_can_be(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, 'MOST_PARTS', 1_000)
    body = b'\x67\xc8\x80' * 1_001
    for _ in range(depth):
        body = b'\x67\xc8' + (len(body) | 1 << 56).to_bytes(8, 'big') + body
    tags = b'\x12\x54\xc3\x67' + (len(body) | 1 << 56).to_bytes(8, 'big') + body
    with pytest.raises(parts.Unreadable, match='more than there can be'):
        list(matroska.read_matroska(io.BytesIO(tags)))


def test_tags_in_tags_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nested a thousand deep, all that a tag holds was copied for each tag around it."""
    read = 0

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal read
            found = super().read(size)
            read += len(found)
            return found

    monkeypatch.setattr(matroska, 'io', SimpleNamespace(BytesIO=Counting, SEEK_END=io.SEEK_END))
    body = bytes(1 << 16)
    for _ in range(1_000):
        body = b'\x67\xc8' + (len(body) | 1 << 56).to_bytes(8, 'big') + body
    tags = b'\x12\x54\xc3\x67' + (len(body) | 1 << 56).to_bytes(8, 'big') + body

    assert list(matroska.read_matroska(io.BytesIO(tags))) == []
    assert read < 2 * len(body)


def test_many_large_texts_in_a_small_file_are_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, 'LARGEST', 1 << 20)
    chunks = b''
    for number in range(20):
        body = f'zTXtkey{number}'.encode() + b'\0\0' + zlib.compress(b' ' * (1 << 19))
        chunks += struct.pack('>I', len(body) - 4) + body + struct.pack('>I', zlib.crc32(body))
    read = 0
    with pytest.raises(parts.Unreadable, match='bytes of text'):
        for _, text in containers.texts_of(io.BytesIO(b'\x89PNG\r\n\x1a\n' + chunks)):
            read += len(text)
    assert read <= parts.LARGEST


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
def test_broken_files_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    file = tmp_path / data.draw(st.sampled_from(sorted(WRITERS)))
    WRITERS[file.name](file)
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
        content = content or bytearray(b'\0')
    file.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        assert isinstance(read_metadata(file), Metadata)
    except TranspileError as error:
        assert error.file == str(file)


def test_read_script_is_at_the_top() -> None:
    import comfy_script

    assert comfy_script.read_script is read_script
    with pytest.raises(AttributeError):
        _ = comfy_script.nothing_of_that


BESIDE = {**PROMPT, 'extra': {'airs': ['urn:air:sdxl:checkpoint:civitai:1@2']}, 'extraMetadata': '{"steps": 25}'}


def test_what_others_write_beside_the_nodes_is_no_node(tmp_path: Path) -> None:
    """Civitai: keys of its own in the prompt."""
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(BESIDE), encoding='utf-8')
    assert read_metadata(path) == Metadata(prompt=PROMPT)
    path.write_text(json.dumps({'prompt': BESIDE, 'extra_data': {}}), encoding='utf-8')
    assert read_metadata(path) == Metadata(prompt=PROMPT)
    path = tmp_path / 'a.png'
    info = PngInfo()
    info.add_text('prompt', json.dumps(BESIDE))
    Image.new('RGB', (4, 4)).save(path, pnginfo=info)
    assert read_metadata(path) == Metadata(prompt=PROMPT)


@pytest.mark.parametrize('text', [
    json.dumps(WORKFLOW) + json.dumps(SCRIPT),
    json.dumps({'a': 1}) + '\n' + json.dumps(WORKFLOW),
    json.dumps(WORKFLOW) + json.dumps(SCRIPT) + '{"cut": ',
])  # fmt: skip
def test_a_workflow_among_other_values_in_one_text(text: str, tmp_path: Path) -> None:
    """WAS Image Save and others put all metadata one after the other behind `Workflow:`."""
    image, path = Image.new('RGB', (4, 4)), tmp_path / 'a.webp'
    exif = image.getexif()
    exif[0x010F] = f'Prompt:{TEXTS["prompt"]}'
    exif[0x010E] = f'Workflow:{text}'
    image.save(path, exif=exif)
    assert read_metadata(path) == Metadata(prompt=PROMPT, workflow=WORKFLOW)


@pytest.mark.parametrize('encoding', ['utf-16', 'utf-16-be', 'utf-16-le', 'utf-8-sig'])
def test_json_in_other_encodings(encoding: str, tmp_path: Path) -> None:
    """PowerShell's `>` writes UTF-16, with a mark at its beginning."""
    path = tmp_path / 'a.json'
    mark = {'utf-16-be': b'\xfe\xff', 'utf-16-le': b'\xff\xfe'}.get(encoding, b'')
    path.write_bytes(mark + json.dumps(WORKFLOW, ensure_ascii=False).encode(encoding))
    assert read_metadata(path) == Metadata(workflow=WORKFLOW)
    path.write_bytes(mark + ' \n{"nodes": '.encode(encoding))
    with pytest.raises(TranspileError, match='JSON'):
        read_metadata(path)


@pytest.mark.parametrize('suffix', ['png', 'jpg'])
def test_parameters_of_a1111(suffix: str, tmp_path: Path) -> None:
    text = 'a cat: close, ü\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Seed: 7'
    path = tmp_path / f'a.{suffix}'
    if suffix == 'png':
        info = PngInfo()
        info.add_itxt('parameters', text)
        Image.new('RGB', (4, 4)).save(path, pnginfo=info)
    else:
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9286] = b'UNICODE\0' + text.encode('utf-16-be')
        Image.new('RGB', (4, 4)).save(path, exif=exif)
    assert read_metadata(path) == Metadata(parameters=text)

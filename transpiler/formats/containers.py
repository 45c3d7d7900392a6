"""The texts that files carry beside their pictures and sounds: `(key, text)` pairs, whatever the container.

Read-only and bounded: nothing is decoded, no more is read than the texts, and a file can say what it likes of sizes.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

LARGEST = 128 << 20
"""Bytes of text beyond which a part of a file is not read."""

MOST_PARTS = 100_000
"""Chunks, boxes and tags of one file that are looked at."""

Texts = Iterator[tuple[str, str]]


class Unreadable(ValueError):
    """A file that does not hold what its format says."""


def texts_of(file: BinaryIO) -> Texts:
    """The texts of a file of any known format. Raises Unreadable for a broken one; unknown ones have none."""
    head = file.read(16)
    for test, read in _FORMATS:
        if test(head):
            file.seek(0)
            yield from _bounded(read(file))
            return


def _bounded(texts: Texts) -> Texts:
    """A small file may hold a large text a thousand times: compressed, or named again and again by its directory."""
    size = 0
    for key, text in texts:
        size += len(key) + len(text)
        if size > LARGEST:
            raise Unreadable(f'more than {LARGEST} bytes of text')
        yield key, text


def is_known(head: bytes) -> bool:
    """Whether the first 16 bytes are those of a format that is read here."""
    return any(test(head) for test, _ in _FORMATS)


def _exactly(file: BinaryIO, size: int) -> bytes:
    if size > LARGEST:
        raise Unreadable(f'a part of {size} bytes where text should be')
    data = file.read(size)
    if len(data) < size:
        raise Unreadable('the file ends early')
    return data


def _decoded(data: bytes) -> str:
    try:
        return data.decode('utf-8')
    except UnicodeDecodeError:
        return data.decode('latin-1')


def _parts() -> Iterator[int]:
    yield from range(MOST_PARTS)


# PNG and animated PNG (ComfyUI comfy_extras/nodes_images.py: SaveAnimatedPNG has chunks of its own, `comf`)


def _png(file: BinaryIO) -> Texts:
    file.seek(8)
    for _ in _parts():
        head = file.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack('>I4s', head)
        if kind not in (b'tEXt', b'iTXt', b'zTXt', b'comf', b'eXIf'):
            file.seek(size + 4, io.SEEK_CUR)
            if kind == b'IEND':
                return
            continue
        data = _exactly(file, size)
        file.seek(4, io.SEEK_CUR)
        if kind == b'eXIf':
            yield from _exif(data)
            continue
        key, _, rest = data.partition(b'\0')
        yield key.decode('latin-1'), _png_text(kind, rest)


def _png_text(kind: bytes, rest: bytes) -> str:
    if kind == b'zTXt':
        return _decoded(_inflated(rest[1:]))
    if kind == b'iTXt':
        compressed = rest[:1] == b'\1'
        rest = rest[2:].split(b'\0', 2)[-1]
        return _decoded(_inflated(rest) if compressed else rest)
    if kind == b'comf':
        return _decoded(rest)
    return rest.decode('latin-1') if not _is_utf8(rest) else rest.decode('utf-8')


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode('utf-8')
    except UnicodeDecodeError:
        return False
    return True


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, LARGEST)
    except zlib.error as error:
        raise Unreadable(f'compressed text cannot be read: {error}') from error


# RIFF (WebP), JPEG, and the EXIF in them: ComfyUI writes `key:json` into text fields, from tag 0x0110 downwards


def _riff(file: BinaryIO) -> Texts:
    file.seek(12)
    for _ in _parts():
        head = file.read(8)
        if len(head) < 8:
            return
        kind, size = struct.unpack('<4sI', head)
        if kind == b'EXIF':
            yield from _exif(_exactly(file, size))
        else:
            file.seek(size, io.SEEK_CUR)
        file.seek(size % 2, io.SEEK_CUR)


def _jpeg(file: BinaryIO) -> Texts:
    file.seek(2)
    for _ in _parts():
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0xDA, 0xD9):
            return
        size = struct.unpack('>H', head[2:])[0] - 2
        if size < 0:
            return
        data = _exactly(file, size)
        if head[1] == 0xE1 and data.startswith(b'Exif\0\0'):
            yield from _exif(data)


def _exif(data: bytes) -> Texts:
    if data.startswith(b'Exif\0\0'):
        data = data[6:]
    if data[:2] not in (b'II', b'MM') or len(data) < 8:
        return
    order = '<' if data[:2] == b'II' else '>'
    pending = [struct.unpack(f'{order}I', data[4:8])[0]]
    seen: set[int] = set()
    while pending:
        offset = pending.pop()
        if offset in seen or offset + 2 > len(data):
            continue
        seen.add(offset)
        count = struct.unpack_from(f'{order}H', data, offset)[0]
        for index in range(count):
            at = offset + 2 + index * 12
            if at + 12 > len(data):
                break
            tag, kind, length = struct.unpack_from(f'{order}HHI', data, at)
            if tag == 0x8769:  # the EXIF directory
                pending.append(struct.unpack_from(f'{order}I', data, at + 8)[0])
            if kind not in (2, 7) or (tag not in _EXIF_TAGS and kind == 7):
                continue
            start = at + 8 if length <= 4 else struct.unpack_from(f'{order}I', data, at + 8)[0]
            yield from _exif_text(data[start : start + length])


_EXIF_TAGS = frozenset({0x9286, 0x010E, 0x010F, 0x0110})


def _exif_text(value: bytes) -> Texts:
    for prefix in (b'ASCII\0\0\0', b'UNICODE\0', b'\0' * 8):
        if value.startswith(prefix):
            value = value[8:]
            if prefix == b'UNICODE\0':
                yield '', value.decode('utf-16-be' if value[:1] == b'\0' else 'utf-16-le', 'replace')
                return
    text = _decoded(value.rstrip(b'\0'))
    key, found, rest = text.partition(':')
    if found and key.replace('_', '').isalnum():
        yield key, rest
    else:
        yield '', text


# FLAC, Ogg (Opus, Vorbis), MP3


def _flac(file: BinaryIO) -> Texts:
    file.seek(4)
    for _ in _parts():
        head = file.read(4)
        if len(head) < 4:
            return
        size = int.from_bytes(head[1:], 'big')
        if head[0] & 0x7F == 4:
            yield from _vorbis_comment(_exactly(file, size))
        else:
            file.seek(size, io.SEEK_CUR)
        if head[0] & 0x80:
            return


def _vorbis_comment(data: bytes) -> Texts:
    try:
        at = 4 + struct.unpack_from('<I', data, 0)[0]
        count = struct.unpack_from('<I', data, at)[0]
        at += 4
        for _ in range(min(count, MOST_PARTS)):
            size = struct.unpack_from('<I', data, at)[0]
            key, _, value = data[at + 4 : at + 4 + size].partition(b'=')
            yield _decoded(key), _decoded(value)
            at += 4 + size
    except struct.error as error:
        raise Unreadable('a Vorbis comment ends early') from error


def _ogg(file: BinaryIO) -> Texts:
    for packet in _ogg_packets(file):
        if packet.startswith(b'OpusTags'):
            yield from _vorbis_comment(packet[8:])
            return
        if packet.startswith(b'\x03vorbis'):
            yield from _vorbis_comment(packet[7:])
            return
        if packet[:1] == b'\x84':  # FLAC in Ogg: a metadata block of type 4
            yield from _vorbis_comment(packet[4:])
            return


def _ogg_packets(file: BinaryIO) -> Iterator[bytes]:
    """The first packets of the first stream."""
    packet: list[bytes] = []
    read = found = 0
    stream = None
    for _ in _parts():
        head = file.read(27)
        if len(head) < 27 or head[:4] != b'OggS' or found > 4:
            return
        sizes = _exactly(file, head[26])
        if stream is None:
            stream = head[14:18]
        if head[14:18] != stream:
            file.seek(sum(sizes), io.SEEK_CUR)
            continue
        for size in sizes:
            packet.append(_exactly(file, size))
            read += size
            if read > LARGEST:
                raise Unreadable('too much text')
            if size < 255:
                yield b''.join(packet)
                packet.clear()
                found += 1


def _mp3(file: BinaryIO) -> Texts:
    head = _exactly(file, 10)
    version, flags = head[3], head[5]
    data = _exactly(file, _synchsafe(head[6:10]))
    if flags & 0x80 and version < 4:
        data = data.replace(b'\xff\0', b'\xff')
    at = 0
    if flags & 0x40 and len(data) >= 4:
        at = int.from_bytes(data[:4], 'big') + 4 if version == 3 else _synchsafe(data[:4])
    for _ in _parts():
        frame = data[at : at + 10]
        if len(frame) < 10 or frame[0] == 0:
            break
        size = _synchsafe(frame[4:8]) if version == 4 else int.from_bytes(frame[4:8], 'big')
        if frame[:4] in (b'TXXX', b'COMM'):
            yield from _id3_text(frame[:4], data[at + 10 : at + 10 + size])
        at += 10 + size
    file.seek(10 + len(data))
    if file.read(4) == b'fLaC':
        file.seek(10 + len(data))
        yield from _flac_at(file)


def _flac_at(file: BinaryIO) -> Texts:
    rest = file.tell()
    yield from _flac(_Window(file, rest))  # type: ignore[arg-type]


class _Window:
    """A file that starts later."""

    def __init__(self, file: BinaryIO, start: int):
        self._file = file
        self._start = start

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset + self._start if whence == io.SEEK_SET else offset, whence)


def _synchsafe(data: bytes) -> int:
    size = 0
    for byte in data:
        size = size << 7 | byte & 0x7F
    return size


def _id3_text(kind: bytes, data: bytes) -> Texts:
    if not data:
        return
    codec = {0: 'latin-1', 1: 'utf-16', 2: 'utf-16-be', 3: 'utf-8'}.get(data[0], 'latin-1')
    text = data[4 if kind == b'COMM' else 1 :].decode(codec, 'replace')
    key, _, value = text.partition('\0')
    yield ('comment' if kind == b'COMM' else key.lstrip('\ufeff')), value.lstrip('\ufeff').rstrip('\0')


# MP4 and MOV (tags by key, ffmpeg's use_metadata_tags, or iTunes' comment), WebM and Matroska

_HOLDERS = frozenset({b'moov', b'udta', b'trak', b'mdia'})


def _mp4(file: BinaryIO) -> Texts:
    file.seek(0, io.SEEK_END)
    yield from _boxes(file, 0, file.tell(), 0)


def _boxes(file: BinaryIO, start: int, end: int, depth: int) -> Texts:
    at = start
    for _ in _parts():
        if at + 8 > end:
            return
        file.seek(at)
        size, kind = struct.unpack('>I4s', _exactly(file, 8))
        inside = at + 8
        if size == 1:
            size = struct.unpack('>Q', _exactly(file, 8))[0]
            inside += 8
        if size == 0:
            size = end - at
        if size < inside - at or at + size > end:
            return
        if kind in _HOLDERS and depth < 4:
            yield from _boxes(file, inside, at + size, depth + 1)
        elif kind == b'meta':
            file.seek(inside)
            yield from _mp4_meta(_exactly(file, at + size - inside))
        at += size


def _mp4_meta(data: bytes) -> Texts:
    if data[4:8] != b'hdlr':
        data = data[4:]  # ISO files have a version and flags here, QuickTime files have not
    keys: list[str] = []
    for kind, box in _memory_boxes(data):
        if kind == b'keys':
            keys = [_decoded(body) for _, body in _memory_boxes(box[8:])]
        elif kind == b'ilst':
            for name, item in _memory_boxes(box):
                number = int.from_bytes(name, 'big')
                key = keys[number - 1] if 0 < number <= len(keys) else _decoded(name)
                values = dict(_memory_boxes(item))
                if name == b'----':
                    key = _decoded(values.get(b'name', b'')[4:])
                yield ('comment' if name == b'\xa9cmt' else key), _decoded(values.get(b'data', b'')[8:])


def _memory_boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from('>I4s', data, at)
        if size < 8:
            return
        yield kind, data[at + 8 : at + size]
        at += size


_SEGMENT, _TAGS, _TAG, _SIMPLE_TAG, _TAG_NAME, _TAG_STRING = 0x18538067, 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487


def _matroska(file: BinaryIO) -> Texts:
    file.seek(0, io.SEEK_END)
    end = file.tell()
    at = 0
    for _ in _parts():
        if at >= end:
            return
        file.seek(at)
        number = _ebml_number(file, keep_marker=True)
        size = _ebml_number(file, keep_marker=False)
        inside = file.tell()
        if number is None or size is None:
            return
        if number == _SEGMENT:
            at = inside
            continue
        if size == -1:
            return  # a live stream's cluster: no way to tell where it ends
        if number == _TAGS and size <= LARGEST:
            yield from _matroska_tags(_exactly(file, min(size, end - inside)))
        at = inside + size


def _ebml_number(file: BinaryIO, keep_marker: bool) -> int | None:
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    data = first + file.read(length - 1)
    if len(data) < length:
        return None
    value = int.from_bytes(data, 'big')
    if keep_marker:
        return value
    value &= (1 << 7 * length) - 1
    return -1 if value == (1 << 7 * length) - 1 else value


def _matroska_tags(data: bytes) -> Texts:
    pending = [data]
    while pending:
        names: dict[int, bytes] = {}
        file = io.BytesIO(pending.pop())
        while (number := _ebml_number(file, keep_marker=True)) is not None:
            size = _ebml_number(file, keep_marker=False)
            if size is None or size < 0:
                break
            body = file.read(size)
            if number in (_TAG, _SIMPLE_TAG):
                pending.append(body)
            elif number in (_TAG_NAME, _TAG_STRING):
                names[number] = body
        if _TAG_NAME in names and _TAG_STRING in names:
            yield _decoded(names[_TAG_NAME]), _decoded(names[_TAG_STRING].rstrip(b'\0'))


# .latent and .safetensors, glTF, SVG: JSON in a place of its own; the key says which


def _safetensors(file: BinaryIO) -> Texts:
    size = struct.unpack('<Q', _exactly(file, 8))[0]
    yield 'safetensors', _decoded(_exactly(file, size))


def _is_safetensors(head: bytes) -> bool:
    return len(head) >= 10 and int.from_bytes(head[:8], 'little') <= LARGEST and head[8:9] == b'{'


def _gltf(file: BinaryIO) -> Texts:
    file.seek(12)
    size, kind = struct.unpack('<I4s', _exactly(file, 8))
    if kind == b'JSON':
        # The rest is the scene, whose `nodes` are none of a workflow.
        try:
            scene = dict(json.loads(_decoded(_exactly(file, size))))
        except (ValueError, TypeError, RecursionError) as error:
            raise Unreadable(f'its glTF header is no JSON object: {error}') from error
        yield 'gltf', json.dumps({key: scene.get(key) for key in ('asset', 'extras')})


def _svg(file: BinaryIO) -> Texts:
    text = _decoded(file.read(LARGEST))
    start = text.find('<metadata')
    while start >= 0:
        inside = text.find('>', start) + 1
        end = text.find('</metadata>', inside)
        if not inside or end < 0:
            return
        body = text[inside:end].strip()
        if body.startswith('<![CDATA['):
            yield '', body[9:].rpartition(']]>')[0].strip()
        elif body.startswith('{'):
            yield '', _unescaped(body)
        start = text.find('<metadata', end)


def _unescaped(text: str) -> str:
    for name, char in (('lt', '<'), ('gt', '>'), ('quot', '"'), ('apos', "'"), ('amp', '&')):
        text = text.replace(f'&{name};', char)
    return text


def _is_svg(head: bytes) -> bool:
    start = head.lstrip(b'\xef\xbb\xbf \t\r\n')
    return start.startswith((b'<?xml', b'<svg', b'<!DOCTYPE', b'<!--'))


_FORMATS: list[tuple[Callable[[bytes], bool], Callable[[BinaryIO], Texts]]] = [
    (lambda head: head.startswith(b'\x89PNG\r\n\x1a\n'), _png),
    (lambda head: head.startswith(b'RIFF') and head[8:12] == b'WEBP', _riff),
    (lambda head: head.startswith(b'\xff\xd8\xff'), _jpeg),
    (lambda head: head.startswith(b'fLaC'), _flac),
    (lambda head: head.startswith(b'OggS'), _ogg),
    (lambda head: head.startswith(b'ID3'), _mp3),
    (lambda head: head[4:8] in (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip'), _mp4),
    (lambda head: head.startswith(b'\x1a\x45\xdf\xa3'), _matroska),
    (lambda head: head.startswith(b'glTF'), _gltf),
    (_is_safetensors, _safetensors),
    (_is_svg, _svg),
]

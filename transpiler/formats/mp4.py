"""MP4 and MOV: tags by key (ffmpeg's `use_metadata_tags`), or iTunes' comment."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from .parts import Texts, decoded, exactly, parts

_HOLDERS = frozenset({b'moov', b'udta', b'trak', b'mdia'})


def read_mp4(file: BinaryIO) -> Texts:
    file.seek(0, io.SEEK_END)
    yield from _boxes(file, 0, file.tell(), 0)


def _boxes(file: BinaryIO, start: int, end: int, depth: int) -> Texts:
    at = start
    for _ in parts():
        if at + 8 > end:
            return
        file.seek(at)
        size, kind = struct.unpack('>I4s', exactly(file, 8))
        inside = at + 8
        if size == 1:
            size = struct.unpack('>Q', exactly(file, 8))[0]
            inside += 8
        if size == 0:
            size = end - at
        if size < inside - at or at + size > end:
            return
        if kind in _HOLDERS and depth < 4:
            yield from _boxes(file, inside, at + size, depth + 1)
        elif kind == b'meta':
            file.seek(inside)
            yield from _mp4_meta(exactly(file, at + size - inside))
        at += size


def _mp4_meta(data: bytes) -> Texts:
    if data[4:8] != b'hdlr':
        data = data[4:]  # ISO files have a version and flags here, QuickTime files have not
    keys: list[str] = []
    for kind, box in _memory_boxes(data):
        if kind == b'keys':
            keys = [decoded(body) for _, body in _memory_boxes(box[8:])]
        elif kind == b'ilst':
            for name, item in _memory_boxes(box):
                number = int.from_bytes(name, 'big')
                key = keys[number - 1] if 0 < number <= len(keys) else decoded(name)
                values = dict(_memory_boxes(item))
                if name == b'----':
                    key = decoded(values.get(b'name', b'')[4:])
                yield ('comment' if name == b'\xa9cmt' else key), decoded(values.get(b'data', b'')[8:])


def _memory_boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    for _ in parts():
        if at + 8 > len(data):
            return
        size, kind = struct.unpack_from('>I4s', data, at)
        if size < 8:
            return
        yield kind, data[at + 8 : at + size]
        at += size

"""RIFF (WebP), JPEG, and the EXIF in them: ComfyUI writes `key:json` into text fields, from tag 0x0110 downwards."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from .parts import Allowance, Texts, decoded, exactly, parts


def read_riff(file: BinaryIO) -> Texts:
    file.seek(12)
    for _ in parts():
        head = file.read(8)
        if len(head) < 8:
            return
        kind, size = struct.unpack('<4sI', head)
        if kind == b'EXIF':
            yield from exif_texts(exactly(file, size))
        else:
            file.seek(size, io.SEEK_CUR)
        file.seek(size % 2, io.SEEK_CUR)


def read_jpeg(file: BinaryIO) -> Texts:
    file.seek(2)
    for _ in parts():
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0xDA, 0xD9):
            return
        size = struct.unpack('>H', head[2:])[0] - 2
        if size < 0:
            return
        data = exactly(file, size)
        if head[1] == 0xE1 and data.startswith(b'Exif\0\0'):
            yield from exif_texts(data)


def exif_texts(data: bytes) -> Texts:
    if data.startswith(b'Exif\0\0'):
        data = data[6:]
    if data[:2] not in (b'II', b'MM') or len(data) < 8:
        return
    order = '<' if data[:2] == b'II' else '>'
    pending = [struct.unpack(f'{order}I', data[4:8])[0]]
    seen: set[int] = set()
    allowance = Allowance()
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
            allowance.take()
            tag, kind, length = struct.unpack_from(f'{order}HHI', data, at)
            if tag == 0x8769:  # the EXIF directory
                pending.append(struct.unpack_from(f'{order}I', data, at + 8)[0])
            if kind not in (1, 2, 7) or (tag not in _EXIF_TAGS and kind != 2):
                continue
            start = at + 8 if length <= 4 else struct.unpack_from(f'{order}I', data, at + 8)[0]
            value = data[start : start + length]
            allowance.take(len(value))
            yield from _exif_text(value)


_EXIF_TAGS = frozenset({0x9286, 0x010E, 0x010F, 0x0110})


def _exif_text(value: bytes) -> Texts:
    for prefix in (b'ASCII\0\0\0', b'UNICODE\0', b'\0' * 8):
        if value.startswith(prefix):
            value = value[8:]
            if prefix == b'UNICODE\0':
                yield '', value.decode('utf-16-be' if value[:1] == b'\0' else 'utf-16-le', 'replace')
                return
    text = decoded(value.rstrip(b'\0'))
    key, found, rest = text.partition(':')
    if found and key.replace('_', '').isalnum():
        yield key, rest
    else:
        yield '', text

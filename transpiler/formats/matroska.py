"""WebM and Matroska: tags."""

from __future__ import annotations

import io
from typing import BinaryIO

from .parts import LARGEST, Allowance, Texts, decoded, exactly, parts

_SEGMENT, _TAGS, _TAG, _SIMPLE_TAG, _TAG_NAME, _TAG_STRING = 0x18538067, 0x1254C367, 0x7373, 0x67C8, 0x45A3, 0x4487


def read_matroska(file: BinaryIO) -> Texts:
    file.seek(0, io.SEEK_END)
    end = file.tell()
    at = 0
    for _ in parts():
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
            yield from _matroska_tags(exactly(file, min(size, end - inside)))
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
    file = io.BytesIO(data)
    allowance = Allowance()
    pending = [(0, len(data))]
    while pending:
        at, end = pending.pop()
        names: dict[int, bytes] = {}
        while at < end:
            allowance.take()
            file.seek(at)
            number = _ebml_number(file, keep_marker=True)
            size = _ebml_number(file, keep_marker=False)
            if number is None or size is None or size < 0:
                break
            inside = file.tell()
            at = min(inside + size, end)
            if number in (_TAG, _SIMPLE_TAG):
                pending.append((inside, at))
            elif number in (_TAG_NAME, _TAG_STRING):
                names[number] = data[inside:at]
        if _TAG_NAME in names and _TAG_STRING in names:
            yield decoded(names[_TAG_NAME]), decoded(names[_TAG_STRING].rstrip(b'\0'))

"""PNG and animated PNG (ComfyUI `comfy_extras/nodes_images.py`: SaveAnimatedPNG has chunks of its own, `comf`)."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from .exif import exif_texts
from .parts import Texts, decoded, exactly, inflated, parts


def read_png(file: BinaryIO) -> Texts:
    file.seek(8)
    for _ in parts():
        head = file.read(8)
        if len(head) < 8:
            return
        size, kind = struct.unpack('>I4s', head)
        if kind not in (b'tEXt', b'iTXt', b'zTXt', b'comf', b'eXIf'):
            file.seek(size + 4, io.SEEK_CUR)
            if kind == b'IEND':
                return
            continue
        data = exactly(file, size)
        file.seek(4, io.SEEK_CUR)
        if kind == b'eXIf':
            yield from exif_texts(data)
            continue
        key, _, rest = data.partition(b'\0')
        yield key.decode('latin-1'), _png_text(kind, rest)


def _png_text(kind: bytes, rest: bytes) -> str:
    if kind == b'zTXt':
        return decoded(inflated(rest[1:]))
    if kind == b'iTXt':
        compressed = rest[:1] == b'\1'
        rest = rest[2:].split(b'\0', 2)[-1]
        return decoded(inflated(rest) if compressed else rest)
    if kind == b'comf':
        return decoded(rest)
    return rest.decode('latin-1') if not _is_utf8(rest) else rest.decode('utf-8')


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode('utf-8')
    except UnicodeDecodeError:
        return False
    return True

"""Texts in PNG files: as chunks, and into a file that somebody else has written."""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 64 << 20
"""A larger file is left as it is: writing it again would hold up the next node."""

_SIGNATURE = b'\x89PNG\r\n\x1a\n'
_TEXTS = (b'tEXt', b'zTXt', b'iTXt')
_COMFYUI = {b'prompt', b'workflow'}


def text_chunk(keyword: str, text: str) -> bytes:
    """A PNG text chunk: tEXt where Latin-1 holds the text, else iTXt (PNG specification, 11.3.4).

    Raises UnicodeEncodeError for half a surrogate pair.
    """
    try:
        kind, body = b'tEXt', keyword.encode('latin-1') + b'\0' + text.encode('latin-1')
    except UnicodeEncodeError:
        kind, body = b'iTXt', keyword.encode('latin-1') + b'\0\0\0\0\0' + text.encode('utf-8')
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def add_texts(path: Path, texts: Mapping[str, str]) -> bool:
    """Adds texts to a PNG file that holds a prompt or workflow of ComfyUI already; whether it did.

    The file is there as it was or with the texts, never in between: a new one takes its place. Any other file, one
    without ComfyUI's metadata (its saver was told to leave it out), one that has such a text and one larger than
    MOST_BYTES stay as they are. Raises OSError.
    """
    path = path.resolve()
    if path.suffix.lower() != '.png' or path.stat().st_size > MOST_BYTES:
        return False
    data = path.read_bytes()
    chunks = list(_chunks(data))
    keywords = {data[chunk.body : chunk.body + 80].partition(b'\0')[0] for chunk in chunks if chunk.kind in _TEXTS}
    first = next((chunk.start for chunk in chunks if chunk.kind == b'IDAT'), None)
    ours = {keyword.encode('latin-1') for keyword in texts}
    if first is None or chunks[-1].kind != b'IEND' or not keywords & _COMFYUI or keywords & ours:
        return False
    added = b''.join(text_chunk(keyword, text) for keyword, text in texts.items())
    _replace(path, data[:first] + added + data[first:])
    return True


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    body: int


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """The chunks of a PNG, as far as they are whole; none of any other file."""
    place = len(_SIGNATURE) if data.startswith(_SIGNATURE) else len(data)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], 'big')
        if place + 12 + length > len(data):
            return
        yield _Chunk(data[place + 4 : place + 8], place, place + 8)
        place += 12 + length


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix='.comfyscript-', suffix='.png')
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(data)
        with contextlib.suppress(OSError):
            os.chmod(name, path.stat().st_mode)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise

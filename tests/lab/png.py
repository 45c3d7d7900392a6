"""The text chunks of a PNG, with the standard library: proof that any PNG tool can read them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

SIGNATURE = b'\x89PNG\r\n\x1a\n'


def read_text(file: Path) -> dict[str, str]:
    """Keyword -> text of the tEXt, zTXt and iTXt chunks. ValueError if the file is no PNG."""
    data = file.read_bytes()
    if not data.startswith(SIGNATURE):
        raise ValueError(f'{file} is not a PNG')
    found: dict[str, str] = {}
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        size, kind = struct.unpack_from('>I4s', data, at)
        body = data[at + 8 : at + 8 + size]
        at += size + 12
        key, _, rest = body.partition(b'\0')
        name = key.decode('latin-1')
        if kind == b'tEXt':
            found[name] = rest.decode('latin-1')
        elif kind == b'zTXt':
            found[name] = zlib.decompress(rest[1:]).decode('latin-1')
        elif kind == b'iTXt':
            text = rest[2:].split(b'\0', 2)[2]
            found[name] = (zlib.decompress(text) if rest[0] else text).decode('utf-8')
    return found

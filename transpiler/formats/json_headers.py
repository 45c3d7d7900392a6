"""JSON in a place of its own (.latent and .safetensors, glTF, SVG): the key says which."""

from __future__ import annotations

import json
import struct
from typing import BinaryIO

from .parts import LARGEST, Texts, Unreadable, decoded, exactly


def read_safetensors(file: BinaryIO) -> Texts:
    size = struct.unpack('<Q', exactly(file, 8))[0]
    yield 'safetensors', decoded(exactly(file, size))


def is_safetensors(head: bytes) -> bool:
    return len(head) >= 10 and int.from_bytes(head[:8], 'little') <= LARGEST and head[8:9] == b'{'


def read_gltf(file: BinaryIO) -> Texts:
    file.seek(12)
    size, kind = struct.unpack('<I4s', exactly(file, 8))
    if kind == b'JSON':
        # The rest is the scene, whose `nodes` are none of a workflow.
        try:
            scene = dict(json.loads(decoded(exactly(file, size))))
        except (ValueError, TypeError, RecursionError) as error:
            raise Unreadable(f'its glTF header is no JSON object: {error}') from error
        yield 'gltf', json.dumps({key: scene.get(key) for key in ('asset', 'extras')})


def read_svg(file: BinaryIO) -> Texts:
    text = decoded(file.read(LARGEST))
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


def is_svg(head: bytes) -> bool:
    start = head.lstrip(b'\xef\xbb\xbf \t\r\n')
    return start.startswith((b'<?xml', b'<svg', b'<!DOCTYPE', b'<!--'))

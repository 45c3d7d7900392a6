"""Reading the parts of a file within bounds: a file can say what it likes of sizes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

LARGEST = 128 << 20
"""Bytes of text beyond which a part of a file is not read."""

MOST_PARTS = 100_000
"""Chunks, boxes and tags of one file that are looked at."""

Texts = Iterator[tuple[str, str]]


class Unreadable(ValueError):
    """A file that does not hold what its format says."""


def exactly(file: BinaryIO, size: int) -> bytes:
    if size > LARGEST:
        raise Unreadable(f'a part of {size} bytes where text should be')
    data = file.read(size)
    if len(data) < size:
        raise Unreadable('the file ends early')
    return data


def decoded(data: bytes) -> str:
    try:
        return data.decode('utf-8')
    except UnicodeDecodeError:
        return data.decode('latin-1')


def parts() -> Iterator[int]:
    yield from range(MOST_PARTS)


def inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, LARGEST)
    except zlib.error as error:
        raise Unreadable(f'compressed text cannot be read: {error}') from error


def bounded(texts: Texts) -> Texts:
    """A small file may hold a large text a thousand times: compressed, or named again and again by its directory."""
    size = 0
    for key, text in texts:
        size += len(key) + len(text)
        if size > LARGEST:
            raise Unreadable(f'more than {LARGEST} bytes of text')
        yield key, text

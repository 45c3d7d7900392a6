"""Reading the parts of a file within bounds: a file can say what it likes of sizes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

LARGEST = 128 << 20
"""Bytes of text beyond which a part of a file is not read."""

LARGEST_INFLATED = 16 << 20
"""Bytes that a compressed text may have: a kilobyte can hold a megabyte, and reading that as JSON takes 25 more."""

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
        found = zlib.decompressobj().decompress(data, LARGEST_INFLATED + 1)
    except zlib.error as error:
        raise Unreadable(f'compressed text cannot be read: {error}') from error
    if len(found) > LARGEST_INFLATED:
        raise Unreadable(f'a compressed text of more than {LARGEST_INFLATED >> 20} MB')
    return found


class Allowance:
    """What may be looked at inside one part of a file, whose own directory can name the same bytes again and again."""

    def __init__(self) -> None:
        self._parts = MOST_PARTS
        self._bytes = LARGEST

    def take(self, size: int = 0) -> None:
        """One part more, of this many bytes. Raises Unreadable where that is too much."""
        self._parts -= 1
        self._bytes -= size
        if self._parts < 0 or self._bytes < 0:
            raise Unreadable('its directory names more than there can be')


def bounded(texts: Texts) -> Texts:
    """A small file may hold a large text a thousand times: compressed, or named again and again by its directory."""
    size = 0
    for key, text in texts:
        size += len(key) + len(text)
        if size > LARGEST:
            raise Unreadable(f'more than {LARGEST} bytes of text')
        yield key, text

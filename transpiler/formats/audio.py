"""FLAC, Ogg (Opus, Vorbis) and MP3."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from .parts import LARGEST, MOST_PARTS, Texts, Unreadable, decoded, exactly, parts


def read_flac(file: BinaryIO) -> Texts:
    file.seek(4)
    for _ in parts():
        head = file.read(4)
        if len(head) < 4:
            return
        size = int.from_bytes(head[1:], 'big')
        if head[0] & 0x7F == 4:
            yield from _vorbis_comment(exactly(file, size))
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
            yield decoded(key), decoded(value)
            at += 4 + size
    except struct.error as error:
        raise Unreadable('a Vorbis comment ends early') from error


def read_ogg(file: BinaryIO) -> Texts:
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
    for _ in parts():
        head = file.read(27)
        if len(head) < 27 or head[:4] != b'OggS' or found > 4:
            return
        sizes = exactly(file, head[26])
        if stream is None:
            stream = head[14:18]
        if head[14:18] != stream:
            file.seek(sum(sizes), io.SEEK_CUR)
            continue
        for size in sizes:
            packet.append(exactly(file, size))
            read += size
            if read > LARGEST:
                raise Unreadable('too much text')
            if size < 255:
                yield b''.join(packet)
                packet.clear()
                found += 1


def read_mp3(file: BinaryIO) -> Texts:
    head = exactly(file, 10)
    version, flags = head[3], head[5]
    data = exactly(file, _synchsafe(head[6:10]))
    if flags & 0x80 and version < 4:
        data = data.replace(b'\xff\0', b'\xff')
    at = 0
    if flags & 0x40 and len(data) >= 4:
        at = int.from_bytes(data[:4], 'big') + 4 if version == 3 else _synchsafe(data[:4])
    for _ in parts():
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
    yield from read_flac(_Window(file, rest))  # type: ignore[arg-type]


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

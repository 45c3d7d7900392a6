"""The texts that files carry beside their pictures and sounds: `(key, text)` pairs, whatever the container.

Read-only and bounded: nothing is decoded, and no more is read than the texts. `_FORMATS` has an entry for each format.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from .audio import read_flac, read_mp3, read_ogg
from .exif import read_jpeg, read_riff
from .json_headers import is_safetensors, is_svg, read_gltf, read_safetensors, read_svg
from .matroska import read_matroska
from .mp4 import read_mp4
from .parts import Texts, bounded
from .png import read_png


def texts_of(file: BinaryIO) -> Texts:
    """The texts of a file of any known format. Raises Unreadable for a broken one; unknown ones have none."""
    head = file.read(16)
    for test, read in _FORMATS:
        if test(head):
            file.seek(0)
            yield from bounded(read(file))
            return


def is_known(head: bytes) -> bool:
    """Whether the first 16 bytes are those of a format that is read here."""
    return any(test(head) for test, _ in _FORMATS)


_FORMATS: list[tuple[Callable[[bytes], bool], Callable[[BinaryIO], Texts]]] = [
    (lambda head: head.startswith(b'\x89PNG\r\n\x1a\n'), read_png),
    (lambda head: head.startswith(b'RIFF') and head[8:12] == b'WEBP', read_riff),
    (lambda head: head.startswith(b'\xff\xd8\xff'), read_jpeg),
    (lambda head: head.startswith(b'fLaC'), read_flac),
    (lambda head: head.startswith(b'OggS'), read_ogg),
    (lambda head: head.startswith(b'ID3'), read_mp3),
    (lambda head: head[4:8] in (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip'), read_mp4),
    (lambda head: head.startswith(b'\x1a\x45\xdf\xa3'), read_matroska),
    (lambda head: head.startswith(b'glTF'), read_gltf),
    (is_safetensors, read_safetensors),
    (is_svg, read_svg),
]

"""What goes through the pipes: frames of a kind, a length and as many bytes.

To the child goes what the server made, and what came to it as it came. What comes back is looked at with distrust: a
kind that there is, a length within bounds, and of JSON only two small kinds; an answer goes to the page unread.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import BinaryIO, NamedTuple

LARGEST = 256 * 1024 * 1024
"""Bytes of one frame."""

_HEAD = struct.Struct('>BI')


class FrameKind(IntEnum):
    # to the child
    CLASSES = 1
    """`{class type: [output types]}`: all node classes that there are. What was told of them before is no more."""
    DESCRIPTIONS = 2
    """`{class type: info or null}`: what a class says of itself, null where that cannot be read."""
    QUESTION = 3
    """A line of JSON, then the body of a request as it came."""
    # from the child
    ANSWER = 4
    """The body of the answer."""
    REFUSAL = 5
    """`{error, status, log?}`."""
    WANTED = 6
    """A class type that is to be described."""
    READY = 7
    """Nothing: all is imported, and from here on its time is counted."""


class PipeFrame(NamedTuple):
    kind: FrameKind
    data: bytes


class PipeBroken(Exception):
    """The other side has ended, or sends what is no frame."""


def write_frame(pipe: BinaryIO, frame: PipeFrame) -> None:
    """Raises PipeBroken."""
    try:
        pipe.write(_HEAD.pack(frame.kind, len(frame.data)))
        pipe.write(frame.data)
        pipe.flush()
    except (OSError, ValueError, struct.error) as error:
        raise PipeBroken(f'nothing can be written: {error}') from error


def read_frame(pipe: BinaryIO) -> PipeFrame:
    """Raises PipeBroken."""
    kind, size = _HEAD.unpack(_exactly(pipe, _HEAD.size))
    if size > LARGEST or kind not in FrameKind._value2member_map_:
        raise PipeBroken(f'what came is no frame: kind {kind}, {size} bytes')
    return PipeFrame(FrameKind(kind), _exactly(pipe, size))


def _exactly(pipe: BinaryIO, size: int) -> bytes:
    try:
        data = pipe.read(size)
    except (OSError, ValueError) as error:
        raise PipeBroken(f'nothing can be read: {error}') from error
    if len(data) < size:
        raise PipeBroken('the other side has ended')
    return data

"""Files of every format, changed here and there: metadata or a TranspileError, in time, and within memory."""

from __future__ import annotations

import random
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from comfy_script.tests.fuzz.changes import changed_bytes
from comfy_script.tests.fuzz.rounds import Attempt
from comfy_script.tests.transpiler.files.test_files import WRITERS
from comfy_script.transpiler import TranspileError, read_metadata

SECONDS = 3.0
"""Of the processor's time, for a file of a few megabytes at most."""
MEMORY = 512 << 20
WATCHED = 0.02
"""How many of the attempts are made with their memory counted, which takes time itself."""


def repaired(data: bytes) -> bytes:
    """A PNG's checksums and a zlib stream's are right in files that were made to do harm."""
    if not data.startswith(b'\x89PNG'):
        return data
    made, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], 'big')
        body = data[at + 4 : at + 8 + size]
        made += data[at : at + 4] + body + zlib.crc32(body).to_bytes(4, 'big')
        at += 12 + size
    return bytes(made) + data[at:]


@contextmanager
def fuzzer() -> Iterator[Attempt]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'file'
        originals = []
        for name, write in WRITERS.items():
            write(path.with_name(name))
            originals.append(path.with_name(name).read_bytes())

        def attempt(source: random.Random) -> str:
            data = changed_bytes(source.choice(originals), source, originals)
            path.write_bytes(repaired(data) if source.random() < 0.5 else data)
            watched = source.random() < WATCHED
            if watched:
                tracemalloc.start()
            began = time.thread_time()
            try:
                read_metadata(path)
                ended = 'read'
            except TranspileError as error:
                ended = 'refused'
                str(error).encode('utf-8', 'surrogatepass')
            finally:
                took = time.thread_time() - began
                peak = tracemalloc.get_traced_memory()[1] if watched else 0
                tracemalloc.stop()
            assert took < SECONDS * (5 if watched else 1), f'{took:.1f} s for {len(data)} bytes'
            assert peak < MEMORY, f'{peak >> 20} MB for {len(data)} bytes'
            return ended

        yield attempt

"""What a server with many node classes costs: reading what it says of them, `load()`, stubs, the panel's catalog.

    python dev.py bench many_nodes FILE

FILE is what a server answers at `/object_info`, as JSON or gzipped. Each part runs in a process of its own; times are
the processor's, memory is what the process grew by (RSS) beyond what FILE holds.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Info = Mapping[str, Any]


def read(info: Info) -> None:
    """Each class parsed, as nothing does at once: a class is parsed when it is first asked for."""
    from comfy_script.graph import Schemas

    schemas = Schemas.parse(info)
    for name in info:
        schemas[name]


def load(info: Info) -> None:
    from comfy_script.runtime import load

    load(object_info=info)


def stubs(info: Info) -> None:
    from comfy_script.graph import Schemas
    from comfy_script.runtime.calls import stubs

    with tempfile.TemporaryDirectory() as folder:
        stubs.refresh(Schemas.parse(info), [], Path(folder))


def catalog(info: Info) -> None:
    from comfy_script.graph import Schemas
    from comfy_script.panel.service import answer_schemas

    json.dumps(answer_schemas(Schemas.parse(info)))


PARTS: dict[str, Callable[[Info], None]] = {'read': read, 'load': load, 'stubs': stubs, 'catalog': catalog}


def resident() -> float:
    """MB."""
    import psutil

    return psutil.Process().memory_info().rss / 2**20


def run_part(name: str, file: Path) -> None:
    packed = file.suffix == '.gz'
    info = json.loads(gzip.decompress(file.read_bytes()) if packed else file.read_bytes())
    before, started = resident(), time.process_time()
    PARTS[name](info)
    print(f'{name:<8} {time.process_time() - started:6.2f} s  {resident() - before:6.0f} MB  {len(info)} classes')


def main() -> None:
    if len(sys.argv) == 3:
        run_part(sys.argv[2], Path(sys.argv[1]))
        return
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name in PARTS:
        subprocess.run([sys.executable, __file__, sys.argv[1], name], check=True)


main()

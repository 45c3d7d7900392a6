"""How long another client waits, how much memory is taken and how soon an interrupt takes hold, while each of the
scripts that once froze, filled or hung a server runs on a real one; and while its routes are sent the same.

    python dev.py bench gaps [PATTERN OF NAMES]

On a quiet machine: gap at most 1 s, memory at most the bound and half of it (3 GiB), end at most 1 s after the
interrupt. Beside each time stands what the server had of the processor's in it: on a machine that does much else, that
is what it would have been on a quiet one.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from comfy_script.tests.interpreter.test_resources import INTERRUPTED, REFUSED
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, ServerError, make_base, pack_links, remove_base
from comfy_script.tests.nodes.test_gaps import HEAVY, LONG, meanwhile, processor
from comfy_script.tests.nodes.test_script_node import node

RUN = 2.0
"""Seconds until the interrupt."""
MOST = 90.0

IMPORTS = 'import functools, itertools, math, operator, re, torch\n'

SCRIPTS: dict[str, str] = {
    **HEAVY,
    **LONG,
    'thirty thousand lines': 'x = 1\n' * 30_000,
    'a text of 450 KB': '\n'.join(f'v{i} = {{"a": [{i}, "{"x" * 30}"], "b": ({i} + 1) * 2}}' for i in range(6_500)),
    **{line: f'{IMPORTS}{line}' for line in [*REFUSED.strip().splitlines(), *INTERRUPTED.strip().splitlines()]},
}


class Watch(NamedTuple):
    gaps: list[tuple[float, float]]
    """Seconds, and of the processor's time."""
    memory: list[int]


@contextmanager
def watched(server: Server) -> Iterator[Watch]:
    """Another client, and a look at the server's memory, while the block runs."""
    import psutil

    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    found = Watch([(0.0, 0.0)], [0])

    def look() -> None:
        began, used = time.monotonic(), processor(server)
        server.get('/queue', timeout=120)
        found.gaps.append((time.monotonic() - began, processor(server) - used))
        found.memory.append(process.memory_info().rss - before)

    with meanwhile(look):
        yield found


def run(server: Server, text: str) -> str:
    """Queues a script, and interrupts it where it still runs after a while; how that ended."""
    began = time.monotonic()
    try:
        prompt_id = server.submit({'1': node(text.replace('\\n', '\n'))})
    except ServerError:
        return f'refused after {time.monotonic() - began:.2f} s'
    until = time.monotonic() + RUN
    asked, used = None, 0.0
    while prompt_id not in server.get(f'/history/{prompt_id}', timeout=120):
        if asked is None and time.monotonic() > until:
            server.post('/interrupt', {})
            asked, used = time.monotonic(), processor(server)
        if time.monotonic() - began > MOST:
            return f'NOT ENDED after {MOST:g} s'
        time.sleep(0.02)
    now = time.monotonic()
    if asked is None:
        return f'ended by itself after {now - began:.2f} s'
    return f'interrupted within {now - asked:.2f} ({processor(server) - used:.2f}) s'


def ask(server: Server, route: str, body: bytes, kind: str = 'application/json') -> str:
    request = urllib.request.Request(f'{server.url}/comfyscript/{route}', body, {'Content-Type': kind})
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=MOST) as response:
            status = response.status
            response.read()
    except urllib.error.HTTPError as error:
        status = error.code
    return f'{status} after {time.monotonic() - began:.2f} s'


def routes() -> dict[str, tuple[str, bytes, str]]:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    def png(text: bytes) -> bytes:
        return b'\x89PNG\r\n\x1a\n' + chunk(b'zTXt', b'workflow\0\0' + zlib.compress(text)) + chunk(b'IEND', b'')

    def script(text: str) -> bytes:
        return json.dumps({'script': text}).encode()

    bomb = b'{"nodes": [' + b'[],' * (5 << 20) + b'0]}'
    return {
        'a PNG that inflates to 100 MB': ('file', png(b' ' * (100 << 20)), 'application/octet-stream'),
        'a PNG that inflates to 15 MB of lists': ('file', png(bomb), 'application/octet-stream'),
        'a JSON file of 200 MB': ('file', b'[' + b'[],' * (60 << 20) + b'0]', 'application/octet-stream'),
        'a body of 15 MB of lists': ('transpile', b'{"workflow": ' + bomb + b'}', 'application/json'),
        **{f'{name} ({route})': (route, script(SCRIPTS[name]), 'application/json')
           for route in ('prompt', 'signature', 'runnable')
           for name in ('names', 'numbered names', 'thirty thousand lines', 'a text of 450 KB', 'lists added up')},
    }  # fmt: skip


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ''
    comfyui = paths.comfyui_folder()
    base = make_base(Path(tempfile.mkdtemp(prefix='gaps-')), comfyui, pack_links('ComfyScript', comfyui, testing=True))
    server = Server.start(comfyui, paths.comfyui_python(), base)
    things: dict[str, Callable[[], Any]] = {name: lambda text=text: run(server, text) for name, text in SCRIPTS.items()}
    things |= {name: lambda given=given: ask(server, *given) for name, given in routes().items()}
    worst = Watch([], [])
    try:
        for name, thing in things.items():
            if not re.search(wanted, name):
                continue
            with watched(server) as found:
                ended = thing()
            worst.gaps.append(max(found.gaps))
            worst.memory.append(max(found.memory))
            (gap, used), memory = worst.gaps[-1], worst.memory[-1] >> 20
            print(f'gap {gap:5.2f} ({used:4.2f}) s, memory {memory:5d} MB, {ended:36} {name[:60]!r}', flush=True)
    finally:
        server.close()
        remove_base(base)
    print(
        f'{len(worst.gaps)} programs: longest gap {max(worst.gaps)[0]:.2f} s, most memory {max(worst.memory) >> 20} MB'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())

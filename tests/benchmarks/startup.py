"""What the pack adds to the start of a ComfyUI server: time and memory, beside the same server without it.

    python dev.py bench startup [PAIRS [FOLDER]]

Servers with and without the pack start in turn, so that whatever else the machine does falls on both. A small pack
stands in for ours and loads it between two looks at the clock, at the thread's processor time and at the process's
memory (RSS); it does the same around what ours does when all packs have loaded. A first start, which is not counted,
lets Python write its bytecode. FOLDER: a folder of other packs, which are there in every server.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, remove_base

CLOCK = """
import importlib.util
import json
import os
import sys
import time

import server

FOLDER, REPORT = {folder!r}, {report!r}
took = {{}}
NODE_CLASS_MAPPINGS = {{}}


def memory():
    if not os.path.exists('/proc/self/statm'):
        return 0.0
    with open('/proc/self/statm', encoding='utf-8') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20


class Measured:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.size, self.cpu, self.start = memory(), time.thread_time(), time.perf_counter()

    def __exit__(self, *_):
        took[self.name] = (time.perf_counter() - self.start) * 1000
        took[self.name + ' CPU'] = (time.thread_time() - self.cpu) * 1000
        took[self.name + ' MB'] = memory() - self.size


def load():
    spec = importlib.util.spec_from_file_location('pack', os.path.join(FOLDER, '__init__.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def timed(handler):
    async def run(app):
        with Measured('start-up'):
            await handler(app)

    return run


async def ready(app):
    took['ready MB'] = memory()
    with open(REPORT, 'w', encoding='utf-8') as file:
        json.dump(took, file)


handlers = server.PromptServer.instance.app.on_startup
if FOLDER:
    before = len(handlers)
    with Measured('import'):
        load()
    handlers[before:] = [timed(handler) for handler in handlers[before:]]
handlers.append(ready)
"""


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    others = [pack for pack in Path(sys.argv[2]).iterdir() if pack.is_dir()] if len(sys.argv) > 2 else []
    with_pack, without = [], []
    measure(paths.ROOT, others)
    for _ in range(pairs):
        without.append(measure(None, others))
        with_pack.append(measure(paths.ROOT, others))
    print(f'{pairs} pairs of servers; median (least to most)')
    for run in with_pack:
        for kind in ('', ' CPU', ' MB'):
            run[f'together{kind}'] = run[f'import{kind}'] + run[f'start-up{kind}']
    for name in ('import', 'start-up', 'together'):
        processor = spread(with_pack, f'{name} CPU', 'ms processor')
        print(f'{name:<10} {spread(with_pack, name, "ms")}  {processor}  {spread(with_pack, f"{name} MB", "MB")}')
    added = [{'added': a['ready MB'] - b['ready MB']} for a, b in zip(with_pack, without)]
    print(f'memory of the ready server, with minus without: {spread(added, "added", "MB")}')


def measure(folder: Path | None, others: Sequence[Path]) -> dict[str, float]:
    comfyui, python = paths.comfyui_folder(), paths.comfyui_python()
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        clock, report = place / 'clock', place / 'report.json'
        clock.mkdir()
        text = CLOCK.format(folder=str(folder or ''), report=str(report))
        (clock / '__init__.py').write_text(text, encoding='utf-8')
        base = make_base(place / 'base', comfyui, {**{pack.name: pack.resolve() for pack in others}, 'zz_clock': clock})
        # As at a user's: from the second start on Python reads its bytecode.
        server = Server.start(comfyui, python, base, env={'PYTHONDONTWRITEBYTECODE': ''}, timeout=600)
        server.close()
        remove_base(base)
        return json.loads(report.read_text(encoding='utf-8'))


def spread(runs: list[dict[str, float]], name: str, unit: str) -> str:
    values = [run[name] for run in runs]
    return f'{statistics.median(values):6.1f} {unit} ({min(values):.1f} to {max(values):.1f})'


main()

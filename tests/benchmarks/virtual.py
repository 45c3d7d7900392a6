"""Virtual mode beside the first implementation (comfy-script 0.6.1), in turn in fresh processes.

    python dev.py bench virtual [ROUNDS]

Times are processor time, so that whatever else the machine does counts less.

- import, load, names: `load()` of the corpus's 887 nodes from a local server, and `from … nodes import *`; without
  stubs, and with stubs that are up to date (the first implementation writes them each time). aiohttp, which both need
  and which one imports with the package and the other in `load()`, is imported before the clock starts.
- queue to result: a trivial workflow on a real ComfyUI, on the clock (`roundtrip.py`).
- build: making a workflow and its JSON, in microseconds per node; a chain, and images that each have their own nodes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from comfy_script.tests.benchmarks import roundtrip
from comfy_script.tests.lab import paths

FIRST = ['comfy-script==0.6.1', 'aenum==3.1.17', 'nest-asyncio2==1.7.1', 'wrapt==1.17.3', 'dynaconf==3.2.12']
SIZES = (300, 3_000, 30_000, 100_000)

CHILD = """
import contextlib
import io
import json
import sys
import time

import aiohttp

url, ours, stubs, report = sys.argv[1], sys.argv[2] == 'ours', sys.argv[3], sys.argv[4]
quiet = contextlib.redirect_stdout(io.StringIO())
with quiet:
    start = time.process_time()
    from comfy_script.runtime import *
    imported = time.process_time()
    if ours:
        load(url, watch=False, stubs=stubs)
    else:
        load(url, watch=False)
    loaded = time.process_time()
    from comfy_script.runtime.nodes import *
    done = time.process_time()
took = {'import': imported - start, 'load': loaded - imported, 'names': done - loaded}


def chain(count):
    with Workflow(queue=False) as wf:
        model, clip, vae = CheckpointLoaderSimple('a.safetensors')
        text = CLIPTextEncode('a dog', clip)
        latent = EmptyLatentImage(512, 512, 1)
        for seed in range(count - 5):
            latent = KSampler(model, seed, 20, 8, 'euler', 'normal', text, text, latent, 1)
        SaveImage(VAEDecode(latent, vae), 'x')
    return wf


def images(count):
    with Workflow(queue=False) as wf:
        model, clip, vae = CheckpointLoaderSimple('a.safetensors')
        for seed in range(count // 5):
            text = CLIPTextEncode(f'a dog {seed}', clip)
            latent = EmptyLatentImage(512, 512)
            latent = KSampler(model, seed, steps=15, cfg=6, sampler_name='uni_pc', positive=text, negative=text,
                              latent_image=latent)
            SaveImage(VAEDecode(latent, vae), f'{seed}')
    return wf


for make in (chain, images):
    for size in map(int, sys.argv[5:]):
        best = None
        for _ in range(20 if size <= 300 else 2):
            try:
                with quiet:
                    start = time.process_time()
                    wf = make(size)
                    made = time.process_time()
                    text = wf.api_format_json()
                    end = time.process_time()
            except RecursionError:
                best = None
                break
            one = (end - start) / size * 1e6
            best = one if best is None else min(best, one)
            del wf, text
        took[f'{make.__name__} {size}'] = best
with open(report, 'w', encoding='utf-8') as file:
    json.dump(took, file)
"""


class Answers(BaseHTTPRequestHandler):
    """As much of a server as `load()` asks."""

    object_info = b'{}'

    def do_GET(self) -> None:
        path = self.path.rpartition('/')[2].partition('?')[0]
        body = {'object_info': self.object_info, 'embeddings': b'["a"]', 'system_stats': b'{"system": {}}'}.get(path)
        self.send_response(404 if body is None else 200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body or b'')))
        self.end_headers()
        self.wfile.write(body or b'')

    def log_message(self, format: str, *args: Any) -> None:
        pass


def first_implementation() -> Path:
    """comfy-script 0.6.1 and what it needs, in a folder of its own."""
    folder = paths.CACHE / 'comfy-script-0.6.1'
    if not (folder / 'complete').exists():
        command = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--target', str(folder), *FIRST]
        subprocess.run(command, check=True)
        (folder / 'complete').touch()
    return folder


def child(site: Path, kind: str, url: str, stubs: Path, sizes: tuple[int, ...]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        script, report = Path(folder) / 'child.py', Path(folder) / 'report.json'
        script.write_text(CHILD, encoding='utf-8')
        command = [sys.executable, str(script), url, kind, str(stubs), str(report), *map(str, sizes)]
        env = {**os.environ, 'PYTHONPATH': str(site)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if not report.exists():
            raise SystemExit(f'{kind}: {done.stderr[-2000:]}')
        return json.loads(report.read_text(encoding='utf-8'))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    corpus = paths.needed_corpus('object_info-0.33.0.json') / 'object_info-0.33.0.json'
    Answers.object_info = corpus.read_bytes()
    server = ThreadingHTTPServer(('127.0.0.1', 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f'http://127.0.0.1:{server.server_port}/'
    paths.link(paths.ROOT, paths.SITE / 'comfy_script')
    first = first_implementation()
    results: dict[str, list[dict[str, Any]]] = {'ours, no stubs yet': [], 'ours': [], '0.6.1': []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            stubs = Path(folder) / str(number)
            results['ours, no stubs yet'].append(child(paths.SITE, 'ours', url, stubs, ()))
            results['ours'].append(child(paths.SITE, 'ours', url, stubs, SIZES if number == 0 else SIZES[:1]))
            results['0.6.1'].append(child(first, '0.6.1', url, stubs, SIZES if number == 0 else SIZES[:1]))
    server.shutdown()
    show(results, rounds)
    roundtrip.measure(2 * rounds)


def show(results: dict[str, list[dict[str, Any]]], rounds: int) -> None:
    print(f'{rounds} rounds: median (least)')
    for name in ('import', 'load', 'names'):
        row = [f'{kind}: {seconds(runs, name)}' for kind, runs in results.items()]
        print(f'{name:<8} {"   ".join(row)}')
    for kind, runs in results.items():
        totals = [run['import'] + run['load'] + run['names'] for run in runs]
        least, median = min(totals) * 1000, statistics.median(totals) * 1000
        both = statistics.median(run['load'] + run['names'] for run in runs) * 1000
        print(f'{kind}: load and names {both:.0f} ms, with import {median:.0f} ms ({least:.0f})')
    print('microseconds per node, making and JSON (best of several)')
    for shape in ('chain', 'images'):
        for size in SIZES:
            row = [f'{kind}: {per_node(results[kind], f"{shape} {size}")}' for kind in ('ours', '0.6.1')]
            print(f'{shape} of {size:>6}: {"   ".join(row)}')


def seconds(runs: list[dict[str, Any]], name: str) -> str:
    values = [run[name] * 1000 for run in runs]
    return f'{statistics.median(values):6.1f} ms ({min(values):.1f})'


def per_node(runs: list[dict[str, Any]], name: str) -> str:
    values = [run[name] for run in runs if name in run]
    if not values or None in values:
        return 'fails'
    return f'{statistics.median(values):6.2f}'


if __name__ == '__main__':
    main()

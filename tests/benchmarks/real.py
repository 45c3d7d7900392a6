"""Real mode: what a call costs over the naked one, 1 000 nodes beside ComfyUI's executor, an XY plot beside its server.

    python dev.py bench real [--other FOLDER] [--rounds N] [--starts N] [--plots N]

Calls of one trivial node (four inputs) and of one shaped like KSampler (ten inputs, two conditionings, a latent), over
the same call of ComfyUI's class itself, in microseconds: the least of many rounds, so that what else the machine does
counts for little. `--other` is a folder that holds another package named comfy_script with a real mode; it is measured
in a process of its own, right afterwards.

The XY plot is 4 prompts x 4 samplers on tiny models, 32 x 32 pixels and one step, so that little of it is arithmetic:
as one script in real mode with a cache, and as 16 prompts queued at once to ComfyUI's server, which says itself when
the last was done. Both have one thread and live side by side; rounds of both alternate, so that what else the machine
does meets both. Each round has seeds of its own, in every other one the texts are new as well. Wall-clock time and
processor time.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import comfy_script.tests.runtime.real.per_call as calls
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, pack_links, remove_base

SAMPLERS = ('euler', 'heun', 'dpm_2', 'lms')
PROMPTS = ('a bottle', 'a galaxy', 'a landscape', 'a word')
CHECKPOINT = 'tiny.safetensors'
SIZE, STEPS = 32, 1
PICKY = Path(calls.__file__).with_name('picky_pack')


def ours(base: Path, rounds: int) -> dict[str, Any]:
    """All of our figures, in this process."""
    from comfy_script.runtime import real

    real.load(paths.comfyui_folder(), ['--cpu', '--disable-api-nodes', '--base-directory', str(base)])
    import torch

    classes: Any = sys.modules['nodes']
    classes.NODE_CLASS_MAPPINGS |= calls.CLASSES
    report: dict[str, Any] = {}
    with torch.inference_mode():
        for name, options in {'tracking on': {}, 'tracking off': {'track': False}}.items():
            session = real.RealSession(**options)
            report[name] = calls.per_call(session.nodes['BenchTrivial'], session.nodes['BenchSampler'], rounds)
        cached = real.RealSession(cache=real.Cache(2**28)).nodes['BenchTrivial']
        numbers = iter(range(10**9))
        thing = calls.Thing()
        first = cached(thing, 1.0, 0, 'a')
        report['with a cache'] = {
            'a miss': calls.best(lambda: cached(first, 1.0, next(numbers), 'a'), 3),
            'a hit': calls.best(lambda: cached(first, 1.0, 1, 'a'), rounds),
        }
        report['V3 nodes, us'] = calls.v3_calls(lambda: real.RealSession().nodes, rounds)
        report['saving after 300 calls, ms'] = saving(real)
        report['1 000 trivial nodes, ms'] = thousand(real)
    return report


def thousand(real: Any) -> dict[str, float]:
    """Ten chains of 100 nodes: by calls, and as one prompt by ComfyUI's `PromptExecutor`, in turn."""
    execution: Any = sys.modules['execution']
    session = real.RealSession()
    first, trivial, preview = (session.nodes[name] for name in ('EmptyImage', 'BenchTrivial', 'PreviewAny'))
    empty = {'width': 8, 'height': 8, 'batch_size': 1, 'color': 0}
    prompt: dict[str, Any] = {}
    for chain in range(10):
        prompt[f'{chain}.0'] = {'class_type': 'EmptyImage', 'inputs': empty}
        for number in range(1, 100):
            inputs = {'image': [f'{chain}.{number - 1}', 0], 'strength': 1.0, 'count': 2, 'mode': 'a'}
            prompt[f'{chain}.{number}'] = {'class_type': 'BenchTrivial', 'inputs': inputs}
        prompt[f'{chain}.end'] = {'class_type': 'PreviewAny', 'inputs': {'source': [f'{chain}.99', 0]}}
    ends = [key for key in prompt if key.endswith('end')]

    def by_calls() -> None:
        for _ in range(10):
            value = first(8, 8, 1, 0)
            for _ in range(99):
                value = trivial(value, 1.0, 2, 'a')
            preview(value)

    def by_executor() -> None:
        sizes = {'lru': 0, 'ram': 0, 'ram_inactive': 0}
        executor = execution.PromptExecutor(Silent(), execution.CacheType.CLASSIC, sizes)
        executor.execute(prompt, 'bench', {}, ends)
        assert executor.success

    times: dict[str, list[float]] = {'calls': [], "ComfyUI's executor": []}
    for _ in range(3):
        for name, run in {'calls': by_calls, "ComfyUI's executor": by_executor}.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: min(values) for name, values in times.items()}


def saving(real: Any) -> dict[str, float]:
    """What an image is told of 300 calls before it: prompt, workflow and script; and the whole save of 8 x 8 pixels.

    Processor time: what runs for so long, the machine does not let run alone.
    """
    from comfy_script.runtime.real import saving

    session = real.RealSession()
    value = session.nodes['EmptyImage'](8, 8, 1)
    for _ in range(300):
        value = session.nodes['ImageInvert'](value)

    def told() -> None:
        written = session.written(value)
        saving.extra_pnginfo(written, list(written.prompt)[-1], session.schemas)

    save = session.nodes['SaveImage']
    return {name: calls.best(call, 40, 1, time.thread_time) / 1000 for name, call in
            {'prompt, workflow and script': told, 'the whole save': lambda: save(value, 'bench')}.items()}  # fmt: skip


class Silent:
    client_id = None
    last_node_id = None
    sockets_metadata: dict[str, Any] = {}

    def send_sync(self, *_: Any) -> None:
        """Nobody listens."""


def plots(server: Server, rounds: int) -> dict[str, Any]:
    """The plot in real mode and by the server, in turn; seconds."""
    import psutil

    from comfy_script.runtime import real

    cache = real.Cache(2**30)
    ways: dict[str, tuple[Callable[[int, str], float], psutil.Process]] = {
        'real mode': (lambda seed, text: plot(real, cache, seed, text), psutil.Process()),
        "queued to ComfyUI's server": (
            lambda seed, text: plot_by_server(server, seed, text),
            psutil.Process(server.process.pid),
        ),
    }
    taken: dict[str, dict[str, list[tuple[float, float]]]] = {name: {} for name in ways}
    for number in range(2 * rounds + 1):
        kind = 'the first' if number == 0 else 'the same texts' if number % 2 else 'new texts'
        text = '' if number % 2 or not number else f', {number}'
        for name, (run, process) in sorted(ways.items(), reverse=number % 4 > 1):
            before = processor_time(process)
            seconds = run(number, text)
            taken[name].setdefault(kind, []).append((seconds, processor_time(process) - before))
    return {name: {kind: summary(times) for kind, times in kinds.items()} for name, kinds in taken.items()}


def processor_time(process: Any) -> float:
    times = process.cpu_times()
    return times.user + times.system


def summary(times: list[tuple[float, float]]) -> dict[str, float]:
    wall, processor = zip(*times)
    least = {'least': min(wall), 'median': statistics.median(wall)}
    return {**least, 'processor, least': min(processor), 'processor, median': statistics.median(processor)}


def plot(real: Any, cache: Any, seed: int, text: str) -> float:
    from comfy_script.runtime.real import nodes

    start = time.perf_counter()
    with real.Workflow(cache=cache):
        for prompt in PROMPTS:
            for sampler in SAMPLERS:
                model, clip, vae = nodes.CheckpointLoaderSimple(CHECKPOINT)
                positive, negative = nodes.CLIPTextEncode(prompt + text, clip), nodes.CLIPTextEncode('', clip)
                latent = nodes.EmptyLatentImage(SIZE, SIZE, 1)
                latent = nodes.KSampler(model, seed, STEPS, 2.0, sampler, 'normal', positive, negative, latent, 1.0)
                nodes.SaveImage(nodes.VAEDecode(latent, vae), 'plot')
    return time.perf_counter() - start


def plot_by_server(server: Server, seed: int, text: str) -> float:
    start, last = time.time(), ''
    for prompt in PROMPTS:
        for sampler in SAMPLERS:
            last = server.submit(plot_prompt(prompt + text, sampler, seed))
    while not (history := server.get(f'/history/{last}')):
        time.sleep(0.1)
    messages = dict(history[last]['status']['messages'])
    return messages['execution_success']['timestamp'] / 1000 - start


def plot_prompt(prompt: str, sampler: str, seed: int) -> dict[str, Any]:
    nodes: dict[str, tuple[str, dict[str, Any]]] = {
        '1': ('CheckpointLoaderSimple', {'ckpt_name': CHECKPOINT}),
        '2': ('CLIPTextEncode', {'text': prompt, 'clip': ['1', 1]}),
        '3': ('CLIPTextEncode', {'text': '', 'clip': ['1', 1]}),
        '4': ('EmptyLatentImage', {'width': SIZE, 'height': SIZE, 'batch_size': 1}),
        '5': ('KSampler', {'model': ['1', 0], 'seed': seed, 'steps': STEPS, 'cfg': 2.0, 'sampler_name': sampler,
                           'scheduler': 'normal', 'positive': ['2', 0], 'negative': ['3', 0],
                           'latent_image': ['4', 0], 'denoise': 1.0}),
        '6': ('VAEDecode', {'samples': ['5', 0], 'vae': ['1', 2]}),
        '7': ('SaveImage', {'images': ['6', 0], 'filename_prefix': 'plot'}),
    }  # fmt: skip
    return {key: {'class_type': class_type, 'inputs': inputs} for key, (class_type, inputs) in nodes.items()}


def other(folder: Path, base: Path, rounds: int) -> Any:
    """The per-call figures of another comfy_script with a real mode, in a process of its own."""
    pack = base / 'custom_nodes' / 'bench-pack'
    pack.mkdir()
    code = Path(calls.__file__).read_text(encoding='utf-8') + '\n\nNODE_CLASS_MAPPINGS = CLASSES | v3_classes()\n'
    (pack / '__init__.py').write_text(code, encoding='utf-8')
    command = [paths.comfyui_python(), calls.__file__, paths.comfyui_folder(), base, rounds]
    env = {**os.environ, 'PYTHONPATH': str(folder), 'OMP_NUM_THREADS': '1'}
    done = subprocess.run([*map(str, command)], env=env, capture_output=True, text=True, cwd=base)
    lines = [line for line in done.stdout.splitlines() if line.startswith('{')]
    return json.loads(lines[-1]) if lines else f'could not be measured: {done.stderr.strip()[-600:]}'


START = """
import asyncio, json, logging, os, signal, sys, threading, time
def state():
    return [list(sys.argv), os.getcwd(), id(sys.stdout), [t.name for t in threading.enumerate()],
            [id(h) for h in logging.getLogger().handlers], [id(signal.getsignal(s)) for s in (2, 15)]]
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
before, begun = state(), time.perf_counter()
from comfy_script.runtime.real import *
load(sys.argv[1], ['--cpu', '--disable-api-nodes', '--base-directory', sys.argv[2]], stubs=False)
took = time.perf_counter() - begun
from comfy_script.runtime.real.nodes import EmptyImage, TestSleep
assert TestSleep(EmptyImage(8, 8), 0.01).shape[1] == 8
assert state() == before, (before, state())
assert asyncio.get_event_loop() is loop and not loop.is_closed()
loop.close()
print(took)
"""


def start_once(base: Path) -> float:
    """Seconds from the import to loaded nodes in a fresh process, which has to be left as it was."""
    command = [str(paths.comfyui_python()), '-c', START, str(paths.comfyui_folder()), str(base)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=base)
    assert done.returncode == 0, done.stderr
    assert 'IMPORT FAILED' not in done.stderr, done.stderr
    return float(done.stdout.splitlines()[-1])


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return round(value, 2) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--other', type=Path)
    parser.add_argument('--rounds', type=int, default=400)
    parser.add_argument('--starts', type=int, default=0, help='also start real mode this often, each time anew')
    parser.add_argument('--plots', type=int, default=4, help='rounds of the XY plot of each kind; 0: no plot')
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    os.environ['OMP_NUM_THREADS'] = '1'
    folder = Path(tempfile.mkdtemp())
    base = make_base(folder / 'real', paths.comfyui_folder(), {})
    report = ours(base, options.rounds)
    if options.starts:
        packs = pack_links('ComfyScript', paths.comfyui_folder(), testing=True) | {'picky': PICKY}
        with_packs = make_base(folder / 'starts', paths.comfyui_folder(), packs)
        report['starts, s'] = [start_once(with_packs) for _ in range(options.starts)]
        remove_base(with_packs)
    if options.other:
        report['the other, tracking on'] = other(options.other, base, options.rounds)
    with_server = make_base(folder / 'server', paths.comfyui_folder(), {})
    if options.plots:
        server = Server.start(paths.comfyui_folder(), paths.comfyui_python(), with_server)
        try:
            report['XY plot, s'] = plots(server, options.plots)
        finally:
            server.close()
    print(json.dumps(rounded(report), indent=2))
    remove_base(base)
    remove_base(with_server)


if __name__ == '__main__':
    main()

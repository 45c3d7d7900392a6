"""The interpreter and the ComfyScript node: overhead, beside ComfyUI's executor, and how soon an interrupt takes hold.

    python dev.py bench script

1. Overhead of the interpreter per node call: a loop of calls whose node does nothing, less the same loop in Python.
2. A script of 1000 trivial node calls in a real server, beside ComfyUI's own executor with the same graph, in turn.
3. Interrupt of a tight loop, a regular expression and a sampler: from the request to the end of the prompt.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from comfy_script.graph import Schemas
from comfy_script.interpreter import Bounds, run_script
from comfy_script.interpreter.nodes.node_calls import ScriptNodes
from comfy_script.runtime.calls.functions import NodeNamespace
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, ServerError, make_base, pack_links, remove_base

CALLS = 1000
CHAIN = 50  # ComfyUI's validation recurses: a chain of 1000 nodes is more than Python allows it.
NODE = {'Nothing': {'input': {'required': {'value': ['INT', {}]}}, 'output': ['INT'], 'name': 'Nothing'}}
PACK = """
class Nothing:
    @classmethod
    def INPUT_TYPES(cls):
        return {'required': {'value': ('INT', {'default': 0, 'min': -(2**40), 'max': 2**40})}}
    RETURN_TYPES = ('INT',)
    FUNCTION = 'run'
    def run(self, value):
        return (value,)

class Sink:
    @classmethod
    def INPUT_TYPES(cls):
        return {'required': {'value': ('INT', {'default': 0, 'forceInput': True})}}
    RETURN_TYPES = ()
    OUTPUT_NODE = True
    FUNCTION = 'run'
    def run(self, value):
        return {}

NODE_CLASS_MAPPINGS = {'Nothing': Nothing, 'Sink': Sink}
"""


def main() -> None:
    overhead()
    comfyui = paths.comfyui_folder()
    folder = Path(tempfile.mkdtemp())
    (folder / '__init__.py').write_text(PACK, encoding='utf-8')
    links = {**pack_links('ComfyScript', comfyui, testing=False), 'nothing': folder}
    base = make_base(Path(tempfile.mkdtemp()), comfyui, links)
    server = Server.start(comfyui, paths.comfyui_python(), base)
    try:
        executor(server)
        interrupts(server)
    finally:
        server.close()
        remove_base(base)


def overhead() -> None:
    """The interpreter's part of a node call: names, arguments, checks and bookkeeping, without the node function."""
    schemas = Schemas.parse(NODE)
    nodes = ScriptNodes(NodeNamespace(schemas, lambda schema, inputs: 1))
    function = NodeNamespace(schemas, lambda schema, inputs: 1)['Nothing']
    text = f'for i in range({CALLS * 10}):\n    x = Nothing(i)\n'
    ours, plain = [], []
    for _ in range(7):
        began = time.perf_counter()
        run_script(text, bounds=Bounds(), find_node=nodes.find)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        for i in range(CALLS * 10):
            function(i)
        plain.append(time.perf_counter() - began)
    each = (min(ours) - min(plain)) / (CALLS * 10) * 1e6
    print(f'interpreter: {each:.1f} µs per node call (node function alone: {min(plain) / CALLS / 10 * 1e6:.1f} µs)')


def timed(server: Server, prompt: dict[str, Any]) -> float:
    """Seconds of execution by the server's own messages."""
    entry = server.queue(prompt, timeout=300)
    at = {name: data['timestamp'] for name, data in entry['status']['messages'] if 'timestamp' in data}
    return (at['execution_success'] - at['execution_start']) / 1000


def executor(server: Server) -> None:
    """The same chain of nodes as a graph and as a script; the numbers differ each time, so that nothing is cached."""
    graphs, scripts = [], []
    for number in range(5):
        start = number * 10_000_000 + int(time.time())
        graph: dict[str, Any] = {}
        for index in range(CALLS):
            value = start + index if index % CHAIN == 0 else [str(index - 1), 0]
            graph[str(index)] = {'class_type': 'Nothing', 'inputs': {'value': value}}
            if index % CHAIN == CHAIN - 1:
                graph[f'end{index}'] = {'class_type': 'Sink', 'inputs': {'value': [str(index), 0]}}
        text = (
            f'for i in range({CALLS // CHAIN}):\n    x = {start + 5_000_000} + i * 1000\n'
            f'    for j in range({CHAIN}): x = Nothing(x)\n    Sink(x)\n'
        )
        graphs.append(timed(server, graph))
        scripts.append(timed(server, {'1': {'class_type': 'ComfyScript', 'inputs': {'script': text}}}))
    for name, took in (("ComfyUI's executor", graphs), ('ComfyScript node', scripts)):
        print(f'{CALLS} node calls, {name}: {statistics.median(took) * 1000:.0f} ms (of {show(took)})')


def show(seconds: list[float]) -> str:
    return ', '.join(f'{value * 1000:.0f}' for value in seconds)


SAMPLER = """
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
text = CLIPTextEncode('a', clip)
KSampler(model, 1, 2000, 8, 'euler', 'normal', text, text, EmptyLatentImage(64, 64, 1), 1)
"""
ENDLESS = {
    'tight loop': 'while True: pass',
    'regular expression': "import re\nre.match('(a+)+b', 'a' * 5000)",
    'list of an endless iterator': 'import itertools\nmax(itertools.count())',
    'sampler': SAMPLER,
}


def interrupts(server: Server) -> None:
    (server.base / 'user' / 'comfyscript.toml').write_text('[script]\nsteps = 100_000_000_000\n', encoding='utf-8')
    for name, text in ENDLESS.items():
        took = [interrupted(server, f'# {index}\n{text}') for index in range(5)]
        print(f'interrupt, {name}: {statistics.median(took) * 1000:.0f} ms (of {show(took)})')


def interrupted(server: Server, text: str) -> float:
    ended: list[float] = []
    failed: list[str] = []
    prompt_id = server.submit({'1': {'class_type': 'ComfyScript', 'inputs': {'script': text}}})
    time.sleep(2.0)
    asked = time.time()
    server.post('/interrupt', {})
    while not ended:
        entry = server.get(f'/history/{prompt_id}').get(prompt_id)
        if entry:
            failed += [name for name, _ in entry['status']['messages']]
            ended += [d['timestamp'] / 1000 for n, d in entry['status']['messages'] if n == 'execution_interrupted']
            if not ended:
                raise ServerError(f'not interrupted: {json.dumps(failed)}')
        time.sleep(0.05)
    return ended[0] - asked


if __name__ == '__main__':
    main()

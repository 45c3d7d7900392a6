"""Workflow → prompt and script, beside the peers, on the same machine in one run.

    python dev.py bench transpile [ROUNDS]

The corpus: the official templates that `../shared/corpus` has prompts of. Peers run in venvs of their own under
`.cache/peers`: comfy-cli's converter and comfyui-autograph make a prompt of a workflow; comfy-script 0.6.1 makes a
script. Then the cost per node of ours from 10 to
100 000 nodes. Processor time, best of the rounds: what else the machine does counts little.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from comfy_script.graph import ComfyScriptError, Prompt, Schemas, same_prompt
from comfy_script.tests.lab import paths
from comfy_script.tests.parity.packages import templates_folder
from comfy_script.transpiler import convert_workflow, transpile

PEERS = paths.CACHE / 'peers'
SIZES = (10, 100, 1_000, 10_000, 100_000)

# Each reads {name: {workflow, prompt}} and object_info, and prints seconds, failures and its prompts.
OURS = {
    'ours, workflow to prompt': '''
from comfy_script.graph import Schemas
from comfy_script.transpiler import workflow_to_prompt
schemas = Schemas.parse(object_info)
def work(item):
    return workflow_to_prompt(item["workflow"], schemas)
''',
    'ours, workflow to script': '''
from comfy_script.graph import Schemas
from comfy_script.transpiler import transpile
schemas = Schemas.parse(object_info)
def work(item):
    return transpile(item["workflow"], schemas=schemas)
''',
}
CLI = '''
from comfy_cli.workflow_to_api import convert_ui_to_api
def work(item):
    return convert_ui_to_api(item["workflow"], object_info)
'''
AUTOGRAPH = '''
from autograph.convert import convert_workflow
def work(item):
    return convert_workflow(item["workflow"], node_info=object_info, include_meta=True)
'''
OLD = '''
from comfy_script import client
client.get_nodes_info = lambda *_, **__: object_info
from comfy_script.transpile import WorkflowToScriptTranspiler
def work(item):
    return WorkflowToScriptTranspiler(item["workflow"]).to_script()
'''
HARNESS = '''
import contextlib, io, json, logging, sys, time
logging.disable(logging.CRITICAL)
with open(sys.argv[1], encoding="utf-8") as file:
    items, object_info = json.load(file)
rounds = int(sys.argv[3])
{code}
best, failed, results = None, 0, {{}}
for _ in range(rounds):
    failed = 0
    start = time.process_time()
    for name, item in items.items():
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                results[name] = work(item)
            except Exception:
                failed += 1
    took = time.process_time() - start
    best = took if best is None else min(best, took)
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump([best, failed, results], file, default=lambda value: None)
'''

# What its transpiler imports; its own extras bring nodes, notebooks and plotting libraries with them.
OLD_REQUIREMENTS = (
    'comfy-script==0.6.1',
    'aenum~=3.1',
    'aiohttp',
    'dynaconf~=3.0',
    'nest-asyncio2~=1.0',
    'networkx~=3.0',
    'pillow',
    'tqdm',
    'wrapt~=1.0',
    'yarl',
)

PACKAGES = {
    'comfy-cli 1.23.0, workflow to prompt': (('comfy-cli==1.23.0',), CLI),
    'comfyui-autograph 2.3.0, workflow to prompt': (('comfyui-autograph==2.3.0',), AUTOGRAPH),
    'comfy-script 0.6.1, workflow to script': (OLD_REQUIREMENTS, OLD),
}


def peer_python(requirements: tuple[str, ...]) -> Path:
    """A venv with only these packages, made once."""
    folder = PEERS / requirements[0].partition('==')[0]
    python = paths.venv_python(folder)
    if not (folder / 'complete').exists():
        print(f'Installing {" ".join(requirements)}', file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, '-m', 'pip', 'install', '--quiet', *requirements], check=True)
        (folder / 'complete').touch()
    return python


def measure_alone(
    python: Sequence[str | Path], code: str, items: dict[str, Any], object_info: Any, rounds: int
) -> tuple[float, int, dict[str, Any]]:
    """(processor seconds, how many failed, results by name) over all items, in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        script, given, answer = folder / 'work.py', folder / 'items.json', folder / 'answer.json'
        script.write_text(HARNESS.format(code=code), encoding='utf-8')
        given.write_text(json.dumps([items, object_info]), encoding='utf-8')
        command = [*python, script, given, answer, str(rounds)]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return tuple(json.loads(answer.read_text(encoding='utf-8')))


def measure(work: Callable[[Any], Any], items: dict[str, Any], rounds: int) -> tuple[float, int, dict[str, Any]]:
    best, failed, results = float('inf'), 0, {}
    for _ in range(rounds):
        failed = 0
        start = time.process_time()
        for name, item in items.items():
            try:
                results[name] = work(item)
            except Exception:
                failed += 1
        best = min(best, time.process_time() - start)
    return best, failed, results


def repeated(workflow: dict[str, Any], size: int) -> dict[str, Any]:
    """A workflow of about `size` nodes: copies of one, side by side."""
    nodes: list[dict[str, Any]] = []
    links: list[list[Any]] = []
    copies = max(1, round(size / len(workflow['nodes'])))
    for copy in range(copies):
        for node in json.loads(json.dumps(workflow['nodes'])):
            node['id'] += copy * 1000
            for slot in node.get('inputs') or []:
                slot['link'] = None if slot.get('link') is None else slot['link'] + copy * 1000
            for slot in node.get('outputs') or []:
                slot['links'] = [link + copy * 1000 for link in slot.get('links') or []]
            nodes.append(node)
        shift = copy * 1000
        for id, origin, origin_slot, target, target_slot, type_ in workflow['links']:
            links.append([id + shift, origin + shift, origin_slot, target + shift, target_slot, type_])
    return {'nodes': nodes, 'links': links, 'version': 0.4}


def equivalent(prompt: Any, expected: Any) -> bool:
    """Equal up to node ids and titles, which not every peer keeps."""
    try:
        return same_prompt(Prompt.parse(prompt), Prompt.parse(expected))
    except (ComfyScriptError, TypeError, AttributeError):
        return False


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    corpus = paths.needed_corpus('object_info-0.33.0.json')
    object_info = json.loads((corpus / 'object_info-0.33.0.json').read_text(encoding='utf-8'))
    schemas = Schemas.parse(object_info)
    templates = templates_folder()
    items = {
        file.stem: {
            'workflow': json.loads((templates / file.name).read_text(encoding='utf-8')),
            'prompt': json.loads(file.read_text(encoding='utf-8')),
        }
        for file in sorted((corpus / 'prompts').glob('*.json'))
    }
    count = sum(len(item['prompt']) for item in items.values())
    print(f'{len(items)} workflows, {count} nodes in their prompts; best of {rounds} rounds')
    print(f'{"":48} {"ms":>8} {"µs/node":>8} {"failed":>7} {"as the web UI":>14}')

    def show(name: str, result: tuple[float, int, dict[str, Any]]) -> None:
        took, failed, results = result
        equal = sum(equivalent(results.get(key), item['prompt']) for key, item in items.items())
        shown = f'{equal:>7}/{len(items)}' if any(isinstance(value, dict) for value in results.values()) else ''
        print(f'{name:48} {took * 1e3:8.0f} {took / count * 1e6:8.1f} {failed:7} {shown:>14}', flush=True)

    for name, code in OURS.items():
        show(name, measure_alone([sys.executable, '-P'], code, items, object_info, rounds))
    for name, (requirements, code) in PACKAGES.items():
        try:
            show(name, measure_alone([peer_python(requirements), '-I'], code, items, object_info, rounds))
        except subprocess.CalledProcessError as error:
            print(f'{name:48} could not be run: {error.args[1]!r}'[:120])
    print(f'\n{"nodes":>8} {"to prompt, µs/node":>20} {"to script, µs/node":>20}')
    base = json.loads((paths.ROOT / 'tests' / 'data' / 'default_workflow.json').read_text(encoding='utf-8'))
    for size in SIZES:
        workflow = repeated(base, size)
        repeats = max(1, 2000 // size)
        many = {str(index): workflow for index in range(repeats)}
        nodes = len(workflow['nodes']) * repeats
        prompt, _, _ = measure(lambda item: convert_workflow(item, schemas), many, 2)
        script, _, _ = measure(lambda item: transpile(item, schemas=schemas), many, 2)
        print(f'{len(workflow["nodes"]):8} {prompt / nodes * 1e6:20.1f} {script / nodes * 1e6:20.1f}', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())

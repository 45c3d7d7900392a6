"""Every prompt of the corpus that can run on tiny models, as a graph and as a script in the ComfyScript node.

    python dev.py bench corpus [FILE.json] [part of a name]...

Prints what ran, what differs, and why the rest was left out. With a file, what ran and is equal is written there; for
the lab's ComfyUI that is tests/nodes/corpus.json. COMFYSCRIPT_COMFYUI and COMFYSCRIPT_PYTHON name another ComfyUI.
"""

from __future__ import annotations

import collections
import json
import sys
import tempfile
import time
from pathlib import Path

from comfy_script.graph import Schemas
from comfy_script.tests.lab import paths
from comfy_script.tests.lab.server import Server, make_base, pack_links, remove_base
from comfy_script.tests.nodes.survey import PACK, STAND_INS, Result, check, make_inputs


def main() -> None:
    files = [Path(argument) for argument in sys.argv[1:] if argument.endswith('.json')]
    parts = [argument for argument in sys.argv[1:] if not argument.endswith('.json')]
    comfyui = paths.comfyui_folder()
    links = {**pack_links('ComfyScript', comfyui, testing=False), 'stand_ins': PACK}
    base = make_base(Path(tempfile.mkdtemp()), comfyui, links)
    make_inputs(base / 'input')
    server = Server.start(comfyui, paths.comfyui_python(), base)
    try:
        results = survey(server, parts)
    finally:
        server.close()
        remove_base(base)
    report(results)
    for file in files:
        found = {result.name: result.models for result in results if result.ran and not result.difference}
        file.write_text(json.dumps(found, indent=4) + '\n', encoding='utf-8')


def survey(server: Server, parts: list[str]) -> list[Result]:
    schemas = Schemas.parse(server.get('/object_info'))
    results = []
    for file in sorted((paths.needed_corpus('prompts') / 'prompts').glob('*.json')):
        if parts and not any(part in file.stem for part in parts):
            continue
        start = time.monotonic()
        result = check(server, schemas, file.stem, json.loads(file.read_text(encoding='utf-8')), STAND_INS)
        results.append(result)
        if result.ran:
            outcome = 'DIFFERS' if result.difference else 'equal' if not result.left_out else 'equal, in part'
            seconds = time.monotonic() - start
            print(f'{outcome:15} {result.models:8} {result.outputs:2} outputs {seconds:5.1f} s  {file.stem}')
            print(result.difference, flush=True, end='\n' * bool(result.difference))
    return results


def report(results: list[Result]) -> None:
    ran = [result for result in results if result.ran]
    whole = [result for result in ran if not result.left_out]
    print(f'\n{len(results)} prompts: {len(ran)} ran, {len(whole)} of them whole; '
          f'{sum(bool(result.difference) for result in ran)} differ')  # fmt: skip
    for models, count in collections.Counter(result.models for result in ran).most_common():
        print(f'  with {models}: {count}')
    print('\nLeft out, or in part:')
    for result in results:
        if result.left_out:
            print(f'  {result.name}{" (in part)" if result.ran else ""}: {"; ".join(result.left_out)}')


if __name__ == '__main__':
    main()

"""What an editor waits for: completion and hover over the stubs of a whole ComfyUI, by pyright's language server.

    python dev.py bench completion [--rounds N]

The stubs are those of the corpus' nodes (about 900). A script with three calls is opened; then, after each change
of its text, the members of an enum, the choices of an input (`sampler_name='`), the names of nodes and the hover over a
node are asked for. The first answer of each kind includes what the server reads then.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from comfy_script.graph import Schemas
from comfy_script.runtime.calls import stubs
from comfy_script.tests.lab import paths

SCRIPT = """\
from nodes import *

model, clip, vae = CheckpointLoaderSimple('a.safetensors')
text = CLIPTextEncode('a photo', clip)
latent = EmptyLatentImage()
"""

ASKED = {
    "KSampler(model, sampler_name='": ("KSampler(model, sampler_name='", 'completion', 'euler'),
    'Samplers.': ('Samplers.', 'completion', 'euler'),
    'KSam': ('KSam', 'completion', 'KSampler'),
    'hover over KSampler': ('KSampler(model)', 'hover', 'denoise'),
    'signature of KSampler(': ('KSampler(', 'signatureHelp', 'sampler_name'),
}
"""What is shown: the text at the end of the script, what is asked at it, and what the answer has to hold."""


class LanguageServer:
    """Pyright's, over standard input and output."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, '-m', 'pyright.langserver', '--stdio']
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, cwd=folder)
        self._numbers = itertools.count(1)
        capabilities = {'textDocument': {'completion': {'completionItem': {'snippetSupport': False}}}}
        root = {'rootUri': folder.as_uri(), 'workspaceFolders': [{'uri': folder.as_uri(), 'name': 'bench'}]}
        self.ask('initialize', {'processId': None, 'capabilities': capabilities, **root})
        self.tell('initialized', {})

    def tell(self, method: str, parameters: Any, **more: Any) -> None:
        assert self.process.stdin is not None
        body = json.dumps({'jsonrpc': '2.0', 'method': method, 'params': parameters, **more}).encode()
        self.process.stdin.write(b'Content-Length: %d\r\n\r\n' % len(body) + body)
        self.process.stdin.flush()

    def ask(self, method: str, parameters: Any) -> Any:
        number = next(self._numbers)
        self.tell(method, parameters, id=number)
        while True:
            answer = self._read()
            if 'method' in answer and 'id' in answer:
                self._answer(answer)
            elif answer.get('id') == number:
                return answer.get('result')

    def _answer(self, asked: Any) -> None:
        """It asks for settings, among others."""
        items = asked['params'].get('items', []) if asked['method'] == 'workspace/configuration' else None
        result = None if items is None else [{} for _ in items]
        assert self.process.stdin is not None
        body = json.dumps({'jsonrpc': '2.0', 'id': asked['id'], 'result': result}).encode()
        self.process.stdin.write(b'Content-Length: %d\r\n\r\n' % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> Any:
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline()) not in (b'\r\n', b''):
            if line.lower().startswith(b'content-length:'):
                length = int(line.split(b':')[1])
        assert length, 'the language server ended'
        return json.loads(self.process.stdout.read(length))

    def close(self) -> None:
        self.ask('shutdown', None)
        self.tell('exit', None)
        self.process.wait()


def measure(folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Seconds: the first answer of each kind, and the median of those after it; also of the processor's time."""
    uri = (folder / 'script.py').as_uri()
    server = LanguageServer(folder)
    try:
        server.tell(
            'textDocument/didOpen',
            {'textDocument': {'uri': uri, 'languageId': 'python', 'version': 1, 'text': SCRIPT}},
        )
        taken: dict[str, list[tuple[float, float]]] = {}
        processes = [process := psutil.Process(server.process.pid), *process.children(recursive=True)]
        versions = itertools.count(2)
        for round_ in range(rounds + 1):
            for name, (end, what, holds) in ASKED.items():
                text = f'{SCRIPT}number = {round_}\n{end}'
                document = {'uri': uri, 'version': next(versions)}
                server.tell('textDocument/didChange', {'textDocument': document, 'contentChanges': [{'text': text}]})
                column = 2 if what == 'hover' else len(end)
                place = {'line': text.count('\n'), 'character': column}
                start, used = time.perf_counter(), processor_time(processes)
                answer = server.ask(f'textDocument/{what}', {'textDocument': {'uri': uri}, 'position': place})
                seconds = time.perf_counter() - start, processor_time(processes) - used
                taken.setdefault(name, []).append(seconds)
                assert holds in json.dumps(answer), f'{name}: {json.dumps(answer)[:300]}'
    finally:
        server.close()
    return {name: summary(times) for name, times in taken.items()}


def processor_time(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def summary(times: list[tuple[float, float]]) -> dict[str, float]:
    wall, processor = zip(*times)
    found = {'first': wall[0], 'then, median': statistics.median(wall[1:])}
    found |= {'processor, first': processor[0], 'processor, then, median': statistics.median(processor[1:])}
    return {name: round(value, 2) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--rounds', type=int, default=10)
    options = parser.parse_args()
    corpus = paths.needed_corpus()
    schemas = Schemas.parse(json.loads((corpus / 'object_info-0.33.0.json').read_text(encoding='utf-8')))
    with tempfile.TemporaryDirectory() as folder:
        path = stubs.refresh(schemas, (), Path(folder).resolve())
        assert path is not None
        settings = {'pythonVersion': '3.10', 'extraPaths': [str(paths.SITE)], 'typeCheckingMode': 'standard'}
        (path.parent / 'pyrightconfig.json').write_text(json.dumps(settings), encoding='utf-8')
        (path.parent / 'script.py').write_text(SCRIPT, encoding='utf-8')
        report: dict[str, Any] = {'nodes': len(schemas), 'stubs, KB': path.stat().st_size // 1024}
        print(json.dumps(report | measure(path.parent, options.rounds), indent=2))


if __name__ == '__main__':
    main()

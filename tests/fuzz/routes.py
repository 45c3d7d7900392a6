"""Bodies that no page sends, to the process that reads texts: an answer or a reason, never a fault of ours."""

# ruff: noqa: E501
from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from comfy_script.graph import Schemas
from comfy_script.host.reading import Question, TextReader
from comfy_script.host.routes import POSTED
from comfy_script.panel.errors import RequestError
from comfy_script.tests.fuzz.changes import ODD, changed, changed_bytes, copied
from comfy_script.tests.fuzz.rounds import Attempt
from comfy_script.tests.lab.paths import ROOT
from comfy_script.transpiler import transpile

DATA = ROOT / 'tests' / 'data'
SECONDS = 60.0

LINES = [
    'while True: pass', 'x = [x, x]', "x = 'a' * 10**7", 'import torch', 'import os', 'def main(image: Image): return image',
    'out = (' + 'a, ' * 300 + ')', 'for i in range(10**9): KSampler()', 'print(node)', 'x: Annotated[int, Range(0, 9)] = 3',
    "'''", '(' * 90, 'x = 1\n' * 900, '\ud800', '\0', '# \u2028', "f'{x!r:{y}}'", 'KSampler(**KSampler())', 'del KSampler',
    'with Workflow(): pass', 'class A: pass', "nodes['KSampler']()", 'lambda: 0', 'return', 'match 1:\n  case _: pass',
]  # fmt: skip


def changed_script(text: str, source: random.Random) -> str:
    lines = text.split('\n')
    for _ in range(source.randint(0, 6)):
        at = source.randrange(len(lines) + 1)
        kind = source.randrange(5)
        if kind == 0:
            lines.insert(at, source.choice(LINES))
        elif kind == 1 and at < len(lines):
            del lines[at]
        elif kind == 2 and at < len(lines):
            lines[at] = changed_bytes(lines[at].encode('utf-8', 'replace'), source, most=2).decode('latin-1')[:10_000]
        elif kind == 3 and at < len(lines):
            lines[at] = f'{source.choice(["if x:", "try:", "for i in x:", "def f():"])} {lines[at].strip()}'
        elif at < len(lines):
            lines.insert(source.randrange(len(lines) + 1), lines[at])
    return '\n'.join(lines)


@contextmanager
def fuzzer() -> Iterator[Attempt]:
    schemas = Schemas.parse(json.loads((DATA / 'workflows_object_info.json').read_text(encoding='utf-8')))
    files = [json.loads(file.read_text(encoding='utf-8')) for file in sorted(DATA.glob('workflows/*.json'))]
    workflows = [file['workflow'] for file in files]
    scripts = [transpile(workflow, schemas=schemas) for workflow in workflows]
    reader = TextReader(seconds=SECONDS)

    def body(source: random.Random) -> Any:
        at = source.randrange(len(workflows))
        workflow, text = workflows[at], scripts[at]
        if source.random() < 0.5:
            workflow = changed(workflow, source, workflows)
        script, other = changed_script(text, source), changed_script(text, source)
        made: dict[str, Any] = {
            'workflow': workflow, 'script': script, 'text': other, 'style': source.choice([None, {'args': 'keyword'}, {}]),
            'nodes': source.choice([None, {'1': '2'}, ['1', '2', 3]]), 'base': text, 'ours': script, 'theirs': other,
        }  # fmt: skip
        for key in list(made):
            if source.random() < 0.15:
                made[key] = copied(source.choice(ODD))
            elif source.random() < 0.15:
                del made[key]
        return made

    def attempt(source: random.Random) -> str:
        route = source.choice(POSTED)
        data = json.dumps(body(source)).encode()
        if source.random() < 0.1:
            data = changed_bytes(data, source)
        try:
            answer = json.loads(reader.ask(Question(route, data), schemas))
        except RequestError as error:
            assert error.status not in (500, 502, 504), f'{route}: {error.status} {error}'
            return f'{error.status}'
        assert isinstance(answer, dict)
        return 'errors' if answer.get('errors') else route

    try:
        yield attempt
    finally:
        reader.close()

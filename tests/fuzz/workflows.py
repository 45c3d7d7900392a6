"""Workflows and prompts with parts of others: a script that is data, or a clear error, in time."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from comfy_script.graph import ComfyScriptError, Schemas
from comfy_script.tests.fuzz.changes import changed
from comfy_script.tests.fuzz.rounds import Attempt
from comfy_script.tests.lab.paths import ROOT
from comfy_script.tests.transpiler.running import check_is_data
from comfy_script.transpiler import transpile
from comfy_script.transpiler.convert import workflow_to_prompt

SECONDS = 5.0
DATA = ROOT / 'tests' / 'data'


@contextmanager
def fuzzer() -> Iterator[Attempt]:
    schemas = Schemas.parse(json.loads((DATA / 'workflows_object_info.json').read_text(encoding='utf-8')))
    files = [json.loads(file.read_text(encoding='utf-8')) for file in sorted(DATA.glob('workflows/*.json'))]
    workflows = [file['workflow'] for file in files]
    prompts = [workflow_to_prompt(workflow, schemas) for workflow in workflows]

    def attempt(source: random.Random) -> str:
        kind = source.choice([workflows, workflows, prompts])
        data = changed(source.choice(kind), source, [*workflows, *prompts], source.choice([2, 12, 40]))
        if not isinstance(data, dict):  # what else is a path
            return 'no object'
        began = time.thread_time()
        try:
            text = transpile(data, schemas=schemas)
        except ComfyScriptError as error:
            ended = f'refused {"workflow" if kind is workflows else "prompt"}'
            str(error).encode('utf-8', 'surrogatepass')
        else:
            ended = 'workflow' if kind is workflows else 'prompt'
            check_is_data(text)
            text.encode()
        took = time.thread_time() - began
        assert took < SECONDS, f'{took:.1f} s'
        return ended

    yield attempt

"""Values laid out by us open as they were written: prompt → workflow → the web UI's conversion → the same prompt."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.graph.layout import lay_out
from comfy_script.tests.parity.laid_out import as_written, differing, lost, prompt_of_all
from comfy_script.transpiler.convert import convert_workflow, workflow_to_prompt


@pytest.fixture(scope='module')
def pack_schemas(corpus: Path) -> Schemas:
    return Schemas.parse(json.loads(gzip.decompress((corpus / 'packs' / 'object_info.json.gz').read_bytes())))


def opened(prompt: dict[str, Any], schemas: Schemas) -> dict[str, Any]:
    """What the web UI makes of the prompt's workflow."""
    return workflow_to_prompt(json.loads(json.dumps(lay_out(prompt, schemas))), schemas)


def test_every_class_of_comfyui(schemas: Schemas) -> None:
    prompt = prompt_of_all(schemas)
    assert lost(prompt, opened(prompt, schemas)) == {}


def test_every_class_of_the_packs(pack_schemas: Schemas) -> None:
    prompt = prompt_of_all(pack_schemas)
    assert lost(prompt, opened(prompt, pack_schemas)) == {}


def test_the_workflows_with_packs(corpus: Path, pack_schemas: Schemas) -> None:
    """Widgets that only JavaScript makes: rows of LoRAs, codes, the options of a format."""
    cases = json.loads(gzip.decompress((corpus / 'packs' / 'cases.json.gz').read_bytes()))
    wrong = {}
    for name, case in cases.items():
        prompt = convert_workflow(case['workflow'], pack_schemas).prompt
        if any(not key.isdigit() for key in prompt):
            continue
        again = as_written(opened({key: {**node, '_meta': {}} for key, node in prompt.items()}, pack_schemas), prompt)
        wrong |= {(name, key): found for key, node in prompt.items() if (found := differing(node, again[key]))}
    # What the web UI would draw from is escaped: it was drawn when the script was run.
    assert set(wrong) == {('dynprompt', '2')}


SCRIPT_NODE = {
    'ComfyScript': {
        'input': {'required': {'script': ['STRING', {'multiline': True, 'any_inputs': True}]}},
        'output': ['*'],
        'output_name': ['*'],
    },
    'Load': {'input': {'required': {}}, 'output': ['IMAGE'], 'output_name': ['IMAGE']},
}


def test_what_a_script_node_is_given() -> None:
    given = {'script': 'def main(x: float): ...', 'image': ['1', 0], 'x': 0.9, 'seed': 7, 'on': True, 'text': 'a'}
    prompt = {'1': {'class_type': 'Load', 'inputs': {}}, '2': {'class_type': 'ComfyScript', 'inputs': given}}
    assert as_written(opened(prompt, Schemas.parse(SCRIPT_NODE)), prompt)['2']['inputs'] == given

"""All prompts of the corpus: what the real web UI makes of the official templates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from comfy_script.graph import Schemas
from comfy_script.tests.parity.compare import differences, same
from comfy_script.tests.parity.packages import PackageError, templates_folder
from comfy_script.transpiler.convert import workflow_to_prompt


@pytest.fixture(scope='module')
def templates() -> Path:
    try:
        return templates_folder()
    except PackageError as error:
        pytest.skip(str(error))


def test_every_prompt_is_exactly_the_web_uis(corpus: Path, templates: Path, schemas: Schemas) -> None:
    files = sorted((corpus / 'prompts').glob('*.json'))
    wrong = {}
    for file in files:
        expected = json.loads(file.read_text(encoding='utf-8'))
        workflow = json.loads((templates / file.name).read_text(encoding='utf-8'))
        prompt = workflow_to_prompt(workflow, schemas)
        if not same(prompt, expected):
            wrong[file.stem] = list(differences(prompt, expected))[:3]
    assert wrong == {}
    assert len(files) == 254

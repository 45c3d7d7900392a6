"""All official templates: prompt → script → prompt, formatted, and within the lines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.tests.parity.packages import PackageError, templates_folder
from comfy_script.tests.transpiler.running import check_lines, check_round_trip
from comfy_script.transpiler import Style, write_script

COUNT = 254


@pytest.fixture(scope='module')
def prompts(corpus: Path) -> dict[str, Any]:
    files = sorted((corpus / 'prompts').glob('*.json'))
    return {file.stem: json.loads(file.read_text(encoding='utf-8')) for file in files}


@pytest.fixture(scope='module')
def workflows(prompts: dict[str, Any]) -> dict[str, Any]:
    try:
        folder = templates_folder()
    except PackageError as error:
        pytest.skip(str(error))
    return {name: json.loads((folder / f'{name}.json').read_text(encoding='utf-8')) for name in prompts}


@pytest.fixture(scope='module')
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('scripts')


def test_a_script_of_the_prompt_alone_gives_the_prompt_back(
    prompts: dict[str, Any], schemas: Schemas, written: Path
) -> None:
    for name, prompt in prompts.items():
        script = write_script(prompt, schemas=schemas, style=Style(args='positional'))
        assert script.warnings == ()
        check_round_trip(prompt, script, schemas)
        (written / f'{name}.prompt.py').write_text(script.text, encoding='utf-8')
    assert len(prompts) == COUNT


def test_a_script_with_functions_and_headings_gives_the_prompt_back(
    prompts: dict[str, Any], workflows: dict[str, Any], schemas: Schemas, written: Path
) -> None:
    functions = 0
    for name, prompt in prompts.items():
        script = write_script(prompt, schemas=schemas, workflow=workflows[name], style=Style(notes=True))
        assert script.warnings == ()
        check_round_trip(prompt, script, schemas)
        check_lines(prompt, script, schemas)
        functions += script.text.count('def ')
        (written / f'{name}.workflow.py').write_text(script.text, encoding='utf-8')
        if len(prompt) > 20:
            runtime = write_script(prompt, schemas=schemas, workflow=workflows[name], style=Style(runtime=True))
            (written / f'{name}.runtime.py').write_text(runtime.text, encoding='utf-8')
    assert functions > 98


def test_every_script_is_formatted(written: Path, prompts: dict[str, Any]) -> None:
    if len(list(written.glob('*.py'))) < COUNT * 2:
        pytest.skip('the scripts were not written: run this file as a whole')
    (written / 'ruff.toml').write_text('line-length = 120\n[format]\nquote-style = "preserve"\n', encoding='utf-8')
    ruff = subprocess.run(
        [sys.executable, '-m', 'ruff', 'format', '--check', str(written)], capture_output=True, text=True, check=False
    )
    if 'No module named ruff' in ruff.stderr:
        pytest.skip('no ruff')
    assert ruff.returncode == 0, ruff.stdout[-3000:]


def test_lines_are_short(written: Path, prompts: dict[str, Any]) -> None:
    """Beyond 120 columns only where a value has no place to break."""
    lines = [line.strip() for file in written.glob('*.py') for line in file.read_text('utf-8').split('\n')]
    long = [line for line in lines if len(line) > 112 and not line.startswith('#')]
    assert all(len(line) <= 120 or len(line) > 20_000 for line in long)


def test_slices_give_their_part_of_the_prompt_back(
    prompts: dict[str, Any], workflows: dict[str, Any], schemas: Schemas
) -> None:
    from comfy_script.graph import Prompt

    several = 0
    for name, prompt in prompts.items():
        ends = [key for key, node in prompt.items() if schemas[node['class_type']].output_node]
        if len(ends) < 2:
            continue
        several += 1
        for end in ends[:2]:
            script = write_script(prompt, schemas=schemas, workflow=workflows[name], end_nodes=[end])
            part = Prompt.parse(prompt).upstream([end]).to_json()
            check_round_trip(part, script, schemas)
    assert several > 50

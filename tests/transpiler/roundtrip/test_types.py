"""Every script of the corpus type-checks against the stubs. As slow as the server tests, so it runs with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from comfy_script.graph import Schemas
from comfy_script.runtime.calls.stubs import generate
from comfy_script.tests.parity.packages import PackageError, templates_folder
from comfy_script.transpiler import write_script

pytestmark = pytest.mark.server


def test_scripts_of_the_corpus_type_check(corpus: Path, schemas: Schemas, tmp_path: Path) -> None:
    pytest.importorskip('pyright')
    try:
        templates = templates_folder()
    except PackageError as error:
        pytest.skip(str(error))
    (tmp_path / 'nodes').mkdir()
    (tmp_path / 'nodes' / '__init__.pyi').write_text(generate(schemas), encoding='utf-8')
    root = Path(__file__).resolve().parents[3]
    (tmp_path / 'site').mkdir()
    (tmp_path / 'site' / 'comfy_script').symlink_to(root)
    settings = {'typeCheckingMode': 'standard', 'pythonVersion': '3.10', 'extraPaths': [str(tmp_path / 'site')]}
    settings |= {'reportMissingModuleSource': 'none', 'include': ['scripts']}
    (tmp_path / 'pyrightconfig.json').write_text(json.dumps(settings), encoding='utf-8')
    scripts = tmp_path / 'scripts'
    scripts.mkdir()
    for file in sorted((corpus / 'prompts').glob('*.json')):
        prompt = json.loads(file.read_text(encoding='utf-8'))
        workflow = json.loads((templates / file.name).read_text(encoding='utf-8'))
        text = write_script(prompt, schemas=schemas, workflow=workflow).text
        name = ''.join(char if char.isalnum() else '_' for char in file.stem)
        (scripts / f's_{name}.py').write_text(f'from nodes import *\n{text}', encoding='utf-8')
    # One that must not pass, so that an answer without errors means something.
    (scripts / 'wrong.py').write_text('from nodes import *\nVAEDecode(1, EmptyLatentImage())\n', encoding='utf-8')
    run = subprocess.run(
        [sys.executable, '-m', 'pyright', '--outputjson', '-p', str(tmp_path)],
        capture_output=True, text=True, check=False, encoding='utf-8', cwd=tmp_path,
    )  # fmt: skip
    errors = [item for item in json.loads(run.stdout)['generalDiagnostics'] if item['severity'] == 'error']
    assert {Path(error['file']).name for error in errors} == {'wrong.py'}, errors[:5]

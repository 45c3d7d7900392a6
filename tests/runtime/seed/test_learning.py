"""The README's script, the tutorial, each recipe of the cookbook, the examples and the notebooks run as they stand."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comfy_script.runtime import queue
from comfy_script.tests.lab.paths import ROOT
from comfy_script.tests.runtime.seed.pages import Block, blocks

pytestmark = pytest.mark.server

RECIPES = [block for block in blocks('cookbook.md') if block.mark == '']
BEGINNING = next(block.code for block in blocks('cookbook.md') if block.mark == 'beginning')
EXAMPLES = sorted((ROOT / 'examples').glob('*.py'))
NOTEBOOKS = sorted((ROOT / 'examples').glob('*.ipynb'))


@pytest.fixture(autouse=True)
def files(loaded: Any, tmp_path: Path) -> None:
    """What the recipes read, in the folder that they run in."""
    from PIL import Image

    (tmp_path / 'photos').mkdir()
    for number, color in enumerate(('red', 'green', 'blue')):
        Image.new('RGB', (80, 64), color).save(tmp_path / 'photos' / f'{number}.png')
    (tmp_path / 'prompts.csv').write_text('name,text,seed\none,a bottle,1\ntwo,"a car, red",2\n', encoding='utf-8')


@pytest.mark.parametrize('recipe', RECIPES, ids=lambda recipe: recipe.heading)
def test_recipe(recipe: Block, run_block: Callable[..., dict[str, Any]]) -> None:
    run_block(recipe.code, run_block(BEGINNING))
    assert queue.join(60) is not False


def test_the_cookbook_has_what_people_ask_for() -> None:
    assert len(RECIPES) + sum(block.mark == 'not run' for block in blocks('cookbook.md')) >= 30


def test_the_readmes_script(run_block: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """It follows the one line after which Python finds the pack in `custom_nodes`."""
    [script] = [block for block in blocks('../README.md') if block.heading == 'In Python']
    before = (ROOT / 'README.md').read_text(encoding='utf-8').partition(script.code)[0]
    assert 'python -m pip install --no-deps -e custom_nodes/ComfyScript\n' in before
    run_block(script.code)
    assert (tmp_path / 'first.png').is_file()


def test_the_tutorial_from_start_to_end(run_block: Callable[..., dict[str, Any]], tmp_path: Path, capsys: Any) -> None:
    variables: dict[str, Any] = {}
    for block in blocks('tutorial.md'):
        variables = run_block(block.code, variables)

    assert {'first.png', '0.png', '1.png', '2.png'} <= {file.name for file in tmp_path.iterdir()}
    said = capsys.readouterr().out
    assert 'the seed with the most contrast is' in said
    assert "required input 'positive' (CONDITIONING) is missing" in said


@pytest.mark.parametrize('example', EXAMPLES, ids=lambda file: file.stem)
def test_example(example: Path, run_block: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    text = example.read_text(encoding='utf-8')
    assert ast.get_docstring(ast.parse(text)), 'an example says what it shows'
    monkeypatch.setattr('sys.argv', [example.name])
    run_block(text)


@pytest.mark.parametrize('notebook', NOTEBOOKS, ids=lambda file: file.stem)
def test_notebook(notebook: Path, run_cells: Callable[[list[str]], list[Any]]) -> None:
    cells = json.loads(notebook.read_text(encoding='utf-8'))['cells']
    assert all(not cell.get('outputs') for cell in cells), 'notebooks are kept without outputs'
    outputs = run_cells([''.join(cell['source']) for cell in cells if cell['cell_type'] == 'code'])
    assert any('image' in str(output) for output in outputs)

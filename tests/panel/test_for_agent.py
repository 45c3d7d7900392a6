"""What a person copies for an agent: script, errors and nodes, in one block of bounded size."""

from __future__ import annotations

from typing import Any

from comfy_script.graph import Schemas
from comfy_script.panel.service import answer
from comfy_script.tests.panel.test_match import NODES, SCRIPT

SCHEMAS = Schemas.parse(NODES)


def block(script: str, **more: Any) -> str:
    return answer('for_agent', {'script': script, **more}, SCHEMAS)['text']


def line_of(word: str) -> int:
    return next(number for number, line in enumerate(SCRIPT.split('\n'), 1) if word in line)


def test_all_nodes_where_nothing_is_chosen() -> None:
    text = block(SCRIPT)
    assert SCRIPT.strip() in text
    assert "class type 'Sample'" in text
    assert "class type 'Load'" in text
    assert 'What is wrong' not in text


def test_the_nodes_of_the_selection_and_of_errors() -> None:
    line = line_of('Sample(')
    text = block(SCRIPT, lines=[line])
    assert f'Selected: line {line}' in text
    assert "class type 'Sample'" in text
    assert "class type 'Load'" not in text
    wrong = block(SCRIPT, errors=[{'line': line_of('Load('), 'message': 'no such\nmodel', 'column': 1}])
    assert f'What is wrong:\n- line {line_of("Load(")}: no such model' in wrong
    assert "class type 'Load'" in wrong
    assert "class type 'Sample'" not in wrong


def test_a_script_that_cannot_be_read() -> None:
    text = block("x = Load('m'\ny = (\n", errors=[{'line': 1, 'message': 'never closed'}])
    assert "class type 'Load'" in text
    assert 'never closed' in text


def test_it_is_bounded() -> None:
    script = SCRIPT + '\n'.join(f"Load('{'m' * 100}{number}')" for number in range(2000))
    text = block(script, lines=[line_of('Sample(')])
    assert len(text) < 30_000
    assert f'# line {line_of("Sample(")}' in text

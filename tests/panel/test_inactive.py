"""Muted and bypassed nodes are comments at their place; commenting a call out bypasses its node, and back."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.panel.inactive import with_modes
from comfy_script.panel.service import answer
from comfy_script.tests.panel.test_match import NODES

SCHEMAS = Schemas.parse(NODES)
SCRIPT = """\
model, clip = Load('m')
positive = Text('cat', clip)
negative = Text('dog', clip)
image = Sample(model, positive, negative=negative, steps=20, on=True)
image = Blur(image, 3)
Save(image, 'out')
"""
BLUR, SAVE = "image = Blur(image, 3)", "Save(image, 'out')"


@pytest.fixture(scope='module')
def workflow() -> dict[str, Any]:
    return answer('prompt', {'script': SCRIPT}, SCHEMAS)['workflow']


def id_of(workflow: dict[str, Any], type_: str) -> str:
    (found,) = [str(node['id']) for node in workflow['nodes'] if node['type'] == type_]
    return found


def modes(workflow: dict[str, Any], **of_type: int) -> dict[str, Any]:
    return with_modes(workflow, {id_of(workflow, type_): mode for type_, mode in of_type.items()})


def text_of(workflow: dict[str, Any]) -> str:
    return answer('transpile', {'workflow': workflow}, SCHEMAS)['script']


def planned(workflow: dict[str, Any], script: str) -> list[dict[str, Any]]:
    return answer('apply', {'workflow': workflow, 'script': script}, SCHEMAS)['edits']


def test_a_bypassed_node_is_a_comment_at_its_place(workflow: dict[str, Any]) -> None:
    assert text_of(workflow) == SCRIPT
    bypassed = modes(workflow, Blur=4)
    found = answer('transpile', {'workflow': bypassed}, SCHEMAS)
    assert found['script'] == SCRIPT.replace(BLUR, f'# {BLUR}')
    assert found['lines'][id_of(workflow, 'Blur')] == (5, 5)
    assert 'text' not in found
    assert planned(bypassed, found['script']) == []


def test_a_muted_output_is_a_comment(workflow: dict[str, Any]) -> None:
    muted = modes(workflow, Save=2)
    assert text_of(muted) == SCRIPT.replace(SAVE, f'# {SAVE}')
    assert planned(muted, text_of(muted)) == []


def test_several(workflow: dict[str, Any]) -> None:
    assert text_of(modes(workflow, Save=2, Blur=4)) == SCRIPT.replace(SAVE, f'# {SAVE}').replace(BLUR, f'# {BLUR}')


def test_commented_out_it_is_bypassed(workflow: dict[str, Any]) -> None:
    blur = id_of(workflow, 'Blur')
    edits = planned(workflow, SCRIPT.replace(BLUR, f'# {BLUR}'))
    assert edits == [{'op': 'mode', 'node': blur, 'line': 5, 'value': 4}]


def test_its_comment_taken_away_it_is_enabled(workflow: dict[str, Any]) -> None:
    blur = id_of(workflow, 'Blur')
    edits = planned(modes(workflow, Blur=4), SCRIPT)
    assert edits == [{'op': 'mode', 'node': blur, 'line': 5, 'value': 0}]


def test_enabled_with_another_value(workflow: dict[str, Any]) -> None:
    blur = id_of(workflow, 'Blur')
    edits = planned(modes(workflow, Blur=4), SCRIPT.replace('image, 3', 'image, 4'))
    assert [(edit['op'], edit['node'], edit.get('value')) for edit in edits] == [('mode', blur, 0), ('set', blur, 4)]


def test_another_node_beside_the_comment_is_a_new_one(workflow: dict[str, Any]) -> None:
    text = SCRIPT.replace(BLUR, f'# {BLUR}  # not so much\nimage = Blur(image, 7)')
    assert [edit['op'] for edit in planned(modes(workflow, Blur=4), text)].count('add') == 1
    assert 'mode' not in [edit['op'] for edit in planned(modes(workflow, Blur=4), text)]


def test_a_line_that_is_gone_is_a_node_that_is_gone(workflow: dict[str, Any]) -> None:
    edits = planned(workflow, SCRIPT.replace(BLUR + '\n', '').replace(SAVE, f'# the end\n{SAVE}'))
    assert ('remove', id_of(workflow, 'Blur')) in [(edit['op'], edit['node']) for edit in edits]


def test_a_node_that_others_go_around_is_left_out(workflow: dict[str, Any]) -> None:
    """Without its line, the name would mean something else."""
    script = SCRIPT.replace('image = Blur(image', 'blurred = Blur(image').replace(SAVE, f"Save(blurred, 'b')\n{SAVE}")
    around = answer('prompt', {'script': script}, SCHEMAS)['workflow']
    bypassed = modes(around, Blur=4)
    text = text_of(bypassed)
    assert 'Blur' not in text
    assert planned(bypassed, text) == []

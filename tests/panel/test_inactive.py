"""Muted and bypassed nodes are comments at their place; commenting a call out bypasses its node, and back."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.panel.commented import put_comments
from comfy_script.panel.inactive import with_modes
from comfy_script.panel.service import answer
from comfy_script.tests.panel.test_match import NODES
from comfy_script.transpiler import Script

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


def test_a_node_that_others_go_around_is_a_comment(workflow: dict[str, Any]) -> None:
    script = SCRIPT.replace('image = Blur(image', 'blurred = Blur(image').replace(SAVE, f"Save(blurred, 'b')\n{SAVE}")
    around = answer('prompt', {'script': script}, SCHEMAS)['workflow']
    bypassed = modes(around, Blur=4)
    found = answer('transpile', {'workflow': bypassed}, SCHEMAS)
    assert found['script'] == SCRIPT.replace(f'{BLUR}\n', "# blurred = Blur(image, 3)\nSave(image, 'b')\n")
    assert found['lines'][id_of(around, 'Blur')] == (5, 5)
    assert found['lines'][id_of(around, 'Sample')] == (4, 4)
    assert planned(bypassed, found['script']) == []


@pytest.mark.parametrize('mode', [2, 4])
@pytest.mark.parametrize('type_', ['Load', 'Sample', 'Blur', 'Save'])
def test_a_node_that_others_need_is_a_comment_at_its_place(workflow: dict[str, Any], type_: str, mode: int) -> None:
    off = modes(workflow, **{type_: mode})
    found = answer('transpile', {'workflow': off}, SCHEMAS)
    rows = found['script'].splitlines()
    (comment,) = (row for row in rows if row.startswith('#'))
    (own,) = (row for row in SCRIPT.splitlines() if f'{type_}(' in row)
    assert comment.partition('(')[0] == '# ' + own.partition('(')[0]
    assert found['lines'][id_of(workflow, type_)] == (rows.index(comment) + 1,) * 2
    calls = [[row.partition('(')[0].lstrip('# ') for row in text.splitlines()] for text in (found['script'], SCRIPT)]
    assert calls[0] == calls[1]
    assert planned(off, found['script']) == []
    edits = planned(off, found['script'].replace(comment, comment[2:]))
    assert {'op': 'mode', 'node': id_of(workflow, type_), 'line': rows.index(comment) + 1, 'value': 0} in edits


def test_beside_a_script_with_other_names_it_stands_where_it_stood() -> None:
    every = 'a = Load()\n\n# Second\nb = Blur(a)\nc = Blur(\n    b,\n)\n\n# Third\nSave(c)\nSave(a)\n'
    lines = {'1': (1, 1), '2': (4, 4), '3': (5, 7), '4': (10, 10), '5': (11, 11)}
    plain = Script('x = Load()\n\n# Second\nx = Blur(x)\n\n# Third\nSave(x)\n', {'1': (1, 1), '2': (4, 4), '5': (7, 7)})
    found = put_comments(plain, Script(every, lines), ['3', '4'])
    assert found.text == (
        'x = Load()\n\n# Second\nx = Blur(x)\n# c = Blur(\n#     b,\n# )\n\n# Third\n# Save(c)\nSave(x)\n'
    )
    assert found.lines == {'1': (1, 1), '2': (4, 4), '5': (11, 11)}
    assert found.comments == {'3': (5, 7), '4': (10, 10)}

"""What the server would refuse is told of the whole graph, at its place, with what to put there instead."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.panel.faults import output_type
from comfy_script.panel.service import answer
from comfy_script.tests.panel.test_remarks import NODES, SCRIPT

SCHEMAS = Schemas.parse(NODES)
BROKEN = """\
image = Load('a.png')
image = Blur(
    image,
    30,
    kind='bax',
    name='x',
)  # mine
Save(Blur(image, -2, 'box', ''))
Save(Blur(image, 'much', 'unlike', ''))
"""


def shown(script: str, with_text: bool) -> dict[str, Any]:
    workflow = answer('prompt', {'script': script}, SCHEMAS)['workflow']
    return answer('transpile', {'workflow': workflow} | ({'text': script} if with_text else {}), SCHEMAS)


@pytest.mark.parametrize('with_text', [True, False])
def test_all_at_once_each_at_its_argument(with_text: bool) -> None:
    found = shown(BROKEN, with_text)
    rows = found['script'].split('\n')
    marked = [
        (rows[one['line'] - 1][one['column'] - 1 : one['endColumn'] - 1], one['fix']) for one in found['problems']
    ]
    assert marked == [('30', 9), ("'bax'", 'box'), ('-2', 0), ("'much'", 1), ("'unlike'", 'box')]
    assert [one['input'] for one in found['problems']] == ['radius', 'kind', 'radius', 'radius', 'kind']
    assert found['problems'][1]['message'] == "kind has no choice 'bax' (did you mean 'box'?)"
    assert len({one['node'] for one in found['problems']}) == 3


@pytest.mark.parametrize('with_text', [True, False])
def test_green_where_there_is_none(with_text: bool) -> None:
    assert shown(SCRIPT, with_text)['problems'] == []


def test_a_link_of_another_type() -> None:
    workflow = answer('prompt', {'script': SCRIPT}, SCHEMAS)['workflow']
    prompt = {
        '1': {'class_type': 'Load', 'inputs': {'file': 'a.png'}},
        '2': {'class_type': 'Blur', 'inputs': {'image': ['1', 0], 'radius': ['1', 0], 'kind': 'box', 'name': ''}},
    }
    found = answer('transpile', {'workflow': workflow, 'prompt': prompt}, SCHEMAS)['problems']
    assert [(one['node'], one['input'], one['message']) for one in found] == [
        ('2', 'radius', 'radius takes INT, not IMAGE')
    ]


def test_there_is_an_end_to_it() -> None:
    script = "image = Load('a.png')\n" + "Save(Blur(image, 99, 'no', ''))\n" * 40
    assert len(shown(script, False)['problems']) == 50


@pytest.mark.parametrize('slot', [-1, -5, 7])
def test_an_output_that_is_not_there_has_no_type(slot: int) -> None:
    """Files say such things; nothing counts from the end."""
    assert output_type('Load', 0, SCHEMAS) == 'IMAGE'
    assert output_type('Load', slot, SCHEMAS) is None

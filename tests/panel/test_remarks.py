"""What is said of values before Apply sets them."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.panel.apply import plan
from comfy_script.panel.reading import read_script
from comfy_script.panel.requests import ApplyRequest
from comfy_script.transpiler import Style

NODES: dict[str, Any] = {
    'Load': {'input': {'required': {'file': (['a.png'], {'image_upload': True})}}, 'output': ['IMAGE']},
    'Blur': {
        'input': {
            'required': {
                'image': ('IMAGE',),
                'radius': ('INT', {'default': 1, 'min': 0, 'max': 9}),
                'kind': (['box', 'gaussian'], {}),
                'name': ('STRING', {'default': ''}),
            }
        },
        'output': ['IMAGE'],
    },
    'Save': {'input': {'required': {'image': ('IMAGE',)}}, 'output': [], 'output_node': True},
}
SCRIPT = """\
image = Load('a.png')
image = Blur(
    image,
    3,
    kind='box',
    name='é',
)
Save(image)
"""


@pytest.fixture(scope='module')
def schemas() -> Schemas:
    return Schemas.parse(NODES)


def planned(old: str, new: str, schemas: Schemas) -> dict[str, Any]:
    workflow = read_script(SCRIPT, schemas).workflow()
    return plan(ApplyRequest(workflow, SCRIPT.replace(old, new), Style()), schemas)


def places(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [{key: one[key] for key in ('line', 'column', 'endColumn', 'message')} for one in answer['warnings']]


def test_a_text_where_a_number_goes_is_refused_at_its_place(schemas: Schemas) -> None:
    answer = planned("    3,\n", "    'three',\n", schemas)

    assert answer == {
        'errors': [
            {'line': 4, 'column': 5, 'endColumn': 12, 'message': "radius takes a number, not 'three'", 'fix': 1}
        ]
    }


def test_a_choice_that_there_is_not_is_warned_of(schemas: Schemas) -> None:
    answer = planned("kind='box',\n    name='é'", "name='é', kind='bax'", schemas)

    message = "kind has no choice 'bax' (did you mean 'box'?)"
    (warning,) = answer['warnings']
    at = {'line': 5, 'column': 20, 'endColumn': 25}
    assert warning == at | {'message': message, 'node': '2', 'input': 'kind', 'fix': 'box'}
    assert [edit['input'] for edit in answer['edits']] == ['kind']


def test_a_number_out_of_range_is_warned_of(schemas: Schemas) -> None:
    answer = planned("    3,\n", "    30,\n", schemas)

    assert places(answer) == [{'line': 4, 'column': 5, 'endColumn': 7, 'message': 'radius is 9 at most'}]
    assert planned("    3,\n", "    -1,\n", schemas)['warnings'][0]['message'] == 'radius is 0 at least'


def test_of_a_new_node_too(schemas: Schemas) -> None:
    answer = planned('Save(image)', "Save(Blur(image, 1, 'bax', ''))", schemas)

    assert [warning['line'] for warning in answer['warnings']] == [8]


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('    3,\n', "    '4',\n"),
        ('    3,\n', '    4.5,\n'),
        ("kind='box'", "kind='gaussian'"),
        ("name='é'", "name='12'"),
        ("Load('a.png')", "Load('clipspace/b.png [input]')"),
    ],
    ids=['digits', 'another kind of number', 'another choice', 'any text', 'any file where files are uploaded'],
)
def test_nothing_is_said_of_what_comfyui_takes(old: str, new: str, schemas: Schemas) -> None:
    answer = planned(old, new, schemas)

    assert answer['edits']
    assert answer['warnings'] == []


def test_what_the_graph_holds_already_is_told_and_never_refused(schemas: Schemas) -> None:
    workflow = read_script(SCRIPT.replace("'box'", "'bax'"), schemas).workflow()
    answer = plan(ApplyRequest(workflow, SCRIPT.replace("'box'", "'bax'").replace("'é'", "'e'"), Style()), schemas)

    assert [edit['input'] for edit in answer['edits']] == ['name']
    assert [one['input'] for one in answer['warnings']] == ['kind']


@pytest.mark.parametrize('value, at', [
    ('-3', {'line': 5, 'column': 12, 'endColumn': 14}),
    ('+99', {'line': 5, 'column': 12, 'endColumn': 15}),
])  # fmt: skip
def test_the_mark_stands_on_the_arguments_own_line(value: str, at: dict[str, int], schemas: Schemas) -> None:
    answer = planned("    3,\n    kind='box',", f"    kind='box',\n    radius={value},", schemas)

    assert [{key: one[key] for key in at} for one in answer['warnings']] == [at]


def test_a_link_of_another_type_is_marked_with_both(schemas: Schemas) -> None:
    answer = planned('    image,\n    3', '    image,\n    image', schemas)

    at = {'line': 4, 'column': 5, 'endColumn': 10}
    assert places(answer) == [{**at, 'message': 'radius takes INT, not IMAGE'}]


@pytest.mark.parametrize('given, wanted, fits', [
    ('IMAGE', 'MASK', False), ('IMAGE', 'IMAGE,MASK', True), ('IMAGE,MASK', 'MASK , LATENT', True), ('*', 'INT', True),
    ('IMAGE', '*', True), ('COMFY_MATCHTYPE_V3', 'INT', True), ('IMAGE', 'COMFY_MATCHTYPE_V3', True),
    ('COMBO', 'STRING', True), ('STRING', 'INT', False),
])  # fmt: skip
def test_which_types_go_together(given: str, wanted: str, fits: bool) -> None:
    schemas = Schemas.parse({
        'Give': {'input': {}, 'output': [given]},
        'Take': {'input': {'required': {'x': (wanted, {'forceInput': True})}}, 'output': [], 'output_node': True},
    })
    workflow = read_script('', schemas).workflow()
    answer = plan(ApplyRequest(workflow, 'Take(Give())\n', Style()), schemas)
    assert (answer['warnings'] == []) == fits


@pytest.mark.parametrize('given', ["kynd='box'", "image=image"])
def test_a_keyword_that_is_wrong_is_marked_where_it_stands(given: str, schemas: Schemas) -> None:
    answer = planned("kind='box'", given, schemas)

    keyword = given.partition('=')[0]
    assert {key: answer['errors'][0][key] for key in ('line', 'column', 'endColumn')} == {
        'line': 5, 'column': 5, 'endColumn': 5 + len(keyword),
    }  # fmt: skip

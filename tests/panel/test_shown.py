"""A script that somebody wrote stays the graph's script as long as it says what the graph is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.panel import shown
from comfy_script.panel.errors import RequestError
from comfy_script.panel.service import answer
from comfy_script.tests.panel.test_match import NODES

TEXT = """\
# the model
name = 'm'
m, c = Load(name)

# what I want
wish = Text('''one
two''', c)  # nicely
steps = 20
image = Sample(m, wish, Text('dog', c), steps)

# and out
Save(image, 'out')
# the end
"""
SCHEMAS = Schemas.parse(NODES)


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    shown._followed.clear()
    shown._written.clear()


@pytest.fixture
def workflow() -> dict[str, Any]:
    return answer('prompt', {'script': TEXT}, SCHEMAS)['workflow']


def node(workflow: dict[str, Any], type_: str, text: str | None = None) -> dict[str, Any]:
    found = (one for one in workflow['nodes'] if one['type'] == type_)
    return next(one for one in found if text is None or text in one['widgets_values'])


def follow(workflow: dict[str, Any], text: str = TEXT) -> dict[str, Any]:
    found = answer('transpile', {'workflow': workflow, 'text': text}, SCHEMAS)
    # Whatever is shown, it is what the graph is.
    plan = answer('apply', {'workflow': workflow, 'script': found['script']}, SCHEMAS)
    assert plan['edits'] == []
    return found


def changed(workflow: dict[str, Any], **values: Any) -> dict[str, Any]:
    after = copy.deepcopy(workflow)
    for name, value in values.items():
        if name == 'wish':
            node(after, 'Text', 'one\ntwo')['widgets_values'] = [value]
        if name == 'name':
            node(after, 'Load')['widgets_values'] = [value]
        if name in ('steps', 'on'):
            node(after, 'Sample')['widgets_values'][name == 'on'] = value
    return after


def test_stays_as_it_was_typed(workflow: dict[str, Any]) -> None:
    found = follow(workflow)
    assert (found['text'], found['script']) == ('kept', TEXT)
    rows = TEXT.split('\n')
    calls = {key: rows[first - 1] for key, (first, _) in found['lines'].items()}
    assert sorted(calls.values()) == sorted([rows[2], rows[5], rows[8], rows[8], rows[11]])


@pytest.mark.parametrize('warm', [True, False])
@pytest.mark.parametrize(
    ('values', 'old', 'new'),
    [
        ({'wish': 'three\nfour'}, 'one\ntwo', 'three\nfour'),
        ({'wish': "it's '''"}, "'''one\ntwo'''", '''"it's \'\'\'"'''),
        ({'steps': 30}, 'steps = 20', 'steps = 30'),
        ({'name': 'x'}, "name = 'm'", "name = 'x'"),
        ({'on': False}, "Text('dog', c), steps)", "Text('dog', c), steps, on=False)"),
    ],
)
def test_values_change_where_they_stand(
    workflow: dict[str, Any], values: dict[str, Any], old: str, new: str, warm: bool
) -> None:
    if warm:
        follow(workflow)
    found = follow(changed(workflow, **values))
    assert (found['text'], found['script']) == ('changed', TEXT.replace(old, new))
    back = follow(workflow)
    assert (back['text'], back['script']) == ('kept', TEXT)


def test_all_nodes_of_a_loop_change_together() -> None:
    text = "m, c = Load('m')\nfor radius in (1, 2):\n    Save(Blur(Sample(m, Text('a', c), Text('b', c), 20)), 'x')\n"
    workflow = answer('prompt', {'script': text}, SCHEMAS)['workflow']
    samplers = [one for one in workflow['nodes'] if one['type'] == 'Sample']
    for one in samplers:
        one['widgets_values'][0] = 9
    found = follow(workflow, text)
    assert (found['text'], found['script']) == ('changed', text.replace('20', '9'))


LOOP = """\
m, c = Load('m')
t = Text('a', c)
for steps in (1, 2, 3):  # three of them
    Save(Sample(m, t, t, steps), f'{steps * 10}')
"""


def set_value(workflow: dict[str, Any], type_: str, old: Any, new: Any) -> str:
    found = next(one for one in workflow['nodes'] if one['type'] == type_ and one['widgets_values'][0] == old)
    found['widgets_values'][0] = new
    return str(found['id'])


def test_a_value_that_a_loop_runs_over_is_written_into_its_list() -> None:
    workflow = answer('prompt', {'script': LOOP.replace("f'{steps * 10}'", "'x'")}, SCHEMAS)['workflow']
    text = LOOP.replace("f'{steps * 10}'", "'x'")
    set_value(workflow, 'Sample', 2, 77)
    found = follow(workflow, text)
    assert (found['text'], found['script'], found['differs']) == ('changed', text.replace('2,', '77,'), [])


def test_a_value_that_a_script_computes_never_unrolls_it() -> None:
    """The text stays, and says which values differ; Apply makes the graph what the text says."""
    workflow = answer('prompt', {'script': LOOP}, SCHEMAS)['workflow']
    sampler, saver = set_value(workflow, 'Sample', 2, 77), set_value(workflow, 'Save', '30', 'else')
    found = answer('transpile', {'workflow': workflow, 'text': LOOP}, SCHEMAS)
    assert (found['text'], found['script']) == ('kept', LOOP)
    assert found['differs'] == [
        {'node': sampler, 'input': 'steps', 'value': 77, 'line': 4},
        {'node': saver, 'input': 'name', 'value': 'else', 'line': 4},
    ]
    plan = answer('apply', {'workflow': workflow, 'script': LOOP + '# more\n', 'text': LOOP}, SCHEMAS)
    assert {(edit['node'], edit['value']) for edit in plan['edits']} == {(sampler, 2), (saver, '30')}


def test_one_literal_of_two_nodes_is_not_changed_for_one_of_them() -> None:
    text = "m, c = Load('m')\nn = 20\nt = Text('a', c)\nSave(Sample(m, t, t, n), 'x')\nSave(Sample(m, t, t, n), 'y')\n"
    workflow = answer('prompt', {'script': text}, SCHEMAS)['workflow']
    node = set_value(workflow, 'Sample', 20, 30)
    found = answer('transpile', {'workflow': workflow, 'text': text}, SCHEMAS)
    assert (found['text'], found['script']) == ('kept', text)
    assert [(one['node'], one['value']) for one in found['differs']] == [(node, 30)]


def test_more_than_values_is_written_anew_with_the_comments(workflow: dict[str, Any]) -> None:
    follow(workflow)
    after = copy.deepcopy(workflow)
    node(after, 'Text', 'dog')['mode'] = 4
    found = follow(after)
    assert found['text'] == 'rewritten'
    rows = found['script'].split('\n')
    assert 'Load(' in rows[rows.index('# the model') + 1]
    assert 'Text(' in rows[rows.index('# what I want') + 1]
    assert rows[rows.index('# and out') + 1].startswith('Save(')
    assert rows[-2] == '# the end'


def test_text_of_another_graph_or_no_script_at_all(workflow: dict[str, Any]) -> None:
    plain = answer('transpile', {'workflow': workflow}, SCHEMAS)['script']
    for text in ("Load('m')\n", 'no script (', ''):
        found = follow(workflow, text)
        assert (found['text'], found['script']) == ('rewritten', plain)


def test_edits_are_told_from_the_text_that_was_shown(workflow: dict[str, Any]) -> None:
    after = changed(workflow, steps=30)
    edited = follow(after)['script'].replace("'dog'", "'cat'")
    plan = answer('apply', {'workflow': after, 'script': edited, 'text': TEXT}, SCHEMAS)
    assert [(edit['op'], edit['value']) for edit in plan['edits']] == [('set', 'cat')]
    assert plan['edits'][0]['node'] == str(node(after, 'Text', 'dog')['id'])


def test_text_must_be_a_string(workflow: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match='text must be a string'):
        answer('transpile', {'workflow': workflow, 'text': 3}, SCHEMAS)

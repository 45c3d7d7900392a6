"""Which node is which, and what has to change in the graph: told from scripts alone."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.graph import Prompt, Schemas
from comfy_script.panel.edits import Edit, compare
from comfy_script.panel.match import match
from comfy_script.panel.reading import ReadScript, read_script

NODES: dict[str, Any] = {
    'Load': {'input': {'required': {'name': ('STRING', {})}}, 'output': ['MODEL', 'CLIP']},
    'Text': {'input': {'required': {'text': ('STRING', {}), 'clip': ('CLIP',)}}, 'output': ['CONDITIONING']},
    'Sample': {
        'input': {
            'required': {
                'model': ('MODEL',),
                'positive': ('CONDITIONING',),
                'negative': ('CONDITIONING',),
                'steps': ('INT', {'default': 20}),
                'on': ('BOOLEAN', {'default': True}),
            },
            'optional': {'extra': ('CONDITIONING',)},
        },
        'output': ['IMAGE'],
    },
    'Blur': {'input': {'required': {'image': ('IMAGE',), 'radius': ('INT', {'default': 1})}}, 'output': ['IMAGE']},
    'Save': {'input': {'required': {'image': ('IMAGE',), 'name': ('STRING', {})}}, 'output': [], 'output_node': True},
}
SCRIPT = """\
model, clip = Load('m')
positive = Text('cat', clip)
negative = Text('dog', clip)
image = Sample(model, positive, negative, 20)
Save(image, 'out')
"""


@pytest.fixture(scope='module')
def schemas() -> Schemas:
    return Schemas.parse(NODES)


def reading(script: str, schemas: Schemas) -> ReadScript:
    return read_script(script, schemas)


def changes(script: str, schemas: Schemas, before: str = SCRIPT, prefix: str = 'g') -> list[Edit]:
    """The edits of a graph whose ids are those of `before` with a prefix."""
    written = reading(before, schemas)
    graph = {f'{prefix}{key}': node for key, node in written.prompt.to_json().items()}
    for node in graph.values():
        for name, value in node['inputs'].items():
            if isinstance(value, list):
                node['inputs'][name] = [f'{prefix}{value[0]}', value[1]]
    return compare(Prompt.parse(graph), written, reading(script, schemas)).edits


def short(found: list[Edit]) -> list[tuple[Any, ...]]:
    return [(edit.op, edit.node, edit.input, edit.source or edit.value or edit.class_type) for edit in found]


def test_unedited(schemas: Schemas) -> None:
    assert changes(SCRIPT, schemas) == []


def test_names_and_comments_change_nothing(schemas: Schemas) -> None:
    assert changes(SCRIPT.replace('positive', 'animal') + '\n# a note\n', schemas) == []


def test_value(schemas: Schemas) -> None:
    assert short(changes(SCRIPT.replace('20', '30'), schemas)) == [('set', 'g4', 'steps', 30)]


def test_same_number_of_another_kind(schemas: Schemas) -> None:
    assert changes(SCRIPT.replace('20', '20.0'), schemas) == []


def test_true_is_not_one(schemas: Schemas) -> None:
    found = changes(SCRIPT.replace('20)', '20, 1)'), schemas)
    assert [(edit.op, edit.input, edit.value) for edit in found] == [('set', 'on', 1)]


def test_link(schemas: Schemas) -> None:
    found = changes(SCRIPT.replace('positive, negative, 20', 'negative, negative, 20'), schemas)
    assert [(edit.op, edit.input) for edit in found if edit.op != 'remove'] == [('connect', 'positive')]


def test_swapped_values_are_values(schemas: Schemas) -> None:
    found = changes(SCRIPT.replace("'cat'", "'x'").replace("'dog'", "'cat'"), schemas)
    assert short(found) == [('set', 'g2', 'text', 'x'), ('set', 'g3', 'text', 'cat')]


def test_swapped_lines_change_nothing(schemas: Schemas) -> None:
    lines = SCRIPT.splitlines()
    lines[1], lines[2] = lines[2], lines[1]
    assert changes('\n'.join(lines), schemas) == []


def test_added_between(schemas: Schemas) -> None:
    found = changes(SCRIPT.replace('Save(image,', 'image = Blur(image, 3)\nSave(image,'), schemas)
    assert short(found) == [
        ('add', '+1', None, 'Blur'),
        ('connect', '+1', 'image', ('g4', 0)),
        ('set', '+1', 'radius', 3),
        ('connect', 'g5', 'image', ('+1', 0)),
    ]
    assert {edit.line for edit in found} == {5, 6}


def test_removed_between(schemas: Schemas) -> None:
    blurred = SCRIPT.replace('Save(image,', 'image = Blur(image, 3)\nSave(image,')
    found = changes(SCRIPT, schemas, before=blurred)
    assert sorted(edit.op for edit in found) == ['connect', 'remove']
    assert next(edit.node for edit in found if edit.op == 'remove') == 'g5'


def test_value_in_place_of_a_link_and_back(schemas: Schemas) -> None:
    with_extra = SCRIPT.replace('20)', '20, extra=negative)')
    assert [edit.op for edit in changes(SCRIPT, schemas, before=with_extra)] == ['disconnect']
    assert [edit.op for edit in changes(with_extra, schemas)] == ['connect']


def test_second_branch_keeps_the_first(schemas: Schemas) -> None:
    found = changes(SCRIPT + "Save(Sample(model, negative, positive, 5), 'two')\n", schemas)
    assert {edit.op for edit in found} == {'add', 'connect', 'set'}
    assert all(edit.node.startswith('+') for edit in found)


def test_a_loop_over_the_old_lines_keeps_one_round(schemas: Schemas) -> None:
    looped = SCRIPT.replace(
        "image = Sample(model, positive, negative, 20)\nSave(image, 'out')",
        """\
for steps in (20, 40):
    image = Sample(model, positive, negative, steps)
    Save(image, 'out')""",
    )
    found = changes(looped, schemas)
    assert [edit.class_type for edit in found if edit.op == 'add'] == ['Sample', 'Save']
    assert not [edit for edit in found if edit.op == 'remove']


def test_subgraph_instance_goes_as_one(schemas: Schemas) -> None:
    written = reading(SCRIPT, schemas)
    inside = {'4': '9:4', '5': '9:5'}
    graph = Prompt.parse(
        {
            inside.get(key, key): {
                **node,
                'inputs': {
                    name: [inside.get(value[0], value[0]), value[1]] if isinstance(value, list) else value
                    for name, value in node['inputs'].items()
                },
            }
            for key, node in written.prompt.to_json().items()
        }
    )
    found = compare(
        graph,
        written,
        reading(
            "model, clip = Load('m')\nSave(Sample(model, *[Text(t, clip) for t in ('cat', 'dog')], 21), 'out')\n",
            schemas,
        ),
    ).edits
    assert short(found) == [('set', '9:4', 'steps', 21)]


def test_added_node_goes_where_its_neighbours_are(schemas: Schemas) -> None:
    found = changes(SCRIPT.replace('Save(image,', 'image = Blur(image, 3)\nSave(image,'), schemas, prefix='7:')
    assert next(edit.place.parent for edit in found if edit.op == 'add') == '7'


def test_equal_nodes_are_paired_in_order(schemas: Schemas) -> None:
    script = "model, clip = Load('m')\n" + "Save(Sample(model, Text('a', clip), Text('a', clip)), 'x')\n" * 3
    one = reading(script, schemas)
    assert match(one, one) == {key: key for key in one.prompt.nodes}


def test_a_thousand_nodes_are_matched_soon(schemas: Schemas) -> None:
    script = """\
model, clip = Load('m')
for i in range(300):
    Save(Sample(model, Text('a', clip), Text(f'{i}', clip)), f'{i}')
"""
    assert len(changes(script.replace("'a'", "'b'"), schemas, before=script)) == 300


COPIES = """\
model, clip = Load('m')
a = Text('a', clip)
Save(Sample(model, a, a, 1), 'x')
Save(Sample(model, a, a, 2), 'x')
Save(Sample(model, a, a, 3), 'x')
"""


def test_a_script_is_the_graph_it_makes_whatever_its_lines_say(schemas: Schemas) -> None:
    """Applying a script leaves nothing to apply: the graph's own script may order and name the same nodes otherwise."""
    alike = """\
model, clip = Load('m')
a = Text('a', clip)
image = Sample(model, a, a, 1)
Save(image, 'x')
image = Sample(model, a, a, 2)
Save(image, 'x')
image = Sample(model, a, a, 3)
Save(image, 'x')
"""
    other = """\
model, clip = Load('m')
a = Text('a', clip)
image = Sample(model, a, a, 3)
Save(image, 'x')
image = Sample(model, a, a, 1)
Save(image, 'x')
image = Sample(model, a, a, 2)
Save(image, 'x')
"""
    for one in (alike, other):
        for two in (alike, other, COPIES):
            assert changes(two, schemas, before=one) == []


def test_twins_keep_their_own_neighbours(schemas: Schemas) -> None:
    """Equal chains: no link may lead from one to the other, whatever the order of their nodes."""
    one = "m, c = Load('m')\nt = Text('a', c)\na = Sample(m, t, t)\nb = Sample(m, t, t)\nSave(a, 'x')\nSave(b, 'x')\n"
    two = "m, c = Load('m')\nt = Text('a', c)\nb = Sample(m, t, t)\na = Sample(m, t, t)\nSave(a, 'x')\nSave(b, 'x')\n"
    old, new = reading(one, schemas), reading(two, schemas)
    found = match(ReadScript('', old.prompt), new)
    for key, node in new.prompt.nodes.items():
        for name, link in node.links():
            assert found[link.node] == dict(old.prompt.nodes[found[key]].links())[name].node
    assert changes(two, schemas, before=one) == []


def test_pairs_that_are_known_come_first(schemas: Schemas) -> None:
    one = reading(COPIES, schemas)
    saves = [key for key, node in one.prompt.nodes.items() if node.class_type == 'Save']
    swapped = match(one, one, {saves[0]: saves[1], saves[1]: saves[0]})
    assert (swapped[saves[0]], swapped[saves[1]], swapped[saves[2]]) == (saves[1], saves[0], saves[2])


def places(script: str, schemas: Schemas, before: str = SCRIPT, ids: dict[str, str] | None = None) -> list[Any]:
    """Where the added nodes go, in a graph whose nodes have these ids."""
    written = reading(before, schemas)
    names = {key: (ids or {}).get(key, f'g{key}') for key in written.prompt.nodes}
    graph = {
        names[key]: {
            **node,
            'inputs': {
                name: [names[value[0]], value[1]] if isinstance(value, list) else value
                for name, value in node['inputs'].items()
            },
        }
        for key, node in written.prompt.to_json().items()
    }
    found = compare(Prompt.parse(graph), written, reading(script, schemas)).edits
    return [(edit.class_type, *edit.place) for edit in found if edit.op == 'add']


def test_copies_of_a_loop_are_like_the_first(schemas: Schemas) -> None:
    looped = SCRIPT.replace("Save(image, 'out')", "for i in range(3):\n    Save(Blur(image, i), f'{i}')")
    found = places(looped, schemas)
    assert [one for one in found if one[0] == 'Save'] == [('Save', '', None, 'g5'), ('Save', '', None, 'g5')]
    blurs = [one for one in found if one[0] == 'Blur']
    assert blurs[0][3] is None
    assert {one[3] for one in blurs[1:]} == {'+1'}


def test_a_node_under_a_heading_belongs_to_its_group(schemas: Schemas) -> None:
    text = SCRIPT.replace('Save(', '\n# The end: of it\nSave(')
    below = text + "Save(image, 'two')\n"
    assert places(below, schemas, before=text) == [('Save', '', 'The end: of it', None)]
    assert places(text + "\nSave(image, 'two')\n", schemas, before=text) == [('Save', '', None, None)]


FUNCTION = """\
def finish(image, name):
    image = Blur(image, 2)
    Save(image, name)

model, clip = Load('m')
a = Text('a', clip)
image = Sample(model, a, a, 20)
finish(image, 'x')
finish(image, 'y')
"""


def test_a_node_written_in_a_subgraphs_function_goes_into_the_subgraph(schemas: Schemas) -> None:
    """Of each of its instances; what it is linked to outside makes no difference."""
    ids = {'4': '7:1', '5': '7:2', '6': '8:1', '7': '8:2'}
    assert [node.class_type for node in reading(FUNCTION, schemas).prompt.nodes.values()][3:] == ['Blur', 'Save'] * 2
    more = FUNCTION.replace('    Save(image, name)', "    Save(image, name)\n    Save(Text('b', clip), 'z')")
    for old in ('image, name)', "image, 'x')", "image, 'y')"):
        more = more.replace(old, f'{old[:-1]}, clip)', 1)
    found = places(more, schemas, before=FUNCTION, ids=ids)
    assert [one[:2] for one in found] == [('Text', '7'), ('Save', '7'), ('Text', '8'), ('Save', '8')]


RETURNING = """\
def made(model, text, name):
    image = Sample(model, text, text, 20)
    image = Blur(image, 2)
    return image

model, clip = Load('m')
a = Text('a', clip)
image = made(model, a, 'x')
"""


@pytest.mark.parametrize(
    'line',
    [
        "Save(Blur(image, 3), 'out')",
        "Save(Blur(made(model, a, 'y'), 3), 'out')",
        "Save(made(model, Text('b', clip), 'y'), 'out')",
    ],
)
def test_a_node_written_outside_of_a_subgraphs_function_does_not_go_into_the_subgraph(
    schemas: Schemas, line: str
) -> None:
    """Whatever of it the node is linked to; nor does what a further call of the function makes."""
    ids = {'3': '7:1', '4': '7:2'}
    found = places(f'{RETURNING}{line}\n', schemas, before=RETURNING, ids=ids)
    assert {parent for _, parent, *_ in found} == {''}
    inside = RETURNING.replace('    return', "    Save(image, 'in')\n    return")
    assert [one[:2] for one in places(inside, schemas, before=RETURNING, ids=ids)] == [('Save', '7')]

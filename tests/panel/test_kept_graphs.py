"""Of a graph that changes, the page sends the changes: what is answered is what the whole graph is answered."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from comfy_script.graph import Schemas
from comfy_script.graph.types import WIDGET_TYPES
from comfy_script.panel import shown, written
from comfy_script.panel.errors import RequestError
from comfy_script.panel.kept_graphs import MOST, KeptGraph, KeptGraphs
from comfy_script.panel.service import answer
from comfy_script.panel.written import GraphWriter
from comfy_script.tests.panel.test_match import NODES
from comfy_script.transpiler import Style

SCHEMAS = Schemas.parse(NODES)
TEXT = """\
m, c = Load('m')
for word in 'one', 'two', 'three':
    Save(Sample(m, Text(word, c), Text('dog', c), 20), word)
image = Sample(m, Text('four', c), Text('cat', c), 4)
Save(image, 'out')
"""


def graph() -> dict[str, Any]:
    return json.loads(json.dumps(answer('prompt', {'script': TEXT}, SCHEMAS)['workflow']))


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """As the page tells them (js/panel/sent_graph.mjs)."""
    known = {node['id']: node for node in before['nodes']}
    ids = [[node['id'] for node in one['nodes']] for one in (before, after)]
    return {
        'set': {key: value for key, value in after.items() if key != 'nodes' and before.get(key) != value},
        'gone': [key for key in before if key not in after],
        'nodes': [node for node in after['nodes'] if known.get(node['id']) != node],
        **({} if ids[0] == ids[1] else {'order': ids[1]}),
    }


def tell(workflow: dict[str, Any]) -> None:
    """What the page says that the nodes hold (js/panel/live.mjs)."""
    for node in workflow['nodes']:
        schema = SCHEMAS.find(node['type'])
        names = [item.name for item in schema.inputs if item.type in WIDGET_TYPES] if schema else []
        values = dict(zip(names, node.get('widgets_values') or ()))
        node['comfyscript_live'] = {'title': node.get('title') or node['type'], 'values': values}


def change(workflow: dict[str, Any], draw: random.Random) -> None:
    """One thing that a person does to a graph."""
    node = draw.choice(workflow['nodes'])
    what = draw.randrange(6)
    if what == 0:
        values = [at for at, value in enumerate(node.get('widgets_values') or ()) if isinstance(value, (int, str))]
        if values:
            at = draw.choice(values)
            value = node['widgets_values'][at]
            node['widgets_values'][at] = f'{value}!' if isinstance(value, str) else draw.randrange(100)
    elif what == 1:
        node['mode'] = draw.choice([0, 2, 4])
    elif what == 2:
        node['title'] = draw.choice(['a title', 'Another', ''])
    elif what == 3 and len(workflow['nodes']) > 3:
        workflow['nodes'].remove(node)
        workflow['links'] = [link for link in workflow['links'] if node['id'] not in (link[1], link[3])]
        left = {link[0] for link in workflow['links']}
        for other in workflow['nodes']:
            for slot in other.get('inputs') or ():
                slot['link'] = slot['link'] if slot.get('link') in left else None
            for slot in other.get('outputs') or ():
                slot['links'] = [link for link in slot.get('links') or () if link in left]
    elif what == 4:
        workflow['last_node_id'] += 1
        free = [{**slot, 'link': None} for slot in node.get('inputs') or ()]
        outputs = [{**slot, 'links': []} for slot in node.get('outputs') or ()]
        workflow['nodes'].append({**node, 'id': workflow['last_node_id'], 'inputs': free, 'outputs': outputs})
    else:
        draw.shuffle(workflow['nodes'])


@pytest.mark.parametrize('seed', range(12))
def test_changes_are_answered_as_the_whole(seed: int) -> None:
    draw = random.Random(seed)
    before = graph()
    opened = seed % 2 == 1
    if opened:
        tell(before)
    answer('transpile', {'workflow': copy.deepcopy(before), 'keep': f'{seed} 0'}, SCHEMAS)
    for step in range(12):
        after = copy.deepcopy(before)
        for _ in range(draw.randrange(3)):
            change(after, draw)
        if opened:
            tell(after)
        told = {'since': f'{seed} {step}', 'changes': changes(before, after), 'keep': f'{seed} {step + 1}'}
        whole = {'workflow': copy.deepcopy(after)}
        found = answer('transpile', json.loads(json.dumps(told)), SCHEMAS)
        assert found == answer('transpile', whole, SCHEMAS)
        # Reading it back says so too, with what does not run as comments.
        assert found['script'] == shown.shown(after, SCHEMAS, Style()).reading.text
        edited = found['script'].replace('20', '21')
        # Asked again of the same graph, which is told as no change at all.
        same = {'since': f'{seed} {step + 1}', 'changes': {}, 'script': edited}
        assert answer('apply', same, SCHEMAS) == answer('apply', {**whole, 'script': edited}, SCHEMAS)
        before = after


VALUES: list[tuple[str, int, Any]] = [
    ('Sample', 0, 21),
    ('Sample', 1, False),
    ('Sample', 0, 20.0),
    ('Sample', 0, 'no number'),
    ('Text', 0, 'so long that the call takes more rows than before, ' * 3),
    ('Text', 0, 'two\nrows'),
    ('Save', 0, ''),
]


@pytest.mark.parametrize('inactive', [False, True])
def test_a_value_is_answered_without_making_the_rest_anew(inactive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = graph()
    if inactive:
        next(node for node in workflow['nodes'] if node['type'] == 'Save')['mode'] = 2
    tell(workflow)
    writer, style = GraphWriter(), Style()
    kept = KeptGraph(workflow)
    writer.write_whole(kept, SCHEMAS, style)
    for type_, place, value in VALUES:
        index = next(at for at, node in enumerate(workflow['nodes']) if node['type'] == type_)
        node = copy.deepcopy(workflow['nodes'][index])
        node['widgets_values'][place] = value
        tell({'nodes': [node]})
        kept = KeptGraph({**kept, 'nodes': [*kept['nodes'][:index], node, *kept['nodes'][index + 1 :]]})
        with monkeypatch.context() as without:
            for name in ('convert_workflow', 'PromptWriter', 'say_the_same'):
                without.delattr(written, name)
            found = writer.write_whole(kept, SCHEMAS, style)
        whole = GraphWriter().write_whole(dict(kept), SCHEMAS, style)
        assert found.script == whole.script
        assert found.inactive == whole.inactive
        assert found.prompt == whole.prompt
        assert found.conversion == whole.conversion
        assert found.faults == whole.faults


def test_a_graph_that_is_not_kept_any_more_is_asked_for() -> None:
    kept = KeptGraphs()
    for number in range(MOST + 1):
        kept.complete({'workflow': {'nodes': [{'id': number}]}, 'keep': str(number)})
    assert kept.complete({'since': '1', 'changes': {}})['workflow'] == {'nodes': [{'id': 1}]}
    for since, told in (('0', {}), ('1', {'order': [5]})):
        with pytest.raises(RequestError) as refused:
            kept.complete({'since': since, 'changes': told})
        assert refused.value.status == 409

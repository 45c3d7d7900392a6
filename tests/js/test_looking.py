"""Looking at the open graph takes the values that its nodes hold, and does nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.tests.js.conftest import Panel

pytestmark = [pytest.mark.browser, pytest.mark.server]

ADD_WIDGETS = """
const node = app.graph.getNodeById(3)
const add = (name, value, serializeValue) => {
  const widget = node.addWidget(typeof value === 'number' ? 'number' : 'text', name, value, () => {})
  if (serializeValue) widget.serializeValue = serializeValue
  return widget
}
add('plain', 'kept')
add('reads', 'a', () => 'made of a')
add('row', { on: true, lora: 'x' }, () => ({ lora: 'x' }))
add('draws', 5, function () { this.value = Math.floor(Math.random() * 9) + 10; return this.value })
add('counts', 5, function () { this.value += 1; return this.value })
add('asks', 'b', async () => { await fetch('/asked'); return 'other' })
add('promises', 'f', async () => { await null; return 'made of f' })
add('leaves out', 'g', async () => {})
add('asks later', 'h', async () => { await null; await fetch('/asked'); return 'other' })
add('waits', 'i', async () => { await new Promise(done => setTimeout(done)); return 'other' })
add('uploads', 'c', () => {
  const form = new XMLHttpRequest()
  form.open('POST', '/uploaded')
  form.send('')
  return 'other'
})
add('fails', 'd', () => { throw new Error('broken') })
add('dated', '%date:yyyy%', () => '2026')
add('hidden', 'e').options.serialize = false
const other = app.graph.getNodeById(5).addWidget('text', 'changes later', 'j', () => {})
other.serializeValue = async function () { await null; this.value = 'k'; return 'k' }
"""


@pytest.fixture
def odd(panel: Panel) -> Panel:
    panel.js(ADD_WIDGETS)
    return panel


# How often the nodes of the whole graph are gone through.
COUNT = """
window.reads = 0
Object.defineProperty(app.graph, 'nodes', { get() { window.reads += 1; return this._nodes }, configurable: true })
for (let more = 0; more < argument; more++) app.graph.add(LiteGraph.createNode('SaveImage'))
"""


def forgotten(route: Any) -> None:
    route.fulfill(status=409, json={'error': 'this graph is not known here any more'})


def tells_whole(request: Any) -> bool:
    return request.url.endswith('/comfyscript/transpile') and 'workflow' in request.post_data_json


def live(panel: Panel) -> dict[int, dict[str, Any]]:
    """What the panel tells the server of the nodes of the graph."""
    with panel.page.expect_request(tells_whole) as asked:
        # Of a graph that the server knows, only what has changed is told.
        panel.page.route('**/comfyscript/transpile', forgotten, times=1)
        panel.js('app.graph._version++')
    sent = asked.value.post_data_json
    return {node['id']: node['comfyscript_live'] for node in sent['workflow']['nodes']}


def test_values_are_those_that_a_prompt_would_have(odd: Panel) -> None:
    told = live(odd)
    values = told[3]['values']
    expected = {
        'plain': 'kept',
        'reads': 'made of a',
        'row': {'lora': 'x'},
        'draws': 5,
        'counts': 5,
        'asks': 'b',
        'promises': 'made of f',
        'asks later': 'h',
        'waits': 'i',
        'uploads': 'c',
        'fails': 'd',
        'dated': '%date:yyyy%',
    }
    assert {key: values[key] for key in expected} == expected
    assert told[5]['values']['changes later'] == 'j'
    assert not {'hidden', 'control_after_generate', 'leaves out'} & values.keys()


def test_it_changes_nothing_and_asks_nobody(odd: Panel) -> None:
    asked: list[str] = []
    odd.page.on('request', lambda request: asked.append(request.url))
    before = odd.graph()
    live(odd)
    odd.settle(200)
    assert odd.graph() == before
    assert not [url for url in asked if '/asked' in url or '/uploaded' in url]
    assert odd.js('return typeof Math.random() + typeof crypto.getRandomValues(new Uint8Array(1))[0]') == 'numbernumber'


def test_no_saved_workflow_has_them(odd: Panel) -> None:
    assert 'comfyscript_live' not in str(odd.graph())


def test_names_of_files_are_not_looked_up_in_the_whole_graph(panel: Panel) -> None:
    reads = []
    for more in (0, 30):
        panel.js(COUNT, more)
        panel.settle(300)
        panel.js('window.reads = 0')
        told = live(panel)
        reads.append(panel.js('return window.reads'))
    assert reads[1] < reads[0] + 20
    assert [one['values'] for one in told.values() if one['title'] == 'Save Image'][1] == {'filename_prefix': 'ComfyUI'}


def test_a_change_before_the_panel_looks_the_first_time_is_seen(panel: Panel) -> None:
    panel.close()
    panel.js("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")  # nothing is looked at
    panel.open()
    panel.wait_for_text('steps=2')
    panel.js("app.graph.getNodeById(3).widgets.find(one => one.name === 'steps').value = 7; app.graph._version++")
    panel.js('delete document.hidden')
    panel.wait_for_text('steps=7')

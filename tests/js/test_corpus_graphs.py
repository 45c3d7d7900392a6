"""Every official template that the server has the nodes of: its unedited script, applied, changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from comfy_script.tests.js.conftest import APP, TRACK, Panel
from comfy_script.tests.parity.packages import PackageError, read_workflows, templates_folder

pytestmark = [pytest.mark.browser, pytest.mark.server]

# Nodes of the web UI itself.
PAGE_NODES = {'Note', 'MarkdownNote', 'PrimitiveNode', 'Reroute'}
# The lab's server has the nodes of 94; far fewer would mean that they are not found.
AT_LEAST = 80
BATCH = 12

# The panel takes an unedited script for applied at once. A comment makes it ask the server and carry out the answer.
APPLY_ALL = """
const { openedPanel } = await import('/extensions/ComfyScript/panel/panel.mjs')
const panel = await openedPanel()
const { liveGraph } = await import('/extensions/ComfyScript/panel/comfy.mjs')
const buttons = () => [...document.querySelectorAll('.cs-state button')]
const discard = () => buttons().find(one => /Discard|Take the graph/.test(one.textContent))?.click()
const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))
const frames = async number => { for (; number; number--) await new Promise(requestAnimationFrame) }
// The comment stays with the graph: that is what it changes.
const graph = () => {
  const { comfyscript, ...extra } = (app.rootGraph ?? app.graph).extra
  return JSON.stringify({ ...(app.rootGraph ?? app.graph).serialize(), extra })
}
const quiet = { showMissingNodesDialog: false, showMissingModelsDialog: false }

const { api } = window.comfyAPI.api
const fetchApi = api.fetchApi
let plans = []
let shown = {}
// Graphs by the names that the page gave them: of most it tells only what has changed since another.
const sent = new Map()
const plain = graph => JSON.parse(JSON.stringify(graph))
const text = ({ nodes, extra, ...rest }) => JSON.stringify([nodes, { ...extra, ds: undefined }, Object.entries(rest).sort()])
function told({ workflow, since, changes }) {
  if (workflow || !sent.has(since)) return workflow
  const { nodes, ...rest } = sent.get(since)
  const known = new Map([...nodes, ...changes.nodes].map(node => [node.id, node]))
  const values = Object.entries({ ...rest, ...changes.set }).filter(([key]) => !changes.gone.includes(key))
  return { ...Object.fromEntries(values), nodes: (changes.order ?? nodes.map(node => node.id)).map(id => known.get(id)) }
}
api.fetchApi = async (route, options) => {
  const asked = typeof options?.body === 'string' && options.body.startsWith('{') ? JSON.parse(options.body) : {}
  const about = told(asked)
  // What was told before this began is not known here: the page has to send the whole.
  if (asked.since && !about) return new Response('{"error":"not known"}', { status: 409 })
  if (asked.keep) sent.set(asked.keep, about)
  const response = await fetchApi.call(api, route, options)
  if (route === '/comfyscript/transpile' && response.ok) shown = { graph: text(about), script: (await response.clone().json()).script }
  if (route === '/comfyscript/apply') plans.push(await response.clone().json())
  return response
}

// Sizes and slots settle in the frames after loading.
async function load(workflow) {
  const { activeWorkflow } = app.extensionManager.workflow
  await app.loadGraphData(workflow, true, true, activeWorkflow, quiet)
  await frames(3)
  for (let tries = 0, last; last !== (last = graph()); tries++) {
    if (tries > 20) throw new Error('the graph keeps changing by itself')
    await frames(1)
  }
  // An answer on its way may still be about the graph before.
  const current = text(plain(await liveGraph()))
  for (let tries = 0; shown.graph !== current || panel.editor.text() !== shown.script; tries++) {
    if (tries > 1000) throw new Error('the panel does not show the graph')
    if (tries % 50 === 49) panel.graphChanged(true)
    await wait(10)
  }
}

async function apply() {
  const before = graph()
  const { view } = panel.editor
  const changes = { from: view.state.doc.length, insert: '\\n# the same' }
  view.dispatch({ changes, userEvent: 'input.type' })
  plans = []
  await panel.apply()
  await frames(2)
  return { before, after: graph(), plan: plans[0], state: document.querySelector('.cs-state').innerText }
}

const results = {}
try {
  for (const [name, workflow] of Object.entries(argument)) {
    try {
      await load(workflow)
      results[name] = await apply()
    } catch (error) {
      results[name] = { error: String(error) }
      discard()
    }
  }
} finally {
  delete api.fetchApi
}
for (const result of Object.values(results)) if (result.before === result.after) result.before = result.after = ''
return results
"""


def node_types(workflow: Mapping[str, Any]) -> set[str]:
    definitions = workflow.get('definitions', {}).get('subgraphs', [])
    found = {node['type'] for part in (workflow, *definitions) for node in part['nodes']}
    return found - {definition['id'] for definition in definitions} - PAGE_NODES


@pytest.fixture(scope='module')
def workflows(opened: Panel) -> dict[str, Any]:
    """The templates, those that the corpus was made from among them, that have no node the server lacks."""
    try:
        folder = templates_folder()
    except PackageError as error:
        pytest.skip(str(error))
    known = set(opened.server.get('/object_info'))
    return {name: workflow for name, workflow in read_workflows(folder) if node_types(workflow) <= known}


def batches(workflows: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = list(workflows)
    for start in range(0, len(names), BATCH):
        yield {name: workflows[name] for name in names[start : start + BATCH]}


def problem(result: Mapping[str, Any]) -> str | None:
    if 'error' in result:
        return result['error']
    plan = result['plan']
    if plan is None or 'errors' in plan:
        return f'no plan: {plan}'
    if plan['edits']:
        return f'edits: {plan["edits"][:3]}'
    if result['before'] != result['after']:
        before, after = (json.loads(result[when]) for when in ('before', 'after'))
        return f'changed: {[key for key in before | after if before.get(key) != after.get(key)]}'
    return None if 'Matches the graph' in result['state'] else f'state: {result["state"]}'


def test_applying_an_unedited_script_changes_nothing(
    panel: Panel, workflows: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    panel.page.wait_for_function(f'{APP}.extensionManager.workflow.activeWorkflow')
    results: dict[str, Any] = {}
    for batch in batches(workflows):
        results |= panel.js(APPLY_ALL, batch)
    compared = [name for name, result in results.items() if 'after' in result]
    with capsys.disabled():
        print(f' {len(compared)} graphs compared ', end='')
    assert {name: found for name, result in results.items() if (found := problem(result))} == {}
    assert len(compared) == len(workflows) >= AT_LEAST


def test_value_of_a_subgraph_that_an_older_value_is_kept_for(panel: Panel, workflows: dict[str, Any]) -> None:
    """A web UI that loads this file prefers the older value; once another is entered, that one is on screen."""
    workflow = workflows['flux1_dev_uso_reference_image_gen']
    host = next(node for node in workflow['nodes'] if node['id'] == 112)
    assert ['-1', 'width'] in [kept['originalEntry'] for kept in host['properties']['proxyWidgetErrorQuarantine']]
    panel.load(workflow)
    panel.wait_for_text('width=1024', timeout=10000)
    panel.js(
        f"""const widget = app.graph.getNodeById(112).widgets.find(widget => widget.name === 'width')
        if (widget) widget.value = 1025; widget?.callback?.(1025); {TRACK}"""
    )
    if panel.prompt()['112:110']['inputs']['width'] != 1025:
        pytest.skip('this web UI has no values of subgraphs as this file has them')
    panel.wait_for_text('width=1025')
    # The first one is the function's default, the last one the call's.
    call = panel.text()[panel.text().rindex('width=1025') :]
    panel.edit(call, call.replace('1025', '1026', 1))
    prompt = panel.prompt()
    panel.button('Apply').click()
    panel.wait_for_state('Matches the graph')
    prompt['112:110']['inputs']['width'] = 1026
    assert panel.prompt() == prompt, 'that value, and nothing else'

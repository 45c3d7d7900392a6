"""Run of an edited text queues what ComfyUI would queue after Apply, and leaves the graph as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from comfy_script.tests.js.conftest import APP, TRACK, Panel

pytestmark = [pytest.mark.browser, pytest.mark.server]

SHARPER = 'image = VAEDecode(latent, vae)\nimage = ImageSharpen(image, 2)'


# The graph's script is long in coming.
LATE = """
const { api } = window.comfyAPI.api
const { fetchApi } = api
api.fetchApi = async (route, ...rest) => {
  if (route === '/comfyscript/transpile') await new Promise(resolve => setTimeout(resolve, 1500))
  return fetchApi.call(api, route, ...rest)
}
"""


class Queue:
    """What the page sends to the server's queue."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.bodies: list[dict[str, Any]] = []
        panel.page.on('request', self._keep)

    def _keep(self, request: Any) -> None:
        if request.url.endswith('/api/prompt') and request.method == 'POST':
            self.bodies.append(json.loads(request.post_data))

    def run(self) -> dict[str, Any]:
        """The body of one run of the text."""
        count = len(self.bodies)
        self.panel.page.keyboard.press('Control+Enter')
        self.panel.until(lambda: len(self.bodies) > count)
        self.panel.settle(400)
        assert len(self.bodies) == count + 1
        return self.bodies[-1]


@pytest.fixture
def queue(panel: Panel) -> Iterator[Queue]:
    yield Queue(panel)


def workflow_of(body: dict[str, Any]) -> dict[str, Any]:
    return body['extra_data']['extra_pnginfo']['workflow']


def by_type(prompt: dict[str, Any], type_: str) -> dict[str, Any]:
    (found,) = [{'id': key, **node} for key, node in prompt.items() if node['class_type'] == type_]
    return found


def set_seed(panel: Panel, seed: int) -> None:
    found = re.search(r'(seed=)?1(,\s*steps=)', panel.text())
    assert found is not None
    panel.edit(found.group(0), f'{found.group(1) or ""}{seed}{found.group(2)}')


def history(panel: Panel) -> list[int]:
    return panel.js(
        'const { undoQueue, redoQueue } = app.extensionManager.workflow.activeWorkflow.changeTracker\n'
        'return [undoQueue.length, redoQueue.length]'
    )


class TestValues:
    def test_keep_the_graphs_ids_and_layout(self, panel: Panel, queue: Queue) -> None:
        before, steps, prompt = panel.graph(), history(panel), panel.prompt()
        panel.edit('steps=2', 'steps=3')
        panel.settle(200)
        body = queue.run()

        assert body['prompt'].keys() == prompt.keys()
        assert body['prompt']['3']['inputs']['steps'] == 3
        sent = workflow_of(body)
        assert [node['pos'] for node in sent['nodes']] == [node['pos'] for node in before['nodes']]
        assert sent['groups'] == before['groups']
        assert 'steps=3' in sent['extra']['comfyscript']['text']
        assert next(node for node in sent['nodes'] if node['id'] == 3)['widgets_values'][2] == 3
        assert panel.graph()['nodes'] == before['nodes']
        assert history(panel) == steps
        assert 'steps=3' in panel.text()

    def test_the_output_shows_on_its_node(self, panel: Panel, queue: Queue) -> None:
        panel.edit('steps=2', 'steps=4')
        panel.settle(200)
        queue.run()
        panel.page.wait_for_function("window.comfyAPI.app.app.nodeOutputs['9']?.images?.length", timeout=20000)

    def test_texts_with_choices_are_drawn(self, panel: Panel, queue: Queue) -> None:
        panel.edit('text, watermark', '{blurred|dull} /* never */ picture')
        panel.settle(200)
        text = queue.run()['prompt']['7']['inputs']['text']
        assert text.split() in (['blurred', 'picture'], ['dull', 'picture'])
        assert '{blurred|dull}' in panel.text()

    def test_dates_and_values_in_file_names(self, panel: Panel, queue: Queue) -> None:
        panel.edit("'panel'", "'%date:yyyy%-%KSampler.steps%'")
        panel.edit('steps=2', 'steps=6')
        panel.settle(200)
        name = queue.run()['prompt']['9']['inputs']['filename_prefix']
        assert name.startswith('20')
        assert name.endswith('-6')

    def test_a_seed_that_the_text_leaves_goes_on(self, panel: Panel, queue: Queue) -> None:
        panel.set_widget(3, 'control_after_generate', 'increment')
        panel.edit('steps=2', 'steps=3')
        panel.settle(200)
        first = queue.run()
        second = queue.run()
        assert [body['prompt']['3']['inputs']['seed'] for body in (first, second)] == [1, 2]
        panel.page.wait_for_function("/\\b3,\\s*steps=3/.test(document.querySelector('#cs-script').innerText)")
        assert 'steps=3' in panel.text()

    def test_a_seed_goes_on_before_the_text_shows_it(self, panel: Panel, queue: Queue) -> None:
        panel.set_widget(3, 'control_after_generate', 'increment')
        panel.edit('steps=2', 'steps=3')
        panel.settle(200)
        panel.js(LATE)
        try:
            first = queue.run()
            panel.page.wait_for_function(f'{APP}.graph.getNodeById(3).widgets[0].value === 2')
            second = queue.run()
        finally:
            panel.js('delete window.comfyAPI.api.api.fetchApi')
        assert [body['prompt']['3']['inputs']['seed'] for body in (first, second)] == [1, 2]

    def test_a_seed_that_the_text_sets_stays(self, panel: Panel, queue: Queue) -> None:
        panel.set_widget(3, 'control_after_generate', 'randomize')
        set_seed(panel, 77)
        panel.settle(200)
        assert [queue.run()['prompt']['3']['inputs']['seed'] for _ in range(2)] == [77, 77]
        panel.page.wait_for_function(f"{APP}.graph.getNodeById(3).widgets[1].value === 'randomize'")  # it was held
        assert panel.widget(3, 'control_after_generate') == 'randomize'
        assert panel.widget(3, 'seed') == 1


class TestNodes:
    @pytest.fixture
    def body(self, panel: Panel, queue: Queue) -> dict[str, Any]:
        """Of a run with one node more."""
        self.before, self.steps = panel.graph(), history(panel)
        panel.js('app.canvas.selectNode(app.graph.getNodeById(6))')
        panel.edit('image = VAEDecode(latent, vae)', SHARPER)
        panel.settle(200)
        return queue.run()

    def test_are_in_the_graph_that_apply_would_make(self, panel: Panel, body: dict[str, Any]) -> None:
        added = by_type(body['prompt'], 'ImageSharpen')
        assert added['inputs']['image'] == ['8', 0]
        assert body['prompt']['9']['inputs']['images'] == [added['id'], 0]
        sent = workflow_of(body)
        # What follows makes room for it.
        kept = {node['id']: node['pos'] for node in self.before['nodes'] if node['type'] != 'SaveImage'}
        assert {node['id']: node['pos'] for node in sent['nodes'] if node['id'] in kept} == kept
        assert any(str(node['id']) == added['id'] for node in sent['nodes'])

        panel.button('Apply').click()
        panel.wait_for_state('Matches the graph')
        assert by_type(panel.prompt(), 'ImageSharpen')['id'] == added['id']

    def test_the_graph_is_as_before(self, panel: Panel, body: dict[str, Any]) -> None:
        after = panel.graph()
        assert {node['id']: node for node in after['nodes']} == {node['id']: node for node in self.before['nodes']}
        assert sorted(after['links']) == sorted(self.before['links'])
        assert history(panel) == self.steps
        assert panel.js('return [...app.canvas.selectedItems].map(item => String(item.id))') == ['6']
        assert 'ImageSharpen' in panel.text()


def test_what_another_pack_adds_when_queueing_is_there(panel: Panel, queue: Queue) -> None:
    panel.js(
        """window.plainGraphToPrompt = app.graphToPrompt
        app.graphToPrompt = async function (...args) {
          const made = await window.plainGraphToPrompt.apply(this, args)
          for (const node of Object.values(made.output)) node.inputs.added = app.graph.nodes.length
          return made }"""
    )
    try:
        panel.edit('image = VAEDecode(latent, vae)', SHARPER)
        panel.settle(200)
        body = queue.run()
        assert {node['inputs']['added'] for node in body['prompt'].values()} == {8}
        assert panel.js('return app.graphToPrompt !== window.plainGraphToPrompt')
    finally:
        panel.js('app.graphToPrompt = window.plainGraphToPrompt')


def test_an_output_that_the_server_leaves_out_is_marked(panel: Panel, queue: Queue) -> None:
    panel.edit("SaveImage(image, 'panel')", "SaveImage(image, 'panel')\nPreviewImage(ImageScaleBy(image, 'area', 0))")
    panel.settle(200)
    queue.run()
    panel.wait_for_state('smaller than min')
    assert 'Line 1:' not in panel.state()


def test_an_output_of_the_graph_that_the_server_leaves_out_is_marked(panel: Panel, queue: Queue) -> None:
    panel.edit("SaveImage(image, 'panel')", "SaveImage(image, 'panel')\nPreviewImage(ImageScaleBy(image, 'area', 0))")
    panel.wait_for_state('scale_by')
    panel.button('Apply').click()
    panel.wait_for_state('Matches the graph')
    queue.run()
    panel.wait_for_state('smaller than min')
    panel.page.wait_for_selector('.cm-lintRange-error, .cm-lint-marker-error')


VAE = 'app.graph.getNodeById(8)'


@pytest.fixture
def refused(panel: Panel) -> Iterator[Panel]:
    """A graph that the server refuses: an input is not connected."""
    panel.js(f'{VAE}.disconnectInput(1); {TRACK}')
    panel.wait_for_text('VAEDecode(latent, None)')
    yield panel
    close_report(panel)


def close_report(panel: Panel) -> None:
    """ComfyUI's own, of a run that was refused; it may still be in coming. The log has it, too, with our call in it."""
    for _ in range(3):
        if panel.page.locator('[role=dialog]').count():
            panel.page.keyboard.press('Escape')
        panel.settle(200)
    panel.problems[:] = [one for one in panel.problems if not one.startswith('PromptExecutionError: ')]


class TestRefused:
    @pytest.mark.parametrize('whose', ['the panel', 'ComfyUI'])
    def test_graph_is_marked(self, refused: Panel, whose: str) -> None:
        if whose == 'ComfyUI':
            refused.js("await app.extensionManager.command.execute('Comfy.QueuePrompt')")
        else:
            refused.button('Run').click()
        refused.wait_for_state('Required input is missing: vae', timeout=20_000)
        refused.page.wait_for_selector('.cm-lintRange-error, .cm-lint-marker-error')
        assert 'Line 1:' not in refused.state()

    def test_graph_whose_node_is_muted_is_marked(self, panel: Panel) -> None:
        panel.js(f'{VAE}.mode = 2; {TRACK}')
        panel.wait_for_text('SaveImage(None')
        panel.button('Run').click()
        panel.wait_for_state('Required input is missing: images', timeout=20_000)
        close_report(panel)

    def test_graph_that_runs_again_is_marked_no_more(self, refused: Panel, queue: Queue) -> None:
        refused.button('Run').click()
        refused.wait_for_state('Required input is missing: vae', timeout=20_000)
        close_report(refused)
        refused.js(f'app.graph.getNodeById(4).connect(2, {VAE}, 1); {TRACK}')
        refused.wait_for_text('VAEDecode(latent, vae)')
        refused.js("await app.extensionManager.command.execute('Comfy.QueuePrompt')")
        refused.page.wait_for_selector('.cm-lintRange-error, .cm-lint-marker-error', state='detached')
        assert len(queue.bodies) == 2
        assert 'Required' not in refused.state()

    def test_text_changes_no_seed(self, refused: Panel, queue: Queue) -> None:
        refused.set_widget(3, 'control_after_generate', 'increment')
        refused.edit('steps=2', 'steps=3')
        refused.wait_for_state('1 value')
        queue.run()
        refused.wait_for_state('Required input is missing: vae', timeout=20_000)
        # The panel has the graph to itself until all is as before.
        refused.wait_for_text('steps=3')
        refused.until(lambda: not refused.js('return app.processingQueue'))
        assert refused.widget(3, 'seed') == 1
        assert refused.widget(3, 'steps') == 2
        assert refused.widget(3, 'control_after_generate') == 'increment'

    def test_text_is_asked_about_once(self, refused: Panel, queue: Queue) -> None:
        refused.edit('steps=2', 'steps=3')
        refused.js("app.extensionManager._p._s.get('queueSettingsStore').batchCount = 3")
        try:
            queue.run()
            refused.wait_for_state('Required input is missing: vae', timeout=20_000)
            refused.until(lambda: not refused.js('return app.processingQueue'))
            assert len(queue.bodies) == 1
        finally:
            refused.js("app.extensionManager._p._s.get('queueSettingsStore').batchCount = 1")

    def test_text_can_be_applied(self, refused: Panel, queue: Queue) -> None:
        refused.edit('steps=2', 'steps=3')
        refused.wait_for_state('1 value')
        queue.run()
        refused.wait_for_state('Required input is missing: vae', timeout=20_000)
        assert refused.button('Discard').is_visible()
        refused.button('Apply').click()
        refused.wait_for_state('Matches the graph')
        assert refused.widget(3, 'steps') == 3


def test_apply_makes_a_seed_that_the_text_sets_fixed(panel: Panel) -> None:
    panel.set_widget(3, 'control_after_generate', 'randomize')
    set_seed(panel, 77)
    panel.apply('seed fixed')
    assert panel.widget(3, 'seed') == 77
    assert panel.widget(3, 'control_after_generate') == 'fixed'


def test_an_error_in_a_nodes_script_is_told_in_one_line_with_its_place_there(panel: Panel) -> None:
    panel.js(
        f"""const node = LiteGraph.createNode('ComfyScript'); app.graph.add(node)
        const widget = node.widgets.find(one => one.name === 'script')
        widget.value = argument; widget.callback?.(argument); {TRACK}""",
        '# one\n# two\n# three\n# four\nx = 1 / 0\n',
    )
    panel.wait_for_text('ComfyScript(')
    panel.wait_for_state('Matches the graph')
    panel.button('Run').click()
    panel.wait_for_state('ZeroDivisionError', timeout=30_000)
    said = r"Line \d+: in the node's script, line 5: ZeroDivisionError: division by zero"
    assert re.fullmatch(said, panel.state().strip())
    assert panel.page.locator('.cs-dot-same').count() == 0
    assert panel.page.locator('.cs-dot-error').count() == 1

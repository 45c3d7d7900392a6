"""What somebody typed stays the graph's script: comments, names and loops, also after the graph has changed."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.tests.js.conftest import TRACK, Panel, small_workflow

pytestmark = [pytest.mark.browser, pytest.mark.server]

TEXT = """\
# two pictures
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
bad = CLIPTextEncode('text, watermark', clip)  # never again
for number, wish in enumerate(('a cat', 'a dog')):
    latent = KSampler(model, number, 2, 8, 'euler', 'normal', CLIPTextEncode(wish, clip), bad, EmptyLatentImage(64, 64, 1), 1)
    SaveImage(VAEDecode(latent, vae), 'panel')
"""  # noqa: E501


@pytest.fixture
def written(panel: Panel) -> Panel:
    """The panel after a script of one's own was applied."""
    panel.edit(panel.text(), TEXT)
    panel.wait_for_state('new nodes')
    panel.button('Apply').click()
    panel.wait_for_state('Matches the graph')
    return panel


def nodes(panel: Panel, type_: str) -> list[dict[str, Any]]:
    return [node for node in panel.graph()['nodes'] if node['type'] == type_]


def set_steps(panel: Panel, value: int) -> None:
    """Of both samplers, as one step."""
    panel.js(
        f"""for (const node of app.graph.nodes.filter(node => node.type === 'KSampler'))
          node.widgets.find(widget => widget.name === 'steps').value = argument
        {TRACK}""",
        value,
    )


def test_text_stays_after_apply(written: Panel) -> None:
    assert written.text() == TEXT
    assert len(nodes(written, 'KSampler')) == 2
    written.close()
    written.open()
    written.wait_for_state('Matches the graph')
    assert written.text() == TEXT


def test_lines_and_nodes_are_still_known(written: Panel) -> None:
    written.js("app.canvas.selectNode(app.graph.nodes.find(node => node.type === 'KSampler'))")
    # What was applied was selected before.
    written.page.wait_for_function(
        """() => { const lines = [...document.querySelectorAll('.cs-line-selected')]
        return lines.length && lines.every(line => line.textContent.includes('KSampler(')) }"""
    )
    written.page.locator('#cs-script .cm-line', has_text='bad = ').click()
    assert written.js('return [...app.canvas.selectedItems].map(node => node.widgets[0].value)') == ['text, watermark']


def test_value_changed_in_the_graph_changes_in_the_text(written: Panel) -> None:
    set_steps(written, 3)
    written.wait_for_text('number, 3, 8')
    assert written.text() == TEXT.replace('number, 2', 'number, 3')
    written.wait_for_state('Matches the graph')
    written.undo()
    written.wait_for_text('number, 2, 8')
    assert written.text() == TEXT


def test_more_than_a_value_and_back(written: Panel) -> None:
    one = nodes(written, 'SaveImage')[0]
    written.js('app.graph.getNodeById(argument).mode = 2; app.graph._version++', one['id'])
    written.wait_for_state('Written anew')
    text = written.text()
    assert text.startswith('# two pictures\n')
    assert '# never again' in text
    assert 'bad = CLIPTextEncode(' in text
    written.button('My script').click()
    assert written.text() == TEXT
    written.wait_for_state('1 new node')
    written.button('Discard').click()
    assert written.text() == text


def test_undo_brings_the_text_before(written: Panel) -> None:
    written.undo()
    written.wait_for_text('conditioning2')
    assert 'two pictures' not in written.text()


def test_comment_alone(panel: Panel) -> None:
    panel.edit('image = VAEDecode', '# to pixels\nimage = VAEDecode')
    before = panel.graph()['nodes']
    panel.wait_for_state('nothing to change')
    panel.wait_for_state('Matches the graph')
    assert '# to pixels\nimage = VAEDecode' in panel.text()
    assert panel.graph()['nodes'] == before


def test_travels_with_the_workflow(written: Panel) -> None:
    workflow = written.graph()
    written.load(small_workflow(), 'another')
    written.wait_for_text('conditioning2')
    written.load(workflow, 'the same')
    written.wait_for_text('# two pictures')
    assert written.text() == TEXT


def test_edits_of_a_text_of_ones_own(written: Panel) -> None:
    written.edit('watermark', 'signature')
    written.wait_for_state('1 value')
    written.button('Apply').click()
    written.wait_for_state('Matches the graph')
    assert written.text() == TEXT.replace('watermark', 'signature')


def test_written_anew_when_asked_for(written: Panel) -> None:
    written.menu('Write the script anew')
    written.page.wait_for_function("!document.querySelector('#cs-script').textContent.includes('two pictures')")
    assert 'comfyscript' not in written.graph()['extra']
    written.undo()
    written.wait_for_text('# two pictures')


def test_names_and_comments_are_kept_without_apply(panel: Panel) -> None:
    steps = panel.js('return app.extensionManager.workflow.activeWorkflow.changeTracker.undoQueue.length')
    panel.edit('image = VAEDecode', 'photo = VAEDecode')
    panel.edit('SaveImage(image', 'SaveImage(photo')
    panel.wait_for_state('Matches the graph')
    panel.edit('photo = VAEDecode', '# to pixels\nphoto = VAEDecode')
    panel.wait_for_state('nothing to change')
    panel.wait_for_state('Matches the graph')
    assert '# to pixels\nphoto = VAEDecode' in panel.graph()['extra']['comfyscript']['text']
    after = panel.js('return app.extensionManager.workflow.activeWorkflow.changeTracker.undoQueue.length')
    assert after <= steps + 1
    panel.close()
    panel.open()
    assert 'photo = VAEDecode' in panel.text()


def test_a_heading_is_renamed_without_apply(panel: Panel) -> None:
    panel.group('Prompts', 6, 7)
    panel.edit('# Prompts', '# What is wished for')
    panel.wait_for_state('nothing to change')
    panel.wait_for_state('Matches the graph')
    panel.close()
    panel.open()
    assert '# What is wished for\n' in panel.text()
    # Another value later leaves it there.
    panel.set_widget(3, 'steps', 7)
    panel.wait_for_text('steps=7')
    assert '# What is wished for\n' in panel.text()


def test_a_comment_leaves_what_was_undone_to_be_redone(panel: Panel) -> None:
    panel.set_widget(3, 'cfg', 5)
    panel.wait_for_text('cfg=5')
    panel.undo()
    panel.wait_for_text('cfg=8')
    panel.edit('image = VAEDecode', '# to pixels\nimage = VAEDecode')
    panel.wait_for_state('nothing to change')
    # Longer than a text waits to be kept.
    panel.settle(1500)
    panel.js('await app.extensionManager.workflow.activeWorkflow.changeTracker.redo()')
    panel.wait_for_text('cfg=5')
    assert panel.widget(3, 'cfg') == 5
    assert '# to pixels\nimage' in panel.text()


def test_a_value_that_the_text_computes_is_told_where_the_graph_has_another(panel: Panel) -> None:
    text = TEXT.replace('KSampler(model, number,', 'KSampler(model, number * 7 + 1,')
    panel.edit(panel.text(), text)
    panel.wait_for_state('new nodes')
    panel.button('Apply').click()
    panel.wait_for_state('Matches the graph')
    (first, second) = sorted(nodes(panel, 'KSampler'), key=lambda node: node['widgets_values'][0])
    assert [node['widgets_values'][0] for node in (first, second)] == [1, 8]
    panel.set_widget(second['id'], 'seed', 5)
    panel.wait_for_state('In the graph, seed is 5')
    assert panel.text() == text
    panel.button('Apply').click()
    panel.wait_for_state('Matches the graph')
    assert panel.widget(second['id'], 'seed') == 8


def test_only_what_changed_is_sent(panel: Panel) -> None:
    """Until the server knows the graph no more: then all of it, and the text goes on."""
    sent: list[dict[str, Any]] = []
    panel.page.on('request', lambda one: sent.append(one.post_data_json) if one.url.endswith('/transpile') else None)
    panel.set_widget(3, 'steps', 7)
    panel.wait_for_text('steps=7')
    assert [node['id'] for node in sent[-1]['changes']['nodes']] == [3]
    assert 'workflow' not in sent[-1]
    for number in range(9):
        body = {'workflow': {'nodes': []}, 'keep': f'of another page {number}'}
        panel.server.post('/comfyscript/transpile', body)
    panel.set_widget(3, 'steps', 8)
    panel.wait_for_text('steps=8')
    assert len(sent[-1]['workflow']['nodes']) == len(panel.graph()['nodes'])

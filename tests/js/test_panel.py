"""The panel in a real browser on a real server: what a user sees and does."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfy_script.tests.js.conftest import TRACK, Panel, small_workflow

pytestmark = [pytest.mark.browser, pytest.mark.server]


def test_open_shows_the_graph_as_a_script(panel: Panel) -> None:
    assert panel.lines()[0].startswith('model, clip, vae = CheckpointLoaderSimple(')
    assert panel.lines()[-2].startswith('SaveImage(')
    assert 'Matches the graph' in panel.state()


class TestLiveRefresh:
    def test_value(self, panel: Panel) -> None:
        panel.set_widget(3, 'steps', 7)
        panel.wait_for_text('steps=7')

    def test_bypass(self, panel: Panel) -> None:
        panel.js(f'app.graph.getNodeById(9).mode = 2; {TRACK}')
        panel.wait_for_text('# SaveImage(')

    def test_undo(self, panel: Panel) -> None:
        panel.set_widget(3, 'steps', 9)
        panel.wait_for_text('steps=9')
        panel.undo()
        panel.wait_for_text('steps=2')

    def test_change_by_another_extension(self, panel: Panel) -> None:
        panel.js("app.graph.add(LiteGraph.createNode('VAELoader'))")
        panel.wait_for_text('VAELoader(')

    def test_another_workflow(self, panel: Panel) -> None:
        workflow = small_workflow()
        workflow['nodes'] = [node for node in workflow['nodes'] if node['type'] == 'EmptyLatentImage']
        workflow['nodes'][0]['outputs'][0]['links'] = []
        workflow['links'] = []
        panel.load(workflow)
        panel.page.wait_for_function("!document.querySelector('.cm-content').textContent.includes('KSampler')")
        assert panel.text().strip().endswith('EmptyLatentImage(64, 64, batch_size=1)')

    def test_off(self, panel: Panel) -> None:
        panel.js("await app.extensionManager.setting.set('ComfyScript.Panel.LiveRefresh', false)")
        try:
            panel.settle(500)
            panel.set_widget(3, 'steps', 11)
            panel.wait_for_state('The graph has changed')
            assert 'steps=2' in panel.text()
            panel.button('Refresh').click()
            panel.wait_for_text('steps=11')
        finally:
            panel.js("await app.extensionManager.setting.set('ComfyScript.Panel.LiveRefresh', true)")


class TestSelection:
    def test_node_to_lines(self, panel: Panel) -> None:
        panel.js('app.canvas.selectNode(app.graph.getNodeById(6))')
        panel.page.wait_for_selector('.cs-line-selected')
        panel.until(lambda: panel.marked('selected') == [line for line in panel.lines() if 'scenery' in line])

    def test_line_to_node(self, panel: Panel) -> None:
        panel.page.locator('#cs-script .cm-line', has_text='EmptyLatentImage').click()
        assert panel.js('return [...app.canvas.selectedItems].map(item => String(item.id))') == ['5']
        assert panel.page.evaluate("document.activeElement.classList.contains('cm-content')")


class TestApply:
    def test_unedited_changes_nothing(self, panel: Panel) -> None:
        before = panel.graph()
        panel.js("await app.extensionManager.command.execute('ComfyScript.Apply')")
        panel.settle()
        assert panel.graph() == before

    def test_value(self, panel: Panel) -> None:
        before = panel.graph()
        panel.edit('steps=2', 'steps=5')
        panel.apply('1 value')
        assert panel.widget(3, 'steps') == 5
        after = panel.graph()
        assert [node['pos'] for node in after['nodes']] == [node['pos'] for node in before['nodes']]
        panel.undo()
        assert panel.graph()['nodes'] == before['nodes']

    def test_typing_during_apply_is_kept(self, panel: Panel) -> None:
        panel.edit('steps=2', 'steps=5')
        panel.wait_for_state('1 value')
        panel.page.keyboard.press('Control+s')
        panel.edit('cfg=8', 'cfg=9')
        panel.until(lambda: panel.widget(3, 'steps') == 5)
        panel.settle(500)
        assert 'cfg=9' in panel.text()
        panel.wait_for_state('1 value')

    def test_keyboard_only(self, panel: Panel) -> None:
        panel.edit('scenery', 'mountains')
        panel.page.keyboard.press('Control+s')
        panel.wait_for_state('Matches the graph')
        assert 'mountains' in panel.widget(6, 'text')

    def test_value_that_the_field_would_round(self, panel: Panel) -> None:
        panel.edit('EmptyLatentImage(64', 'EmptyLatentImage(65')
        panel.apply('1 value')
        assert panel.widget(5, 'width') == 65

    def test_value_that_a_packs_own_field_rounds(self, panel: Panel) -> None:
        panel.js(
            """const { widgets } = app.graph.getNodeById(5)
            const at = widgets.findIndex(one => one.name === 'width')
            const { name, value, options } = widgets[at]
            const callback = function (entered) { this.value = Math.round(entered / 8) * 8 }
            widgets[at] = { name, value, options, callback, type: 'A.PACKS' }"""
        )
        panel.edit('(64, 64, batch_size=1)', '(65, 66, batch_size=1)  # mine')
        panel.apply('2 values')
        panel.wait_for_text('(64, 66, batch_size=1)  # mine')
        assert [panel.prompt()['5']['inputs'][name] for name in ('width', 'height')] == [64, 66]
        messages = panel.page.locator('.p-toast, [role=alert]')  # the second in newer frontends
        messages.filter(has_text='width: its field takes 64').first.wait_for(state='attached')

    def test_one_of_two_values_of_a_primitive_node(self, panel: Panel) -> None:
        panel.js(
            """const primitive = LiteGraph.createNode('PrimitiveNode'); app.graph.add(primitive)
            for (const [id, name] of [[5, 'width'], [5, 'height']]) {
              const node = app.graph.getNodeById(id)
              primitive.connect(0, node, node.inputs.findIndex(input => input.name === name)) }
            primitive.widgets[0].value = 128"""
        )
        panel.wait_for_text('EmptyLatentImage(128, 128')
        panel.edit('EmptyLatentImage(128, 128', 'EmptyLatentImage(128, 192')
        panel.apply('1 value')
        assert [panel.prompt()['5']['inputs'][name] for name in ('width', 'height')] == [128, 192]
        panel.edit('EmptyLatentImage(128', 'EmptyLatentImage(256')
        panel.apply('1 value')
        assert panel.js("return app.graph.nodes.find(node => node.type === 'PrimitiveNode').widgets[0].value") == 256

    def test_undo_key_in_the_editor_leaves_the_graph_alone(self, panel: Panel) -> None:
        panel.set_widget(3, 'cfg', 5)
        panel.wait_for_text('cfg=5')
        panel.page.locator('#cs-script .cm-line').first.click()
        for key in ('Control+z', 'Delete', 'Control+c', 'Control+v'):
            panel.page.keyboard.press(key)
        panel.settle()
        assert panel.widget(3, 'cfg') == 5
        assert len(panel.graph()['nodes']) == 7

    def test_added_node(self, panel: Panel) -> None:
        panel.edit('image = VAEDecode(latent, vae)', 'image = VAEDecode(latent, vae)\nsharper = ImageSharpen(image, 2)')
        panel.edit('SaveImage(image,', 'SaveImage(sharper,')
        panel.wait_for_state('1 new node')
        before = panel.graph()
        panel.button('Apply').click()
        panel.wait_for_state('Matches the graph')
        panel.wait_for_text('ImageSharpen(')
        added = [node for node in panel.graph()['nodes'] if node['type'] == 'ImageSharpen']
        assert len(added) == 1
        assert added[0]['widgets_values'][0] == 2
        panel.undo()
        assert panel.graph()['nodes'] == before['nodes']
        assert panel.graph()['links'] == before['links']

    def test_removed_node(self, panel: Panel) -> None:
        panel.edit("SaveImage(image, 'panel')", 'PreviewImage(image)')
        panel.apply('1 removed')
        types = [node['type'] for node in panel.graph()['nodes']]
        assert 'SaveImage' not in types
        assert 'PreviewImage' in types

    def test_syntax_error_is_marked_on_its_line(self, panel: Panel) -> None:
        panel.edit('image = VAEDecode(latent, vae)', 'image = VAEDecode(latent vae)')
        panel.wait_for_state('Line')
        panel.page.wait_for_selector('.cm-lintRange-error, .cm-lint-marker-error')
        before = panel.graph()
        panel.js("await app.extensionManager.command.execute('ComfyScript.Apply')")
        assert panel.graph() == before
        assert panel.button('Apply').count() == 0

    def test_wrong_input_is_marked_on_its_line(self, panel: Panel) -> None:
        panel.edit('steps=2', 'stepz=2')
        panel.wait_for_state('stepz')

    def test_value_that_no_field_can_hold_is_refused(self, panel: Panel) -> None:
        panel.edit('cfg=8', "cfg='high'")
        panel.wait_for_state("cfg takes a number, not 'high'")

        assert panel.button('Apply').count() == 0

    def test_choice_that_there_is_not_is_warned_of(self, panel: Panel) -> None:
        panel.edit("'euler'", "'eulr'")
        panel.wait_for_state("sampler_name has no choice 'eulr' (did you mean 'euler'?)")

        panel.shows('.cm-lintRange-warning', "'eulr'")
        # The file may be there tomorrow.
        panel.apply('eulr')
        assert panel.widget(3, 'sampler_name') == 'eulr'
        # It is told as long as it is there, with what to put instead.
        panel.wait_for_state('1 problem')
        # A text that is marked anew meanwhile takes the help away: it comes when the pointer moves.
        for x in range(1, 20):
            panel.page.hover('.cm-lintRange-warning', position={'x': x, 'y': 4})
            panel.settle(500)
            if panel.page.locator('.cm-diagnosticAction').is_visible():
                break
        panel.page.click('.cm-diagnosticAction')
        panel.apply('1 value')
        assert panel.widget(3, 'sampler_name') == 'euler'
        assert 'problem' not in panel.state()

    def test_script_in_an_empty_graph(self, panel: Panel) -> None:
        script = panel.text()
        panel.js('app.canvas.ds.offset = [9000, 9000]; app.graph.clear()')
        panel.js(TRACK)
        panel.wait_for_state('Matches the graph')
        panel.page.wait_for_function("document.querySelector('#cs-script .cm-placeholder')")
        panel.page.click('#cs-script .cm-content')
        panel.page.keyboard.insert_text(script)
        panel.apply('7 new nodes')

        (sampler,) = [node for node in panel.graph()['nodes'] if node['type'] == 'KSampler']
        assert sampler['widgets_values'][:3] == [1, 'fixed', 2]
        seen = f'return app.canvas.visible_nodes.some(node => node.id == {sampler["id"]!r})'
        panel.until(lambda: panel.js(seen))

    def test_discard_and_undo_in_the_editor(self, panel: Panel) -> None:
        panel.edit('steps=2', 'steps=6')
        panel.button('Discard').click()
        assert 'steps=2' in panel.text()
        panel.page.keyboard.press('Control+z')
        assert 'steps=6' in panel.text()
        assert panel.widget(3, 'steps') == 2


class TestDraft:
    def test_survives_a_refresh_of_the_graph(self, panel: Panel) -> None:
        panel.edit('steps=2', 'steps=6')
        panel.set_widget(3, 'cfg', 3)
        panel.wait_for_text('cfg=3')
        assert 'steps=6' in panel.text()
        panel.button('Discard').click()
        assert 'cfg=3' in panel.text()
        assert 'steps=2' in panel.text()

    def test_survives_closing_the_panel(self, panel: Panel) -> None:
        panel.edit('steps=2', 'steps=6')
        panel.close()
        panel.open()
        panel.wait_for_text('steps=6')
        panel.wait_for_state('1 value')

    def test_every_workflow_has_its_own(self, panel: Panel) -> None:
        panel.edit('steps=2', 'steps=6')
        first = panel.js('return app.extensionManager.workflow.activeWorkflow.path')
        panel.load(small_workflow(cfg=5), 'second')
        panel.wait_for_text('cfg=5')
        assert 'steps=2' in panel.text()
        panel.js(
            """const { workflow } = app.extensionManager
            const first = workflow.openWorkflows.find(one => one.path === argument)
            await app.loadGraphData(first.changeTracker.activeState, true, true, first)""",
            first,
        )
        panel.wait_for_text('steps=6')
        assert 'cfg=8' in panel.text()

    def test_survives_a_reload(self, panel: Panel) -> None:
        panel.load(small_workflow(cfg=5), 'kept')
        panel.wait_for_text('cfg=5')
        panel.edit('steps=2', 'steps=6')
        panel.settle(300)
        panel.goto()
        panel.load(small_workflow(cfg=5), 'kept')
        panel.open()
        panel.wait_for_text('steps=6')


class TestRun:
    def test_graph(self, panel: Panel) -> None:
        panel.set_widget(3, 'seed', 100)
        with panel.page.expect_response('**/api/prompt') as response:
            panel.button('Run').click()
        assert response.value.ok

    def test_edited_script_runs_without_changing_the_graph(self, panel: Panel) -> None:
        panel.edit('steps=2', 'steps=3')
        with panel.page.expect_request('**/api/prompt') as request:
            panel.page.keyboard.press('Control+Enter')
        body = json.loads(request.value.post_data or '{}')
        assert [node['inputs']['steps'] for node in body['prompt'].values() if node['class_type'] == 'KSampler'] == [3]
        assert body['extra_data']['extra_pnginfo']['workflow']['nodes']
        assert panel.widget(3, 'steps') == 2

    def test_progress_is_shown_on_the_line(self, panel: Panel) -> None:
        panel.js(
            """window.seen = []
            const running = () => [...document.querySelectorAll('.cs-line-running')]
            const look = () => window.seen.push(...running().map(line => line.textContent))
            const everything = { subtree: true, childList: true, attributes: true }
            new MutationObserver(look).observe(document.querySelector('.comfyscript'), everything)"""
        )
        panel.edit('steps=2', 'steps=12')
        panel.page.keyboard.press('Control+Enter')
        panel.page.wait_for_function("window.seen.some(line => line.includes('KSampler'))", timeout=20000)

    def test_progress_is_not_shown_in_another_workflow(self, panel: Panel) -> None:
        running = """const { api } = window.comfyAPI.api
        const about = detail => ({ detail: { prompt_id: 'ours', ...detail } })
        const tell = (type, detail) => api.dispatchEvent(new CustomEvent(type, about(detail)))
        tell('execution_start')
        tell('progress_state', { nodes: { 3: { state: 'running', value: 1, max: 4 } } })"""
        first = panel.js('return app.extensionManager.workflow.activeWorkflow.path')
        panel.js(running)
        panel.until(lambda: any('KSampler(' in line for line in panel.marked('running')))
        panel.load(small_workflow(), 'another')
        panel.page.wait_for_selector('.cs-line-running', state='detached')
        panel.js(running.replace("tell('execution_start')", ''))
        assert panel.marked('running') == []
        # It can be stopped from anywhere.
        panel.button('Stop').wait_for()
        panel.js(
            """const { workflow } = app.extensionManager
            const first = workflow.openWorkflows.find(one => one.path === argument)
            await app.loadGraphData(first.changeTracker.activeState, true, true, first)""",
            first,
        )
        again = running.replace("tell('execution_start')", '')
        panel.until(lambda: [panel.js(again), any('KSampler(' in line for line in panel.marked('running'))][1])
        panel.js(running.replace("tell('execution_start')", "tell('execution_success')").split("tell('progress")[0])
        panel.until(lambda: panel.marked('running') == [])
        panel.button('Run').wait_for()

    def test_a_run_of_which_no_end_was_said_ends_with_the_queue(self, panel: Panel) -> None:
        """As where ComfyUI was started anew, or the connection broke, while it ran."""
        tell = "window.comfyAPI.api.api.dispatchEvent(new CustomEvent(argument[0], { detail: argument[1] }))"
        panel.js(tell, ['execution_start', {'prompt_id': 'ours'}])
        panel.js(tell, ['status', {'exec_info': {'queue_remaining': 1}}])
        panel.button('Stop').wait_for()
        panel.js(tell, ['status', {'exec_info': {'queue_remaining': 0}}])
        panel.button('Run').wait_for()

    def test_refused_prompt_is_marked_on_its_line(self, panel: Panel) -> None:
        panel.edit('steps=2', 'steps=0')
        panel.page.keyboard.press('Control+Enter')
        panel.wait_for_state('Value 0 smaller than min')


def made_image(panel: Panel, size: int | None = None) -> Path:
    """An image of the open graph, run on the server."""
    workflow, prompt = small_workflow(), panel.prompt()
    for node in prompt.values() if size else ():
        if node['class_type'] == 'EmptyLatentImage':
            node['inputs'] |= {'width': size, 'height': size}
        if node['class_type'] == 'KSampler':
            node['inputs']['steps'] = 2
    return panel.server.images(panel.server.queue(prompt, workflow))[0]


class TestOutputs:
    def test_script_of_an_image(self, panel: Panel) -> None:
        name = made_image(panel).name
        panel.page.get_by_role('tab', name='Outputs').click()
        panel.page.get_by_role('button', name=f'Show the script of {name}').click()
        panel.shows('.cs-editor .cm-content >> visible=true', 'KSampler(')
        panel.button('Load as graph').click()
        panel.settle()
        panel.button('Back').click()
        panel.page.wait_for_selector('.cs-thumbs')

    def test_only_what_the_image_needed(self, panel: Panel) -> None:
        # Of a prompt that ran before, the server has the image that was made then.
        panel.set_widget(3, 'seed', 4719)
        panel.wait_for_text('4719')
        panel.edit('SaveImage(image', "EmptyImage(8, 8, batch_size=1, color=7)\nSaveImage(image")
        panel.apply('1 new node')
        name = made_image(panel).name
        panel.page.get_by_role('tab', name='Outputs').click()
        panel.page.get_by_role('button', name=f'Show the script of {name}').click()
        panel.page.wait_for_selector('.cs-title')
        script = '.cs-editor .cm-content >> visible=true'
        panel.shows(script, 'EmptyImage')
        panel.button('Only what it needed').click()
        panel.until(lambda: 'EmptyImage' not in panel.page.inner_text(script))
        panel.shows(script, 'SaveImage(')

    def test_two_as_a_diff(self, panel: Panel) -> None:
        one = made_image(panel).name
        panel.set_widget(3, 'cfg', 2)
        two = made_image(panel).name
        panel.page.get_by_role('tab', name='Outputs').click()
        first = panel.page.locator('.cs-thumb', has_text=one)
        first.hover()
        first.get_by_role('button', name='Compare with another').click()
        panel.page.get_by_role('button', name=f'Show the script of {two}').click()
        panel.page.wait_for_selector('.cs-diff')
        panel.shows('.cs-diff', 'cfg=2')
        panel.page.wait_for_selector('.cs-diff .cm-changedLine')

    def test_dropped_image(self, panel: Panel) -> None:
        content = list(made_image(panel).read_bytes())
        panel.js(
            """const transfer = new DataTransfer()
            transfer.items.add(new File([new Uint8Array(argument)], 'dropped.png', { type: 'image/png' }))
            const target = document.querySelector('#cs-script')
            const options = { dataTransfer: transfer, bubbles: true, cancelable: true }
            for (const type of ['dragover', 'drop']) target.dispatchEvent(new DragEvent(type, options))""",
            content,
        )
        panel.page.wait_for_selector('.cs-title:has-text("dropped.png")')
        panel.shows('.cs-editor .cm-content >> visible=true', 'KSampler(')

    def test_dropped_image_of_a1111(self, panel: Panel) -> None:
        info = PngInfo()
        info.add_text('parameters', 'a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler')
        file = io.BytesIO()
        Image.new('RGB', (4, 4)).save(file, 'PNG', pnginfo=info)
        panel.js(
            """const transfer = new DataTransfer()
            transfer.items.add(new File([new Uint8Array(argument)], 'other.png', { type: 'image/png' }))
            const options = { dataTransfer: transfer, bubbles: true, cancelable: true }
            document.querySelector('#cs-script').dispatchEvent(new DragEvent('drop', options))""",
            list(file.getvalue()),
        )
        panel.page.wait_for_selector('.cs-title:has-text("other.png")')
        panel.shows('.cs-editor .cm-content >> visible=true', '# Steps: 20, Sampler: Euler')

    def test_dropped_script(self, panel: Panel) -> None:
        panel.js(
            """const transfer = new DataTransfer()
            transfer.items.add(new File([argument], 'dropped.py', { type: 'text/x-python' }))
            const options = { dataTransfer: transfer, bubbles: true, cancelable: true }
            const target = document.querySelector('#cs-script')
            for (const type of ['dragover', 'drop']) target.dispatchEvent(new DragEvent(type, options))""",
            'from comfy_script.runtime import *\nload()\nfrom comfy_script.runtime.nodes import *\n'
            "with Workflow():\n    SaveImage(EmptyImage(64, 64), 'größe')\n",
        )
        panel.button('Create the graph').click()
        panel.wait_for_text("'größe'")

        assert sorted(node['type'] for node in panel.graph()['nodes']) == ['EmptyImage', 'SaveImage']

    def test_image_on_a_node(self, panel: Panel) -> None:
        image = made_image(panel)
        panel.js(
            """app.nodeOutputs = { ...app.nodeOutputs, 9: { images: [argument] } }
            const items = app.canvas.getNodeMenuOptions(app.graph.getNodeById(9))
            items.find(item => item?.content?.includes('script of this image')).callback()""",
            {'filename': image.name, 'subfolder': '', 'type': 'output'},
        )
        panel.page.wait_for_selector(f'.cs-title:has-text("{image.name}")')


class TestButtons:
    def test_copy(self, panel: Panel) -> None:
        panel.button('Copy the script').click()
        panel.until(lambda: panel.page.evaluate('navigator.clipboard.readText()') == panel.text())

    def test_download(self, panel: Panel) -> None:
        with panel.page.expect_download() as download:
            panel.menu('Download as .py')
        text = Path(download.value.path()).read_text(encoding='utf-8')
        assert 'with Workflow():' in text
        compile(text, 'download.py', 'exec')

    def test_new_graph_from_a_script(self, panel: Panel) -> None:
        panel.menu('New graph from a script')
        panel.page.locator('.cs-editor .cm-content').click()
        panel.page.keyboard.insert_text(
            "image, mask = LoadImage('example.png')\nSaveImage(ImageInvert(image), 'inverted')\n"
        )
        panel.button('Create the graph').click()
        panel.wait_for_text('ImageInvert(')
        assert sorted(node['type'] for node in panel.graph()['nodes']) == ['ImageInvert', 'LoadImage', 'SaveImage']

    def test_menu_by_keyboard(self, panel: Panel) -> None:
        panel.button('More').focus()
        panel.page.keyboard.press('Enter')
        panel.page.keyboard.press('ArrowDown')
        assert panel.page.evaluate('document.activeElement.getAttribute("role")') == 'menuitem'
        panel.page.keyboard.press('Escape')
        assert panel.page.evaluate('document.activeElement.getAttribute("aria-label")') == 'More'

    def test_completion_and_hover(self, panel: Panel) -> None:
        panel.edit('SaveImage(', 'PreviewIm')
        panel.page.keyboard.press('Control+Space')
        panel.page.wait_for_selector('.cm-tooltip-autocomplete')
        panel.page.keyboard.press('Escape')
        panel.page.locator('#cs-script .cm-line', has_text='VAEDecode').locator(
            'span', has_text='VAEDecode'
        ).first.hover()
        panel.page.wait_for_selector('.cs-help')


class TestToNode:
    def test_selection_becomes_a_node_that_does_the_same(self, panel: Panel) -> None:
        expected = made_image(panel).read_bytes()
        before = panel.graph()
        panel.js('app.canvas.selectItems([3, 5, 8].map(id => app.graph.getNodeById(id)))')
        panel.menu('Selection to one ComfyScript node')
        panel.wait_for_text('ComfyScript(')
        graph = panel.graph()
        assert sorted(node['type'] for node in graph['nodes']) == [
            'CLIPTextEncode', 'CLIPTextEncode', 'CheckpointLoaderSimple', 'ComfyScript', 'SaveImage',
        ]  # fmt: skip
        node = next(node for node in graph['nodes'] if node['type'] == 'ComfyScript')
        linked = [slot['name'] for slot in node['inputs'] if slot.get('link') is not None]
        assert linked == ['model', 'conditioning', 'conditioning2', 'vae']
        assert pixels(made_image(panel).read_bytes()) == pixels(expected)
        panel.undo()
        assert panel.graph()['nodes'] == before['nodes']

    def test_nothing_selected(self, panel: Panel) -> None:
        panel.js('app.canvas.deselectAll()')
        before = panel.graph()
        panel.menu('Selection to one ComfyScript node')
        panel.settle()
        assert panel.graph() == before


def pixels(png: bytes) -> bytes:
    from io import BytesIO

    from PIL import Image

    return Image.open(BytesIO(png)).convert('RGB').tobytes()


def test_every_control_has_a_name(panel: Panel) -> None:
    panel.edit('steps=2', 'steps=3')
    panel.button('More').click()
    nameless = panel.page.eval_on_selector_all(
        '.comfyscript button, .comfyscript [role=tab], .comfyscript .cm-content',
        """all => all.filter(one => !(one.getAttribute('aria-label') ?? one.textContent).trim())
        .map(one => one.outerHTML)""",
    )
    assert nameless == []


def test_closing_leaves_nothing_behind(panel: Panel) -> None:
    ours = "document.querySelectorAll('.comfyscript, [class^=cs-], [class*=cm-], style').length"
    panel.close()
    counts = []
    for _ in range(2):
        panel.open()
        panel.close()
        counts.append(panel.page.evaluate(ours))
    assert counts[0] == counts[1]
    assert panel.page.query_selector('.comfyscript, .cm-editor') is None


def test_closed_panel_asks_for_nothing(panel: Panel) -> None:
    panel.close()
    asked: list[str] = []
    panel.page.on('request', lambda request: asked.append(request.url))
    panel.set_widget(3, 'steps', 4)
    panel.settle(600)
    assert not [url for url in asked if 'comfyscript' in url]


def test_chinese(panel: Panel) -> None:
    words = panel.js("return (await (await fetch('/api/i18n')).json())")
    assert set(words['zh']['comfyscript']) == set(words['en']['comfyscript'])
    assert set(words['zh']['settings']) >= {key for key in words['en']['settings'] if key.startswith('ComfyScript')}


def large_script(nodes: int) -> str:
    return f"""model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
for number in range({nodes // 5}):
    latent = KSampler(
        model, number, 2, 8, 'euler', 'normal',
        CLIPTextEncode(f'number {{number}}', clip), CLIPTextEncode('nothing', clip), EmptyLatentImage(64, 64, 1), 1)
    SaveImage(VAEDecode(latent, vae), f'{{number}}')
"""


def test_large_graph(panel: Panel) -> None:
    read = panel.server.post('/comfyscript/prompt', {'script': large_script(500)})
    panel.load(read['workflow'])
    panel.wait_for_text("'number 99'", timeout=20000)
    assert len(panel.graph()['nodes']) > 500
    first = next(node for node in panel.graph()['nodes'] if node['type'] == 'KSampler')
    panel.set_widget(first['id'], 'steps', 3)
    panel.wait_for_text('steps=3', timeout=3000)
    panel.edit('steps=3', 'steps=4')
    panel.wait_for_state('1 value', timeout=10000)
    panel.button('Apply').click()
    panel.wait_for_state('Matches the graph', timeout=10000)
    assert panel.widget(first['id'], 'steps') == 4


def function_name(text: str) -> str:
    """The script's one function, a subgraph."""
    (name,) = re.findall(r'def (\w+)\(', text)
    return name


class TestSubgraph:
    @pytest.fixture
    def inside(self, panel: Panel) -> Panel:
        """Sampler and empty latent in a subgraph."""
        panel.js(f'app.graph.convertToSubgraph(new Set([app.graph.getNodeById(3), app.graph.getNodeById(5)])); {TRACK}')
        panel.wait_for_text('def ')
        return panel

    def inner(self, panel: Panel, name: str) -> object:
        return panel.js(
            'const { subgraph } = app.graph.nodes.find(node => node.subgraph)'
            "; const node = subgraph.nodes.find(node => node.type === 'KSampler')"
            '; return node.widgets.find(widget => widget.name === argument).value',
            name,
        )

    def test_is_a_function(self, inside: Panel) -> None:
        inside.js('app.canvas.selectNode(app.graph.nodes.find(node => node.subgraph))')
        inside.page.wait_for_selector('.cs-line-selected')
        inside.until(lambda: any('KSampler(' in line for line in inside.marked('selected')))

    def test_value_inside_changes_in_place(self, inside: Panel) -> None:
        inside.edit('steps=2', 'steps=4')
        inside.apply('1 value')
        assert self.inner(inside, 'steps') == 4

    def test_node_added_inside(self, inside: Panel) -> None:
        text = inside.text()
        line = next(line for line in text.split('\n') if 'EmptyLatentImage(' in line)
        indent = line[: len(line) - len(line.lstrip())]
        name = line.split('=')[0].strip()
        inside.edit(line, f"{line}\n{indent}{name} = LatentFlip({name}, 'x-axis: vertically')")
        inside.apply('1 new node')
        types = inside.js('return app.graph.nodes.find(node => node.subgraph).subgraph.nodes.map(node => node.type)')
        assert sorted(types) == ['EmptyLatentImage', 'KSampler', 'LatentFlip']

    def test_link_into_a_subgraph_that_has_no_such_input(self, inside: Panel) -> None:
        text = inside.text()
        inner = next(line for line in text.split('\n') if 'EmptyLatentImage(' in line)
        name = function_name(text)
        edited = (
            text.replace(inner + '\n', '')
            .replace(f'def {name}(', f'def {name}(latent, ')
            .replace('latent=latent', 'latent')
        )
        call = edited.rindex(f'{name}(')
        edited = f'{edited[:call]}{name}(outside, {edited[call + len(name) + 1 :]}'
        line = edited.rindex('\n', 0, edited.rindex(f'{name}(')) + 1
        edited = f'{edited[:line]}outside = VAEEncode(EmptyImage(32, 32, 1, 0), vae)\n{edited[line:]}'
        inside.edit(text, edited)
        inside.apply('2 new nodes')
        nodes = inside.prompt()
        sampler = next(node for node in nodes.values() if node['class_type'] == 'KSampler')
        assert nodes[sampler['inputs']['latent_image'][0]]['class_type'] == 'VAEEncode'
        # The new nodes lie outside, where they are written: what they make comes in by an input that was not there.
        assert {'VAEEncode', 'EmptyImage'} <= {node['type'] for node in inside.graph()['nodes']}
        names = inside.js('return app.graph.nodes.find(node => node.subgraph).subgraph.inputs.map(one => one.name)')
        assert 'latent_image' in names

    def test_link_out_of_a_subgraph_that_has_no_such_output(self, inside: Panel) -> None:
        inside.edit(
            'image = VAEDecode(latent, vae)',
            'image = VAEDecode(latent, vae)\nPreviewImage(VAEDecode(empty, vae))',
        )
        text = inside.text()
        inner = next(line for line in text.split('\n') if 'EmptyLatentImage(' in line)
        edited = text.replace('return latent', 'return latent, empty').replace(
            inner, f'{inner}\n    empty = {inner.split("=")[0].strip()}'
        )
        name = function_name(text)
        call = edited.rindex(f'latent = {name}(')
        edited = f'{edited[:call]}latent, empty = {edited[call + len("latent = ") :]}'
        inside.edit(text, edited)
        inside.apply('2 new nodes')
        nodes = inside.prompt()
        decoded = {
            nodes[node['inputs']['samples'][0]]['class_type']
            for node in nodes.values()
            if node['class_type'] == 'VAEDecode'
        }
        assert decoded == {'KSampler', 'EmptyLatentImage'}

    def test_another_source_for_an_input(self, inside: Panel) -> None:
        """The link ends at the subgraph's own input."""
        call = next(
            line
            for line in inside.lines()
            if 'conditioning2' in line and 'CLIPTextEncode' not in line and 'def ' not in line
        )
        inside.edit(call, call.replace('conditioning2', 'conditioning'))
        inside.apply('1 link')
        prompt = inside.prompt()
        sampler = next(node for node in prompt.values() if node['class_type'] == 'KSampler')
        assert sampler['inputs']['positive'] == sampler['inputs']['negative']


class TestAtTheLine:
    """What a line's node does and holds is at the line."""

    def test_its_picture(self, panel: Panel) -> None:
        panel.set_widget(3, 'seed', 4713)
        panel.wait_for_text('4713')
        panel.button('Run').click()
        panel.page.wait_for_selector('#cs-script .cs-result img', timeout=20000)
        (line,) = panel.page.eval_on_selector_all(
            '#cs-script .cs-result img', "all => all.map(one => one.closest('.cm-line').textContent)"
        )
        assert 'SaveImage(' in line
        panel.load(small_workflow(), 'another')
        panel.page.wait_for_selector('#cs-script .cs-result', state='detached')

    def test_what_it_prints(self, panel: Panel) -> None:
        panel.edit('model', "print('two and three:', 2 + 3)\nmodel")
        panel.page.wait_for_selector('#cs-script .cs-result-printed')
        assert panel.page.inner_text('#cs-script .cs-result-printed') == 'two and three: 5'
        # It is a line of the script's own: nobody has to apply it, and it stays.
        panel.wait_for_state('Matches the graph')
        assert panel.page.inner_text('#cs-script .cs-result-printed') == 'two and three: 5'

    def test_its_value_as_a_control(self, panel: Panel) -> None:
        line = panel.page.locator('#cs-script .cm-line', has_text='steps=').first
        line.locator('span', has_text=re.compile(r'^2$')).first.hover()
        panel.page.wait_for_selector('.cs-value')
        panel.page.locator('.cs-value').get_by_role('button', name='More').click()
        panel.wait_for_text('steps=3')
        panel.page.locator('.cs-value-slider').fill('20')
        panel.apply('1 value')
        assert panel.widget(3, 'steps') == 20

    def test_the_inputs_of_the_call_that_is_written(self, panel: Panel) -> None:
        panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        panel.page.keyboard.press('End')
        panel.page.keyboard.type('\nEmptyImage(64, ')
        panel.page.wait_for_selector('.cs-signature')
        panel.shows('.cs-signature-here', 'height')
        panel.page.keyboard.press('Escape')
        panel.page.keyboard.press('Escape')
        panel.page.wait_for_selector('.cs-signature', state='detached')


class TestNames:
    def options(self, panel: Panel) -> list[str]:
        panel.page.keyboard.press('Control+Space')
        panel.page.wait_for_selector('.cm-tooltip-autocomplete')
        return panel.page.eval_on_selector_all('.cm-completionLabel', 'all => all.map(one => one.textContent)')

    def test_enter_after_a_whole_name_ends_the_line(self, panel: Panel) -> None:
        panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        panel.page.keyboard.press('End')
        panel.page.keyboard.type('\nimage2 = imag')
        panel.page.wait_for_selector('.cm-tooltip-autocomplete')
        panel.page.keyboard.type('e')
        panel.page.wait_for_selector('.cm-tooltip-autocomplete', state='detached')
        panel.page.keyboard.press('Enter')
        panel.page.keyboard.type('x = 1')
        assert panel.text().rstrip().endswith('image2 = image\nx = 1')

    def test_keywords_of_calls_are_no_variables_and_parameters_are(self, panel: Panel) -> None:
        text = panel.text()
        panel.edit(text, f'{text}def blend(picture, strength=1):\n    other = 2\n    return pict\n')
        panel.page.locator('#cs-script .cm-line', has_text='return pict').click()
        panel.page.keyboard.press('End')
        assert 'picture' in self.options(panel)
        panel.page.keyboard.press('Escape')
        panel.page.keyboard.press('Backspace')
        panel.page.keyboard.press('Backspace')
        panel.page.keyboard.press('Backspace')
        panel.page.keyboard.press('Backspace')
        offered = self.options(panel)
        assert {'picture', 'strength', 'other', 'image'} <= set(offered)
        assert not {'steps', 'cfg', 'sampler_name', 'denoise'} & set(offered)

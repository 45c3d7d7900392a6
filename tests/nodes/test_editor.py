"""The ComfyScript node in a real editor: sockets and widgets that follow its text."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfy_script.tests.conftest import ROOT, Lab, _server_factory
from comfy_script.tests.js.kept_node import FIRST_GRAPH
from comfy_script.tests.lab.browser import find_browser
from comfy_script.tests.lab.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]

APP = 'window.comfyAPI.app.app'
FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync']  # fmt: skip  # noqa: E501

PASTE = """(field, text) => {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/plain', text)
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
}"""

STATE = """
    const node = own()
    const linksFrom = slot => [...app.graph.links.values()].filter(
        link => String(link.origin_id) === String(node.id) && link.origin_slot === slot
    )
    return {
        inputs: node.inputs.map((input, slot) => [input.name, input.type, node.getInputLink(slot) != null]),
        outputs: node.outputs.map((output, slot) => [output.name, output.type, linksFrom(slot).length]),
        widgets: Object.fromEntries(node.widgets.map(widget => [widget.name, widget.value])),
        names: node.widgets.map(widget => widget.name),
        printed: node.widgets.find(widget => widget.name === 'printed')?.text?.textContent,
        reason: node.widgets.find(widget => widget.name === 'printed')?.reason?.textContent,
        errorLine: node.widgets[0].element.dataset.errorLine ?? '',
        errorText: node.widgets[0].element.title,
    }
"""


class Editor:
    def __init__(self, page: Any, server: Server) -> None:
        self.page = page
        self.server = server

    def js(self, text: str, argument: Any = None) -> Any:
        own = "() => app.graph.nodes.find(node => node.comfyClass === 'ComfyScript')"
        return self.page.evaluate(f'async a => {{ const app = {APP}, own = {own}; {text} }}', argument)

    def state(self) -> dict[str, Any]:
        return self.js(STATE)

    def wait(self, condition: str, timeout: float = 20_000) -> None:
        node = f"{APP}.graph.nodes.find(node => node.comfyClass === 'ComfyScript')"
        self.page.wait_for_function(f'(() => {{ const node = {node}; return {condition} }})()', timeout=timeout)

    def type(self, text: str) -> None:
        """Pastes a text over the one that the user sees."""
        field = self.page.locator('.cs-node-editor .cm-content:visible')
        field.click()
        field.press('ControlOrMeta+a')
        field.evaluate(PASTE, text)

    def queue(self) -> None:
        self.js('await app.queuePrompt(0, 1)')

    def close_dialog(self) -> None:
        dialog = self.page.locator('[role=dialog]:visible')
        dialog.first.wait_for(timeout=10_000)
        self.page.keyboard.press('Escape')
        dialog.first.wait_for(state='hidden', timeout=10_000)

    def prompt(self) -> dict[str, Any]:
        return json.loads(self.js('return JSON.stringify((await app.graphToPrompt()).output)'))

    def workflow(self) -> dict[str, Any]:
        return json.loads(self.js('return JSON.stringify(app.graph.serialize())'))

    def load(self, workflow: dict[str, Any]) -> None:
        self.js('await app.loadGraphData(JSON.parse(a))', json.dumps(workflow))
        self.page.wait_for_timeout(800)


@pytest.fixture(scope='module', params=['canvas', 'nodes 2.0'])
def editor_of(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """The editor as it draws nodes on its canvas, and as it draws them as elements of the page.

    COMFYSCRIPT_FRONTEND names the `static` folder of another frontend than the lab's.
    """
    sync_api = pytest.importorskip('playwright.sync_api')
    browser_path = find_browser()
    if browser_path is None:
        pytest.skip('no Chromium: name one in COMFYSCRIPT_CHROMIUM')
    factory = _server_factory(lab, tmp_path_factory)
    frontend = os.environ.get('COMFYSCRIPT_FRONTEND')
    server = next(factory)(args=['--front-end-root', frontend] if frontend else [])
    elements = request.param == 'nodes 2.0'
    server.post('/settings', {'Comfy.VueNodes.Enabled': elements})
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(browser_path), args=FLAGS)
        page = browser.new_page(viewport={'width': 1400, 'height': 900})
        page.goto(server.url)
        page.wait_for_selector('#graph-canvas')
        page.wait_for_function(f'{APP}.extensionManager?.workflow && {APP}.graph != null')
        page.wait_for_function(FIRST_GRAPH, arg=20_000)
        page.wait_for_timeout(1000)
        if elements and not page.evaluate('Boolean(LiteGraph.vueNodesMode)'):
            pytest.skip('this frontend has no Nodes 2.0')
        yield Editor(page, server)
        browser.close()
    next(factory, None)


@pytest.fixture
def editor(editor_of: Editor) -> Editor:
    """A new node with an image linked to it and a preview linked to its output."""
    editor_of.js("""
        // Newer frontends give a node what the one of its number had in the same workflow; Nodes 2.0 takes it for the
        // one before unless it has drawn the empty graph.
        await app.extensionManager.command.execute('Comfy.NewBlankWorkflow')
        await new Promise(drawn => requestAnimationFrame(() => setTimeout(drawn, 50)))
        const node = LiteGraph.createNode('ComfyScript')
        node.pos = [300, 100]
        app.graph.add(node)
    """)
    editor_of.wait("node.inputs.some(input => input.name === 'image') && node.outputs.length === 1")
    editor_of.js("""
        const node = own()
        const load = LiteGraph.createNode('LoadImage')
        const preview = LiteGraph.createNode('PreviewImage')
        load.pos = [-50, 100]
        preview.pos = [850, 100]
        app.graph.add(load)
        app.graph.add(preview)
        load.connect(0, node, node.inputs.findIndex(input => input.name === 'image'))
        node.connect(0, preview, 0)
    """)
    return editor_of


def test_a_new_node_has_the_sockets_of_its_script(editor: Editor) -> None:
    state = editor.state()
    assert ['image', 'IMAGE', True] in state['inputs']
    assert state['names'] == ['script', 'strength']
    assert state['widgets']['strength'] == 0.5
    assert state['outputs'] == [['out', '*', 1]]
    assert editor.js('return own().size[1]') < 400


FULL = """\
def main(scale: int, image: Image, mask: Mask = None, strength: Annotated[float, Range(0, 2, 0.1)] = 0.7,
         mode: Literal['a', 'b'] = 'b', flag=True) -> tuple[Image, Mask]:
    print(image.dim(), strength, mode, flag, scale)
    return image * strength, image[..., 0]
"""


def test_sockets_and_widgets_follow_the_text(editor: Editor) -> None:
    editor.type(FULL)
    editor.wait('node.widgets.length === 5')
    state = editor.state()
    assert state['inputs'][:2] == [['image', 'IMAGE', True], ['mask', 'MASK', False]]
    assert state['names'] == ['script', 'scale', 'strength', 'mode', 'flag']
    assert [state['widgets'][name] for name in ('scale', 'strength', 'mode', 'flag')] == [0, 0.7, 'b', True]
    assert state['outputs'] == [['out', 'IMAGE', 1], ['out2', 'MASK', 0]]


def test_links_and_values_stay_where_they_fit(editor: Editor) -> None:
    editor.type(FULL)
    editor.wait('node.widgets.length === 5')
    editor.js("own().widgets.find(widget => widget.name === 'strength').value = 1.5")
    editor.type('def main(before: Latent, image: Image, strength: float = 0.1) -> Image:\n    return image')
    editor.wait('node.widgets.length === 2')
    state = editor.state()
    assert state['inputs'][:2] == [['before', 'LATENT', False], ['image', 'IMAGE', True]]
    assert state['widgets']['strength'] == 1.5
    assert editor.prompt()['1']['inputs']['image'] == ['2', 0]
    editor.type('def main(image: Latent) -> Latent:\n    return image')
    editor.wait("node.inputs[0].name === 'image'")
    state = editor.state()
    assert ['image', 'LATENT', False] in state['inputs']
    assert state['outputs'] == [['out', 'LATENT', 0]] or state['outputs'] == [['image', 'LATENT', 0]]


def test_half_written_text_changes_nothing(editor: Editor) -> None:
    before = editor.state()
    editor.type('def main(image: Image, stre')
    editor.wait("node.widgets[0].element.dataset.errorLine === '1'")
    after = editor.state()
    assert (after['inputs'], after['outputs']) == (before['inputs'], before['outputs'])
    assert [name for name in after['names'] if name != 'printed'] == before['names']
    assert after['reason'].startswith('line 1: ')
    editor.type('def main(image: Image, strength: float = 1) -> Image:\n    return image')
    editor.wait("node.widgets[0].element.dataset.errorLine === ''")
    assert editor.state()['reason'] == ''


def test_saved_and_loaded_it_is_the_same(editor: Editor) -> None:
    editor.type(FULL)
    editor.wait('node.widgets.length === 5')
    editor.js('own().widgets.forEach((w, i) => { if (i) w.value = a[i] })', [None, 4, 1.1, 'a', False])
    editor.js("app.graph.getNodeById(2).connect(1, own(), own().inputs.findIndex(input => input.name === 'mask'))")
    before = editor.state()['inputs']
    prompt, workflow = editor.prompt(), editor.workflow()
    editor.load(workflow)
    assert editor.prompt() == prompt
    assert editor.state()['inputs'] == before
    assert prompt['1']['inputs'] == {
        'script': FULL, 'scale': 4, 'strength': 1.1, 'mode': 'a', 'flag': False, 'image': ['2', 0],
        'mask': ['2', 1],
    }  # fmt: skip


@pytest.mark.parametrize(
    'options',
    [
        {'remote': {'route': '/hostile', 'refresh': 128, 'control_after_refresh': 'first'}},
        {'image_upload': True, 'image_folder': 'hostile', 'remote': {'route': '/hostile'}},
        {'remote_route': '/hostile', 'animated_image_upload': True, 'remote': {'route': '/hostile', 'timeout': 10}},
    ],
)
def test_a_saved_signature_makes_the_page_ask_for_nothing(editor: Editor, options: dict[str, Any]) -> None:
    """Whoever made the workflow wrote that signature."""
    workflow = editor.workflow()
    node = next(node for node in workflow['nodes'] if node['type'] == 'ComfyScript')
    choice = {'name': 'pick', 'type': 'COMBO', 'required': False, 'line': 1, 'choices': ['a', {}], 'options': options}
    text = {'name': 'words', 'type': 'STRING', 'required': False, 'line': 1, 'options': {**options, 'default': 'a'}}
    node['properties']['comfyscript'] = {'inputs': [choice, text], 'outputs': []}
    asked: list[str] = []
    editor.page.on('request', lambda request: asked.append(request.url))
    editor.load(workflow)
    editor.page.wait_for_timeout(1500)

    assert [url for url in asked if 'hostile' in url] == []


def test_a_copy_has_the_sockets_and_values(editor: Editor) -> None:
    editor.type(FULL)
    editor.wait('node.widgets.length === 5')
    copied = editor.js("""
        own().widgets.find(widget => widget.name === 'strength').value = 1.1
        const copy = own().clone()
        return [copy.inputs.map(i => i.name), copy.outputs.map(o => o.name), copy.widgets.map(w => w.value)]
    """)
    state = editor.state()
    assert copied[0] == [name for name, *_ in state['inputs']]
    assert copied[1] == [name for name, *_ in state['outputs']]
    assert copied[2] == list(state['widgets'].values())


def test_the_text_is_as_wide_as_the_node(editor: Editor) -> None:
    width = 'own().widgets[0].element.getBoundingClientRect().width'
    before = editor.js(f'return {width}')
    # What the side panel does when it shows the node's parameters.
    editor.js('own().widgets[0].width = 150; app.canvas.setDirty(true, true)')
    editor.page.wait_for_timeout(300)
    assert editor.js(f'return {width}') == pytest.approx(before, abs=2)


def test_what_it_prints_is_shown_on_it(editor: Editor) -> None:
    editor.type('def main(image: Image, n: int = 3) -> Image:\n    print("shape", image.dim(), n)\n    return image')
    editor.wait("node.widgets.some(widget => widget.name === 'n')")
    editor.queue()
    editor.wait("node.widgets.some(widget => widget.name === 'printed' && widget.text.textContent)")
    assert editor.state()['printed'] == 'shape 4 3\n'
    assert 'printed' not in editor.prompt()['1']['inputs']


def test_an_error_marks_its_line(editor: Editor) -> None:
    editor.type('def main(image: Image) -> Image:\n    print("before")\n    return image.nothing')
    editor.wait("!node.widgets.some(widget => widget.name === 'strength')")
    editor.queue()
    editor.wait("node.widgets[0].element.dataset.errorLine === '3'")
    assert 'nothing' in editor.state()['errorText']
    assert 'gradient' in editor.js('return own().widgets[0].element.style.backgroundImage')
    assert editor.state()['printed'] == 'before\n'
    assert editor.state()['reason'].startswith('line 3: ')
    editor.close_dialog()
    editor.type('def main(image: Image) -> Image:\n    return image')
    editor.wait("node.widgets[0].element.dataset.errorLine === ''")
    assert editor.state()['reason'] == ''


def test_of_the_last_run_nothing_is_left_where_the_next_fails(editor: Editor) -> None:
    editor.type("image, mask = LoadImage('example.png')\nprint('first')\nPreviewImage(image)")
    editor.wait("!node.widgets.some(widget => widget.name === 'strength')")
    editor.queue()
    editor.wait("node.widgets.some(widget => widget.name === 'printed' && widget.text.textContent)")
    editor.type("image, mask = LoadImage('example.png')\nPreviewImage(image.nothing)")
    editor.wait("node.widgets[0].value.includes('nothing')")
    editor.queue()
    editor.wait("node.widgets[0].element.dataset.errorLine === '2'")

    assert editor.state()['printed'] == ''
    assert 'nothing' in editor.state()['reason']
    editor.close_dialog()


def test_an_error_of_a_node_says_why(editor: Editor) -> None:
    editor.type("image, mask = LoadImage('example.png')\nImageScale(image, 'nope', 64, 64, 'disabled')")
    editor.wait("!node.widgets.some(widget => widget.name === 'strength')")
    editor.queue()
    editor.wait("node.widgets[0].element.dataset.errorLine === '2'")
    said = editor.state()['errorText']
    assert 'nope' in said.splitlines()[-1]
    assert '^' not in said
    editor.close_dialog()


def test_bare_scripts_get_sockets_for_the_names_they_use(editor: Editor) -> None:
    editor.type('photo, size = image, 3\nbrightness = photo.mean() + extra\nout = photo, brightness')
    editor.wait('node.outputs.length === 2')
    state = editor.state()
    assert [item for item in state['inputs'] if item[0] != 'script'] == [['image', '*', True], ['extra', '*', False]]
    assert [output[0] for output in state['outputs']] == ['photo', 'brightness']


EXAMPLES = sorted((ROOT / 'example_workflows').glob('*.json'))


@pytest.mark.parametrize('file', EXAMPLES, ids=lambda file: file.stem)
def test_examples_open_and_run(editor_of: Editor, file: Path) -> None:
    assert file.with_suffix('.jpg').is_file()
    editor_of.load(json.loads(file.read_text(encoding='utf-8')))
    editor_of.wait('node.widgets.length > 1')
    for name, value in (('size', 64), ('steps', 1), ('passes', 1)):
        editor_of.js(
            'const w = app.graph.nodes.flatMap(n => n.widgets ?? []).find(w => w.name === a[0]); if (w) w.value = a[1]',
            [name, value],
        )
    prompt = editor_of.prompt()
    entry = editor_of.server.queue(prompt, timeout=200)
    shown = [output for output in entry['outputs'].values() if output.get('images')]
    assert shown
    assert any(output.get('text') for output in entry['outputs'].values())


def test_examples_convert_as_the_editor_does(editor_of: Editor) -> None:
    from comfy_script.graph import Schemas, difference
    from comfy_script.transpiler import convert_workflow

    schemas = Schemas.parse(editor_of.server.get('/object_info'))
    for file in EXAMPLES:
        workflow = json.loads(file.read_text(encoding='utf-8'))
        editor_of.load(workflow)
        editor_of.wait('node.widgets.length > 1')
        workflow = editor_of.workflow()
        assert difference(convert_workflow(workflow, schemas).prompt, editor_of.prompt()) is None, file.stem

"""The ComfyScript node where the editor draws nodes as elements of the page (Nodes 2.0)."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.tests.conftest import StartServer
from comfy_script.tests.js.kept_node import FIRST_GRAPH
from comfy_script.tests.lab.browser import find_browser

from .test_editor import FLAGS, FULL, PASTE, Editor

pytestmark = [pytest.mark.browser, pytest.mark.server]

READY = (
    '(() => { const app = window.comfyAPI?.app?.app; return app?.extensionManager?.workflow && app.graph != null })()'
)
NEW = """
    app.graph.clear()
    const node = LiteGraph.createNode('ComfyScript')
    node.pos = [300, 100]
    app.graph.add(node)
    app.canvas.ds.offset = [0, 0]
    app.canvas.ds.scale = 1
"""
LINK = """
    const load = LiteGraph.createNode('LoadImage')
    load.pos = [-50, 100]
    app.graph.add(load)
    load.connect(0, app.graph.nodes[0], 0)
"""
FAILS = 'def main(image: Image) -> Image:\n    print("before")\n    return image.nothing'


def type_text(page: Any, text: str) -> None:
    """Pastes a text over the one that the user sees."""
    field = page.locator('.cs-node-editor .cm-content:visible')
    field.click()
    field.press('ControlOrMeta+a')
    field.evaluate(PASTE, text)


def test_a_script_in_nodes_2(start_server: StartServer) -> None:
    sync_api = pytest.importorskip('playwright.sync_api')
    browser_path = find_browser()
    if browser_path is None:
        pytest.skip('no Chromium: name one in COMFYSCRIPT_CHROMIUM')
    server = start_server()
    server.post('/settings', {'Comfy.VueNodes.Enabled': True})
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(browser_path), args=FLAGS)
        page = browser.new_page(viewport={'width': 1400, 'height': 900})
        page.goto(server.url)
        page.wait_for_function(READY)
        page.wait_for_function(FIRST_GRAPH, arg=20_000)
        page.wait_for_timeout(1000)
        if not page.evaluate('Boolean(window.LiteGraph?.vueNodesMode)'):
            pytest.skip('this frontend has no Nodes 2.0')
        editor = Editor(page, server)
        editor.js(NEW)
        if not editor.js("return Boolean(Object.getOwnPropertyDescriptor(app.graph.nodes[0], 'outputs')?.get)"):
            pytest.skip('Nodes 2.0 of this frontend draws no sockets that come later')
        editor.wait("node.inputs.some(input => input.name === 'image') && node.outputs.length === 1")
        editor.js(LINK)

        type_text(page, FULL)
        editor.wait('node.widgets.length === 5')
        state = editor.state()
        assert state['inputs'][:2] == [['image', 'IMAGE', True], ['mask', 'MASK', False]]
        assert state['widgets']['strength'] == 0.7
        for name in ('mask', 'scale', 'strength', 'mode', 'flag', 'out2'):
            page.get_by_text(name, exact=True).first.wait_for(timeout=10_000)

        type_text(page, FAILS)
        editor.wait("!node.widgets.some(widget => widget.name === 'strength')")
        editor.queue()
        editor.wait("node.widgets.find(widget => widget.name === 'printed')?.text?.textContent === 'before\\n'")
        editor.wait("node.widgets[0].element.dataset.errorLine === '3'")
        page.get_by_text('line 3: AttributeError').first.wait_for(timeout=10_000)
        page.locator('.cs-node-editor .cm-lintRange-error').wait_for()
        browser.close()

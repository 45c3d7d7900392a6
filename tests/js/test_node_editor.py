"""The editor in the ComfyScript node: the panel's, over the text field, which stays the widget's."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.tests.js.conftest import TRACK, Panel
from comfy_script.tests.js.test_looks import CONTRASTS

pytestmark = [pytest.mark.browser, pytest.mark.server]

TEXT = 'def main(x: int = 1) -> int:\n    y = x\n    return y\n'
EDITOR = '.cs-node-editor .cm-content'
ADD = f"""
    const node = LiteGraph.createNode('ComfyScript')
    node.pos = argument.pos
    app.graph.add(node)
    const widget = node.widgets.find(one => one.name === 'script')
    widget.value = argument.text
    widget.callback?.(argument.text)
    app.canvas.ds.scale = argument.scale
    app.canvas.centerOnNode(node)
    {TRACK}
    return node.id
"""
# Of an editor in the page, by its content.
SHOWN = """content => (content.cmTile?.view ?? content.cmView.view).state.doc.toString()"""


class Node:
    def __init__(self, panel: Panel, text: str, scale: float = 1) -> None:
        self.panel, self.page = panel, panel.page
        self.id = panel.js(ADD, {'text': text, 'pos': [300, 900], 'scale': scale})
        self.page.wait_for_selector(EDITOR)
        panel.settle()

    def click(self, text: str, key: str = 'End') -> None:
        self.page.locator('.cs-node-editor .cm-line', has_text=text).first.click()
        self.page.keyboard.press(key)

    @property
    def value(self) -> Any:
        return self.panel.widget(self.id, 'script')

    @property
    def shown(self) -> Any:
        return self.page.locator(EDITOR).evaluate(SHOWN)

    def inputs(self) -> list[str]:
        return self.panel.js('return app.graph.getNodeById(argument).inputs.map(one => one.name)', self.id)


def test_what_is_typed_is_the_widgets_value(panel: Panel) -> None:
    node = Node(panel, TEXT)
    node.click('def main')
    panel.page.keyboard.press('Enter')
    panel.page.keyboard.type('image = LoadImage("a')

    # Indented as a body, brackets and quotes closed.
    assert node.value == TEXT.replace('int:\n', 'int:\n    image = LoadImage("a")\n')
    colours = panel.page.eval_on_selector_all(
        '.cs-node-editor .cm-line span',
        'all => Object.fromEntries(all.map(one => [one.textContent, getComputedStyle(one).color]))',
    )
    assert len({colours[word] for word in ('def', 'main', '"a"', '1')}) == 4


def test_keys_stay_and_undo_is_the_editors(panel: Panel) -> None:
    node = Node(panel, TEXT)
    before = panel.graph()['nodes']
    node.click('y = x')
    panel.page.keyboard.type(' + 1')
    for key in ('Control+b', 'Alt+c', 'Control+m', 'Delete'):
        panel.page.keyboard.press(key)
    panel.settle()
    assert [(one['mode'], one['flags']) for one in panel.graph()['nodes']] == [
        (one['mode'], one['flags']) for one in before
    ]
    panel.page.keyboard.press('Control+z')
    panel.page.keyboard.press('Control+z')
    assert node.value == node.shown == TEXT
    assert panel.page.evaluate("document.activeElement.matches('.cs-node-editor .cm-content')")
    panel.page.mouse.click(1150, 120)
    assert not panel.page.evaluate("document.activeElement.matches('.cs-node-editor .cm-content')")


def test_search_finds_as_one_types(panel: Panel) -> None:
    Node(panel, TEXT).click('y = x')
    panel.page.keyboard.press('Control+f')
    panel.page.keyboard.type('return')
    panel.shows('.cs-node-editor .cm-searchMatch', 'return')
    panel.page.keyboard.press('Enter')
    panel.shows('.cs-node-editor .cm-searchMatch-selected', 'return')


def test_text_from_elsewhere_is_shown_and_its_error_marked(panel: Panel) -> None:
    node = Node(panel, TEXT)
    panel.set_widget(node.id, 'script', 'def main(steps: int = 3) -> int:\n    return steps')
    assert node.shown == node.value
    panel.page.wait_for_function(
        'id => window.comfyAPI.app.app.graph.getNodeById(id).inputs.some(one => one.name === "steps")', arg=node.id
    )
    panel.set_widget(node.id, 'script', 'def main(a: int) -> int:\n    return a +')
    panel.page.wait_for_selector('.cs-node-editor .cm-lintRange-error')
    assert 'steps' in node.inputs()


def test_completion_has_nodes_names_and_types(panel: Panel) -> None:
    node = Node(panel, TEXT)

    def offered(typed: str) -> list[str]:
        panel.page.keyboard.type(typed)
        panel.page.wait_for_selector('.cm-tooltip-autocomplete')
        labels = panel.page.eval_on_selector_all('.cm-completionLabel', 'all => all.map(one => one.textContent)')
        panel.page.keyboard.press('Escape')
        return labels

    node.click('y = x')
    assert 'KSampler' in offered(' + KSam')
    node.click('def main')
    for _ in range(len(' = 1) -> int:')):
        panel.page.keyboard.press('ArrowLeft')
    for _ in 'int':
        panel.page.keyboard.press('Backspace')
    assert 'Conditioning' in offered('Cond')


def test_a_click_lands_where_it_looks_at_every_zoom(panel: Panel) -> None:
    node = Node(panel, TEXT)
    for scale in (0.7, 1.6):
        panel.js(
            """app.canvas.ds.scale = argument[1]
            app.canvas.centerOnNode(app.graph.getNodeById(argument[0]))
            app.canvas.setDirty(true, true)""",
            [node.id, scale],
        )
        panel.settle()
        box = (
            panel.page.locator('.cs-node-editor .cm-line', has_text='y = x')
            .locator('span, .cm-indent')
            .first.bounding_box()
        )
        assert box
        panel.page.mouse.click(box['x'] + box['width'] + 2, box['y'] + box['height'] / 2)
        panel.page.keyboard.type('z')
        assert node.value.splitlines()[1].startswith('    yz'), scale
        panel.page.keyboard.press('Backspace')


def test_editors_are_made_where_they_are_seen(panel: Panel) -> None:
    panel.js(
        """for (let index = 0; index < 50; index++) {
          const node = LiteGraph.createNode('ComfyScript')
          node.pos = [300 + 600 * (index % 10), 2000 + 500 * Math.floor(index / 10)]
          app.graph.add(node)
        }
        app.canvas.ds.scale = 0.9
        app.canvas.centerOnNode(app.graph.nodes.at(-1))"""
    )
    panel.page.wait_for_selector(EDITOR)
    panel.settle(500)
    assert 1 <= panel.page.locator(EDITOR).count() <= 9


def test_it_is_readable_in_every_palette(panel: Panel) -> None:
    Node(panel, '# note\n' + TEXT + "KSampler(None, 1.5, 'a')\n")
    faint: dict[str, float] = {}
    try:
        for palette in ('dark', 'light', 'solarized', 'arc', 'nord', 'github'):
            panel.js("await app.extensionManager.setting.set('Comfy.ColorPalette', argument)", palette)
            panel.settle(100)
            contrasts = panel.js(CONTRASTS.replace('.comfyscript *', '.cs-node-editor *'))
            assert {'def', '# note', '1.5', "'a'", 'KSampler'} <= contrasts.keys()
            faint |= {f'{palette}: {word}': contrast for word, contrast in contrasts.items() if contrast < 4.5}
    finally:
        panel.js("await app.extensionManager.setting.set('Comfy.ColorPalette', 'dark')")

    assert faint == {}


def test_the_search_lists_the_sockets_of_a_new_node(panel: Panel) -> None:
    told = panel.js(
        """const { inputs, outputs } = app.extensionManager._p._s.get('nodeDef').nodeDefsByName.ComfyScript
        const list = all => all.map(one => [one.name, one.type])
        return { inputs: list(Object.values(inputs)), outputs: list(outputs) }"""
    )
    has = panel.js(
        """const { inputs, outputs } = LiteGraph.createNode('ComfyScript')
        return { inputs: inputs.map(one => [one.name, one.type]), outputs: outputs.map(one => [one.name, one.type]) }"""
    )
    assert (
        sorted(told['inputs'])
        == sorted(has['inputs'])
        == [['image', 'IMAGE'], ['script', 'STRING'], ['strength', 'FLOAT']]
    )
    assert told['outputs'] == has['outputs'] == [['out', '*']]


def test_lines_are_seen_beside_the_search_in_a_small_node(panel: Panel) -> None:
    script = 'def main(a: int, b: int, c: int) -> int:\n' + '    print(a)\n' * 20 + '    return a\n'
    node = Node(panel, script)
    panel.until(lambda: {'a', 'b', 'c'} <= set(node.inputs()))
    panel.js(
        """const node = app.graph.getNodeById(argument)
        const detail = { node: String(node.id), text: '1\\n2\\n3\\n4\\n' }
        app.api.dispatchEvent(new CustomEvent('comfyscript.printed', { detail }))
        node.setSize([420, 320]); app.canvas.setDirty(true, true)""",
        node.id,
    )
    panel.settle()
    node.click('def main')
    panel.page.keyboard.press('Control+f')
    form = panel.page.locator('.cs-node-editor .cm-search')
    form.wait_for()
    host, search = panel.page.locator('.cs-node-editor').bounding_box(), form.bounding_box()
    assert host is not None and search is not None
    assert search['height'] <= 30 < host['height'] - 60
    for name in ('search', 'next', 'prev', 'close'):
        assert form.locator(f'[name={name}]').is_visible()
    for name in ('replace', 'replaceAll', 'case', 're', 'word'):
        assert not any(one.is_visible() for one in form.locator(f'[name={name}]').all())
    line = panel.page.locator('.cs-node-editor .cm-line', has_text='print').nth(1).bounding_box()
    assert line is not None
    assert search['y'] + search['height'] <= line['y'] < host['y'] + host['height'] - line['height']

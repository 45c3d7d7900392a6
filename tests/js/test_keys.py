"""Keys: what is typed in the panel stays there, and what is typed elsewhere does not reach it."""

from __future__ import annotations

import pytest

from comfy_script.tests.js.conftest import TRACK, Panel, small_workflow

pytestmark = [pytest.mark.browser, pytest.mark.server]

# How often ComfyUI draws its canvas anew.
COUNT_DRAWS = """
window.draws = 0
if (!app.canvas.drawsCounted) {
  const draw = app.canvas.drawFrontCanvas
  app.canvas.drawFrontCanvas = function (...args) { window.draws++; return draw.apply(this, args) }
  app.canvas.drawsCounted = true
}
"""


def type_in(panel: Panel, line: str, keys: str) -> None:
    """By hand: at the end of the line that has this."""
    panel.page.locator('#cs-script .cm-line', has_text=line).first.click()
    panel.page.keyboard.press('End')
    panel.page.keyboard.type(keys)


def click_canvas(panel: Panel) -> None:
    panel.page.mouse.click(1150, 720)


def modes(panel: Panel) -> list[int]:
    return panel.js('return app.graph.nodes.map(node => node.mode)')


class TestUndo:
    def test_on_the_canvas_leaves_the_text_alone(self, panel: Panel) -> None:
        panel.set_widget(3, 'cfg', 5)
        panel.wait_for_text('cfg=5')
        type_in(panel, 'SaveImage(', '  # mine')
        click_canvas(panel)
        panel.page.keyboard.press('Control+z')
        panel.until(lambda: panel.widget(3, 'cfg') == 8)
        panel.settle()
        assert '# mine' in panel.text()

    def test_in_the_editor_is_the_editors(self, panel: Panel) -> None:
        type_in(panel, 'SaveImage(', '  # mine')
        panel.page.keyboard.press('Control+z')
        assert '# mine' not in panel.text()
        panel.page.keyboard.press('Control+y')
        assert '# mine' in panel.text()

    def test_goes_on_after_another_workflow(self, panel: Panel) -> None:
        first = panel.js('return app.extensionManager.workflow.activeWorkflow.path')
        type_in(panel, 'SaveImage(', '  # mine')
        panel.load(small_workflow(), 'another')
        panel.until(lambda: '# mine' not in panel.text())
        panel.js(
            """const { workflow } = app.extensionManager
            const first = workflow.openWorkflows.find(one => one.path === argument)
            await app.loadGraphData(first.changeTracker.activeState, true, true, first)""",
            first,
        )
        panel.wait_for_text('# mine')
        panel.page.focus('#cs-script .cm-content')
        panel.page.keyboard.press('Control+z')
        assert '# mine' not in panel.text()


class TestKeysStay:
    @pytest.fixture
    def selected(self, panel: Panel) -> Panel:
        panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        assert panel.js('return app.canvas.selectedItems.size') == 1
        return panel

    @pytest.mark.parametrize('key', ['Control+b', 'Control+m', 'Alt+c', 'p', 'Delete', 'Control+g', 'Control+a'])
    def test_changes_nothing_in_the_graph(self, selected: Panel, key: str) -> None:
        before = selected.graph()['nodes']
        groups = len(selected.graph()['groups'])
        chosen = selected.js('return app.canvas.selectedItems.size')
        selected.page.keyboard.press(key)
        selected.settle()

        assert [node['mode'] for node in selected.graph()['nodes']] == [node['mode'] for node in before]
        assert [node['flags'] for node in selected.graph()['nodes']] == [node['flags'] for node in before]
        assert len(selected.graph()['groups']) == groups
        assert selected.js('return app.canvas.selectedItems.size') == chosen

    def test_draws_nothing(self, panel: Panel) -> None:
        type_in(panel, 'SaveImage(', ' ')
        panel.settle(600)
        panel.js(COUNT_DRAWS)
        panel.settle(300)
        idle = panel.js('return window.draws')
        for key in '# words':
            panel.page.keyboard.press(key)
            panel.settle(40)
        assert panel.js('return window.draws') - idle <= 1

    def test_a_key_that_went_down_on_the_canvas_comes_up_there(self, panel: Panel) -> None:
        panel.page.focus('#graph-canvas')
        panel.page.keyboard.down(' ')
        assert panel.js('return app.canvas.read_only')
        panel.page.evaluate("document.querySelector('#cs-script .cm-content').focus()")
        panel.page.keyboard.up(' ')
        assert not panel.js('return app.canvas.read_only')


class TestSearch:
    def test_as_one_types(self, panel: Panel) -> None:
        panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        panel.page.keyboard.press('Control+f')
        panel.page.keyboard.type('steps')
        panel.shows('#cs-script .cm-searchMatch', 'steps')
        panel.page.keyboard.press('Enter')
        panel.shows('#cs-script .cm-searchMatch-selected', 'steps')

    def test_replaces_what_was_typed_last(self, panel: Panel) -> None:
        panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        panel.page.keyboard.press('Control+f')
        panel.page.keyboard.type('steps=2')
        panel.page.focus('#cs-script .cm-search [name=replace]')
        panel.page.keyboard.type('steps=3')
        panel.page.keyboard.press('Enter')
        panel.page.keyboard.press('Enter')
        panel.wait_for_text('steps=3')

    def test_draws_nothing(self, panel: Panel) -> None:
        panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        panel.page.keyboard.press('Control+f')
        panel.settle(600)
        panel.js(COUNT_DRAWS)
        panel.settle(300)
        idle = panel.js('return window.draws')
        panel.page.keyboard.type('steps')
        panel.shows('#cs-script .cm-searchMatch', 'steps')
        assert panel.js('return window.draws') - idle <= 1


NODE_TEXT = 'def main(x: int = 1) -> int:\n    y = x\n    return y\n'


class TestTabInTheNode:
    """In its plain field, which stays where the editor does not load: here it never learns that it is seen."""

    @pytest.fixture
    def area(self, panel: Panel) -> Panel:
        panel.js(
            f"""const watch = window.IntersectionObserver
            window.IntersectionObserver = class {{ observe() {{}} disconnect() {{}} }}
            const node = LiteGraph.createNode('ComfyScript'); app.graph.add(node); node.pos = [300, 600]
            window.IntersectionObserver = watch
            const widget = node.widgets.find(one => one.name === 'script')
            widget.value = argument; widget.callback?.(argument); app.canvas.centerOnNode(node); {TRACK}""",
            NODE_TEXT,
        )
        panel.page.wait_for_selector('textarea.comfyscript-node-text')
        panel.settle()
        return panel

    def select(self, panel: Panel, start: int, end: int) -> None:
        panel.page.evaluate(
            """([start, end]) => { const area = document.querySelector('textarea.comfyscript-node-text')
            area.focus(); area.setSelectionRange(start, end) }""",
            [start, end],
        )

    def value(self, panel: Panel) -> str:
        return panel.page.input_value('textarea.comfyscript-node-text')

    def test_selected_lines_are_indented(self, area: Panel) -> None:
        start = NODE_TEXT.index('y = x')
        self.select(area, start, NODE_TEXT.index('return y') + 3)
        area.page.keyboard.press('Tab')
        assert self.value(area) == NODE_TEXT.replace('    y', '        y').replace('    return', '        return')
        area.page.keyboard.press('Shift+Tab')
        assert self.value(area) == NODE_TEXT
        area.page.keyboard.press('Control+z')
        area.page.keyboard.press('Control+z')
        assert self.value(area) == NODE_TEXT

    def test_cursor_moves_to_the_next_stop(self, area: Panel) -> None:
        at = NODE_TEXT.index('y = x') + len('y = x')
        self.select(area, at, at)
        area.page.keyboard.press('Tab')
        assert 'y = x   \n' in self.value(area)

    def test_escape_then_tab_leaves(self, area: Panel) -> None:
        self.select(area, 0, 0)
        area.page.keyboard.press('Escape')
        area.page.keyboard.press('Tab')
        assert self.value(area) == NODE_TEXT
        assert not area.page.evaluate("document.activeElement.matches('textarea.comfyscript-node-text')")


class TestTabInThePanel:
    def test_indents(self, panel: Panel) -> None:
        panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        panel.page.keyboard.press('Home')
        panel.page.keyboard.press('Tab')
        assert '    SaveImage(' in panel.text()
        panel.page.keyboard.press('Shift+Tab')
        assert '    SaveImage(' not in panel.text()

    def test_escape_then_tab_leaves(self, panel: Panel) -> None:
        before = panel.text()
        panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        panel.page.keyboard.press('Escape')
        panel.page.keyboard.press('Tab')
        assert panel.text() == before
        assert not panel.page.evaluate("document.activeElement.classList.contains('cm-content')")

    def test_leaves_where_the_setting_says_so(self, panel: Panel) -> None:
        name, before = 'ComfyScript.Panel.TabIndents', panel.text()
        panel.js('await app.extensionManager.setting.set(argument, false)', name)
        try:
            panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
            panel.page.keyboard.press('Tab')
            assert panel.text() == before
            assert not panel.page.evaluate("document.activeElement.classList.contains('cm-content')")
        finally:
            panel.js('await app.extensionManager.setting.set(argument, true)', name)


def test_ctrl_s_applies_wherever_the_panel_has_focus(panel: Panel) -> None:
    panel.edit('steps=2', 'steps=5')
    panel.wait_for_state('1 value')
    panel.button('More').focus()
    panel.page.keyboard.press('Control+s')
    panel.wait_for_state('Matches the graph')
    assert panel.widget(3, 'steps') == 5


def test_a_double_click_on_run_queues_one_job(panel: Panel) -> None:
    asked: list[str] = []
    panel.page.on('request', lambda request: asked.append(request.url))
    panel.set_widget(3, 'seed', 4711)
    panel.wait_for_text('4711')
    panel.button('Run').dblclick()
    panel.until(lambda: any(url.endswith('/api/prompt') for url in asked))
    panel.settle(1000)
    assert len([url for url in asked if url.endswith('/api/prompt')]) == 1
    assert not [url for url in asked if url.endswith('/api/interrupt')]


class TestBatchCount:
    @pytest.fixture
    def three(self, panel: Panel) -> Panel:
        panel.js("app.extensionManager._p._s.get('queueSettingsStore').batchCount = 3")
        return panel

    def queued(self, panel: Panel) -> int:
        asked: list[str] = []
        panel.page.on('request', lambda request: asked.append(request.url))
        queued = lambda: len([url for url in asked if url.endswith('/api/prompt')])
        panel.button('Run').click()
        panel.until(lambda: queued() >= 3)
        panel.settle(500)
        panel.js("app.extensionManager._p._s.get('queueSettingsStore').batchCount = 1")
        return queued()

    def test_of_the_graph(self, three: Panel) -> None:
        assert self.queued(three) == 3

    def test_of_an_edited_text(self, three: Panel) -> None:
        three.edit('steps=2', 'steps=3')
        assert self.queued(three) == 3


def test_a_name_is_renamed_everywhere(panel: Panel) -> None:
    text = panel.text()
    panel.edit(text, f'def own(image):\n    return image\n\n{text}')
    panel.edit('image = VAEDecode', 'image = VAEDecode')
    for _ in range(len(' = VAEDecode') + 1):
        panel.page.keyboard.press('ArrowLeft')
    panel.page.keyboard.press('F2')
    panel.page.keyboard.type('photo')
    assert 'photo = VAEDecode(' in panel.text()
    assert 'SaveImage(photo,' in panel.text()
    assert 'def own(image):\n    return image' in panel.text()
    assert 'latent_image=' in panel.text()

"""Edits that are not applied: whose they are, and what becomes of them when the graph changes too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from comfy_script.tests.js.conftest import TRACK, Panel, small_workflow

pytestmark = [pytest.mark.browser, pytest.mark.server]

ACTIVE = 'app.extensionManager.workflow.activeWorkflow'
OPEN = 'return app.extensionManager.workflow.openWorkflows.map(one => one.path)'


def open_copy(panel: Panel) -> None:
    """The same workflow in another tab that has no file."""
    panel.load(small_workflow(cfg=5), 'copy')
    panel.settle()


def close_tab(panel: Panel, path: str) -> None:
    panel.js(
        'const { workflow } = app.extensionManager\n'
        'await workflow.closeWorkflow(workflow.openWorkflows.find(one => one.path === argument))',
        path,
    )


def name_of(path: str) -> str:
    return path.removeprefix('workflows/').removesuffix('.json')


def edited_and_left(panel: Panel) -> str:
    """The path of a tab that no file holds, with an edit; the page was loaded again at another one."""
    panel.load(small_workflow(cfg=5), 'ours alone')
    path = panel.js(f'return {ACTIVE}.path')
    panel.wait_for_text('cfg=5')
    panel.edit('steps=2', 'steps=6')
    panel.wait_for_state('1 value')
    panel.load(small_workflow(cfg=3), 'else')
    panel.wait_for_text('cfg=3')
    panel.goto()
    return path


class TestWhose:
    @pytest.fixture
    def saved(self, panel: Panel) -> Panel:
        """A workflow in a file, with an edit."""
        panel.js(
            """await fetch('/api/userdata/workflows%2Fours.json?overwrite=true', { method: 'POST', body: argument })
            await app.extensionManager.workflow.syncWorkflows()""",
            json.dumps(small_workflow(cfg=5)),
        )
        self.open(panel)
        panel.wait_for_text('cfg=5')
        panel.edit('steps=2', 'steps=6')
        panel.settle(400)
        return panel

    def open(self, panel: Panel) -> None:
        panel.js(
            """const file = await app.extensionManager.workflow.getWorkflowByPath('workflows/ours.json').load()
            await app.loadGraphData(file.activeState, true, true, file)"""
        )
        panel.settle()

    def test_of_a_file_stay_with_it(self, saved: Panel) -> None:
        open_copy(saved)
        saved.wait_for_text('steps=2')
        close_tab(saved, 'workflows/ours.json')
        saved.load(small_workflow(cfg=5), 'another copy')
        saved.settle(600)
        assert 'steps=2' in saved.text()
        self.open(saved)
        saved.wait_for_text('steps=6')

    def test_of_a_closed_tab_are_not_a_copys(self, panel: Panel) -> None:
        panel.load(small_workflow(cfg=5), 'first')
        first = panel.js(f'return {ACTIVE}.path')
        panel.wait_for_text('cfg=5')
        panel.edit('steps=2', 'steps=6')
        panel.settle(400)
        panel.load(small_workflow(cfg=5), 'second')
        panel.settle()
        close_tab(panel, first)
        # The name is free again.
        panel.load(small_workflow(cfg=5), 'first')
        panel.settle(600)
        assert panel.js(f'return {ACTIVE}.path') == first
        assert 'steps=2' in panel.text()
        assert 'Matches the graph' in panel.state()

    def test_go_with_a_workflow_that_is_saved(self, panel: Panel) -> None:
        panel.load(small_workflow(cfg=5), 'to save')
        panel.wait_for_text('cfg=5')
        panel.edit('steps=2', 'steps=6')
        panel.settle(400)
        panel.js(
            """const { workflow } = app.extensionManager, open = workflow.activeWorkflow
            await workflow.renameWorkflow(open, 'workflows/saved now.json')
            await workflow.saveWorkflow(open)"""
        )
        panel.settle(800)
        assert 'steps=6' in panel.text()
        panel.load(small_workflow(), 'else')
        panel.wait_for_text('cfg=8')
        panel.js(
            """const file = app.extensionManager.workflow.getWorkflowByPath('workflows/saved now.json')
            await app.loadGraphData(file.changeTracker.activeState, true, true, file)"""
        )
        panel.wait_for_text('steps=6')

    @pytest.fixture
    def ours(self, panel: Panel) -> str:
        """The path of the tab with an edit, of two that are open again."""
        path = edited_and_left(panel)
        # Newer frontends open all tabs again.
        if path not in panel.js(OPEN):
            panel.load(small_workflow(cfg=5), name_of(path))
            panel.load(small_workflow(cfg=3), 'else')
        panel.open()
        panel.wait_for_text('cfg=3')
        panel.wait_for_state('Matches the graph')
        assert path in panel.js(OPEN)
        return path

    def test_after_a_reload_are_their_own_tabs_not_a_copys(self, panel: Panel, ours: str) -> None:
        panel.load(small_workflow(cfg=5), name_of(ours))
        assert panel.js(f'return {ACTIVE}.path') != ours
        panel.wait_for_text('cfg=5')
        panel.wait_for_state('Matches the graph')
        assert 'steps=2' in panel.text()
        panel.js(
            """const { workflow } = app.extensionManager
            const tab = workflow.openWorkflows.find(one => one.path === argument)
            if (!tab.isLoaded) await tab.load()
            await app.loadGraphData(tab.changeTracker.activeState, true, true, tab)""",
            ours,
        )
        panel.wait_for_text('steps=6')
        panel.wait_for_state('1 value')

    def test_of_a_tab_that_was_closed_after_a_reload_are_not_a_copys(self, panel: Panel, ours: str) -> None:
        close_tab(panel, ours)
        panel.load(small_workflow(cfg=5), name_of(ours))
        assert panel.js(f'return {ACTIVE}.path') == ours
        panel.wait_for_text('cfg=5')
        panel.wait_for_state('Matches the graph')
        assert 'steps=2' in panel.text()

    def test_after_a_reload_that_opens_no_tab_again_go_on_in_the_same_script(self, panel: Panel) -> None:
        path = edited_and_left(panel)
        if path in panel.js(OPEN):
            pytest.skip('this frontend opens it again')
        panel.open()
        panel.load(small_workflow(cfg=5), 'of another name')
        panel.wait_for_text('steps=6')
        panel.wait_for_state('1 value')


class TestWhileLoading:
    """Packs are asked about a graph before its workflow is the open one, and may take their time."""

    @pytest.fixture
    def slowly(self, panel: Panel) -> Iterator[Panel]:
        panel.js(
            """window.patience ??= app.registerExtension({
                name: 'Slow', beforeConfigureGraph: () => window.pause?.(), afterConfigureGraph: () => window.pause?.(),
            }) ?? true
            window.pause = () => new Promise(resolve => setTimeout(resolve, 600))"""
        )
        yield panel
        panel.js('window.pause = undefined')

    def start_loading(self, panel: Panel, workflow: Any, name: str) -> None:
        panel.js('window.load = app.loadGraphData(argument[0], true, true, argument[1])', [workflow, name])

    def test_an_edit_stays_where_it_was_made(self, slowly: Panel) -> None:
        other = small_workflow()
        next(node for node in other['nodes'] if node['type'] == 'SaveImage')['widgets_values'] = ['other']
        self.start_loading(slowly, other, 'other')
        slowly.wait_for_text('other')
        slowly.edit('steps=2', 'steps=6')
        slowly.js('await window.load')
        slowly.wait_for_state('1 value')
        slowly.settle(900)
        assert 'steps=6' in slowly.text()

    def test_edits_of_what_was_open_take_nothing_in(self, slowly: Panel) -> None:
        slowly.edit('steps=2', 'steps=6')
        slowly.wait_for_state('1 value')
        [mine, first] = [slowly.text(), slowly.js(f'return {ACTIVE}.path')]
        self.start_loading(slowly, small_workflow(cfg=3), 'other')
        slowly.wait_for_text('cfg=3')
        slowly.wait_for_state('Matches the graph')
        slowly.js(
            """await window.load
            window.pause = undefined
            const { workflow } = app.extensionManager
            const tab = workflow.openWorkflows.find(one => one.path === argument)
            await app.loadGraphData(tab.activeState, true, true, tab)""",
            first,
        )
        slowly.wait_for_state('1 value')
        assert slowly.text() == mine


class TestBothChanged:
    def test_other_values_come_in(self, panel: Panel) -> None:
        panel.edit('cfg=8', 'cfg=8.5')
        panel.wait_for_state('1 value')
        panel.set_widget(3, 'steps', 7)
        panel.wait_for_text('steps=7')
        panel.wait_for_state('1 value')
        assert 'cfg=8.5' in panel.text()
        panel.apply('1 value')
        assert (panel.widget(3, 'cfg'), panel.widget(3, 'steps')) == (8.5, 7)

    def test_what_was_typed_can_still_be_undone(self, panel: Panel) -> None:
        panel.page.locator('#cs-script .cm-line', has_text='SaveImage(').click()
        panel.page.keyboard.press('End')
        panel.page.keyboard.type('  # mine')
        panel.set_widget(3, 'steps', 7)
        panel.wait_for_text('steps=7')
        panel.page.focus('#cs-script .cm-content')
        panel.page.keyboard.press('Control+z')
        assert '# mine' not in panel.text()
        assert 'steps=7' in panel.text()

    def test_a_node_in_the_graph_and_a_node_in_the_text(self, panel: Panel) -> None:
        panel.edit('image = VAEDecode(latent, vae)', 'image = VAEDecode(latent, vae)\nimage = ImageSharpen(image, 2)')
        panel.wait_for_state('1 new node')
        panel.js(f"const node = LiteGraph.createNode('EmptyImage'); app.graph.add(node); {TRACK}")
        panel.wait_for_text('EmptyImage(')
        panel.wait_for_state('1 new node')
        panel.button('Apply').click()
        panel.wait_for_state('Matches the graph')
        types = sorted(node['type'] for node in panel.graph()['nodes'])
        assert {'EmptyImage', 'ImageSharpen', 'SaveImage'} <= set(types)

    @pytest.fixture
    def conflict(self, panel: Panel) -> Panel:
        panel.edit('cfg=8', 'cfg=8.5')
        panel.wait_for_state('1 value')
        panel.js(
            f"""const {{ widgets }} = app.graph.getNodeById(3)
            widgets.find(one => one.name === 'cfg').value = 3
            widgets.find(one => one.name === 'steps').value = 9; {TRACK}"""
        )
        panel.wait_for_state('changed here and in the graph')
        assert 'cfg=8.5' in panel.text()
        assert 'steps=9' in panel.text()
        return panel

    def choice(self, panel: Panel) -> Any:
        return panel.page.locator('.cs-choice')

    def test_the_same_value_is_asked_about(self, conflict: Panel) -> None:
        conflict.shows('.cs-choice code', '3')
        self.choice(conflict).get_by_role('button', name='Take').click()
        conflict.wait_for_state('Matches the graph')
        assert 'cfg=3' in conflict.text()

    def test_mine_can_be_kept(self, conflict: Panel) -> None:
        self.choice(conflict).get_by_role('button', name='Keep mine').click()
        conflict.apply('1 value')
        assert (conflict.widget(3, 'cfg'), conflict.widget(3, 'steps')) == (8.5, 9)

    def test_all_at_once(self, conflict: Panel) -> None:
        conflict.button("Take the graph's").click()
        conflict.wait_for_state('Matches the graph')
        assert 'cfg=3' in conflict.text()

    def test_is_still_asked_after_the_panel_was_closed(self, conflict: Panel) -> None:
        conflict.close()
        conflict.open()
        conflict.wait_for_state('changed here and in the graph')
        conflict.until(lambda: self.choice(conflict).count() == 1)

    def test_more_changes_in_the_graph(self, conflict: Panel) -> None:
        conflict.set_widget(3, 'denoise', 0.5)
        conflict.wait_for_text('denoise=0.5')
        conflict.until(lambda: self.choice(conflict).count() == 1)
        assert 'cfg=8.5' in conflict.text()

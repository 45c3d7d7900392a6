"""Nodes that do not run are comments in the script, and the other way round."""

from __future__ import annotations

import pytest

from comfy_script.tests.js.conftest import TRACK, Panel

pytestmark = [pytest.mark.browser, pytest.mark.server]

SAVE = "SaveImage(image, 'panel')"


def mode(panel: Panel, node: int = 9) -> int:
    return panel.js(f'return app.graph.getNodeById({node}).mode')


def test_a_muted_node_is_a_comment_that_leads_to_it(panel: Panel) -> None:
    panel.js(f'app.graph.getNodeById(9).mode = 2; {TRACK}')
    panel.wait_for_text(f'# {SAVE}')
    panel.wait_for_state('Matches the graph')
    panel.page.click(f'#cs-script .cm-line:has-text("# {SAVE}")')
    panel.until(lambda: panel.js('return Object.keys(app.canvas.selected_nodes)') == ['9'])
    off = panel.page.locator('#cs-script .cm-line', has_text=f'# {SAVE}').locator('.cs-off')
    panel.until(lambda: off.count() == 1)


def test_commenting_out_bypasses_and_back(panel: Panel) -> None:
    before = next(node for node in panel.graph()['nodes'] if node['id'] == 9)
    panel.edit(SAVE, f'# {SAVE}')
    panel.apply('1 bypassed')
    assert mode(panel) == 4
    assert panel.lines()[-2] == f'# {SAVE}'
    panel.edit(f'# {SAVE}', SAVE)
    panel.apply('1 enabled')
    after = next(node for node in panel.graph()['nodes'] if node['id'] == 9)
    assert (after['mode'], after['pos'], after['size'], after['inputs']) == (
        0, before['pos'], before['size'], before['inputs'],
    )  # fmt: skip
    panel.undo()
    assert mode(panel) == 4

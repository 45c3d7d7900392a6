"""The first opening, and an empty graph."""

from __future__ import annotations

import pytest

from comfy_script.tests.js.conftest import TRACK, Panel

pytestmark = [pytest.mark.browser, pytest.mark.server]


def test_first_opening_explains_itself_once(panel: Panel) -> None:
    panel.close()
    panel.page.evaluate("localStorage.removeItem('ComfyScript.welcomed')")
    panel.open()
    panel.wait_for_state('Matches the graph')
    words = panel.page.inner_text('.cs-welcome')
    assert all(word in words for word in ('Python', 'Apply (Ctrl+S)', 'Run (Ctrl+Enter)'))
    panel.button('Got it').click()
    assert panel.page.query_selector('.cs-welcome') is None
    panel.close()
    panel.open()
    panel.wait_for_state('Matches the graph')
    assert panel.page.query_selector('.cs-welcome') is None


def test_an_empty_graph_can_begin_with_something(panel: Panel) -> None:
    panel.js(f'app.graph.clear(); {TRACK}')
    panel.page.wait_for_selector('.cs-welcome')
    panel.page.evaluate("navigator.clipboard.writeText('SaveImage(EmptyImage(64, 64, 1, 0), \\'x\\')\\n')")
    panel.button('Paste').click()
    panel.apply('2 new nodes')
    assert panel.page.query_selector('.cs-welcome') is None
    panel.js(f'app.graph.clear(); {TRACK}')
    panel.page.wait_for_selector('.cs-welcome')
    panel.button('Templates').click()
    panel.page.wait_for_selector('[role=dialog]')
    panel.js("app.extensionManager._p._s.get('dialog').closeDialog()")
    panel.page.wait_for_selector('[role=dialog]', state='detached')

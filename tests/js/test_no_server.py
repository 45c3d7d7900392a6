"""While the server does not answer, the panel says so; once it is back, it goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from comfy_script.tests.js.conftest import Panel

pytestmark = [pytest.mark.browser, pytest.mark.server]

ROUTES = '**/comfyscript/*'
AWAY = 'does not answer'


@pytest.fixture
def away(panel: Panel) -> Iterator[Panel]:
    """No request arrives."""
    panel.page.route(ROUTES, lambda route: route.abort('connectionrefused'))
    yield panel
    panel.page.unroute(ROUTES)


def comes_back(panel: Panel) -> None:
    """ComfyUI notices that its connection broke, and makes another."""
    panel.page.unroute(ROUTES)
    panel.js('window.comfyAPI.api.api.socket.close()')


def test_a_graph_that_changed_meanwhile(away: Panel) -> None:
    away.set_widget(3, 'steps', 7)
    away.wait_for_state(AWAY)
    assert away.button('Refresh').is_visible()
    assert not away.button('Discard').count()
    comes_back(away)
    away.wait_for_state('Matches the graph', timeout=20_000)
    assert 'steps=7' in away.text()


def test_a_text_that_was_edited_meanwhile(away: Panel) -> None:
    away.edit('steps=2', 'steps=5')
    away.wait_for_state(AWAY)
    assert away.button('Apply').is_visible()
    comes_back(away)
    away.wait_for_state('1 value', timeout=20_000)
    assert 'steps=5' in away.text()


def test_edits_can_be_discarded(away: Panel) -> None:
    away.edit('steps=2', 'steps=5')
    away.wait_for_state(AWAY)
    away.button('Discard').click()
    away.wait_for_text('steps=2')

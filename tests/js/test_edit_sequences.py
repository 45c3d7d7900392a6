"""Edits of the canvas, as text: applied to the graph as it was, they are the same graph. `bench edits` tries hundreds."""

from __future__ import annotations

import pytest

from comfy_script.tests.js.conftest import Panel
from comfy_script.tests.js.edit_sequences import problem, start_of

pytestmark = [pytest.mark.browser, pytest.mark.server]
SEQUENCES = 50


def test_the_script_of_an_edited_graph_makes_that_graph(panel: Panel) -> None:
    workflow = start_of(panel)
    assert [found for seed in range(SEQUENCES) if (found := problem(panel, workflow, seed))] == []

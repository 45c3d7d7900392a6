"""A value that a script draws anew each time it is read: the graph that holds one draw is what the script says."""

from __future__ import annotations

from typing import Any

from comfy_script.graph import Schemas
from comfy_script.panel.service import answer
from comfy_script.tests.panel.test_match import NODES, SCRIPT

SCHEMAS = Schemas.parse(NODES)
DRAWN = 'import random\n' + SCRIPT.replace('negative, 20', 'negative, random.randint(1, 1_000_000)')


def applied() -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer before and the graph after."""
    workflow = answer('prompt', {'script': SCRIPT}, SCHEMAS)['workflow']
    plan = answer('apply', {'workflow': workflow, 'script': DRAWN}, SCHEMAS)
    (edit,) = plan['edits']
    assert edit['input'] == 'steps'
    text = SCRIPT.replace('negative, 20', f'negative, {edit["value"]}')
    return plan, answer('prompt', {'script': text}, SCHEMAS)['workflow']


def test_applied_nothing_is_left() -> None:
    plan, graph = applied()
    again = answer('apply', {'workflow': graph, 'script': DRAWN, 'nodes': plan['nodes']}, SCHEMAS)
    assert again['edits'] == []


def test_the_text_stays() -> None:
    _, graph = applied()
    found = answer('transpile', {'workflow': graph, 'text': DRAWN}, SCHEMAS)
    assert (found['script'], found['text'], found['differs']) == (DRAWN, 'kept', [])


def test_another_value_in_the_graph_changes_nothing_either() -> None:
    _, graph = applied()
    answer('transpile', {'workflow': graph, 'text': DRAWN}, SCHEMAS)
    other = answer('prompt', {'script': SCRIPT.replace('negative, 20', 'negative, 7')}, SCHEMAS)['workflow']
    found = answer('transpile', {'workflow': other, 'text': DRAWN}, SCHEMAS)
    assert (found['script'], found['differs']) == (DRAWN, [])

"""A script that is run without being applied is queued with the graph's own ids."""

from __future__ import annotations

from typing import Any

import pytest

from comfy_script.graph import Schemas, difference
from comfy_script.panel.service import answer
from comfy_script.tests.panel.test_match import NODES, SCRIPT

SCHEMAS = Schemas.parse(NODES)


@pytest.fixture
def workflow() -> dict[str, Any]:
    """A graph whose ids are not those that a script counts up."""
    found = answer('prompt', {'script': SCRIPT}, SCHEMAS)['workflow']
    ids = {node['id']: 100 - node['id'] for node in found['nodes']}
    for node in found['nodes']:
        node['id'] = ids[node['id']]
    for link in found['links']:
        link[1], link[3] = ids[link[1]], ids[link[3]]
    return {**found, 'last_node_id': 120}


def ids_of(workflow: dict[str, Any]) -> dict[str, str]:
    return {str(node['id']): node['type'] for node in workflow['nodes']}


def queued(workflow: dict[str, Any], script: str, **more: Any) -> dict[str, Any]:
    return answer('prompt', {'script': script, 'workflow': workflow, **more}, SCHEMAS)


def test_nodes_that_the_graph_has_keep_their_ids(workflow: dict[str, Any]) -> None:
    script = SCRIPT.replace('20', '30').replace("'cat'", "'cow'")
    found = queued(workflow, script)
    assert {key: node['class_type'] for key, node in found['prompt'].items()} == ids_of(workflow)
    assert difference(found['prompt'], answer('prompt', {'script': script}, SCHEMAS)['prompt']) is None
    # A value is in the node that it was typed into.
    cat = next(node for node in workflow['nodes'] if node.get('widgets_values') == ['cat'])
    assert found['prompt'][str(cat['id'])]['inputs']['text'] == 'cow'
    assert found['lines'][str(cat['id'])] == 2


def test_new_nodes_get_ids_that_the_graph_has_not_given_yet(workflow: dict[str, Any]) -> None:
    script = SCRIPT.replace('Save(image,', 'image = Blur(image, 3)\nSave(image,') + "Save(image, 'two')\n"
    found = queued(workflow, script)
    new = {key: node['class_type'] for key, node in found['prompt'].items() if key not in ids_of(workflow)}
    assert sorted(new.items()) == [('121', 'Blur'), ('122', 'Save')]
    assert difference(found['prompt'], answer('prompt', {'script': script}, SCHEMAS)['prompt']) is None


def test_a_pairing_that_is_known_is_kept(workflow: dict[str, Any]) -> None:
    script = SCRIPT + "Save(image, 'two')\n"
    nodes = answer('apply', {'script': script, 'workflow': workflow}, SCHEMAS)['nodes']
    found = queued(workflow, script, nodes={key: name for key, name in nodes.items() if name[0] != '+'})
    assert {key: name for key, name in found['nodes'].items() if nodes[key][0] != '+'}.items() <= nodes.items()


def test_what_cannot_be_read_is_said(workflow: dict[str, Any]) -> None:
    assert queued(workflow, 'Nothing()')['errors'][0]['line'] == 1


def test_a_node_that_the_server_does_not_know_keeps_its_id_too(workflow: dict[str, Any]) -> None:
    """And it is not taken for another: the script's own numbers mean nothing in the graph."""
    blur = next(node for node in workflow['nodes'] if node['type'] == 'Sample')
    blur['type'] = 'SomethingElse'
    script = answer('transpile', {'workflow': workflow}, SCHEMAS)['script']
    assert "node['SomethingElse']" in script
    found = queued(workflow, script.replace("'cat'", "'cow'"))
    assert {key: node['class_type'] for key, node in found['prompt'].items()} == ids_of(workflow)

"""Same script, same pixels: what the transpiler writes, run in virtual, real and naked mode."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from comfy_script.tests.lab.server import Server
from comfy_script.transpiler import TranspileError, transpile

from .conftest import Child, ChildError
from .graphs import GRAPHS, Graph
from .test_execution_graphs import Left, builder, by_server, files, hashes, one_by_server, prompts
from .workflows import WORKFLOWS

__all__ = ['builder']
pytestmark = pytest.mark.server

RUN_SCRIPT = """
import json, warnings
ui = []
session = RealSession(validate={validate}, on_ui=lambda node_id, class_type, found: ui.append(found))
names = {{name: getattr(session.nodes, name) for name in session.nodes.public_names()}}
with Workflow(), warnings.catch_warnings():
    warnings.simplefilter('ignore')
    exec(compile(json.loads({script!r}), '<script>', 'exec'), names | {{'node': session.nodes}})
value = ui
"""

RUN_NAKED = """
import json
import nodes as comfyui_nodes

# What a person writes by hand in naked mode, made from a prompt: a class, its function, tuples of outputs.
prompt, order = json.loads({prompt!r})
results, value = {{}}, []
with Workflow():
    for node_id in order:
        node = prompt[node_id]
        node_class = comfyui_nodes.NODE_CLASS_MAPPINGS[node['class_type']]
        inputs = {{name: results[given[0]][given[1]] if isinstance(given, list) else given
                  for name, given in node['inputs'].items()}}
        result = getattr(node_class(), node_class.FUNCTION)(**inputs)
        if isinstance(result, dict):
            value.append(result['ui'])
            result = result.get('result', ())
        results[node_id] = getattr(result, 'result', result)
"""


@pytest.fixture(scope='module')
def object_info(server: Server) -> Any:
    return server.get('/object_info')


def pixels(base: Path, found: list[Mapping[str, Any]]) -> list[str]:
    return sorted(pixel for ui in found for pixel in hashes(base, files(ui)))


def in_real_mode(real: Child, script: str, validate: bool = True) -> list[str]:
    return pixels(real.base, real.run(RUN_SCRIPT.format(script=json.dumps(script), validate=validate)))


def of_server(left: Left) -> list[str]:
    return sorted(pixel for found in left['images'].values() for pixel in found)


@pytest.mark.parametrize('name', list(WORKFLOWS))
def test_same_pixels_in_all_modes(name: str, server: Server, real: Child, naked: Child, object_info: Any) -> None:
    prompt = WORKFLOWS[name]
    script = transpile(prompt, schemas=object_info)
    expected = of_server(one_by_server(server, prompt, None))
    assert expected
    assert in_real_mode(real, script) == expected
    assert pixels(naked.base, naked.run(RUN_NAKED.format(prompt=json.dumps([prompt, list(prompt)])))) == expected
    assert of_server(one_by_server(server, virtual(script, object_info), None)) == expected


def virtual(script: str, object_info: Any) -> dict[str, Any]:
    """The prompt that a script makes in virtual mode, its prefix changed so that nothing is found cached."""
    from comfy_script.graph import as_schemas
    from comfy_script.runtime.calls.functions import NodeNamespace
    from comfy_script.runtime.calls.recording import PromptBuilder

    prompt = PromptBuilder()
    nodes = NodeNamespace(as_schemas(object_info), prompt.emit)
    names = {name: getattr(nodes, name) for name in nodes.public_names()}
    exec(compile(script, '<script>', 'exec'), names | {'node': nodes})
    return prompt.build().prompt


def script_of(graph: Graph, prompt: dict[str, Any], object_info: Any) -> str | None:
    """The graph as a script, or None for one that no script can be: a circle, a missing node."""
    try:
        return transpile(prompt, schemas=object_info, end_nodes=list(graph.targets) if graph.targets else None)
    except TranspileError:
        return None


@pytest.mark.parametrize('graph', GRAPHS, ids=lambda graph: graph.name)
def test_a_graph_as_a_script(graph: Graph, builder: Any, server: Server, real: Child, object_info: Any) -> None:
    """The graphs of ComfyUI's own tests, as Python that calls nodes: the same pixels, or the same error."""
    if graph.name in NOT_AS_SCRIPTS:
        pytest.skip(NOT_AS_SCRIPTS[graph.name])
    sequence = prompts(graph, builder)
    script = script_of(graph, sequence[0], object_info)
    assert script is not None
    expected = by_server(server, graph, sequence)[0]
    if graph.refused:
        with pytest.raises(ChildError, match=graph.refused):
            in_real_mode(real, script)
        return
    if 'images' in expected:
        assert in_real_mode(real, script) == of_server(expected)
        return
    with pytest.raises(ChildError) as raised:
        in_real_mode(real, script)
    if 'failed' in expected:
        assert (raised.value.kind, raised.value.text) == (expected['failed'], expected['message'])
    else:
        assert raised.value.kind in ('NodeRefusedError', 'CallError')


NOT_AS_SCRIPTS = {
    'cycle_error': 'a circle is no script',
    'missing_node_error': 'a link to a node that is missing is no script',
    'partial_execution_empty_list': 'there is nothing to run',
    'validation_error_edge3': 'a number is no link: that it came out of a node of another type is not seen',
    'validation_error_edge4': 'a number is no link: it is cast, as one that was typed in is',
}

"""What an image that a script made has in it, on a real server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from comfy_script.graph import difference
from comfy_script.runtime.client.client import Client
from comfy_script.runtime.client.workflow import Workflow
from comfy_script.transpiler import workflow_to_prompt

pytestmark = pytest.mark.server


@pytest.fixture
def client(server: Any) -> Any:
    with Client(server.url) as client:
        yield client


def tinted(nodes: Any, colour: int) -> Any:
    image = nodes.EmptyImage(32, 32, 1, colour)
    return nodes.ImageInvert(image)


def test_images_reopen_as_the_graph_of_the_script(client: Client) -> None:
    nodes = client.nodes
    with Workflow(wait=True) as wf:
        red_image = tinted(nodes, 0xFF0000)
        green_image = tinted(nodes, 0x00FF00)
        both_images = nodes.ImageBatch(red_image, green_image)
        saved = nodes.SaveImage(both_images, 'reopen')
    result: Any = saved.wait()
    assert len(result) == 2
    info = result[0].info
    prompt, workflow = json.loads(info['prompt']), json.loads(info['workflow'])
    assert all(isinstance(node['id'], int) for node in workflow['nodes'])
    assert {str(node['id']) for node in workflow['nodes']} == set(prompt)
    assert [group['title'] for group in workflow['groups']] == ['tinted', 'tinted']
    assert 'Both images' in [node.get('title') for node in workflow['nodes']]
    # ComfyUI adds `is_changed` to some nodes of the saved prompt; it is no input.
    assert difference(workflow_to_prompt(workflow, client.schemas), wf.api_format()) is None
    assert difference(prompt, wf.api_format()) is None


def test_every_core_node_has_a_function(client: Client) -> None:
    import inspect

    nodes = client.nodes
    assert client.schemas.problems() == {}
    for class_type in nodes:
        function = nodes[class_type]
        assert nodes.find(function.__name__) is function
        names = list(inspect.signature(function).parameters)
        schema = client.schemas[class_type]
        assert names[: len(schema.inputs)] == [item.python_name for item in schema.inputs]
        assert function.__doc__


def test_embeddings_and_checkpoints_of_the_server(client: Client, server: Any) -> None:
    files = {path.stem for path in (server.base / 'models').rglob('*.safetensors')}
    members = {str(value) for value in client.nodes.Checkpoints}
    assert members == set(client.schemas['CheckpointLoaderSimple'].inputs[0].choices or ())
    assert all(str(value).startswith('embedding:') for value in client.nodes.Embeddings)
    assert members or not files

"""A ComfyScript node with a widget of each kind, links on both sides, one of them into a widget's input."""

from __future__ import annotations

import json
from typing import Any

from comfy_script.tests.lab.server import Server

APP = 'window.comfyAPI.app.app'
SCRIPT = """\
def main(
    image: Image,
    strength: Annotated[float, Range(0, 1, 0.05)] = 0.5,
    steps: int = 20,
    seed: int = 0,
    text: str = 'none',
    flip: bool = False,
    mode: Literal['soft', 'hard'] = 'soft',
    size: int = 64,
    count: int = 1,
    name: str = '',
) -> tuple[Image, Mask]:
    return image * strength, image
"""
VALUES = {
    'strength': 0.25, 'steps': 31, 'seed': 77, 'text': 'kept', 'flip': True, 'mode': 'hard', 'size': 128, 'name': 'n',
}  # fmt: skip

MAKE = """
    await app.extensionManager.command.execute('Comfy.NewBlankWorkflow')
    await new Promise(drawn => setTimeout(drawn, 100))
    const node = LiteGraph.createNode('ComfyScript')
    app.graph.add(node)
    const script = node.widgets.find(widget => widget.name === 'script')
    script.value = argument.script
    script.callback?.(argument.script)
    for (let waited = 0; !node.widgets.some(widget => widget.name === 'name') && waited < 400; waited++)
        await new Promise(done => setTimeout(done, 100))
    for (const [name, value] of Object.entries(argument.values))
        node.widgets.find(widget => widget.name === name).value = value
    const [load, preview, number] = ['LoadImage', 'PreviewImage', 'PrimitiveInt'].map(type => LiteGraph.createNode(type))
    for (const other of [load, preview, number]) app.graph.add(other)
    load.connect(0, node, node.inputs.findIndex(input => input.name === 'image'))
    number.connect(0, node, node.inputs.findIndex(input => input.name === 'count'))
    node.connect(0, preview, 0)
"""
HELD = """
    const node = app.graph.nodes.find(node => node.comfyClass === 'ComfyScript')
    const saved = app.graph.serialize(), own = saved.nodes.find(node => node.type === 'ComfyScript')
    const prompt = (await app.graphToPrompt()).output
    return {
        values: own.widgets_values,
        outputs: own.outputs.map(output => [output.name, output.type, output.links?.length ?? 0]),
        inputs: own.inputs.filter(input => input.link != null).map(input => [input.name, input.type]),
        prompt: prompt[node.id].inputs,
        preview: Object.values(prompt).find(one => one.class_type === 'PreviewImage').inputs.images,
    }
"""

# Newer frontends put a graph there after a while; 1.32 opens empty with the settings of tests.
FIRST_GRAPH = f"""longest => window.__COMFYUI_FRONTEND_VERSION__?.startsWith('1.32.')
    || {APP}.graph.nodes.length || performance.now() > longest"""


def js(page: Any, script: str, argument: Any = None) -> Any:
    return page.evaluate(f'async argument => {{ const app = {APP}; {script} }}', argument)


def open_page(page: Any, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_selector('#graph-canvas')
    page.wait_for_function(f'{APP}?.extensionManager?.workflow && {APP}.graph != null')
    page.wait_for_function("Boolean(LiteGraph.registered_node_types['ComfyScript'])")
    page.wait_for_function(FIRST_GRAPH, arg=5000)
    page.wait_for_timeout(300)


def make_node(page: Any) -> dict[str, Any]:
    """Makes the node with its values; the workflow with it."""
    js(page, MAKE, {'script': SCRIPT, 'values': VALUES})
    return json.loads(js(page, 'return JSON.stringify(app.graph.serialize())'))


def load(page: Any, workflow: dict[str, Any]) -> None:
    js(page, 'await app.loadGraphData(JSON.parse(argument))', json.dumps(workflow))
    page.wait_for_timeout(800)


def held(page: Any) -> dict[str, Any]:
    """What the page would save and queue of the node."""
    return js(page, HELD)

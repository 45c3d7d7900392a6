"""Random edits on the canvas, and the script that they make applied to the graph as it was: both are to be one graph.

    python dev.py bench edits [SEQUENCES] [FIRST SEED]
"""

from __future__ import annotations

from typing import Any

from comfy_script.graph import Prompt, difference
from comfy_script.tests.js.conftest import Panel

START = """\
model, clip, vae = CheckpointLoaderSimple('v1-5-pruned-emaonly.safetensors')
positive = CLIPTextEncode('a cat', clip)
negative = CLIPTextEncode('', clip)
latent = EmptyLatentImage(64, 64, 1)
latent = KSampler(model, 1, 2, 8, 'euler', 'normal', positive, negative, latent, 1)
image = VAEDecode(latent, vae)
SaveImage(image, 'one')
image = ImageScale(image, 'nearest-exact', 32, 32, 'disabled')
SaveImage(image, 'two')
latent = LatentUpscale(latent, 'nearest-exact', 96, 96, 'disabled')
latent = KSampler(model, 1, 2, 8, 'euler', 'normal', positive, negative, latent, 0.5)
SaveImage(VAEDecode(latent, vae), 'three')
for colour in range(3):
    SaveImage(EmptyImage(64, 64, 1, colour), 'x')
"""
EDITS = 20

CANVAS = """
const [workflow, seed, count] = argument
const panel = await (await import('/extensions/ComfyScript/panel/panel.mjs')).openedPanel()
const { openGraph } = await import('/extensions/ComfyScript/panel/graph_script.mjs')
const { transpile } = await import('/extensions/ComfyScript/panel/server.mjs')
const wait = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))
let state = seed * 2654435761 >>> 0
const random = () => {
  state = state + 0x6d2b79f5 >>> 0
  let one = Math.imul(state ^ state >>> 15, 1 | state)
  one = one + Math.imul(one ^ one >>> 7, 61 | one) ^ one
  return ((one ^ one >>> 14) >>> 0) / 4294967296
}
const pick = list => list[Math.floor(random() * list.length)]
const TYPES = [
  'EmptyImage', 'ImageScale', 'ImageInvert', 'CLIPTextEncode', 'KSampler', 'VAEDecode', 'VAEEncode', 'SaveImage',
  'PreviewImage', 'LatentUpscale', 'ConditioningCombine', 'EmptyLatentImage', 'ImageBlend',
]
const nodes = () => app.graph.nodes
const linkOf = (node, slot) => node.inputs[slot].link == null ? undefined : app.graph.links.get(node.inputs[slot].link)
const above = (node, seen = new Set()) => {
  if (seen.has(node.id)) return seen
  seen.add(node.id)
  for (let slot = 0; slot < (node.inputs?.length ?? 0); slot++) {
    const link = linkOf(node, slot)
    if (link) above(app.graph.getNodeById(link.origin_id), seen)
  }
  return seen
}
const sources = (node, slot) => nodes().flatMap(other => (other.outputs ?? []).flatMap((output, from) =>
  output.type === node.inputs[slot].type && !above(other).has(node.id) ? [[other, from]] : []))
const slots = filter => nodes().flatMap(node => (node.inputs ?? []).flatMap((_, slot) => (filter(node, slot) ? [[node, slot]] : [])))
const isSocket = (node, slot) => !node.inputs[slot].widget

const edits = {
  value() {
    const [node, widget] = pick(nodes().flatMap(node => (node.widgets ?? [])
      .filter(widget => widget.name !== 'control_after_generate' && widget.type !== 'button').map(widget => [node, widget])))
    const values = widget.options?.values
    let { value } = widget
    if (Array.isArray(values)) value = pick(values)
    else if (typeof value === 'number') value = Math.min(widget.options.max ?? 1e9, Math.max(widget.options.min ?? 0, value + pick([1, 2, 8])))
    else if (typeof value === 'string') value += pick(['a', ' b', '!'])
    else if (typeof value === 'boolean') value = !value
    widget.value = value
    widget.callback?.(value, app.canvas, node, [0, 0])
  },
  link() {
    const [node, slot] = pick(slots(isSocket))
    const found = pick(sources(node, slot))
    if (found) found[0].connect(found[1], node, slot)
  },
  unlink() {
    const found = pick(slots((node, slot) => isSocket(node, slot) && linkOf(node, slot)))
    if (found) found[0].disconnectInput(found[1])
  },
  add() {
    const node = LiteGraph.createNode(pick(TYPES))
    node.pos = [random() * 2000, random() * 1000]
    app.graph.add(node)
    for (const widget of node.widgets ?? []) if (widget.name === 'control_after_generate') widget.value = 'fixed'
    node.inputs?.forEach((_, slot) => {
      const found = isSocket(node, slot) && pick(sources(node, slot))
      if (found) found[0].connect(found[1], node, slot)
    })
  },
  remove() {
    if (nodes().length > 6) app.graph.remove(pick(nodes()))
  },
  bypass() {
    const node = pick(nodes())
    node.mode = node.mode ? 0 : pick([4, 4, 2])
  },
}
const kinds = ['value', 'value', 'value', 'value', 'link', 'link', 'link', 'unlink', 'add', 'add', 'remove', 'bypass', 'bypass']
const done = []
const prompt = async () => (await app.graphToPrompt()).output

await app.loadGraphData(structuredClone(workflow))
for (const node of nodes()) for (const widget of node.widgets ?? []) if (widget.name === 'control_after_generate') widget.value = 'fixed'
// Slots give away their own lists of links.
const start = structuredClone(app.graph.serialize())
while (done.length < count) {
  const kind = pick(kinds)
  edits[kind]()
  done.push(kind)
}
const onCanvas = await prompt()
const { workflow: edited, style } = await openGraph()
const { script } = await transpile({ workflow: edited, style })

await app.loadGraphData(structuredClone(start))
panel.graphChanged(true)
for (let tries = 0; ; tries++) {
  const { script: expected } = await transpile(await openGraph())
  if (panel.editor.text() === expected) break
  if (tries > 100) throw new Error('the panel does not show the graph')
  await wait(50)
}
const { view } = panel.editor
const before = view.state.doc.toString()
view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: script }, userEvent: 'input.type' })
await panel.apply()
await wait(20)
const status = document.querySelector('.cs-state').innerText
const applied = await prompt()
return { done, before, script, after: panel.editor.text(), onCanvas, applied, status }
"""


def start_of(panel: Panel) -> dict[str, Any]:
    """The graph that every sequence begins with."""
    return panel.server.post('/comfyscript/prompt', {'script': START})['workflow']


def problem(panel: Panel, workflow: dict[str, Any], seed: int) -> str | None:
    """What is wrong after one sequence, with all there is to know; None where the two graphs are the same."""
    found = panel.js(CANVAS, [workflow, seed, EDITS])
    differs = difference(Prompt.parse(found['onCanvas']), Prompt.parse(found['applied']))
    if differs is None and 'Matches the graph' in found['status']:
        return None
    texts = '\n'.join(f'--- {key}\n{found[key]}' for key in ('before', 'script', 'after'))
    return f'seed {seed}: {differs or "the same graph"}; {found["status"]!r}; {" ".join(found["done"])}\n{texts}'

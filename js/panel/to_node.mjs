// A selection of nodes becomes one ComfyScript node.
import { app, asOneStep, rootGraph, selectedNodes, liveGraph, shownGraph } from './comfy.mjs'
import { setWidget } from './apply.mjs'
import { makeRoom } from './place.mjs'
import * as server from './server.mjs'
import { t } from './text.mjs'

/** @typedef {Awaited<ReturnType<typeof server.planNode>>} Plan */

const TYPE = 'ComfyScript'
const TRIES = 40

/** @param {Record<string, any>} style @returns {Promise<number>} how many nodes were replaced: 0 where none is selected */
export async function replaceWithNode(style) {
  const graph = rootGraph()
  if (shownGraph() !== graph) throw new Error(t('toNode.inside'))
  const nodes = selectedNodes()
  if (!nodes.length) return 0
  const plan = await server.planNode({ workflow: await liveGraph(), nodes: nodes.map(node => String(node.id)), style })
  await asOneStep(async () => {
    const node = /** @type {any} */ (window).LiteGraph.createNode(TYPE)
    if (!node) throw new Error(t('toNode.missing'))
    graph.add(node)
    try {
      const widget = node.widgets?.find(/** @param {any} one */ one => one.name === 'script') ?? node.widgets?.[0]
      setWidget(node, widget, plan.script)
      await until(() => plan.inputs.every(input => slotOf(node, input.name) >= 0) && (node.outputs?.length ?? 0) >= plan.outputs.length)
      check(plan)
      connect(graph, node, plan)
    } catch (error) {
      graph.remove(node)
      throw error
    }
    const sources = plan.inputs.map(input => graph.getNodeById(input.from[0])).filter(Boolean)
    const left = Math.max(...(sources.length ? sources.map(one => one.pos[0] + one.size[0] + 60) : nodes.map(one => one.pos[0])))
    node.pos = [left, Math.min(...nodes.map(one => one.pos[1]))]
    for (const one of nodes) graph.remove(one)
    makeRoom(graph, node)
    app.canvas.deselectAll?.()
    app.canvas.selectNode(node, false)
  })
  return nodes.length
}

/** Links into subgraphs end at nodes that the main graph does not have. @param {Plan} plan */
function check(plan) {
  const ids = [...plan.inputs.map(input => input.from[0]), ...plan.outputs.flatMap(output => output.to.map(([id]) => id))]
  if (ids.some(id => id.includes(':'))) throw new Error(t('toNode.boundary'))
}

/** @param {any} graph @param {any} node @param {Plan} plan */
function connect(graph, node, plan) {
  for (const { name, from: [id, slot] } of plan.inputs) graph.getNodeById(id)?.connect(slot, node, slotOf(node, name))
  plan.outputs.forEach(({ to }, slot) => {
    for (const [id, input] of to) {
      const target = graph.getNodeById(id)
      const index = target ? slotOf(target, input) : -1
      if (index >= 0) node.connect(slot, target, index)
    }
  })
}

/** @param {any} node @param {string} name */
const slotOf = (node, name) => (node.inputs ?? []).findIndex(/** @param {any} input */ input => input.name === name)

/** The node reads its sockets from its script, and asks the server for that. @param {() => boolean} ready */
async function until(ready) {
  for (let tries = 0; !ready(); tries++) {
    if (tries > TRIES) throw new Error(t('toNode.sockets'))
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

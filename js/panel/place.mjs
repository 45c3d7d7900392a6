// Where new nodes go.
import { inputLink, outputLinks } from './comfy.mjs'

const GAP = 60

/** New nodes go beside what they feed, else beside what feeds them, where there is room. @param {import('./apply.mjs').Place[]} added */
export function place(added) {
  const fresh = new Set(added.map(one => one.node))
  const places = new Map(added.map(one => [one.node, one]))
  for (const { graph, node } of [...places.values()].reverse()) {
    const users = linked(graph, node, 'outputs').filter(other => !fresh.has(other))
    const sources = linked(graph, node, 'inputs').filter(other => !fresh.has(other))
    const [width] = node.size
    if (users.length) {
      const nearest = users.reduce((a, b) => (b.pos[0] < a.pos[0] ? b : a))
      node.pos = [nearest.pos[0] - width - GAP, nearest.pos[1]]
    } else if (sources.length) {
      const nearest = sources.reduce((a, b) => (b.pos[0] + b.size[0] > a.pos[0] + a.size[0] ? b : a))
      node.pos = [nearest.pos[0] + nearest.size[0] + GAP, nearest.pos[1]]
    } else {
      node.pos = [0, Math.max(0, ...graph.nodes.filter(/** @param {any} other */ other => other !== node).map(/** @param {any} other */ other => other.pos[1] + other.size[1])) + GAP]
    }
    makeRoom(graph, node)
    fresh.delete(node)
  }
}

/** @param {any} graph @param {any} node @param {'inputs' | 'outputs'} side @returns {any[]} */
function linked(graph, node, side) {
  const ids = side === 'inputs'
    ? (node.inputs ?? []).map((/** @type {any} */ _, /** @type {number} */ slot) => inputLink(node, slot)?.origin_id)
    : outputLinks(graph, node).map(link => link.target_id)
  return ids.map(/** @param {any} id */ id => (id == null ? undefined : graph.getNodeById(id))).filter(Boolean)
}

/** Moves a node down until it covers no other. @param {any} graph @param {any} node */
export function makeRoom(graph, node) {
  const title = /** @type {any} */ (window).LiteGraph.NODE_TITLE_HEIGHT
  const others = graph.nodes.filter(/** @param {any} other */ other => other !== node)
  for (let tries = 0; tries < 200; tries++) {
    const hit = others.find(/** @param {any} other */ other =>
      node.pos[0] < other.pos[0] + other.size[0] && other.pos[0] < node.pos[0] + node.size[0]
      && node.pos[1] - title < other.pos[1] + other.size[1] && other.pos[1] - title < node.pos[1] + node.size[1])
    if (!hit) return
    node.pos = [node.pos[0], hit.pos[1] + hit.size[1] + title + 20]
  }
}

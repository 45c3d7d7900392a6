// Where new nodes go: between what feeds them and what they feed, in the group of their heading, copies below each other.
import { inputLink, nodeByPath, outputLinks } from './comfy.mjs'

/** @typedef {import('./apply.mjs').Place & { edit: import('./server.mjs').Edit }} Added */

const GAP = 60
const BELOW = 20

/** @param {Added[]} added in the order they were made */
export function place(added) {
  const byName = new Map(added.map(one => [one.edit.node, one]))
  const waiting = [...new Map(added.map(one => [one.node, one])).values()]
  const fresh = new Set(waiting.map(one => one.node))
  const twinOf = (/** @type {Added} */ { edit }) => (edit.like ? byName.get(edit.like) ?? nodeByPath(edit.like) : undefined)?.node
  while (waiting.length) {
    const [one] = waiting.splice(next(waiting, fresh, twinOf), 1)
    const { graph, node } = one
    const twin = twinOf(one)
    if (twin && twin !== node && twin.graph === graph) {
      node.pos = [twin.pos[0], bottom(twin) + titleHeight() + BELOW]
      makeRoom(graph, node, fresh)
    } else {
      besideLinks(one, fresh)
      intoGroup(one, groupOf(one), fresh)
    }
    fresh.delete(node)
  }
}

/** Which to place now: a copy of what has a place, else the last one that feeds such, else the first that is fed by such. @param {Added[]} waiting @param {Set<any>} fresh @param {(one: Added) => any} twinOf */
function next(waiting, fresh, twinOf) {
  const copy = waiting.findIndex(one => { const twin = twinOf(one); return twin && !fresh.has(twin) })
  if (copy >= 0) return copy
  const first = (/** @type {Added} */ one) => !twinOf(one)
  const has = (/** @type {'inputs' | 'outputs'} */ side) => (/** @type {Added} */ one) => first(one) && linked(one.graph, one.node, side).some(other => !fresh.has(other))
  const user = waiting.findLastIndex(has('outputs'))
  return user >= 0 ? user : Math.max(0, waiting.findIndex(has('inputs')))
}

/** @param {Added} added @param {Set<any>} fresh nodes that have no place yet */
function besideLinks({ graph, node }, fresh) {
  const users = linked(graph, node, 'outputs').filter(other => !fresh.has(other))
  const sources = linked(graph, node, 'inputs').filter(other => !fresh.has(other))
  const user = users.length ? users.reduce((a, b) => (b.pos[0] < a.pos[0] ? b : a)) : undefined
  const source = sources.length ? sources.reduce((a, b) => (right(b) > right(a) ? b : a)) : undefined
  const others = placed(graph, fresh).filter(other => other !== node)
  if (user && source && user.pos[0] >= right(source)) {
    const [edge] = user.pos
    const room = edge - right(source) - node.size[0] - 2 * GAP
    if (room < 0) for (const item of [...others, ...graph.groups]) if (item.pos[0] >= edge) moveRight(item, -room)
    node.pos = [right(source) + GAP, user.pos[1]]
  } else if (user) node.pos = [user.pos[0] - node.size[0] - GAP, user.pos[1]]
  else if (source) node.pos = [right(source) + GAP, source.pos[1]]
  else node.pos = [Math.min(...others.map(other => other.pos[0]), Infinity), Math.max(0, ...others.map(bottom)) + GAP].map(value => (Number.isFinite(value) ? value : 0))
  makeRoom(graph, node, fresh)
}

/** @param {any} item a node or group @param {number} by */
function moveRight(item, by) {
  item.pos = [item.pos[0] + by, item.pos[1]]
}

/** The group of the heading that a node's line stands under. @param {Added} added */
const groupOf = ({ graph, edit }) => (edit.group ? graph.groups.find((/** @type {any} */ one) => plain(one.title) === plain(edit.group ?? '')) : undefined)

/** A title as a heading has it. @param {string} title */
const plain = title => title.replace(/\s+/g, ' ').trim().slice(0, 100)

/** @param {Added} added @param {any} group @param {Set<any>} fresh */
function intoGroup({ graph, node }, group, fresh) {
  if (!group || inside(node, group)) return
  const [x, y] = group.pos
  const [width, height] = group.size
  const members = placed(graph, fresh).filter(other => other !== node && inside(other, group))
  const low = members.length ? Math.max(...members.map(bottom)) : y + titleHeight()
  node.pos = [Math.max(x + BELOW, Math.min(node.pos[0], x + width - node.size[0] - BELOW)), low + titleHeight() + BELOW]
  const grown = Math.max(0, bottom(node) + BELOW - y - height)
  const wide = Math.max(0, right(node) + BELOW - x - width)
  // What lies below or beside makes room, or it would be of the group from now on.
  for (const other of [...placed(graph, fresh), ...graph.groups]) {
    if (other === node || other === group || members.includes(other)) continue
    if (other.pos[1] >= y + height && other.pos[0] < x + width && right(other) > x) other.pos = [other.pos[0], other.pos[1] + grown]
    if (other.pos[0] >= x + width && other.pos[1] < y + height && bottom(other) > y) moveRight(other, wide)
  }
  group.size = [width + wide, height + grown]
}

/** @param {any} node @param {any} group */
function inside(node, group) {
  const [x, y] = [node.pos[0] + node.size[0] / 2, node.pos[1] + node.size[1] / 2]
  return x > group.pos[0] && x < right(group) && y > group.pos[1] && y < bottom(group)
}

const titleHeight = () => /** @type {any} */ (window).LiteGraph.NODE_TITLE_HEIGHT
/** @param {any} item */
const right = item => item.pos[0] + item.size[0]
/** @param {any} item */
const bottom = item => item.pos[1] + item.size[1]
/** @param {any} graph @param {Set<any>} fresh @returns {any[]} */
const placed = (graph, fresh) => graph.nodes.filter((/** @type {any} */ node) => !fresh.has(node))

/** @param {any} graph @param {any} node @param {'inputs' | 'outputs'} side @returns {any[]} */
function linked(graph, node, side) {
  const ids = side === 'inputs'
    ? (node.inputs ?? []).map((/** @type {any} */ _, /** @type {number} */ slot) => inputLink(node, slot)?.origin_id)
    : outputLinks(graph, node).map(link => link.target_id)
  return ids.map(/** @param {any} id */ id => (id == null ? undefined : graph.getNodeById(id))).filter(Boolean)
}

/** Moves a node down until it covers no other. @param {any} graph @param {any} node @param {Set<any>} [fresh] nodes that have no place yet */
export function makeRoom(graph, node, fresh = new Set()) {
  const title = titleHeight()
  const others = placed(graph, fresh).filter(other => other !== node)
  for (let tries = 0; tries < 200; tries++) {
    const hit = others.find(other => node.pos[0] < right(other) && other.pos[0] < right(node)
      && node.pos[1] - title < bottom(other) && other.pos[1] - title < bottom(node))
    if (!hit) return
    node.pos = [node.pos[0], bottom(hit) + title + BELOW]
  }
}

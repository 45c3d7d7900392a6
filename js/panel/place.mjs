// Where new nodes go: between what feeds them and what they feed, in the group of their heading, copies below each other.
import { inputLink, outputLinks } from './comfy.mjs'

/** @typedef {import('./apply.mjs').Place & { edit: import('./server.mjs').Edit }} Added */
/** @typedef {{ script: string, lines: Record<string, [number, number]> }} Source `lines`: of the nodes that stay, by prompt id. */

const GAP = 60
const BELOW = 20

/** @param {Added[]} added in the order they were made @param {Source} source */
export function place(added, source) {
  const fresh = new Set(added.map(one => one.node))
  const lines = source.script.split('\n')
  const waiting = [...alike(added).values()]
  while (waiting.length) {
    const [copies] = waiting.splice(next(waiting, fresh), 1)
    let above = twin(copies[0], source)
    for (const one of copies) {
      const { graph, node } = one
      if (above) {
        node.pos = [above.pos[0], bottom(above) + titleHeight() + BELOW]
        makeRoom(graph, node, fresh)
      } else {
        besideLinks(one, fresh)
        intoGroup(one, headingGroup(one, lines), fresh)
      }
      fresh.delete(node)
      above = node
    }
  }
}

/** Which to place now: the last one that feeds what has a place, else the first that is fed by such. @param {Added[][]} waiting @param {Set<any>} fresh */
function next(waiting, fresh) {
  const has = (/** @type {'inputs' | 'outputs'} */ side) => (/** @type {Added[]} */ [{ graph, node }]) => linked(graph, node, side).some(other => !fresh.has(other))
  const user = waiting.findLastIndex(has('outputs'))
  return user >= 0 ? user : Math.max(0, waiting.findIndex(has('inputs')))
}

/** A node that was there before and that the same line makes: its copies go below it. @param {Added} added @param {Source} source */
function twin({ graph, edit }, { lines }) {
  const ids = Object.keys(lines).filter(id => lines[id][0] === edit.line)
  return ids.map(id => graph.getNodeById(id.split(':').pop())).filter(node => node?.type === edit.type)
    .reduce((low, node) => (low && bottom(low) > bottom(node) ? low : node), undefined)
}

/** What one line made several times: the copies of a loop. @param {Added[]} added @returns {Map<string, Added[]>} */
function alike(added) {
  /** @type {Map<string, Added[]>} */
  const found = new Map()
  for (const one of new Map(added.map(each => [each.node, each])).values()) {
    const key = `${one.graph.id}|${one.edit.line}|${one.edit.type}`
    found.set(key, [...(found.get(key) ?? []), one])
  }
  return found
}

/** @param {Added} added @param {Set<any>} fresh nodes that have no place yet */
function besideLinks({ graph, node }, fresh) {
  const users = linked(graph, node, 'outputs').filter(other => !fresh.has(other))
  const sources = linked(graph, node, 'inputs').filter(other => !fresh.has(other))
  const user = users.length ? users.reduce((a, b) => (b.pos[0] < a.pos[0] ? b : a)) : undefined
  const source = sources.length ? sources.reduce((a, b) => (right(b) > right(a) ? b : a)) : undefined
  const others = placed(graph, fresh).filter(other => other !== node)
  if (user && source && user.pos[0] >= right(source)) {
    const room = user.pos[0] - right(source) - node.size[0] - 2 * GAP
    if (room < 0) for (const item of [...others, ...graph.groups]) if (item.pos[0] >= user.pos[0]) moveRight(item, -room)
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

/** The group whose title stands above a node's line as a heading. @param {Added} added @param {string[]} lines */
function headingGroup({ graph, edit }, lines) {
  for (let at = (edit.line ?? 0) - 2; at >= 0; at--) {
    const title = /^\s*#\s*(.+?)\s*$/.exec(lines[at] ?? '')?.[1]
    const group = title && graph.groups.find((/** @type {any} */ one) => one.title.replace(/\s+/g, ' ').trim().slice(0, 100) === title)
    if (group) return group
    if (/^\S/.test(lines[at] ?? '') && /^\s/.test(lines[(edit.line ?? 1) - 1] ?? '')) return undefined
  }
  return undefined
}

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

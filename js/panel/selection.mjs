// Which nodes of the graph are which lines of the script.
import { app, nodeByPath, rootGraph, selectedNodes, shownGraph } from './comfy.mjs'

/** @typedef {Record<string, [number, number]>} Lines */

/** Names the selection cheaply, to see whether it changed. */
function selectionKey() {
  return [shownGraph()?.id, ...selectedNodes().map(node => node.id)].join()
}

/** Tells when the selection becomes another one. */
export class SelectionWatch {
  #seen = ''

  /** Whether it has since this was last asked. */
  changed() {
    const key = selectionKey()
    if (key === this.#seen) return false
    this.#seen = key
    return true
  }
}

/** The first lines of what the selected nodes are in the script. @param {Lines} lines @returns {number[]} */
export function selectedLines(lines) {
  const ids = selectedNodes().map(node => String(node.id))
  if (!ids.length) return []
  const graph = shownGraph()
  const wanted = new Set(ids)
  /** @type {Set<number>} */
  const found = new Set()
  for (const [path, [first, last]] of Object.entries(lines)) {
    if (isChosen(path, graph, wanted)) for (let line = first; line <= last; line++) found.add(line)
  }
  return [...found].sort((a, b) => a - b)
}

/** Whether a prompt id lies on, or inside, a chosen node of the graph on screen. @param {string} path @param {any} graph @param {Set<string>} wanted */
function isChosen(path, graph, wanted) {
  const parts = path.split(':')
  if (graph === rootGraph()) return wanted.has(parts[0])
  let at = rootGraph()
  for (const part of parts) {
    if (at === graph) return wanted.has(part)
    at = at?.getNodeById(part)?.subgraph
  }
  return false
}

/** Selects and centres the node of a line, as far as it shows in the graph on screen. @param {number} line @param {Lines} lines @param {boolean} [enter] goes into subgraphs */
export function selectNodeOfLine(line, lines, enter = false) {
  const paths = Object.entries(lines).filter(([, [first, last]]) => first <= line && line <= last).map(([path]) => path)
  if (!paths.length) return false
  const { canvas } = app
  const shown = paths.map(path => visible(path)).find(Boolean)
  const place = enter || !shown ? nodeByPath(paths[0]) : shown
  if (!place) return false
  if (canvas.graph !== place.graph) canvas.setGraph(place.graph)
  canvas.deselectAll?.()
  canvas.selectNode(place.node, false)
  if (!inView(place.node)) canvas.centerOnNode(place.node)
  canvas.setDirty(true, true)
  return true
}

/** The node of this type that a line calls, where it is in the graph on screen. @param {number} line @param {Lines} lines @param {string} type */
export function nodeOfLine(line, lines, type) {
  const paths = Object.entries(lines).filter(([, [first, last]]) => first <= line && line <= last).map(([path]) => path)
  return paths.map(path => visible(path)?.node).find(node => node && (node.comfyClass ?? node.type) === type)
}

/** The node of a path, or the subgraph node around it, that is in the graph on screen. @param {string} path */
function visible(path) {
  const graph = shownGraph()
  const parts = path.split(':')
  for (let depth = parts.length; depth; depth--) {
    const place = nodeByPath(parts.slice(0, depth).join(':'))
    if (place?.graph === graph) return place
  }
  return undefined
}

/** Selects nodes and brings them into view, as far as they are in the graph on screen. @param {string[]} paths */
export function showNodes(paths) {
  const graph = shownGraph()
  const nodes = paths.flatMap(path => { const place = nodeByPath(path); return place && place.graph === graph ? [place.node] : [] })
  if (!nodes.length) return
  const { canvas } = app
  canvas.deselectAll?.()
  canvas.selectItems(nodes)
  if (!nodes.every(inView)) moveInto(nodes)
  canvas.setDirty(true, true)
}

/** The part of the canvas that nothing covers, in pixels of the page. */
function clearPart() {
  const { canvas } = app.canvas
  const ratio = canvas.width / canvas.clientWidth || 1
  const panel = document.querySelector('.comfyscript')?.getBoundingClientRect()
  const [width, height] = [canvas.width / ratio, canvas.height / ratio]
  if (panel && panel.left >= canvas.clientWidth / 2) return { left: 60, top: 60, right: panel.left, bottom: height }
  return { left: panel ? panel.right : 60, top: 60, right: width, bottom: height }
}

/** Moves the canvas, and further away if need be, until all of them are in the clear part. @param {any[]} nodes */
function moveInto(nodes) {
  const { ds } = app.canvas
  const { left, top, right, bottom } = clearPart()
  const [x, y] = [0, 1].map(side => Math.min(...nodes.map(node => node.pos[side])))
  const [width, height] = [0, 1].map(side => Math.max(...nodes.map(node => node.pos[side] + node.size[side])) - [x, y][side])
  ds.scale = Math.min(ds.scale, (right - left - 80) / width, (bottom - top - 80) / height)
  ds.offset[0] = (left + right) / 2 / ds.scale - x - width / 2
  ds.offset[1] = (top + bottom) / 2 / ds.scale - y - height / 2
}

/** Whether a node is on screen, clear of the panel. @param {any} node */
function inView(node) {
  const { ds } = app.canvas
  const { left, top, right, bottom } = clearPart()
  const [x, y] = [0, 1].map(side => (node.pos[side] + ds.offset[side]) * ds.scale)
  return x >= left && y >= top && x + node.size[0] * ds.scale <= right && y + node.size[1] * ds.scale <= bottom
}

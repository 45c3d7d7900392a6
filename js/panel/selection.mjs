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

/** Whether a node is on screen, clear of the panel. @param {any} node */
function inView(node) {
  const { ds, canvas } = app.canvas
  const scale = ds.scale
  const ratio = canvas.width / canvas.clientWidth || 1
  const x = (node.pos[0] + ds.offset[0]) * scale
  const y = (node.pos[1] + ds.offset[1]) * scale
  const panel = document.querySelector('.comfyscript')?.getBoundingClientRect()
  const left = panel && panel.left < canvas.clientWidth / 2 ? panel.right : 60
  return x >= left && y >= 60 && x + node.size[0] * scale <= canvas.width / ratio && y + node.size[1] * scale <= canvas.height / ratio
}

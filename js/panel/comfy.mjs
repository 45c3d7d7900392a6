// ComfyUI's frontend, as far as the panel uses it. What differs between its versions is told apart here.

/** @typedef {any} Node A LiteGraph node. */
/** @typedef {any} Graph A LiteGraph graph or subgraph. */

const comfy = /** @type {any} */ (window).comfyAPI

/** @type {import('@comfyorg/comfyui-frontend-types').ComfyApp & Record<string, any>} */
export const app = comfy.app.app
/** @type {EventTarget & Record<string, any>} */
export const api = comfy.api.api

/** The graph that everything lies in, whichever subgraph is on screen. @returns {Graph} */
export const rootGraph = () => app.rootGraph ?? app.graph

/** The graph on screen. @returns {Graph} */
export const shownGraph = () => app.canvas?.graph ?? rootGraph()

/** @returns {any} */
const activeWorkflow = () => app.extensionManager.workflow?.activeWorkflow

/** Names the open workflow, the same after a reload. */
export const workflowKey = () => String(activeWorkflow()?.path ?? 'workflow')

/** @returns {string[]} */
export const openWorkflowKeys = () => (app.extensionManager.workflow?.openWorkflows ?? []).map(/** @param {any} one */ one => String(one.path))

/** The open workflow's name as a file name without suffix. */
export const workflowName = () => {
  const name = activeWorkflow()?.filename ?? 'workflow'
  return String(name).replace(/\.json$/, '').replace(/[^\w .()-]+/g, '_')
}

/** The open graph as a workflow file, with the values that it has now. @returns {Record<string, any>} */
export function serialize() {
  const workflow = rootGraph().serialize()
  for (const { nodes } of [workflow, ...(workflow.definitions?.subgraphs ?? [])]) {
    for (const node of nodes) {
      if (!node.properties?.proxyWidgetErrorQuarantine) continue
      // Values from before a migration. Loading a file, ComfyUI puts them over those of the subgraph's widgets, also
      // over those that were entered since: right for a file, wrong for the graph on screen.
      const { proxyWidgetErrorQuarantine, ...properties } = node.properties
      node.properties = properties
    }
  }
  return workflow
}

/** @template T @param {string} id @param {T} fallback @returns {T} */
export function setting(id, fallback) {
  const value = app.extensionManager.setting.get(id)
  return /** @type {T} */ (value ?? fallback)
}

/** @param {'success' | 'info' | 'warn' | 'error'} severity @param {string} summary @param {string} [detail] */
export function toast(severity, summary, detail) {
  app.extensionManager.toast.add({ severity, summary, detail, life: severity === 'error' ? 8000 : 3000 })
}

/** Runs the changes as one step of ComfyUI's undo. @template T @param {() => T | Promise<T>} change @returns {Promise<T>} */
export async function asOneStep(change) {
  const tracker = activeWorkflow()?.changeTracker
  const capture = () => (tracker?.captureCanvasState ? tracker.captureCanvasState() : tracker?.checkState?.())
  capture()
  app.canvas.emitBeforeChange()
  try {
    return await change()
  } finally {
    app.canvas.emitAfterChange()
    capture()
    app.canvas.setDirty(true, true)
  }
}

/** Opens a workflow in a tab of its own. @param {Record<string, any>} workflow @param {string} name */
export const openWorkflow = (workflow, name) => app.loadGraphData(/** @type {any} */ (workflow), true, true, name)

/** What ComfyUI does with a file dropped on the canvas. @param {File} file */
export const openFile = file => app.handleFile(file)

export const isDark = () => document.body.classList.contains('dark-theme')

/**
 * A node by its prompt id: `12`, in subgraphs `5:12`.
 * @param {string} id @returns {{ graph: Graph, node: Node, hosts: Node[] } | undefined}
 */
export function nodeByPath(id) {
  let graph = rootGraph()
  const hosts = []
  const parts = id.split(':')
  for (const part of parts.slice(0, -1)) {
    const host = graph.getNodeById(part)
    if (!host?.subgraph) return undefined
    hosts.push(host)
    graph = host.subgraph
  }
  const node = graph.getNodeById(parts[parts.length - 1])
  return node ? { graph, node, hosts } : undefined
}

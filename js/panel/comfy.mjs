// ComfyUI's frontend, as far as the panel uses it. What differs between its versions is told apart here.
import { withLive } from './live.mjs'

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

/** The selected nodes of the graph on screen. @returns {Node[]} */
export const selectedNodes = () => [...(app.canvas?.selectedItems ?? [])].filter(item => item instanceof /** @type {any} */ (window).LiteGraph.LGraphNode)

/**
 * The link at an input, `undefined` where nothing is connected. Asked of the node: slots no longer hold their links.
 * Subgraph nodes answer for their outputs, so they are asked as any other node. A copy that is not in a graph yet has none.
 * @param {Node} node @param {number} slot @returns {any}
 */
export const inputLink = (node, slot) =>
  (node.graph && slot >= 0 && slot < (node.inputs?.length ?? 0) ? /** @type {any} */ (window).LiteGraph.LGraphNode.prototype.getInputLink.call(node, slot) ?? undefined : undefined)

/** The links that begin at a node. @param {Graph} graph @param {Node} node @param {number} [slot] only at this output @returns {any[]} */
export const outputLinks = (graph, node, slot) =>
  [...graph.links.values()].filter(link => String(link.origin_id) === String(node.id) && (slot === undefined || link.origin_slot === slot))

/** @returns {any} */
const activeWorkflow = () => app.extensionManager.workflow?.activeWorkflow

/** Numbers of workflows that no file holds: their names are given again to others. @type {WeakMap<object, string>} */
const unsaved = new WeakMap()
let count = 0
/** This page, until it is loaded again. */
export const page = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`

/** What stays the same while a workflow is open, under whatever name. @param {any} workflow @returns {object | undefined} */
const tabOf = workflow => workflow?.changeTracker ?? workflow ?? undefined

/** @param {any} workflow */
function keyOf(workflow) {
  const tab = tabOf(workflow)
  if (!tab || !workflow.isTemporary) return String(workflow?.path ?? 'workflow')
  const key = unsaved.get(tab) ?? `unsaved:${page}:${count++}`
  unsaved.set(tab, key)
  return key
}

/** What the page says of a node, in ComfyUI's language. @param {string} type @returns {{ display_name?: string, description?: string, category?: string } | undefined} */
export const shownDefinition = type => /** @type {any} */ (window).LiteGraph?.registered_node_types?.[type]?.nodeData

/** Names the open workflow: the file's path, else a name of its tab that is no other's. */
export const workflowKey = () => keyOf(activeWorkflow())

/** The tab of the open workflow, to be compared. */
export const openTab = () => tabOf(activeWorkflow())

/** What is open, with the path that ComfyUI knows each by. @returns {{ key: string, path: string | undefined }[]} */
export const openTabs = () => (app.extensionManager.workflow?.openWorkflows ?? []).map(/** @param {any} workflow */ workflow => ({ key: keyOf(workflow), path: workflow.path }))

/** The open workflow's name as a file name without suffix. */
export const workflowName = () => {
  const name = activeWorkflow()?.filename ?? 'workflow'
  return String(name).replace(/\.json$/, '').replace(/[^\w .()-]+/g, '_')
}

/** The open graph as the server is asked about it: with what its nodes hold now beside each of them. */
export const liveGraph = () => withLive(rootGraph(), serialize, inputLink)

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

/** Beyond this many characters a text is not kept in the workflow. */
const LONGEST = 200_000

/** The script that somebody wrote for this graph. It lies in the workflow, so it is saved, loaded and undone with it. @returns {string | undefined} */
export function writtenText() {
  const text = rootGraph().extra?.comfyscript?.text
  return typeof text === 'string' && text.length <= LONGEST ? text : undefined
}

/** @param {string | undefined} text */
export function keepText(text) {
  const graph = rootGraph()
  const { comfyscript, ...extra } = graph.extra ?? {}
  graph.extra = text === undefined || text.length > LONGEST ? extra : { ...extra, comfyscript: { text } }
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
  const tracker = activeTracker()
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

/** What keeps the open workflow's undo. @returns {any} */
export const activeTracker = () => activeWorkflow()?.changeTracker

/** Whether something was undone that a new step would put out of reach. */
export const canRedo = () => Boolean(activeTracker()?.redoQueue?.length)

/** The nodes of the graph and of all its subgraphs. @returns {Node[]} */
export const everyNode = () => [rootGraph(), ...(rootGraph().subgraphs?.values() ?? [])].flatMap(graph => graph.nodes)

/** The widget that a node's own input has. @param {string} id prompt id @param {string} input @returns {any} */
export const widgetOfInput = (id, input) => nodeByPath(id)?.node.widgets?.find(/** @param {any} widget */ widget => widget.name === input)

/** What says how a widget's value goes on after a run. @param {any} widget @returns {any} */
export const controlOf = widget => widget?.linkedWidgets?.find(/** @param {any} one */ one => one.name === 'control_after_generate' || one.options?.values?.includes?.('randomize'))

/** Brings all nodes into view, as ComfyUI's own button does. */
export const showAllNodes = () => app.extensionManager.command.execute('Comfy.Canvas.FitView')

/** Opens a workflow in a tab of its own. @param {Record<string, any>} workflow @param {string} name */
export const openWorkflow = (workflow, name) => app.loadGraphData(/** @type {any} */ (workflow), true, true, name)

/** What ComfyUI does with a file dropped on the canvas. @param {File} file */
export const openFile = file => app.handleFile(file)

/** Whether ComfyUI's palette is a dark one. Frontends say it by a class of the body, later of the page, since 1.58 by the colour scheme. */
export const isDark = () => [document.body, document.documentElement].some(one => one.classList.contains('dark-theme')) || document.documentElement.style.colorScheme === 'dark'

/** Tells whether the palette is dark, now and when that changes. @param {import('./dom.mjs').Listeners} listeners @param {(dark: boolean) => void} tell */
export function watchTheme(listeners, tell) {
  let known = isDark()
  tell(known)
  const theme = new MutationObserver(() => { if (known !== isDark()) tell(known = isDark()) })
  theme.observe(document.body, { attributes: true, attributeFilter: ['class'] })
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ['style', 'class'] })
  listeners.add(() => theme.disconnect())
}

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

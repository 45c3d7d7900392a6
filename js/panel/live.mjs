// What the nodes of the open graph hold that no file says: values by name as a prompt would have them, and where the
// links of nodes lead that the page keeps to itself. Looking changes nothing, draws nothing and asks nobody.

/** @typedef {{ title: string, values: Record<string, any>, virtual?: true, outputs?: ([string, number] | null)[] }} Live `outputs`: where each output of a virtual node has its value from. */

/** Virtual nodes whose links the server follows by rules of its own. */
const KNOWN = new Set(['PrimitiveNode', 'Reroute', 'Note', 'MarkdownNote', 'SetNode', 'GetNode', 'easy setNode', 'easy getNode'])

const refuse = () => { throw new Error('not while looking') }

/**
 * Runs what packs wrote, with draws and requests refused: in one go, so nothing else of the page meets that.
 * @template T @param {() => T} look @returns {T}
 */
function heldBack(look) {
  const places = /** @type {[any, string][]} */ ([
    [Math, 'random'], [crypto, 'getRandomValues'], [window, 'fetch'], [XMLHttpRequest.prototype, 'send'],
    [HTMLCanvasElement.prototype, 'toBlob'], [HTMLCanvasElement.prototype, 'toDataURL'],
  ])
  const kept = places.map(([object, name]) => Object.getOwnPropertyDescriptor(object, name))
  for (const [object, name] of places) Object.defineProperty(object, name, { value: refuse, configurable: true, writable: true })
  try {
    return look()
  } finally {
    places.forEach(([object, name], index) => {
      const own = kept[index]
      if (own) Object.defineProperty(object, name, own)
      else delete object[name]
    })
  }
}

/** @param {any} value */
const textOf = value => { try { return JSON.stringify(value) } catch { return undefined } }

/** Gives widgets back the values that they had. @param {any} node @param {any[]} before @returns {boolean} whether one had changed */
function giveBack(node, before) {
  let changed = false
  node.widgets.forEach((/** @type {any} */ widget, /** @type {number} */ index) => {
    if (widget.value === before[index] || textOf(widget.value) === textOf(before[index])) return
    widget.value = before[index]
    changed = true
  })
  return changed
}

/**
 * The value of a widget at rest: what its own function makes of it, where that only reads.
 * @param {any} node @param {any} widget @param {number} index
 */
function atRest(node, widget, index) {
  const { value } = widget
  // Choices are drawn and dates are put in when a prompt is queued.
  if (typeof widget.serializeValue !== 'function' || widget.dynamicPrompts || (typeof value === 'string' && value.includes('%'))) return value
  const before = node.widgets.map(/** @param {any} one */ one => one.value)
  let made = value
  try {
    made = widget.serializeValue(node, index)
  } catch { /* It drew or asked, or is broken. */ }
  if (typeof made?.then === 'function') {
    made.then(undefined, () => {})
    made = value
  }
  return giveBack(node, before) ? value : made
}

/** @param {any} node @returns {Record<string, any>} */
function valuesOf(node) {
  /** @type {Record<string, any>} */
  const found = {}
  for (const [index, widget] of (node.widgets ?? []).entries()) {
    if (widget.name && widget.options?.serialize !== false) found[widget.name] = atRest(node, widget, index)
  }
  return found
}

/** @param {any} node @param {number} slot @returns {[string, number] | null} */
function sourceOf(node, slot) {
  try {
    const other = node.resolveVirtualOutput?.(slot)
    if (other) return other.node.graph === node.graph ? [String(other.node.id), other.slot] : null
    const link = node.getInputLink?.(slot)
    return link ? [String(link.origin_id), link.origin_slot] : null
  } catch {
    return null
  }
}

/** @param {any} node @returns {Live} */
function liveOf(node) {
  /** @type {Live} */
  const live = { title: node.title, values: valuesOf(node) }
  if (!node.isVirtualNode) return live
  live.virtual = true
  if (!KNOWN.has(node.type)) live.outputs = (node.outputs ?? []).map((/** @type {any} */ _output, /** @type {number} */ slot) => sourceOf(node, slot))
  return live
}

/**
 * Puts what the nodes hold beside each of them.
 * @template {Record<string, any>} T @param {any} root @param {T} workflow the same graph, serialised
 * @param {(node: any, slot: number) => any} inputLink @returns {T}
 */
export function addLive(root, workflow, inputLink) {
  const { LGraphNode } = /** @type {any} */ (window).LiteGraph
  heldBack(() => {
    for (const { nodes, id } of [workflow, ...(workflow.definitions?.subgraphs ?? [])]) {
      const graph = nodes === workflow.nodes ? root : root.subgraphs?.get(id)
      for (const node of nodes) {
        const open = graph?.getNodeById(node.id)
        // What a subgraph's node shows is saved with it in one way only.
        if (!open || open.subgraph) continue
        node.comfyscript_live = liveOf(open)
        // A node of an unknown type is saved as it was read.
        if (open.constructor === LGraphNode) node.inputs = open.inputs?.map((/** @type {any} */ { name, type, widget }, /** @type {number} */ slot) => ({ name, type, widget, link: inputLink(open, slot)?.id ?? null }))
      }
    }
  })
  return workflow
}

// What the nodes of the open graph hold that no file says: values by name as a prompt would have them, and where the
// links of nodes lead that the page keeps to itself. Looking changes nothing, draws nothing and asks nobody.

/** @typedef {{ title: string, values: Record<string, any>, virtual?: true, class?: string, outputs?: ([string, number] | null)[] }} Live `outputs`: where each output of a virtual node has its value from. */

/** Virtual nodes whose links the server follows by rules of its own. */
const KNOWN = new Set(['PrimitiveNode', 'Reroute', 'Note', 'MarkdownNote', 'SetNode', 'GetNode', 'easy setNode', 'easy getNode'])

/**
 * Where only %dates% and %values of nodes% are put into a text, as the frontend writes it for the names of saved files
 * (extensions/core/saveImageExtraOutput.ts): it collects all nodes of the graph for each text, also for one without any.
 */
const PUTS_IN = /^\(\)\s*=>\s*(typeof [\w$]+\.value\s*===?\s*[`'"]string[`'"]\s*\?\s*)?[\w$]+\([\w$]+\.(graph|rootGraph),\s*[\w$]+\.value\)(\s*:\s*[\w$]+\.value)?$/

/** @param {any} widget */
const onlyPutsIn = widget => widget.name === 'filename_prefix' && PUTS_IN.test(String(widget.serializeValue))

/** What packs wrote runs with draws and requests refused, and without a word in the console. @returns {() => void} ends that */
function holdBack() {
  const refuse = () => { throw new Error('not while looking') }
  const places = /** @type {[any, string, () => void][]} */ ([
    [Math, 'random', refuse], [crypto, 'getRandomValues', refuse], [window, 'fetch', refuse], [XMLHttpRequest.prototype, 'send', refuse],
    [HTMLCanvasElement.prototype, 'toBlob', refuse], [HTMLCanvasElement.prototype, 'toDataURL', refuse], [console, 'warn', () => {}],
  ])
  const kept = places.map(([object, name]) => Object.getOwnPropertyDescriptor(object, name))
  for (const [object, name, value] of places) Object.defineProperty(object, name, { value, configurable: true, writable: true })
  return () => {
    places.forEach(([object, name], index) => {
      const own = kept[index]
      if (own) Object.defineProperty(object, name, own)
      else delete object[name]
    })
  }
}

/** A task of its own: what awaits there is followed by nothing else of the page. */
const nextTask = () => new Promise(resolve => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => { port1.close(); resolve(undefined) }
  port2.postMessage(undefined)
})

/** As often a promise may put off what it has at hand. */
const TURNS = 12

/** A value that is promised. @typedef {{ node: any, before: any[], widget: any, values: Record<string, any>, done?: true, made?: any }} Promised */

/** Takes what promises give that only read: nobody is asked, so nothing is waited for. @param {Promised[]} promised */
async function takePromised(promised) {
  for (let turn = 0; turn < TURNS && promised.some(one => !one.done); turn++) await null
  const changed = new Set(promised.filter(one => giveBack(one.node, one.before)).map(one => one.node))
  for (const { node, widget, values, done, made } of promised) {
    if (done && !changed.has(node)) values[widget.name] = made
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
 * Puts the value of a widget at rest among the others: what its own function makes of it, where that only reads.
 * @param {any} node @param {any} widget @param {number} index @param {Record<string, any>} values @param {Promised[]} promised
 */
function takeAtRest(node, widget, index, values, promised) {
  const { value } = widget
  values[widget.name] = value
  // Choices are drawn and dates are put in when a prompt is queued.
  if (typeof widget.serializeValue !== 'function' || widget.dynamicPrompts || (typeof value === 'string' && value.includes('%'))) return
  if (onlyPutsIn(widget)) return
  const before = node.widgets.map(/** @param {any} one */ one => one.value)
  let made = value
  try {
    made = widget.serializeValue(node, index)
  } catch { /* It drew or asked, or is broken. */ }
  const changed = giveBack(node, before)
  if (typeof made?.then !== 'function') {
    if (!changed) values[widget.name] = made
    return
  }
  /** @type {Promised} */
  const one = { node, before, widget, values }
  made.then((/** @type {any} */ later) => Object.assign(one, { done: true, made: later }), () => {})
  if (!changed) promised.push(one)
}

/** @param {any} node @param {Promised[]} promised @returns {Record<string, any>} */
function valuesOf(node, promised) {
  /** @type {Record<string, any>} */
  const found = {}
  for (const [index, widget] of (node.widgets ?? []).entries()) {
    if (widget.name && widget.options?.serialize !== false) takeAtRest(node, widget, index, found, promised)
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

/** @param {any} node @param {Promised[]} promised @returns {Live} */
function liveOf(node, promised) {
  /** @type {Live} */
  const live = { title: node.title, values: valuesOf(node, promised) }
  if (node.comfyClass) live.class = node.comfyClass
  if (!node.isVirtualNode) return live
  live.virtual = true
  if (!KNOWN.has(node.type)) live.outputs = (node.outputs ?? []).map((/** @type {any} */ _output, /** @type {number} */ slot) => sourceOf(node, slot))
  return live
}

/**
 * Puts what the nodes hold beside each of them.
 * @template {Record<string, any>} T @param {any} root @param {() => T} serialize gives the same graph as a workflow
 * @param {(node: any, slot: number) => any} inputLink @returns {Promise<T>}
 */
export async function withLive(root, serialize, inputLink) {
  await nextTask()
  const workflow = serialize()
  /** @type {Promised[]} */
  const promised = []
  const release = holdBack()
  try {
    for (const { nodes, id } of [workflow, ...(workflow.definitions?.subgraphs ?? [])]) {
      addLive(nodes, nodes === workflow.nodes ? root : root.subgraphs?.get(id), inputLink, promised)
    }
    if (promised.length) await takePromised(promised)
  } finally {
    release()
  }
  return workflow
}

/** @param {any[]} nodes as serialised @param {any} graph @param {(node: any, slot: number) => any} inputLink @param {Promised[]} promised */
function addLive(nodes, graph, inputLink, promised) {
  const { LGraphNode } = /** @type {any} */ (window).LiteGraph
  for (const node of nodes) {
    const open = graph?.getNodeById(node.id)
    // What a subgraph's node shows is saved with it in one way only.
    if (!open || open.subgraph) continue
    node.comfyscript_live = liveOf(open, promised)
    // A prompt names a node's class, which packs keep while they call its type another (Use Everywhere).
    if (open.comfyClass && !open.isVirtualNode) node.type = open.comfyClass
    // A node of an unknown type is saved as it was read.
    if (open.constructor === LGraphNode) node.inputs = open.inputs?.map((/** @type {any} */ { name, type, widget }, /** @type {number} */ slot) => ({ name, type, widget, link: inputLink(open, slot)?.id ?? null }))
  }
}

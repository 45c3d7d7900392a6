// Makes a node's sockets and widgets those of a signature. Links and values whose socket or widget stays are kept.
import { app, inputLink, outputLinks } from '../panel/comfy.mjs'

/**
 * @typedef {{ name: string, type: string, required: boolean, line: number, options?: Record<string, any>, choices?: any[] }} InputJson
 * @typedef {{ main: boolean, any_input: boolean, inputs: InputJson[], outputs: { name: string, type: string }[], errors: any[] }} Signature
 */

const WIDGETS = new Set(['INT', 'FLOAT', 'STRING', 'BOOLEAN', 'COMBO'])
const OWN = new Set(['script', 'printed'])
const OPTIONAL_SHAPE = 7
/** What a signature says of a widget. A saved one is anybody's: other options (`remote`, say) make the page send requests. */
const OPTIONS = ['default', 'min', 'max', 'step', 'tooltip', 'multiline']

/** @param {InputJson} input */
const isWidget = input => WIDGETS.has(input.type)

/** @param {unknown} value */
const isPlain = value => ['string', 'number', 'boolean'].includes(typeof value)

/** What the frontend makes a widget of, as in a node's definition. @param {InputJson} input */
function definition(input) {
  const options = Object.fromEntries(OPTIONS.flatMap(key => (isPlain(input.options?.[key]) ? [[key, input.options?.[key]]] : [])))
  return input.type === 'COMBO' ? [(Array.isArray(input.choices) ? input.choices : []).filter(isPlain), options] : [input.type, options]
}

/** The script that a new node has, and its signature. @param {any} definition the node's @returns {{ script: string, signature: Signature } | undefined} */
export function firstScript(definition) {
  const { default: script, signature } = definition?.input?.required?.script?.[1] ?? {}
  return signature ? { script, signature } : undefined
}

/** A node's definition with the sockets that a new node has, and not all that a script may have. @param {any} node as the server defines it */
export function withSockets(node) {
  const signature = firstScript(node)?.signature
  if (!signature) return node
  const inputs = Object.fromEntries(signature.inputs.map(input => [input.name, definition(input)]))
  return {
    ...node,
    input: { ...node.input, optional: { ...node.input.optional, ...inputs } },
    input_order: node.input_order && { ...node.input_order, optional: [...node.input_order.optional ?? [], ...Object.keys(inputs)] },
    output: signature.outputs.map(output => output.type),
    output_name: signature.outputs.map(output => output.name),
    output_is_list: signature.outputs.map(() => false),
    output_tooltips: undefined,
  }
}

/** @param {InputJson} input */
const kindOf = input => JSON.stringify([input.type, input.options ?? {}, input.choices ?? null])

/** @param {string} a @param {string} b */
export function typesFit(a, b) {
  if (a === '*' || b === '*' || a === b) return true
  const others = new Set(b.split(','))
  return a.split(',').some(type => others.has(type))
}

/**
 * Applies a signature. Nothing happens where the node has it already.
 * @param {any} node @param {Signature} signature @param {boolean} [drawn] whether the node may be on screen already
 */
export function applySignature(node, signature, drawn = true) {
  const key = JSON.stringify([signature.inputs.map(input => [input.name, input.required, kindOf(input)]), signature.outputs])
  if (node.comfyScriptSignature === key) return
  node.comfyScriptSignature = key
  node.properties ??= {}
  node.properties.comfyscript = { inputs: signature.inputs, outputs: signature.outputs, any_input: signature.any_input, main: signature.main }
  setWidgets(node, signature.inputs.filter(isWidget))
  const inputs = setInputs(node, signature.inputs)
  const outputs = setOutputs(node, signature.outputs)
  if (drawn) {
    renew(node, 'inputs', inputs)
    renew(node, 'outputs', outputs)
  }
  const [width, height] = node.computeSize?.() ?? node.size
  node.setSize?.([Math.max(node.size[0], width), Math.max(node.size[1], height)])
  node.graph?.setDirtyCanvas?.(true, true)
}

/** @param {any} node @param {InputJson[]} wanted */
function setWidgets(node, wanted) {
  const widgets = node.widgets ?? []
  const before = new Map(widgets.map((/** @type {any} */ widget) => [widget.name, widget]))
  const values = new Map(widgets.map((/** @type {any} */ widget) => [widget.name, widget.value]))
  const kinds = node.comfyScriptKinds ??= new Map()
  // A value that nobody changed follows the script's new default.
  for (const [name, kind] of kinds) if (JSON.parse(kind)[1].default === values.get(name)) values.delete(name)
  const keep = new Set(wanted.filter(input => kinds.get(input.name) === kindOf(input)).map(input => input.name))
  // Some widgets bring others along: a seed its "control after generate".
  const owner = (/** @type {any} */ widget) => widgets.find((/** @type {any} */ other) => other.linkedWidgets?.includes(widget))?.name ?? widget.name
  for (const widget of widgets.filter((/** @type {any} */ widget) => !OWN.has(widget.name) && !keep.has(owner(widget)))) {
    widget.onRemove?.()
    widgets.splice(widgets.indexOf(widget), 1)
    kinds.delete(widget.name)
  }
  for (const input of wanted) {
    if (keep.has(input.name)) continue
    const widget = makeWidget(node, input)
    kinds.set(input.name, kindOf(input))
    takeOptions(widget, before.get(input.name))
    const old = values.get(input.name)
    widget.value = old !== undefined && fits(input, old) ? old : initial(input)
  }
  const order = ['script', ...wanted.map(input => input.name)]
  const places = new Map((node.widgets ?? []).map((/** @type {any} */ widget) => [widget, order.indexOf(owner(widget))]))
  const rank = (/** @type {any} */ widget) => (places.get(widget) < 0 ? order.length : places.get(widget))
  node.widgets?.sort((/** @type {any} */ a, /** @type {any} */ b) => rank(a) - rank(b))
}

/**
 * Newer frontends keep a removed widget's value and options, and give them to the next of its name and type: both have
 * to be set, and the options are those of the object that is kept. @param {any} widget @param {any} before
 */
function takeOptions(widget, before) {
  if (!before || before.type !== widget.type || !before.options || before.options === widget.options) return
  for (const key of Object.keys(before.options)) delete before.options[key]
  widget.options = Object.assign(before.options, widget.options)
}

/** @param {InputJson} input */
function initial(input) {
  const none = /** @type {Record<string, any>} */ ({ INT: 0, FLOAT: 0, STRING: '', BOOLEAN: false })
  return input.options?.default ?? (input.type === 'COMBO' ? input.choices?.[0] : none[input.type])
}

/** Whether a value from before may stay. @param {InputJson} input @param {any} value */
function fits(input, value) {
  const { min, max } = input.options ?? {}
  if (input.type === 'INT' || input.type === 'FLOAT') {
    if (typeof value !== 'number' || (input.type === 'INT' && !Number.isInteger(value))) return false
    return (min === undefined || value >= min) && (max === undefined || value <= max)
  }
  if (input.type === 'BOOLEAN') return typeof value === 'boolean'
  if (input.type === 'COMBO') return (input.choices ?? []).includes(value)
  return typeof value === 'string'
}

/** @param {any} node @param {InputJson} input @returns {any} */
function makeWidget(node, input) {
  const make = /** @type {any} */ (app).widgets?.[input.type]
  if (make) {
    make(node, input.name, definition(input), app)
    return node.widgets.find((/** @type {any} */ widget) => widget.name === input.name)
  }
  return node.addWidget('text', input.name, input.options?.default ?? '', () => {}, {})
}

/** Gives the sockets that changed. @param {any} node @param {InputJson[]} wanted */
function setInputs(node, wanted) {
  const changed = new Set()
  for (let slot = (node.inputs?.length ?? 0) - 1; slot >= 0; slot--) {
    const existing = node.inputs[slot]
    if (existing.name === 'script') continue
    const input = wanted.find(candidate => candidate.name === existing.name)
    if (!input || Boolean(existing.widget) !== isWidget(input)) node.removeInput(slot)
  }
  for (const input of wanted) {
    let slot = node.inputs?.findIndex((/** @type {any} */ candidate) => candidate.name === input.name) ?? -1
    if (slot < 0) {
      node.addInput(input.name, input.type, isWidget(input) ? { widget: { name: input.name } } : {})
      slot = node.inputs.length - 1
    }
    const socket = node.inputs[slot]
    if (socket.type !== input.type) {
      const link = inputLink(node, slot)
      if (link && !typesFit(linkType(node, link), input.type)) node.disconnectInput(slot)
      socket.type = input.type
      changed.add(socket)
    }
    const shape = input.required || isWidget(input) ? undefined : OPTIONAL_SHAPE
    if (socket.shape !== shape && !isWidget(input)) {
      socket.shape = shape
      changed.add(socket)
    }
  }
  sortInputs(node, wanted)
  return changed
}

/** @param {any} node @param {any} link */
function linkType(node, link) {
  const source = node.graph?.getNodeById(link.origin_id)
  return String(source?.outputs?.[link.origin_slot]?.type ?? link.type ?? '*')
}

/** Sockets in the signature's order: links know their slot's number, so those follow. @param {any} node @param {InputJson[]} wanted */
function sortInputs(node, wanted) {
  const order = wanted.map(input => input.name)
  const rank = (/** @type {any} */ socket) => (socket.name === 'script' ? -1 : order.indexOf(socket.name))
  const sockets = (/** @type {any} */ socket) => Number(Boolean(socket.widget))
  const links = new Map((node.inputs ?? []).map((/** @type {any} */ socket, /** @type {number} */ slot) => [socket, inputLink(node, slot)]))
  node.inputs?.sort((/** @type {any} */ a, /** @type {any} */ b) => sockets(a) - sockets(b) || rank(a) - rank(b))
  node.inputs?.forEach((/** @type {any} */ socket, /** @type {number} */ slot) => {
    const link = links.get(socket)
    if (link && link.target_slot !== slot) link.target_slot = slot
  })
}

/** Outputs by place: links keep the place they were drawn from. Gives those that changed. @param {any} node @param {{ name: string, type: string }[]} wanted */
function setOutputs(node, wanted) {
  const changed = new Set()
  for (let slot = (node.outputs?.length ?? 0) - 1; slot >= wanted.length; slot--) node.removeOutput(slot)
  wanted.forEach((output, slot) => {
    const existing = node.outputs?.[slot]
    if (!existing) {
      node.addOutput(output.name, output.type)
      return
    }
    existing.name = output.name
    existing.label = existing.localized_name = undefined
    changed.add(existing)
    if (existing.type === output.type) return
    existing.type = output.type
    for (const link of node.graph ? outputLinks(node.graph, node, slot) : []) {
      const target = node.graph?.getNodeById(link.target_id)
      const type = String(target?.inputs?.[link.target_slot]?.type ?? '*')
      if (target && !typesFit(output.type, type)) target.disconnectInput(link.target_slot)
      else link.type = output.type
    }
  })
  return changed
}

/**
 * Nodes 2.0 draws a socket anew when it is another object only: these go and come back once it has drawn, which it does
 * before our continuation. Their links stay. @param {any} node @param {'inputs' | 'outputs'} side @param {Set<any>} changed
 */
function renew(node, side, changed) {
  if (!changed.size || !(/** @type {any} */ (globalThis).LiteGraph?.vueNodesMode)) return
  const all = [...node[side]]
  node[side] = all.filter(slot => !changed.has(slot))
  queueMicrotask(() => {
    if (node[side].length === all.length - changed.size) node[side] = all
  })
}

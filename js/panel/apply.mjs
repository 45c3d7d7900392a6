// Carries the server's edits out in the open graph.
import { app, controlOf, inputLink, nodeByPath, outputLinks, rootGraph } from './comfy.mjs'
import { place } from './place.mjs'

/** @typedef {import('./server.mjs').Edit} Edit */
/** @typedef {{ graph: any, node: any, hosts: any[] }} Place */
/** @typedef {{ edit: Edit, reason: string }} Failure `reason`: a key of the panel's words */
/** A number that a pack's field took for another. @typedef {{ edit: Edit, value: number }} Taken */

const ORDER = ['mode', 'add', 'disconnect', 'set', 'connect', 'remove']

/** An edit that the graph cannot take; the message is a key of the panel's words. */
class CannotApply extends Error {}

/**
 * @param {Edit[]} edits
 * @returns {{ failures: Failure[], added: Record<string, string>, taken: Taken[] }} what could not be applied and why; prompt ids of added nodes
 */
export function applyEdits(edits) {
  const change = new Change(edits)
  /** @type {Failure[]} */
  const failures = []
  for (const op of ORDER) {
    const some = edits.filter(edit => edit.op === op)
    // The choice of a dynamic input comes before what it opens.
    if (op === 'set') some.sort((a, b) => depth(a) - depth(b))
    for (const edit of some) {
      try {
        change[edit.op](edit)
      } catch (error) {
        if (!(error instanceof CannotApply)) console.error('ComfyScript: could not apply', edit, error)
        failures.push({ edit, reason: error instanceof CannotApply ? error.message : 'cannot.other' })
      }
    }
  }
  place(edits.flatMap(edit => { const found = edit.op === 'add' && change.added.get(edit.node); return found ? [{ ...found, edit }] : [] }))
  const added = [...change.added].map(([name, { node, hosts }]) => [name, [...hosts, node].map(one => one.id).join(':')])
  return { failures, added: Object.fromEntries(added), taken: change.taken }
}

/** @param {Edit} edit */
const depth = edit => (edit.input ?? '').split('.').length

class Change {
  /** @type {Map<string, Place>} */
  added = new Map()
  /** @type {Taken[]} */
  taken = []
  /** @type {Map<string, Place>} one node for all instances of a subgraph */
  #shared = new Map()
  /** @type {Map<string, number>} */
  #seen = new Map()
  /** @type {Set<any>} */
  #removed = new Set()
  /** @type {Map<string, string>} what is to be set, by node and input */
  #values
  /** @type {Edit[]} */
  #connects

  /** @param {Edit[]} edits */
  constructor(edits) {
    this.#connects = edits.filter(edit => edit.op === 'connect')
    this.#values = new Map(edits.filter(edit => edit.op === 'set').map(edit => [`${edit.node}|${edit.input}`, JSON.stringify(edit.value)]))
  }

  /** @param {string} id @returns {Place} */
  #find(id) {
    const place = this.added.get(id) ?? nodeByPath(id)
    if (!place) throw new CannotApply('cannot.missing')
    return place
  }

  /** @param {Edit} edit */
  add(edit) {
    const parent = edit.parent ? nodeByPath(edit.parent) : undefined
    const graph = edit.parent ? parent?.node.subgraph : rootGraph()
    if (!graph) throw new CannotApply('cannot.subgraph')
    const hosts = parent ? [...parent.hosts, parent.node] : []
    const made = `${edit.parent}|${edit.line}|${edit.type}`
    const count = this.#seen.get(made) ?? 0
    this.#seen.set(made, count + 1)
    const key = `${graph.id}|${edit.line}|${edit.type}|${count}`
    const shared = edit.parent ? this.#shared.get(key) : undefined
    if (shared) {
      this.added.set(edit.node, { ...shared, hosts })
      return
    }
    const node = /** @type {any} */ (window).LiteGraph.createNode(edit.type)
    if (!node) throw new CannotApply('cannot.type')
    if (edit.title) node.title = edit.title
    // The script says the seed.
    for (const widget of node.widgets ?? []) if (widget.name === 'control_after_generate') widget.value = 'fixed'
    graph.add(node)
    const place = { graph, node, hosts }
    this.#shared.set(key, place)
    this.added.set(edit.node, place)
  }

  /** @param {Edit} edit */
  mode(edit) {
    const { node } = this.#find(edit.node)
    node.mode = edit.value
    node.graph._version++
  }

  /** @param {Edit} edit */
  remove(edit) {
    const place = nodeByPath(edit.node)
    // Another instance of the same subgraph asked for it already.
    if (!place) return
    if (this.#removed.has(place.node)) return
    this.#removed.add(place.node)
    place.graph.remove(place.node)
  }

  /** @param {Edit} edit */
  set(edit) {
    const place = this.#find(edit.node)
    let target = widgetBehind(place, String(edit.input))
    if (target.node.type === 'PrimitiveNode' && !this.#forAll(target.node, edit)) {
      // The others keep its value; this one gets a value of its own.
      place.node.disconnectInput(inputSlot(place.node, String(edit.input)))
      target = widgetBehind(place, String(edit.input))
    }
    const value = edit.value?.__value__ ?? edit.value
    const taken = setWidget(target.node, target.widget, value, roundsByItself(target.widget))
    if (taken !== value && typeof taken === 'number') this.taken.push({ edit, value: taken })
    // What the script says holds also after the next run.
    const control = controlOf(target.widget)
    if (control && control.value !== 'fixed') setWidget(target.node, control, 'fixed')
  }

  /** Whether everything that a primitive node feeds gets this value. @param {any} primitive @param {Edit} edit */
  #forAll(primitive, edit) {
    const { graph } = primitive
    const prefix = edit.node.slice(0, edit.node.lastIndexOf(':') + 1)
    return outputLinks(graph, primitive, 0).every(link => {
      const name = graph.getNodeById(link.target_id)?.inputs[link.target_slot]?.name
      return this.#values.get(`${prefix}${link.target_id}|${name}`) === JSON.stringify(edit.value)
    })
  }

  /** @param {Edit} edit */
  disconnect(edit) {
    const { node, slot } = climb(this.#find(edit.node), String(edit.input))
    node.disconnectInput(slot)
  }

  /** @param {Edit} edit */
  connect(edit) {
    const [from, output] = /** @type {[string, number]} */ (edit.from)
    let source = { ...this.#find(from), slot: output }
    let target = this.#find(edit.node)
    let slot = inputSlot(target.node, String(edit.input))
    while (target.graph !== source.graph || target.hosts.at(-1) !== source.hosts.at(-1)) {
      if (target.hosts.length >= source.hosts.length && target.hosts.length) {
        slot = this.#slotOutside(target, slot, edit)
        target = outer(target)
      } else if (source.hosts.length) {
        source = exposed(source)
      } else throw new CannotApply('cannot.boundary')
    }
    source.node.connect(source.slot, target.node, slot)
    if (!inputLink(target.node, slot) && inputSlotOrNone(target.node, String(edit.input)) === slot) throw new CannotApply('cannot.connect')
  }

  /** The subgraph's input that an input inside takes its value from, made where there is none. @param {Place} target @param {number} slot @param {Edit} edit */
  #slotOutside(target, slot, edit) {
    const link = linkOf(target, slot)
    if (link && comesIn(target, link)) return link.origin_slot
    const { subgraph } = target.hosts[target.hosts.length - 1]
    // All instances share what is inside: those that the script leaves alone would lose what they have here.
    const asked = this.#connects.filter(other => other.input === edit.input && this.#shares(other.node, edit.node))
    if (asked.length < instancesOf(subgraph)) throw new CannotApply('cannot.instances')
    const inner = target.node.inputs[slot]
    const made = subgraph.addInput(freeName(subgraph.inputs, inner.name), String(inner.type))
    made.connect(inner, target.node)
    return subgraph.inputs.indexOf(made)
  }

  /** Whether two ids are the same node in instances of the same subgraph. @param {string} one @param {string} other */
  #shares(one, other) {
    return (this.added.get(one) ?? nodeByPath(one))?.node === (this.added.get(other) ?? nodeByPath(other))?.node
  }
}

/** @param {any} node @param {string} name */
const inputSlotOrNone = (node, name) => (node.inputs ?? []).findIndex(/** @param {any} input */ input => input.name === name)

/** @param {any} node @param {string} name */
function inputSlot(node, name) {
  const slot = inputSlotOrNone(node, name)
  if (slot < 0) throw new CannotApply('cannot.input')
  return slot
}

/** @param {Place} place @param {number} slot */
const linkOf = (place, slot) => inputLink(place.node, slot)

/** @param {any} graph @param {number | null | undefined} id */
const linkById = (graph, id) => (id == null ? undefined : graph.links.get(id))

/** Whether a link comes from the subgraph's own inputs. @param {Place} place @param {any} link */
const comesIn = (place, link) => place.graph.inputNode !== undefined && String(link.origin_id) === String(place.graph.inputNode.id)

/** The subgraph node that a node lies in. @param {Place} place @returns {Place} */
function outer(place) {
  const hosts = place.hosts.slice(0, -1)
  const node = place.hosts[place.hosts.length - 1]
  return { graph: hosts.length ? hosts[hosts.length - 1].subgraph : rootGraph(), node, hosts }
}

/** The input that a value comes in by: through the inputs of subgraphs to where it is handed in. @param {Place} place @param {string} name */
function climb(place, name) {
  let slot = inputSlot(place.node, name)
  for (;;) {
    const link = linkOf(place, slot)
    if (!place.hosts.length || !link || !comesIn(place, link)) return { place, node: place.node, slot, link }
    slot = link.origin_slot
    place = outer(place)
  }
}

/** The widget that decides a value: the node's own, a promoted one of its subgraph, or that of a primitive node. @param {Place} place @param {string} name */
function widgetBehind(place, name) {
  const own = (/** @type {any} */ node, /** @type {string | undefined} */ wanted) => node.widgets?.find(/** @param {any} widget */ widget => widget.name === wanted)
  if (inputSlotOrNone(place.node, name) >= 0) {
    const { node, slot, link, place: at } = climb(place, name)
    const origin = link && at.graph.getNodeById(link.origin_id)
    if (origin?.type === 'PrimitiveNode' && origin.widgets?.[0]) return { node: origin, widget: origin.widgets[0] }
    if (node !== place.node) {
      const input = node.inputs[slot]
      const promoted = own(node, input.widget?.name) ?? own(node, input.name)
      if (promoted) return { node, widget: promoted }
    }
  }
  const widget = own(place.node, name)
  if (!widget) throw new CannotApply('cannot.widget')
  return { node: place.node, widget }
}

/** ComfyUI's own fields of numbers. They round to their steps what a hand enters, and hold any number of a file. */
const OWN_NUMBERS = new Set(['number', 'slider', 'knob', 'gradientslider'])

/** Whether a pack made the field: what it does to a number may be what its node needs. @param {any} widget */
const roundsByItself = widget => !OWN_NUMBERS.has(widget.type)

/**
 * As if the user had entered it, but exactly: a script's value is meant as it stands, as that of a file is.
 * @param {any} node @param {any} widget @param {any} value @param {boolean} [rounds] whether the field may take another number
 * @returns {any} what the field holds
 */
export function setWidget(node, widget, value, rounds = false) {
  const old = widget.value
  widget.value = value
  widget.callback?.(widget.value, app.canvas, node, [0, 0], undefined)
  const rounded = rounds && typeof value === 'number' && Number.isFinite(widget.value)
  if (widget.value !== value && !rounded) widget.value = value
  node.onWidgetChanged?.(widget.name, widget.value, old, widget)
  if (node.graph) node.graph._version++
  return widget.value
}

/** How often a subgraph is in the graph. @param {any} subgraph */
function instancesOf(subgraph) {
  const root = rootGraph()
  return [root, ...(root.subgraphs?.values() ?? [])].flatMap(graph => graph.nodes).filter(node => node.subgraph === subgraph).length
}

/** @param {{ name: string }[]} slots @param {string} name */
function freeName(slots, name) {
  const taken = new Set(slots.map(slot => slot.name))
  let free = name
  for (let number = 2; taken.has(free); number++) free = `${name}_${number}`
  return free
}

/** The output of a subgraph node that hands a node's output on, made where there is none. @param {Place & { slot: number }} source */
function exposed(source) {
  const outputs = source.graph.outputs ?? []
  const slot = outputs.findIndex(/** @param {any} output */ output => (output.linkIds ?? []).some(/** @param {number} id */ id => {
    const link = linkById(source.graph, id)
    return link && String(link.origin_id) === String(source.node.id) && link.origin_slot === source.slot
  }))
  if (slot >= 0) return { ...outer(source), slot }
  const inner = source.node.outputs[source.slot]
  const made = source.graph.addOutput(freeName(outputs, inner.name), String(inner.type))
  made.connect(inner, source.node)
  return { ...outer(source), slot: source.graph.outputs.indexOf(made) }
}

// The graph as Apply would make it, for as long as something is made of it: then it is as before.
import { applyEdits, setWidget } from './apply.mjs'
import { activeTracker, app, controlOf, everyNode, rootGraph, selectedNodes, shownGraph, widgetOfInput } from './comfy.mjs'

/** @typedef {import('./server.mjs').Edit} Edit */

/** An edit that the graph cannot take. */
export class TrialError extends Error {}

export class Trial {
  #edits
  /** Seeds that the script says do not go on to the next. @type {{ id: string, input: string, value: any }[]} */
  #held = []
  /** Where nodes that it adds were: their edit's name → prompt id. @type {Record<string, string>} */
  added = {}

  /** @param {Edit[]} edits */
  constructor(edits) {
    this.#edits = edits
  }

  /** Until `release`, nobody takes the graph's state for one to undo to. */
  hold() {
    app.canvas.emitBeforeChange()
    for (const { op, node, input } of this.#edits) {
      const control = op === 'set' && !node.startsWith('+') ? controlOf(widgetOfInput(node, String(input))) : undefined
      if (!control || control.value === 'fixed') continue
      this.#held.push({ id: node, input: String(input), value: control.value })
      control.value = 'fixed'
    }
  }

  release() {
    for (const { id, input, value } of this.#held.splice(0)) {
      const control = controlOf(widgetOfInput(id, input))
      if (control) control.value = value
    }
    app.canvas.emitAfterChange()
  }

  /** What the graph's widgets hold now, to give that back. */
  values() {
    const values = everyNode().flatMap(node => (node.widgets ?? []).map((/** @type {any} */ widget) => ({ node, widget, value: widget.value })))
    return { giveBack: () => { for (const { node, widget, value } of values) if (node.graph && widget.value !== value) setWidget(node, widget, value) } }
  }

  /** @template T @param {() => Promise<T>} make @returns {Promise<T>} */
  async during(make) {
    if (!this.#edits.length) return make()
    const before = JSON.stringify(rootGraph().serialize())
    const values = this.values()
    app.canvas.pause_rendering = true
    try {
      const { failures, added } = applyEdits(this.#edits)
      this.added = added
      if (failures.length) throw new TrialError(failures[0].reason)
      // What nodes bring along with their values and links is there in a moment.
      if (this.#edits.some(edit => edit.op !== 'set')) await new Promise(resolve => setTimeout(resolve))
      return await make()
    } finally {
      values.giveBack()
      if (nodesOf(rootGraph().serialize()) !== nodesOf(JSON.parse(before))) await restore(JSON.parse(before))
      app.canvas.pause_rendering = false
    }
  }
}

/** What makes one graph another, but for where one looks. @param {any} workflow */
const nodesOf = ({ nodes, links, groups, definitions }) => JSON.stringify([nodes, links, groups, definitions])

/** Loads a graph as ComfyUI's undo does, which leaves its history as it is. @param {any} workflow */
async function restore(workflow) {
  const tracker = activeTracker()
  const { activeState } = tracker
  const chosen = selectedNodes().map(node => node.id)
  const shown = shownGraph().id
  await tracker.updateState([workflow], [])
  tracker.activeState = activeState
  const graph = rootGraph().subgraphs?.get(shown) ?? rootGraph()
  if (app.canvas.graph !== graph) app.canvas.setGraph(graph)
  app.canvas.selectItems(chosen.map(id => graph.getNodeById(id)).filter(Boolean))
}

// Makes the graph what a script says, as one step of ComfyUI's undo, and lets the script stay with it.
import { applyEdits } from './apply.mjs'
import { activeTracker, asOneStep, keepText, rootGraph, showAllNodes } from './comfy.mjs'
import { openGraph } from './graph_script.mjs'
import { showNodes } from './selection.mjs'
import * as server from './server.mjs'
import { t } from './text.mjs'

/** @typedef {import('./state.mjs').State} State */
/** @typedef {Exclude<import('./server.mjs').Plan, { errors: import('./server.mjs').ScriptErrorJson[] }>} Planned */

/** What could not be done is in `state.notApplied` then. @param {State} state @param {string} script @param {Planned} plan @returns {Promise<import('./apply.mjs').Taken[]>} */
export async function applyScript(state, script, plan) {
  state.notApplied = []
  const { edits } = plan
  /** @type {Record<string, string>} */
  let made = {}
  /** @type {import('./apply.mjs').Taken[]} */
  let rounded = []
  const wasEmpty = !rootGraph().nodes.length
  await asOneStep(async () => {
    if (edits.length) {
      const { failures, added, taken } = applyEdits(edits)
      made = added
      rounded = taken
      await settled()
      await verify(state, script, { failures, taken }, paired(plan, added))
    }
    if (!state.notApplied.length) await keep(state, script)
  })
  // Whoever looks at an empty graph may look anywhere.
  if (wasEmpty && rootGraph().nodes.length) void showAllNodes()
  else showNodes(Object.values(made))
  return rounded
}

/** Which node of the script is which of the graph, now that the new ones have ids. @param {Planned} plan @param {Record<string, string>} added */
const paired = ({ nodes }, added) => nodes && Object.fromEntries(Object.entries(nodes).map(([node, id]) => [node, added[id] ?? id]))

/** @param {import('./server.mjs').Edit} edit */
const placeOf = edit => `${edit.line}|${edit.input ?? ''}`

/** Whether the graph now is the script: asked of the server rather than hoped. @param {State} state @param {string} script @param {{ failures: import('./apply.mjs').Failure[], taken: import('./apply.mjs').Taken[] }} done @param {Record<string, string>} [nodes] */
async function verify(state, script, { failures, taken }, nodes) {
  const rest = await server.planApply({ ...await openGraph(), script, nodes })
  state.plan = rest
  if (rest.errors) return
  const rounded = new Set(taken.map(({ edit }) => placeOf(edit)))
  const left = rest.edits.filter(edit => edit.op !== 'set' || !rounded.has(placeOf(edit)))
  const reasons = new Map(failures.map(({ edit, reason }) => [placeOf(edit), reason]))
  const found = left.map(edit => ({ line: edit.line, message: t(reasons.get(placeOf(edit)) ?? 'cannot.other', { input: edit.input ?? edit.type ?? edit.node }) }))
  state.notApplied = [...new Map(found.map(one => [`${one.line}|${one.message}`, one])).values()]
}

/** The step in which the text alone was kept last. @type {{ tracker: any, steps: number }} */
let last = { tracker: undefined, steps: 0 }

/** Keeps a text that changes nothing in the graph. What is typed in one go is one step of ComfyUI's undo. @param {State} state @param {string} script */
export async function keepScript(state, script) {
  const tracker = activeTracker()
  const steps = tracker?.undoQueue.length
  await asOneStep(() => keep(state, script))
  if (tracker && tracker === last.tracker && steps === last.steps && tracker.undoQueue.length > steps) tracker.undoQueue.pop()
  last = { tracker, steps: tracker?.undoQueue.length ?? 0 }
}

/** What was typed stays the graph's script, unless it is what would be written anyway. @param {State} state @param {string} script */
async function keep(state, script) {
  const { workflow, style } = await openGraph()
  const anew = await server.transpile({ workflow, style })
  keepText(anew.script === script ? undefined : script)
  state.base = anew.script === script ? anew : await server.transpile({ workflow, style, text: script })
}

/** Once what the frontend puts off to the next frames has happened. */
const settled = () => new Promise(resolve => {
  // No frames come while the page is hidden.
  const timer = setTimeout(resolve, 150)
  requestAnimationFrame(() => requestAnimationFrame(() => { clearTimeout(timer); setTimeout(resolve) }))
})

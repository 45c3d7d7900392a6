// Makes the graph what a script says, as one step of ComfyUI's undo, and lets the script stay with it.
import { applyEdits } from './apply.mjs'
import { asOneStep, keepText, rootGraph, showAllNodes } from './comfy.mjs'
import { openGraph } from './graph_script.mjs'
import * as server from './server.mjs'
import { t } from './text.mjs'

/** @typedef {import('./state.mjs').State} State */

/** What could not be done is in `state.notApplied` then. @param {State} state @param {string} script @param {import('./server.mjs').Edit[]} edits */
export async function applyScript(state, script, edits) {
  state.notApplied = []
  const wasEmpty = !rootGraph().nodes.length
  await asOneStep(async () => {
    if (edits.length) {
      const { failures } = applyEdits(edits)
      await settled()
      await verify(state, script, failures)
    }
    if (!state.notApplied.length) await keep(state, script)
  })
  // Whoever looks at an empty graph may look anywhere.
  if (wasEmpty && rootGraph().nodes.length) void showAllNodes()
}

/** Whether the graph now is the script: asked of the server rather than hoped. @param {State} state @param {string} script @param {import('./apply.mjs').Failure[]} failures */
async function verify(state, script, failures) {
  const rest = await server.planApply({ ...openGraph(), script })
  state.plan = rest
  if (rest.errors || !rest.edits.length) return
  const reasons = new Map(failures.map(failure => [`${failure.edit.line}|${failure.edit.input ?? ''}`, failure.reason]))
  const found = rest.edits.map(edit => ({ line: edit.line, message: t(reasons.get(`${edit.line}|${edit.input ?? ''}`) ?? 'cannot.other', { input: edit.input ?? edit.type ?? '' }) }))
  state.notApplied = [...new Map(found.map(one => [`${one.line}|${one.message}`, one])).values()]
}

/** What was typed stays the graph's script, unless it is what would be written anyway. @param {State} state @param {string} script */
async function keep(state, script) {
  const { workflow, style } = openGraph()
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
